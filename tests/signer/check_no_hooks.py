#!/usr/bin/env python3
"""A release has no test hooks: neither what selects them nor the points.

check_no_hooks.py SOURCE JIT_SIGNER HOOKS(true|false) ARCHIVE
ARCHIVE holds the files that have hooks, compiled as a release does.  When the
build has hooks, the program must have them: else this looks at nothing.
"""
import pathlib
import re
import subprocess
import sys

source, signer = pathlib.Path(sys.argv[1], "signer"), sys.argv[2]
hooks, archive = sys.argv[3] == "true", sys.argv[4]

points = re.findall(r'^X\((\w+), "', (source / "crash.def").read_text(), re.M)
words = [b"JIT_TEST_CRASH", b"JIT_TEST_CLOCK_OFFSET", b"crash_hit",
         b"crash_select", b"crash_hook"] + [p.encode() for p in points
                                            if "_" in p]
bad = []

# Every file that knows of a hook is in the archive.
members = {pathlib.Path(line).name for line in subprocess.run(
    ["ar", "t", archive], capture_output=True, text=True,
    check=True).stdout.split()}
for path in sorted(source.glob("*.c")):
    text = path.read_text()
    if ("JIT_TEST_HOOKS" in text or "CRASH_POINT" in text) and \
            not any(m.endswith(f"{path.name}.o") for m in members):
        bad.append(f"{path.name} is not looked at")

plain = subprocess.run(["ar", "p", archive], capture_output=True,
                       check=True).stdout
program = pathlib.Path(signer).read_bytes()
for word in words:
    if word in plain or (not hooks and word in program):
        bad.append(f"a release has {word.decode()}")
    if hooks and word.startswith(b"JIT_") and word not in program:
        bad.append(f"the program has no {word.decode()}: what is looked at?")
print("\n".join(bad) or f"{len(words)} words, {len(members)} files")
sys.exit(1 if bad or len(plain) < 1000 else 0)
