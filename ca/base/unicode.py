#!/usr/bin/env python3
"""Make unicode.inc: the ranges of code points that a reason may hold.

Reads UnicodeData.txt of Debian's unicode-data (15.0.0):

    ca/base/unicode.py /usr/share/unicode/UnicodeData.txt >ca/base/unicode.inc

Left out: General_Category Cc, Cf, Cs, Co, Zl, Zp, and what is unassigned.
"""
import sys

OUT = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def rows(path):
    first = None
    with open(path, encoding="ascii") as file:
        for line in file:
            field = line.split(";")
            code, name, cat = int(field[0], 16), field[1], field[2]
            if name.endswith(", First>"):
                first = code
            elif name.endswith(", Last>"):
                yield first, code, cat
            else:
                yield code, code, cat


def main():
    ranges = []
    for low, high, cat in rows(sys.argv[1]):
        if cat in OUT:
            continue
        if ranges and ranges[-1][1] + 1 == low:
            ranges[-1][1] = high
        else:
            ranges.append([low, high])
    print("/* Made by unicode.py from Unicode 15.0.0; do not edit. */")
    for low, high in ranges:
        print("{ 0x%04x, 0x%04x }," % (low, high))


main()
