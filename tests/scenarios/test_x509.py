#!/usr/bin/env python3
"""X.509 by the command line, the whole road, and what others make of it.

	test_x509.py JIT_SIGNER JIT_CERT

Asked for, approved, collected as PEM and PKCS#12, the same again; OpenSSL's
strict verification and GnuTLS agree on every profile, at the second before,
of and after both ends; evidence holds offline; dropped access is in the CRL,
and what cannot be taken back is said so (cases 24, 44 to 50).
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab  # noqa: E402
from rows import check, report  # noqa: E402

# name: (profile, subject, SANs, revocation, OpenSSL's purpose)
CRL = "http://ca.example.com/crl"
CERTS = {
    "app": ("client", 'cn: "{person}", o: [app-write]',
            '"email:{person}@example.com"', "expiry", "sslclient"),
    "pg": ("postgresql", 'cn: "{person}"', "", CRL, "sslclient"),
    "kube": ("kubernetes", 'cn: "{person}", o: [dev, ops]', "", "expiry",
             "sslclient"),
    "web": ("server", "cn: web", '"DNS:web.example.com", "IP:127.0.0.1"',
            CRL, "sslserver"),
}
OID = "1.2.840.113556.1.8000.2554.27457.32892.54828.17814.48384." \
      "15995217.10282170"


def role(name):
    profile, subject, sans, revocation, _ = CERTS[name]
    text = f"""
  {name}:
    kind: x509
    profile: {profile}
    subject: {{ {subject} }}
    {f"sans: [{sans}]" if sans else ""}
    revocation: "{revocation}"
    max: 1h
    horizon: 1d
    request: {{ of: [dev], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
    return text.replace("{", "{{").replace("}", "}}")


PLAIN = """
  plain:
    accounts: [{user}]
    host-groups: [prod-db]
    max: 1h
    horizon: 1d
    request: {{ of: [dev], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
ROLES = "".join(role(n) for n in CERTS) + PLAIN
PEOPLE = {"alice": ["dev"], "bob": ["sre"], "dana": ["admins"]}


def must(got):
    if got[0] != 0:
        raise SystemExit(f"FAILED  a step before: {got}")
    return got[1]


def last(text):
    return json.loads(text.splitlines()[-1])


def approved(lab, name, *args):
    """A request that bob approved; its id."""
    rid = last(must(lab.run("alice", "request", name, "--json", *args)))["id"]
    must(lab.run("bob", "approve", rid, "--yes"))
    return rid


def tool(*argv, env=None):
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, env=env)
    return done.returncode, done.stdout


def valid(folder, purpose, at=None, crl=None):
    """OpenSSL's word on it: the status, and what it said."""
    return tool("openssl", "verify", "-x509_strict", "-purpose", purpose,
                *(["-attime", at] if at else []),
                *(["-crl_check", "-CRLfile", crl] if crl else []),
                "-CAfile", folder / "ca.pem", "-untrusted",
                folder / "cert.pem", folder / "cert.pem")


def gnutls(folder, purpose, at):
    """GnuTLS's word on it; it knows no other moment than now."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
    return tool("faketime", "-f", stamp, "certtool", "--verify",
                "--load-ca-certificate",
                folder / "ca.pem", "--infile", folder / "cert.pem",
                "--verify-profile", "medium", "--verify-purpose",
                "1.3.6.1.5.5.7.3.2" if purpose == "sslclient" else
                "1.3.6.1.5.5.7.3.1", env={**os.environ, "TZ": "UTC"})


def utc(text):
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) -
               time.timezone)


def modes(folder):
    return {p.name: oct(p.stat().st_mode & 0o777) for p in folder.iterdir()}


# ---- the parts ----

def ends(name, folder, got):
    """At the second before, of and after both ends, as [from, until) says."""
    begin, end = utc(got["from"]), utc(got["until"])
    purpose = CERTS[name][4]
    rows = [("the second before it begins", begin - 1, False),
            ("its first second", begin, True),
            ("two seconds before its end", end - 2, True),
            ("its end", end, False), ("a second after", end + 1, False)]
    for what, at, want in rows:
        status, out = valid(folder, purpose, at)
        check(f"{name}: OpenSSL, {what}", (status == 0) == want, out)
    if not shutil.which("certtool") or not shutil.which("faketime"):
        print("skipped: GnuTLS, which needs certtool and faketime")
        return
    # GnuTLS takes notAfter itself, which is a second before the end.
    for what, at, want in rows + [("its last second", end - 1, True)]:
        status, out = gnutls(folder, purpose, at)
        check(f"{name}: GnuTLS, {what}", (status == 0) == want, out)


def says(name, folder, rid):
    """The certificate says what was approved, and nothing else."""
    text = tool("openssl", "x509", "-in", folder / "cert.pem", "-noout",
                "-text")[1]
    subject = {"app": "CN = alice, O = app-write", "pg": "CN = alice",
               "kube": "CN = alice, O = dev, O = ops",
               "web": "CN = web"}[name]
    check(f"{name}: subject", f"Subject: {subject}\n" in text, text)
    check(f"{name}: tied to its request", f"URI:urn:jit:grant:{rid}" in text
          and OID in text, text)
    check(f"{name}: no CA", "CA:FALSE" in text and
          "Digital Signature\n" in text, text)
    crl = CERTS[name][3]
    check(f"{name}: revocation", (f"URI:{crl}" in text) ==
          (crl != "expiry") and ("No Revocation Available" in text or
          "2.5.29.56" in text) == (crl == "expiry"), text)


def key_of(folder):
    return tool("openssl", "pkey", "-in", folder / "key.pem", "-pubout")[1], \
        tool("openssl", "x509", "-in", folder / "cert.pem", "-noout",
             "-pubkey")[1]


def each(lab):
    """Every profile, as files; asked for again it is the same one."""
    kinds = {"app": "ecdsa-p256", "pg": "rsa-3072", "kube": "ecdsa-p384",
             "web": "ed25519"}
    made = {}
    for name in CERTS:
        rid = approved(lab, name, "--for", "30m", *(
            ["--key-type", kinds[name]] if name != "app" else []))
        folder = lab.dir / f"out-{name}"
        got = last(must(lab.run("alice", "collect", rid, "--out", folder,
                                "--json")))
        made[name] = (rid, folder, got)
        check(f"{name}: files", modes(folder) ==
              {f: "0o600" for f in ("key.pem", "cert.pem", "ca.pem")} and
              folder.stat().st_mode & 0o777 == 0o700, modes(folder))
        private, public = key_of(folder)
        check(f"{name}: key and certificate are one's", private == public,
              private, public)
        says(name, folder, rid)
        ends(name, folder, got)
        again = lab.dir / f"again-{name}"
        must(lab.run("alice", "collect", rid, "--out", again))
        check(f"{name}: again it is the same", all(
            (again / f).read_bytes() == (folder / f).read_bytes()
            for f in ("key.pem", "cert.pem", "ca.pem")))
    return made


def kept(lab, made):
    """Without --out: a private folder, in which the key is alone."""
    rid, folder, got = made["app"]
    seen = last(must(lab.run("alice", "collect", rid, "--json")))
    where = pathlib.Path(seen["dir"])
    check("kept: a private folder", where.name == rid and
          where.parent.name == "x509" and where.stat().st_mode & 0o777 ==
          0o700, seen)
    check("kept: the same", (where / "cert.pem").read_bytes() ==
          (folder / "cert.pem").read_bytes() and
          set(modes(where).values()) == {"0o600"}, modes(where))
    left = [p.name for p in (lab.dir / "alice" / "run").rglob("key*")]
    check("kept: not in the locker any more", not left, left)
    status, _, err = lab.run("bob", "collect", rid)
    check("kept: nobody else's", status == 15 and "alice's request" in err,
          status, err)
    check("kept: serial", seen["serial"] == got["serial"] and
          re.fullmatch("[0-9a-f]{32}", seen["serial"]), seen)


def pkcs12(lab, made):
    rid = made["app"][0]
    out, word = lab.dir / "alice.p12", lab.dir / "word"
    args = ["collect", rid, "--pkcs12", out, "--pkcs12-password-file", word]
    word.write_text("correct horse\n")
    word.chmod(0o644)
    status, _, err = lab.run("alice", *args)
    check("PKCS#12: a password that others read", status == 1 and
          not out.exists(), status, err)
    word.chmod(0o600)
    word.write_text("\n")
    status, _, err = lab.run("alice", *args)
    check("PKCS#12: an empty password", status == 2 and "empty" in err and
          not out.exists(), status, err)
    word.write_text("correct horse\n")
    must(lab.run("alice", *args))
    check("PKCS#12: ours alone", out.stat().st_mode & 0o777 == 0o600)
    status, text = tool("openssl", "pkcs12", "-in", out, "-passin",
                        f"file:{word}", "-nodes", "-info")
    check("PKCS#12: OpenSSL reads it", status == 0 and "AES-256-CBC" in text
          and text.count("BEGIN CERTIFICATE") == 2 and
          "BEGIN PRIVATE KEY" in text, text)
    status, text = tool("openssl", "pkcs12", "-in", out, "-passin",
                        "pass:wrong", "-nodes")
    check("PKCS#12: not under another", status != 0, text)
    if shutil.which("certtool"):
        status, text = tool("certtool", "--p12-info", "--inder", "--infile",
                            out, "--password", "correct horse")
        check("PKCS#12: GnuTLS reads it", status == 0 and
              "PRIVATE KEY-----" in text and
              text.count("BEGIN CERTIFICATE") == 2, text)
    status, shown = lab.on_terminal("alice", args[:4],
                                    ["horse\n", "horses\n"])
    check("PKCS#12: two passwords that differ", status == 2 and
          "differ" in shown and "horse" not in shown.replace(
              "horses", ""), status, shown)


def told(lab, made):
    """Approvers, lists, the log: what it opens, in words and JSON."""
    rid, _, got = made["pg"]
    must(lab.run("alice", "request", "app", "--json"))
    shown = must(lab.run("bob", "approve", last(must(lab.run(
        "bob", "inbox", "--json")))["id"], "--view"))
    check("told: an approver", "opens  TLS client as CN=alice, O=app-write; "
          "also email:alice@example.com; cannot be revoked, ends by itself"
          in shown and "new    1h, last time 30m" in shown, shown)
    o = last(must(lab.run("alice", "show", rid, "--json")))
    check("told: JSON", o["kind"] == "x509" and o["profile"] ==
          "postgresql" and o["subject"] == ["CN=alice"] and
          o["crl"] == CRL and o["serial"] == got["serial"] and
          f"URI:urn:jit:grant:{rid}" in o["sans"], o)
    for serial in (got["serial"], got["serial"].upper()):
        lines = [json.loads(x) for x in must(lab.run(
            "dana", "log", "--serial", serial, "--json")).splitlines()]
        check("told: the log knows a serial", [x["type"] for x in lines] ==
              ["request", "decision", "issued"] and
              all(x["id"] == rid for x in lines), lines)
    status, _, err = lab.run("dana", "log", "--serial", "0" * 31 + "1")
    check("told: a serial of nobody", status == 15, status, err)
    status, _, err = lab.run("dana", "log", "--serial", "xyz")
    check("told: no serial", status == 2 and "32 hex" in err, status, err)
    out = must(lab.run("alice", "roles"))
    check("told: roles", "TLS client for Kubernetes as CN=alice, O=dev, "
          "O=ops" in out, out)


def wrong(lab, made):
    status, _, err = lab.run("alice", "ssh", "app", "--", "db1")
    check("wrong: ssh with such a role", status == 125 and
          "jit-cert exec app" in err, status, err)
    status, _, err = lab.run("alice", "request", "app", "--key-type", "dsa")
    check("wrong: a type of key", status == 2 and "ecdsa-p256" in err,
          status, err)
    status, _, err = lab.run("alice", "request", "plain", "--key-type",
                             "rsa-3072")
    check("wrong: a type of key for ssh", status == 2, status, err)
    rid = approved(lab, "plain")
    status, _, err = lab.run("alice", "collect", rid, "--pkcs12",
                             lab.dir / "x.p12")
    check("wrong: PKCS#12 of one for ssh", status == 2, status, err)
    status, _, err = lab.run("alice", "ca", "--krl", lab.dir / "k", "--crl",
                             lab.dir / "c")
    check("wrong: two answers at once", status == 2, status, err)
    status, _, err = lab.run("alice", "ca", "--crl", lab.dir / "c", "--of",
                             "0" * 40)
    check("wrong: the CRL of no CA", status == 15 and
          not (lab.dir / "c").exists(), status, err)


def evidence(lab, made):
    for name, (rid, folder, got) in made.items():
        path = lab.dir / f"{name}.evidence"
        must(lab.run("alice", "evidence", rid, "--out", path))
        # Offline: no signer, the key of the log alone.
        env = {"JIT_CERT_SIGNER": str(lab.dir / "none")}
        status, out, err = lab.run(
            "dana", "verify", path, "--pin", lab.vkey(), "--ca",
            folder / "ca.pem", "--json", env=env)
        check(f"{name}: evidence holds offline", status == 0 and
              last(out)["serial"] == got["serial"] and
              last(out)["state"] == "active", status, out, err)
        status, _, err = lab.run(
            "dana", "verify", path, "--pin", lab.vkey(), "--ca",
            lab.dir / "hosts" / "ca.pub", env=env)
        check(f"{name}: not under ssh's CA", status == 18, status, err)
    text = path.read_text()
    bad = lab.dir / "bad.evidence"
    bad.write_text(re.sub(r"-----BEGIN JIT KEYS-----.*?END JIT PROOF-----\n",
                          "", text, count=1, flags=re.S))
    check("evidence: it has the keys", bad.read_text() != text)
    status, _, err = lab.run("dana", "verify", bad, "--pin", lab.vkey())
    check("evidence: without the keys it is none", status == 18, status, err)


def taken_back(lab, made):
    """Dropped: the CRL has it, and OpenSSL refuses it."""
    rid, folder, got = made["pg"]
    crl, krl = lab.dir / "crl.pem", lab.dir / "krl"
    must(lab.run("dana", "ca", "--crl", crl))
    status, out = valid(folder, "sslclient", crl=crl)
    check("CRL: there from the first day, it is fine", status == 0, out)
    out = must(lab.run("alice", "drop", rid))
    check("drop: says where it is refused", CRL in out, out)
    first = tool("openssl", "crl", "-in", crl, "-noout", "-crlnumber")[1]
    got_crl = last(must(lab.run("dana", "ca", "--crl", crl, "--json")))
    check("CRL: a file that servers read", crl.stat().st_mode & 0o777 ==
          0o644 and utc(got_crl["next"]) > utc(got_crl["made"]), got_crl)
    status, out = valid(folder, "sslclient", crl=crl)
    check("CRL: dropped is revoked", status != 0 and
          "certificate revoked" in out, out)
    second = tool("openssl", "crl", "-in", crl, "-noout", "-crlnumber")[1]
    check("CRL: its number grows", int(second.split("=")[1], 16) >
          int(first.split("=")[1], 16), first, second)
    text = tool("openssl", "crl", "-in", crl, "-noout", "-text")[1]
    check("CRL: by its serial", got["serial"].upper() in text, text)
    status, out = valid(made["web"][1], "sslserver", crl=crl)
    check("CRL: others are not", status == 0, out)
    o = last(must(lab.run("alice", "show", rid, "--json")))
    check("drop: the state", o["state"] == "dropped" and
          o["ended"]["by"] == "alice", o)
    keyid = re.search("key id ([0-9a-f]{40})", lab.run(
        "dana", "ca")[2]).group(1)
    one = lab.dir / "one.pem"
    must(lab.run("dana", "ca", "--crl", one, "--of", keyid))
    check("CRL: of a CA by its key id", one.read_bytes() ==
          crl.read_bytes())
    out = must(lab.run("alice", "drop", made["kube"][0]))
    check("drop: says what cannot be taken back", "expiry alone" in out and
          "work until" in out, out)
    where = list((lab.dir / "alice").rglob(f"x509/{rid}*"))
    check("drop: nothing is left of it here", not where, where)
    must(lab.run("dana", "ca", "--krl", krl))
    status, out = tool("ssh-keygen", "-Qlf", krl)
    check("KRL: ssh-keygen reads it", status == 0, out)
    rid = approved(lab, "plain")
    folder = lab.dir / "ssh"
    must(lab.run("alice", "collect", rid, "--out", folder))
    must(lab.run("dana", "ca", "--krl", krl))
    check("KRL: a live one is not in it", tool(
        "ssh-keygen", "-Qf", krl, folder / "id-cert.pub")[0] == 0)
    out = must(lab.run("alice", "drop", rid))
    check("drop: says how servers learn of it", "--krl" in out, out)
    must(lab.run("dana", "ca", "--krl", krl))
    status, out = tool("ssh-keygen", "-Qf", krl, folder / "id-cert.pub")
    check("KRL: a dropped one is", status == 1 and "REVOKED" in out, out)


def whole(lab):
    out = must(lab.run("dana", "verify", "--log", "--deep"))
    check("the whole log holds", "The whole log holds" in out, out)
    pem = must(lab.run("dana", "ca", "--x509"))
    check("ca --x509 is what servers trust", pem.count(
        "BEGIN CERTIFICATE") == 1 and (lab.dir / "out-app" /
        "ca.pem").read_text() == pem, pem)
    ca = last(must(lab.run("dana", "ca", "--json")))
    check("ca names every key", [k["use"] for k in ca["keys"]] ==
          ["user-ca", "x509-ca"], ca)


def main():
    signer, cert = sys.argv[1:3]
    with Lab(signer, cert, roles=ROLES, people=PEOPLE,
             init=["--x509", "ecdsa-p256"]) as lab:
        made = each(lab)
        for part in (kept, pkcs12, evidence, told, wrong, taken_back):
            part(lab, made)
        whole(lab)
    return report()


if __name__ == "__main__":
    sys.exit(main())
