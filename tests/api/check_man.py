#!/usr/bin/env python3
"""Every command of jit-certd and every key of its configuration is in the man
page, which has no warnings: check_man.py JIT_CERTD SOURCE"""
import pathlib
import re
import subprocess
import sys

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
page = source / "api/man/jit-certd.8"
text = page.read_text()
usage = subprocess.run([program, "--help"], stdout=subprocess.PIPE, text=True,
                       check=True).stdout
commands = set(re.findall(r"^(?:usage:)? +jit-certd (\w+) CONFIG$",
                          usage, re.M))
code = (source / "api/config/config.c").read_text()
keys = set(re.findall(r'"([a-z-]+)"', " ".join(re.findall(
    r"known\[\] = \{(.*?)\};", code, re.S))))
bad = [c for c in commands if f".It Cm {c}\n" not in text] + \
      [k for k in keys if not re.search(rf"\b{k}:", text)]
warned = subprocess.run(["groff", "-mandoc", "-ww", "-z", page],
                        stderr=subprocess.PIPE, check=True).stderr.decode()
if bad or warned or not commands or not keys:
    sys.exit(f"not in the page: {', '.join(bad)}\n{warned}")
print(f"{len(commands)} commands, {len(keys)} keys")
