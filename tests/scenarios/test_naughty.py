#!/usr/bin/env python3
"""The big list of naughty strings, in every field that a person fills; and
secrets, which must be in none that anybody reads.

	test_naughty.py JIT_SIGNER JIT_CERT SOURCE

What is accepted comes back as it was; what is refused has a clear error and
no effect; no control byte of theirs reaches a terminal (cases 31, 33, 34, 90,
91).
"""
import base64
import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, PASSPHRASE  # noqa: E402

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
BAD = []


def check(name, good, *seen):
    if good:
        return True
    print("FAILED  " + name, *seen, flush=True)
    BAD.append(name)
    return False


def clean(text, allowed="\n"):
    """No control or format character that speaks to a terminal."""
    return not any((ord(c) < 32 and c not in allowed) or
                   0x7f <= ord(c) < 0xa0 or
                   0x202a <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069
                   for c in text)


def load(source):
    folder = os.environ.get("JIT_VECTORS") or os.path.join(
        source, "..", "shared", "vectors")
    path = pathlib.Path(folder) / "strings" / "blns.json"
    if not path.exists():
        print(f"{path} is not there: skipped")
        sys.exit(77)
    strings = json.loads(path.read_text())
    # What an argument vector can carry, each once.
    return sorted({s for s in strings if "\0" not in s}), len(strings)


def reasons(lab, strings):
    """Every string as a reason; those that are taken come back the same."""
    taken = {}
    for s in strings:
        status, out, err = lab.run("alice", "request", "db",
                                   f"--reason={s}", "--json")
        check("reason: what is said is clean", clean(out) and clean(err),
              repr(s), out, err)
        said = [json.loads(x) for x in out.splitlines()]
        if status == 0:
            taken[said[-1]["id"]] = s
            lab.run("alice", "cancel", said[-1]["id"])
        else:
            check("reason: refused with words", status in (2, 15) and
                  said and said[-1].get("message"), repr(s), status, out,
                  err)
    return taken


def comments(lab, strings):
    """Some of every kind as a comment, and as anything else."""
    for i, s in enumerate(strings):
        out = lab.run("alice", "request", "db", "--json")[1]
        rid = json.loads(out.splitlines()[-1])["id"]
        verbs = (("bob", "approve", rid, "--yes"), ("bob", "deny", rid,
                 "--yes"), ("alice", "cancel", rid))
        who, *args = verbs[i % 3]
        status, out, err = lab.run(who, *args, f"--comment={s}")
        check("comment: clean", clean(out) and clean(err), repr(s), out, err)
        check("comment: taken, or refused with words", status == 0 or
              (status in (2, 15) and err), repr(s), status, out, err)
        if status == 0:
            out = lab.run("dana", "log", "--json")[1]
            if i % 3 < 2:
                shown = json.loads(lab.run("dana", "show", rid,
                                           "--json")[1])
                got = shown["decisions"][-1]["comment"]
                check("comment: comes back as it was", got == s, repr(s),
                      repr(got))
        if status != 0 or i % 3 == 0:
            lab.run("alice", "cancel", rid)


def others(lab, strings):
    """As names, ids, keys, hosts, files: an error, and nothing else."""
    size = lab.run("dana", "log")[1].count("\n")
    for i, s in enumerate(strings):
        tries = (("show", "--", s), ("approve", "--", s),
                 ("roles", "--", s), (f"--as={s}", "whoami"),
                 (f"--key={s}", "whoami"), (f"--pin={s}", "list"),
                 (f"--signer={s}", "list"), ("verify", "--", s),
                 ("ssh", "db", "--no-wait", "--for=1z", "--", s),
                 ("ca", f"--principals={s}"), ("log", f"--since={s}"),
                 ("request", "db", f"--for={s}"), ("--", s), (s,))
        args = tries[i % len(tries)]
        status, out, err = lab.run("bob", *args)
        check("elsewhere: clean", clean(out) and clean(err), args, out, err)
        check("elsewhere: not taken for anything", status != 0 or s in
              ("", "list") or args[0] in ("log", "request", "--") or
              s.startswith("-"), args, status, out)
        check("elsewhere: no crash", 0 <= status < 126, args, status, err)
    check("elsewhere: nothing was logged", lab.run("dana", "log")[1].count(
        "\n") == size)


def secrets(lab):
    """None of them in a log, an answer, or a file outside the lockers."""
    out = lab.run("alice", "request", "db", "--json")[1]
    rid = json.loads(out.splitlines()[-1])["id"]
    locker = lab.dir / "alice" / "run" / "jit-cert" / rid
    secret = (locker / "secret").read_bytes()
    key = (locker / "key.jit").read_bytes()
    lab.run("bob", "approve", rid, "--yes")
    said = "".join(lab.run("alice", *a)[1] + lab.run("alice", *a)[2]
                   for a in (("collect", rid), ("show", rid), ("list",),
                             ("wait", rid)))
    canaries = [PASSPHRASE.encode(), secret[:32], key[-48:-8],
                base64.b64encode(secret)[:40], secret.hex().encode(),
                base64.b64encode(key[-48:])[:40]]
    told = said.encode() + (lab.dir / "signer.log").read_bytes()
    for c in canaries:
        check("secret: in what is told", c not in told, c)
    for path in lab.dir.rglob("*"):
        if not path.is_file() or path.name == "pass" or \
                "jit-cert" in path.parts or path.suffix == ".seg":
            continue
        data = path.read_bytes()
        for c in (canaries[0], canaries[2]):
            check("secret: in a file", c not in data, path)


def main():
    signer, cert, source = sys.argv[1:4]
    strings, n = load(os.path.abspath(source))
    os.environ["LC_ALL"] = "C.UTF-8"
    with Lab(signer, cert, roles=ROLES, people=PEOPLE) as lab:
        taken = reasons(lab, strings[::4])
        shown = {r["id"]: r for r in map(json.loads, lab.run(
            "dana", "list", "--all", "--json")[1].splitlines())}
        for rid, s in taken.items():
            check("reason: comes back as it was", shown[rid]["reason"] == s,
                  repr(s), shown[rid]["reason"])
        comments(lab, strings[::25])
        others(lab, strings[::9])
        secrets(lab)
        got = lab.run("dana", "verify", "--log", "--deep")
        check("the log holds", got[0] == 0, got)
        got = lab.run("dana", "log")
        check("the log's lines are clean", clean(got[1]), got[1])
    print(f"{n} strings, {len(strings)} that an argument can carry, "
          f"{len(taken)} taken as a reason")
    if BAD:
        sys.exit(f"{len(BAD)} FAILED: " + "; ".join(sorted(set(BAD))))
    print("all ok")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
