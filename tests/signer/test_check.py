#!/usr/bin/env python3
"""jit-signer check, as an administrator runs it.

test_check.py JIT_SIGNER SOURCE
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SIGNER = sys.argv[1]
SOURCE = pathlib.Path(sys.argv[2])
POLICY = str(SOURCE / "pki-examples/policy/small-team.yaml")
REGULATED = str(SOURCE / "pki-examples/policy/regulated-team.yaml")
BAD = []


def run(*args):
    done = subprocess.run([SIGNER, *args], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


def expect(name, got, status, out="", err=""):
    good = got[0] == status and out in got[1] and err in got[2]
    print("ok" if good else "NOT OK", "-", name)
    if not good:
        BAD.append(name)
        print("  got:", got)


def file_rules(folder):
    """The file is root's or ours, written by nobody else, one link."""
    text = pathlib.Path(POLICY).read_text()
    path = pathlib.Path(folder, "policy.yaml")
    path.write_text(text)
    os.chmod(path, 0o644)
    expect("a copy of our own", run("check", str(path)), 0, "4 people")
    os.chmod(path, 0o666)
    expect("others may write it", run("check", str(path)), 1)
    os.chmod(path, 0o644)
    os.link(path, path.with_suffix(".two"))
    expect("it has two names", run("check", str(path)), 2)
    os.unlink(path.with_suffix(".two"))
    link = path.with_suffix(".link")
    link.symlink_to(path)
    expect("a symbolic link", run("check", str(link)), 2)
    path.write_text(text.replace("need: 2", "need: 20"))
    expect("the place is said", run("check", str(path)), 2, err="policy.yaml:")


def main():
    expect("summary", run("check", POLICY), 0,
           "4 people, 2 hosts, 2 host groups, 3 roles")
    expect("person", run("check", POLICY, "--person", "bob"), 0,
           "needs 2 of: alice, carol")
    expect("nobody", run("check", POLICY, "--person", "dana"), 0, "nothing")
    database = str(SOURCE / "pki-examples/postgresql/policy.yaml")
    expect("X.509 alone: no hosts", run("check", database), 0,
           "2 people, 0 hosts, 0 host groups, 2 roles")
    expect("what an X.509 role opens", run("check", database), 0,
           "pg-read: CN={person}, O=app-read (postgresql), at most 4h")
    expect("regulated: summary", run("check", REGULATED), 0, "6 roles")
    expect("regulated: who changes needs two of another group, with touch",
           run("check", REGULATED, "--person", "alice"), 0,
           "needs 2 of: carol, dan, erin (sshsig+touch)")
    expect("regulated: who changes decides nothing",
           run("check", REGULATED, "--person", "bob"), 0,
           "bob may decide on: nothing")
    expect("regulated: who decides asks for nothing",
           run("check", REGULATED, "--person", "carol"), 0,
           "carol may ask for:\n  nothing")
    expect("host", run("check", POLICY, "--host", "db1"), 0,
           "principals/dba:\ndba.prod-db\n")
    expect("no such host", run("check", POLICY, "--host", "db9"), 15,
           err='there is no host "db9"')
    expect("escapes stay out", run("check", POLICY, "--host", "\x1b[2J"), 15,
           err="\\x1b[2J")
    expect("no file", run("check", "/nonexistent/policy.yaml"), 15)
    expect("no verb", run(), 2, err="usage:")
    expect("unknown flag", run("check", POLICY, "--what", "x"), 2,
           err="usage:")
    expect("help", run("--help"), 0, "usage:")
    with tempfile.TemporaryDirectory() as folder:
        file_rules(folder)
    sys.exit(1 if BAD else 0)


main()
