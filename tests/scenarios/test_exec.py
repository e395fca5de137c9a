#!/usr/bin/env python3
"""exec and kube: a certificate in a program's hands, and gone with it.

	test_exec.py JIT_SIGNER JIT_CERT

What a program is told and finds, that its folder is gone however it ended,
how its end is passed on; what kubectl is answered.
"""
import http.server
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import textwrap
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, free_port, until  # noqa: E402
from rows import check, report  # noqa: E402

ROLES = """
  pg:
    kind: x509
    profile: postgresql
    subject: {{ cn: "{{person}}", o: [app-write] }}
    sans: [ "email:{{person}}@example.com" ]
    revocation: http://127.0.0.1:9/jit.crl
    max: 1h
    horizon: 1d
    reason: {{ required: true, pattern: "^INC-" }}
    request: {{ of: [dev, sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
  k8s:
    kind: x509
    profile: kubernetes
    subject: {{ cn: "{{person}}", o: [system-viewers] }}
    revocation: expiry
    max: 1h
    horizon: 1d
    reason: {{ required: true, pattern: "^INC-" }}
    request: {{ of: [dev, sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
  db:
    accounts: [{user}]
    host-groups: [prod-db]
    max: 1h
    horizon: 1d
    request: {{ of: [dev, sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
# What a program sees: all of it as JSON.
LOOK = textwrap.dedent("""
    import json, os, sys
    e = os.environ
    d = os.path.dirname(e["JIT_KEY_FILE"])
    print(json.dumps({
        "argv": sys.argv[1:],
        "env": {k: v for k, v in e.items() if k.startswith(("JIT_", "PGSSL",
                "GIT_SSL"))},
        "dir": d, "mode": os.stat(d).st_mode & 0o7777,
        "files": {f: [os.stat(os.path.join(d, f)).st_mode & 0o7777,
                      open(os.path.join(d, f)).read()]
                  for f in os.listdir(d)}}))
""")


def approve(lab, who, rid):
    status, out, err = lab.run(who, "approve", rid, "--yes")
    if status != 0:
        raise RuntimeError(f"approve: {status} {out} {err}")


def open_ids(lab, who):
    return [json.loads(line)["id"] for line in lab.run(
        who, "list", "--mine", "--json")[1].splitlines()]


def folders(lab, who):
    return sorted(p.name for p in (lab.dir / who / "run").glob(
        "jit-cert-exec-*"))


def make_tools(lab):
    """Programs with the names of real ones, which tell what they got."""
    top = lab.dir / "tools"
    top.mkdir()
    for name in ("look", "psql", "mysql", "redis-cli", "curl", "git"):
        path = top / name
        path.write_text(f"#!{sys.executable}\n{LOOK}")
        path.chmod(0o755)
    return top


def look(lab, *args, who="alice", **kw):
    status, out, err = lab.run(who, "exec", "pg", *args, **kw)
    try:
        return status, json.loads(out), err
    except ValueError:
        return status, {}, out + err


# ---- asking, waiting, running ----

def first(lab, tools):
    got = lab.run("alice", "exec", "pg", "--no-wait", "-r", "INC-1 x", "--",
                  tools / "look")
    check("it waits for nobody: 125, and what is so", got[0] == 125 and
          got[1] == "" and "WAITING" in got[2], got)
    got = lab.run("alice", "exec", "pg", "--no-wait", "--json", "--",
                  tools / "look")
    check("the outcome as JSON", got[0] == 125 and json.loads(
        got[1].splitlines()[-1])["error"] == "still-pending", got)
    ids = open_ids(lab, "alice")
    check("asked once", len(ids) == 1, ids)
    child = lab.begin("alice", "exec", "pg", "-r", "INC-1 x", "--",
                      tools / "look", "--key", "value")
    time.sleep(1)
    approve(lab, "bob", ids[0])
    out, err = child.communicate(timeout=60)
    check("approved, and run", child.returncode == 0 and
          "Certificate" in err and "jit-cert drop" in err, out, err)
    said = json.loads(out)
    env, files = said["env"], said["files"]
    check("arguments as they were typed", said["argv"] == ["--key", "value"],
          said)
    check("a folder for itself", said["mode"] == 0o700 and pathlib.Path(
        said["dir"]).parent == lab.dir / "alice" / "run", said["dir"])
    check("files for itself", set(files) >= {"leaf.pem", "cert.pem",
          "ca.pem", "key.pem"} and all(m == 0o600 for m, _ in files.values()),
          {f: oct(m) for f, (m, _) in files.items()})
    check("it is told where", env["JIT_KEY_FILE"] == said["dir"] +
          "/key.pem" and env["JIT_CERT_FILE"] == said["dir"] + "/leaf.pem" and
          env["JIT_CHAIN_FILE"] == said["dir"] + "/cert.pem" and
          env["JIT_CA_FILE"] == said["dir"] + "/ca.pem" and
          env["JIT_REQUEST"] == ids[0] and len(env["JIT_SERIAL"]) == 32 and
          env["JIT_UNTIL"].endswith("Z"), env)
    check("no secret in a variable", not any(
        "PRIVATE" in v or "BEGIN" in v for v in env.values()), env)
    check("it is a key", files["key.pem"][1].startswith(
        "-----BEGIN PRIVATE KEY-----"))
    top = lab.dir / "seen"
    top.mkdir()
    for name, (_, text) in files.items():
        (top / name).write_text(text)
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose",
                           "sslclient", "-CAfile", top / "ca.pem", "-untrusted",
                           top / "cert.pem", top / "leaf.pem"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check("openssl takes the certificate", done.returncode == 0, done)
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.load_cert_chain(top / "cert.pem", top / "key.pem")
    check("the key is its key", True)
    done = subprocess.run(["openssl", "x509", "-noout", "-serial",
                           "-subject", "-in", top / "leaf.pem"], check=True,
                          stdout=subprocess.PIPE, text=True)
    check("it is alice's, of this serial", env["JIT_SERIAL"] in
          done.stdout.lower() and "CN = alice" in done.stdout, done.stdout)
    check("the folder is gone", not os.path.exists(said["dir"]) and
          folders(lab, "alice") == [])
    return ids[0]


def tools_of(lab, tools):
    path = {"PATH": f"{tools}:{lab.env('alice')['PATH']}"}
    status, said, err = look(lab, "--", "psql", "host=db1", env=path)
    check("never asked twice: the same certificate", status == 0 and
          "Certificate" not in err and len(open_ids(lab, "alice")) == 1, err)
    env = said["env"]
    check("psql", env["PGSSLCERT"] == said["dir"] + "/cert.pem" and
          env["PGSSLKEY"] == said["dir"] + "/key.pem" and
          said["argv"] == ["host=db1"] and "PGSSLMODE" not in env and
          "PGSSLROOTCERT" not in env, said)
    _, said, _ = look(lab, "--", "psql", env={**path, "PGSSLMODE": "require"})
    check("sslmode stays the user's", said["env"]["PGSSLMODE"] == "require")
    _, said, _ = look(lab, "--", "mysql", "--defaults-file=/x", "app",
                      env=path)
    check("mysql", said["argv"] == [
        "--defaults-file=/x", f"--ssl-cert={said['dir']}/cert.pem",
        f"--ssl-key={said['dir']}/key.pem", "app"], said["argv"])
    _, said, _ = look(lab, "--", "redis-cli", "PING", env=path)
    check("redis-cli", said["argv"] == [
        "--tls", "--cert", said["dir"] + "/cert.pem", "--key",
        said["dir"] + "/key.pem", "PING"], said["argv"])
    _, said, _ = look(lab, "--", "curl", "-q", "https://x", env=path)
    check("curl", said["argv"] == ["-q", "--cert", said["dir"] + "/cert.pem",
                                   "--key", said["dir"] + "/key.pem",
                                   "https://x"], said["argv"])
    _, said, _ = look(lab, "--tool", "psql", "--", tools / "look")
    check("--tool", "PGSSLCERT" in said["env"], said["env"])
    _, said, _ = look(lab, "--tool=none", "--", "psql", env=path)
    check("--tool none", "PGSSLCERT" not in said["env"] and
          "JIT_CERT_FILE" in said["env"], said["env"])
    got = lab.run("alice", "exec", "pg", "--tool", "sqlplus", "--", "true")
    check("no such tool", got[0] == 125 and "there are psql" in got[2], got)
    got = lab.run("alice", "exec", "pg", "true", "x")
    check("a command without dashes", got[0] == 125 and '"--"' in got[2], got)
    got = lab.run("alice", "exec", "db", "--", "true")
    check("a role for ssh", got[0] == 125 and "jit-cert ssh db" in got[2],
          got)
    got = lab.run("alice", "exec", "nope", "--", "true")
    check("no such role", got[0] == 125 and "no role" in got[2], got)
    tmp = lab.dir / "tmp"
    tmp.mkdir(mode=0o700)
    _, said, _ = look(lab, "--", tools / "look", env={
        "XDG_RUNTIME_DIR": "", "TMPDIR": str(tmp)})
    # Its locker is in the runtime folder: the certificate is not.
    check("TMPDIR where there is no runtime folder", pathlib.Path(
        said.get("dir", "/")).parent == tmp and list(tmp.iterdir()) == [],
        said)
    tmp.chmod(0o777)
    got = lab.run("alice", "exec", "pg", "--", tools / "look", env={
        "XDG_RUNTIME_DIR": "", "TMPDIR": str(tmp)})
    check("not where others could rename it", got[0] == 125 and
          "changed by others" in got[2], got)


# ---- real programs ----

class Https(http.server.BaseHTTPRequestHandler):
    """Answers with the subject of the client's certificate."""
    def do_GET(self):
        who = dict(p[0] for p in self.connection.getpeercert()["subject"])
        body = f"hello {who['commonName']}\n".encode()
        self.server.seen.append(who["commonName"])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve_https(lab, top):
    """A server that lets nobody in without a certificate of the CA."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(top / "server.pem", top / "server.key")
    ctx.load_verify_locations(top / "ca.pem")
    ctx.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Https)
    server.socket = ctx.wrap_socket(server.socket, server_side=True)
    server.seen, server.daemon_threads = [], True
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def with_redis(lab, top):
    if not shutil.which("redis-server"):
        print("skipped - redis is not here")
        return
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--tls-port", str(port), "--bind",
         "127.0.0.1", "--tls-cert-file", top / "server.pem",
         "--tls-key-file", top / "server.key", "--tls-ca-cert-file",
         top / "ca.pem", "--tls-auth-clients", "yes", "--dir", top, "--save",
         ""], stdout=subprocess.DEVNULL)
    lab.children.append(server)
    until(lambda: lab.listens(port))
    args = ["redis-cli", "--cacert", top / "server.pem", "-h", "127.0.0.1",
            "-p", port, "PING"]
    got = lab.run("alice", "exec", "pg", "--", *args)
    check("redis-cli, for real", got[1] == "PONG\n", got)
    got = subprocess.run([*map(str, args[:1]), "--tls", *map(str, args[1:])],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, timeout=30, check=False)
    check("which without is not let in", "PONG" not in got.stdout, got)


def real(lab):
    top = lab.dir / "real"
    top.mkdir()
    (top / "ca.pem").write_text(lab.run("dana", "ca", "--x509")[1])
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=server", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout",
                    top / "server.key", "-out", top / "server.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    server = serve_https(lab, top)
    url = f"https://127.0.0.1:{server.server_address[1]}/"
    quiet = {"no_proxy": "*", "GIT_TERMINAL_PROMPT": "0"}
    rows = [("curl", ["curl", "-s", "--cacert", top / "server.pem", url]),
            ("curl -q", ["curl", "-q", "-s", "--cacert", top / "server.pem",
                         url]),
            ("wget", ["wget", "-q", "-t", "1", "-O", "-",
                      f"--ca-certificate={top}/server.pem", url])]
    for name, args in rows:
        if not shutil.which(args[0]):
            print("skipped -", args[0], "is not here")
            continue
        got = lab.run("alice", "exec", "pg", "--", *args, env=quiet)
        check(f"{name}, for real", got[:2] == (0, "hello alice\n"), got)
        got = subprocess.run(list(map(str, args)), stdout=subprocess.PIPE,
                             timeout=30, check=False)
        check("which without is not let in", b"hello" not in got.stdout, got)
    server.seen.clear()
    lab.run("alice", "exec", "pg", "--", "git", "-c",
            f"http.sslCAInfo={top}/server.pem", "ls-remote", url, env=quiet)
    check("git, for real", "alice" in server.seen or not shutil.which("git"),
          server.seen)
    server.shutdown()
    with_redis(lab, top)


# ---- how it ends ----

WAIT = ("import os, sys, time\n"
        "print(os.path.dirname(os.environ['JIT_KEY_FILE']), flush=True)\n"
        "time.sleep(60)\n")


def running(lab):
    """(jit-cert, the program's folder) while it runs."""
    child = lab.begin("alice", "exec", "pg", "--", sys.executable, "-c",
                      WAIT)
    return child, child.stdout.readline().strip()


def pid_of(child):
    """Of the program that jit-cert runs."""
    path = f"/proc/{child.pid}/task/{child.pid}/children"
    return int(pathlib.Path(path).read_text().split()[0])


def ends(lab):
    for status in (0, 1, 7, 125, 255):
        got = lab.run("alice", "exec", "pg", "--", "sh", "-c",
                      f"exit {status}")
        check(f"status {status} is passed on", got[0] == status, got)
    got = lab.run("alice", "exec", "pg", "--", "jit-no-such-program")
    check("no such program", got[0] == 125 and "No such file" in got[2], got)
    for sig in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT,
                signal.SIGHUP, signal.SIGUSR1):
        child, folder = running(lab)
        check(f"{sig.name}: the folder is there meanwhile",
              os.path.isdir(folder), folder)
        os.kill(pid_of(child), sig)
        child.wait(20)
        check(f"{sig.name} of the program is how we end",
              child.returncode == -sig and not os.path.exists(folder),
              child.returncode)
        child.communicate()
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                signal.SIGQUIT):
        child, folder = running(lab)
        pid = pid_of(child)
        child.send_signal(sig)
        child.wait(20)
        check(f"{sig.name} to us is passed on", child.returncode == -sig and
              not os.path.exists(folder) and
              not os.path.exists(f"/proc/{pid}"), child.returncode)
        child.communicate()
    check("nothing is left", folders(lab, "alice") == [])


def killed(lab, tools):
    """kill -9 leaves a folder; the next one that is run removes it."""
    child, folder = running(lab)
    pid = pid_of(child)
    child.kill()
    child.wait()
    os.kill(pid, signal.SIGKILL)
    child.communicate()
    check("after kill -9 it is there", os.path.isdir(folder))
    look(lab, "--", tools / "look")
    check("a young one is left alone", os.path.isdir(folder))
    old = time.time() - 600
    os.utime(folder, (old, old))
    busy, held = running(lab)
    os.utime(held, (old, old))
    look(lab, "--", tools / "look")
    check("an old one goes", not os.path.exists(folder))
    check("not one that is held", os.path.isdir(held))
    busy.terminate()
    busy.communicate()
    check("nothing is left", folders(lab, "alice") == [])


def stopped(lab):
    """What stops the program stops us; both go on."""
    child, folder = running(lab)
    pid = pid_of(child)
    os.kill(pid, signal.SIGSTOP)

    def is_stopped():
        return pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(
            ")", 1)[1].split()[0] == "T"
    until(is_stopped)
    child.send_signal(signal.SIGCONT)
    until(lambda: pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(
        ")", 1)[1].split()[0] != "T")
    check("stopped together, on together", True)
    child.terminate()
    child.communicate()
    check("and gone", not os.path.exists(folder))


# ---- kubectl ----

def info(interactive, version="v1"):
    return {"KUBERNETES_EXEC_INFO": json.dumps({
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "kind": "ExecCredential", "spec": {"interactive": interactive}})}


def kube(lab):
    got = lab.run("alice", "kube", "k8s", env=info(True, "v1beta1"))
    check("another version", got[0] == 1 and got[1] == "" and
          "client.authentication.k8s.io/v1" in got[2], got)
    got = lab.run("alice", "kube", "k8s", env={"KUBERNETES_EXEC_INFO": "x"})
    check("no JSON", got[0] == 2 and got[1] == "", got)
    got = lab.run("alice", "kube", "k8s", env=info(False))
    check("nobody there: no reason is asked", got[0] == 15 and
          got[1] == "" and "--reason" in got[2], got)
    status, shown = lab.on_terminal("alice", ["kube", "k8s", "--no-wait"],
                                    ["INC-9 typed\n"])
    check("by hand it is asked", status == 14 and "Reason:" in shown, status,
          shown)
    rid = [i for i in open_ids(lab, "alice")][-1]
    child = lab.begin("alice", "kube", "k8s", env=info(False))
    time.sleep(1)
    approve(lab, "carol", rid)
    out, err = child.communicate(timeout=60)
    check("it waits, and says so on standard error", child.returncode == 0
          and "Waiting" in err and rid[-4:] in err, out[:200], err)
    check("one object, one line", out.count("\n") == 1, out[:200])
    said = json.loads(out)
    status = said["status"]
    check("an ExecCredential", said["kind"] == "ExecCredential" and
          said["apiVersion"] == "client.authentication.k8s.io/v1" and
          set(status) == {"expirationTimestamp", "clientCertificateData",
                          "clientKeyData"}, said.keys(), status.keys())
    top = lab.dir / "kube"
    top.mkdir()
    (top / "cert").write_text(status["clientCertificateData"])
    (top / "key").write_text(status["clientKeyData"])
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(top / "cert",
                                                            top / "key")
    done = subprocess.run(["openssl", "x509", "-noout", "-subject",
                           "-enddate", "-dateopt", "iso_8601", "-in",
                           top / "cert"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    check("user and groups", "CN = alice" in done and "O = system-viewers"
          in done, done)
    check("until its last second", status["expirationTimestamp"].replace(
        "T", " ") in done, done, status["expirationTimestamp"])
    again = lab.run("alice", "kube", "k8s", env=info(False))
    check("again it is the same", again[0] == 0 and again[1] == out and
          len(open_ids(lab, "alice")) == 2, again)
    row = lab.run("erin", "kube", "k8s", "-r", "INC-3 x", "--no-wait",
                  env=info(False))
    check("still waiting", row[0] == 14 and row[1] == "", row)
    lab.run("bob", "deny", open_ids(lab, "erin")[0], "--yes", "--comment",
            "no")
    with_kubectl(lab)


def with_kubectl(lab):
    tool = shutil.which("kubectl")
    if tool is None:
        print("skipped - kubectl is not here")
        return
    conf = lab.dir / "kubeconfig"
    conf.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c",
                                               "user": "me"}}],
        "clusters": [{"name": "c", "cluster": {
            "server": "https://127.0.0.1:9"}}],
        "users": [{"name": "me", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": lab.cert, "args": ["kube", "k8s"],
            "interactiveMode": "Never"}}}]}))
    done = subprocess.run([tool, "--kubeconfig", conf, "get", "pods",
                           "--request-timeout=5s"], text=True, check=False,
                          env=lab.env("alice"), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    check("kubectl takes the credential", "refused" in done.stdout and
          "credentials" not in done.stdout, done.stdout)


def main():
    people = {"alice": ["sre", "dev"], "bob": ["sre"], "carol": ["sre"],
              "dana": ["admins"], "erin": ["dev"]}
    with Lab(*sys.argv[1:3], roles=ROLES, people=people,
             init=["--x509", "ecdsa-p256"]) as lab:
        tools = make_tools(lab)
        first(lab, tools)
        tools_of(lab, tools)
        real(lab)
        ends(lab)
        killed(lab, tools)
        stopped(lab)
        kube(lab)
    report()


main()
