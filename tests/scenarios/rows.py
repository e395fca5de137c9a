"""Rows of a scenario: each with a name, printed as it is known."""
import sys

BAD = []


def check(name, good, *seen):
    """One row; what was seen is shown when it fails.  Was it good?"""
    print(("ok      " if good else "FAILED  ") + name, flush=True)
    if not good:
        BAD.append(name)
        print("   ", *seen, flush=True)
    return bool(good)


def report():
    if BAD:
        sys.exit(f"{len(BAD)} FAILED: " + "; ".join(dict.fromkeys(BAD)))
    print("all ok")
