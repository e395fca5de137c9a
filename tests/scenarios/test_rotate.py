#!/usr/bin/env python3
"""CA keys are replaced while certificates live: real sshd, real nginx.

	test_rotate.py JIT_SIGNER JIT_CERT

What was issued before stays good, what is issued after is good on servers
that follow, each step can be killed anywhere and is then done or not, and
whoever verifies the log and its evidence sees nothing odd.  The X.509 CA is
put below an offline root on the way.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, free_port, until  # noqa: E402
from rows import check, report  # noqa: E402

ROLES = """
  db:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
  web:
    kind: x509
    profile: client
    subject: {{ cn: "{{person}}" }}
    revocation: http://127.0.0.1:1/crl
    max: 1h
    horizon: 1d
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
NGINX = """
daemon off;
pid {top}/nginx.pid;
error_log {top}/nginx.err;
events {{ }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {top}/server.pem;
        ssl_certificate_key {top}/server.key;
        ssl_client_certificate {ca};
        ssl_verify_client on;
        ssl_verify_depth 2;
        ssl_session_tickets off;
        ssl_session_cache off;
        location / {{ return 200 "in as $ssl_client_s_dn\\n"; }}
    }}
}}
"""
CRASHES = ("TURN_CHECKPOINT", "WRITE_AFTER", "SYNC_AFTER",
           "SNAPSHOT_RENAME")


def rotate(lab, use, *args, crash=None):
    """jit-signer rotate: (status, what it says)."""
    env = {**os.environ, **({"JIT_TEST_CRASH": crash} if crash else {})}
    done = subprocess.run(
        [lab.signer, "rotate", lab.home, lab.policy, use, *map(str, args),
         "--passphrase-file", lab.dir / "pass"], env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return done.returncode, done.stdout


def step(lab, name, use, *args, status=0, words=()):
    got, said = rotate(lab, use, *args)
    check(name, got == status and all(w in said for w in words), got, said)


def while_stopped(lab, what):
    lab.end(lab.daemon)
    what()
    lab.serve()


def grant(lab, role, out):
    """A certificate of that role, in a folder; its request's id."""
    _, said, err = lab.run("alice", "request", role, "--json", "-r", "INC-1 x")
    rid = json.loads(said.splitlines()[-1])["id"]
    for who, args in (("bob", ("approve", rid, "--yes")),
                      ("alice", ("collect", rid, "--out", out))):
        status, said, err = lab.run(who, *args)
        if status != 0:
            raise RuntimeError(f"{args}: {said} {err}")
    return rid


# ---- the servers ----

def follow(lab, name):
    """That sshd takes what the signer's home publishes."""
    text = (lab.home / "user-ca.pub").read_text()
    (lab.dir / "hosts" / f"{name}.ca").write_text(text)


def wire(lab, name):
    """A file of its own, so that one server can lag behind."""
    conf = lab.dir / "hosts" / f"{name}.conf"
    text = conf.read_text().replace("hosts/ca.pub", f"hosts/{name}.ca")
    conf.write_text(text)
    follow(lab, name)
    lab.hosts[name]["sshd"].terminate()
    lab.hosts[name]["sshd"].wait(10)
    log = open(lab.hosts[name]["log"], "a")
    lab.hosts[name]["sshd"] = subprocess.Popen(
        [shutil.which("sshd", path="/usr/sbin:/usr/bin"), "-D", "-e", "-f",
         conf], stderr=log)
    lab.children.append(lab.hosts[name]["sshd"])
    until(lambda: lab.listens(lab.hosts[name]["port"]))


def ssh(lab, name, out):
    """Does that server let the key and certificate in a folder in?"""
    key = next(p for p in pathlib.Path(out).iterdir()
               if (pathlib.Path(f"{p}-cert.pub")).exists())
    done = subprocess.run(
        ["ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o",
         "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
         "-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o",
         f"CertificateFile={key}-cert.pub", "-p",
         str(lab.hosts[name]["port"]), f"{lab.user}@127.0.0.1", "echo in"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=30)
    return done.stdout.strip() == "in"


class Nginx:
    def __init__(self, lab):
        self.top, self.port = lab.dir / "web", free_port()
        self.top.mkdir()
        self.ca = self.top / "ca.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        self.top / "server.key", "-out",
                        self.top / "server.pem", "-subj", "/CN=localhost",
                        "-days", "2"], check=True, stderr=subprocess.DEVNULL)
        self.follow(lab)
        (self.top / "nginx.conf").write_text(NGINX.format(
            top=self.top, port=self.port, ca=self.ca))
        self.child = subprocess.Popen(["nginx", "-p", self.top, "-e",
                                       self.top / "nginx.err", "-c",
                                       self.top / "nginx.conf"])
        lab.children.append(self.child)
        until(lambda: lab.listens(self.port))

    def follow(self, lab, reload=False):
        shutil.copy(lab.home / "x509-ca.pem", self.ca)
        if reload:
            self.child.send_signal(1)
            time.sleep(1)

    def lets_in(self, out):
        done = subprocess.run(
            ["curl", "-sk", "-m", "10", "--cert", f"{out}/cert.pem", "--key",
             f"{out}/key.pem", f"https://127.0.0.1:{self.port}/"],
            stdout=subprocess.PIPE, text=True)
        return done.stdout.startswith("in as CN=alice")


# ---- the story ----

def first_half(lab, web):
    """Next: both keys are published, nothing else changes."""
    check("before: sshd", ssh(lab, "db1", lab.dir / "ssh1"))
    check("before: nginx", web.lets_in(lab.dir / "tls1"))

    def do():
        step(lab, "activate without a next one", "user-ca", "--activate",
             status=15, words=("no user-ca is next",))
        step(lab, "finish without a retiring one", "user-ca", "--finish",
             status=15, words=("no user-ca is retiring",))
        step(lab, "next user-ca", "user-ca", "--next",
             words=("a server refuses every new certificate as long as",))
        step(lab, "a second next one", "user-ca", "--next", status=1,
             words=("published already",))
        step(lab, "next x509-ca", "x509-ca", "--next")
    while_stopped(lab, do)
    follow(lab, "db1")
    web.follow(lab, reload=True)
    check("next: sshd", ssh(lab, "db1", lab.dir / "ssh1"))
    check("next: nginx", web.lets_in(lab.dir / "tls1"))


def second_half(lab, web):
    """Activate: the new keys sign, what is out stays good."""
    def do():
        step(lab, "activate user-ca", "user-ca", "--activate",
             words=("1 certificate of it lives",))
        step(lab, "activate x509-ca", "x509-ca", "--activate")
        step(lab, "finish while certificates live", "user-ca", "--finish",
             status=14, words=("1 certificates of the retiring user-ca",))
    while_stopped(lab, do)
    ids = (grant(lab, "db", lab.dir / "ssh2"),
           grant(lab, "web", lab.dir / "tls2"))
    for n in ("1", "2"):
        check(f"activated: sshd, certificate {n}",
              ssh(lab, "db1", lab.dir / f"ssh{n}"))
        check(f"activated: nginx, certificate {n}",
              web.lets_in(lab.dir / f"tls{n}"))
    check("a server that does not follow: the old one",
          ssh(lab, "db2", lab.dir / "ssh1"))
    check("a server that does not follow: the new one",
          not ssh(lab, "db2", lab.dir / "ssh2"))
    return ids


def believed(lab, name, rid):
    """Evidence of a grant, verified offline."""
    path = lab.dir / f"{rid}.txt"
    status, out, err = lab.run("alice", "evidence", rid, "--out", path)
    check(f"{name}: evidence", status == 0, status, out, err)
    status, out, err = lab.run("alice", "verify", path, "--pin", lab.vkey())
    check(f"{name}: verified", status == 0, status, out, err)


def taken_back(lab, old, new):
    """Revoked under either key: one KRL has both."""
    for name, rid in (("old", old), ("new", new)):
        status, out, err = lab.run("alice", "revoke", rid, "--reason", "x",
                                   "--yes")
        check(f"revoke the {name} one", status == 0, status, out, err)
    status, out, err = lab.run("alice", "ca", "--krl", lab.dir / "krl")
    check("a KRL", status == 0, status, out, err)
    for n in ("1", "2"):
        cert = next((lab.dir / f"ssh{n}").glob("*-cert.pub"))
        done = subprocess.run(["ssh-keygen", "-Q", "-f", lab.dir / "krl",
                               cert], stdout=subprocess.PIPE, text=True)
        check(f"certificate {n} is on it", done.returncode == 1 and
              "REVOKED" in done.stdout, done.stdout)


def finished(lab):
    def do():
        step(lab, "finish user-ca", "user-ca", "--finish",
             words=("none is retiring",))
        step(lab, "finish x509-ca by force", "x509-ca", "--finish", "--force")
    while_stopped(lab, do)
    follow(lab, "db1")
    check("finished: the old key is no server's any more",
          not ssh(lab, "db1", lab.dir / "ssh1"))
    check("one CA is published", len((lab.home / "user-ca.pub").read_text()
                                     .splitlines()) == 1)


STEPS = (("--next", {"active": True, "next": True, "retiring": False}),
         ("--activate", {"active": True, "next": False, "retiring": True}),
         ("--finish", {"active": True, "next": False, "retiring": False}))


def state(lab):
    """Which of the three there are, and what was said."""
    said = rotate(lab, "user-ca")[1]
    keys = re.findall(r"^  (active|next|retiring) +(\S+)", said, re.M)
    return {k: v != "none;" and v != "none" for k, v in keys}, said


def killed(lab):
    """Each step killed at each point: before it or after it, never between."""
    before = state(lab)[0]
    for crash in CRASHES:
        for flag, want in STEPS:
            force = ("--force",) if flag == "--finish" else ()
            status, said = rotate(lab, "user-ca", flag, *force, crash=crash)
            check(f"{flag} killed at {crash}", status == 77, status, said)
            got, said = state(lab)
            check(f"{flag} at {crash}: before or after", got in (before, want),
                  said)
            if got != want:
                status, said = rotate(lab, "user-ca", flag, *force)
                check(f"{flag} again", status == 0, status, said)
            before = want
        spare(lab)
    lab.serve()
    grant(lab, "db", lab.dir / "ssh3")
    follow(lab, "db1")
    check("after all that: sshd", ssh(lab, "db1", lab.dir / "ssh3"))


def spare(lab):
    """Remove key files of keys that are not published."""
    said = rotate(lab, "user-ca")[1]
    live = set(re.findall(r"SHA256:[A-Za-z0-9+/]{43}", said))
    for path in lab.home.glob("user-ca.?.key"):
        blob = path.read_text()
        if not any(fp in live for fp in fingerprints(blob)):
            path.unlink()


def fingerprints(text):
    """Of the public key blob that a key file begins with."""
    import base64
    import hashlib
    raw = base64.b64decode("".join(text.split("\n")[1:-2]))
    kind = int.from_bytes(raw[9:13], "big")
    at = 13 + kind
    size = int.from_bytes(raw[at:at + 4], "big")
    digest = hashlib.sha256(raw[at + 4:at + 4 + size]).digest()
    return ["SHA256:" + base64.b64encode(digest).decode().rstrip("=")]


def offline_root(lab, web):
    """The issuing CA comes below a root that never saw the signer."""
    root, csr, chain = lab.dir / "root", lab.dir / "ca.csr", lab.dir / "ch"
    secret = lab.dir / "rootpass"
    secret.write_text("another horse\n")
    secret.chmod(0o600)

    def ceremony(*args):
        done = subprocess.run([lab.signer, "root", *map(str, args),
                               "--passphrase-file", secret], text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        check(f"root {args[0]}", done.returncode == 0, done.stdout)

    def do():
        step(lab, "a CSR for the root", "x509-ca", "--next", "--csr", csr)
        ceremony("init", root, "--name", "lab-root")
        ceremony("sign", root, "--csr", csr, "--name", "lab-issuing",
                 "--out", chain)
        ceremony("crl", root, "--out", lab.dir / "root.crl")
        step(lab, "another key's chain", "x509-ca", "--next", "--chain",
             lab.dir / "web" / "server.pem", status=2)
        step(lab, "the root's chain", "x509-ca", "--next", "--chain", chain)
        step(lab, "which signs now", "x509-ca", "--activate")
    while_stopped(lab, do)
    web.follow(lab, reload=True)
    rid = grant(lab, "web", lab.dir / "tls3")
    check("below the root: nginx", web.lets_in(lab.dir / "tls3"))
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslclient",
         "-CAfile", root / "root.pem", "-untrusted", lab.dir / "tls3" /
         "cert.pem", lab.dir / "tls3" / "cert.pem"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check("below the root: openssl", done.returncode == 0, done.stdout)
    check("the root's key is not here",
          not list(lab.home.rglob("root*")))
    return rid


def main():
    signer, cert = sys.argv[1:3]
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        print("nginx is not installed")
        sys.exit(77)
    os.environ["PATH"] += ":/usr/sbin"
    with Lab(signer, cert, roles=ROLES, init=["--x509", "ecdsa-p256"]) as lab:
        old = (grant(lab, "db", lab.dir / "ssh1"),
               grant(lab, "web", lab.dir / "tls1"))
        for name in lab.hosts:
            wire(lab, name)
        web = Nginx(lab)
        first_half(lab, web)
        new = second_half(lab, web)
        for name, rid in (("old ssh", old[0]), ("old tls", old[1]),
                          ("new ssh", new[0]), ("new tls", new[1])):
            believed(lab, name, rid)
        taken_back(lab, old[0], new[0])
        finished(lab)
        believed(lab, "old ssh, afterwards", old[0])
        believed(lab, "below the root", offline_root(lab, web))
        lab.end(lab.daemon)
        killed(lab)
        status, out, err = lab.run("dana", "verify", "--log", "--deep",
                                   "--pin", lab.vkey())
        check("the whole log", status == 0, status, out, err)
    report()


if __name__ == "__main__":
    main()
