#!/usr/bin/env python3
"""Evidence of real roads, verified without us and without a network.

	test_offline.py JIT_SIGNER JIT_CERT SOURCE

jit-cert verify has no network (as root: a namespace of its own), no home and
no agent, and trusts only --pin and --ca.  tests/ca/grant/check_bundle.py,
which shares no code with us, must agree: on what holds, and on what was
altered.
"""
import json
import os
import re
import signal
import subprocess
import sys

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

    def good(self, *args):
        got = self.lab.run(*args)
        assert got[0] == 0, got
        return got[1]

    def ask(self):
        out = self.good("alice", "request", "db", "--json", "--reason",
                        "INC-4711 payments stuck \u2713")
        return json.loads(out.splitlines()[-1])["id"]

    def evidence(self, rid):
        path = self.lab.dir / f"{rid}.txt"
        self.good("dana", "evidence", rid, "--out", path)
        return path

    def offline(self, path, *args):
        """jit-cert verify with nothing but the file and the pins."""
        net = ["unshare", "-n"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*net, "env", "-i", "HOME=/nonexistent", "LC_ALL=C.UTF-8",
             "ASAN_OPTIONS=" + os.environ.get("ASAN_OPTIONS", ""),
             self.lab.cert, "verify", path, "--pin",
             self.vkey.read_text().strip(), "--ca", self.ca, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def script(self, path):
        done = subprocess.run(
            [sys.executable, self.source + "/tests/ca/grant/check_bundle.py",
             path, self.vkey, self.ca], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120)
        return done.returncode, done.stdout


def forge(text):
    """Alterations, each of which is a lie: (name, text)."""
    yield "cut at the end", text[:-40]
    yield "something behind", text + "x\n"
    yield "another request's id", re.sub(
        r"(?m)^request: (.{25})(.)", lambda m: "request: " + m[1] +
        ("0" if m[2] != "0" else "1"), text, count=1)
    parts = re.findall(r"-----BEGIN JIT (?:\w+)-----\n.*?-----END JIT \w+"
                       r"-----\n", text, re.S)
    for kind in ("GENESIS", "POLICY", "BLOB", "REQUEST", "DECISION",
                 "ISSUED"):
        at = next(i for i, p in enumerate(parts)
                  if p.startswith(f"-----BEGIN JIT {kind}-"))
        # A file can leave out how it went on, and then claims less.
        if kind != "ISSUED":
            yield f"without its {kind}", text.replace(
                parts[at] + parts[at + 1], "", 1)
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


def run(w):
    lab = w.lab
    rid = w.ask()
    w.good("bob", "approve", rid, "--yes")
    w.good("carol", "approve", rid, "--yes", "--comment", "go ahead")
    w.good("alice", "collect", rid)
    path = w.evidence(rid)
    got = w.offline(path)
    check("it holds, with no network and no home", got[0] == 0 and all(
        x in got[1] for x in ("requester: alice", "approved by: bob",
                              "approved by: carol", "INC-4711")), got)
    got = w.script(path)
    check("openssl, ssh-keygen and Python agree", got[0] == 0, got)
    text = path.read_text()
    forged = lab.dir / "forged.txt"
    for name, false in forge(text):
        forged.write_text(false)
        ours, theirs = w.offline(forged), w.script(forged)
        check(f"refused by both: {name}", false != text and ours[0] == 18
              and theirs[0] != 0, ours, theirs)
    w.ca.write_text(lab.public(lab.dir / "bob" / "key") + "\n")
    check("another CA is refused", w.offline(path)[0] == 18)
    w.ca.write_text(lab.ca_key() + "\n")
    true = w.vkey.read_text()
    w.vkey.write_text((open(w.source + "/tests/vectors/grant/vkey")).read())
    check("another log is refused", w.offline(path)[0] == 18)
    w.vkey.write_text(true)
    check("without a pin nothing is believed", subprocess.run(
        ["env", "-i", lab.cert, "verify", path], stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL).returncode == 2)

    got = lab.run("dana", "verify", path, "--log")
    check("the log has nothing more about it", got[0] == 0 and
          "Nothing was logged about it since" in got[1], got)
    w.good("alice", "drop", rid)
    got = lab.run("dana", "verify", path, "--log")
    check("and says when there is", "Since then: drop" in got[1], got)
    got = w.offline(w.evidence(rid))
    check("evidence of what was dropped", got[0] == 0 and
          "dropped" in got[1], got)

    rid = w.ask()
    w.good("bob", "deny", rid, "--yes", "--comment", "use the replica")
    got = w.offline(w.evidence(rid))
    check("evidence of a denial grants nothing", got[0] == 0 and
          "denied" in got[1] and "serial" not in got[1], got)
    rid = w.ask()
    w.good("alice", "cancel", rid)
    got = w.offline(w.evidence(rid))
    check("evidence of what was cancelled", got[0] == 0 and
          "cancelled" in got[1], got)
    got = lab.run("dana", "verify", "--log", "--deep")
    check("the log holds", got[0] == 0, got)


def main():
    signer, cert, source = sys.argv[1:4]
    with Lab(signer, cert, roles=ROLES, people=PEOPLE) as lab:
        run(World(lab, os.path.abspath(source)))
    report()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
