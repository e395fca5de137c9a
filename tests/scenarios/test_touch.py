#!/usr/bin/env python3
"""Roles that demand a touch or a PIN, through the real ssh-agent.

	test_touch.py JIT_SIGNER JIT_CERT SK_PROVIDER

The security keys are in software (tests/lib/sk_provider.c) behind OpenSSH's
own interface: one that is touched, one made without touch, one whose flags
say so, one with a PIN; and a plain key.  Then the same without an agent,
where ssh-keygen signs and asks (cases 73, 74).
"""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab  # noqa: E402
from rows import check, report  # noqa: E402

ROLES = "".join(f"""
  {name}:
    accounts: [{{user}}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    request: {{{{ of: [dev, asking], proofs: [{first}] }}}}
    approve: {{{{ need: {need}, of: [sre], proofs: [{proofs}] }}}}
""" for name, first, need, proofs in (
    ("touched", "sshsig", 1, "sshsig+touch"),
    ("pinned", "sshsig", 1, "sshsig+pin"),
    ("either", "sshsig", 2, "sshsig+touch, sshsig+pin"),
    ("asked-touched", "sshsig+touch", 1, "sshsig"),
    ("asked-pinned", "sshsig+pin", 1, "sshsig")))
PEOPLE = {"alice": ["dev"], "bob": ["sre"], "ted": ["sre"], "nora": ["sre"],
          "flo": ["sre"], "petra": ["sre"], "dana": ["admins"],
          "tess": ["asking"], "nick": ["asking"], "pete": ["asking"]}
KINDS = {"ted": "ed25519-sk", "nora": "ed25519-sk+no-touch-required",
         "flo": "ecdsa-sk", "petra": "ecdsa-sk+verify-required",
         "tess": "ecdsa-sk",
         "nick": "ecdsa-sk+no-touch-required",
         "pete": "ed25519-sk+verify-required"}


def ask(lab, role):
    got = lab.run("alice", "request", role, "--json")
    assert got[0] == 0, got
    return json.loads(got[1].splitlines()[-1])["id"]


def approve(lab, name, who, rid, status, *words, env=None):
    """By the agent; with env by that alone, and the key's file."""
    key = () if env is None else ("--key", lab.dir / who / "key")
    got = lab.run(who, *key, "approve", rid, "--yes", env=env)
    check(name, got[0] == status and all(
        w in got[1] + got[2] for w in words), *got)


def weak(lab, rid, who, env=None):
    """What a refusal is called, and that nothing was counted."""
    key = () if env is None else ("--key", lab.dir / who / "key")
    got = lab.run(who, *key, "approve", rid, "--yes", "--json", env=env)
    shown = json.loads(lab.run("dana", "show", rid, "--json")[1])
    check("    weak-proof, and nothing was logged",
          json.loads(got[1].splitlines()[-1])["error"] == "weak-proof" and
          shown["decisions"] == [], got, shown)


def proof_in(lab, name, rid, *words):
    path = lab.dir / f"{rid}.txt"
    got = lab.run("alice", "evidence", rid, "--out", path)
    assert got[0] == 0, got
    got = lab.run("alice", "verify", path)
    check(name, got[0] == 0 and all(w in got[1] for w in words), got)


def by_agent(lab):
    rid = ask(lab, "touched")
    approve(lab, "a plain key is no touch", "bob", rid, 15, "touch")
    weak(lab, rid, "bob")
    approve(lab, "nor is a key made without", "nora", rid, 15, "touch")
    weak(lab, rid, "nora")
    approve(lab, "nor one whose flags say that nobody touched it", "flo",
            rid, 15, "touch")
    weak(lab, rid, "flo")
    approve(lab, "a touch is one", "ted", rid, 0, "Touch your key (SHA256:",
            "Approved")
    got = lab.run("alice", "collect", rid)
    check("and opens", got[0] == 0 and "Serial 1" in got[1], got)
    got = lab.run("dana", "show", rid)
    check("shown as what it is: claimed", "touch as claimed" in got[1], got)
    proof_in(lab, "the evidence says so too", rid, "sshsig+touch (claimed)")

    rid = ask(lab, "pinned")
    approve(lab, "a touch is no PIN", "ted", rid, 15, "pin")
    weak(lab, rid, "ted")
    approve(lab, "a PIN is one", "petra", rid, 0, "Approved")
    got = lab.run("alice", "collect", rid)
    check("and opens", got[0] == 0, got)
    proof_in(lab, "the evidence says so, as a claim", rid,
             "sshsig+pin (claimed)")

    rid = ask(lab, "either")
    approve(lab, "one with a touch", "ted", rid, 0, "Approved")
    approve(lab, "one with a PIN", "petra", rid, 0, "Approved",
            "you are the last")
    check("and opens", lab.run("alice", "collect", rid)[0] == 0)


def by_file(lab, provider):
    """No agent: ssh-keygen finds the key, asks and signs."""
    env = {"SSH_AUTH_SOCK": "", "SSH_SK_PROVIDER": provider,
           **{k: os.environ[k] for k in ("SSH_ASKPASS", "DISPLAY",
                                         "SSH_ASKPASS_REQUIRE",
                                         "JIT_SK_PIN")}}
    rid = ask(lab, "touched")
    approve(lab, "no agent: a plain key is no touch", "bob", rid, 15,
            "touch", env=env)
    approve(lab, "nor is a key made without", "nora", rid, 15, "touch",
            env=env)
    lying = {**env, "JIT_SK_FLAGS": "00"}
    approve(lab, "nor flags that say that nobody touched it", "ted", rid, 15,
            "touch", env=lying)
    weak(lab, rid, "ted", lying)
    lying["JIT_SK_FLAGS"] = "04"
    approve(lab, "nor a PIN without a touch", "ted", rid, 15, env=lying)
    for how, word in (("device", "ssh-keygen"), ("general", "ssh-keygen")):
        approve(lab, f"a security key that fails ({how})", "ted", rid, 1,
                word, env={**env, "JIT_SK_FAIL": how})
    approve(lab, "a touch is one", "ted", rid, 0, "Approved", env=env)
    check("and opens", lab.run("alice", "collect", rid)[0] == 0)

    rid = ask(lab, "pinned")
    approve(lab, "no agent: a touch is no PIN", "ted", rid, 15, "pin",
            env=env)
    approve(lab, "nor is a wrong one", "petra", rid, 1, "ssh-keygen",
            env={**env, "JIT_SK_PIN": "654321"})
    approve(lab, "a PIN is one", "petra", rid, 0, "Approved", env=env)
    check("and opens", lab.run("alice", "collect", rid)[0] == 0)
    proof_in(lab, "and its evidence", rid, "sshsig+pin (claimed)")


def asking(lab):
    """The same of who asks."""
    for role, who, status in (
            ("asked-touched", "alice", 15), ("asked-touched", "nick", 15),
            ("asked-touched", "tess", 0), ("asked-pinned", "alice", 15),
            ("asked-pinned", "tess", 15), ("asked-pinned", "pete", 0)):
        before = len(lab.ids(who))
        got = lab.run(who, "request", role, "--json")
        last = json.loads(got[1].splitlines()[-1])
        check(f"{who} asks for {role}: " + ("taken" if status == 0 else
              "refused"), got[0] == status and ("id" in last if status == 0
              else last["error"] in ("weak-proof", "policy-refuses")), got)
        check("    and only then anything is kept",
              len(lab.ids(who)) == before + (status == 0), lab.ids(who))


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
            by_agent(lab)
            by_file(lab, os.path.abspath(provider))
            asking(lab)
            got = lab.run("dana", "verify", "--log", "--deep")
            check("the log holds", got[0] == 0, got)
    finally:
        os.unlink(askpass)
    report()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
