#!/usr/bin/env python3
"""pki-examples/curl/README.md, typed as it stands: the whole road with curl,
openssl and ssh-keygen: test_curl.py SIGNER CERT CERTD SOURCE

What a reader has otherwise is put in its place: the server's name, the id,
the database's address.  jit-cert is not on the path.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import rows
from lab import Lab, ROLES

signer, cert, certd, source = sys.argv[1:5]
source = pathlib.Path(source)
ONE = ROLES.replace("need: 2", "need: 1")


def blocks():
    text = (source / "pki-examples/curl/README.md").read_text()
    return re.findall(r"<!-- (\w+) -->\n```bash\n(.*?)```", text, re.S)


def tools(lab):
    """A folder with nothing but what the page says."""
    bin_ = lab.dir / "bin"
    bin_.mkdir()
    for name in ("curl", "openssl", "ssh-keygen", "ssh", "bash", "cat",
                 "sed", "cut", "grep", "tr", "tee", "rm"):
        (bin_ / name).symlink_to(shutil.which(name))
    return bin_


def fit(text, lab, rid):
    host = lab.hosts["db1"]
    return (text.replace("https://jit.example.com:8443", lab.url())
            .replace("pki-examples/", f"{source}/pki-examples/")
            .replace("CA=tls.pem", f"CA={lab.dir}/tls.pem")
            .replace("~/.ssh/id_ed25519", "key")
            .replace("dba@db1", f"-o UserKnownHostsFile={lab.dir}/known "
                     f"-p {host['port']} {lab.user}@127.0.0.1")
            .replace("/ID", f"/{rid}").replace('"ID"', f'"{rid}"'))


def main():
    with Lab(signer, cert, certd=certd, roles=ONE) as lab:
        path = str(tools(lab))
        key = lab.public(lab.dir / "hosts" / "db1").split()
        (lab.dir / "known").write_text(
            f"[127.0.0.1]:{lab.hosts['db1']['port']} {key[0]} {key[1]}\n")
        said, rid = {}, "ID"
        head = {}
        for who, text in blocks():
            # A person's shell goes on from block to block.
            script = "set -eu -o pipefail\n" + head.get(who, "") + fit(
                text, lab, rid)
            head.setdefault(who, fit(text, lab, rid))
            done = subprocess.run(
                ["bash", "-c", script], cwd=lab.dir / who, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, timeout=120, check=False,
                env={"PATH": path, "HOME": str(lab.dir / who),
                     "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8")})
            said[who] = said.get(who, "") + done.stdout
            rows.check(f"{who}: {text.splitlines()[0]}",
                       done.returncode == 0, done.stdout[-3000:])
            if (m := re.search(r"(?m)^([0-7][0-9A-Z]{25})$", done.stdout)):
                rid = m.group(1)
        rows.check("she saw the text that she signed",
                   "jit-cert request v1\n" in said["alice"])
        rows.check("he saw what he decided on",
                   "verdict: approve\n" in said["bob"] and
                   "reason: INC-4711 payments stuck" in said["bob"])
        rows.check("the certificate is hers", f"alice:{rid}:" in
                   said["alice"])
        rows.check("and sshd let her in", "load average" in said["alice"])
        rows.check("what he revoked is in the list that she fetched",
                   "jit-cert revoke v1\n" in said["bob"] and
                   "REVOKED" in said["alice"] and
                   "no longer let in" in said["alice"])
        rows.check("the list is signed, and nothing is newer",
                   'Good "krl@jit-cert" signature' in said["alice"] and
                   said["alice"].rstrip().endswith("304"), said["alice"])
        script = head["alice"] + fit("""
render '{"kind":"decision","request":"ID","verdict":"approve"}' d.txt
api POST /v1/requests/ID/decisions "$(signed d.txt \\
    "$(sign decision.v1@jit-cert "$KEY" d.txt)")"
""", lab, rid)
        said = subprocess.run(
            ["bash", "-c", script], cwd=lab.dir / "alice", text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env={"PATH": path, "HOME": str(lab.dir / "alice")}).stdout
        rows.check("a problem is shown", '"code":"own-request"' in said or
                   '"code":"already-issued"' in said or
                   '"code":"revoked"' in said, said)


main()
rows.report()
