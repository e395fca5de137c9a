#!/usr/bin/env python3
"""The deciding half of jit-cert against the real signer and agents.

	test_decide.py JIT_SIGNER JIT_CERT

Who may ask and decide, what an approver sees before they sign, what is said
when it is too late, what auditors read afterwards; on a terminal as well.
"""
import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab  # noqa: E402
from rows import check, report  # noqa: E402

ROLES = """
  prod-db:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    reason: {{ required: true, pattern: "^INC-" }}
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 2, of: [sre], proofs: [sshsig] }}
  run-once:
    accounts: [{user}]
    host-groups: [prod-db]
    options: ["force-command=/usr/bin/uptime", permit-port-forwarding,
              "source-address=127.0.0.0/8"]
    max: 30m
    horizon: 1d
    request: {{ of: [dev, sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
PEOPLE = {"alice": ["sre", "dev"], "bob": ["sre"], "carol": ["sre"],
          "erin": ["dev"], "dana": ["admins"]}


def row(lab, name, who, args, status, *words, no=()):
    """One run: its exit status, words that are said, words that are not."""
    got, out, err = lab.run(who, *args)
    said = out + err
    check(name, got == status and all(w in said for w in words) and
          not any(w in said for w in no), got, out, err)
    return said


def ask(lab, who, role, *args):
    status, out, err = lab.run(who, "request", role, "--json", *args)
    if status != 0:
        raise RuntimeError(f"request {role}: {status} {out} {err}")
    return json.loads(out.splitlines()[-1])["id"]


def knowing(lab):
    row(lab, "whoami", "alice", ["whoami"], 0, "alice, in", "sre", "dev",
        "in the agent", "ready", "lab.example.com+")
    me = json.loads(lab.run("alice", "whoami", "--json")[1])
    check("whoami for programs", me["person"] == "alice" and sorted(
        me["groups"]) == ["dev", "sre"] and me["keys"][0]["enrolled"] is True
        and me["keys"][0]["where"] == "agent" and me["signer"] == "ready", me)
    got = lab.run("erin", "whoami", "--policy",
                  env={"JIT_CERT_SIGNER": "/nonexistent"})
    check("whoami --policy needs no signer", got[0] == 0 and re.fullmatch(
        r"  erin:\n    groups: \[\]\n    keys:\n      - ssh-ed25519 \S+\n",
        got[1]), got)
    row(lab, "roles that I may ask for", "erin", ["roles"], 0, "run-once",
        "at most 30m", "needs 1", "alice, bob, carol", no=("needs 2",))
    row(lab, "a role, its options told as they are", "erin",
        ["roles", "run-once"], 0, "only the command /usr/bin/uptime",
        "PORT FORWARDING", "only from 127.0.0.0/8", "no terminal",
        "you may, signed with sshsig", no=("NO forwarding", "any command"))
    row(lab, "a role that is not mine", "erin", ["roles", "prod-db"], 0,
        "you may NOT", "2 of sre", "reason    needed, like ^INC-")
    role = json.loads(lab.run("alice", "roles", "prod-db", "--json")[1])
    check("a role for programs; nobody approves their own",
          role["approvers"] == ["bob", "carol"] and role["need"] == 2 and
          role["approve_proofs"] == ["sshsig"], role)
    row(lab, "no such role", "erin", ["roles", "prod-bd"], 15, "prod-db")
    ca = lab.run("bob", "ca")
    check("the CA's line, alone", ca[0] == 0 and ca[1].startswith(
        lab.ca_key()) and ca[1].count("\n") == 1 and "--pin" in ca[2], ca)
    row(lab, "a server's principals", "bob", ["ca", "--principals", "db1"], 0,
        f"{lab.user}.prod-db")
    row(lab, "nothing is open", "bob", ["inbox"], 0, "Nothing waits")
    row(lab, "and no log of it", "bob", ["list"], 0, "Nothing is open")


def two_of(lab):
    rid = ask(lab, "alice", "prod-db", "-r", "INC-4711 payments stuck",
              "--for", "45m")
    end = rid[-4:]
    # Over the network one sees only what one may, and asks for less.
    web = lab.road == "https"
    row(lab, "it waits for bob", "bob", ["inbox"], 0, end, "alice", "prod-db",
        "pending, 0 of 2", "INC-4711")
    row(lab, "not for alice", "alice", ["inbox"], 0, "Nothing waits")
    row(lab, "OWN", "alice", ["approve", end, "--yes"], 15, "OWN",
        "You asked for this", "bob, carol")
    row(lab, "not an approver", "erin", ["approve", end, "--yes"], 15,
        "no request here ends" if web else "may not decide")
    row(lab, "nobody to ask", "bob", ["approve", end], 1, "--yes")
    row(lab, "--view signs nothing", "bob", ["approve", end, "--view"], 0,
        "verdict: approve", "approver: bob", "reason: INC-4711",
        f"principal: {lab.user}.prod-db", no=("Approved",))
    row(lab, "show", "dana", ["show", end], 0, "INC-4711 payments stuck",
        "needs  2 of sre; ",
        "can still approve: bob, carol", "pending, 0 of 2",
        f"login as {lab.user} on db1, db2 (principal {lab.user}.prod-db); "
        "terminal; any command; NO forwarding", "45m from first use")
    got = lab.run("dana", "show", end, "--text")
    check("show --text: the bytes that were signed", got[0] == 0 and
          got[1] == lab.request_text("alice", rid), got)
    row(lab, "a comment that is none", "bob",
        ["approve", end, "--yes", "--comment=-"], 2, "comment")
    row(lab, "bob approves", "bob", ["approve", end, "--yes", "--comment",
        "ok by me"], 0, "alice asks for prod-db", "signed by SHA256:",
        "(enrolled ", "why    INC-4711", "alice had no certificate of this "
        "role " + ("lately" if web else "before"), "needs  2 of sre", "Approved, log #", "proof checked",
        f"jit-cert deny {end}", no=("you are the last",))
    row(lab, "bob approves again", "bob", ["approve", end, "--yes"], 15,
        "LATE", "You approved it", "jit-cert deny")
    row(lab, "it waits for bob no more", "bob", ["inbox"], 0, "Nothing waits")
    row(lab, "who can still", "dana", ["show", end], 0, "2 of sre: bob ",
        "can still approve: carol", "ok by me")
    row(lab, "carol is the last", "carol", ["approve", end, "--yes"], 0,
        "you are the last", "bob approved")
    row(lab, "approved", "alice", ["list", "--mine"], 0, "approved, to be")
    row(lab, "carol takes it back, which denies it", "carol", ["deny", end,
        "--yes", "--comment", "use the replica"], 0, "Denied, log #")
    row(lab, "LATE: denied", "bob", ["approve", end, "--yes"], 10, "LATE",
        "carol denied it", "nothing was signed")
    row(lab, "LATE: by oneself", "carol", ["deny", end, "--yes"], 10,
        "You denied it")
    row(lab, "not open any more", "alice", ["list"], 0, "Nothing is open")
    said = row(lab, "but in --all, by its whole id", "alice",
               ["list", "--all"], 0, "denied")
    check("what is told can be typed", rid in said or lab.run(
        "alice", "show", end)[0] == 0, said)
    return rid


def terminal(lab):
    """The keys of an approver."""
    rid = ask(lab, "alice", "run-once", "-r", "look")
    end = rid[-4:]
    status, shown = lab.on_terminal("bob", ["approve", end], "vq")
    check("view, then quit: nothing is signed", status == 14 and
          "jit-cert request v1" in shown and "Nothing was signed" in shown,
          status, shown)
    check("it tells what it opens", "only the command /usr/bin/uptime" in
          shown and "PORT FORWARDING" in shown, shown)
    status, shown = lab.on_terminal("bob", ["approve", end], "xa")
    check("another key asks again, a signs", status == 0 and "Approved, log"
          in shown and shown.count("[q]uit") == 2, status, shown)
    status, out, err = lab.run("alice", "collect", end)
    check("collect", status == 0, out, err)
    row(lab, "LATE: issued; it can be taken back", "carol",
        ["deny", end, "--yes"], 15, "LATE", "certificate was issued",
        f"take it back: jit-cert revoke {end}")

    late = ask(lab, "erin", "run-once", "-r", "look")
    status, shown = lab.on_terminal(
        "bob", ["approve", late[-4:]], "a", before=lambda: lab.run(
            "carol", "deny", late[-4:], "--yes"))
    check("denied while it was shown: LATE, not signed", status == 10 and
          "LATE" in shown and "carol denied it" in shown and
          "Approved" not in shown, status, shown)
    log = lab.run("dana", "log", "--json")[1].splitlines()
    check("and bob's approval is not in the log", not any(
        json.loads(x)["id"] == late and json.loads(x)["person"] == "bob"
        for x in log), log)
    return rid


def what_is_new(lab, first):
    rid = ask(lab, "alice", "run-once", "-r", "again")
    row(lab, "the same as last time", "bob", ["approve", rid[-4:], "--view"],
        0, "new    the same as last time (")
    rid = ask(lab, "alice", "run-once", "-r", "again", "--for", "10m")
    row(lab, "shorter", "bob", ["approve", rid[-4:], "--view"], 0,
        "new    10m, last time 30m (", "); else the same")
    assert lab.run("alice", "drop", first[-4:])[0] == 0
    row(lab, "also from the log, once it is over", "bob",
        ["approve", rid[-4:], "--view"], 0, "new    10m, last time 30m (")
    text = lab.policy.read_text()
    db3 = "  db3:\n    address: 127.0.0.1\n    port: 1\n    keys:\n      - "
    lab.keygen(lab.dir / "hosts" / "db3", "db3")
    text = text.replace("host-groups:\n  prod-db: [db1, db2]",
                        db3 + lab.public(lab.dir / "hosts" / "db3") +
                        "\nhost-groups:\n  prod-db: [db1, db2, db3]", 1)
    status, shown = lab.on_terminal(
        "bob", ["approve", rid[-4:]], "a",
        before=lambda: (lab.policy.write_text(text), lab.reload()))
    check("a server more while it was shown: not signed", status == 15 and
          "nothing was signed" in shown and "Approved" not in shown, status,
          shown)
    row(lab, "a new server is told", "bob", ["approve", rid[-4:], "--view"],
        0, "on db1, db2, db3 (", "last time 30m", "also server db3")
    row(lab, "bob approves that", "bob", ["approve", rid[-4:], "--yes"], 0,
        "Approved")
    lab.policy.write_text(text.replace("max: 30m", "max: 20m"))
    lab.reload()
    row(lab, "a role that changed: STALE, not MISMATCH", "carol",
        ["approve", rid[-4:], "--yes"], 15, "has changed", no=("MISMATCH",))
    row(lab, "and is told so", "alice", ["list"], 0, "the role has changed")


def auditors(lab, denied, done):
    said = row(lab, "the log of a person: what they got as well", "dana",
               ["log", "--person", "alice", "--verify"], 0, "asks for prod-db",
               "HAS ACCESS: certificate 1 for", "carol DENIES prod-db for "
               "alice: \"use the replica\"", "gives the access back",
               "Checked: the ", no=("erin asks",))
    check("one line an entry", all(re.match(r"#\d+  ", x) for x in
                                   said.splitlines()[:-1]), said)
    row(lab, "the log of a role", "dana", ["log", "--role", "run-once"], 0,
        "HAS ACCESS", "gives the access back", no=("prod-db for",))
    row(lab, "of an hour that was not", "dana",
        ["log", "--until", "2001-01-01"], 0, "No entry")
    lines = [json.loads(x) for x in lab.run(
        "dana", "log", "--json", "--person", "alice")[1].splitlines()]
    issued = [x for x in lines if x["type"] == "issued"]
    check("for programs", len(issued) == 1 and issued[0]["requester"] ==
          "alice" and issued[0]["role"] == "run-once" and
          issued[0]["serial"] == 1 and issued[0]["id"] == done, lines)
    row(lab, "a whole id is found long after", "dana", ["show", denied], 0,
        "state  denied", "use the replica", "carol DENIED")
    path = lab.dir / "evidence"
    row(lab, "evidence", "dana", ["evidence", done, "--out", path], 0,
        "verified")
    row(lab, "which holds", "dana", ["verify", path, "--log"], 0,
        "Nothing was logged about it since")
    whole = path.read_text()
    at = whole.index("BEGIN JIT REQUEST") + 200
    path.write_text(whole[:at] + ("A" if whole[at] != "A" else "B") +
                    whole[at + 1:])
    row(lab, "and not when it was changed", "dana", ["verify", path], 18)
    row(lab, "the whole log", "dana", ["verify", "--log", "--deep"], 0,
        "The whole log holds", "every signature verified")


def main():
    with Lab(*sys.argv[1:3], roles=ROLES, people=PEOPLE) as lab:
        knowing(lab)
        denied = two_of(lab)
        done = terminal(lab)
        what_is_new(lab, done)
        auditors(lab, denied, done)
    report()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
