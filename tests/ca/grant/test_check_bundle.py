#!/usr/bin/env python3
"""Evidence as other people's tools see it; and altered evidence, refused.

test_check_bundle.py WRITE_EVIDENCE SOURCE
"""
import pathlib
import re
import subprocess
import sys
import tempfile

WRITE = sys.argv[1]
SOURCE = pathlib.Path(sys.argv[2])
CHECK = SOURCE / "tests/ca/grant/check_bundle.py"
GOLDEN = SOURCE / "tests/vectors/grant"
BAD = []


def check(folder, text, vkey=None, ca=None, more=()):
    path = folder / "altered.txt"
    path.write_bytes(text)
    done = subprocess.run(
        [sys.executable, str(CHECK), str(path), str(vkey or folder / "vkey"),
         str(ca or folder / "ca.pub"), *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def expect(name, got, status):
    # A refusal is said, not crashed into.
    good = got[0] == status and (status == 0 or got[1].startswith("NO: "))
    print("ok" if good else "NOT OK", "-", name)
    if not good:
        BAD.append(name)
        print("  got:", got)


def pieces(text):
    """Its head, and each entry with its proof."""
    cut = re.split(rb"(?=-----BEGIN JIT (?!PROOF))", text)
    return cut[0], cut[1:]


def flipped(block, where):
    """Another character of its base64, that far in."""
    lines = block.split(b"\n")
    end = next(i for i, x in enumerate(lines) if x.startswith(b"-----END"))
    at = sum(len(x) + 1 for x in lines[:1]) + int(
        where * sum(len(x) + 1 for x in lines[1:end - 1]))
    at -= block[at:at + 1] == b"\n"
    other = b"B" if block[at:at + 1] == b"A" else b"A"
    return block[:at] + other + block[at + 1:]


def alter(folder, text, other):
    head, parts = pieces(text)
    _, others = pieces(other)
    for i, part in enumerate(parts):
        rest = parts[:i] + parts[i + 1:]
        label = "%d %s" % (i, part.split(b"-----")[1].decode())
        # Without its drop it is evidence of what was before.
        expect("without " + label, check(folder, head + b"".join(rest)),
               0 if b"JIT DROP" in part else 1)
        expect("twice " + label,
               check(folder, head + b"".join(parts[:i + 1] + parts[i:])), 1)
        for where in (0.1, 0.5, 0.97):
            bad = parts[:i] + [flipped(part, where)] + parts[i + 1:]
            expect("flipped at %.2f %s" % (where, label),
                   check(folder, head + b"".join(bad)), 1)
        if i + 1 < len(parts):
            moved = parts[:i] + [parts[i + 1], part] + parts[i + 2:]
            expect("moved " + label,
                   check(folder, head + b"".join(moved)), 1)
        if i < len(others) and others[i] != part:
            bad = parts[:i] + [others[i]] + parts[i + 1:]
            expect("another's " + label,
                   check(folder, head + b"".join(bad)), 1)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([WRITE, name], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
        dropped = (folder / "dropped.txt").read_bytes()
        active = (folder / "active.txt").read_bytes()
        golden = (GOLDEN / "evidence.txt").read_bytes()
        expect("the golden file is what is written",
               (0 if golden == dropped else 1, ""), 0)
        expect("golden", check(folder, golden, GOLDEN / "vkey",
                               GOLDEN / "ca.pub"), 0)
        expect("active", check(folder, active), 0)
        for n, words in (("denied", "denied"), ("cancelled", "cancelled"),
                         ("approved", "2 of 2"), ("pending", "1 of 2")):
            text = (folder / (n + ".txt")).read_bytes()
            expect(n, check(folder, text), 1)
            got = check(folder, text, more=["--any"])
            expect(n + ", as what it is", (0 if got == (
                0, "all of it holds: " + words + "\n") else 1, got), 0)
        alter(folder, dropped, active)
        vkey = (folder / "vkey").read_text()
        other = folder / "other"
        other.write_text(vkey[:-4] + ("A" if vkey[-4] != "A" else "B") +
                         vkey[-3:])
        expect("another log key", check(folder, dropped, vkey=other), 1)
        ca = (folder / "ca.pub").read_text()
        other.write_text(ca[:-6] + ("A" if ca[-6] != "A" else "B") + ca[-5:])
        expect("another CA", check(folder, dropped, ca=other), 1)
        expect("nothing", check(folder, b""), 1)
    return len(BAD)


sys.exit(main())
