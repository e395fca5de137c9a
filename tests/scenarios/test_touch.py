#!/usr/bin/env python3
"""Roles that demand a touch or a PIN, through the real ssh-agent.

	test_touch.py JIT_SIGNER JIT_CERT SK_PROVIDER

The security keys are in software (tests/lib/sk_provider.c) behind OpenSSH's
own interface: one that is touched, one made without touch, one whose flags
lie, one with a PIN; and a plain key.
"""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab  # noqa: E402

ROLES = "".join(f"""
  {name}:
    accounts: [{{user}}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    request: {{{{ of: [dev], proofs: [sshsig] }}}}
    approve: {{{{ need: {need}, of: [sre], proofs: [{proofs}] }}}}
""" for name, need, proofs in (("touched", 1, "sshsig+touch"),
                               ("pinned", 1, "sshsig+pin"),
                               ("either", 2, "sshsig+touch, sshsig+pin")))
PEOPLE = {"alice": ["dev"], "bob": ["sre"], "ted": ["sre"], "nora": ["sre"],
          "flo": ["sre"], "petra": ["sre"], "dana": ["admins"]}
KINDS = {"ted": "ed25519-sk", "nora": "ed25519-sk+no-touch-required",
         "flo": "ecdsa-sk", "petra": "ecdsa-sk+verify-required"}
BAD = []


def check(name, good, *seen):
    print(("ok      " if good else "FAILED  ") + name, flush=True)
    if not good:
        BAD.append(name)
        print("   ", *seen)


def run(lab):
    def ask(role):
        got = lab.run("alice", "request", role, "--json")
        assert got[0] == 0, got
        return json.loads(got[1].splitlines()[-1])["id"]

    def approve(name, who, rid, status, *words):
        got = lab.run(who, "approve", rid, "--yes")
        check(name, got[0] == status and all(
            w in got[1] + got[2] for w in words), *got)

    rid = ask("touched")
    approve("a plain key is no touch", "bob", rid, 15, "touch")
    approve("nor is a key made without", "nora", rid, 15, "touch")
    approve("nor one whose flags say that nobody touched it", "flo", rid, 15,
            "touch")
    approve("a touch is one", "ted", rid, 0, "Touch your key (SHA256:",
            "Approved")
    got = lab.run("alice", "collect", rid)
    check("and opens", got[0] == 0 and "Serial 1" in got[1], got)
    got = lab.run("dana", "show", rid)
    check("shown as what it is: claimed", "touch as claimed" in got[1], got)

    rid = ask("pinned")
    approve("a touch is no PIN", "ted", rid, 15, "pin")
    approve("a PIN is one", "petra", rid, 0, "Approved")
    got = lab.run("alice", "collect", rid)
    check("and opens", got[0] == 0, got)
    path = lab.dir / "evidence"
    got = lab.run("alice", "evidence", rid, "--out", path)
    assert got[0] == 0, got
    got = lab.run("alice", "verify", path)
    check("the evidence says so, as a claim",
          "sshsig+pin (claimed)" in got[1], got)

    rid = ask("either")
    approve("one with a touch", "ted", rid, 0, "Approved")
    approve("one with a PIN", "petra", rid, 0, "Approved", "you are the last")
    check("and opens", lab.run("alice", "collect", rid)[0] == 0)
    got = lab.run("dana", "verify", "--log", "--deep")
    check("the log holds", got[0] == 0, got)


def main():
    signer, cert, provider = sys.argv[1:4]
    folder = os.environ.get("TMPDIR", "/tmp")
    askpass = os.path.join(folder, f"askpass.{os.getpid()}")
    with open(askpass, "w") as f:
        f.write("#!/bin/sh\necho 123456\n")
    os.chmod(askpass, 0o700)
    # Making a key with a PIN asks for it as well.
    os.environ.update(SSH_ASKPASS=askpass, SSH_ASKPASS_REQUIRE="force",
                      JIT_SK_PIN="123456", DISPLAY=":0")
    try:
        with Lab(signer, cert, roles=ROLES, people=PEOPLE, provider=provider,
                 kinds=KINDS, agent_env={"flo": {"JIT_SK_FLAGS": "00"}}) \
                as lab:
            run(lab)
    finally:
        os.unlink(askpass)
    if BAD:
        sys.exit(f"{len(BAD)} FAILED: " + "; ".join(BAD))
    print("all ok")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
