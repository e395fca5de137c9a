#!/usr/bin/env python3
"""Check the evidence of an issued certificate with other people's tools.

check_bundle.py EVIDENCE VKEY CA.PUB [--any]

Shares no code with jit-cert: hashes by hashlib, the checkpoint's signature by
openssl, signatures of people and the certificate by ssh-keygen.  VKEY holds
the log's key as C2SP has it; CA.PUB the CA's, as in id_ed25519.pub.  Exits 0
only if all of it holds.  With --any evidence of what was never issued is
taken too, and what is printed says how it stands.
"""
import base64
import calendar
import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile
import time

KINDS = ["settings", "admins", "person", "host", "host-group", "role"]
TYPES = {"GENESIS": 0, "POLICY": 1, "REQUEST": 2, "DECISION": 3, "CANCEL": 4,
         "ISSUED": 6, "DROP": 7, "BLOB": 10}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SLACK = 300


class Bad(Exception):
    pass


def need(good, what):
    if not good:
        raise Bad(what)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Reader:
    """Big-endian fields; a string is a u32 length and its bytes."""

    def __init__(self, data):
        self.data = data

    def raw(self, n):
        need(len(self.data) >= n, "a body is cut short")
        out, self.data = self.data[:n], self.data[n:]
        return out

    def u8(self):
        return self.raw(1)[0]

    def u32(self):
        return struct.unpack(">I", self.raw(4))[0]

    def u64(self):
        return struct.unpack(">Q", self.raw(8))[0]

    def string(self):
        return self.raw(self.u32())

    def end(self):
        need(not self.data, "something stands behind a body")



def utc(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def duration(text):
    return 0 if text == "-" else int(text[:-1]) * UNITS[text[-1]]


def run(args, data=b""):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60,
                          env={"PATH": os.environ["PATH"], "TZ": "UTC",
                               "LC_ALL": "C"})


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


class Fields(dict):
    """A text's "name: value" lines; repeated ones are in lists."""

    def __init__(self, text, kind):
        super().__init__()
        lines = text.decode().split("\n")
        need(lines[0] == "jit-cert %s v1" % kind, "not a " + kind)
        need(lines[-1] == "", "a text does not end with a line")
        for line in lines[1:-1]:
            name, sep, value = line.partition(": ")
            need(sep, "a line without a value")
            self.setdefault(name, []).append(value)

    def one(self, name):
        need(len(self.get(name, [])) == 1, "not one " + name)
        return self[name][0]


# ---- the file ----

class Entry:
    def __init__(self, label, content, proof):
        data = base64.b64decode("".join(content), validate=True)
        need(all(len(x) == 64 for x in content[:-1]), "not 64 columns")
        self.leaf, salt, self.body = data[:53], data[53:69], data[69:]
        need(len(data) >= 69 and self.leaf[:4] == b"jit1", "no leaf")
        need(self.leaf[4] == TYPES[label], "another type than its label")
        self.type = label
        self.time, self.index = struct.unpack(">QQ", self.leaf[5:21])
        need(sha(salt, self.body) == self.leaf[21:], "another body")
        need(proof[0] == "c2sp.org/tlog-proof@v1", "no tlog-proof")
        need(proof[1] == "index %d" % self.index, "another entry's proof")
        gap = proof.index("")
        self.path = [base64.b64decode(x, validate=True)
                     for x in proof[2:gap]]
        self.note = proof[gap + 1:]

    def root(self, size):
        """RFC 9162 section 2.1.3.2."""
        need(self.index < size, "an index past the tree")
        fn, sn, r = self.index, size - 1, sha(b"\0", self.leaf)
        for p in self.path:
            need(sn > 0 and len(p) == 32, "the path is too long")
            if fn & 1 or fn == sn:
                r = sha(b"\1", p, r)
                while not fn & 1 and fn:
                    fn, sn = fn >> 1, sn >> 1
            else:
                r = sha(b"\1", r, p)
            fn, sn = fn >> 1, sn >> 1
        need(sn == 0, "the path is too short")
        return r


def block(lines):
    begin = re.fullmatch(r"-----BEGIN JIT ([A-Z]+)-----", lines[0])
    need(begin, "no block where one should begin")
    end = lines.index("-----END JIT %s-----" % begin[1])
    return begin[1], lines[1:end], lines[end + 1:]


def read(path):
    with open(path, "rb") as f:
        lines = f.read().decode().split("\n")
    need(lines[0] == "jit-cert evidence v1" and lines[3] == "" and
         lines[-1] == "", "not evidence")
    head = dict(x.split(": ", 1) for x in lines[1:3])
    entries, rest = [], lines[4:-1]
    while rest:
        label, content, rest = block(rest)
        proof, text, rest = block(rest)
        need(proof == "PROOF", "an entry without a proof")
        entries.append(Entry(label, content, text))
    order = [e.index for e in entries]
    need(order == sorted(set(order)), "not in log order")
    return head["log"], head["request"], entries


# ---- the log ----

def check_log(entries, vkey, log, folder):
    origin, kid, key = vkey.split("+", 2)
    raw = base64.b64decode(key, validate=True)
    need(raw[0] == 1 and len(raw) == 33, "the pin is no Ed25519 key")
    need(sha(origin.encode(), b"\n", raw)[:4].hex() == kid, "a bad pin")
    need(log == origin + "+" + kid, "another log than the pinned")
    note = entries[0].note
    need(all(e.note == note for e in entries), "two checkpoints")
    need(len(note) == 5 and note[3] == "", "not a plain checkpoint")
    need(note[0] == origin, "another origin")
    size, root = int(note[1]), base64.b64decode(note[2], validate=True)
    dash, name, sig = note[4].split(" ")
    sig = base64.b64decode(sig, validate=True)
    need(dash == "\u2014" and name == origin and sig[:4].hex() == kid,
         "another signer")
    der = bytes.fromhex("302a300506032b6570032100") + raw[1:]
    done = run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin",
                "-keyform", "DER", "-inkey", write(folder, "log.der", der),
                "-sigfile", write(folder, "note.sig", sig[4:]), "-in",
                write(folder, "note", "\n".join(note[:3] + [""]).encode())])
    need(done.returncode == 0, "openssl: the checkpoint's signature")
    for e in entries:
        need(e.root(size) == root, "entry %d is not in the tree" % e.index)
    return raw[1:]


def check_genesis(e, vkey, ca):
    need(e.type == "GENESIS" and e.index == 0, "no genesis")
    r = Reader(e.body)
    need(r.u8() == 1, "another version of genesis")
    need(r.string().decode() == vkey, "genesis names another log")
    need(r.string() == base64.b64decode(ca.split()[1]), "another CA")


# ---- the policy ----

class Policy:
    def __init__(self, entry, blobs):
        r, listed, digests = Reader(entry.body), {}, b""
        self.index = entry.index
        need(r.u8() == 1, "another version of policy")
        whole = r.raw(32)
        for _ in range(r.u32()):
            kind, name = KINDS[r.u8()], r.string().decode()
            need((kind, name) not in listed, "a block is listed twice")
            listed[kind, name] = r.raw(32)
            digests += listed[kind, name]
        r.end()
        need(sha(digests) == whole, "the policy's digest")
        self.block = {}
        for b in blobs:
            kind = re.match(rb"jit-cert ([a-z-]+) v1\n", b.body)[1].decode()
            fields = Fields(b.body, kind)
            name = fields.get("name", [""])[0]
            need(listed.get((kind, name)) == sha(b.body),
                 "a block that the policy does not list")
            fields.digest = "sha256:" + sha(b.body).hex()
            self.block[kind, name] = fields

    def get(self, kind, name):
        need((kind, name) in self.block, "no block of %s %s" % (kind, name))
        return self.block[kind, name]

    def keys(self, person):
        return self.get("person", person)["key"]


# ---- signatures ----

def key_of(sig):
    """The public key in an SSHSIG."""
    need(sig[:6] == b"SSHSIG", "no SSHSIG")
    r = Reader(sig[10:])
    return r.string()


def check_sig(folder, who, keys, namespace, text, sig):
    armor = base64.b64encode(sig).decode()
    lines = [armor[i:i + 70] for i in range(0, len(armor), 70)]
    armor = "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines,
                       "-----END SSH SIGNATURE-----", ""])
    allowed = "".join('%s namespaces="%s" %s\n' % (who, namespace, k)
                      for k in keys)
    done = run(["ssh-keygen", "-Y", "verify", "-f",
                write(folder, "allowed", allowed.encode()), "-I", who, "-n",
                namespace, "-s", write(folder, "sig", armor.encode())], text)
    need(done.returncode == 0, "ssh-keygen: the signature of %s (%s)" %
         (who, namespace))


def near(e, text):
    need(abs(utc(text) - e.time) <= SLACK, "a text far from its entry's time")


# ---- what it is about ----

class Request:
    def __init__(self, e, log, rid, policy, folder):
        r = Reader(e.body)
        self.text, sig, possess = r.string(), r.string(), r.string()
        r.end()
        self.index, f = e.index, Fields(self.text, "request")
        self.f, self.who = f, f.one("requester")
        need(f.one("log") == log and f.one("id") == rid, "another request")
        need(f.one("collect").startswith("sha256:"), "no collect")
        near(e, f.one("created"))
        check_sig(folder, self.who, policy.keys(self.who),
                  "request.v1@jit-cert", self.text, sig)
        blob = key_of(possess)
        kind = Reader(blob).string().decode()
        self.subject = kind + " " + base64.b64encode(blob).decode()
        fp = base64.b64encode(sha(blob)).decode().rstrip("=")
        need(f.one("certify") == kind + " SHA256:" + fp, "another key")
        check_sig(folder, "subject", [self.subject], "possess.v1@jit-cert",
                  self.text, possess)
        self.check_role(policy)

    def check_role(self, policy):
        name, digest = self.f.one("role").split(" ")
        self.role = role = policy.get("role", name)
        policy.get("settings", "")
        need(role.digest == digest, "another block of the role")
        groups = role["host-group"]
        for g in groups:
            policy.get("host-group", g)
        need(self.f["principal"] == sorted(
            a + "." + g for a in role["account"] for g in groups),
            "principals that are not the role's")
        need(self.f.get("option", []) == role.get("option", []),
             "options that are not the role's")
        mine = policy.get("person", self.who).get("group", [])
        need(set(mine) & set(role["request-of"]), "may not ask")


class Decision:
    def __init__(self, e, log, request, policy, folder):
        r = Reader(e.body)
        text, sig = r.string(), r.string()
        r.end()
        head, gap, rest = text.partition(b"\n\n")
        need(gap and rest == request.text, "a decision on another text")
        f = Fields(head + b"\n", "decision")
        self.index, self.who = e.index, f.one("approver")
        self.verdict = f.one("verdict")
        need(self.verdict in ("approve", "deny"), "another verdict")
        need(f.one("log") == log and
             f.one("request") == request.f.one("id"), "another's decision")
        near(e, f.one("decided"))
        # Who is not in the policy cannot count, and is not needed.
        self.known = ("person", self.who) in policy.block
        if self.known:
            check_sig(folder, self.who, policy.keys(self.who),
                      "decision.v1@jit-cert", text, sig)

    def counts(self, request, policy):
        if not self.known or self.who == request.who:
            return False
        groups = policy.get("person", self.who).get("group", [])
        return bool(set(groups) & set(request.role["approve-of"]))


def check_quorum(request, decisions, listed, policy):
    newest = {}
    for d in decisions:
        need(d.verdict == "approve", "it was denied")
        newest[d.who] = d
    counted = [d for d in newest.values() if d.counts(request, policy)]
    need(len(counted) >= int(request.role.one("need")), "too few approvals")
    need(sorted(d.index for d in counted) == listed,
         "other approvals than the certificate's")


# ---- the certificate ----

def certificate(blob, folder):
    kind = Reader(blob).string().decode()
    line = kind + " " + base64.b64encode(blob).decode() + "\n"
    done = run(["ssh-keygen", "-L", "-f",
                write(folder, "cert.pub", line.encode())])
    need(done.returncode == 0, "ssh-keygen: not a certificate")
    out, name = {}, None
    for text in done.stdout.decode().split("\n")[1:]:
        if re.match(r" {8}[A-Z]", text):
            name, _, value = text.strip().partition(":")
            out[name] = [value.strip()] if value.strip() else []
        elif text.strip():
            out[name].append(text.strip())
    return out


def check_issued(e, request, decisions, policy, ca, folder):
    r = Reader(e.body)
    rid, cert, secret = r.string().decode(), r.string(), r.raw(32)
    need(rid == request.f.one("id"), "another request's certificate")
    need("sha256:" + sha(secret).hex() == request.f.one("collect"),
         "another secret")
    need(r.u64() == request.index, "it names another request")
    need(r.u64() == policy.index, "it names another policy")
    listed = [r.u64() for _ in range(r.u32())]
    r.end()
    check_quorum(request, decisions, listed, policy)
    c, f = certificate(cert, folder), request.f
    digest = base64.urlsafe_b64encode(sha(request.text)).decode()
    need(c["Key ID"] == ['"%s:%s:%s"' % (request.who, rid,
                                         digest.rstrip("="))], "key id")
    need(c["Principals"] == f["principal"], "principals")
    need(c["Type"][0].endswith("user certificate"), "not a user's")
    options = [x for n in ("Critical Options", "Extensions") for x in c[n]
               if x != "(none)"]
    need(sorted(x.replace(" ", "=") for x in options) ==
         f.get("option", []), "options")
    fp = base64.b64encode(sha(base64.b64decode(ca.split()[1]))).decode()
    need("SHA256:" + fp.rstrip("=") in c["Signing CA"][0], "another CA")
    fp = f.one("certify").split(" ")[1]
    need(fp in c["Public key"][0], "another key is certified")
    opens, closes = utc(f.one("opens")), utc(f.one("closes"))
    until = min(max(e.time, opens) + duration(f.one("duration")), closes)
    start = max(e.time - duration(request.role.one("skew")), opens)
    form = "%Y-%m-%dT%H:%M:%S"
    need(e.time < closes and c["Valid"] == ["from %s to %s" % (
        time.strftime(form, time.gmtime(start)),
        time.strftime(form, time.gmtime(until)))], "validity")


def check_act(e, kind, log, request, policy, folder):
    """A cancel or a drop, by whoever asked."""
    r = Reader(e.body)
    text, sig = r.string(), r.string()
    r.end()
    f = Fields(text, kind)
    need(f.one("by") == request.who and f.one("log") == log and
         f.one("request") == request.f.one("id") and
         f.one("digest") == "sha256:" + sha(request.text).hex(),
         "another's " + kind)
    near(e, f.one("at"))
    check_sig(folder, request.who, policy.keys(request.who),
              kind + ".v1@jit-cert", text, sig)


def standing(of, request, decisions, policy):
    """How it stands that nothing was issued."""
    need("DROP" not in of, "dropped before it was issued")
    cancels, newest = of.get("CANCEL", []), {}
    need(len(cancels) <= 1, "cancelled twice")
    for e in [*decisions, *cancels]:
        need(request.index < e.index, "out of order")
    for d in decisions:
        newest[d.who] = d
    counted = [d.verdict for d in newest.values()
               if d.counts(request, policy)]
    if cancels:
        need(all(d.index < cancels[0].index for d in decisions),
             "decided after it was cancelled")
        return "cancelled"
    if "deny" in counted:
        return "denied"
    return "%d of %s" % (len(counted), request.role.one("need"))


def check(path, vkey, ca, folder, anything):
    log, rid, entries = read(path)
    check_log(entries, vkey, log, folder)
    check_genesis(entries[0], vkey, ca)
    of = {}
    for e in entries:
        of.setdefault(e.type, []).append(e)
    for name in ("GENESIS", "POLICY", "REQUEST"):
        need(len(of.get(name, [])) == 1, "not one " + name)
    need(anything or "ISSUED" in of, "nothing was issued")
    policy = Policy(of["POLICY"][0], of.get("BLOB", []))
    request = Request(of["REQUEST"][0], log, rid, policy, folder)
    decisions = [Decision(e, log, request, policy, folder)
                 for e in of.get("DECISION", [])]
    for kind in ("CANCEL", "DROP"):
        for e in of.get(kind, []):
            check_act(e, kind.lower(), log, request, policy, folder)
    if "ISSUED" not in of:
        return standing(of, request, decisions, policy)
    need("CANCEL" not in of, "it was cancelled")
    need(len(of["ISSUED"]) == 1, "issued twice")
    issued = of["ISSUED"][0]
    need(policy.index < issued.index, "the policy came later")
    for d in decisions:
        need(request.index < d.index < issued.index, "out of order")
    check_issued(issued, request, decisions, policy, ca, folder)
    for e in of.get("DROP", []):
        need(e.index > issued.index, "dropped before it was issued")
    return "dropped" if "DROP" in of else "issued"


def main():
    evidence, vkey, ca, *more = sys.argv[1:]
    need(more in ([], ["--any"]), "usage: EVIDENCE VKEY CA.PUB [--any]")
    with open(vkey) as f:
        vkey = f.read().strip()
    with open(ca) as f:
        ca = f.read().strip()
    with tempfile.TemporaryDirectory() as folder:
        try:
            stands = check(evidence, vkey, ca, folder, bool(more))
        except (Bad, ValueError, IndexError, KeyError, TypeError,
                AttributeError) as e:
            print("NO: %s: %s" % (type(e).__name__, e))
            return 1
    print("all of it holds: " + stands)
    return 0


sys.exit(main())
