#!/usr/bin/env python3
"""No secret is where it does not belong, in a whole run.

	test_canary.py JIT_SIGNER JIT_CERT

The passphrase, the signer's private keys (its key files opened here by other
people's tools), and of each request the collect secret and the private key:
as bytes, hex and base64 they are in no log, no answer, no argument of a
program that is run, no environment, and in no file but their own (I6).
"""
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, PASSPHRASE, take, until  # noqa: E402
from rows import check, report  # noqa: E402

PEOPLE = {"alice": ["dev"], "bob": ["sre"], "dana": ["admins"]}
ROLES = """
  db:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    request: {{ of: [dev], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""


def forms(secret):
    """As it is, in hex and in base64 at whichever place of a text."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for skip in range(3):
        whole = secret[skip:len(secret) - (len(secret) - skip) % 3]
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            # Base64 may stand in lines: its first 24 characters do.
            yield alphabet(whole)[:24]


def seed_of(public, seed):
    """It is the private half of that blob; OpenSSL says so."""
    kind, rest = take(public)
    assert kind == b"ssh-ed25519" and len(seed) == 32, (kind, len(seed))
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    out = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout",
                          "-outform", "DER"], input=der, check=True,
                         stdout=subprocess.PIPE).stdout
    assert out[-32:] == take(rest)[0], "another key's"
    return seed


def key_of_locker(data):
    tag, rest = take(data)
    assert tag == b"jit-cert locker key v1", tag
    public, rest = take(take(rest)[1])
    return seed_of(public, take(rest)[0])


def key_of_signer(path):
    """scrypt by Python, ChaCha20 by openssl: signer/key_file.h."""
    data = base64.b64decode("".join(path.read_text().split("\n")[1:-2]))
    assert data[:8] == b"jitkey1\n", data[:8]
    public, rest = take(take(data[9:])[1])
    n, r, p = struct.unpack_from(">QII", rest)
    salt, nonce, rest = rest[16:48], rest[48:60], rest[60 + 8:]
    key = hashlib.scrypt(PASSPHRASE.encode(), salt=salt, n=n, r=r, p=p,
                         dklen=64, maxmem=256 * n * r)[:32]
    sealed = take(rest)[0][:-16]
    saved = subprocess.run(
        ["openssl", "enc", "-d", "-chacha20", "-K", key.hex(), "-iv",
         (struct.pack("<I", 1) + nonce).hex()], input=sealed, check=True,
        stdout=subprocess.PIPE).stdout
    return seed_of(public, saved)


def spies(lab):
    """Stand-ins that write down how they are called, then are the program."""
    top = lab.dir / "spies"
    top.mkdir()
    for name in ("ssh", "ssh-keygen", "ssh-add"):
        (top / name).write_text(
            f"#!/bin/sh\n(printf '%s\\0' \"$0\" \"$@\"; env; "
            f"cat /proc/$PPID/cmdline /proc/$PPID/environ) >>{top}/seen\n"
            f"exec {shutil.which(name)} \"$@\"\n")
        (top / name).chmod(0o755)
    return {"PATH": f"{top}:{lab.env('alice')['PATH']}"}


class Run:
    def __init__(self, lab):
        self.lab, self.said, self.secrets = lab, b"", {}
        self.env = spies(lab)
        self.secrets["the passphrase"] = PASSPHRASE.encode()
        for name in ("user-ca", "log"):
            self.secrets[f"the private key {name}"] = key_of_signer(
                lab.home / f"{name}.key")

    def run(self, who, *args, status=0, env=None):
        got = self.lab.run(who, *args, env={**self.env, **(env or {})})
        assert got[0] == status, (args, got)
        self.said += (got[1] + got[2]).encode()
        return got[1]

    def learn(self, rid, who="alice"):
        """What is in the locker, while it is there."""
        locker = self.lab.dir / who / "run" / "jit-cert" / rid
        self.secrets[f"the collect secret of {rid[-4:]}"] = \
            (locker / "secret").read_bytes()
        self.secrets[f"the private key of {rid[-4:]}"] = \
            key_of_locker((locker / "key.jit").read_bytes())

    def ask(self, *args):
        out = self.run("alice", "request", "db", "--json", *args)
        rid = json.loads(out.splitlines()[-1])["id"]
        self.learn(rid)
        return rid


def life(r):
    """Every verb, and every road that a request can take."""
    lab = r.lab
    rid = r.ask("--reason", "INC-1 payments")
    r.run("alice", "collect", rid, status=14)
    r.run("bob", "approve", rid, "--view")
    r.run("bob", "approve", rid, "--yes", "--comment", "go ahead")
    r.run("alice", "collect", rid)
    r.run("alice", "collect", rid, "--json")
    r.run("alice", "ssh", "db", "--", "db1", "true")
    r.run("alice", "ssh", "db", "--", "db9", status=125)
    r.run("dana", "evidence", rid, "--out", lab.dir / "evidence")
    r.run("dana", "evidence", rid)
    r.run("dana", "verify", lab.dir / "evidence", "--log")
    for role in ("alice", "bob", "dana"):
        for verb in (("show", rid), ("show", rid, "--text"),
                     ("show", rid, "--json"), ("list", "--all"),
                     ("inbox",), ("whoami",), ("roles", "db"), ("log",),
                     ("ca",), ("log", "--json", "--verify")):
            # Over the network the whole log is an admin's to read.
            refused = verb[0] == "log" and role != "dana" and \
                lab.road == "https"
            r.run(role, *verb, status=15 if refused else 0)
    r.run("alice", "drop", rid)
    denied = r.ask()
    r.run("bob", "deny", denied, "--yes")
    r.run("alice", "wait", denied, status=10)
    taken = r.ask()
    r.run("alice", "cancel", taken)
    # No agent, and files.
    rid = r.ask()
    r.run("bob", "approve", rid, "--yes")
    r.run("alice", "--key", lab.dir / "alice" / "key", "collect", rid,
          "--out", lab.dir / "alice" / "out", env={"SSH_AUTH_SOCK": ""})
    out = (lab.dir / "alice" / "out" / "id").read_bytes()
    seed = r.secrets[f"the private key of {rid[-4:]}"]
    check("collect --out writes that very key", seed in base64.b64decode(
        b"".join(out.split(b"\n")[1:-2])))
    # Asked, waited for and connected in one.
    before = set(lab.ids("alice"))
    child = lab.begin("alice", "ssh", "db", "--for", "5m", "--", "db2",
                      "true", env=r.env)
    new = until(lambda: set(lab.ids("alice")) - before or
                child.poll() is not None, 20)
    check("a live access is used again, none is asked for", new is True and
          child.returncode == 0, new)
    r.said += "".join(child.communicate()).encode()
    r.run("dana", "verify", "--log", "--deep")


def search(r):
    """Where is any of them?"""
    lab = r.lab
    seen = (lab.dir / "spies" / "seen").read_bytes()
    check("programs were run, and watched", b"IdentityFile" in seen or
          b"id-cert.pub" in seen, seen[:200])
    env = open(f"/proc/{lab.daemon.pid}/environ", "rb").read()
    line = open(f"/proc/{lab.daemon.pid}/cmdline", "rb").read()
    places = {"what is told": r.said, "signer.log":
              (lab.dir / "signer.log").read_bytes(), "what is run": seen,
              "the signer's environment and arguments": env + line,
              "sshd's logs": b"".join((lab.dir / "hosts" / f"{h}.log")
                                      .read_bytes() for h in lab.hosts)}
    for place, data in places.items():
        hits = [n for n, s in r.secrets.items()
                if any(f in data for f in forms(s))]
        check(f"none of {len(r.secrets)} secrets in {place}", not hits, hits)
    files(r)


def own(lab, path, name):
    """Is that the file where that secret lives?"""
    at = path.relative_to(lab.dir).as_posix()
    if name == "the passphrase":
        return at == "pass"
    # The secret of a collected request is public from then on: its entry in
    # the journal proves that the requester collected it.
    if name.startswith("the collect secret"):
        return "/run/jit-cert/" in at or at.endswith(".seg") or \
            at == "evidence" or at.startswith("signer/snapshot")
    if name.startswith("the private key of"):
        return "/run/jit-cert/" in at or at == "alice/out/id"
    return False


def files(r):
    lab, hits, n = r.lab, [], 0
    for path in sorted(lab.dir.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        data, n = path.read_bytes(), n + 1
        # What is in base64 here and there: also as it reads decoded.
        for text in re.findall(rb"(?:[A-Za-z0-9+/]{16,}\n?)+={0,2}", data):
            flat = text.replace(b"\n", b"").rstrip(b"=")
            data += base64.b64decode(flat[:len(flat) // 4 * 4])
        hits += [(str(path), name) for name, s in r.secrets.items()
                 if not own(lab, path, name) and
                 any(f in data for f in forms(s))]
    check(f"nor in any of {n} files but their own", not hits, hits)
    for path in sorted((lab.dir / "alice" / "run").rglob("*")):
        mode = path.stat().st_mode & 0o077
        if mode and path.is_file():
            check(f"{path} is nobody else's to read", False, oct(mode))


def gone(r):
    """What is over has left the machine."""
    lab, alive = r.lab, {json.loads(x)["id"][-4:] for x in r.run(
        "alice", "list", "--mine", "--json").splitlines()}
    kept = b"".join(p.read_bytes() for p in
                    (lab.dir / "alice" / "run").rglob("*") if p.is_file())
    dead = [n for n, s in r.secrets.items() if " of " in n and s in kept and
            n[-4:] not in alive]
    check("of what was dropped, denied or cancelled nothing is kept",
          alive and not dead, alive, dead)


def main():
    signer, cert = sys.argv[1:3]
    with Lab(signer, cert, roles=ROLES, people=PEOPLE) as lab:
        r = Run(lab)
        life(r)
        search(r)
        gone(r)
        # The search finds what is there.
        (lab.dir / "leak").write_bytes(b"x" + base64.b64encode(
            b"abc" + r.secrets["the private key user-ca"]))
        data = (lab.dir / "leak").read_bytes()
        check("what leaks is found", any(
            f in data for f in forms(r.secrets["the private key user-ca"])))
    report()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
