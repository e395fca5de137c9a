#!/usr/bin/env python3
"""What is done to jit-certd's database, and what comes of it:
test_database.py SIGNER CERT CERTD SOURCE

Deleted, replaced by an older one, by another log's, bit-flipped, locked,
edited by hand, on a full disk (as root): each is said in one line, mended by
rebuild or by itself, and gives nobody any authority.
"""
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time

import rows
from api import Api, Problem, Spec
from lab import Lab, until

signer, cert, certd, source = sys.argv[1:5]
check = rows.check


class Case:
    def __init__(self, lab, spec):
        self.lab, self.spec = lab, spec
        self.db = lab.dir / "certd" / "view.db"
        self.nobody = Api(lab.port, lab.dir / "tls.pem", spec)
        self.people = {}
        self.open = None		# a request that nobody approved

    def api(self, who):
        self.people[who] = self.nobody.login(self.lab, who)
        return self.people[who]

    def stop(self):
        self.lab.end(self.lab.front)
        check("it ends by itself", self.lab.front.returncode == 0,
              self.lab.certd_log()[-1500:])

    def begin(self):
        """(status, what it said) of one that does not start, or None."""
        before = len(self.lab.certd_log())
        self.lab.serve_certd(wait=False)
        until(lambda: self.lab.front.poll() is not None or
              self.lab.listens(self.lab.port), 30)
        said = self.lab.certd_log()[before:]
        if self.lab.front.poll() is None:
            return None, said
        return self.lab.front.returncode, said

    def copy(self):
        for f in self.db.parent.glob("view.db*"):
            shutil.copy2(f, self.lab.dir / f"kept-{f.name}")

    def restore(self):
        for f in self.db.parent.glob("view.db*"):
            f.unlink()
        for f in self.lab.dir.glob("kept-view.db*"):
            shutil.copy2(f, self.db.parent / f.name[5:])

    def rebuild(self):
        said = self.lab.init_certd("rebuild")
        check("rebuilt", "made anew" in said, said)
        self.lab.serve_certd()

    def no_authority(self, what):
        rid, secret = self.open
        try:
            got = self.api("alice").collect(rid, secret)
            check(f"{what}: nothing to collect", False, got)
        except Problem as p:
            check(f"{what}: nothing to collect: {p.code}",
                  p.code in ("still-pending", "view-damaged"), p)


def one_line(said, *words):
    lines = [l for l in said.splitlines() if any(w in l for w in words)]
    return len(lines) == 1 and lines[0]


def deleted(c):
    c.stop()
    for f in c.db.parent.glob("view.db*"):
        f.unlink()
    status, said = c.begin()
    check("deleted: said", status not in (None, 0) and
          one_line(said, "rebuild"), status, said)
    c.rebuild()
    c.no_authority("after a rebuild")


def rolled_back(c):
    c.stop()
    c.copy()
    c.lab.serve_certd()
    alice = c.api("alice")
    rid = alice.ask(c.lab, "prod-db-ro", "asked meanwhile")[0]
    c.stop()
    c.restore()
    c.lab.serve_certd()
    got = c.api("alice").get(f"/v1/requests/{rid}")
    check("an older copy: it follows the log by itself",
          got["request"]["state"] == "pending")
    c.no_authority("an older copy")


def of_another_log(c):
    c.stop()
    c.copy()
    with Lab(signer, cert, certd=certd) as other:
        other.end(other.front)
        for f in c.db.parent.glob("view.db*"):
            f.unlink()
        shutil.copy2(other.dir / "certd" / "view.db", c.db)
    status, said = c.begin()
    check("another log's: said", status == 18 and one_line(said, "log"),
          status, said)
    c.restore()
    c.lab.serve_certd()


def locked(c):
    done = subprocess.run([certd, "serve", c.lab.write_certd()],
                          stderr=subprocess.PIPE, text=True, timeout=30,
                          check=False)
    check("a second one: said in a line", done.returncode == 1 and
          one_line(done.stderr, "another jit-certd"), done)
    done = subprocess.run([certd, "rebuild", c.lab.write_certd()],
                          stderr=subprocess.PIPE, text=True, timeout=30,
                          check=False)
    check("rebuild beside it: said in a line", done.returncode == 1 and
          one_line(done.stderr, "stop jit-certd"), done)
    check("the first one goes on", c.lab.healthy())


def not_ours(c):
    c.stop()
    c.copy()
    for name, spoil in {
            "readable by others": lambda: c.db.chmod(0o644),
            "a link": lambda: (c.db.rename(c.db.with_name("x")),
                               c.db.symlink_to("x")),
            "a folder": lambda: (c.db.unlink(), c.db.mkdir()),
            "empty": lambda: c.db.write_bytes(b""),
            "some text": lambda: c.db.write_bytes(b"certd: v1\n" * 999),
            "cut in half": lambda: os.truncate(
                c.db, c.db.stat().st_size // 2),
            }.items():
        spoil()
        status, said = c.begin()
        if status is None:
            # Its log says so as soon as it reads what is not there.
            check(f"{name}: it follows or says", c.lab.healthy() or
                  "rebuild" in c.lab.certd_log(), said)
            c.lab.end(c.lab.front)
        else:
            check(f"{name}: said", status != 0 and said.strip() and
                  one_line(said, "view.db"), status, said)
        for f in c.db.parent.glob("*"):
            if f.is_dir() and not f.is_symlink():
                f.rmdir()
            elif f.name != "view.db.lock":
                f.unlink()
        c.restore()
    c.lab.serve_certd()


def flipped(c, flips=12):
    c.stop()
    c.copy()
    rng = random.Random(7)
    data = bytearray(c.db.read_bytes())
    told = 0
    for _ in range(flips):
        at = rng.randrange(len(data))
        c.restore()
        flip = bytearray(data)
        flip[at] ^= 1 << rng.randrange(8)
        c.db.write_bytes(flip)
        status, said = c.begin()
        if status is not None:
            told += 1
            if status == 0 or not one_line(said, "rebuild", "other-log"):
                check(f"byte {at}: said in a line", False, status, said)
            continue
        try:
            c.no_authority(f"byte {at}")
        except Problem as p:
            told += p.code == "view-damaged"
            check(f"byte {at}: {p.code}", p.code in ("view-damaged",
                  "log-in-first", "busy"), p)
        c.lab.end(c.lab.front)
    c.restore()
    c.lab.serve_certd()
    print(f"        {told} of {flips} flips were noticed")


def edited(c):
    rid, secret = c.open
    c.stop()
    db = sqlite3.connect(c.db)
    db.execute("UPDATE request SET ends = 1 WHERE id = ?", (rid,))
    db.commit()
    db.close()
    c.lab.serve_certd()
    try:
        c.api("alice").collect(rid, secret)
        check("edited: nothing to collect", False)
    except Problem as p:
        check("an edited row: said", p.code == "view-damaged" and
              "rebuild" in p.body["detail"], p)
    c.stop()
    c.rebuild()
    c.no_authority("edited, then rebuilt")


def full(c):
    if os.geteuid() != 0:
        print("not root: no small disk, the row is skipped")
        return
    c.stop()
    small = c.lab.dir / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700",
                    "tmpfs", small], check=True)
    try:
        shutil.copy2(c.db, small / "view.db")
        c.lab.write_certd(state=small)
        c.lab.serve_certd()
        room = os.statvfs(small)
        (small / "filler").write_bytes(bytes(max(
            0, room.f_bavail * room.f_bsize - 8192)))
        full_disk(c, small)
    finally:
        c.lab.end(c.lab.front)
        c.lab.write_certd(state=c.lab.dir / "certd")
        subprocess.run(["umount", small], check=True)
    c.lab.serve_certd()


def full_disk(c, small):
    before = len(c.lab.certd_log())
    for i in range(30):
        c.lab.run("alice", "request", "prod-db-ro", "--reason", "x" * 400)
        if "view-stopped" in c.lab.certd_log()[before:]:
            break
    said = c.lab.certd_log()[before:]
    check("a full disk: said in one line", one_line(said, "view-stopped") and
          "disk-full" in said, said[-2000:])
    check("a full disk: the signer issues all the same", c.lab.run(
        "alice", "list")[0] == 0)
    status, _, got = c.nobody.call("GET", "/v1/health")
    check("health tells", status == 503 and got["view_size"] <
          got["log_size"] + 1, got)
    (small / "filler").unlink()
    until(c.lab.healthy, 20)
    check("with room it goes on by itself", "view-goes-on" in
          c.lab.certd_log()[before:])


def main():
    spec = Spec(pathlib.Path(source) / "api/openapi.yaml")
    with Lab(signer, cert, certd=certd) as lab:
        c = Case(lab, spec)
        alice = c.api("alice")
        rid, _, secret, _ = alice.ask(lab, "prod-db", "INC-1 not approved")
        c.open = rid, secret
        c.api("bob").decide(lab, rid)
        for case in (deleted, rolled_back, of_another_log, locked, not_ours,
                     flipped, edited, full):
            print(case.__name__)
            case(c)
            time.sleep(0.1)
        check("all is well in the end", lab.healthy())
        c.no_authority("in the end")


main()
rows.report()
