#!/usr/bin/env python3
"""PROTOCOL.md says what the code says.

check_protocol_md.py SOURCE: fails when the table of operations in
signer/PROTOCOL.md is not that of signer/ops.def, when a limit is not that of
the header that sets it, or when an error is named that ca/base/err.def does not have.
"""
import pathlib
import re
import sys

OP = re.compile(r'^X\((\w+), (\d+), "([^"]*)", (\w+), "([^"]*)",\s*'
                r'"([^"]*)", "([^"]*)"\)', re.M)
LIMITS = {
    "frame": "PROTO_FRAME_MAX", "answer": "PROTO_ANSWER_MAX",
    "indexes or digests in a frame": "PROTO_PROVE_MAX",
    "requests of a `list`": "PROTO_LIST_MAX", "wait": "PROTO_WAIT_MS",
    "receipts in an answer": "RECEIPTS_MAX", "note": "TLOG_NOTE_MAX",
    "connections": "SERVE_CONNS", "waits": "SERVE_WAITS",
    "frames in flight of a connection": "CONN_TASKS",
}
HEADERS = ("signer/proto.h", "signer/serve.h", "signer/conn.h",
           "ca/grant/receipt.h", "ca/tlog/checkpoint.h")


def section(text, title):
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(text):
    """The cells of each row of a table, its head left out."""
    lines = [line for line in text.split("\n") if line.startswith("|")]
    return [[c.strip() for c in line.strip("|").split("|")]
            for line in lines[2:]]


def main():
    top = pathlib.Path(sys.argv[1])
    doc = (top / "signer/PROTOCOL.md").read_text()
    bad = []

    want = [list(m[1:]) for m in OP.findall(
        (top / "signer/ops.def").read_text())]
    got = rows(section(doc, "Operations"))
    bad += [f"not in ops.def: {r}" for r in got if r not in want]
    bad += [f"not in PROTOCOL.md: {r}" for r in want if r not in got]

    header = "".join((top / name).read_text() for name in HEADERS)
    limits = dict(row for row in rows(section(doc, "Limits")))
    for what, name in LIMITS.items():
        value = re.search(rf"#define {name} \(?(.*?)\)?\s*(?:/\*.*)?$",
                          header, re.M)[1]
        base, _, shift = value.replace("u", "").partition("<<")
        number = int(base) << int(shift or 0)
        if not re.match(rf"{number}\b", limits.get(what, "")):
            bad.append(f"{what}: {name} is {number}")

    names = set(re.findall(r'^X\(\w+, "([^"]+)"',
                           (top / "ca/base/err.def").read_text(), re.M))
    used = set()
    for title in ("Errors", "When permitted"):
        for row in rows(section(doc, title)):
            used |= set(re.findall(r"`([\w-]+)`", " ".join(row[1:])))
    bad += [f"no such error: {name}" for name in used - names]

    print("\n".join(bad) or f"{len(want)} operations, {len(used)} errors")
    sys.exit(1 if bad or len(want) < 14 else 0)


main()
