#!/usr/bin/env python3
"""What a real sshd makes of our certificates.

	test_sshd.py JIT_SIGNER JIT_CERT

In inside the window; refused by sshd itself before it opens, after it ends,
for another principal, account, server, source address, CA; options exactly as
approved; eight other keys in the agent; an old ControlMaster; a false host
key; every type of CA key and of people's keys (cases 24, 25, 28, 38, 41).
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, until  # noqa: E402
from rows import check, report  # noqa: E402

OPTIONS = {
    "plain": "[permit-pty]", "bare": "[]",
    "ports": "[permit-port-forwarding]",
    "agents": "[permit-agent-forwarding]",
    "forced": '["force-command=echo forced"]',
    "inside": "[source-address=127.0.0.2/32]",
    "here": "[source-address=127.0.0.1/32]",
    # Each for one part alone: what is live is used again.
    "eight": "[permit-pty]", "shared": "[permit-pty]",
    "stranger": "[permit-pty]", "web": "[permit-pty]",
}
# web has db2 alone, by a host group of its own.
ROLES = "".join(f"""
  {name}:
    accounts: [{{user}}]
    host-groups: [{"web" if name == "web" else "prod-db"}]
    options: {options}
    max: 1h
    horizon: 1d
    request: {{{{ of: [dev], proofs: [sshsig] }}}}
    approve: {{{{ need: 1, of: [sre], proofs: [sshsig] }}}}
""" for name, options in OPTIONS.items())
PEOPLE = {"alice": ["dev"], "bob": ["sre"], "dana": ["admins"]}


def must(got):
    if got[0] != 0:
        raise SystemExit(f"FAILED  a step before: {got}")
    return got[1]


def grant(lab, role, *args, who="alice"):
    """A certificate and its key, in a folder of their own."""
    out = must(lab.run(who, "request", role, "--json", *args))
    rid = json.loads(out.splitlines()[-1])["id"]
    must(lab.run("bob", "approve", rid, "--yes"))
    folder = lab.dir / who / rid
    must(lab.run(who, "collect", rid, "--out", folder))
    return folder


def ssh(lab, folder, host="db1", user=None, options=(), command=("echo", "in"),
        timeout=40):
    """Plain ssh with that certificate: (status, stdout, stderr)."""
    done = subprocess.run(
        ["ssh", *options, "-i", folder / "id", "-o", "IdentitiesOnly=yes",
         "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o",
         f"UserKnownHostsFile={folder / 'known_hosts'}", "-o",
         f"HostKeyAlias={host}", "-o", "ControlPath=none", "-p",
         str(lab.hosts[host]["port"]), f"{user or lab.user}@127.0.0.1",
         *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=timeout,
        env=lab.env("alice"))
    return done.returncode, done.stdout, done.stderr


def approve_first(lab, role, child):
    """Bob approves the one request of that role, as soon as it is there."""
    seen = []

    def waiting():
        """a request in bob's inbox"""
        seen[:] = lab.run("bob", "inbox", "--json")
        return [r["id"] for r in map(json.loads, seen[1].splitlines())
                if r.get("role") == role]
    try:
        must(lab.run("bob", "approve", until(waiting, 20)[0], "--yes"))
    except TimeoutError:
        child.terminate()
        raise SystemExit(f"FAILED  no request: {seen}, "
                         f"{child.communicate()}") from None


def log_of(lab, host="db1"):
    return lab.hosts[host]["log"].read_text()


def window(lab):
    folder = grant(lab, "plain", "--for", "6s")
    began = time.monotonic()
    got = ssh(lab, folder)
    check("in, inside the window", got[:2] == (0, "in\n"), got)
    line = [x for x in log_of(lab).splitlines() if "Accepted" in x][-1]
    check("sshd's log has key id and serial", f"ID alice:{folder.name}:"
          in line and "(serial 1)" in line, line)
    time.sleep(max(0, 7 - (time.monotonic() - began)))
    got = ssh(lab, folder)
    check("refused after it, same key offered", got[0] == 255 and
          "Permission denied" in got[2] and "expired" in log_of(lab), got)
    status, out, err = lab.run("alice", "ssh", "plain", "--no-wait", "--",
                               "db1", "true")
    check("jit-cert ssh does not use it either", status in (14, 125), out,
          err)
    must(lab.run("alice", "cancel", json.loads(lab.run(
        "alice", "list", "--mine", "--json")[1].splitlines()[-1])["id"]))


def future(lab):
    folder = grant(lab, "plain", "--opens", "5s", "--for", "30s")
    got = ssh(lab, folder)
    check("refused before it opens", got[0] == 255 and
          "not yet valid" in log_of(lab), got)
    time.sleep(6)
    got = ssh(lab, folder)
    check("in when it has opened", got[:2] == (0, "in\n"), got)


def others(lab):
    folder = grant(lab, "plain", "--for", "5m")
    got = ssh(lab, folder, user="nobody")
    check("another account", got[0] == 255, got)
    users = lab.dir / "hosts" / "db2.users" / lab.user
    true = users.read_text()
    for name, text in (("another host group", f"{lab.user}.web\n"),
                       ("another principal", "dba.prod-db\n"),
                       ("a longer one", f"{lab.user}.prod-db2\n"),
                       ("all in one line", f"x,{lab.user}.prod-db\n")):
        users.write_text(text)
        got = ssh(lab, folder, "db2")
        check(f"{name} is refused", got[0] == 255, got)
    users.write_text(true)
    check("and the true one is not", ssh(lab, folder, "db2")[0] == 0)
    strangers(lab, folder)
    # A server that trusts another CA.
    lab.end(lab.hosts["db2"]["sshd"])
    lab.start_sshd("db2", trust=False)
    check("a server of another CA", ssh(lab, folder, "db2")[0] == 255)
    lab.end(lab.hosts["db2"]["sshd"])
    lab.start_sshd("db2")


def strangers(lab, folder):
    """Certificates that nobody issued, and one without its key."""
    fake = lab.dir / "alice" / "fake"
    fake.mkdir()
    shutil.copy(folder / "known_hosts", fake)
    lab.keygen(fake / "id", "fake")
    lab.keygen(fake / "ca", "another CA")
    subprocess.run(["ssh-keygen", "-q", "-s", fake / "ca", "-I",
                    f"alice:{folder.name}:1", "-n", f"{lab.user}.prod-db",
                    "-V", "-1m:+5m", fake / "id.pub"], check=True,
                   stderr=subprocess.DEVNULL)
    got = ssh(lab, fake)
    check("a certificate of another CA", got[0] == 255, got)
    true = (folder / "id-cert.pub").read_text().split()
    shutil.copy(folder / "id-cert.pub", fake)
    got = ssh(lab, fake)
    check("the certificate without its key", got[0] == 255, got)
    shutil.copy(folder / "id", fake)
    check("and with it", ssh(lab, fake)[0] == 0)
    blob = bytearray(base64.b64decode(true[1]))
    at = blob.index(f"{lab.user}.prod-db".encode())
    for name, where, bit in (("one bit of its principal", at, 1),
                             ("of its signature", len(blob) - 1, 1),
                             ("its type of a host", blob.index(
                              f"alice:{folder.name}".encode()) - 5, 3)):
        blob[where] ^= bit
        (fake / "id-cert.pub").write_text(
            f"{true[0]} {base64.b64encode(blob).decode()} x\n")
        got = ssh(lab, fake)
        check(f"{name} changed", got[0] == 255, got)
        blob[where] ^= bit


def addresses(lab):
    folder = grant(lab, "inside", "--for", "5m")
    got = ssh(lab, folder)
    check("another source address is refused", got[0] == 255, got)
    got = ssh(lab, folder, options=("-b", "127.0.0.2"))
    check("the approved one is not", got[:2] == (0, "in\n"), got)
    check("nor is another role's", ssh(lab, grant(lab, "here"))[0] == 0)


def forwards(lab, folder, port):
    """Does a port forwarded through it reach anything?"""
    child = subprocess.Popen(
        ["ssh", "-i", folder / "id", "-o", "IdentitiesOnly=yes", "-o",
         "IdentityAgent=none", "-o", "BatchMode=yes", "-o",
         f"UserKnownHostsFile={folder / 'known_hosts'}", "-o",
         "HostKeyAlias=db1", "-N", "-L",
         f"127.0.0.1:{port}:127.0.0.1:{lab.hosts['db2']['port']}", "-p",
         str(lab.hosts["db1"]["port"]), f"{lab.user}@127.0.0.1"],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=lab.env("alice"))
    try:
        until(lambda: lab.listens(port))
        seen = subprocess.run(["ssh-keyscan", "-T", "3", "-p", str(port),
                               "127.0.0.1"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
        return b"ssh-ed25519" in seen
    finally:
        lab.end(child)


def options(lab):
    from lab import free_port
    bare, plain = grant(lab, "bare"), grant(lab, "plain")
    ports, agents = grant(lab, "ports"), grant(lab, "agents")
    tty = ("-tt",)
    got = ssh(lab, bare, options=tty, command=("tty",))
    check("no terminal where none was approved", "/dev/pts" not in got[1] and
          "PTY allocation request failed" in got[2], got)
    got = ssh(lab, plain, options=tty, command=("tty",))
    check("a terminal where it was", "/dev/pts" in got[1], got)
    check("no port forwarding", not forwards(lab, plain, free_port()))
    check("port forwarding where it was approved",
          forwards(lab, ports, free_port()))
    for name, folder, want in (("not backwards either", plain, 255),
                               ("but there", ports, 0)):
        got = ssh(lab, folder, options=("-o", "ExitOnForwardFailure=yes",
                  "-R", f"127.0.0.1:{free_port()}:127.0.0.1:1"))
        check(name, got[0] == want, got)
    ask = ("sh", "-c", "'echo ${SSH_AUTH_SOCK:-none}'")
    with_agent = ("-A", "-o", f"IdentityAgent={lab.dir / 'alice' / 'agent'}")
    got = ssh(lab, plain, options=with_agent, command=ask)
    check("no agent forwarding", got[1] == "none\n", got)
    got = ssh(lab, agents, options=with_agent, command=ask)
    check("agent forwarding where it was approved", got[0] == 0 and
          got[1] != "none\n", got)
    folder = grant(lab, "forced")
    got = ssh(lab, folder, command=("cat", "/etc/passwd"))
    check("a forced command, whatever is asked", got[:2] == (0, "forced\n"),
          got)
    for name, way, what in (("for a shell", (), ()),
                            ("for a subsystem", ("-s",), ("sftp",))):
        got = ssh(lab, folder, options=way, command=what)
        check(f"and {name}", got[:2] == (0, "forced\n"), got)
    for name, want in list(OPTIONS.items())[:7]:
        folder = grant(lab, name)
        text = subprocess.run(["ssh-keygen", "-L", "-f",
                               folder / "id-cert.pub"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        tail = text[text.index("Critical Options"):].split()
        said = " ".join(w for w in tail if w not in (
            "Critical", "Options:", "Extensions:", "(none)"))
        plain_want = want.strip('[]"').replace("=", " ")
        check(f"exactly as approved: {name}", said == plain_want, text)


def agent(lab):
    env = lab.env("alice")
    for i in range(8):
        key = lab.dir / f"more{i}"
        lab.keygen(key, f"more{i}")
        subprocess.run(["ssh-add", "-q", key], check=True, env=env,
                       stderr=subprocess.DEVNULL)
    child = lab.begin("alice", "ssh", "eight", "--for", "8s", "--", "db1",
                      "echo in")
    approve_first(lab, "eight", child)
    out, err = child.communicate(timeout=40)
    check("eight other keys in the agent", child.returncode == 0 and
          out == "in\n", out, err)
    subprocess.run(["ssh-add", "-q", "-D"], check=True, env=env,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["ssh-add", "-q", lab.dir / "alice" / "key"], check=True,
                   env=env, stderr=subprocess.DEVNULL)


def master(lab):
    folder = grant(lab, "shared", "--for", "5s")
    began = time.monotonic()
    path = lab.dir / "cm"
    shared = ("-o", f"ControlPath={path}", "-o", "ControlMaster=auto", "-o",
              "ControlPersist=60")
    # OpenSSH takes the first value of an option: before ControlPath=none.
    line = ["ssh", *shared, "-i", folder / "id", "-o", "IdentitiesOnly=yes",
            "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o",
            f"UserKnownHostsFile={folder / 'known_hosts'}", "-o",
            "HostKeyAlias=db1", "-p", str(lab.hosts["db1"]["port"]),
            f"{lab.user}@127.0.0.1", "true"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
             "stderr": subprocess.DEVNULL, "env": lab.env("alice")}
    subprocess.run(line, check=True, timeout=20, **quiet)
    time.sleep(max(0, 6 - (time.monotonic() - began)))
    old = subprocess.run(line, check=False, timeout=20, **quiet).returncode
    print(f"        (plain ssh over an old master: {old}; sshd asks for no "
          "certificate again)")
    check("the old master is there, and serves plain ssh", old == 0, old)
    env = wrapped(lab, "ControlMaster auto", f"ControlPath {path}",
                  "ControlPersist 60")
    before = log_of(lab).count("Accepted publickey")
    status, out, err = lab.run("alice", "ssh", "shared", "--no-wait", "--",
                               "db1", "echo in", env=env)
    check("jit-cert ssh does not use it: it asks again", status == 125 and
          "WAITING" in err and out == "" and
          log_of(lab).count("Accepted publickey") == before, status, out, err)
    rid = live(lab, "shared")
    must(lab.run("bob", "approve", rid, "--yes"))
    status, out, err = lab.run("alice", "ssh", "shared", "--", "db1",
                               "echo in", env=env)
    check("and logs in by the new certificate", (status, out) == (0, "in\n")
          and log_of(lab).count("Accepted publickey") == before + 1 and
          f"ID alice:{rid}:" in log_of(lab).split("publickey")[-1], status,
          out, err)
    subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={path}", "x"],
                   check=False, **quiet)


def wrapped(lab, *config):
    """An environment in which ssh has a configuration of the user's."""
    top = lab.dir / "wrap"
    top.mkdir(exist_ok=True)
    (top / "config").write_text("\n".join((*config, "")))
    (top / "ssh").write_text(f"#!/bin/sh\nexec {shutil.which('ssh')} -F "
                             f"{top / 'config'} \"$@\"\n")
    (top / "ssh").chmod(0o755)
    return {"PATH": f"{top}:{lab.env('alice')['PATH']}"}


def live(lab, role):
    """The newest request of alice's for that role."""
    return [r["id"] for r in map(json.loads, must(lab.run(
        "alice", "list", "--mine", "--role", role,
        "--json")).splitlines())][-1]


def elsewhere(lab):
    """Servers and accounts that a role does not open: nothing is asked."""
    before = lab.ids("alice")
    for name, role, to, word in (
            ("a server of another role", "web", "db1", "it opens db2"),
            ("a server that is none", "plain", "db9", "db1, db2"),
            ("a server by its address", "plain", "127.0.0.1", "db1, db2"),
            ("another account", "plain", "nobody@db1", "nobody"),
            ("an option for a server", "plain", "-oProxyCommand=id",
             "does not open")):
        status, out, err = lab.run("alice", "ssh", role, "--", to, "true")
        check(f"{name}: refused with words", status == 125 and word in err
              and out == "", status, out, err)
    check("and nothing was asked for", lab.ids("alice") == before)
    users = lab.dir / "hosts" / "db2.users" / lab.user
    true = users.read_text()
    folder = grant(lab, "web")
    users.write_text(true + f"{lab.user}.web\n")
    check("its own server lets it in", ssh(lab, folder, "db2")[0] == 0)
    users.write_text(true)
    got = ssh(lab, folder)
    check("a server of another host group does not", got[0] == 255, got)


def host_key(lab):
    top = lab.dir / "hosts"
    lab.end(lab.hosts["db1"]["sshd"])
    before = len(log_of(lab))
    lab.keygen(top / "stranger", "stranger")
    shutil.move(top / "db1", top / "db1.true")
    shutil.move(top / "stranger", top / "db1")
    lab.start_sshd("db1")
    child = lab.begin("alice", "ssh", "stranger", "--", "db1",
                      "echo in")
    approve_first(lab, "stranger", child)
    out, err = child.communicate(timeout=40)
    check("a host key that is not the policy's", child.returncode == 255 and
          "HOST KEY" in err and out == "", child.returncode, out, err)
    said = log_of(lab)[before:]
    check("nothing was typed there, no key was offered", "Connection" in said
          and not any(w in said for w in ("Accepted", "publickey", "user ",
                                          "Failed")), said)


def kinds(signer, cert):
    """Every type of CA key, every type of people's; and its evidence."""
    for ca, asks, approves in (
            ("ed25519", "ecdsa:256", "rsa:4096"),
            ("ecdsa-p256", "ecdsa:384", "ecdsa:256"),
            ("ecdsa-p384", "ecdsa:521", "rsa:3072"),
            ("rsa-3072", "rsa:3072", "ecdsa:521")):
        with Lab(signer, cert, roles=ROLES, people=PEOPLE,
                 init=("--ca-type", ca),
                 kinds={"alice": asks, "bob": approves}) as lab:
            folder = grant(lab, "plain")
            got = ssh(lab, folder)
            check(f"CA {ca}, {asks} asks, {approves} approves",
                  got[:2] == (0, "in\n"), got, log_of(lab)[-500:])
            path, key = lab.dir / "evidence", lab.dir / "ca.pub"
            key.write_text(lab.ca_key() + "\n")
            must(lab.run("dana", "evidence", folder.name, "--out", path))
            got = lab.run("dana", "verify", path, "--ca", key)
            check("and its evidence holds", got[0] == 0, got)


def main():
    signer, cert = sys.argv[1:3]
    with Lab(signer, cert, roles=ROLES, people=PEOPLE) as lab:
        for part in (window, future, others, addresses, options, agent,
                     master, elsewhere, host_key):
            print("#", part.__name__, flush=True)
            part(lab)
        status, out, err = lab.run("dana", "verify", "--log", "--deep")
        check("the log holds", status == 0, out, err)
    kinds(signer, cert)
    report()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
