"""A whole installation in a temporary folder, for scenarios and for play.

    with Lab(signer="build/signer/jit-signer", cert="build/cli/jit-cert") as l:
        l.run("alice", "ssh", "prod-db", "-r", "INC-1 x", "--", "db1", "id")

The people alice, bob, carol, dana each have a home, a key and an ssh-agent of
their own; db1 and db2 are real sshd's on the loopback, which trust nothing
but the CA's key.  Everything that was started is ended by its process id.

    python3 tests/scenarios/lab.py SIGNER CERT    an interactive shell in it
"""
import base64
import getpass
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PASSPHRASE = "correct horse"
PEOPLE = {"alice": ["sre", "dev"], "bob": ["sre"], "carol": ["sre"],
          "dana": ["admins"], "erin": ["dev"]}
ROLES = """
  prod-db:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    skew: 30s
    reason: {{ required: true, pattern: "^INC-[0-9]+ " }}
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 2, of: [sre], proofs: [sshsig] }}
  prod-db-ro:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 4h
    horizon: 1d
    skew: 30s
    request: {{ of: [dev, sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
  lonely:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    skew: 30s
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 3, of: [sre], proofs: [sshsig] }}
"""
TOUCH = """
  prod-touch:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    skew: 30s
    request: {{ of: [dev, sre], proofs: [sshsig+touch] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds=10, step=0.05):
    """Wait for what() to be true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(step)
    raise TimeoutError(getattr(what, "__doc__", None) or "not in time")


class Lab:
    def __init__(self, signer, cert, roles=ROLES, people=None,
                 provider=None, init=(), kinds=None, agent_env=None,
                 certd=None, road=None):
        """provider: tests/lib/sk_provider.so; then tom has a security key
        beside his other one, and the role prod-touch demands it.
        init: more arguments of jit-signer init.  kinds: the key of a person,
        as "ecdsa:384" or "ed25519-sk+verify-required"; others have ed25519.
        agent_env: environment of a person's agent.  certd: jit-certd, which
        is then served as well; road: "https" to let people take that way,
        each set up for it, instead of the socket."""
        self.certd, self.road = certd and os.path.abspath(certd), road
        self.port, self.certd_conf = None, {}
        self.front = None
        self.agent_env = dict(agent_env or {})
        self.init, self.kinds = list(init), dict(kinds or {})
        self.signer, self.cert = os.path.abspath(signer), os.path.abspath(cert)
        self.roles, self.people = roles, dict(people or PEOPLE)
        self.provider = provider and os.path.abspath(provider)
        if provider:
            self.people["tom"] = ["dev"]
            self.roles += TOUCH
        self.user = getpass.getuser()
        # Short: a socket's path has a hundred characters.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="jl"))
        self.socket = self.dir / "s" / "signer"
        self.policy = self.dir / "policy" / "policy.yaml"
        self.home = self.dir / "signer"
        self.children, self.hosts, self.daemon = [], {}, None

    # ---- begin and end ----

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for name in ("s", "policy", "hosts"):
            (self.dir / name).mkdir(mode=0o700)
        (self.dir / "pass").write_text(PASSPHRASE + "\n")
        (self.dir / "pass").chmod(0o600)
        for name in self.people:
            self.make_person(name)
        for name in ("db1", "db2"):
            self.hosts[name] = {"port": free_port()}
            self.keygen(self.dir / "hosts" / name, name)
        self.write_policy()
        subprocess.run([self.signer, "init", self.home, self.policy,
                        "--passphrase-file", self.dir / "pass", *self.init],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)
        self.serve()
        for name in self.hosts:
            self.start_sshd(name)
        if self.certd:
            self.init_certd()
            self.serve_certd()
        if self.road == "https":
            for name in self.people:
                self.set_up(name)
        return self

    def set_up(self, name):
        """jit-certd for that person; who has no key yet is not logged in."""
        status, _, err = self.run(name, "setup", self.url(), "--pin",
                                  self.vkey())
        if status != 0:
            raise RuntimeError(err)

    def stop(self):
        self.end(self.front)
        self.end(self.daemon)
        for child in self.children:
            self.end(child)
        shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def end(child):
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    # ---- people ----

    def keygen(self, path, comment, kind="ed25519"):
        kind, _, option = kind.partition("+")
        kind, _, bits = kind.partition(":")
        subprocess.run(["ssh-keygen", "-q", "-t", kind,
                        *(["-b", bits] if bits else []),
                        *(["-O", option] if option else []), "-N", "", "-C",
                        comment, "-f", path], check=True,
                       stdin=subprocess.DEVNULL, env=self.sk_env())

    def sk_env(self):
        return {**os.environ, **({"SSH_SK_PROVIDER": self.provider}
                                 if self.provider else {})}

    def keys(self, name):
        return [k for k in (self.dir / name / "key", self.dir / name / "sk")
                if k.exists()]

    def public(self, path):
        return pathlib.Path(f"{path}.pub").read_text().strip()

    def make_person(self, name):
        home = self.dir / name
        for sub in ("", ".ssh", "run"):
            (home / sub).mkdir(mode=0o700)
        self.keygen(home / "key", f"{name}@lab",
                    self.kinds.get(name, "ed25519"))
        if name == "tom":
            self.keygen(home / "sk", "tom@yubikey", "ed25519-sk")
        self.start_agent(name)

    def start_agent(self, name):
        sock = self.dir / name / "agent"
        sock.unlink(missing_ok=True)
        agent = subprocess.Popen(["ssh-agent", "-D", "-P",
                                  self.provider or "/nonexistent", "-a",
                                  sock], stdout=subprocess.DEVNULL,
                                 env={**os.environ,
                                      **self.agent_env.get(name, {})})
        self.children.append(agent)
        until(sock.exists)
        for key in self.keys(name):
            subprocess.run(["ssh-add", "-q", key], check=True,
                           env={**self.sk_env(), **self.env(name)},
                           stderr=subprocess.DEVNULL)
        return agent

    def env(self, name):
        home = self.dir / name
        keep = {k: v for k, v in os.environ.items() if k in
                ("PATH", "LANG", "LC_ALL", "TERM", "TZ", "ASAN_OPTIONS",
                 "UBSAN_OPTIONS", "LSAN_OPTIONS")}
        way = {"JIT_CERT_SIGNER": str(self.socket)} if \
            self.road != "https" else {"JIT_CERT_SERVER": self.url()}
        return {**keep, "HOME": str(home), **way,
                "XDG_RUNTIME_DIR": str(home / "run"),
                "SSH_AUTH_SOCK": str(home / "agent"),
                "PATH": f"{os.path.dirname(self.cert)}:{keep['PATH']}"}

    def run(self, name, *args, timeout=60, env=None, **kw):
        """jit-cert as that person: (status, stdout, stderr)."""
        done = subprocess.run([self.cert, *map(str, args)], text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**self.env(name), **(env or {})}, **kw)
        return done.returncode, done.stdout, done.stderr

    def begin(self, name, *args, env=None):
        """The same, not waited for."""
        return subprocess.Popen([self.cert, *map(str, args)], text=True,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE,
                                env={**self.env(name), **(env or {})})

    def on_terminal(self, name, args, keys, before=None):
        """jit-cert on a terminal of its own: of keys the next is typed once
        a prompt ends in a colon; before() runs before the last one.
        (status, all that was shown)"""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(self.cert, [self.cert, *map(str, args)],
                      {**self.env(name), "TERM": "xterm"})
        shown, keys = b"", list(keys)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([fd], [], [], 0.1)[0]:
                if keys and shown.rstrip(b" ").endswith(b":"):
                    if before and len(keys) == 1:
                        before()
                    os.write(fd, keys.pop(0).encode())
                    shown += b" "
                continue
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        else:
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(fd)
        return status, shown.decode(errors="replace")

    # ---- policy and signer ----

    def write_policy(self):
        y = ["policy: v1", "log: lab.example.com",
             "admins: { need: 1, of: [admins] }", "people:"]
        for name, groups in self.people.items():
            y += [f"  {name}:", f"    groups: [{', '.join(groups)}]",
                  "    keys:",
                  *(f"      - {self.public(k)}" for k in self.keys(name))]
        y += ["hosts:"]
        for name, host in self.hosts.items():
            y += [f"  {name}:", "    address: 127.0.0.1",
                  f"    port: {host['port']}", "    keys:",
                  f"      - {self.public(self.dir / 'hosts' / name)}"]
        y += ["host-groups:", f"  prod-db: [{', '.join(self.hosts)}]",
              "  web: [db2]", "roles:" + self.roles.format(user=self.user)]
        self.policy.write_text("\n".join(y))
        self.policy.chmod(0o600)

    def serve(self):
        self.log = open(self.dir / "signer.log", "a")
        self.daemon = subprocess.Popen(
            [self.signer, "serve", self.home, self.policy, "--socket",
             self.socket, *(["--front", self.user] if self.certd else []),
             "--passphrase-file", self.dir / "pass"], stderr=self.log, stdout=self.log)
        until(lambda: self.daemon.poll() is not None or self.answers(), 30)
        if self.daemon.poll() is not None:
            raise RuntimeError((self.dir / "signer.log").read_text())

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(self.socket))
            return True
        except OSError:
            return False

    def reload(self):
        self.daemon.send_signal(signal.SIGHUP)
        time.sleep(0.5)

    # ---- jit-certd ----

    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def vkey(self):
        return (self.home / "log.vkey").read_text().strip()

    def write_certd(self, **conf):
        """Its configuration; conf: lines that differ."""
        self.port = self.port or free_port()
        self.certd_conf = {
            "certd": "v1", "listen": f"127.0.0.1:{self.port}",
            "names": f"[127.0.0.1:{self.port}, localhost:{self.port}]",
            "signer": self.socket, "state": self.dir / "certd",
            "log": self.vkey(),
            "tls": f"{{ certificate: {self.dir}/tls.pem, "
                   f"key: {self.dir}/tls.key }}",
            **self.certd_conf, **conf}
        path = self.dir / "certd.yaml"
        path.write_text("".join(f"{k}: {v}\n"
                                for k, v in self.certd_conf.items()))
        path.chmod(0o600)
        return path

    def init_certd(self, command="init"):
        return subprocess.run([self.certd, command, self.write_certd()],
                              check=True, stdout=subprocess.PIPE, text=True,
                              timeout=120).stdout

    def serve_certd(self, wait=True):
        log = open(self.dir / "certd.log", "a")
        self.front = subprocess.Popen(
            [self.certd, "serve", self.write_certd()], stderr=log,
            stdout=log)
        if not wait:
            return
        until(lambda: self.front.poll() is not None or
              self.listens(self.port) and self.healthy(), 30)
        if self.front.poll() is not None:
            raise RuntimeError(self.certd_log())

    def certd_log(self):
        return (self.dir / "certd.log").read_text()

    def healthy(self):
        """jit-certd reaches the signer and knows all of its log."""
        done = subprocess.run(
            ["curl", "-s", "-m", "2", "--cacert", self.dir / "tls.pem",
             f"{self.url()}/v1/health"], stdout=subprocess.PIPE, check=False)
        try:
            got = json.loads(done.stdout)
        except ValueError:
            return False
        return got["status"] == "ok" and got["view_size"] == got["log_size"]

    # ---- servers ----

    def start_sshd(self, name, trust=True):
        host, top = self.hosts[name], self.dir / "hosts"
        ca = top / "ca.pub"
        ca.write_text(self.ca_key() + "\n" if trust else
                      self.public(top / name) + "\n")
        users = top / f"{name}.users"
        users.mkdir(exist_ok=True)
        (users / self.user).write_text(f"{self.user}.prod-db\n")
        conf = top / f"{name}.conf"
        conf.write_text("\n".join([
            f"Port {host['port']}", "ListenAddress 127.0.0.1",
            f"HostKey {top / name}", f"PidFile {top / name}.pid",
            f"TrustedUserCAKeys {ca}",
            f"AuthorizedPrincipalsFile {users}/%u",
            "AuthorizedKeysFile none", "UsePAM no", "StrictModes no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "PermitRootLogin yes", "Subsystem sftp internal-sftp",
            "LogLevel VERBOSE", ""]))
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        host["log"] = top / f"{name}.log"
        host["sshd"] = subprocess.Popen(
            [shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin"), "-D",
             "-e", "-f", conf], stderr=open(host["log"], "a"))
        self.children.append(host["sshd"])
        until(lambda: self.listens(host["port"]))

    def listens(self, port):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    # ---- the signer's protocol, as far as a lab needs it ----

    def ask(self, op, payload):
        """One question on a connection of its own: the answer's payload."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.socket))
            hello = self.trade(s, 1, struct.pack(">HI", 1, 0))
            return hello if op == 1 else self.trade(s, op, payload)

    @staticmethod
    def trade(s, op, payload):
        s.sendall(struct.pack(">IBI", 5 + len(payload), op, 7) + payload)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack_from(
                ">I", data)[0]:
            more = s.recv(65536)
            if not more:
                raise ConnectionError("the signer closed the connection")
            data += more
        name, rest = take(data[9:])
        words, rest = take(rest)
        if name != b"ok":
            raise PermissionError(f"{name.decode()}: {words.decode()}")
        return rest

    def ca_key(self):
        blob = take(take(self.ask(1, b""))[1])[0]
        kind = take(blob)[0].decode()
        return f"{kind} {base64.b64encode(blob).decode()}"

    def log_id(self):
        name, key = take(self.ask(1, b""))[0].decode().split("+")[:2]
        return f"{name}+{key}"

    def request_text(self, person, rid):
        """As it waits in that person's locker."""
        return (self.dir / person / "run" / "jit-cert" / rid /
                "request").read_text()

    def decide(self, who, person, rid, verdict="approve", comment="-"):
        """A decision by an approver, made without jit-cert."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = (f"jit-cert decision v1\nlog: {self.log_id()}\n"
                f"verdict: {verdict}\napprover: {who}\ndecided: {now}\n"
                f"request: {rid}\ncomment: {comment}\n\n"
                + self.request_text(person, rid)).encode()
        sig = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", "decision.v1@jit-cert",
             "-f", self.dir / who / "key"], input=text, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        blob = base64.b64decode("".join(sig.decode().split("\n")[1:-2]))
        self.ask(3, put(text) + put(blob))

    def ids(self, person):
        """Whole ids of the requests in that person's locker, oldest first."""
        top = self.dir / person / "run" / "jit-cert"
        if not top.is_dir():
            return []
        return sorted(p.name for p in top.iterdir()
                      if re.fullmatch(r"[0-9A-Z]{26}", p.name)
                      and (p / "request").exists())


def take(data):
    n = struct.unpack_from(">I", data)[0]
    return data[4:4 + n], data[4 + n:]


def put(data):
    return struct.pack(">I", len(data)) + data


if __name__ == "__main__":
    with Lab(*sys.argv[1:3]) as lab:
        print(f"In {lab.dir}; you are alice. env for others: HOME, "
              "XDG_RUNTIME_DIR, SSH_AUTH_SOCK below it.")
        subprocess.run([os.environ.get("SHELL", "bash")],
                       env=lab.env("alice"), check=False)
