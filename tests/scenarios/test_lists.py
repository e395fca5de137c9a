#!/usr/bin/env python3
"""What was taken back, over HTTPS: test_lists.py SIGNER CERT CERTD SOURCE

KRL and CRL with ETag, fresh at once, under load, over restarts, without the
signer, with a database that is none; X.509 with openssl alone; locks.
"""
import base64
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import threading
import time

import rows
from api import NS, Api, Problem, Spec
from lab import Lab, ROLES, put, until

signer, cert, certd, source = sys.argv[1:5]
check = rows.check

X509 = """
  pg:
    kind: x509
    profile: postgresql
    subject: {{ cn: "{{person}}", o: [app-write] }}
    sans: [ "email:{{person}}@example.com" ]
    revocation: "http://127.0.0.1/crl"
    max: 1h
    horizon: 1d
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
  pg-short:
    kind: x509
    profile: postgresql
    subject: {{ cn: "{{person}}" }}
    revocation: expiry
    max: 1h
    horizon: 1d
    request: {{ of: [sre], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
OP_REVOKE = 16


def run(*args, **kw):
    """(status, all that it said) of a program."""
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **kw)
    return done.returncode, done.stdout.decode(errors="replace")


def refused(row, status, code, what, *args, **kw):
    try:
        check(row, False, what(*args, **kw))
    except Problem as p:
        check(f"{row}: {p}", p.status == status and p.code == code)


class Case:
    def __init__(self, lab, spec):
        self.lab, self.dir = lab, lab.dir
        self.nobody = Api(lab.port, lab.dir / "tls.pem", spec)
        self.people = {}
        self.log_in()

    def log_in(self):
        for p in ("alice", "bob", "carol", "dana", "erin"):
            self.people[p] = self.nobody.login(self.lab, p)
            setattr(self, p, self.people[p])

    def fetch(self, path="/v1/krl", want=200, **headers):
        """(headers, bytes) of a list."""
        status, head, got = self.nobody.call(
            "GET", path, headers={k.replace("_", "-"): v
                                  for k, v in headers.items()})
        check(f"{path} {headers or ''}: {status}", status == want, got)
        return head, got

    def file(self, name, data):
        path = self.dir / name
        path.write_bytes(data)
        return path

    def issued(self, role="prod-db-ro", who="alice"):
        """(id, answer of collect, file of the certificate)."""
        x509 = role.startswith("pg")
        api = self.people[who]
        rid, _, secret, key = api.ask(self.lab, role, "INC-1 lists",
                                      x509=x509)
        (self.bob if who != "bob" else self.carol).decide(self.lab, rid)
        api.until(rid, "approved")
        got = api.collect(rid, secret)
        path = pathlib.Path(str(key) + (".pem" if x509 else "-cert.pub"))
        path.write_text(got["certificate"] + "\n")
        return rid, got, path

    def in_krl(self, path, krl):
        """Is that certificate in that KRL?  As ssh-keygen sees it."""
        status, said = run("ssh-keygen", "-Q", "-f", self.file("krl", krl),
                           path)
        return status != 0 and "REVOKED" in said

    def in_crl(self, serial, crl):
        said = run("openssl", "crl", "-inform", "DER", "-in",
                   self.file("crl", crl), "-noout", "-text")[1]
        return f"Serial Number: {serial.upper()}" in said

    def ca(self, use):
        return [k for k in self.nobody.get("/v1/ca")["keys"]
                if k["use"] == use]


def krl(c):
    head, got = c.fetch()
    tag = head["ETag"]
    check("the number is the tag", tag == f'"{head["X-List-Number"]}"' and
          int(head["X-List-Number"]) > 0, tag)
    check("it may be asked for again", head["Cache-Control"] == "no-cache"
          and "GMT" in head["Last-Modified"] and "Age" not in head and
          "Warning" not in head, str(head))
    check("its type", head["Content-Type"] == "application/octet-stream")
    for name, value in {"the same": tag, "a weak one": "W/" + tag,
                        "one of many": f'"1", {tag}, "x"', "any": "*",
                        "many, tight": f'"1",{tag}'}.items():
        same, none = c.fetch(want=304, If_None_Match=value)
        check(f"If-None-Match, {name}: nothing again", none is None and
              same["ETag"] == tag, none)
    for value in ('"1"', tag[:-1], tag.strip('"'), '"x" "y"', ""):
        c.fetch(want=200, If_None_Match=value)
    status, same, none = c.nobody.call("HEAD", "/v1/krl")
    check("HEAD", status == 200 and none is None and same["ETag"] == tag and
          int(same["Content-Length"]) == len(got), str(same))
    status, said = run("ssh-keygen", "-Q", "-l", "-f", c.file("krl", got))
    check("ssh-keygen reads it", status == 0 and "KRL version" in said, said)
    keys = c.ca("user-ca")
    check("one CA of SSH", len(keys) == 1 and keys[0]["state"] == "active"
          and keys[0]["key"] == c.lab.ca_key() and keys[0]["chain"] is None,
          keys)
    head, sig = c.fetch("/v1/krl.sig")
    check("signature and list are of one number", head["ETag"] == tag)
    (c.dir / "allowed").write_text(f"ca {keys[0]['key']}\n")
    for name, data, good in (("", got, True), ("a changed", got[:-1] +
                             bytes([got[-1] ^ 1]), False)):
        status, said = run("ssh-keygen", "-Y", "verify", "-f",
                           c.dir / "allowed", "-I", "ca", "-n",
                           "krl@jit-cert", "-s", c.file("krl.sig", sig),
                           input=data)
        check(f"{name} KRL under the CA's signature", (status == 0) == good,
              said)
    refused("a query that is none", 400, "malformed", c.nobody.get,
            "/v1/krl", ca="00" * 20)


def crl(c):
    head, got = c.fetch("/v1/crl")
    ca = c.ca("x509-ca")
    check("one CA of X.509", len(ca) == 1 and ca[0]["state"] == "active",
          ca)
    chain = c.file("chain.pem", ca[0]["chain"].encode())
    status, said = run("openssl", "crl", "-inform", "DER", "-in",
                       c.file("crl", got), "-noout", "-CAfile", chain,
                       "-verify", "-nextupdate", "-crlnumber")
    check("openssl verifies it under /v1/ca", status == 0 and
          "verify OK" in said, said)
    check("its cRLNumber is X-List-Number", int(
        said.split("crlNumber=")[1].split()[0], 16) == int(
            head["X-List-Number"]), said)
    pem, text = c.fetch("/v1/crl.pem")
    der = subprocess.run(["openssl", "crl", "-outform", "DER"], input=text,
                         stdout=subprocess.PIPE, check=True).stdout
    check("the same in PEM", der == got and pem["ETag"] == head["ETag"])
    c.fetch("/v1/crl.pem", want=304, If_None_Match=head["ETag"])
    status, same, named = c.nobody.call("GET", "/v1/crl",
                                        ca=ca[0]["key_id"])
    check("by the CA's key id", status == 200 and named == got, status)
    refused("of a CA that is none", 404, "unknown-request", c.nobody.get, "/v1/crl",
            ca="00" * 20)
    for bad in ("xyz", "0" * 39, "", "../../etc/passwd"):
        refused(f"of {bad!r}", 400, "malformed", c.nobody.get, "/v1/crl",
                ca=bad)
    data = b""
    while True:
        page = c.nobody.get("/v1/lists", name="crl", offset=len(data))
        data += base64.b64decode(page["bytes"])
        if len(data) == page["total"]:
            break
    check("in pages", data == got and page["number"] == int(
        head["X-List-Number"]), page["number"])
    page = c.nobody.get("/v1/lists", name="krl")
    check("a KRL's page has its signature", base64.b64decode(
        page["sig"]).startswith(b"SSHSIG"))
    refused("a list that is none", 404, "unknown-request", c.nobody.get, "/v1/lists",
            name="hosts")
    refused("behind its end", 400, "bad-argument", c.nobody.get, "/v1/lists",
            name="krl", offset=1 << 40)
    refused("no name", 400, "malformed", c.nobody.get, "/v1/lists")


def taken_back(c):
    rid, got, path = c.issued()
    pid, leaf, pem = c.issued("pg")
    before, list_ = c.fetch()
    check("not yet in the KRL", not c.in_krl(path, list_))
    status, said = run("openssl", "x509", "-in", pem, "-noout", "-serial",
                       "-subject")
    check("an X.509 certificate, and its serial", leaf["kind"] == "x509" and
          leaf["serial"].upper() in said.upper() and "CN = alice" in said,
          said)
    row = c.alice.get(f"/v1/requests/{pid}")["request"]
    check("its row", row["kind"] == "x509" and row["profile"] == "postgresql"
          and row["subject"] == ["CN=alice", "O=app-write"] and
          "email:alice@example.com" in row["sans"] and
          row["crl"] == "http://127.0.0.1/crl" and
          row["serial"] == leaf["serial"] and row["state"] == "live", row)
    refused("by who may not see it", 404, "unknown-request", c.erin.act, c.lab, rid,
            "revoke")
    refused("drop by another than its requester", 403, "not-yours",
            c.bob.act, c.lab, rid, "drop")
    c.bob.act(c.lab, rid, "revoke")
    after, list_ = c.fetch(If_None_Match=before["ETag"])
    check("in the KRL at once", c.in_krl(path, list_))
    check("a number that is larger", int(after["X-List-Number"]) >
          int(before["X-List-Number"]))
    c.dana.act(c.lab, pid, "revoke")
    _, der = c.fetch("/v1/crl")
    check("in the CRL at once", c.in_crl(leaf["serial"], der))
    text = c.fetch("/v1/crl.pem")[1]
    status, said = run("openssl", "verify", "-crl_check", "-CAfile",
                       c.dir / "chain.pem", "-CRLfile",
                       c.file("crl.pem", text), pem)
    check("openssl refuses it", status != 0 and "revoked" in said, said)
    row = c.alice.get(f"/v1/requests/{rid}")["request"]
    check("who it was", row["state"] == "revoked" and
          row["revoked_by"] == "bob" and row["ended_for"] is None, row)
    refused("twice", 409, "revoked", c.dana.act, c.lab, rid, "revoke")
    own = c.issued()
    c.alice.act(c.lab, own[0], "drop")
    check("what was dropped is in it as well",
          c.in_krl(own[2], c.fetch()[1]))
    row = c.alice.ask(c.lab, "pg-short", "INC-2 short", x509=True)[0]
    check("without a CRL", c.alice.get(f"/v1/requests/{row}")["request"][
        "crl"] is None)
    return path


def by_socket(c, rid):
    """A revocation that jit-certd is not asked for."""
    text = base64.b64decode(c.dana.post("/v1/render", {
        "kind": "revoke", "request": rid})["text"])
    sig = c.dana.sign(c.dir / "dana" / "key", NS["revoke"], text)
    c.lab.ask(OP_REVOKE, put(text) + put(sig))


def under_load(c):
    certs = [c.issued() for _ in range(6)]
    stop = threading.Event()
    served = [0]

    def load(n):
        api = Api(c.nobody.port, c.nobody.ca, c.nobody.spec, c.bob.token)
        while not stop.is_set():
            api.call("GET", ("/v1/krl", "/v1/requests", "/v1/crl")[n % 3])
            served[0] += 1

    threads = [threading.Thread(target=load, args=(n,)) for n in range(9)]
    for t in threads:
        t.start()
    slow = 0
    for rid, _, path in certs:
        by_socket(c, rid)
        start = time.monotonic()
        _, _, list_ = c.nobody.call("GET", "/v1/krl")
        slow = max(slow, time.monotonic() - start)
        check("in the list that was fetched next", c.in_krl(path, list_))
    stop.set()
    for t in threads:
        t.join()
    check(f"within a second, under load ({served[0]} answers): {slow:.3f} s",
          slow < 1 and served[0] > 50)


def restarts(c, path):
    number = 0
    for what in ("certd", "signer", "both", "certd"):
        if what != "signer":
            c.lab.end(c.lab.front)
        if what != "certd":
            c.lab.end(c.lab.daemon)
            c.lab.serve()
        if what != "signer":
            c.lab.serve_certd()
        until(c.lab.healthy)
        rows_ = c.issued()
        c.alice.act(c.lab, rows_[0], "revoke")
        head, list_ = c.fetch()
        check(f"after a restart of {what} the number grew",
              int(head["X-List-Number"]) > number)
        check("and nothing is forgotten", c.in_krl(path, list_) and
              c.in_krl(rows_[2], list_))
        number = int(head["X-List-Number"])


def alone(c, path):
    """Without the signer."""
    fresh, _ = c.fetch()
    c.fetch("/v1/crl")
    c.lab.end(c.lab.daemon)
    head, list_ = c.fetch()
    check("the last one, with a warning", head["ETag"] == fresh["ETag"] and
          head["Warning"].startswith("110 ") and int(head["Age"]) >= 0 and
          c.in_krl(path, list_), str(head))
    head, _ = c.fetch("/v1/crl")
    check("the CRL as well", "Warning" in head)
    c.fetch(want=304, If_None_Match=fresh["ETag"])
    refused("one that was never fetched", 503, "unreachable", c.nobody.get,
            "/v1/lists", name="krl")
    c.lab.end(c.lab.front)
    c.lab.serve_certd(wait=False)
    until(lambda: c.lab.listens(c.lab.port), 30)
    refused("none is held after a restart", 503, "unreachable", c.nobody.get,
            "/v1/krl")
    c.lab.serve()
    c.lab.end(c.lab.front)
    c.lab.serve_certd()
    head, _ = c.fetch()
    check("and then it is fresh again", "Warning" not in head)


class Liar(http.server.BaseHTTPRequestHandler):
    """jit-certd's name and TLS key, and any answer."""

    krl, sig, status, number = b"", b"", 200, "1"

    def do_GET(self):
        self.send_response(self.status)
        if 300 <= self.status < 400:
            self.send_header("Location", "https://127.0.0.1:1/")
        self.send_header("ETag", f'"{self.number}"')
        self.send_header("X-List-Number", self.number)
        body = self.sig if self.path.endswith(".sig") else self.krl
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def liar(c):
    server = http.server.HTTPServer(("127.0.0.1", 0), Liar)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(c.dir / "tls.pem", c.dir / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def fetcher(c):
    """pki-examples/sshd/fetch-krl.sh, as each server runs it."""
    script = pathlib.Path(source) / "pki-examples/sshd/fetch-krl.sh"
    check("shellcheck", not shutil.which("shellcheck") or
          run("shellcheck", script) == (0, ""), run("shellcheck", script))
    top = c.dir / "etc"
    top.mkdir()
    file, ca = top / "jit.krl", top / "ca.pub"
    ca.write_text("# the CA\n" + "".join(
        k["key"] + "\n" for k in c.ca("user-ca")))

    def fetch(url=c.lab.url(), ca=ca):
        return run(script, url, file, c.dir / "tls.pem",
                   env={"USER_CA": str(ca)})

    status, said = fetch()
    was = file.stat()
    check("the first time", status == 0 and said == "" and
          was.st_mode & 0o777 == 0o644, said)
    status, said = fetch()
    check("nothing new: the file is the same one", status == 0 and
          file.stat().st_ino == was.st_ino, said)
    rid, _, path = c.issued()
    c.bob.act(c.lab, rid, "revoke")
    status, said = fetch()
    check("something new", status == 0 and file.stat().st_ino != was.st_ino
          and c.in_krl(path, file.read_bytes()), said)
    good = file.read_bytes()
    server = liar(c)
    lies = f"https://127.0.0.1:{server.server_port}"
    sig = c.fetch("/v1/krl.sig")[1]
    older = c.dir / "older.krl"
    run("ssh-keygen", "-k", "-z", "7", "-f", older, "/dev/null")

    def stays(name, url=lies, ca=ca, krl=good, sig=sig, code=200):
        Liar.krl, Liar.sig, Liar.status = krl, sig, code
        status, said = fetch(url, ca)
        check(f"the file stays: {name}: {said.strip()}", status != 0 and
              file.read_bytes() == good and sorted(
                  p.name for p in top.iterdir()) ==
              ["ca.pub", "jit.krl", "jit.krl.etag"], said)

    stays("nobody answers", url="https://127.0.0.1:1")
    stays("an error", code=503)
    stays("sent elsewhere", code=302)
    stays("plain HTTP", url=lies.replace("https", "http"))
    stays("no KRL", krl=b"<html>", ca="")
    stays("an empty one", krl=b"", ca="")
    stays("half of one", krl=good[:len(good) // 2], ca="")
    stays("one that nobody signed", krl=older.read_bytes())
    stays("no signature", sig=b"")
    stays("an older one", krl=older.read_bytes(), ca="")
    other = c.dir / "other"
    c.lab.keygen(other, "other")
    c.bob.act(c.lab, c.issued(who="bob")[0], "revoke")
    stays("by another CA", url=c.lab.url(), ca=f"{other}.pub")
    file.write_bytes(good[:-1])
    status, said = fetch()
    check("a file that was damaged is fetched again, whatever its tag",
          status == 0 and run("ssh-keygen", "-Q", "-l", "-f", file)[0] == 0,
          said)
    server.shutdown()


def corrupt(c):
    """The database is nothing that a list rests on."""
    rid, _, path = c.issued()
    text = base64.b64decode(c.dana.post("/v1/render", {
        "kind": "revoke", "request": rid})["text"])
    sig = c.dana.sign(c.dir / "dana" / "key", NS["revoke"], text)
    for name in ("view.db", "view.db-wal"):
        file = c.dir / "certd" / name
        if file.exists():
            with open(file, "r+b") as f:
                f.seek(0)
                f.write(os.urandom(file.stat().st_size))
    c.lab.ask(OP_REVOKE, put(text) + put(sig))
    check("with a database that is none, the list is right",
          c.in_krl(path, c.fetch()[1]))
    c.lab.end(c.lab.front)
    print(c.lab.init_certd("rebuild"))
    c.lab.serve_certd()
    c.log_in()
    check("made anew it is the same", c.alice.get(f"/v1/requests/{rid}")[
        "request"]["state"] == "revoked" and c.in_krl(path, c.fetch()[1]))


def locks(c):
    live = c.issued()
    pg = c.issued("pg")
    open_ = c.alice.ask(c.lab, "prod-db", "INC-3 open")[0]
    refused("by somebody else", 403, "not-yours", c.bob.lock, c.lab, "alice")
    refused("of nobody", 403, "unknown-person", c.dana.lock, c.lab, "zoe")
    waiting = []
    at = c.alice.get(f"/v1/requests/{open_}")["request"]["last"]
    t = threading.Thread(target=lambda: waiting.append(Api(
        c.nobody.port, c.nobody.ca, c.nobody.spec, c.alice.token).call(
            "GET", f"/v1/requests/{open_}", since=at + 1, wait=20000)))
    t.start()
    time.sleep(0.5)
    start = time.monotonic()
    c.dana.lock(c.lab, "alice")
    refused("her token is over at once", 401, "log-in-first", c.alice.get,
            "/v1/me")
    t.join(25)
    check("so is a wait of hers", time.monotonic() - start < 5 and
          waiting and waiting[0][0] == 401, waiting)
    refused("she does not log in", 403, "person-locked", c.nobody.login,
            c.lab, "alice")
    for path, rid, state in (("/v1/krl", live[0], "revoked"),
                             ("/v1/crl", pg[0], "revoked"),
                             ("", open_, "cancelled")):
        row = c.dana.get(f"/v1/requests/{rid}")["request"]
        check(f"{state} {path}", row["state"] == state and
              row["ended_for"] == "person-locked" and
              row["revoked_by"] is None, row)
    check("in the KRL", c.in_krl(live[2], c.fetch()[1]))
    check("in the CRL", c.in_crl(pg[1]["serial"], c.fetch("/v1/crl")[1]))
    c.dana.lock(c.lab, "alice")
    check("locked twice is locked", True)
    old = c.alice
    c.dana.lock(c.lab, "alice", "unlock", "it was found")
    for _ in range(50):
        try:
            c.alice = c.people["alice"] = c.nobody.login(c.lab, "alice")
            break
        except Problem:
            time.sleep(0.1)
    check("let in again", c.alice.get("/v1/me")["person"] == "alice")
    refused("the old token stays over", 401, "log-in-first", old.get,
            "/v1/me")
    refused("let in by whom nobody locked out", 409, "exists-already", c.dana.lock,
            c.lab, "alice", "unlock")
    c.bob.lock(c.lab, "bob")
    refused("by himself", 401, "log-in-first", c.bob.get, "/v1/me")
    refused("dana, by herself and back", 403, "not-yours", c.dana.lock,
            c.lab, "dana", "unlock")
    c.lab.end(c.lab.front)
    c.lab.serve_certd()
    refused("over a restart", 403, "person-locked", c.nobody.login, c.lab,
            "bob")


def main():
    spec = Spec(pathlib.Path(source) / "api/openapi.yaml")
    with Lab(signer, cert, certd=certd, roles=ROLES + X509,
             init=["--x509", "ecdsa-p256"]) as lab:
        c = Case(lab, spec)
        krl(c)
        crl(c)
        path = taken_back(c)
        under_load(c)
        fetcher(c)
        restarts(c, path)
        alone(c, path)
        corrupt(c)
        locks(c)


main()
rows.report()
