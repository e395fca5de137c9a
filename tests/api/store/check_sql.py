#!/usr/bin/env python3
"""No SQL in api/ is put together: constant text, bound values.

check_sql.py SOURCE
 - only api/store/db*.c call SQLite;
 - db_run() and db_prepare() get string literals, or the name of a constant
   that is nothing else (api/view/view.c: its table of view_sql.def);
 - no literal that is SQL holds a "%", or stands in a call that formats.
"""
import pathlib
import re
import sys

VERB = re.compile(r"^\s*(EXPLAIN QUERY PLAN\s+)?(SELECT|INSERT|UPDATE|DELETE|"
                  r"REPLACE|CREATE|DROP|ALTER|PRAGMA|ATTACH|BEGIN|COMMIT|"
                  r"WITH|VACUUM)\b[^.!?]*$", re.S)
LITERAL = r'"(?:[^"\\]|\\.)*"'
FORMATS = re.compile(r"\b(\w*printf|wr_fmt|wr_str|strcat|strncat|strcpy|"
                     r"stpcpy|asprintf|sqlite3_mprintf)\s*\(")


def bare(text):
    """The text without comments; literals stay."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|(' + LITERAL + ')',
                  lambda m: m.group(1) or " ", text, flags=re.S)


def arguments(text, at):
    """Of the call whose "(" is at text[at]."""
    args, depth, now, i = [], 0, "", at
    while i < len(text):
        literal = re.compile(LITERAL).match(text, i)
        if literal:
            now += literal.group()
            i = literal.end()
            continue
        c = text[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        if depth == 0:
            break
        if c == "," and depth == 1:
            args.append(now.strip())
            now = ""
        elif not (c == "(" and depth == 1):
            now += c
        i += 1
    return args + [now.strip()]


def is_literal(s):
    return re.fullmatch(rf"(\s*{LITERAL})+\s*", s) is not None


def is_constant(name, text):
    """A file-scope array of literals, or a column of a table of them."""
    if re.fullmatch(r"\w+", name):
        return re.search(rf"static const char {name}\[\] ="
                         rf"(\s*{LITERAL})+\s*;", text) is not None
    # sql[q] of view.c, caches[i].sql of db_open.c
    m = re.fullmatch(r"(\w+)\[\w+\](\.sql)?", name)
    if m is None:
        return False
    table = re.search(rf"static const [^;=]*?\b{m.group(1)}\[\] =|"
                      rf"}} {m.group(1)}\[\] =", text)
    return table is not None


def faults(name, text):
    text = bare(text)
    found = []
    if not re.match(r"api/store/db\w*\.[ch]$", name):
        for m in re.finditer(r"\bsqlite3_\w+|<sqlite3\.h>", text):
            found.append(f"{name}: {m.group()} outside of api/store/db")
    if name != "api/store/db.c":
        for m in re.finditer(r"\bsqlite3_(exec|prepare\w*|get_table)\b",
                             text):
            found.append(f"{name}: {m.group()} outside of db.c")
    for m in re.finditer(r"\b(db_run|db_prepare)\s*(?=\()", text):
        if re.search(r"\benum jit_err\s+$", text[:m.start()]):
            continue    # its declaration
        args = arguments(text, m.end())
        if len(args) < 2 or not (is_literal(args[1]) or
                                 is_constant(args[1], text)):
            found.append(f"{name}: {m.group(1)}({', '.join(args)})")
    for m in re.finditer(rf"(?:{LITERAL}\s*)+", text):
        sql = "".join(p[1:-1] for p in re.findall(LITERAL, m.group()))
        if VERB.match(sql) and "%" in sql:
            found.append(f"{name}: SQL with a %: {sql}")
    for m in FORMATS.finditer(text):
        for arg in arguments(text, m.end() - 1):
            if is_literal(arg) and VERB.match("".join(
                    p[1:-1] for p in re.findall(LITERAL, arg))):
                found.append(f"{name}: {m.group(1)} puts SQL together")
    return found


BAD = {
    "a % in it": 'x(d, "SELECT a FROM t WHERE b = %s");',
    "a variable": "db_run(d, sql, why);",
    "a call": "db_prepare(d, make_sql(x), &s, why);",
    "a literal and a name": 'db_prepare(d, "SELECT " COLUMNS, &s, why);',
    "a name that changes": 'static char sql[] = "BEGIN"; '
                           "void f(void) { db_run(d, sql, why); }",
    "SQLite elsewhere": "sqlite3_exec(h, s, 0, 0, 0);",
    "its header elsewhere": "#include <sqlite3.h>",
    "written in pieces": 'wr_str(&w, "SELECT a FROM t WHERE b = ");',
    "printed": '(void)snprintf(b, sizeof(b), "UPDATE t SET a = 1");',
}
GOOD = {
    "a literal": 'db_run(d, "BEGIN", why);',
    "literals": 'db_prepare(d, "SELECT a"\n    " FROM t", &s, why);',
    "a constant": 'static const char sql[] = "BEGIN;"\n "COMMIT"; '
                  "void f(void) { db_run(d, sql, why); }",
    "a sentence": 'jit_fail(why, e, "%s: no room");',
}

bad = []
for what, text in BAD.items():
    if not faults("api/x.c", text):
        bad.append(f"this looks at nothing: {what}")
for what, text in GOOD.items():
    if faults("api/x.c", text):
        bad.append(f"this sees ghosts: {what}")
source = pathlib.Path(sys.argv[1])
files = sorted(p for p in (source / "api").rglob("*")
               if p.suffix in (".c", ".h", ".def"))
calls = 0
for path in files:
    text = path.read_text()
    calls += len(re.findall(r"\bdb_(run|prepare)\(", text))
    bad += faults(str(path.relative_to(source)), text)
print("\n".join(bad) or f"{len(files)} files, {calls} calls")
sys.exit(1 if bad or calls < 10 else 0)
