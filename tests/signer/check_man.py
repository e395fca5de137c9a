#!/usr/bin/env python3
"""Every command and option of jit-signer --help is in its man page, and the
page has no other, and no warnings."""
import re
import subprocess
import sys

program, page = sys.argv[1:3]
usage = subprocess.run([program, "--help"], stdout=subprocess.PIPE,
                       check=True).stdout.decode()
text = open(page).read()
told = set(re.findall(r"--[a-z][a-z-]+", usage))
shown = {"-" + o for o in re.findall(r"(?:Fl|\|) (-[a-z][a-z-]+)", text)}
bad = sorted(told ^ shown)
for command in ("check", "init", "serve", "recover"):
    if f".Ss {command}" not in text or command not in usage:
        bad.append(command)
warned = subprocess.run(["groff", "-mandoc", "-ww", "-z", page],
                        stderr=subprocess.PIPE, check=True).stderr.decode()
if bad or warned:
    sys.exit(f"not in both: {', '.join(bad)}\n{warned}")
print(f"{len(told)} options")
