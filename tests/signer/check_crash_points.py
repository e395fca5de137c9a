#!/usr/bin/env python3
"""Every write, sync and rename of the journal has a crash point near it.

check_crash_points.py SOURCE: fails when a call of an operation that changes
the disk in signer/*.c has no CRASH_POINT within the next lines, when a row of
crash.def is not in the file that it names, or a point is in no row.
"""
import pathlib
import re
import sys

NEAR = 6
OPS = re.compile(r"o(?:ps\.|->)(write|sync|sync_all|sync_dir|rename|reserve)\(")
ROW = re.compile(r'^X\((\w+), "([\w.]+)"', re.M)
POINT = re.compile(r"CRASH_POINT\((\w+)\)")
# The copy's bytes become real with its sync, which has a point.
EXEMPT = {"copy_bytes"}


def main():
    signer = pathlib.Path(sys.argv[1], "signer")
    rows = dict(ROW.findall((signer / "crash.def").read_text()))
    bad, calls, found = [], 0, {}
    for path in sorted(signer.glob("*.c")):
        if path.name == "journal_disk.c":
            continue
        lines = path.read_text().split("\n")
        function = ""
        for number, line in enumerate(lines, 1):
            name = re.match(r"(\w+)\(", line)
            function = name.group(1) if name else function
            for point in POINT.findall(line):
                found.setdefault(point, set()).add(path.name)
            if not OPS.search(line) or function in EXEMPT:
                continue
            calls += 1
            near = "\n".join(lines[number - 1:number + NEAR])
            if not POINT.search(near):
                bad.append(f"{path.name}:{number}: no crash point near")
    for row, name in rows.items():
        if name not in found.get(row, set()):
            bad.append(f"crash.def: {row} is not in {name}")
    bad += [f"{p} is in no row" for p in found if p not in rows]
    print("\n".join(bad) or f"{calls} calls, {len(rows)} points")
    sys.exit(1 if bad or calls < 10 else 0)


main()
