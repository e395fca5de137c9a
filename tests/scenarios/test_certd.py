#!/usr/bin/env python3
"""jit-certd as a program: its configuration, signals, log and secrets:
test_certd.py SIGNER CERT CERTD SOURCE
"""
import base64
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

import rows
from api import NS, Api, Problem, Spec
from lab import Lab, until

signer, cert, certd, source = sys.argv[1:5]
check = rows.check


# ---- configuration ----

def configuration(lab):
    good = lab.write_certd().read_text()
    path = lab.dir / "try.yaml"

    def try_it(text, mode=0o600):
        path.write_text(text)
        path.chmod(mode)
        done = subprocess.run([certd, "check", path], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=30)
        return done.returncode, done.stdout + done.stderr

    def change(key, value):
        return re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}" if value else "",
                      good)

    status, said = try_it(good)
    check("the lab's is valid", status == 0 and "valid" in said, said)
    for name, text, word in [
            ("an unknown key", good + "debug: yes\n", "debug"),
            ("a key twice", good + "listen: 127.0.0.1:1\n", "listen"),
            ("another version", change("certd", "v2"), "v1"),
            ("no version", change("certd", None), "certd"),
            ("no listen", change("listen", None), "listen"),
            ("a name to listen on", change("listen", "localhost:1"),
             "address"),
            ("no port", change("listen", "127.0.0.1"), "port"),
            ("port 0", change("listen", "127.0.0.1:0"), "port"),
            ("port 65536", change("listen", "127.0.0.1:65536"), "port"),
            ("no names", change("names", "[]"), "names"),
            ("a name in capitals", change("names", "[Jit.example.com:1]"),
             "lower-case"),
            ("a name without port", change("names", "[jit.example.com]"),
             "port"),
            ("a relative path", change("state", "certd"), "path"),
            ("no log", change("log", None), "log"),
            ("a log that is none", change("log", "jit.example.com"),
             "verifier key"),
            ("no key", change("tls", "{ certificate: /a }"), "key"),
            ("more of tls", change("tls", "{ certificate: /a, key: /b, "
                                   "ciphers: all }"), "ciphers"),
            ("a level that is none", good + "log-level: trace\n",
             "error, warn, info"),
            ("tokens for ever", good + "token-life: 366d\n", "7d"),
            ("no connections", good + "limits: { connections: 0 }\n", "1"),
            ("a limit that is none", good + "limits: { people: 3 }\n",
             "people"),
            ("an anchor", good.replace("certd: v1", "certd: &a v1"),
             "anchor"),
            ("not YAML", "{{{", "try.yaml:1")]:
        status, said = try_it(text)
        check(f"{name}: {said.strip()}", status == 2 and word in said and
              "try.yaml:" in said, status)
    status, said = try_it(good, 0o666)
    check("others may write it", status == 1 and "try.yaml" in said, said)
    done = subprocess.run([certd, "check", lab.dir / "none.yaml"],
                          stderr=subprocess.PIPE, text=True, check=False)
    check("none", done.returncode != 0 and "none.yaml" in done.stderr, done)
    done = subprocess.run([certd, "sing"], stderr=subprocess.PIPE, text=True,
                          check=False)
    check("no such command", done.returncode == 2 and "usage" in done.stderr)


def tls_files(lab):
    """init and serve judge the pair before anybody connects."""
    key, pem = lab.dir / "x.key", lab.dir / "x.pem"
    tls = f"{{ certificate: {pem}, key: {key} }}"
    good_key = (lab.dir / "tls.key").read_bytes()
    good_pem = (lab.dir / "tls.pem").read_bytes()

    def try_it():
        done = subprocess.run(
            [certd, "serve", lab.write_certd(tls=tls, state=lab.dir / "n")],
            stderr=subprocess.PIPE, text=True, check=False, timeout=30)
        return done.returncode, done.stderr

    lab.end(lab.front)
    (lab.dir / "certd").rename(lab.dir / "n")
    other = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
         "ec_paramgen_curve:P-256"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=True).stdout
    for name, k, p, mode, word in [
            ("another key", other, good_pem, 0o600, "is not the key of"),
            ("no key in it", b"x", good_pem, 0o600, "no private key"),
            ("no certificate in it", good_key, b"x", 0o600,
             "no certificate"),
            ("a key that others read", good_key, good_pem, 0o644, "x.key")]:
        key.write_bytes(k)
        key.chmod(mode)
        pem.write_bytes(p)
        pem.chmod(0o644)
        status, said = try_it()
        check(f"{name}: {said.strip().splitlines()[-1]}", status not in
              (0, 17) and word in said, said)
    key.unlink()
    done = subprocess.run([certd, "init", lab.write_certd(
        tls=tls, state=lab.dir / "fresh")], stderr=subprocess.PIPE,
        text=True, check=False, timeout=30)
    check("half a pair: nothing is made over it", done.returncode != 0 and
          "is not" in done.stderr and not key.exists(), done)
    (lab.dir / "n").rename(lab.dir / "certd")
    lab.write_certd(tls=f"{{ certificate: {lab.dir}/tls.pem, "
                    f"key: {lab.dir}/tls.key }}", state=lab.dir / "certd")
    done = subprocess.run([certd, "init", lab.write_certd()],
                          stderr=subprocess.PIPE, text=True, check=False)
    check("init does not make a second view", done.returncode == 1 and
          "rebuild" in done.stderr, done)
    lab.serve_certd()


# ---- signals ----

def shown(lab):
    """The certificate that new connections get, in DER."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", lab.port), 10) as raw:
        with context.wrap_socket(raw) as s:
            return s.getpeercert(True)


def reload(lab, spec):
    pem, key = lab.dir / "tls.pem", lab.dir / "tls.key"
    kept = pem.read_bytes(), key.read_bytes()
    first = shown(lab)
    old = Api(lab.port, str(pem), spec)
    old.get("/v1/health")
    with open(pem, "wb") as f:
        f.write(b"-----BEGIN NOTHING-----\n")
    lab.front.send_signal(signal.SIGHUP)
    until(lambda: "reload-refused" in lab.certd_log())
    check("a bad file: refused, the old one stays", shown(lab) == first)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
         pem], check=True, stderr=subprocess.DEVNULL)
    key.chmod(0o600)
    lab.front.send_signal(signal.SIGHUP)
    until(lambda: '"reloaded"' in lab.certd_log() or " reloaded" in
          lab.certd_log())
    check("a new pair: new connections get it", shown(lab) != first)
    check("an open connection goes on", old.get("/v1/health")["status"] ==
          "ok")
    bob = Api(lab.port, str(pem), spec).login(lab, "bob")
    check("log-ins name the new key", bob.get("/v1/me")["person"] == "bob")
    before = len(lab.certd_log())
    lab.write_certd(**{"log-level": "debug"})
    lab.front.send_signal(signal.SIGHUP)
    until(lambda: lab.certd_log().count(" reloaded") == 2)
    bob.get("/v1/me")
    until(lambda: re.search(r"debug jit-certd served .*path=./v1/me",
                            lab.certd_log()[before:]))
    check("the level as well", True)
    lab.write_certd(**{"log-level": "noise"})
    lab.front.send_signal(signal.SIGHUP)
    until(lambda: lab.certd_log().count("reload-refused") == 2)
    lab.certd_conf.pop("log-level")
    pem.write_bytes(kept[0])
    key.write_bytes(kept[1])
    lab.write_certd()
    for _ in range(50):
        lab.front.send_signal(signal.SIGHUP)
    until(lambda: shown(lab) == first)
    check("a storm of signals, and it is as before", lab.healthy())
    lab.front.send_signal(signal.SIGTERM)
    check("it ends by itself", lab.front.wait(10) == 0)
    lab.serve_certd()


# ---- headers and secrets ----

def headers(lab, api):
    canary = "CANARY-0xfeed"
    for name in ("X-Request-Id", "Origin", "X-Forwarded-For", "Forwarded",
                 "X-Forwarded-Host", "X-Forwarded-User", "X_Forwarded_User",
                 "Referer", "User-Agent", "Accept", "Via", "Cookie",
                 "If-None-Match", "Range", "Access-Control-Request-Method",
                 "X-HTTP-Method-Override", "Connection", "Upgrade"):
        for path in ("/v1/me", "/v1/nowhere", "/v1/health"):
            status, head, got = api.call("GET", path,
                                         headers={name: canary})
            check(f"{name} at {path}: not echoed", canary not in str(head) +
                  str(got), head)
    status, head, _ = api.call("GET", "/v1/health",
                               headers={"X-HTTP-Method-Override": "DELETE"})
    check("no method but the one of the request line", status == 200)
    check("no CORS", not any(h.lower().startswith("access-control")
                             for h in head))
    status, head, got = api.call("GET", "/v1/me")
    check("the number of the answer is in the problem and the log",
          str(got["request"]) == head["X-Request-Id"] and
          f'request="{got["request"]}"' in lab.certd_log(), got)


def secrets(lab, spec):
    """Case 91: what must not be anywhere but in memory."""
    nobody = Api(lab.port, lab.dir / "tls.pem", spec)
    alice = nobody.login(lab, "alice")
    rid, text, secret, _ = alice.ask(lab, "prod-db-ro", "with a canary")
    nobody.login(lab, "bob").decide(lab, rid)
    wrong = os.urandom(32)
    try:
        alice.collect(rid, wrong)
    except Problem as p:
        check("a wrong secret", p.code == "wrong-collect-secret")
    alice.get("/v1/requests", text="with a canary")
    lab.front.send_signal(signal.SIGABRT)
    lab.front.wait(20)
    cores = list(lab.dir.glob("core*")) + list(pathlib.Path(".").glob(
        "core*"))
    check("it leaves no core", not cores, cores)
    places = {"log": lab.certd_log().encode(),
              **{f.name: f.read_bytes() for f in
                 (lab.dir / "certd").iterdir()}}
    for what, value in {"token": alice.token.encode(),
                        "secret": secret, "wrong secret": wrong,
                        "the log's line of a query": b"with+a+canary"
                        }.items():
        for place, data in places.items():
            for form in (value, base64.b64encode(value),
                         value.hex().encode(),
                         base64.urlsafe_b64encode(value)):
                check(f"no {what} in {place}", form not in data)
    lab.serve_certd()
    check("a token outlives a kill", alice.get("/v1/me")["person"] ==
          "alice")


def no_signer(lab, spec):
    nobody = Api(lab.port, lab.dir / "tls.pem", spec)
    alice = nobody.login(lab, "alice")
    rid = alice.ask(lab, "prod-db-ro", "the signer goes away")[0]
    lab.end(lab.daemon)
    start = time.monotonic()
    try:
        alice.get(f"/v1/requests/{rid}")
        check("without the signer", False)
    except Problem as p:
        check(f"without the signer: {p}", p.status == 503 and
              p.code == "unreachable" and "jit-signer" in p.body["detail"]
              and time.monotonic() - start < 5, p)
    status, _, got = nobody.call("GET", "/v1/health")
    check("health says which program", status == 503 and
          got["signer"] == "unreachable", got)
    check("what is known can be read", [r["id"] for r in alice.get(
        "/v1/requests", text="goes away")["requests"]] == [rid])
    lab.end(lab.front)
    lab.serve_certd(wait=False)
    until(lambda: lab.listens(lab.port))
    try:
        alice.get(f"/v1/requests/{rid}")
        check("begun without a signer", False)
    except Problem as p:
        check(f"begun without a signer: {p}", p.code == "unreachable", p)
    lab.serve()
    until(lab.healthy)
    check("and with it again", alice.get(f"/v1/requests/{rid}")["request"][
        "state"] == "pending")


def main():
    spec = Spec(pathlib.Path(source) / "api/openapi.yaml")
    with Lab(signer, cert, certd=certd) as lab:
        api = Api(lab.port, lab.dir / "tls.pem", spec)
        configuration(lab)
        tls_files(lab)
        headers(lab, api)
        reload(lab, spec)
        secrets(lab, spec)
        no_signer(lab, spec)


main()
rows.report()
