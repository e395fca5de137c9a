#!/usr/bin/env python3
"""Who may include whom: check_walls.py SOURCE

	ca/base <- ca/ssh <- ca/tlog <- ca/grant <- signer
	           ca/ssh <- ca/x509 <- ca/grant
	cli and api use ca and the client's side of signer, never each other
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
CA = ["ca/base/", "ca/ssh/", "ca/tlog/", "ca/grant/", "ca/x509/"]
# What of the signer is for others.
CLIENT = ["signer/client.h", "signer/wire.h", "signer/proto.h",
          "signer/ops.def"]
MAY = {"ca/base": CA[:1], "ca/ssh": CA[:2], "ca/tlog": CA[:3],
       "ca/x509": CA[:2] + CA[4:], "ca/grant": CA, "signer": CA + ["signer/"],
       "api": CA + CLIENT + ["api/"], "cli": CA + CLIENT + ["cli/"]}
bad, seen = [], 0
for folder, may in MAY.items():
    for path in sorted((source / folder).rglob("*.[ch]")):
        name = str(path.relative_to(source))
        for used in re.findall(r'^#include "([^"]+)"', path.read_text(),
                               re.M):
            seen += 1
            if not any(used.startswith(m) for m in may):
                bad.append(f"{name} includes {used}")
if bad or seen < 500:
    sys.exit("\n".join(bad) or f"only {seen} includes were found")
print(f"{seen} includes, none through a wall")
