#!/usr/bin/env python3
"""Taking access back, against the real signer, sshd and ssh-keygen.

	test_take_back.py JIT_SIGNER JIT_CERT

Revoked by whom it may be and by nobody else; twice, unknown, over; what the
KRL then says to ssh-keygen and to sshd; a person locked out and let in again;
a person or a key that leaves the policy.
"""
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, until  # noqa: E402
from rows import check, report  # noqa: E402

CRL = "http://127.0.0.1:9/jit.crl"
ROLES = """
  db:
    accounts: [{{user}}]
    host-groups: [prod-db]
    max: 1h
    horizon: 1d
    request: {{{{ of: [dev, sre], proofs: [sshsig] }}}}
    approve: {{{{ need: 1, of: [sre], proofs: [sshsig] }}}}
  pg:
    kind: x509
    profile: postgresql
    subject: {{{{ cn: "{{{{person}}}}" }}}}
    revocation: {crl}
    max: 1h
    horizon: 1d
    request: {{{{ of: [dev, sre], proofs: [sshsig] }}}}
    approve: {{{{ need: 1, of: [sre], proofs: [sshsig] }}}}
  quiet:
    kind: x509
    profile: redis
    subject: {{{{ cn: "{{{{person}}}}" }}}}
    revocation: expiry
    max: 1h
    horizon: 1d
    request: {{{{ of: [dev, sre], proofs: [sshsig] }}}}
    approve: {{{{ need: 1, of: [sre], proofs: [sshsig] }}}}
""".format(crl=CRL)
PEOPLE = {"alice": ["sre", "dev"], "bob": ["sre"], "carol": ["sre"],
          "dana": ["admins"], "dora": ["admins"], "erin": ["dev"],
          "frank": ["dev"]}


def row(lab, name, who, args, status, *words, no=()):
    """One run: its exit status, words that are said, words that are not."""
    got, out, err = lab.run(who, *args)
    said = out + err
    check(name, got == status and all(w in said for w in words) and
          not any(w in said for w in no), got, out, err)
    return said


def ask(lab, who, role, *args):
    status, out, err = lab.run(who, "request", role, "--json", "-r", "INC-1 x",
                               *args)
    if status != 0:
        raise RuntimeError(f"request {role}: {status} {out} {err}")
    return json.loads(out.splitlines()[-1])["id"]


def approved(lab, who, role, by="bob", **kw):
    rid = ask(lab, who, role, *kw.get("args", ()))
    status, out, err = lab.run(by, "approve", rid, "--yes")
    if status != 0:
        raise RuntimeError(f"approve: {status} {out} {err}")
    return rid


def issued(lab, who, role, by="bob", **kw):
    """An access that is collected: (id, serial)."""
    rid = approved(lab, who, role, by, **kw)
    status, out, err = lab.run(who, "collect", rid, "--json")
    if status != 0:
        raise RuntimeError(f"collect: {status} {out} {err}")
    return rid, json.loads(out.splitlines()[-1])["serial"]


def state(lab, rid, who="dana"):
    return json.loads(lab.run(who, "show", rid, "--json")[1])["state"]


# ---- revoke ----

def who_may(lab):
    rid, serial = issued(lab, "alice", "db")
    end = rid[-4:]
    # Over the network she does not even see it.
    row(lab, "a stranger may not", "erin", ["revoke", end, "--reason", "x",
        "--yes"], 15, *(["no request here"] if lab.road == "https" else
                        ["you are erin", "alice", "bob, carol",
                         "dana, dora"]), no=("Revoked",))
    row(lab, "a reason is needed", "bob", ["revoke", end, "--yes"], 2,
        "--reason", no=("Revoked",))
    row(lab, "an empty one is none", "bob", ["revoke", end, "--yes",
        "--reason", ""], 2, "reason", no=("Revoked",))
    row(lab, "nobody to ask", "bob", ["revoke", end, "--reason", "x"], 1,
        "--yes", no=("Revoked",))
    check("nothing was signed until now", state(lab, rid) == "active")
    row(lab, "an approver may", "carol", ["revoke", end, "--reason",
        "wrong server", "--yes"], 0, "alice asks for db", "opens  login as",
        f"serial {serial}", f"certificate {serial} of alice for db is in the "
        "KRL", "RevokedKeys", "A session that is open goes on")
    check("it is revoked", state(lab, rid) == "revoked")
    row(lab, "REVOKED, who and why", "alice", ["collect", end], 11,
        "REVOKED", "carol", "wrong server")
    row(lab, "twice", "bob", ["revoke", rid, "--reason", "again", "--yes"],
        11, "REVOKED", "carol", "already", "nothing was signed")
    row(lab, "dropping it as well", "alice", ["drop", rid], 11, "REVOKED")
    row(lab, "LATE for who would decide", "bob", ["deny", rid, "--yes"], 11,
        "LATE", "revoked by carol")
    row(lab, "show", "dana", ["show", rid], 0, "revoked by carol",
        "wrong server")
    row(lab, "the log", "dana", ["log"], 0, "wrong server", "carol")

    rid, serial = issued(lab, "alice", "db")
    row(lab, "its requester may", "alice", ["revoke", rid, "--reason",
        "done", "--yes"], 0, "Revoked")
    row(lab, "its key is gone from there", "alice", ["list"], 0,
        no=(rid[-4:],))
    rid, serial = issued(lab, "alice", "db")
    said = json.loads(lab.run("dana", "revoke", rid, "--reason", "audit",
                              "--yes", "--json")[1])
    check("an admin may; for programs", said["state"] == "revoked" and
          said["id"] == rid and said["serial"] == str(serial) and
          said["listed"] == "krl" and said["kind"] == "ssh-user", said)


def other_states(lab):
    rid = ask(lab, "alice", "db")
    row(lab, "not yet decided: deny it", "bob", ["revoke", rid, "--reason",
        "x", "--yes"], 14, "no certificate yet", "jit-cert deny")
    row(lab, "cancel it", "alice", ["revoke", rid, "--reason", "x", "--yes"],
        14, "jit-cert cancel")
    lab.run("bob", "deny", rid, "--yes")
    row(lab, "denied", "bob", ["revoke", rid, "--reason", "x", "--yes"], 10)
    rid = ask(lab, "alice", "db")
    lab.run("alice", "cancel", rid)
    row(lab, "cancelled", "bob", ["revoke", rid, "--reason", "x", "--yes"],
        12)
    row(lab, "unknown", "bob", ["revoke", "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B",
        "--reason", "x", "--yes"], 15)
    row(lab, "unknown serial", "bob", ["revoke", "999999", "--reason", "x",
        "--yes"], 15, "no certificate has that serial")
    rid, _ = issued(lab, "alice", "db")
    row(lab, "drop says what goes on", "alice", ["drop", rid], 0, "Dropped",
        "revoked", "session that is open goes on", "KRL")
    row(lab, "after a drop", "bob", ["revoke", rid, "--reason", "x",
        "--yes"], 11, "DROPPED", "already")
    rid, serial = issued(lab, "alice", "db", args=("--for", "2s"))
    time.sleep(3)
    row(lab, "over by itself", "bob", ["revoke", rid, "--reason", "x",
        "--yes"], 11, "EXPIRED", "nothing to revoke")
    row(lab, "over, by its serial", "bob", ["revoke", str(serial),
        "--reason", "x", "--yes"], 11, "EXPIRED")


def by_serial(lab):
    rid, serial = issued(lab, "alice", "db")
    row(lab, "by its serial", "bob", ["revoke", str(serial), "--reason",
        "x", "--yes"], 0, f"certificate {serial} of alice")
    check("that one", state(lab, rid) == "revoked")
    rid, serial = issued(lab, "alice", "pg")
    colons = ":".join(re.findall("..", serial)).upper()
    row(lab, "by an X.509 serial as openssl prints it", "bob", ["revoke",
        colons, "--reason", "x", "--yes"], 0, "is on the CRL", CRL,
        "TLS session")
    check("that one as well", state(lab, rid) == "revoked")
    rid, serial = issued(lab, "alice", "quiet")
    row(lab, "one that nothing tells of", "bob", ["revoke", serial,
        "--reason", "x", "--yes"], 0, "Revoked", "NOTHING TELLS SERVERS",
        "no CRL", "they work until", no=("is on the CRL", "in the KRL"))


# ---- what servers hear ----

def krl(lab):
    path = lab.dir / "krl"
    status, out, err = lab.run("dana", "ca", "--krl", path)
    if status != 0:
        raise RuntimeError(f"ca --krl: {status} {out} {err}")
    return path


def cert_file(lab, who, rid):
    return lab.dir / who / "run" / "jit-cert" / rid / "id-cert.pub"


def says_revoked(path, cert):
    """ssh-keygen -Q: 1 when it is revoked."""
    done = subprocess.run(["ssh-keygen", "-Q", "-f", path, cert],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode == 1 and "REVOKED" in done.stdout


def with_krl(lab, name):
    """sshd of that server reads our KRL from now on."""
    host, top = lab.hosts[name], lab.dir / "hosts"
    lab.end(host["sshd"])
    conf = top / f"{name}.conf"
    conf.write_text(conf.read_text() + f"RevokedKeys {krl(lab)}\n")
    host["sshd"] = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f",
                                     conf], stderr=open(host["log"], "a"))
    lab.children.append(host["sshd"])
    until(lambda: lab.listens(host["port"]))


def servers(lab):
    with_krl(lab, "db1")
    rid, serial = issued(lab, "alice", "db")
    copy = lab.dir / "copy-cert.pub"
    copy.write_bytes(cert_file(lab, "alice", rid).read_bytes())
    check("the KRL does not name it", not says_revoked(krl(lab), copy))
    # A copy of its key stays where somebody took it.
    agent = lab.dir / "alice" / "agent"
    got = lab.run("alice", "ssh", "db", "--", "db1", "echo", "in")
    check("sshd lets it in", got[0] == 0 and "in" in got[1], got)
    ssh = ["ssh", "-F", "none", "-o", f"IdentityFile={copy}", "-o",
           "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o",
           "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-p",
           str(lab.hosts["db1"]["port"]), f"{lab.user}@127.0.0.1"]
    env = {**lab.env("alice"), "SSH_AUTH_SOCK": str(agent)}
    open_one = subprocess.Popen([*ssh, "echo begun; read x; echo still"],
                                env=env, stdin=subprocess.PIPE, text=True,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
    check("a session is open", open_one.stdout.readline() == "begun\n")
    row(lab, "revoked meanwhile", "bob", ["revoke", rid, "--reason",
        "stolen", "--yes"], 0, "Revoked")
    check("the KRL names it", says_revoked(krl(lab), copy))
    done = subprocess.run([*ssh, "true"], env=env, check=False,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    check("sshd refuses at once", done.returncode == 255 and
          b"Permission denied" in done.stderr, done)
    log = lab.hosts["db1"]["log"].read_text()
    check("and says why", "revoked" in log, log[-1500:])
    out, _ = open_one.communicate("\n", timeout=20)
    check("the session that was open went on", out == "still\n", out)

    rid, serial = issued(lab, "alice", "db")
    copy.write_bytes(cert_file(lab, "alice", rid).read_bytes())
    row(lab, "dropped", "alice", ["drop", rid], 0, "Dropped")
    check("a drop revokes as well", says_revoked(krl(lab), copy))


# ---- lock ----

def locks(lab):
    one, _ = issued(lab, "erin", "db")
    cert = lab.dir / "erin-cert.pub"
    cert.write_bytes(cert_file(lab, "erin", one).read_bytes())
    two, _ = issued(lab, "erin", "quiet")
    three = ask(lab, "erin", "pg")
    four = approved(lab, "erin", "pg")
    other = ask(lab, "frank", "db")
    row(lab, "only oneself and admins", "bob", ["lock", "erin", "--reason",
        "x", "--yes"], 15, "only they themselves and an admin", "dana, dora")
    row(lab, "nobody of that name", "dana", ["lock", "nemo", "--reason", "x",
        "--yes"], 15, "nobody called")
    row(lab, "an admin locks", "dana", ["lock", "erin", "--reason",
        "laptop stolen", "--yes"], 0, "Locks erin out", "Locked out erin",
        "undo   only by an admin: dana, dora",
        "Ended with it: 2 open requests, 1 SSH certificate and 1 X.509 "
        "certificate", "NOTHING TELLS SERVERS", "RevokedKeys",
        "open go on")
    check("what was live is revoked", state(lab, one) == "revoked" and
          state(lab, two) == "revoked")
    check("what was open is ended", state(lab, three) == "cancelled" and
          state(lab, four) == "cancelled")
    check("what others have is not", state(lab, other) == "pending")
    check("the KRL names the certificate", says_revoked(krl(lab), cert))
    # Over the network she cannot even log in.
    web = lab.road == "https"
    row(lab, "she is told", "erin", ["wait", three], 15 if web else 12,
        "locked out", *([] if web else ["ENDED"]))
    row(lab, "of the certificate as well", "erin", ["collect", one],
        15 if web else 11, "locked out", *([] if web else ["REVOKED"]))
    row(lab, "locked twice", "dora", ["lock", "erin", "--reason", "again",
        "--yes"], 1, "locked out already, by dana", no=("Tell security",))
    for name, args in (("asks", ["request", "db", "-r", "INC-2 x"]),
                       ("drops", ["drop", other]),
                       ("cancels", ["cancel", other]),
                       ("unlocks herself", ["unlock", "erin", "--reason",
                                            "x"])):
        status, out, err = lab.run("erin", *args)
        check(f"locked, she {name} in vain", status == 15, status, out, err)
    row(lab, "an approver unlocks in vain", "bob", ["unlock", "erin",
        "--reason", "x"], 15, "only an admin")
    row(lab, "an admin unlocks", "dora", ["unlock", "erin", "--reason",
        "new laptop"], 0, "Unlocked erin", "stays ended")
    check("what ended stays ended", state(lab, one) == "revoked")
    rid, _ = issued(lab, "erin", "db")
    check("she asks again", state(lab, rid) == "active")
    row(lab, "not locked", "dora", ["unlock", "erin", "--reason", "x"], 1)
    row(lab, "she locks herself", "erin", ["lock", "--reason",
        "phone stolen", "--yes"], 0, "Locked out erin", "1 SSH certificate")
    check("her key is gone from there", lab.ids("erin") == [],
          lab.ids("erin"))
    row(lab, "an admin locks herself", "dana", ["lock", "--reason", "lost",
        "--yes"], 0, "undo   only by an admin: dora")
    row(lab, "and cannot let herself in", "dana", ["unlock", "dana",
        "--reason", "x"], 15, *(["locked out"] if web else
                                ["another admin", "dora"]))
    row(lab, "nor others", "dana", ["unlock", "erin", "--reason", "x"], 15)
    live, _ = issued(lab, "alice", "db")
    row(lab, "nor revoke", "dana", ["revoke", live, "--reason", "x",
        "--yes"], 15, no=("Revoked",))
    row(lab, "the other admin lets her in", "dora", ["unlock", "dana",
        "--reason", "found"], 0, "Unlocked dana")
    row(lab, "the log of it", "dora", ["log", "--person", "erin"], 0,
        "laptop stolen", "new laptop", "phone stolen")


def terminal(lab):
    rid, _ = issued(lab, "alice", "db")
    status, shown = lab.on_terminal("bob", ["revoke", rid], ["why not\n",
                                                             "q"])
    check("q signs nothing", status == 14 and "[r]evoke [q]uit" in shown and
          "Nothing was signed" in shown and state(lab, rid) == "active",
          status, shown)
    status, shown = lab.on_terminal("bob", ["revoke", rid], ["why not\n",
                                                             "r"])
    check("a reason that is typed", status == 0 and "Revoked" in shown,
          status, shown)
    row(lab, "is logged", "dora", ["show", rid], 0, "why not")


# ---- out of the policy ----

def leaves(lab):
    one, _ = issued(lab, "frank", "db")
    cert = lab.dir / "frank-cert.pub"
    cert.write_bytes(cert_file(lab, "frank", one).read_bytes())
    two = ask(lab, "frank", "pg")
    del lab.people["frank"]
    lab.write_policy()
    lab.reload()
    until(lambda: state(lab, one) == "revoked")
    check("who leaves the policy loses all", state(lab, two) == "cancelled")
    check("in the KRL", says_revoked(krl(lab), cert))
    row(lab, "named in the log", "dora", ["log", "--person", "frank"], 0,
        "enrolled no more")

    one, _ = issued(lab, "alice", "db")
    old = lab.dir / "alice" / "key"
    lab.keygen(lab.dir / "alice" / "new", "alice@new")
    for end in ("", ".pub"):
        os.replace(f"{lab.dir}/alice/new{end}", f"{old}{end}")
    lab.write_policy()
    lab.reload()
    until(lambda: state(lab, one) == "revoked")
    check("a key that leaves takes its certificates", True)
    row(lab, "named in the log as well", "dora", ["show", one], 0,
        "the key that asked for it is enrolled no more")


def main():
    with Lab(*sys.argv[1:3], roles=ROLES, people=PEOPLE,
             init=["--x509", "ecdsa-p256"]) as lab:
        who_may(lab)
        other_states(lab)
        by_serial(lab)
        servers(lab)
        terminal(lab)
        locks(lab)
        leaves(lab)
    report()


main()
