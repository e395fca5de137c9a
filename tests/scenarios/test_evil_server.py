#!/usr/bin/env python3
"""A server that lies to jit-cert: each lie is found, exit 18, nothing signed.

	test_evil_server.py JIT_SIGNER JIT_CERT

Between jit-cert and a true signer stands one that passes everything on but
for one lie, told in the answers to one operation; between jit-cert and the
agent one that counts signatures.  What an API server could do that belongs
to somebody else (cases 93 to 95).
"""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, put, take  # noqa: E402

HELLO, REQUEST, DECISION, COLLECT = 1, 2, 3, 6
PROVE, BLOBS = 11, 12
SIGN_REQUEST = 13
ROLES = """
  db:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    request: {{ of: [dev], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
PEOPLE = {"alice": ["dev"], "bob": ["sre"], "dana": ["admins"]}
BAD = []


def check(name, good, *seen):
    print(("ok      " if good else "FAILED  ") + name, flush=True)
    if not good:
        BAD.append(name)
        print("   ", *seen)


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


class Between:
    """Passes messages of both sides on; on_reply may change those that come
    back, knowing what was asked."""

    def __init__(self, path, behind, on_ask=None, on_reply=None):
        self.behind, self.on_ask, self.on_reply = behind, on_ask, on_reply
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(str(path))
        self.sock.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                front = self.sock.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(front,),
                             daemon=True).start()

    def carry(self, front):
        back = socket.socket(socket.AF_UNIX)
        back.connect(str(self.behind))
        try:
            while True:
                ask = read_exactly(front, struct.unpack(
                    ">I", read_exactly(front, 4))[0])
                if self.on_ask:
                    self.on_ask(ask)
                back.sendall(put(ask))
                reply = read_exactly(back, struct.unpack(
                    ">I", read_exactly(back, 4))[0])
                if self.on_reply:
                    reply = self.on_reply(ask, reply)
                front.sendall(put(reply))
        except (EOFError, OSError):
            pass
        finally:
            front.close()
            back.close()


class Liar:
    """The lie that is told now, and what was said before."""

    def __init__(self):
        self.op, self.lie, self.told, self.seen = None, None, 0, {}

    def reply(self, ask, reply):
        op = ask[0]
        status, rest = take(reply[5:])
        if status != b"ok":
            return reply
        payload = take(rest)[1]
        self.seen.setdefault(op, []).append(payload)
        if op != self.op or self.lie is None:
            return reply
        false = self.lie(payload, self.seen[op])
        if false is None or false == payload:
            return reply
        self.told += 1
        return reply[:5] + put(b"ok") + put(b"") + false


def swap(old, new):
    """Bytes for others of the same length, wherever they are."""
    assert len(old) == len(new)
    return lambda payload, _: payload.replace(old, new)


def flip_last(payload, _):
    """The last byte: of a path's last hash."""
    return payload[:-1] + bytes([payload[-1] ^ 1])


def flip_root(payload, _):
    """A character of the checkpoint's root, wherever the note is."""
    return re.sub(rb"\n(\d+)\n(.)", lambda m: b"\n" + m[1] + b"\n" +
                  (b"B" if m[2] == b"A" else b"A"), payload, count=1)


def flip_signature(payload, _):
    at = payload.index("— ".encode()) + 40
    return payload[:at] + (b"B" if payload[at:at + 1] == b"A" else
                           b"A") + payload[at + 1:]


def first_said(payload, seen):
    """What was answered to that operation the very first time."""
    return seen[0]


def older_policy(payload, _):
    """hello: vkey, user CA, u8 state, u64 now, u64 policy index."""
    _, rest = take(payload)
    _, rest = take(rest)
    at = len(payload) - len(rest) + 9
    index = struct.unpack_from(">Q", payload, at)[0]
    return payload[:at] + struct.pack(">Q", index - 2) + payload[at + 8:]


def shorter_page(payload):
    """entries: note, u64 first, u32 count, then each: its first is left out
    and the count is right again."""
    note, rest = take(payload)
    first, count = struct.unpack_from(">QI", rest)
    if count < 2:
        return payload
    body = struct.unpack_from(">I", rest, 12 + 53 + 17)[0]
    return (put(note) + struct.pack(">QI", first, count - 1) +
            rest[12 + 53 + 17 + 4 + body:])


def cut(payload, _):
    return payload[:len(payload) // 2]


def together(lab):
    """Many at once on one state folder, while the log grows: the checkpoint
    that is kept never becomes an older one, and everybody is answered."""
    sizes, ended, stop = [], [], threading.Event()

    def look():
        while not stop.is_set():
            sizes.append(int(kept.read_text().split("\n")[1]))

    def act(verb, times):
        for _ in range(times):
            ended.append(lab.run("alice", *verb))

    assert lab.run("alice", "list")[0] == 0
    kept = max((lab.dir / "alice").rglob("checkpoint"),
               key=lambda p: p.stat().st_mtime_ns)
    watch = threading.Thread(target=look)
    many = [threading.Thread(target=act, args=(verb, 3)) for verb in
            (["list"], ["list"], ["whoami"], ["log"], ["request", "db"])]
    for thread in [watch, *many]:
        thread.start()
    for thread in many:
        thread.join()
    stop.set()
    watch.join()
    check("many at once: all are answered",
          [got[0] for got in ended] == [0] * 15, ended)
    check("many at once: never an older checkpoint",
          sizes == sorted(sizes) and sizes[-1] >= sizes[0] + 3, sizes)


def main():
    signer, cert = sys.argv[1:3]
    with Lab(signer, cert, roles=ROLES, people=PEOPLE) as lab:
        run(lab)
    if BAD:
        sys.exit(f"{len(BAD)} FAILED: " + "; ".join(BAD))
    print("all ok")


def run(lab):
    liar, signed = Liar(), []
    front, agents = lab.dir / "s" / "front", {}
    Between(front, lab.socket, on_reply=liar.reply)
    for who in PEOPLE:
        agents[who] = lab.dir / who / "counted"
        Between(agents[who], lab.dir / who / "agent", on_ask=lambda m:
                signed.append(m) if m[0] == SIGN_REQUEST else None)

    def through(who, *args):
        return lab.run(who, *args, env={
            "JIT_CERT_SIGNER": str(front), "SSH_AUTH_SOCK":
            str(agents[who])})

    def ask(*args):
        got = through("alice", "request", "db", "--json", *args)
        assert got[0] == 0, got
        return json.loads(got[1].splitlines()[-1])["id"]

    def lied(name, op, lie, who, *args, signs=False, says=None):
        """The verb is refused with 18, no good word, and no signature."""
        liar.op, liar.lie, liar.told = op, lie, 0
        before = len(signed)
        status, out, err = through(who, *args)
        liar.lie = None
        good = status == 18 and (signs or len(signed) == before)
        if args[0] == "approve":
            good = good and "MISMATCH" in err and (signs or "NOT SIGNED. " in
                                                   err)
        for word in ("Approved", "Asked", "Serial", "Denied,", "Dropped"):
            good = good and word not in out
        if liar.told == 0:
            good, err = False, err + " (the lie was never told)"
        check(name, good, status, out, err, len(signed) - before)

    # Everybody has seen the log once, when it was smaller.
    first = ask()
    for who in PEOPLE:
        assert through(who, "list")[0] == 0
    control = through("bob", "approve", first, "--yes")
    check("through an honest one it works", control[0] == 0 and
          "Approved" in control[1], control)
    lab.policy.write_text(lab.policy.read_text().replace("max: 1h",
                                                         "max: 2h"))
    lab.reload()
    assert through("bob", "list")[0] == 0
    rid, other = ask(), ask("--for", "7m")
    root = f"principal: {lab.user}.prod-db".encode()
    false = root[:-1] + b"x"
    stranger = lab.dir / "stranger"
    lab.keygen(stranger, "x")
    bad_key = lab.public(stranger).split()[1].encode()
    true_ca = lab.ca_key().split()[1].encode()
    import base64
    true_blob, bad_blob = map(base64.b64decode, (true_ca, bad_key))
    host = lab.public(lab.dir / "hosts" / "db1").split()[1].encode()

    # approve looks at the list, and again right before it signs.
    for verb, op in (("approve", 7), ("approve", 9), ("show", 9)):
        extra = ("--yes",) if verb == "approve" else ()
        who = "bob"
        lied(f"{verb}: another text", op, swap(root, false), who, verb,
             rid, *extra)
        lied(f"{verb}: another reason", op, lambda p, _: p.replace(
            b"duration: 1h", b"duration: 9h"), who, verb, rid, *extra)
        lied(f"{verb}: an answer of before", op, first_said, who, verb,
             rid, *extra)
        lied(f"{verb}: a path that leads elsewhere", op, flip_last, who,
             verb, rid, *extra)
        lied(f"{verb}: another root", op, flip_root, who, verb, rid,
             *extra)
        lied(f"{verb}: a checkpoint that nobody signed", op,
             flip_signature, who, verb, rid, *extra)
        lied(f"{verb}: half an answer", op, cut, who, verb, rid, *extra)
        lied(f"{verb}: another role block", BLOBS, swap(
            b"\nneed: 1\n", b"\nneed: 0\n"), who, verb, rid, *extra)
        lied(f"{verb}: another host key", BLOBS, swap(host, bad_key), who,
             verb, rid, *extra)
        lied(f"{verb}: another CA", HELLO, swap(true_blob, bad_blob), who,
             verb, rid, *extra)
        lied(f"{verb}: another log", HELLO, swap(
            b"lab.example.com+", b"lib.example.com+"), who, verb, rid,
            *extra)
        lied(f"{verb}: an older policy", HELLO, older_policy, who, verb,
             rid, *extra)
        lied(f"{verb}: an older log", HELLO, first_said, who, verb, rid,
             *extra)
        lied(f"{verb}: another genesis", PROVE, lambda p, _:
             p.replace(bad_key, true_ca).replace(true_blob, bad_blob), who,
             verb, rid, *extra)
    # What an approver is told of earlier times comes from the log itself.
    lied("approve: half a page of the log", 13, cut, "bob", "approve", rid,
         "--yes")
    lied("approve: another body in the log", 13, swap(root, false), "bob",
         "approve", rid, "--yes")
    lied("log: another body", 13, swap(root, false), "bob", "log")
    lied("verify --log: another body", 13, swap(root, false), "bob",
         "verify", "--log")
    lied("log: an entry less", 13, lambda p, _: shorter_page(p), "bob", "log")
    lied("request: another role block", BLOBS, swap(
        b"\noption: permit-pty\n", b"\noption: permit-pty\r"), "alice",
        "request", "db")
    lied("request: another host group", BLOBS, swap(
        b"\nhost: db1\n", b"\nhost: db3\n"), "alice", "request", "db")
    # What is signed before it is answered: no word of success.
    lied("request: the receipt of another", REQUEST, first_said, "alice",
         "request", "db", signs=True)
    lied("approve: the receipt of another", DECISION, first_said, "bob",
         "approve", rid, "--yes", signs=True)
    assert through("bob", "approve", other, "--yes")[0] == 0
    got = through("alice", "collect", other)
    check("an honest collect", got[0] == 0, got)
    lied("collect: another certificate", COLLECT, first_said, "alice",
         "collect", rid)
    lied("collect: a certificate of other bytes", COLLECT, flip_last,
         "alice", "collect", rid)
    shown = subprocess.run(["ssh-add", "-L"], stdout=subprocess.PIPE,
                           env=lab.env("alice"), check=True).stdout
    check("no false certificate is in the agent",
          shown.count(b"-cert-v01") == 1, shown)
    for name, op, lie in (("another host key", BLOBS, swap(host, bad_key)),
                          ("an older log", HELLO, first_said),
                          ("another text", 9, swap(root, false))):
        liar.op, liar.lie, liar.told = op, lie, 0
        status, out, err = through("alice", "ssh", "db", "--", "db1",
                                   "echo", "in")
        liar.lie = None
        check(f"ssh: {name}", status in (18, 125) and "in\n" not in out and
              liar.told > 0, status, out, err, liar.told)
    together(lab)
    got = lab.run("dana", "verify", "--log", "--deep")
    check("the log holds", got[0] == 0, got)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
