#!/usr/bin/env python3
"""What somebody tries who owns everything but the people's keys.

	cheat.py SOCKET REQUEST [--denied]

Speaks to the signer's socket directly (signer/PROTOCOL.md), takes what is
logged about a request, changes it, and sends it again.  Prints what the
signer says to each.  Signs with the agent's key, as an approver who cheats
would.
"""
import base64
import re
import socket
import struct
import subprocess
import sys
import tempfile

HELLO, REQUEST, DECISION, SHOW = 1, 2, 3, 7


def string(b):
    return struct.pack(">I", len(b)) + b


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        part = self.data[self.at:self.at + n]
        if len(part) != n:
            raise SystemExit("the answer is cut short")
        self.at += n
        return part

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def string(self):
        return self.take(self.u32())


class Signer:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(path)
        self.ask(HELLO, struct.pack(">H", 1) + string(b""))

    def read(self, n):
        got = b""
        while len(got) < n:
            more = self.sock.recv(n - len(got))
            if not more:
                raise SystemExit("the signer closed the connection")
            got += more
        return got

    def ask(self, op, payload):
        frame = struct.pack(">BI", op, 1) + payload
        self.sock.sendall(string(frame))
        answer = Reader(self.read(struct.unpack(">I", self.read(4))[0]))
        answer.take(5)
        status = answer.string().decode()
        answer.string()
        return status, answer

    def bodies(self, request):
        """Type and body of each entry about a request."""
        status, r = self.ask(SHOW, string(request.encode()))
        if status != "ok":
            raise SystemExit("show: " + status)
        r.take(16)
        r.string()
        for _ in range(r.u32()):
            leaf = r.take(53)
            r.take(17)
            body = r.string()
            r.take(32 * r.take(1)[0])
            yield leaf[4], body


def sign(text, namespace, key):
    armour = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-f", key, "-n", namespace],
        input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=True).stdout.decode()
    return base64.b64decode("".join(armour.split("\n")[1:-2]))


def own_key(folder):
    """The public half of the agent's first key, as a file."""
    lines = subprocess.run(["ssh-add", "-L"], stdout=subprocess.PIPE,
                           check=True).stdout
    path = folder + "/own.pub"
    with open(path, "wb") as f:
        f.write(lines.split(b"\n")[0] + b"\n")
    return path


def main():
    signer, request = Signer(sys.argv[1]), sys.argv[2]
    denied = "--denied" in sys.argv
    texts = {2: [], 3: []}
    for kind, body in signer.bodies(request):
        if kind in texts:
            r = Reader(body)
            fields = []
            while r.at < len(body):
                fields.append(r.string())
            texts[kind].append(fields)
    text, sig, possess = texts[2][0]
    decision, by = texts[3][-1]

    def attempt(what, op, *fields):
        status, _ = signer.ask(op, b"".join(map(string, fields)))
        verb = "ACCEPTED" if status == "ok" else "refused, " + status
        print(f"{what}: {verb}")

    if denied:
        attempt("deny, with the verdict changed", DECISION, decision.replace(
            b"verdict: deny", b"verdict: approve"), by)
        return
    attempt("request, with a principal changed", REQUEST,
            re.sub(rb"principal: [^.]*", b"principal: root", text), sig,
            possess)
    attempt("approval, with the verdict changed", DECISION, decision.replace(
        b"verdict: approve", b"verdict: deny"), by)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        folder + "/new"], check=True)
        print_ = subprocess.run(["ssh-keygen", "-l", "-f", folder + "/new"],
                                stdout=subprocess.PIPE, check=True).stdout
        altered = re.sub(rb"certify: ssh-ed25519 \S+",
                         b"certify: ssh-ed25519 " + print_.split()[1], text)
        own = own_key(folder)
        attempt("request, with another key and signed again", REQUEST,
                altered, sign(altered, "request.v1@jit-cert", own),
                sign(altered, "possess.v1@jit-cert", folder + "/new"))
        forged = decision[:decision.index(b"\n\n") + 2] + altered
        forged = re.sub(rb"approver: \S+", b"approver: bob", forged)
        attempt("approval of the altered request, well signed", DECISION,
                forged, sign(forged, "decision.v1@jit-cert", own))


main()
