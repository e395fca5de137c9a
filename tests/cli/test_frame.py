#!/usr/bin/env python3
"""The program from main() on, its man page and its completion.

test_frame.py PROBE MAN BASH SOURCE: PROBE is cli/main.c with verbs that say
what they were given.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

PROBE, MAN, BASH, SOURCE = map(os.path.abspath, sys.argv[1:5])
BAD = []
ROW = re.compile(r'^X\((\w+), *"([\w-]+)"', re.M)
OPTION = re.compile(r'^X\((\w+), ([^"]*), "([\w-]+)", (0|\'.\'),\s*'
                    r'(NULL|"[^"]*")', re.M)


def check(name, good, *seen):
    print("ok" if good else "NOT OK", "-", name)
    if not good:
        BAD.append(name)
        print("  seen:", *seen)


def run(*args, env=None, **kw):
    kw = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kw}
    done = subprocess.run([PROBE, *args], text=True, timeout=60,
                          env={**os.environ, **(env or {})}, **kw)
    return done.returncode, done.stdout, done.stderr


def tables():
    """{verb: [(long, letter)]}, "" for the global ones."""
    read = pathlib.Path(SOURCE, "cli")
    verbs = dict(ROW.findall((read / "verbs.def").read_text()))
    have = {name: [] for name in ["", *verbs.values()]}
    rows = OPTION.findall((read / "options.def").read_text())
    for _, owners, name, letter, _ in rows:
        pair = (name, letter.strip("'") if letter != "0" else "")
        if "GLOBAL" in owners:
            have[""].append(pair)
        for owner in re.findall(r"V\((\w+)\)", owners):
            have[verbs[owner]].append(pair)
    return have


def programme(have):
    status, out, err = run()
    check("nothing typed is a usage error", status == 2 and out == ""
          and all(v in err for v in have), status, out, err)
    status, out, err = run("--help")
    check("help names every verb", status == 0 and err == "" and
          all(re.search(rf"^  {v}\b", out, re.M) for v in have if v), out)
    check("and fits 79 columns", max(map(len, out.split("\n"))) < 80, out)
    for verb, options in have.items():
        if not verb:
            continue
        status, out, err = run(verb, "--help")
        names = set(re.findall(r"--([\w-]+)", out.split("\n\n", 1)[1]))
        want = {o for o, _ in options + have[""]}
        check(f"help of {verb}", status == 0 and err == "" and want <= names
              and max(map(len, out.split("\n"))) < 80, want - names, out)
    check("version", run("--version") ==
          (0, "jit-cert 0.1.0\n", ""), run("--version"))
    status, out, err = run("ssh", "prod-db", "--json", "--", "db1", "-v",
                           env={"JIT_CERT_SIGNER": "/run/s"})
    said = json.loads(out)
    check("a verb gets what was typed", status == 14 and err == "" and
          said["operands"] == ["prod-db", "db1", "-v"] and
          said["dashes"] == 1 and said["signer"] == "/run/s", out, err)
    said = json.loads(run("inbox", "--json", "--signer=/own",
                          env={"JIT_CERT_SIGNER": "/run/s"})[1])
    check("an option goes before the environment",
          said["signer"] == "/own", said)
    said = json.loads(run("inbox", "--json", env={"JIT_CERT_SIGNER": ""})[1])
    check("an empty variable is none", said["signer"] is None, said)
    said = json.loads(run("--json", "inbox", "x\x1b")[1])
    check("an error as JSON", said["error"] == "bad-argument" and
          said["exit"] == 2 and "x\\x1b" in said["message"], said)


def lost_output():
    with open("/dev/full", "w") as full:
        status, _, err = run("inbox", stdout=full)
    check("a full disk is told", status == 1 and "No space left" in err,
          status, err)
    read, write = os.pipe()
    os.close(read)
    status, _, err = run("inbox", "--json", stdout=write)
    os.close(write)
    check("a reader that went away is told", status == 1 and
          "Broken pipe" in err, status, err)


def man(have):
    text = pathlib.Path(MAN).read_text()
    for tool in (["groff", "-mandoc", "-ww", "-z"],
                 ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8"]):
        if not shutil.which(tool[0]):
            print("skipped -", tool[0], "is not here")
            continue
        done = subprocess.run([*tool, MAN], capture_output=True, text=True,
                              timeout=60)
        check(f"{tool[0]} has no warning", done.returncode == 0 and
              done.stderr == "", done.stderr)
    check("the template is filled", not re.search("^@", text, re.M))
    verbs = text.split(".SH VERBS\n")[1].split(".SH OPTIONS\n")[0]
    parts = dict(re.findall(r"^\.TP\n\\fB([a-z]+)\\fR .*\n((?:.*\n)*?)"
                            r"(?=\.TP\n\\fB[a-z]|\.SS|\Z)", verbs, re.M))
    parts[""] = text.split(".SH OPTIONS\n")[1].split(".SH EXIT")[0]
    check("every verb has its part", set(parts) == set(have),
          set(parts) ^ set(have))
    for verb, options in have.items():
        want = {o.replace("-", "\\-") for o, _ in options}
        got = set(re.findall(r"^(?:\\fB\\-\w\\fR, )?\\fB\\-\\-"
                             r"([\w\\-]+)\\fR", parts.get(verb, ""), re.M))
        check(f"man: options of {verb or 'all'}", got == want, got ^ want)
    header = pathlib.Path(SOURCE, "cli/cli.h").read_text()
    states = set(re.findall(r"^\tCLI_\w+ = (\d+)", header, re.M))
    part = text.split(".SH EXIT STATUS\n")[1].split(".SH ENV")[0]
    got = set(re.findall(r"^\.TP\n(\d+)\n", part, re.M))
    check("man: every exit status", got == states, got ^ states)


def complete(*words):
    """What bash offers for the last word."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); '
              "COMP_CWORD=$(($# - 1)); _jit_cert; "
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", BASH, "jit-cert",
                           *words], capture_output=True, text=True,
                          timeout=60, cwd=SOURCE)
    check("completion says nothing else", done.stderr == "", done.stderr)
    return sorted(w for w in done.stdout.split("\n") if w)


def completion(have):
    done = subprocess.run(["bash", "-n", BASH], capture_output=True)
    check("bash -n", done.returncode == 0 and done.stderr == b"")
    check("verbs", complete("") == sorted(v for v in have if v),
          complete(""))
    check("verbs by their beginning", complete("wh") == ["whoami"])
    for verb, options in have.items():
        want = sorted(f"--{o}" for o, _ in options + (have[""] if verb else
                                                      []))
        words = (verb, "-") if verb else ("-",)
        check(f"options of {verb or 'all'}", complete(*words) == want,
              complete(*words))
    rows = [
        ("behind a global option", ("--signer", "/s", "--json", "inb"),
         ["inbox"]),
        ("a value is no verb", ("--as", "wait", "inb"), ["inbox"]),
        ("a file", ("--signer", "READ"), ["README.md"]),
        ("a file behind =", ("--signer", "=", "READ"), ["README.md"]),
        ("nothing typed behind =", ("verify", "--require", "="), ["signed"]),
        ("a word", ("verify", "--require", "s"), ["signed"]),
        ("a folder", ("collect", "-o", "pki"), ["pki-examples"]),
        ("an evidence file", ("verify", "READ"), ["README.md"]),
        ("free text", ("request", "--reason", "-"), []),
        ("an operand that nobody knows", ("wait", ""), []),
        ("behind dashes no option", ("wait", "--", "--"), []),
        ("an option by its beginning", ("request", "--op"), ["--opens"]),
    ]
    for name, words, want in rows:
        check(name, complete(*words) == want, complete(*words))


def main():
    have = tables()
    check("the tables are read", len(have) > 15 and len(have[""]) > 5, have)
    programme(have)
    lost_output()
    man(have)
    completion(have)
    print("\n".join(BAD))
    sys.exit(1 if BAD else 0)


main()
