#!/usr/bin/env python3
"""Every write, sync and rename of the journal has a crash point near it, and
every signature and answer of a turn.

check_crash_points.py SOURCE: fails when a call of an operation that changes
the disk in signer/journal*.c has no CRASH_POINT within three lines, when a
file that a row of crash.def names is there and does not hold the row's point,
or when a point is in no row or in a file of another row.
"""
import pathlib
import re
import sys

NEAR = 3
OPS = re.compile(
    r"(?:ops\.|o->)(write|sync|sync_all|sync_dir|rename|reserve)\(")
TURN = re.compile(r"\b(checkpoint_sign|ssh_cert_make|turn_answer|turn_commit)\(")
ROW = re.compile(r'^X\((\w+), "([\w.]+)"', re.M)
POINT = re.compile(r"CRASH_POINT\((\w+)\)")


def scan(path, found, bad):
    """The number of calls that change the disk."""
    lines = path.read_text().split("\n")
    calls = 0
    for number, line in enumerate(lines, 1):
        for point in POINT.findall(line):
            found.setdefault(point, set()).add(path.name)
        disk = path.name.startswith("journal") and OPS.search(line)
        # Signing, and what leaves; not where these are defined.
        turn = path.name == "turn.c" and TURN.search(line) and \
            line.startswith("\t")
        if not disk and not turn:
            continue
        calls += 1
        # Of a turn: within a few lines behind it, a loop's end between them.
        far = NEAR if disk else 2 * NEAR
        if not POINT.search("\n".join(lines[number - 1:number + far])):
            bad.append(f"{path.name}:{number}: no crash point near")
    return calls


def main():
    signer = pathlib.Path(sys.argv[1], "signer")
    rows = dict(ROW.findall((signer / "crash.def").read_text()))
    bad, found = [], {}
    calls = sum(scan(p, found, bad) for p in sorted(signer.glob("*.c"))
                if p.name != "journal_disk.c")
    for row, name in rows.items():
        if (signer / name).exists() and name not in found.get(row, ()):
            bad.append(f"crash.def: {row} is not in {name}")
    bad += [f"{point} in {', '.join(sorted(files))}: crash.def says "
            f"{rows.get(point, 'nothing')}"
            for point, files in found.items() if files != {rows.get(point)}]
    print("\n".join(bad) or f"{calls} calls, {len(rows)} points")
    sys.exit(1 if bad or calls < 10 else 0)


main()
