"""jit-certd's API by somebody else: an HTTPS server that asks a real signer's
socket and says in JSON what it answers, or something worse.

    with FakeApi(lab) as api:
        lab.run("alice", "--server", api.url, "whoami")

api.mode names what goes wrong (see MODES); api.lie(op, json) may change any
answer.  It keeps no view: reading rights are not its business.
"""
import base64
import hashlib
import http.server
import json
import os
import re
import secrets
import socket
import ssl
import struct
import subprocess
import threading
import time

from lab import put, take

HELLO, REQUEST, DECISION, CANCEL, DROP, COLLECT, SHOW, WAIT, LIST, FIND, \
    PROVE, BLOBS, ENTRIES, CHECKPOINT, _, REVOKE, LOCK, PUBLISHED = \
    range(1, 19)
TYPES = {1: "genesis", 2: "policy", 3: "blob"}
STATES = ["ready", "frozen", "no-room"]
HTTP = {"unreachable": 503, "busy": 503, "log-in-first": 401,
        "not-for-you": 403, "unknown-request": 404, "malformed": 400}
LIFE = 8 * 3600
MODES = """redirect html huge endless short cut array text-plain no-type
wrong-type missing extra negative bad-time bad-base64 double nul
problem-as-ok problem-html trickle slow unreachable gateway""".split()


def b64(data):
    return base64.b64encode(data).decode()


def utc(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


class Problem(Exception):
    def __init__(self, code, detail):
        super().__init__(detail)
        self.code, self.detail = code, detail


class Rd:
    """The signer's bytes."""

    def __init__(self, data):
        self.data = data

    def raw(self, n):
        got, self.data = self.data[:n], self.data[n:]
        return got

    def u8(self):
        return self.raw(1)[0]

    def u32(self):
        return struct.unpack(">I", self.raw(4))[0]

    def u64(self):
        return struct.unpack(">Q", self.raw(8))[0]

    def string(self):
        return self.raw(self.u32())

    def note(self):
        return self.string().decode()

    def path(self):
        return [b64(self.raw(32)) for _ in range(self.u8())]

    def entry(self):
        leaf = self.raw(53)
        erased, salt, body = self.u8(), self.raw(16), self.string()
        kind, when, index = struct.unpack(">BQQ", leaf[4:21])
        return {"index": index, "type": TYPES.get(kind, "request"),
                "time": utc(when), "leaf": b64(leaf), "erased": erased == 1,
                "salt": b64(salt), "body": b64(body)}

    def receipts(self):
        got = {"note": self.note(), "receipts": []}
        for _ in range(self.u32()):
            entry = self.entry()
            got["receipts"].append({**entry, "path": self.path()})
        return got


class Line:
    """One connection to the signer."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(40)
        self.sock.connect(str(path))

    def ask(self, op, payload):
        self.sock.sendall(struct.pack(">IBI", 5 + len(payload), op, 7)
                          + payload)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack_from(
                ">I", data)[0]:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError("closed")
            data += more
        name, rest = take(data[9:])
        words, rest = take(rest)
        if name != b"ok":
            raise Problem(name.decode(), words.decode())
        return Rd(rest)


class FakeApi:
    def __init__(self, lab, name="tls", mode=None, lie=None, port=0):
        self.lab, self.mode, self.lie = lab, mode, lie
        self.tokens, self.nonces, self.asked = {}, set(), []
        self.modes_on = re.compile("")	# paths that mode is for
        self.life = LIFE
        self.pem, self.key = lab.dir / f"{name}.crt", lab.dir / f"{name}.key"
        if not self.pem.exists():
            self.make_key()
        self.tls = self.spki()
        self.lock = threading.Lock()
        self.start(port)

    # ---- begin and end ----

    def make_key(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", self.key, "-out", self.pem], check=True,
            stderr=subprocess.DEVNULL)

    def spki(self):
        pem = subprocess.run(["openssl", "x509", "-in", self.pem, "-noout",
                              "-pubkey"], check=True,
                             stdout=subprocess.PIPE).stdout
        der = base64.b64decode(b"".join(pem.split(b"\n")[1:-2]))
        return "sha256:" + hashlib.sha256(der).hexdigest()

    def start(self, port=0):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem, self.key)
        api = self

        class Handler(Handle):
            def setup(self):
                self.request.settimeout(60)
                self.request = context.wrap_socket(self.request,
                                                   server_side=True)
                with api.lock:
                    api.open.add(self.request)
                super().setup()

            def finish(self):
                with api.lock:
                    api.open.discard(self.request)
                super().finish()

        Handler.api = self
        self.open = set()
        Server.allow_reuse_address = True
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # ---- the signer ----

    def ask(self, op, payload=b"", note=b""):
        try:
            line = Line(self.lab.socket)
            hello = line.ask(HELLO, struct.pack(">H", 1) + put(note))
            return hello if op == HELLO else line.ask(op, payload)
        except OSError as e:
            raise Problem("unreachable", f"jit-signer: {e}") from e

    # ---- routes ----

    def hello(self):
        r = self.ask(HELLO)
        vkey, ca = r.string().decode(), r.string()
        state, now, policy, recovery = r.u8(), r.u64(), r.u64(), r.u64()
        keys = r.u64()
        kind = take(ca)[0].decode()
        return {"log": vkey, "user_ca": f"{kind} {b64(ca)}",
                "state": STATES[state], "now": utc(now), "policy": policy,
                "recovery": recovery, "keys_index": keys,
                "note": r.note(), "path": []}

    def ca(self, query):
        got = self.hello()
        if "old" in query:
            r = self.ask(CHECKPOINT, struct.pack(">Q", int(query["old"])))
            got["note"], got["path"] = r.note(), r.path()
        return got

    def checkpoint(self, query):
        while True:
            got = [self.ask(CHECKPOINT, struct.pack(">Q", int(n)))
                   for n in query["old"].split(",")]
            notes, paths = zip(*((r.note(), r.path()) for r in got))
            if len(set(notes)) == 1:
                return {"note": notes[0], "paths": list(paths)}

    def log_id(self):
        return "+".join(self.hello()["log"].split("+")[:2])

    def nonce(self, body):
        nonce = secrets.token_urlsafe(40)
        self.nonces.add(nonce)
        now = time.time()
        return {"nonce": nonce, "log": self.log_id(),
                "server": f"127.0.0.1:{self.port}", "tls": self.tls,
                "now": utc(now), "expires": utc(now + 60)}

    def login(self, body):
        text = base64.b64decode(body["text"]).decode()
        line = dict(x.split(": ", 1) for x in text.split("\n")[1:-1])
        if line["nonce"] not in self.nonces or \
                line["tls"] != self.tls or line["log"] != self.log_id() or \
                line["server"] != f"127.0.0.1:{self.port}":
            raise Problem("log-in-first", "not a log-in for this server")
        self.nonces.discard(line["nonce"])
        if not self.is_signed(line["person"], text, body["sigs"][0]):
            raise Problem("unknown-key", "no key of that person's")
        token = secrets.token_urlsafe(32)
        end = int(time.time()) + self.life
        self.tokens[token] = (line["person"], end)
        return {"token": token, "person": line["person"],
                "expires": utc(end)}

    def is_signed(self, person, text, sig):
        if person not in self.lab.people:
            return False
        top = self.lab.dir
        name = top / f"login-{secrets.token_hex(4)}"
        allowed = "".join(f"{person} {self.lab.public(k)}\n"
                          for k in self.lab.keys(person))
        lines = re.sub("(.{70})", "\\1\n", sig)
        name.write_text(allowed)
        sigfile = name.with_suffix(".sig")
        sigfile.write_text(f"-----BEGIN SSH SIGNATURE-----\n{lines}\n"
                           "-----END SSH SIGNATURE-----\n")
        done = subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", name, "-I", person, "-n",
             "login.v1@jit-cert", "-s", sigfile], input=text.encode(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False)
        os.unlink(name)
        os.unlink(sigfile)
        return done.returncode == 0

    def signed(self, op, body):
        text = base64.b64decode(body["text"])
        sigs = [base64.b64decode(s) for s in body["sigs"]]
        return self.ask(op, put(text) + b"".join(map(put, sigs))).receipts()

    def show(self, rid, query):
        try:
            if "wait" in query:
                r = self.ask(WAIT, put(rid.encode()) + struct.pack(
                    ">QI", int(query["since"]), int(query["wait"])))
            else:
                r = self.ask(SHOW, put(rid.encode()))
            now, policy = r.u64(), r.u64()
        except Problem as e:
            if e.code != "unknown-request":
                raise
            return self.find(rid)
        return {"now": utc(now), "policy": policy, "request": {},
                **r.receipts()}

    def find(self, rid):
        start, found = 0, None
        while True:
            r = self.ask(FIND, put(rid.encode()) + struct.pack(">Q", start))
            r.u64(), r.u64()
            start, got = r.u64(), r.receipts()
            found = {**got, "receipts": (found or {"receipts": []})[
                "receipts"] + got["receipts"]}
            if start == 0:
                break
        if not found["receipts"]:
            raise Problem("unknown-request", "the log holds no such request")
        hello = self.hello()
        return {"now": hello["now"], "policy": hello["policy"],
                "request": {}, **found}

    def requests(self, query):
        if query.get("state") != "current":
            return self.search(query)
        r = self.ask(LIST, struct.pack(">QI", int(query.get("after", 0)),
                                       int(query.get("limit", 50))))
        now, policy, after = r.u64(), r.u64(), r.u64()
        return {"now": utc(now), "policy": policy, "requests": [],
                "next": after or None, **r.receipts()}

    def search(self, query):
        """Over the whole log: a fake may be slow."""
        first, ids = 0, []
        while True:
            r = self.ask(ENTRIES, struct.pack(">QI", first, 512))
            r.note(), r.u64()
            count = r.u32()
            if count == 0:
                break
            for _ in range(count):
                first += 1
                body = base64.b64decode(r.entry()["body"])
                for want in (b"\nrequester: %s\n", b"\nrole: %s\n"):
                    name = want[1:want.index(b":")].decode()
                    if name in query and want % query[name].encode() \
                            not in body:
                        break
                else:
                    if b"jit-cert request v1\n" in body[:64]:
                        ids.append(re.search(rb"\nid: (\w+)\n", body)[1]
                                   .decode())
        if query.get("order") == "newest":
            ids.reverse()
        ids = ids[:int(query["limit"])]
        got = [self.find(i) for i in ids]
        hello = self.hello()
        note = self.ask(PROVE, struct.pack(">IQ", 1, 0)).note()
        return {"now": hello["now"], "policy": hello["policy"],
                "requests": [], "next": None, "note": got[-1]["note"] if got
                else note, "receipts": [x for g in got
                                        for x in g["receipts"]]}

    def prove(self, body):
        v = body["indexes"]
        return self.ask(PROVE, struct.pack(f">I{len(v)}Q", len(v),
                                           *v)).receipts()

    def blobs(self, body):
        v = body["digests"]
        return self.ask(BLOBS, struct.pack(">I", len(v)) + b"".join(
            map(base64.b64decode, v))).receipts()

    def entries(self, query):
        r = self.ask(ENTRIES, struct.pack(
            ">QI", int(query.get("first", 0)), int(query.get("limit", 256))))
        note, first, count = r.note(), r.u64(), r.u32()
        return {"note": note, "first": first,
                "entries": [r.entry() for _ in range(count)]}

    def lists(self, query):
        r = self.ask(PUBLISHED, put(query["name"].encode()) +
                     struct.pack(">Q", int(query["offset"])))
        return {"number": r.u64(), "made": utc(r.u64()),
                "next": utc(r.u64()), "total": r.u64(),
                "sig": b64(r.string()), "bytes": b64(r.string())}

    def collect(self, rid, body):
        return {"certificate": "-", "serial": 1, **self.ask(
            COLLECT, put(rid.encode()) +
            base64.b64decode(body["secret"])).receipts()}

    def answer(self, method, path, query, body, token):
        """(status, JSON)"""
        if path == "/v1/ca":
            return 200, self.ca(query)
        if path == "/v1/checkpoint":
            return 200, self.checkpoint(query)
        if path == "/v1/login/nonce":
            return 200, self.nonce(body)
        if path == "/v1/login":
            return 201, self.login(body)
        if path == "/v1/lists":
            return 200, self.lists(query)
        if self.tokens.get(token, ("", 0))[1] <= time.time():
            raise Problem("log-in-first", "Log in first.")
        if path == "/v1/logout":
            del self.tokens[token]
            return 204, None
        if path == "/v1/requests":
            return (201, self.signed(REQUEST, body)) if method == "POST" \
                else (200, self.requests(query))
        for name, op in ("decisions", DECISION), ("cancel", CANCEL), \
                ("drop", DROP), ("revoke", REVOKE), ("lock", LOCK):
            if path.endswith(f"/{name}"):
                return 201, self.signed(op, body)
        if path.endswith("/collect"):
            return 200, self.collect(path.split("/")[3], body)
        if path.startswith("/v1/requests/"):
            return 200, self.show(path.split("/")[3], query)
        if path == "/v1/log/prove":
            return 200, self.prove(body)
        if path == "/v1/log/blobs":
            return 200, self.blobs(body)
        if path == "/v1/log/entries":
            return 200, self.entries(query)
        raise Problem("no-such-route", path)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Handshakes that fail are what is tested."""


class Handle(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve("GET", None)

    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(size)
        self.serve("POST", json.loads(data) if data else None)

    def serve(self, method, body):
        path, _, rest = self.path.partition("?")
        query = dict(x.split("=", 1) for x in rest.split("&") if x)
        token = (self.headers.get("Authorization") or "")[len("Bearer "):]
        api = self.api
        api.asked.append((method, self.path, dict(self.headers), body))
        mode = api.mode if api.mode and api.modes_on.search(path) else None
        if mode and self.misbehave(mode):
            return
        try:
            status, got = api.answer(method, path, query, body, token)
        except Problem as e:
            self.problem(e)
            return
        if api.lie and got is not None:
            got = api.lie(path, got) or got
        data = json.dumps(got).encode() if got is not None else b""
        if mode:
            data = self.spoil(mode, data, got)
            if data is None:
                return
        self.send(status, "application/json", data)

    def problem(self, e):
        status = HTTP.get(e.code, 409)
        self.send(status, "application/problem+json", json.dumps({
            "type": f"urn:jit-cert:error:{e.code}", "title": "-",
            "status": status, "detail": e.detail, "code": e.code,
            "request": 1}).encode())

    def send(self, status, kind, data, **more):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in more.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    # ---- what goes wrong ----

    def misbehave(self, mode):
        """Instead of an answer; False: with one, that is spoilt."""
        if mode == "redirect":
            self.send(302, None, b"", Location=self.api.url + "/v1/health")
        elif mode == "html":
            self.send(200, "text/html", b"<html>hello</html>")
        elif mode == "gateway":
            self.send(502, "text/html", b"<html>bad gateway</html>")
        elif mode == "problem-html":
            self.send(500, "text/html", b"<html>oh</html>")
        elif mode == "unreachable":
            self.problem(Problem("unreachable", "jit-signer at /x: gone"))
        elif mode == "problem-as-ok":
            self.problem(Problem("ok", "fine"))
        elif mode == "huge":
            self.send(200, "application/json", b" " * (5 << 20))
        elif mode == "endless":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                for _ in range(64):
                    self.wfile.write(b" " * (1 << 18))
            except OSError:
                pass
            self.close_connection = True
        elif mode == "slow":
            time.sleep(8)
            self.close_connection = True
        else:
            return False
        return True

    def spoil(self, mode, data, got):
        """The bytes to send; None: they were sent."""
        first = next(iter(got)) if got else ""
        if mode == "short":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data) + 100))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        if mode == "trickle":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            try:
                for i in range(min(len(data), 20)):
                    self.wfile.write(data[i:i + 1])
                    self.wfile.flush()
                    time.sleep(0.5)
            except OSError:
                pass
            self.close_connection = True
            return None
        if mode in ("text-plain", "no-type"):
            self.send(200, "text/plain" if mode == "text-plain" else None,
                      data)
            return None
        if mode == "cut":
            return data[:len(data) // 2]
        if mode == "array":
            return b"[" + data + b"]"
        if mode == "double":
            return data[:-1] + b', "' + first.encode() + b'": 0}'
        if mode == "nul":
            return data.replace(b'"note": "', b'"note": "\\u0000')
        return json.dumps(self.spoil_members(mode, got)).encode()

    def spoil_members(self, mode, got):
        if mode == "wrong-type":
            return {k: 5 if isinstance(v, (str, list)) else "x"
                    for k, v in got.items()}
        if mode == "missing":
            return {}
        if mode == "extra":
            return {**got, "more": [1, 2.5, None]}
        if mode == "negative":
            return {k: -1 if isinstance(v, int) else v
                    for k, v in got.items()}
        if mode == "bad-time":
            return {k: "2026-13-01T00:00:00Z" if k == "now" else v
                    for k, v in got.items()}
        if mode == "bad-base64":
            return json.loads(json.dumps(got).replace("=", "*"))
        return got
