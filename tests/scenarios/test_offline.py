#!/usr/bin/env python3
"""Evidence of real roads, verified without us and without a network.

	test_offline.py JIT_SIGNER JIT_CERT SOURCE

jit-cert verify has no network (as root: a namespace of its own, and nobody's
rights), an empty home that it cannot write to and no agent, and trusts only
--pin and --ca.  tests/ca/grant/check_bundle.py, which shares no code with us,
must agree: on what holds, how it stands, and on what was altered.
"""
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab  # noqa: E402
from rows import check, report  # noqa: E402

PEOPLE = {"alice": ["sre"], "bob": ["sre"], "carol": ["sre"],
          "dana": ["admins"]}
ROLES = """
  db:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 2, of: [sre], proofs: [sshsig] }}
"""


class World:
    def __init__(self, lab, source):
        self.lab, self.source = lab, source
        self.ca = lab.dir / "ca.pub"
        self.ca.write_text(lab.ca_key() + "\n")
        self.vkey = lab.dir / "vkey"
        self.vkey.write_text((lab.home / "log.vkey").read_text())
        self.home = lab.dir / "empty"
        self.home.mkdir(mode=0o555)
        # As nobody it must find the way to the files, and nothing else.
        lab.dir.chmod(0o755)

    def good(self, *args):
        got = self.lab.run(*args)
        assert got[0] == 0, got
        return got[1]

    def ask(self, *args):
        out = self.good("alice", "request", "db", "--json", "--reason",
                        "INC-4711 payments stuck \u2713", *args)
        return json.loads(out.splitlines()[-1])["id"]

    def evidence(self, rid):
        path = self.lab.dir / f"{rid}.txt"
        self.good("dana", "evidence", rid, "--out", path)
        return path

    def offline(self, path, *args):
        """jit-cert verify with nothing but the file and the pins."""
        net = ["unshare", "-n", "setpriv", "--reuid=65534",
               "--regid=65534", "--clear-groups"] \
            if os.geteuid() == 0 else []
        path.chmod(0o644)
        with open(self.lab.cert, "rb") as f:
            # Where it was built nobody may be let in: by its descriptor.
            done = subprocess.run(
                [*net, "env", "-i", f"HOME={self.home}", "LC_ALL=C.UTF-8",
                 f"XDG_RUNTIME_DIR={self.home}", "ASAN_OPTIONS="
                 + os.environ.get("ASAN_OPTIONS", ""),
                 f"/proc/self/fd/{f.fileno()}", "verify", path, "--pin",
                 self.vkey.read_text().strip(), "--ca", self.ca, *args],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, timeout=60,
                pass_fds=[f.fileno()], cwd="/")
        assert not os.listdir(self.home)
        return done.returncode, done.stdout, done.stderr

    def script(self, path):
        done = subprocess.run(
            [sys.executable, self.source + "/tests/ca/grant/check_bundle.py",
             path, self.vkey, self.ca, "--any"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120)
        return done.returncode, done.stdout


    def both(self, name, rid, stands, *words):
        """Evidence of it, which both verify and say how it stands."""
        path = self.evidence(rid)
        got, theirs = self.offline(path), self.script(path)
        check(name, got[0] == 0 and all(w in got[1] for w in words), got)
        check("    openssl, ssh-keygen and Python agree", theirs == (
            0, f"all of it holds: {stands}\n"), theirs)
        return path

    def forged(self, text, lies):
        path = self.lab.dir / "forged.txt"
        for name, false in lies(text):
            path.write_text(false)
            ours, theirs = self.offline(path), self.script(path)
            check(f"refused by both: {name}", false != text and
                  ours[0] == 18 and theirs[0] != 0, ours, theirs)


def parts_of(text):
    return re.findall(r"-----BEGIN JIT \w+-----\n.*?-----END JIT \w+-----\n",
                      text, re.S)


def bodies(text, kind):
    """(block, its bytes) of each of a kind."""
    for part in parts_of(text):
        if part.startswith(f"-----BEGIN JIT {kind}-"):
            yield part, base64.b64decode("".join(part.split("\n")[1:-2]))


def armour(kind, data):
    text = base64.b64encode(data).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN JIT {kind}-----", *lines,
                      f"-----END JIT {kind}-----", ""])


def replaced(text, kind, old, new, rehash=True):
    """Words of a kind of entry changed; and its leaf, to agree with it."""
    for part, data in bodies(text, kind):
        if old not in data:
            continue
        body = data[69:].replace(old, new, 1)
        leaf = data[:21] + (hashlib.sha256(data[53:69] + body).digest()
                            if rehash else data[21:53])
        return text.replace(part, armour(kind, leaf + data[53:69] + body))
    raise ValueError(f"no {old} in a {kind}")


def relabelled(text, kind, other):
    return text.replace(f"JIT {kind}-----", f"JIT {other}-----")


def lies_of_words(text):
    """What a forger would want it to say."""
    for kind, old, new in (
            ("REQUEST", b"payments", b"holidays"),
            ("REQUEST", b"requester: alice", b"requester: carol"),
            ("DECISION", b"approver: bob", b"approver: dan"),
            ("DECISION", b"go ahead", b"go aheaD"),
            ("ISSUED", b"prod-db", b"prod-dc"),
            ("BLOB", b"need: 2", b"need: 1")):
        for rehash in (True, False):
            yield f"{old.decode()} is {new.decode()}" + (
                ", and its leaf" if rehash else ""), replaced(
                    text, kind, old, new, rehash)


def lies_of_denial(text):
    yield "a deny that approves", replaced(
        text, "DECISION", b"verdict: deny", b"verdict: approve")
    yield "a decision as a cancel", relabelled(text, "DECISION", "CANCEL")
    yield "another who denied", replaced(text, "DECISION", b"approver: bob",
                                         b"approver: eve")
    yield "a denial twice", twice(text, "DECISION")


def lies_of_cancel(text):
    yield "a cancel as a drop", relabelled(text, "CANCEL", "DROP")
    yield "a cancel of another", replaced(text, "CANCEL", b"by: alice",
                                          b"by: carol")
    yield "a cancel twice", twice(text, "CANCEL")


def lies_of_drop(text):
    yield "a drop as a cancel", relabelled(text, "DROP", "CANCEL")
    yield "a drop of another", replaced(text, "DROP", b"by: alice",
                                        b"by: carol")
    yield "dropped, never issued", without(text, "ISSUED")


def twice(text, kind):
    parts = parts_of(text)
    at = next(i for i, p in enumerate(parts) if f"JIT {kind}-" in p)
    return text.replace(parts[at] + parts[at + 1],
                        (parts[at] + parts[at + 1]) * 2, 1)


def without(text, kind):
    parts = parts_of(text)
    at = next(i for i, p in enumerate(parts) if f"JIT {kind}-" in p)
    return text.replace(parts[at] + parts[at + 1], "", 1)


def forge(text):
    """Alterations, each of which is a lie: (name, text)."""
    yield "cut at the end", text[:-40]
    yield "something behind", text + "x\n"
    yield "another request's id", re.sub(
        r"(?m)^request: (.{25})(.)", lambda m: "request: " + m[1] +
        ("0" if m[2] != "0" else "1"), text, count=1)
    parts = parts_of(text)
    for kind in ("GENESIS", "POLICY", "BLOB", "REQUEST", "DECISION",
                 "ISSUED"):
        at = next(i for i, p in enumerate(parts)
                  if p.startswith(f"-----BEGIN JIT {kind}-"))
        # A file can leave out how it went on, and then claims less.
        if kind != "ISSUED":
            yield f"without its {kind}", without(text, kind)
        lines = parts[at].split("\n")
        line = lines[len(lines) // 2]
        other = ("B" if line[0] == "A" else "A") + line[1:]
        yield f"a character of {kind}", text.replace(
            parts[at], parts[at].replace(line, other, 1), 1)
    decisions = [i for i, p in enumerate(parts)
                 if p.startswith("-----BEGIN JIT DECISION-")]
    a, b = decisions[:2]
    yield "one approval twice", text.replace(
        parts[b] + parts[b + 1], parts[a] + parts[a + 1], 1)
    yield "the proof of another", text.replace(parts[a + 1], parts[b + 1], 1)


def pins(w, path):
    """What is believed is what was pinned, and nothing else."""
    lab = w.lab
    w.ca.write_text(lab.public(lab.dir / "bob" / "key") + "\n")
    check("another CA is refused", w.offline(path)[0] == 18 and
          w.script(path)[0] != 0)
    w.ca.write_text(lab.ca_key() + "\n")
    true = w.vkey.read_text()
    w.vkey.write_text((open(w.source + "/tests/vectors/grant/vkey")).read())
    check("another log is refused", w.offline(path)[0] == 18 and
          w.script(path)[0] != 0)
    w.vkey.write_text(true)
    check("without a pin nothing is believed", subprocess.run(
        ["env", "-i", lab.cert, "verify", path], stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL).returncode == 2)


def granted(w):
    lab, rid = w.lab, w.ask()
    w.both("nobody decided yet", rid, "0 of 2", "alice")
    w.good("bob", "approve", rid, "--yes")
    w.both("one approved", rid, "1 of 2", "bob")
    w.good("carol", "approve", rid, "--yes", "--comment", "go ahead")
    w.both("approved, not collected", rid, "2 of 2", "approved by: carol")
    w.good("alice", "collect", rid)
    path = w.both("it holds, with no network and no home", rid, "issued",
                  "requester: alice", "approved by: bob",
                  "approved by: carol", "INC-4711")
    text = path.read_text()
    w.forged(text, forge)
    w.forged(text, lies_of_words)
    pins(w, path)
    got = lab.run("dana", "verify", path, "--log")
    check("the log has nothing more about it", got[0] == 0 and
          "Nothing was logged about it since" in got[1], got)
    w.good("alice", "drop", rid)
    got = lab.run("dana", "verify", path, "--log")
    check("and says when there is", "Since then: drop" in got[1], got)
    path = w.both("evidence of what was dropped", rid, "dropped", "dropped",
                  "requester: alice")
    w.forged(path.read_text(), lies_of_drop)


def ended(w):
    rid = w.ask()
    w.good("bob", "deny", rid, "--yes", "--comment", "use the replica")
    path = w.both("evidence of a denial", rid, "denied", "denied", "bob")
    check("    grants nothing", "serial" not in w.offline(path)[1])
    w.forged(path.read_text(), lies_of_denial)
    rid = w.ask()
    w.good("bob", "approve", rid, "--yes")
    w.good("bob", "deny", rid, "--yes", "--comment", "no, wait")
    w.both("an approval that was taken back", rid, "denied", "denied")
    rid = w.ask()
    w.good("alice", "cancel", rid)
    path = w.both("evidence of what was cancelled", rid, "cancelled",
                  "cancelled")
    w.forged(path.read_text(), lies_of_cancel)
    rid = w.ask("--closes", "2s", "--for", "1s")
    time.sleep(3)
    w.both("of what was never decided, and is closed", rid, "0 of 2")


def looks(w, when):
    """Each way to look at it is calm: no word of a sanitizer's either."""
    for verb in (("list", "--all"), ("list", "--mine"), ("inbox",),
                 ("log",), ("verify", "--log", "--deep")):
        # Over the network the whole log is an admin's to read.
        got = w.lab.run("dana", *verb)
        check(f"{when}: {' '.join(verb)}", got[0] == 0 and
              "error" not in got[2], got)


def run(w):
    looks(w, "before anything was asked")
    w.ask()
    looks(w, "when one thing was asked")
    granted(w)
    ended(w)
    got = w.lab.run("dana", "verify", "--log", "--deep")
    check("the log holds", got[0] == 0, got)


def main():
    signer, cert, source = sys.argv[1:4]
    with Lab(signer, cert, roles=ROLES, people=PEOPLE) as lab:
        run(World(lab, os.path.abspath(source)))
    report()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
