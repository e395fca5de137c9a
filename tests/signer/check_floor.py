#!/usr/bin/env python3
"""What jit-signer links: libcrypto, libyaml, libseccomp, libc, nothing more.

check_floor.py JIT_SIGNER
Sanitizers bring their own; they are let through by name.
"""
import re
import subprocess
import sys

FLOOR = {"libcrypto", "libyaml-0", "libseccomp", "libc", "ld-linux-x86-64",
         "ld-linux-aarch64", "linux-vdso"}
SANITIZER = {"libasan", "libubsan", "libm", "libgcc_s", "libstdc++", "libdl",
             "libpthread", "librt", "libresolv"}

out = subprocess.run(["ldd", sys.argv[1]], capture_output=True, text=True,
                     check=True).stdout
names = {re.sub(r"\.so.*", "", line.split()[0].split("/")[-1])
         for line in out.splitlines()}
sanitized = bool(names & {"libasan", "libubsan"})
more = names - FLOOR - (SANITIZER if sanitized else set())
print("links:", " ".join(sorted(names)))
if more or "libc" not in names:
    print("more than the floor:", " ".join(sorted(more)))
    sys.exit(1)
