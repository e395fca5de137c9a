#!/usr/bin/env python3
"""What is told of a grant after the policy went on, and of a large one.

	test_later.py JIT_SIGNER JIT_CERT

An auditor looks when role, servers and people are gone; an approver looks
at more servers than fit a line; and with --json every verb says objects.
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
  db:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
  other:
    accounts: [{user}]
    host-groups: [web]
    max: 1h
    horizon: 1d
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
PEOPLE = {"alice": ["sre"], "bob": ["sre"], "carol": ["sre"],
          "dana": ["admins"]}
MANY = 40


def row(lab, name, who, args, status, *words, no=()):
    """One run: its exit status, words that are said, words that are not."""
    got, out, err = lab.run(who, *args)
    check(name, got == status and all(w in out + err for w in words) and
          not any(w in out + err for w in no), got, out, err)
    return out


def ask(lab, who="alice"):
    status, out, err = lab.run(who, "request", "db", "--json", "-r", "INC-1")
    if status != 0:
        raise RuntimeError(f"request: {status} {out} {err}")
    return json.loads(out.splitlines()[-1])["id"]


def objects(lab, name, who, *args):
    """What it says with --json: objects, one a line, and nothing else."""
    status, out, err = lab.run(who, *args, "--json")
    try:
        said = [json.loads(line) for line in out.splitlines()]
    except ValueError:
        said = []
    check(name, status == 0 and said and all(isinstance(o, dict)
                                             for o in said), status, out, err)
    return said or [{}]


def for_programs(lab, rid):
    text = lab.request_text("alice", rid)
    said = objects(lab, "show --text", "bob", "show", rid, "--text")[0]
    check("    is the text", said.get("text") == text, said)
    said = objects(lab, "approve --view", "bob", "approve", rid, "--view")[0]
    check("    is what would be signed", said.get("text", "").startswith(
        "jit-cert decision v1\n") and said["text"].endswith(text), said)
    said = objects(lab, "whoami --policy", "bob", "whoami", "--policy")[0]
    check("    are the lines", said.get("policy", "").startswith("  bob:\n"),
          said)
    said = objects(lab, "pending", "bob", "show", rid)[0]
    check("    0 of 1", (said.get("have"), said.get("need"),
                         said.get("approvals")) == (0, 1, []), said)


def granted(lab):
    """One grant, collected; and its evidence, as a file and as an object."""
    rid = ask(lab)
    for_programs(lab, rid)
    assert lab.run("bob", "approve", rid, "--yes")[0] == 0
    assert lab.run("alice", "collect", rid)[0] == 0
    said = objects(lab, "active", "bob", "show", rid)[0]
    check("    by whom", said.get("approvals") == ["bob"] and
          said["serial"] == 1 and "need" not in said, said)
    said = objects(lab, "log", "dana", "log")
    issued = [o for o in said if o.get("type") == "issued"]
    by = [o for o in said if o.get("type") == "decision"]
    check("    the certificate names the approvals", len(issued) == 1 and
          issued[0]["approvals"] == [o["index"] for o in by], issued, by)
    path = lab.dir / "evidence"
    row(lab, "evidence", "dana", ["evidence", rid, "--out", path], 0)
    said = objects(lab, "evidence", "dana", "evidence", rid)[0]
    again = lab.dir / "again"
    again.write_text(said.get("evidence", ""))
    row(lab, "    which holds", "dana", ["verify", again], 0, "approved by")
    return rid, path


def since(lab, rid, path):
    said = objects(lab, "nothing since", "dana", "verify", path, "--log")[0]
    check("    and says so", said.get("verified") is True and
          said.get("since") == [], said)
    assert lab.run("alice", "drop", rid)[0] == 0
    said = objects(lab, "dropped since", "dana", "verify", path, "--log")[0]
    check("    and says so", [o["type"] for o in said.get("since", [])] ==
          ["drop"], said)
    # What another log holds is no news about this one.
    whole = path.read_text()
    with Lab(lab.signer, lab.cert, roles=ROLES, people=PEOPLE) as other:
        got = lab.run("dana", "verify", path, "--log", "--json", "--pin",
                      (lab.home / "log.vkey").read_text().strip(),
                      env={"JIT_CERT_SIGNER": str(other.socket)})
        check("against another log: 18, and no word of verified",
              got[0] == 18 and "verified\":true" not in got[1], got)
    got = lab.run("dana", "verify", path, "--log", "--json", "--pin",
                  (lab.home / "log.vkey").read_text().strip(),
                  env={"JIT_CERT_SIGNER": "/nonexistent"})
    check("no signer to ask: 17, and no word of verified", got[0] == 17 and
          "verified\":true" not in got[1], got)
    check("the file is as it was", path.read_text() == whole)


def gone(lab, rid, path):
    """Role, servers and requester leave the policy."""
    denied, pending, left = ask(lab), ask(lab, "carol"), ask(lab)
    assert lab.run("bob", "deny", denied, "--yes")[0] == 0
    before = lab.policy.read_text()
    text = re.sub(r"\n  db:\n.*?(?=\n  other:)", "", before, flags=re.S)
    text = text.replace("  prod-db: [db1, db2]\n", "")
    text = re.sub(r"\n  alice:\n.*?(?=\n  bob:)", "", text, flags=re.S)
    lab.policy.write_text(text)
    lab.reload()
    row(lab, "what alice had is told as it was", "dana", ["show", rid], 0,
        f"login as {lab.user} on db1, db2 (", "needs  1 of sre: bob ",
        "NOT ENROLLED NOW", "state  dropped", "which the certificate rests "
        "on; in force is #", no=("UNKNOWN SERVERS", "nothing counts",
                                 "not what the policy"))
    row(lab, "what was denied needs nothing", "dana", ["show", denied], 0,
        "state  denied", "bob DENIED", no=("nothing counts",
                                           "not what the policy"))
    row(lab, "what is pending is told to be stale", "dana",
        ["show", pending], 0, "the role has changed since")
    # Over the network nobody but admins sees requests of a role that is gone.
    web = lab.road == "https"
    row(lab, "and cannot be approved", "bob", ["approve", pending, "--yes"],
        15, "that you may see" if web else "no role", no=("Approved",))
    row(lab, "nor that of who left: the signer has ended it", "bob",
        ["approve", left, "--yes"], 15 if web else 12, "that you may see" if
        web else "LATE", no=("Approved", "MISMATCH"))
    row(lab, "which is told", "dana", ["show", left], 0, "state  cancelled",
        "ended by the signer", "its requester is enrolled no more",
        no=("not what the policy",))
    for name, which in (("granted", rid), ("denied", denied),
                        ("pending", pending)):
        row(lab, f"evidence of what was {name}", "dana",
            ["evidence", which, "--out", path], 0, "verified")
        row(lab, "    which holds", "dana", ["verify", path, "--log"], 0,
            "Nothing was logged about it since")
    lab.policy.write_text(before)
    lab.reload()
    row(lab, "and it stays ended", "alice", ["cancel", left], 12,
        "ended by the signer")


def many(lab):
    """More servers than are named in a line."""
    names = [f"web{i:02}" for i in range(MANY)]
    hosts = ""
    for name in [*names, "zed"]:
        lab.keygen(lab.dir / "hosts" / name, name)
        hosts += (f"  {name}:\n    address: {name}.example.com\n"
                  "    port: 22\n    keys:\n      - " +
                  lab.public(lab.dir / "hosts" / name) + "\n")
    text = lab.policy.read_text().replace(
        "host-groups:\n  prod-db: [db1, db2]", f"{hosts}host-groups:\n"
        f"  prod-db: [db1, db2, {', '.join(names)}]", 1)
    lab.policy.write_text(text)
    lab.reload()
    rid = ask(lab)
    row(lab, "what does not fit is counted, and told", "dana", ["show", rid],
        0, "web29 and 10 more (", "prod-db: db1, db2, ", "web38, web39")
    row(lab, "--view too", "bob", ["approve", rid, "--view"], 0,
        "servers of prod-db: db1, db2, ", "web39")
    status, shown = lab.on_terminal("bob", ["approve", rid], "q")
    check("and before a key is pressed", status == 14 and
          "servers of prod-db: db1" in shown and "web38, web39" in shown,
          status, shown)
    row(lab, "and without asking back", "bob",
        ["approve", ask(lab), "--yes"], 0,
        "servers of prod-db: db1, db2, ", "web39", "Approved, log #")
    # As many as before, and none of those that are named.
    swapped = text.replace("web38, web39]", "web38, zed]")
    status, shown = lab.on_terminal(
        "bob", ["approve", rid], "a", before=lambda: (
            lab.policy.write_text(swapped), lab.reload()))
    check("another server while it was shown: look again", status == 15 and
          "nothing was signed" in shown and "Approved" not in shown, status,
          shown)
    return rid


def denying(lab, rid):
    row(lab, "one's own: how to take it back", "alice", ["deny", rid,
        "--yes"], 15, "OWN", f"jit-cert cancel {rid[-4:]}")
    status, shown = lab.on_terminal("bob", ["approve", rid],
                                    ["d", "use the replica\n"])
    check("a denial asks for words", status == 0 and "What alice is told" in
          shown and "Denied, log #" in shown, status, shown)
    row(lab, "    which are told", "alice", ["wait", rid], 10, "DENIED",
        "use the replica")
    rid = ask(lab)
    status, shown = lab.on_terminal("bob", ["deny", rid], ["d", "\n"])
    check("or none", status == 0 and "Denied, log #" in shown, status, shown)
    rid = ask(lab)
    status, shown = lab.on_terminal("bob", ["deny", rid],
                                    ["d", "a\x07b\n"])
    check("but not such", status == 2 and "Denied" not in shown, status,
          shown)
    status, shown = lab.on_terminal("bob", ["deny", rid, "-c", "no"], "d")
    check("and none when they were typed before", status == 0 and "is told "
          "(" not in shown and "Denied, log #" in shown, status, shown)


def main():
    with Lab(*sys.argv[1:3], roles=ROLES, people=PEOPLE) as lab:
        rid, path = granted(lab)
        since(lab, rid, path)
        gone(lab, rid, path)
        denying(lab, many(lab))
        row(lab, "the log holds", "dana", ["verify", "--log", "--deep"], 0)
    report()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
