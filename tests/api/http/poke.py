"""What the tests of the server share: the server, raw clients, checks."""
import os
import re
import resource
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

resource.setrlimit(resource.RLIMIT_NOFILE, (
    min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
    resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else None
DIR = tempfile.TemporaryDirectory()
failures = 0
checks = 0


def check(ok, what):
    global failures, checks
    checks += 1
    if not ok:
        failures += 1
        print(f"not ok: {what}", flush=True)


def say(what):
    print(f"# {what}", flush=True)


def finish():
    print(f"{checks} checks, {failures} failed")
    sys.exit(1 if failures else 0)


def make_pair(name):
    """A self-signed P-256 certificate and its key; their paths."""
    cert, key = (f"{DIR.name}/{name}.{x}" for x in ("crt", "key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
         "-days", "2", "-subj", f"/CN={name}", "-addext",
         "subjectAltName=DNS:localhost"],
        check=True, capture_output=True)
    return cert, key


def context(version=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if version is not None:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


class Server:
    """The program under test, ended by its own pid."""

    def __init__(self, **options):
        self.log_path = tempfile.mktemp(dir=DIR.name)
        self.log_file = open(self.log_path, "w")
        self.tls = "cert" in options
        self.process = subprocess.Popen(
            [PROGRAM] + [f"{k}={v}" for k, v in options.items()],
            stdout=self.log_file, stderr=subprocess.STDOUT)
        end = time.time() + 20
        while not self.log().startswith("port ") or "\n" not in self.log():
            if time.time() > end or self.process.poll() is not None:
                raise SystemExit("no server: " + self.log())
            time.sleep(0.02)
        self.port = int(self.log().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def raw(self, timeout=10.0):
        s = socket.create_connection(("127.0.0.1", self.port), timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def connect(self, timeout=10.0, ctx=None):
        s = self.raw(timeout)
        if self.tls:
            s = (ctx or context()).wrap_socket(s)
        return s

    def get(self, target, timeout=10.0):
        with self.connect(timeout) as s:
            s.sendall(request(target))
            return answer(s)

    def counts(self):
        """connections (this one too), parked, served, gone"""
        return [int(x) for x in self.get("/v1/counts").body.split()]

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            v = f.read().rsplit(")", 1)[1].split()
        return (int(v[11]) + int(v[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            rc = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            rc = "never"
        self.log_file.close()
        log = self.log()
        if rc != 0 or "\nstopped" not in log or "ERROR" in log:
            check(False, f"the server ended well: {rc}\n{log[-400:]}")


def request(target, method="GET", headers=b"", body=b"", version="1.1"):
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return (f"{method} {target} HTTP/{version}\r\nHost: h\r\n".encode() +
            length + headers + b"\r\n" + body)


class Answer:
    def __init__(self, status, head, body):
        self.status, self.head, self.body = status, head, body


class Reader:
    """Answers from a connection, one after the other."""

    def __init__(self, s):
        self.s, self.data = s, b""

    def more(self):
        try:
            x = self.s.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            x = b""
        self.data += x
        return len(x) > 0

    def one(self, head_only=False):
        """The next answer; None at the end of the connection."""
        while b"\r\n\r\n" not in self.data:
            if not self.more():
                return None
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        status = int(head[9:12])
        if status == 100:
            return Answer(100, head, b"")
        m = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        n = int(m.group(1)) if m and not head_only else 0
        while len(self.data) < n:
            if not self.more():
                return None
        body, self.data = self.data[:n], self.data[n:]
        return Answer(status, head.decode(), body)

    def closed(self, timeout=5.0):
        """The other side closes, saying nothing more."""
        return self.ends(timeout) and self.data == b""

    def ends(self, timeout=5.0):
        self.s.settimeout(timeout)
        try:
            while self.more():
                pass
        except (socket.timeout, TimeoutError):
            return False
        return True


def answer(s):
    return Reader(s).one()


def ended_after(s, timeout):
    """Seconds until the other side ended the connection; None: never."""
    begin = time.time()
    s.settimeout(timeout)
    try:
        while s.recv(65536):
            pass
    except (socket.timeout, TimeoutError):
        return None
    except OSError:
        pass
    return time.time() - begin


def percentile(v, p):
    v = sorted(v)
    return v[min(len(v) - 1, int(len(v) * p))]
