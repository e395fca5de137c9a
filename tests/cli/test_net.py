#!/usr/bin/env python3
"""jit-cert over HTTPS: every verb as over the socket, and nothing believed.

test_net.py SIGNER CERT SOURCE [CERTD [STEP...]].  The server is
tests/scenarios/fakeapi.py in front of a real jit-signer, and then the real
jit-certd; sshd, ssh-agent and ssh-keygen are real.
"""
import base64
import json
import os
import pty
import re
import select
import signal
import socket
import sys
import time

SIGNER, CERT = map(os.path.abspath, sys.argv[1:3])
sys.path.insert(0, os.path.join(sys.argv[3], "tests", "scenarios"))
from fakeapi import MODES, FakeApi  # noqa: E402
from lab import Lab, until  # noqa: E402

BAD, SAID = [], []
NET = {"JIT_CERT_SIGNER": ""}
NO_KEY = {**NET, "SSH_AUTH_SOCK": ""}


def check(name, good, *seen):
    print("ok" if good else "NOT OK", "-", name, flush=True)
    if not good:
        BAD.append(name)
        print("  seen:", *map(str, seen), flush=True)


def run(lab, who, *args, env=NET, **kw):
    status, out, err = lab.run(who, *args, env=env, **kw)
    SAID.append(out + err)
    if "Sanitizer" in err or status < 0:
        check(f"{args} does not crash", False, status, err)
    return status, out, err


def folder(lab, who):
    """The state of the newest server."""
    top = lab.dir / who / ".local/state/jit-cert"
    return max((p.parent for p in top.glob("*/server")),
               key=lambda p: p.stat().st_mtime)


# ---- setting it up ----

def setup(lab, api):
    vkey = (lab.home / "log.vkey").read_text().strip()
    other = vkey.split("+", 2)
    other = "+".join([other[0], "00000000", other[2]])
    row = [("http is refused", ["http://127.0.0.1:1"], 2, "https://HOST"),
           ("a path is refused", [api.url + "/x"], 2, "a path"),
           ("a user is refused", ["https://a@127.0.0.1"], 2, "accepted"),
           ("a port that is none", ["https://127.0.0.1:0"], 2, "accepted"),
           ("no name at all", ["https://"], 2, "no host"),
           ("a pin that is none", [api.url, "--pin", other], 2, ""),
           ("--tls that is none", [api.url, "--tls", "sha256:12"], 2,
            "--tls"),
           ("the system does not know its certificate",
            [api.url, "--tls", "system"], 18, "does not trust"),
           ("another TLS key than the one given",
            [api.url, "--tls", "sha256:" + 64 * "0"], 18, "TLS key")]
    api.asked.clear()
    for name, args, want, words in row:
        status, out, err = run(lab, "alice", "setup", *args)
        check(f"setup: {name}", status == want and words in err and not out,
              status, out, err)
    check("setup: nothing was asked where the TLS key is wrong",
          not api.asked, api.asked)
    status, out, err = run(lab, "alice", "status")
    check("without a server it says what to type", status == 2 and
          "jit-cert setup" in err, status, err)
    status, out, err = run(lab, "alice", "setup", api.url, "--pin", vkey,
                           "--tls", api.tls, "--name", "work")
    check("setup with keys from outside", status == 0 and vkey in out and
          api.tls in out and "alice" in out and err == "", status, out, err)
    status, out, err = run(lab, "bob", "setup", api.url)
    check("setup says aloud what it believed", status == 0 and
          "First use" in err and vkey in err and api.tls in err,
          status, out, err)
    status, out, err = run(lab, "bob", "setup", api.url)
    check("again it is the same, and nothing is new", status == 0 and
          err == "", status, out, err)
    for who in "carol", "dana", "erin":
        status, out, err = run(lab, who, "--json", "setup", api.url, "--pin",
                               vkey, "--tls", api.tls)
        got = json.loads(out)
        check(f"setup --json of {who}", status == 0 and got["person"] == who
              and got["log"] == vkey and got["tls"] == api.tls, out, err)
    token = folder(lab, "alice") / "token"
    check("the token is for its owner alone",
          token.stat().st_mode & 0o777 == 0o600, oct(token.stat().st_mode))


def setup_changed(lab, api):
    vkey = (lab.home / "log.vkey").read_text().strip()
    status, out, err = run(lab, "bob", "setup", api.url, "--tls",
                           "sha256:" + 64 * "0")
    check("another TLS key is refused later, with the way out", status == 18
          and "start over: rm " in err, status, err)
    name, _, key = vkey.split("+", 2)
    raw = bytearray(base64.b64decode(key))
    raw[-1] ^= 1
    fake = make_vkey(name, bytes(raw))
    status, out, err = run(lab, "bob", "setup", api.url, "--pin", fake)
    check("another log is refused later, with the way out", status == 18 and
          "start over: rm -r " in err, status, err)
    status, out, err = run(lab, "bob", "--pin", fake, "whoami")
    check("another log by --pin is refused", status == 18, status, err)
    api.lie = lambda path, got: {**got, "log": fake} if path == "/v1/ca" \
        else None
    for args in ["setup", api.url], ["whoami"]:
        status, out, err = run(lab, "bob", *args)
        check(f"{args[0]}: a server that is another log now",
              status == 18 and out == "", status, out, err)
    api.lie = None
    port = api.port
    api.stop()
    with FakeApi(lab, name="other", port=port) as changed:
        for args in ["setup", changed.url], ["whoami"], ["login"]:
            status, out, err = run(lab, "bob", *args)
            check(f"{args[0]}: a server with another TLS key",
                  status == 18 and "TLS key" in err, status, err)
        check("it was told nothing", not changed.asked, changed.asked)
    api.start(port)


def make_vkey(name, key):
    import hashlib
    ident = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    return f"{name}+{ident}+{base64.b64encode(key).decode()}"


def ways(lab, api):
    for name, args, env in [
            ("the one that was set up", [], NET),
            ("by its name", ["--server", "work"], NET),
            ("by its URL", ["--server", api.url + "/"], NET),
            ("from the environment", [], {**NET, "JIT_CERT_SERVER": "work"}),
            ("--server before the environment", ["--server", "work"],
             {"JIT_CERT_SERVER": "other"})]:
        status, out, err = run(lab, "alice", *args, "--json", "status",
                               env=env)
        check(f"which server: {name}", status == 0 and
              json.loads(out)["server"] == api.url, status, out, err)
    status, out, err = run(lab, "alice", "--signer", lab.socket, "--json",
                           "status")
    check("--signer goes the socket's way", status == 0 and
          json.loads(out)["server"] is None, out, err)
    for name, args in [
            ("both ways", ["--signer", "/x", "--server", "work"]),
            ("an unknown name", ["--server", "nowhere"]),
            ("http", ["--server", "http://127.0.0.1:1"])]:
        status, out, err = run(lab, "alice", *args, "whoami")
        check(f"which server: {name} is refused", status == 2, status, err)


# ---- the same as over the socket ----

def plain(said):
    """Without what passes between the two; a server knows no "before"."""
    return said[0], re.sub(r"role (lately|before)", "role -", re.sub(
        r"\d+s ago|just now|(?<=decided: )\S+", "-", said[1]))


def same(lab, who, *args):
    for _ in range(3):
        over = run(lab, who, *args)
        here = run(lab, who, *args, env={"JIT_CERT_SERVER": ""})
        if plain(over) == plain(here):
            break
    check(f"the same: {who} {' '.join(map(str, args))[:50]}",
          plain(over) == plain(here), over, here)


def roads(lab, rid):
    short = rid[-6:]
    for args in [["whoami"], ["roles"], ["roles", "prod-db"], ["list"],
                 ["list", "--mine"], ["list", "--role", "lonely"],
                 ["show", short], ["show", rid, "--text"],
                 ["wait", short, "--no-wait"], ["ca"],
                 ["ca", "--principals", "db1"], ["show", "ZZZZZZ"],
                 ["collect", short]]:
        same(lab, "alice", *args)
        same(lab, "alice", "--json", *args)
    same(lab, "alice", "show", 26 * "0")
    for args in [["inbox"], ["approve", short, "--view"], ["deny", "ZZZZZZ"],
                 ["approve", short]]:
        same(lab, "bob", *args)


def proofs(lab, rid):
    for args in [["list", "--all"], ["log"], ["log", "--verify"],
                 ["verify", "--log"], ["show", rid]]:
        same(lab, "dana", *args)
    same(lab, "alice", "evidence", rid)
    out = lab.dir / "evidence"
    status, _, err = run(lab, "alice", "evidence", rid, "--out", out)
    check("evidence over HTTPS", status == 0 and out.stat().st_size > 0, err)
    same(lab, "alice", "verify", out, "--log")
    same(lab, "bob", "verify", out, "--require", "signed", "--pin",
         (lab.home / "log.vkey").read_text().strip())


def walk(lab, api):
    """A request, two approvals, a certificate, ssh; all of it over HTTPS."""
    status, out, err = run(lab, "alice", "--json", "request", "prod-db",
                           "-r", "INC-1 x", "--for", "30m")
    rid = json.loads(out)["id"]
    check("request over HTTPS", status == 0, out, err)
    roads(lab, rid)
    for who in "bob", "carol":
        status, out, err = run(lab, who, "approve", rid[-6:], "--yes")
        check(f"{who} approves over HTTPS", status == 0 and "proof checked"
              in out + err, status, out, err)
    same(lab, "bob", "approve", rid[-6:], "--view")
    status, out, err = run(lab, "alice", "ssh", "prod-db", "--", "db1",
                           "echo in")
    check("ssh over HTTPS", status == 0 and out == "in\n", status, out, err)
    status, out, err = run(lab, "alice", "ssh", "prod-db", "--", "db2",
                           "echo again")
    check("a second server takes the same certificate", status == 0 and
          out == "again\n" and "Waiting" not in err, status, out, err)
    status, out, err = run(lab, "alice", "status")
    check("status names what is live, and how long still",
          status == 0 and "prod-db" in out and " left" in out, out, err)
    status, out, err = run(lab, "alice", "--json", "status")
    got = json.loads(out)
    check("status --json", got["person"] == "alice" and
          [r["id"] for r in got["open"]] == [rid] and
          abs(got["clock_ahead"]) < 3 and got["expires"], got)
    status, out, err = run(lab, "alice", "status",
                           env={"JIT_CERT_SERVER": ""})
    check("status over the socket", status == 0 and str(lab.socket) in out
          and "login" not in out, out, err)
    proofs(lab, rid)
    status, out, err = run(lab, "alice", "drop", rid[-6:], "--comment", "x")
    check("drop over HTTPS", status == 0 and "Dropped" in out, out, err)
    status, out, err = run(lab, "alice", "--json", "request", "prod-db",
                           "-r", "INC-1 x", "--for", "45m")
    rid = json.loads(out)["id"]
    status, out, err = run(lab, "bob", "approve", rid[-6:], "--view")
    check("what is new since last time", "45m, last time 30m" in out, out,
          err)
    status, out, err = run(lab, "alice", "cancel", rid[-6:])
    check("cancel over HTTPS", status == 0 and "Cancelled" in out, out, err)


# ---- the log-in ----

def login(lab, api):
    status, out, err = run(lab, "alice", "login")
    check("login", status == 0 and "as alice" in out, out, err)
    token = (folder(lab, "alice") / "token").read_text()
    api.tokens.clear()
    status, out, err = run(lab, "alice", "whoami")
    check("a token that ended: it logs in by itself", status == 0 and
          (folder(lab, "alice") / "token").read_text() != token, out, err)
    api.tokens.clear()
    status, out, err = run(lab, "alice", "whoami", env=NO_KEY)
    check("without a key: log in first", status == 16 and out == "" and
          "log in" in err, status, out, err)
    status, out, err = run(lab, "alice", "--json", "whoami", env=NO_KEY)
    check("the same as JSON", status == 16 and
          json.loads(out)["error"] == "log-in-first", status, out)
    run(lab, "alice", "login")
    status, out, err = run(lab, "alice", "list", env=NO_KEY)
    check("a token is enough to read", status == 0, status, out, err)
    status, out, err = run(lab, "alice", "login", "--as", "nobody")
    check("a name that is not enrolled", status == 16 and "--as" in err,
          status, err)
    status, out, err = run(lab, "alice", "logout")
    check("logout", status == 0 and not
          (folder(lab, "alice") / "token").exists() and
          not any(p == "alice" for p, _ in api.tokens.values()), out, err)
    status, out, err = run(lab, "alice", "logout")
    check("logout again", status == 0, out, err)
    status, out, err = run(lab, "alice", "--signer", lab.socket, "login")
    check("a socket knows no log-in", status == 2, status, err)
    for name, member, want in [("another log", "log", 18),
                               ("another TLS key", "tls", 18),
                               ("a clock far off", "now", 15)]:
        value = {"log": "other.example.com+12345678", "tls": "sha256:" +
                 64 * "1", "now": "2020-01-01T00:00:00Z"}[member]
        api.lie = lambda path, got, m=member, v=value: \
            {**got, m: v} if path.endswith("/nonce") else None
        api.asked.clear()
        status, out, err = run(lab, "alice", "login")
        check(f"a log-in for {name} is not signed", status == want and
              not any(a[1] == "/v1/login" for a in api.asked), status, err)
    api.lie = None
    status, out, err = run(lab, "alice", "login")
    check("and then it logs in", status == 0, out, err)


# ---- what goes wrong ----

UNREACHABLE = {"short", "trickle", "slow", "unreachable", "gateway"}


def modes(lab, api):
    for mode in MODES:
        want = 17 if mode in UNREACHABLE else 0 if mode == "extra" else 1
        for path in ["/v1/ca", "/v1/requests"]:
            api.modes_on, api.mode = re.compile(f"^{path}$"), mode
            begin = time.monotonic()
            status, out, err = run(lab, "alice", "list")
            took = time.monotonic() - begin
            api.mode = None
            # Not every answer has what this spoils.
            fine = {want, 18 if mode == "bad-base64" else want,
                    0 if mode == "negative" else want}
            down = "jit-signer" if mode == "unreachable" else api.url
            check(f"{mode} at {path}", status in fine and took < 5.5 and
                  (status in (0, 18) or down in err), status,
                  round(took, 1), err)


def dead(lab, api):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        refused = s.getsockname()[1]
    hole = socket.socket()
    hole.bind(("127.0.0.1", 0))
    hole.listen(8)
    for name, port in [("nobody listens", refused),
                       ("somebody listens and says nothing",
                        hole.getsockname()[1])]:
        for args in [["setup"], ["--server"]]:
            url = f"https://127.0.0.1:{port}"
            more = ["whoami"] if args == ["--server"] else []
            begin = time.monotonic()
            status, out, err = run(lab, "alice", *args, url, *more)
            took = time.monotonic() - begin
            check(f"{name}: told in time ({args[0]})", status == 17 and
                  took < 5 and f"jit-certd at {url}" in err,
                  status, took, err)
    hole.close()
    lab.end(lab.daemon)
    status, out, err = run(lab, "alice", "list")
    check("the signer is down", status == 17 and "jit-signer" in err and
          "jit-certd" not in err, status, err)
    lab.serve()


def lies(lab, api):
    """A few; scenario/evil-server has all of them for the socket."""
    def flip(member):
        def lie(path, got):
            for r in got.get("receipts", []):
                raw = bytearray(base64.b64decode(r[member]))
                raw[-1] ^= 1
                r[member] = base64.b64encode(raw).decode()
        return lie

    old = api.ca({})

    def rollback(path, got):
        return old if path == "/v1/ca" else None

    def swap(path, got):
        if path == "/v1/requests" and len(got["receipts"]) > 1:
            got["receipts"].reverse()

    def empty(path, got):
        if "receipts" in got:
            got["receipts"] = []

    run(lab, "alice", "request", "prod-db", "-r", "INC-2 y")
    run(lab, "alice", "list")
    for name, lie in [("a body", flip("body")), ("a leaf", flip("leaf")),
                      ("a salt", flip("salt")), ("nothing", empty),
                      ("an older log", rollback)]:
        api.lie = lie
        status, out, err = run(lab, "alice", "list")
        check(f"a lie about {name} is found", status == 18 and out == "",
              status, out, err)
    api.lie = swap
    run(lab, "alice", "request", "prod-db-ro")
    status, out, err = run(lab, "alice", "list")
    check("a list in another order is found", status == 18, status, out)
    api.lie = None


# ---- waiting ----

def wait(lab, api):
    status, out, err = run(lab, "erin", "--json", "request", "prod-db-ro")
    rid = json.loads(out)["id"]
    p = lab.begin("erin", "wait", rid[-6:], env=NET)
    until(lambda: any("wait=" in a[1] for a in api.asked))
    port = api.port
    api.stop()
    api.tokens.clear()
    time.sleep(2)
    api.start(port)
    until(lambda: any(t[0] == "erin" for t in api.tokens.values()), 20)
    api.mode, api.modes_on = "unreachable", re.compile("")
    time.sleep(1)
    lab.end(lab.daemon)
    lab.serve()
    api.mode = None
    time.sleep(1)
    run(lab, "bob", "approve", rid[-6:], "--yes")
    out, err = p.communicate(timeout=60)
    SAID.append(out + err)
    check("a wait survives restarts and a token that ended",
          p.returncode == 0 and err.count("Trying again") >= 1 and
          "answers again" in err and "bob approved" in err, p.returncode,
          out, err)
    check("and tells each only once", err.count("Trying again") <= 3, err)
    run(lab, "erin", "cancel", rid[-6:])


def watch(lab, api):
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(CERT, [CERT, "inbox", "--watch"],
                  {**lab.env("carol"), **NET, "TERM": "xterm"})
    shown = b""

    def see(what, seconds=15):
        nonlocal shown
        end = time.monotonic() + seconds
        while what not in shown and time.monotonic() < end:
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    shown += os.read(fd, 65536)
                except OSError:
                    break
        return what in shown

    check("inbox --watch shows what waits", see(b"Watching"), shown)
    check("without a bell", b"\a" not in shown, shown)
    port = api.port
    api.stop()
    check("it tells that the server is away", see(b"Trying again"), shown)
    api.start(port)
    check("and that it is back", see(b"answers again"), shown)
    status, out, err = run(lab, "erin", "--json", "request", "prod-db-ro")
    rid = json.loads(out)["id"]
    check("asked meanwhile", status == 0, status, out, err)
    check("a new one is told, with a bell", see(rid[-4:].encode()) and
          see(b"\a"), shown, [a[:2] for a in api.asked[-12:]])
    os.kill(pid, signal.SIGINT)
    see(b"never", 2)
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    check("Ctrl-C ends it", os.WIFSIGNALED(status) and
          os.WTERMSIG(status) == signal.SIGINT, status)
    run(lab, "erin", "cancel", rid[-6:])


def secrets_stay(lab, api):
    said = "\n".join(SAID)
    tokens = [t for t in TOKENS if t in said]
    check("no token in anything that was said", not tokens, len(tokens))
    check("a token is sent as it must be", all(
        "token" not in a[1] and "Cookie" not in a[2] for a in api.asked))


TOKENS = set()


class Seen(dict):
    """Tokens, and all that ever were."""

    def __setitem__(self, key, value):
        TOKENS.add(key)
        super().__setitem__(key, value)


# ---- the real jit-certd ----

def real(lab):
    for who in lab.people:
        status, out, err = run(lab, who, "--json", "setup", lab.url(),
                               "--pin", lab.vkey())
        check(f"jit-certd: setup of {who}", status == 0 and
              json.loads(out)["person"] == who, out, err)
    walk(lab, None)
    status, out, err = run(lab, "erin", "list", "--all")
    check("jit-certd: all that erin may see", status == 0 and out == "" and
          "Those that you may see" in err, status, out, err)
    status, out, err = run(lab, "alice", "list", "--all")
    check("jit-certd: all that alice may see", status == 0 and
          out.count("alice") == 2, status, out, err)
    for args in ["log"], ["verify", "--log"]:
        status, out, err = run(lab, "alice", *args)
        check(f"jit-certd: {args[0]} is for auditors", status == 15,
              status, err)
    real_login(lab)
    real_wait(lab)


def real_login(lab):
    run(lab, "alice", "logout")
    status, out, err = run(lab, "alice", "whoami")
    check("jit-certd: it logs in by itself", status == 0, status, err)
    # The server forgets the token, this machine does not.
    token = folder(lab, "alice") / "token"
    kept = token.read_text()
    run(lab, "alice", "logout")
    token.write_text(kept)
    token.chmod(0o600)
    status, out, err = run(lab, "alice", "whoami", env=NO_KEY)
    check("jit-certd: a token that was given up", status == 16, status, err)
    status, out, err = run(lab, "alice", "whoami")
    check("jit-certd: and logs in again", status == 0, status, err)
    status, out, err = run(lab, "alice", "login", "--as", "bob")
    check("jit-certd: alice is not bob", status == 16, status, err)


def real_wait(lab):
    _, out, _ = run(lab, "erin", "--json", "request", "prod-db-ro")
    rid = json.loads(out)["id"]
    p = lab.begin("erin", "wait", rid[-6:], env=NET)
    time.sleep(2)
    lab.end(lab.daemon)
    begin = time.monotonic()
    status, out, err = run(lab, "bob", "list")
    took = time.monotonic() - begin
    check("jit-certd: the signer is down", status == 17 and took < 5 and
          "jit-signer" in err, status, took, err)
    lab.end(lab.front)
    begin = time.monotonic()
    status, out, err = run(lab, "bob", "list")
    took = time.monotonic() - begin
    check("jit-certd is down", status == 17 and took < 5 and
          f"jit-certd at {lab.url()}" in err, status, took, err)
    lab.serve()
    lab.serve_certd()
    run(lab, "bob", "approve", rid[-6:], "--yes")
    out, err = p.communicate(timeout=60)
    check("jit-certd: a wait survives restarts of both", p.returncode == 0
          and "answers again" in err and "bob approved" in err,
          p.returncode, out, err)


def main():
    certd = sys.argv[4:5] and os.path.abspath(sys.argv[4])
    only = sys.argv[5:]
    if certd and (not only or "real" in only):
        with Lab(SIGNER, CERT, certd=certd) as lab:
            real(lab)
    with Lab(SIGNER, CERT) as lab, FakeApi(lab) as api:
        api.tokens = Seen()
        steps = [setup, ways, walk, login, lies, modes, wait, watch, dead,
                 setup_changed, secrets_stay]
        for step in steps:
            if only == ["real"]:
                break
            if not only or step is setup or step.__name__ in only:
                step(lab, api)
    sys.exit(1 if BAD else 0)


main()
