#!/usr/bin/env python3
"""jit-signer init, serve and recover, as an administrator runs them, and
what clients may do to the daemon.

test_daemon.py JIT_SIGNER HOOKS(true|false)
"""
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SIGNER, HOOKS = sys.argv[1], sys.argv[2] == "true"
CANARY = "canary-7f3a-passphrase"
SECRET = b"canary-collect-secret-0123456789"
BAD = []
HELLO, COLLECT, CHECKPOINT, FIND = 1, 6, 14, 10

POLICY = """policy: v1
log: jit.example.com
admins: {{ need: 1, of: [admins] }}
people:
  alice: {{ groups: [sre], keys: ["{alice}"] }}
  bob: {{ groups: [sre], keys: ["{bob}"] }}
  dana: {{ groups: [admins], keys: ["{dana}"] }}
hosts:
  db1:
    address: db1.example.com
    keys: ["{db1}"]
host-groups:
  prod-db: [db1]
roles:
  prod-db:
    accounts: [dba]
    host-groups: [prod-db]
    options: [permit-pty]
    max: {max}
    horizon: 1d
    skew: 30s
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""


def check(name, good, got=""):
    print("ok" if good else "NOT OK", "-", name, flush=True)
    if not good:
        BAD.append(name)
        print("  got:", got, flush=True)


# ---- the protocol, by hand ----

def string(b):
    return struct.pack(">I", len(b)) + b


def frame(op, payload=b"", tag=7):
    body = struct.pack(">BI", op, tag) + payload
    return struct.pack(">I", len(body)) + body


def hello(note=b"", version=1):
    return frame(HELLO, struct.pack(">H", version) + string(note))


class Answer:
    def __init__(self, body):
        self.op, self.tag = struct.unpack(">BI", body[:5])
        rest = body[5:]
        self.error, rest = self.take(rest)
        self.why, self.payload = self.take(rest)

    @staticmethod
    def take(b):
        n = struct.unpack(">I", b[:4])[0]
        return b[4:4 + n].decode(), b[4 + n:]


class Client:
    def __init__(self, path, timeout=10):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        try:
            self.s.connect(path)
        except OSError:
            self.s.close()
            raise

    def send(self, b):
        self.s.sendall(b)

    def exactly(self, n):
        b = b""
        while len(b) < n:
            more = self.s.recv(n - len(b))
            if not more:
                return None
            b += more
        return b

    def answer(self):
        head = self.exactly(4)
        if head is None:
            return None
        return Answer(self.exactly(struct.unpack(">I", head)[0]))

    def ask(self, b):
        try:
            self.send(b)
        except BrokenPipeError:
            pass        # who is turned away is told so, and not read
        return self.answer()

    def closed(self):
        try:
            return self.s.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.s.close()


# ---- the site ----

class Site:
    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.home, self.sock = self.dir / "home", str(self.dir / "sock")
        self.passphrase = self.dir / "pass"
        self.passphrase.write_text(CANARY + "\n")
        self.passphrase.chmod(0o600)
        (self.dir / "policy").mkdir(mode=0o755)
        self.policy = self.dir / "policy" / "policy.yaml"
        self.keys = {}
        for name in ("alice", "bob", "dana", "db1"):
            key = self.dir / name
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-C", name, "-f", str(key)], check=True)
            self.keys[name] = pathlib.Path(f"{key}.pub").read_text().strip()
        self.write_policy("1h")
        self.daemon, self.log = None, self.dir / "log"
        self.env = dict(os.environ)

    def write_policy(self, longest):
        new = self.dir / "new.yaml"
        new.write_text(POLICY.format(max=longest, **self.keys))
        new.chmod(0o644)
        new.rename(self.policy)

    def run(self, command, *args, passphrase=True):
        words = [SIGNER, command, str(self.home), str(self.policy), *args]
        if passphrase:
            words += ["--passphrase-file", str(self.passphrase)]
        return subprocess.run(words, capture_output=True, text=True,
                              timeout=60, env=self.env)

    def start(self, *args, limit=None):
        def preexec():
            if limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        at = self.log.stat().st_size if self.log.exists() else 0
        self.daemon = subprocess.Popen(
            [SIGNER, "serve", str(self.home), str(self.policy), "--socket",
             self.sock, "--passphrase-file", str(self.passphrase),
             "--log-level", "debug", *args], stderr=open(self.log, "ab"),
            preexec_fn=preexec, env=self.env)
        return self.wait_log(" ready ", at)

    def wait_log(self, text, at=0, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            new = self.log.read_bytes()[at:].decode(errors="replace")
            if text in new:
                return new
            if self.daemon.poll() is not None:
                break
            time.sleep(0.02)
        return self.log.read_bytes()[at:].decode(errors="replace")

    def mark(self):
        return self.log.stat().st_size

    def stop(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        return self.daemon.wait(timeout=20)

    def greeted(self):
        c = Client(self.sock)
        a = c.ask(hello())
        assert a is not None and a.error == "ok", a and a.error
        return c, a


# ---- init ----

def init(site):
    got = site.run("init", "--ca-type", "dsa")
    check("init: a type that is none", got.returncode == 2 and
          "ed25519" in got.stderr, got)
    check("init: nothing is left behind", not site.home.exists())
    site.passphrase.chmod(0o644)
    got = site.run("init")
    check("init: others read the passphrase", got.returncode == 1, got)
    site.passphrase.chmod(0o600)
    site.policy.chmod(0o666)
    got = site.run("init")
    check("init: others write the policy", got.returncode == 1, got)
    site.policy.chmod(0o644)
    check("init: still nothing", not site.home.exists())
    got = site.run("serve", "--socket", site.sock)
    check("serve: no home", got.returncode not in (0, 2), got)
    got = site.run("init")
    pub = (site.home / "user-ca.pub").read_text().split()[1]
    vkey = (site.home / "log.vkey").read_text().strip()
    check("init", got.returncode == 0 and pub in got.stdout and
          vkey in got.stdout, got)
    check("init: the home's mode", site.home.stat().st_mode & 0o777 == 0o700)
    files = {p.name for p in site.home.iterdir()}
    check("init: what is there", files == {
        "user-ca.key", "log.key", "user-ca.pub", "log.vkey", "journal",
        "tiles", "snapshot"}, files)
    got = site.run("init")
    check("init: once only", got.returncode == 1 and
          "not empty" in got.stderr, got)
    check("init: and the first is untouched",
          (site.home / "log.vkey").read_text().strip() == vkey)


def usage(site):
    for words in ((), ("serve",), ("what",), ("serve", "a", "b", "--socket"),
                  ("init", "a", "b", "--what", "c"), ("init", "a"),
                  ("recover", "a", "b"), ("serve", "a", "b"),
                  ("recover", "a", "b", "--text", "x")):
        got = subprocess.run([SIGNER, *words], capture_output=True, text=True,
                             timeout=20)
        check(f"usage: {' '.join(words) or 'nothing'}",
              got.returncode == 2 and got.stderr != "", got)
    got = subprocess.run([SIGNER, "--version"], capture_output=True,
                         text=True, timeout=20)
    check("--version", got.returncode == 0 and
          re.match(r"jit-signer \d+\.\d+\.\d+\n$", got.stdout), got)


# ---- who may not even start ----

def refused_starts(site):
    def serve(name, text, status=1):
        got = site.run("serve", "--socket", site.sock)
        check(f"serve: {name}", got.returncode == status and
              text in got.stderr and CANARY not in got.stderr, got)

    site.passphrase.write_text("another\n")
    serve("the wrong passphrase", "passphrase")
    site.passphrase.write_text(CANARY + "\n")
    site.home.chmod(0o755)
    serve("the home is open to others", "0700")
    site.home.chmod(0o700)
    key = site.home / "user-ca.key"
    key.chmod(0o640)
    serve("a key is open to others", "user-ca.key")
    key.chmod(0o600)
    more = site.policy.with_name("more")
    more.write_text("")
    serve("the policy's directory holds more", "more", 2)
    more.unlink()
    if os.geteuid() == 0:
        os.chown(site.home, 1, -1)
        serve("the home is somebody else's", "user 1")
        os.chown(site.home, 0, -1)
    plain = pathlib.Path(site.sock)
    plain.write_text("")
    serve("something else is where the socket should be", "sock")
    check("serve: and it is still there", plain.is_file())
    plain.unlink()


# ---- serving ----

def jailed(site, log):
    status = pathlib.Path(f"/proc/{site.daemon.pid}/status").read_text()
    check("jail: seccomp", "Seccomp:\t2" in status, status)
    check("jail: no new privileges", "NoNewPrivs:\t1" in status)
    check("jail: it says so", " jailed " in log, log)
    mode = os.stat(site.sock).st_mode & 0o777
    check("the socket's mode", mode == 0o660, oct(mode))


def frames(site):
    c, a = site.greeted()
    vkey = (site.home / "log.vkey").read_text().strip()
    check("hello says the log's key", vkey.encode() in a.payload)
    check("hello: tag and operation", (a.op, a.tag) == (HELLO, 7))
    a = c.ask(frame(CHECKPOINT, struct.pack(">Q", 0), 99))
    check("checkpoint", a.error == "ok" and a.tag == 99 and
          b"jit.example.com\n" in a.payload, a.error)
    a = c.ask(frame(77, b"what"))
    check("no such operation", a.error == "protocol", a.error)
    a = c.ask(frame(CHECKPOINT, b"short"))
    check("not its payload", a.error == "malformed", a.error)
    a = c.ask(frame(COLLECT, string(b"01JDE0V5Y8M3T1K3ZJ6X4N9Q2B") + SECRET))
    check("collect of nothing", a.error == "unknown-request", a.error)
    # Many at once, in pieces that are no frames.
    many = b"".join(frame(CHECKPOINT, struct.pack(">Q", 0), t)
                    for t in range(200))
    for i in range(0, len(many), 1001):
        c.send(many[i:i + 1001])
    tags = {c.answer().tag for _ in range(200)}
    check("200 frames in a row", tags == set(range(200)))
    a = c.ask(hello())
    check("hello twice", a.error == "protocol" and c.closed(), a.error)

    c = Client(site.sock)
    a = c.ask(frame(CHECKPOINT, struct.pack(">Q", 0)))
    check("before hello", a.error == "protocol" and "hello" in a.why and
          c.closed(), a.why)
    c = Client(site.sock)
    a = c.ask(hello(version=9))
    check("another version", a.error == "protocol" and c.closed(), a.why)
    for n in (0, 4, 65537, 0xffffffff):
        c = Client(site.sock)
        a = c.ask(struct.pack(">I", n) + b"x" * 20)
        check(f"a frame of {n} bytes", a.error == "protocol" and
              c.closed(), a.why)
    c, _ = site.greeted()
    c.send(frame(CHECKPOINT, struct.pack(">Q", 0)))
    c.s.shutdown(socket.SHUT_WR)
    a = c.answer()
    check("asked, then half closed", a is not None and a.error == "ok" and
          c.closed())


def connections(site):
    cs = [site.greeted()[0] for _ in range(100)]
    good = sum(c.ask(frame(CHECKPOINT, struct.pack(">Q", 0))).error == "ok"
               for c in cs)
    check("100 connections", good == 100, good)
    if os.geteuid() == 0:
        more, busy = [], 0
        for _ in range(200):
            c = Client(site.sock)
            try:
                a = c.ask(hello())
            except OSError:
                a = None
            busy += a is None or a.error == "busy"
            more.append(c)
        check("not more than 256", busy == 44, busy)
        for c in more:
            c.close()
    for c in cs:
        c.close()
    time.sleep(0.2)
    c, _ = site.greeted()
    check("and then there is room again", c.ask(
        frame(CHECKPOINT, struct.pack(">Q", 0))).error == "ok")


def one_user(site):
    """64 connections of one uid, however much room there is."""
    if os.geteuid() != 0:
        return
    site.dir.chmod(0o711)
    os.chown(site.sock, -1, 65534)
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            cs = [Client(site.sock) for _ in range(70)]
            busy = sum(c.ask(hello()).error == "busy" for c in cs)
            os.write(w, bytes([busy]))
        finally:
            os._exit(0)
    os.close(w)
    got = os.read(r, 1)
    os.waitpid(pid, 0)
    check("64 connections of one user", got == bytes([6]), got)


def slow(site):
    """Half a frame, no hello, and nobody who reads: closed in time."""
    half, _ = site.greeted()
    half.s.settimeout(20)
    half.send(struct.pack(">I", 20) + b"abc")
    silent = Client(site.sock, 20)
    other, _ = site.greeted()
    begin = time.monotonic()
    check("a half frame is given up", half.closed() and
          8 < time.monotonic() - begin < 15, time.monotonic() - begin)
    check("no hello is given up", silent.closed() and
          8 < time.monotonic() - begin < 15, time.monotonic() - begin)
    check("who is greeted may be silent", other.ask(
        frame(CHECKPOINT, struct.pack(">Q", 0))).error == "ok")


def deaf(site):
    """Asks and asks and reads nothing: bounded memory, others served."""
    c, _ = site.greeted()
    c.s.settimeout(1)
    ask = frame(13, struct.pack(">QI", 0, 1000)) * 500
    sent = 0
    try:
        while sent < 5_000_000:
            sent += c.s.send(ask)
    except TimeoutError:
        pass
    check("who does not read is not read", sent < 5_000_000, sent)
    begin = time.monotonic()
    other, _ = site.greeted()
    check("the others are served", time.monotonic() - begin < 2)
    other.close()
    c.close()


def policy(site):
    at = site.mark()
    site.write_policy("2h")
    site.daemon.send_signal(signal.SIGHUP)
    log = site.wait_log(" policy ", at)
    old = re.search(r'policy digest="(\S+)" entry="(\d+)"', log)
    check("SIGHUP: a new policy", old is not None, log)
    good = site.policy.read_text()
    at = site.mark()
    site.policy.write_text(good.replace("need: 1", "need: 99"))
    site.daemon.send_signal(signal.SIGHUP)
    log = site.wait_log("policy-refused", at)
    check("SIGHUP: a bad one is refused, with its place",
          "policy-refused" in log and "policy.yaml:" in log, log)
    at = site.mark()
    site.policy.write_text(good.replace("jit.example.com", "other.example"))
    site.daemon.send_signal(signal.SIGHUP)
    log = site.wait_log("policy-refused", at)
    check("SIGHUP: one for another log", 'error="other-log"' in log, log)
    c, _ = site.greeted()
    check("and it goes on", c.ask(
        frame(CHECKPOINT, struct.pack(">Q", 0))).error == "ok")
    at = site.mark()
    site.policy.write_text(good)
    site.daemon.send_signal(signal.SIGHUP)
    log = site.wait_log(" policy ", at)
    again = re.search(r'policy digest="(\S+)" entry="(\d+)"', log)
    check("the same again is not logged again", again and
          again.groups() == old.groups(), log)
    for _ in range(50):
        site.daemon.send_signal(signal.SIGHUP)
    c, _ = site.greeted()
    check("a storm of signals", site.daemon.poll() is None)


def restarts(site):
    at = site.mark()
    check("SIGTERM", site.stop() == 0)
    log = site.wait_log("stopped", at)
    check("it says so", " stopping " in log and " stopped " in log, log)
    log = site.start()
    opened = re.search(r'opened size="(\d+)" snapshot="(\d+)"', log)
    check("the snapshot is used", opened and
          opened[1] == opened[2] != "0", log)
    got = site.run("serve", "--socket", site.sock + "2")
    check("a second daemon", got.returncode == 1 and
          "lock" in got.stderr.lower() + "lock" * ("writes" in got.stderr),
          got)
    check("has no socket", not os.path.exists(site.sock + "2"))
    site.write_policy("3h")
    at = site.mark()
    site.daemon.send_signal(signal.SIGHUP)
    site.wait_log(" policy ", at)
    site.stop(signal.SIGKILL)
    log = site.start()
    opened = re.search(r'opened size="(\d+)" snapshot="(\d+)"', log)
    check("kill -9: the journal has more than the snapshot", opened and
          int(opened[1]) > int(opened[2]) > 0, log)
    c, _ = site.greeted()
    check("and it goes on", c.ask(
        frame(CHECKPOINT, struct.pack(">Q", 0))).error == "ok")
    site.stop()


def few_descriptors(site):
    log = site.start(limit=40)
    check("RLIMIT_NOFILE 40: it starts", " ready " in log, log)
    cs = []
    for _ in range(60):
        try:
            cs.append(Client(site.sock, 1))
        except OSError:
            break
    time.sleep(0.5)

    def cpu():
        f = pathlib.Path(f"/proc/{site.daemon.pid}/stat").read_text().split()
        return int(f[13]) + int(f[14])
    before = cpu()
    time.sleep(1)
    check("no busy loop", cpu() - before < 20, cpu() - before)
    old = resource.prlimit(site.daemon.pid, resource.RLIMIT_NOFILE)
    for c in cs[:5]:
        c.close()
    time.sleep(0.3)
    resource.prlimit(site.daemon.pid, resource.RLIMIT_NOFILE,
                     (8, old[1]))
    at = site.mark()
    more = [Client(site.sock, 2) for _ in range(4)]
    log = site.wait_log("no-descriptors", at, 3)
    check("no descriptor is left: it backs off", "no-descriptors" in log, log)
    before = cpu()
    time.sleep(1)
    check("and is not busy with that", cpu() - before < 30 and
          site.daemon.poll() is None, cpu() - before)
    resource.prlimit(site.daemon.pid, resource.RLIMIT_NOFILE, old)
    for c in cs + more:
        c.close()
    time.sleep(0.6)
    c, _ = site.greeted()
    check("and room again", c.ask(
        frame(CHECKPOINT, struct.pack(">Q", 0))).error == "ok")
    site.stop()


# ---- frozen ----

def clock(site):
    offset = site.home / "offset"
    offset.write_text("0")
    site.env["JIT_TEST_CLOCK_OFFSET"] = str(offset)
    site.start()
    site.greeted()
    check("recover: nothing to recover from", site.run(
        "recover", "--show", "--by", "dana",
        passphrase=False).returncode == 2)
    at = site.mark()
    offset.write_text("-3600")
    c, _ = site.greeted()
    log = site.wait_log(" frozen ", at)
    check("the clock fell: frozen", 'cause="clock"' in log, log)
    check("it is kept", (site.home / "frozen").exists())
    check("what is read goes on", c.ask(
        frame(CHECKPOINT, struct.pack(">Q", 0))).error == "ok")
    at = site.mark()
    site.write_policy("4h")
    site.daemon.send_signal(signal.SIGHUP)
    log = site.wait_log("policy-refused", at)
    check("no policy either", 'error="frozen"' in log, log)
    site.write_policy("3h")
    site.stop()
    offset.write_text("0")
    log = site.start()
    check("frozen after a restart, too", 'frozen cause="clock"' in log, log)
    text = site.run("recover", "--show", "--by", "dana", passphrase=False)
    check("the text, while the daemon runs", text.returncode == 0 and
          "cause: clock\n" in text.stdout and "by: dana\n" in text.stdout and
          "recovery.v1@jit-cert" in text.stderr, text)
    recover(site, text.stdout)


def sign(site, who, text):
    path = site.dir / f"recovery-{who}"
    path.write_text(text)
    pathlib.Path(f"{path}.sig").unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f",
                    str(site.dir / who), "-n", "recovery.v1@jit-cert",
                    str(path)], check=True, stderr=subprocess.DEVNULL)
    return "--text", str(path), "--sig", f"{path}.sig"


def recover(site, text):
    good = sign(site, "dana", text)
    got = site.run("recover", *good)
    check("recover: the daemon is running", got.returncode == 1 and
          "write" in got.stderr, got)
    site.stop()
    got = site.run("recover", *sign(site, "alice", text.replace(
        "by: dana", "by: alice")))
    check("recover: by no admin", got.returncode == 15, got)
    got = site.run("recover", *sign(site, "alice", text))
    check("recover: by another's key", got.returncode == 15, got)
    got = site.run("recover", *sign(site, "dana", text.replace(
        "cause: clock", "cause: rollback")))
    check("recover: for something else", got.returncode == 18, got)
    good = sign(site, "dana", text)
    pathlib.Path(good[1]).write_text(text + "\n")
    got = site.run("recover", *good)
    check("recover: a changed text", got.returncode in (2, 18), got)
    got = site.run("recover", *sign(site, "dana", text))
    check("recover", got.returncode == 0, got)
    check("it is not frozen any more", not (site.home / "frozen").exists())
    log = site.start()
    check("and starts", " frozen " not in log and " ready " in log, log)
    got = site.run("recover", *sign(site, "dana", text))
    site.stop()
    got = site.run("recover", *sign(site, "dana", text))
    check("recover: not twice", got.returncode == 2, got)


def ahead(site):
    """Entries were made by a clock that ran ahead; then it is put right."""
    offset = site.home / "offset"
    offset.write_text("7200")
    site.start()
    at = site.mark()
    site.write_policy("45m")
    site.daemon.send_signal(signal.SIGHUP)
    site.wait_log(" policy ", at)
    site.greeted()
    site.stop()
    offset.write_text("0")
    log = site.start()
    check("the clock is behind the log", 'frozen cause="clock"' in log, log)
    site.stop()
    text = site.run("recover", "--show", "--by", "dana", passphrase=False)
    got = site.run("recover", *sign(site, "dana", text.stdout))
    check("recovered, by the log's time", got.returncode == 0, got)
    for _ in range(2):
        at = site.mark()
        log = site.start()
        site.greeted()
        check("not frozen again", " frozen " not in log + site.wait_log(
            "connected", at), log)
        site.stop()


def lost_tail(site):
    """A client's newest checkpoint is more than this journal has."""
    journal, old = site.home / "journal", site.dir / "old"
    subprocess.run(["cp", "-a", str(journal), str(old)], check=True)
    site.start()
    site.write_policy("5h")
    at = site.mark()
    site.daemon.send_signal(signal.SIGHUP)
    site.wait_log(" policy ", at)
    c, _ = site.greeted()
    a = c.ask(frame(CHECKPOINT, struct.pack(">Q", 0)))
    note = a.payload[4:4 + struct.unpack(">I", a.payload[:4])[0]]
    site.write_policy("3h")
    site.stop(signal.SIGKILL)
    subprocess.run(["rm", "-r", str(journal)], check=True)
    subprocess.run(["cp", "-a", str(old), str(journal)], check=True)
    site.start()
    at = site.mark()
    c = Client(site.sock)
    a = c.ask(hello(note))
    check("a client has seen more", a.error == "log-went-back", a.error)
    log = site.wait_log(" frozen ", at)
    check("frozen by it", 'cause="rollback"' in log, log)
    site.stop()
    text = site.run("recover", "--show", "--by", "dana", passphrase=False)
    check("its text", "cause: rollback\n" in text.stdout, text)
    got = site.run("recover", *sign(site, "dana", text.stdout))
    check("recovered from the rollback", got.returncode == 0, got)
    site.start()
    c = Client(site.sock)
    a = c.ask(hello(note))
    check("the client is still told", a.error == "log-went-back", a.error)
    c, _ = site.greeted()
    check("nobody else is", not (site.home / "frozen").exists())
    site.stop()


def crash(site):
    """Ended at points of the snapshot: it starts again."""
    for point in ("SNAPSHOT_WRITE", "SNAPSHOT_SYNC", "SNAPSHOT_RENAME"):
        site.env["JIT_TEST_CRASH"] = point + ":1"
        longest = {"WRITE": "6h", "SYNC": "7h", "RENAME": "8h"}[
            point.split("_")[1]]
        site.start()
        at = site.mark()
        site.write_policy(longest)
        site.daemon.send_signal(signal.SIGHUP)
        site.wait_log(" policy ", at)
        status = site.stop()
        del site.env["JIT_TEST_CRASH"]
        log = site.start()
        check(f"crash at {point}", status == 77 and " ready " in log and
              "snapshot-unused" not in log, (status, log))
        site.stop()


def main():
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder)
        try:
            usage(site)
            init(site)
            refused_starts(site)
            jailed(site, site.start())
            frames(site)
            connections(site)
            one_user(site)
            slow(site)
            deaf(site)
            policy(site)
            restarts(site)
            few_descriptors(site)
            if HOOKS:
                clock(site)
                ahead(site)
                lost_tail(site)
                crash(site)
        finally:
            if site.daemon and site.daemon.poll() is None:
                site.daemon.kill()
                site.daemon.wait()
        log = site.log.read_text(errors="replace")
        check("no secret in the log", CANARY not in log and
              SECRET.decode() not in log and SECRET.hex() not in log)
        lines = [line for line in log.split("\n") if line and not re.match(
            r"\d{4}-\d\d-\d\dT[\d:]{8}Z \w+ jit-signer [a-z-]+( |$)", line)]
        check("every line is the log's own", not lines, lines[:20])
        check("nothing fatal", " fatal " not in log)
    print(f"{len(BAD)} failed")
    sys.exit(1 if BAD else 0)


main()
