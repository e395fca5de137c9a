#!/usr/bin/env python3
"""The README's tour, typed literally.

	test_readme.py SOURCE

Each block below "<!-- tour: WHO -->" is run by bash as that user, in order,
on this machine but beside it: in namespaces of its own, with an overlay over
/etc, /home, /var/lib, /var/log and /usr/local and a tmpfs on /run, so that the
accounts, files, the sshd on port 22 and the PostgreSQL on 5432 exist for the
test alone.  Needs root, and PostgreSQL 15 as Debian has it.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

INSIDE = "JIT_README_INSIDE"
WHO = ["root"] * 5 + ["alice", "bob", "alice",  # SSH
                      "root", "alice", "bob", "bob", "root"]  # X.509
# What waits for an approver, and how the README writes the end of its id.
ASKS = {"jit-cert ssh": "9N2B", "jit-cert exec": "4T7C"}
LAYERS = ["/etc", "/home", "/var/lib", "/var/log", "/usr/local"]


def run(*argv, **kw):
    return subprocess.run(argv, check=True, **kw)


def enter(source, layers):
    """Mounts that are this process's and its children's alone."""
    run("ip", "link", "set", "lo", "up")
    for path in LAYERS:
        base = layers + path.replace("/", "_")
        os.makedirs(base + "/up")
        os.makedirs(base + "/work")
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={path},upperdir={base}/up,workdir={base}/work", path)
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.makedirs("/run/sshd", mode=0o755)
    for who in ("alice", "bob", "dba"):
        run("useradd", "--create-home", "--shell", "/bin/bash", who)
        run("usermod", "-p", "*", who)
    for who in ("alice", "bob"):
        run("setpriv", f"--reuid={who}", f"--regid={who}", "--init-groups",
            "bash", "-c", "mkdir -m 700 ~/.ssh && ssh-keygen -q -t ed25519 "
            "-N '' -f ~/.ssh/id_ed25519", env=environment(who))
    for name in os.listdir("/etc/ssh"):
        if name.startswith("ssh_host_"):
            os.remove("/etc/ssh/" + name)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
        "/etc/ssh/ssh_host_ed25519_key")


def environment(who):
    home = "/root" if who == "root" else "/home/" + who
    env = {"HOME": home, "USER": who, "LC_ALL": "C.UTF-8",
           "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                   "/sbin:/bin"}
    for name in ("CCACHE_DIR", "CCACHE_DISABLE"):
        if name in os.environ:
            env[name] = os.environ[name]
    # Not what root's jit-cert saw of an installation before this one.
    if who == "root":
        env["XDG_STATE_HOME"] = "/run/root-state"
    return env


def blocks(text):
    return re.findall(r"<!-- tour: (\w+) -->\n```sh\n(.*?)```", text, re.S)


def type_block(who, script, source):
    argv = ["bash", "-euo", "pipefail", "-c", script]
    folder = source
    if who != "root":
        argv = ["setpriv", f"--reuid={who}", f"--regid={who}",
                "--init-groups"] + argv
        folder = "/home/" + who
    print(f"--- {who}")
    # A daemon that a block starts keeps the output open: a file, no pipe.
    with open(f"/run/out.{who}", "w+") as out:
        done = subprocess.run(argv, cwd=folder, env=environment(who),
                              stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, timeout=900)
        out.seek(0)
        said = out.read()
    print(said, end="")
    if done.returncode != 0:
        sys.exit(f"FAILED: a block of {who} ended with {done.returncode}:\n"
                 + script)
    return said


def wait_for(path):
    for _ in range(200):
        if os.path.exists(path):
            return
        time.sleep(0.1)
    sys.exit(f"FAILED: {path} does not come")


def type_beside(who, script):
    """The same, not waited for: (the process, the file that it writes)."""
    out = open(f"/run/beside.{who}", "w+")
    print(f"--- {who}, in a terminal of their own")
    return subprocess.Popen(
        ["setpriv", f"--reuid={who}", f"--regid={who}", "--init-groups",
         "bash", "-euo", "pipefail", "-c", script], cwd="/home/" + who,
        env=environment(who), stdin=subprocess.DEVNULL, stdout=out,
        stderr=subprocess.STDOUT), f"/run/beside.{who}"


def said_in(path, pattern, seconds=60):
    for _ in range(seconds * 10):
        with open(path) as f:
            found = re.search(pattern, f.read())
        if found:
            return found
        time.sleep(0.1)
    with open(path) as f:
        sys.exit(f"FAILED: {pattern} is never said:\n" + f.read())


def fill(script, known):
    """What a reader puts in: an id, and what init printed."""
    for word, value in known.items():
        script = script.replace(word, value)
    return script


def walk(found, source, known):
    seen, beside = "", None
    for who, script in found:
        script = fill(script, known)
        asks = [word for word in ASKS if word in script]
        if asks:
            beside = type_beside(who, script)
            known[ASKS[asks[0]]] = said_in(
                beside[1], r"jit-cert approve (\w+)")[1]
            continue
        said = type_block(who, script, source)
        seen += said
        if "jit-signer serve" in script:
            wait_for("/run/jit-signer/socket")
        if setup := re.search(r"--pin (\S+) --tls (\S+)", said):
            known.update(VKEY=setup[1], SPKI=setup[2])
        if "jit-cert approve" in script:
            if beside[0].wait(60) != 0:
                sys.exit("FAILED: alice is not let in:\n" +
                         open(beside[1]).read())
            seen += open(beside[1]).read()
    return seen


def is_refused():
    """Taken back: the certificate that alice still has opens nothing."""
    kept = "~/.local/state/jit-cert/*/x509/*"
    script = (f"ls {kept}/cert.pem && psql 'host=localhost dbname=payments "
              "user=app_ro sslmode=require "
              "ssl_max_protocol_version=TLSv1.2 sslcert='$(echo " + kept +
              "/cert.pem)' sslkey='$(echo " + kept + "/key.pem) -c 'SELECT 1'")
    for _ in range(50):
        done = subprocess.run(
            ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups",
             "bash", "-c", script], cwd="/home/alice", text=True,
            env=environment("alice"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if done.returncode != 0 and "revoked" in done.stdout:
            return
        time.sleep(0.2)
    sys.exit("FAILED: what was revoked is let in:\n" + done.stdout)


def tour(source):
    sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e"],
                            stderr=subprocess.PIPE)
    wait_for("/run/sshd.pid")
    found = blocks(open(source + "/README.md").read())
    if [who for who, _ in found] != WHO:
        sys.exit("FAILED: the README has other blocks than this test knows")
    try:
        seen = walk(found, source, {})
        is_refused()
    finally:
        subprocess.run(["pg_ctlcluster", "15", "main", "stop"], check=False)
        for name in ("jit-certd", "jit-signer"):
            subprocess.run(["pkill", "-x", name], check=False)
        sshd.terminate()
        sshd.wait()
    for word in ("load average", "All of it holds", "Dropped", "sshd trusts",
                 "(0 rows)", "on the CRL"):
        if word not in seen:
            sys.exit(f"FAILED: nothing says \"{word}\"")
    print("the tour holds")


def main():
    source = os.path.abspath(sys.argv[1])
    if os.environ.get(INSIDE):
        enter(source, os.environ[INSIDE])
        tour(source)
        return
    if os.geteuid() != 0:
        print("needs root: skipped")
        sys.exit(77)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as outside:
        # An overlay's upper layer must not be on an overlay itself.
        run("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
            "--mount-proc", "bash", "-euc",
            'mount -t tmpfs tmpfs "$0" && exec "$@"', outside,
            sys.executable, os.path.abspath(__file__), source,
            env=dict(os.environ, **{INSIDE: outside}))


main()
