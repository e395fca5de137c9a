#!/usr/bin/env python3
"""Whatever writes, signs or answers has a crash point near it.

check_crash_points.py SOURCE: fails when, in signer/,
  - a call of an operation that changes the disk in journal*.c,
  - a call that signs (a certificate, a checkpoint, any text), or
  - a call that makes an answer or has one made
has no CRASH_POINT within four lines; when a file that a row of crash.def
names is there and does not hold the row's point; or when a point is in no row
or in a file of another row.  The control: with the points of a file taken
away, every kind of call that it holds is told.
"""
import pathlib
import re
import sys

NEAR = 4
KINDS = {
    "writes": re.compile(
        r"(?:ops\.|o->)(?:write|sync|sync_all|sync_dir|rename|reserve)\("),
    "signs": re.compile(
        r"\b(?:ssh_cert_make|x509_make|crl_make|checkpoint_sign|sshsig_make|"
        r"ssh_priv_sign)\("),
    "answers": re.compile(
        r"\b(?:answer_begin|answer_error|turn_answer|turn_wake)\("),
}
# What only carries a call out: not a place of its own.
# The root's ceremony keeps no log: it is done again.
NOT = {"writes": {"journal_disk.c"}, "answers": {"proto_answer.c"},
       "signs": {"cmd_root.c"}}
LEAST = {"writes": 10, "signs": 2, "answers": 5}
ROW = re.compile(r'^X\((\w+), "([\w.]+)"', re.M)
POINT = re.compile(r"CRASH_POINT\((\w+)\)")
# A definition: its name begins the line.
DEFINED = re.compile(r"^\w+\(")


def counts_in(kind, name):
    if kind == "writes" and not name.startswith("journal"):
        return False
    return name not in NOT.get(kind, ())


def calls(kind, name, lines):
    """Numbers of the lines that do it, from 0."""
    if not counts_in(kind, name):
        return []
    return [i for i, line in enumerate(lines)
            if KINDS[kind].search(line) and not DEFINED.match(line)]


def unguarded(files):
    """What has no point near, as (kind, file, line); and all calls, by kind."""
    bad, count = [], dict.fromkeys(KINDS, 0)
    for name, text in files.items():
        lines = text.split("\n")
        for kind in KINDS:
            for i in calls(kind, name, lines):
                count[kind] += 1
                # What was written is lost after it; what is signed or told
                # may also be lost just before.
                first = i if kind == "writes" else max(i - NEAR, 0)
                if not POINT.search("\n".join(lines[first:i + NEAR + 1])):
                    bad.append((kind, name, i + 1))
    return bad, count


def misplaced(files, rows):
    found = {}
    for name, text in files.items():
        for point in POINT.findall(text):
            found.setdefault(point, set()).add(name)
    bad = [f"crash.def: {row} is not in {name}" for row, name in rows.items()
           if name in files and name not in found.get(row, ())]
    return bad + [f"{point} in {', '.join(sorted(where))}: crash.def says "
                  f"{rows.get(point, 'nothing')}"
                  for point, where in found.items()
                  if where != {rows.get(point)}]


def control(files):
    """Every file that holds a kind of call, without its points."""
    bad, tried = [], 0
    for name, text in files.items():
        bare = POINT.sub("nothing()", text)
        told = {kind for kind, _, _ in unguarded({name: bare})[0]}
        for kind in KINDS:
            if calls(kind, name, text.split("\n")):
                tried += 1
                if kind not in told:
                    bad.append(f"control: {name} {kind} without a point, and "
                               "that is not told")
    return bad, tried


def main():
    signer = pathlib.Path(sys.argv[1], "signer")
    rows = dict(ROW.findall((signer / "crash.def").read_text()))
    files = {p.name: p.read_text() for p in sorted(signer.glob("*.c"))}
    naked, count = unguarded(files)
    bad = [f"{name}:{line}: {kind}, no crash point near"
           for kind, name, line in naked]
    bad += misplaced(files, rows)
    bad += [f"only {count[kind]} calls that {kind}: the pattern is wrong"
            for kind in KINDS if count[kind] < LEAST[kind]]
    told, tried = control(files)
    bad += told
    print("\n".join(bad) or f"{count}, {len(rows)} points, {tried} controls")
    sys.exit(1 if bad else 0)


main()
