#!/usr/bin/env python3
"""The API by itself, every answer held against openapi.yaml:
test_api.py SIGNER CERT CERTD SOURCE

The road, waiting, lists and pages, log-in and its refusals, bad bodies.
"""
import base64
import hashlib
import json
import os
import pathlib
import sys
import threading
import time

import rows
from api import NS, Api, Problem, Spec
from lab import Lab, until

signer, cert, certd, source = sys.argv[1:5]
check = rows.check


def refused(name, status, code, what, *args, **kw):
    try:
        got = what(*args, **kw)
        check(name, False, got)
    except Problem as p:
        check(f"{name}: {p}", p.status == status and p.code == code)


def road(lab, alice, bob, carol):
    rid, text, secret, key = alice.ask(lab, "prod-db", "INC-1 the road")
    got = alice.get(f"/v1/requests/{rid}")
    check("pending", got["request"]["state"] == "pending" and
          got["request"]["need"] == 2 and got["request"]["have"] == 0, got)
    check("its text is the one that was signed", text ==
          base64.b64decode(got["receipts"][0]["body"])[4:4 + len(text)])
    refused("collect before", 409, "still-pending", alice.collect, rid,
            secret)
    bob.decide(lab, rid)
    time.sleep(1.1)
    refused("the same again, a second later", 409, "already-decided",
            bob.decide, lab, rid)
    refused("by its requester", 403, "own-request", alice.decide, lab, rid)
    got = bob.get(f"/v1/requests/{rid}")["request"]
    check("one of two", got["state"] == "pending" and
          got["approved_by"] == ["bob"] and got["have"] == 1, got)
    carol.decide(lab, rid, comment="go ahead")
    check("approved", alice.until(rid, "approved")["request"]["have"] == 2)
    refused("another secret", 403, "wrong-collect-secret", alice.collect,
            rid, os.urandom(32))
    first = alice.collect(rid, secret)
    again = alice.collect(rid, secret)
    check("a certificate, and the same again",
          first["certificate"] == again["certificate"] and
          first["serial"] == "1", first)
    check("live", alice.get(f"/v1/requests/{rid}")["request"]["state"] ==
          "live")
    refused("approve after issue", 409, "already-issued", bob.decide, lab,
            rid, "deny")
    alice.act(lab, rid, "drop")
    check("dropped", alice.get(f"/v1/requests/{rid}")["request"]["state"] ==
          "dropped")
    return rid


def ends(lab, alice, bob):
    rid = alice.ask(lab, "prod-db-ro", "two")[0]
    alice.act(lab, rid, "cancel")
    check("cancelled", bob.get(f"/v1/requests/{rid}")["request"]["state"] ==
          "cancelled")
    rid = alice.ask(lab, "prod-db-ro", "three")[0]
    bob.decide(lab, rid, "deny", "use the replica")
    got = alice.get(f"/v1/requests/{rid}")["request"]
    check("denied", got["state"] == "denied" and got["denied_by"] == "bob",
          got)
    other = alice.ask(lab, "prod-db-ro", "four")[0]
    text = base64.b64decode(bob.post("/v1/render", {
        "kind": "decision", "request": rid, "verdict": "deny"})["text"])
    sig = bob.sign(lab.dir / "bob" / "key", NS["decision"], text)
    refused("a decision about another than the path's", 409, "other-request",
            bob.post, f"/v1/requests/{other}/decisions",
            bob.signed(text, sig))
    text = base64.b64decode(bob.post("/v1/render", {
        "kind": "decision", "request": other, "verdict": "deny"})["text"])
    sig = bob.sign(lab.dir / "bob" / "key", NS["decision"], text)
    refused("a verdict that was changed", 403, "bad-signature", bob.post,
            f"/v1/requests/{other}/decisions", bob.signed(
                text.replace(b"verdict: deny", b"verdict: approve"), sig))
    refused("a signature for another purpose", 403, "wrong-namespace",
            bob.post, f"/v1/requests/{other}/decisions", bob.signed(
                text, bob.sign(lab.dir / "bob" / "key", NS["cancel"], text)))


def waiting(lab, alice, bob, new):
    rid = alice.ask(lab, "prod-db-ro", "to be waited for")[0]
    at = alice.get(f"/v1/requests/{rid}")["request"]["last"]
    start = time.monotonic()
    got = alice.get(f"/v1/requests/{rid}", since=at + 1, wait=700)
    took = time.monotonic() - start
    check("nothing came: after its time", took > 0.6 and
          got["request"]["last"] == at, took)
    start = time.monotonic()
    alice.get(f"/v1/requests/{rid}", since=at, wait=20000)
    check("news that is there: at once", time.monotonic() - start < 5)
    answers = []

    def wait(api):
        answers.append(api.get(f"/v1/requests/{rid}", since=at + 1,
                               wait=20000))

    threads = [threading.Thread(target=wait, args=(new(alice),))
               for _ in range(16)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    refused("a seventeenth wait of one person", 503, "busy", alice.get,
            f"/v1/requests/{rid}", since=at + 1, wait=20000)
    bob.decide(lab, rid)
    for t in threads:
        t.join(20)
    check("all sixteen were told", len(answers) == 16 and all(
        a["request"]["last"] > at and len(a["receipts"]) == 2
        for a in answers), len(answers))
    # An act that does not come through jit-certd wakes as well.
    rid = alice.ask(lab, "prod-db", "INC-2 by the socket")[0]
    at = alice.get(f"/v1/requests/{rid}")["request"]["last"]
    answers.clear()
    t = threading.Thread(target=wait, args=(new(alice),))
    t.start()
    time.sleep(0.3)
    decide_by_socket(lab, bob, rid)
    t.join(20)
    check("a decision over the socket is news", len(answers) == 1 and
          answers[0]["request"]["approved_by"] == ["bob"], answers)


def decide_by_socket(lab, bob, rid):
    text = base64.b64decode(bob.post("/v1/render", {
        "kind": "decision", "request": rid, "verdict": "approve"})["text"])
    sig = bob.sign(lab.dir / "bob" / "key", NS["decision"], text)
    from lab import put
    lab.ask(3, put(text) + put(sig))


def pages(lab, alice, bob, dana):
    ids = [alice.ask(lab, "prod-db-ro", f"page {i}")[0] for i in range(7)]
    for order in ("oldest", "newest"):
        got, after = [], None
        while True:
            page = bob.get("/v1/requests", order=order, limit=3,
                           **({"after": after} if after is not None else {}))
            got += [r["id"] for r in page["requests"]]
            after = page["next"]
            if after is None:
                break
        whole = [r["id"] for r in bob.get("/v1/requests", order=order,
                                          limit=256)["requests"]]
        check(f"{order}: pages are the whole", got == whole and
              set(ids) <= set(got), len(got))
    proven = bob.get("/v1/requests", state="current", proofs="true",
                     limit=100)
    check("with proofs: each request's entries follow it",
          [r["index"] for r in proven["receipts"]
           if r["type"] == "request"] ==
          [r["index"] for r in proven["requests"]], len(proven["receipts"]))
    none = bob.get("/v1/requests", proofs="true", requester="nobody")
    check("none, with proofs: a note all the same",
          none["requests"] == none["receipts"] == [] and none["note"])
    check("by text", [r["id"] for r in bob.get(
        "/v1/requests", text="PAGE 3")["requests"]] == [ids[3]])
    check("pending ones only", {r["state"] for r in bob.get(
        "/v1/requests", state="pending", limit=256)["requests"]} <=
          {"pending", "approved"})
    for name, query in {
            "an unknown filter": {"stat": "all"},
            "a state that is none": {"state": "open"},
            "limit 0": {"limit": 0}, "limit 257": {"limit": 257},
            "a limit in words": {"limit": "ten"},
            "a negative place": {"after": -1},
            "a time that is none": {"since": "yesterday"},
            "a name that is none": {"requester": "Alice"},
            "a bool that is none": {"proofs": "yes"}}.items():
        refused(name, 400, "malformed", bob.get, "/v1/requests", **query)
    entries, first = [], 0
    while True:
        page = dana.get("/v1/log/entries", first=first, limit=10)
        if not page["entries"]:
            break
        entries += page["entries"]
        first += len(page["entries"])
    check("the whole log", [e["index"] for e in entries] ==
          list(range(len(entries))) and entries[0]["type"] == "genesis")
    return entries


def login(lab, nobody, bob):
    def text_of(**change):
        n = nobody.post("/v1/login/nonce", {"person": "bob"})
        text = base64.b64decode(n["text"]).decode()
        for field, value in change.items():
            text = "".join(f"{field}: {value}\n" if l.startswith(
                f"{field}:") else l for l in text.splitlines(True))
        return text.encode()

    def try_it(text, key="bob/key", ns=NS["login"]):
        return nobody.post("/v1/login", nobody.signed(
            text, nobody.sign(lab.dir / key, ns, text)))

    refused("another person's key", 401, "log-in-first", try_it, text_of(),
            "alice/key")
    refused("a key of nobody", 401, "log-in-first", try_it, text_of(),
            "hosts/db1")
    refused("nobody's name", 401, "log-in-first", try_it,
            text_of(person="mallory"))
    refused("another server", 403, "other-log", try_it,
            text_of(server="evil.example.com:443"))
    refused("another TLS key", 403, "other-log", try_it,
            text_of(tls="sha256:" + "0" * 64))
    refused("another log", 403, "other-log", try_it,
            text_of(log="lab.example.com+00000000"))
    refused("a nonce of somebody else's", 401, "log-in-first", try_it,
            text_of(nonce="A" * 75))
    refused("another namespace", 403, "wrong-namespace", try_it, text_of(),
            ns=NS["decision"])
    refused("long ago", 409, "clock-differs", try_it, text_of(
        at="2020-01-01T00:00:00Z", expires="2020-01-01T00:01:00Z"))
    refused("for longer than a minute", 400, "malformed", try_it, text_of(
        expires="2036-01-01T00:00:00Z"))
    text = text_of()
    body = nobody.signed(text, nobody.sign(lab.dir / "bob" / "key",
                                           NS["login"], text))
    nobody.post("/v1/login", body)
    refused("the same log-in again", 401, "log-in-first", nobody.post,
            "/v1/login", body)
    check("one may go by another of its names", try_it(text_of(
        server=f"localhost:{lab.port}"))["person"] == "bob")


def bodies(lab, alice):
    good = json.dumps({"kind": "decision"}).encode()
    for name, body, status, code in [
            ("no JSON", b"{", 400, "malformed"),
            ("an array", b"[]", 400, "malformed"),
            ("nothing", b"", 400, "malformed"),
            ("a member twice", b'{"kind":"drop","kind":"drop"}', 400,
             "malformed"),
            ("twice, spelled differently",
             b'{"kind":"drop","\\u006bind":"drop"}', 400, "malformed"),
            ("an unknown member", b'{"kind":"drop","request":"' +
             b"01JDE0V5Y8M3T1K3ZJ6X4N9Q2B" + b'","sudo":true}', 400,
             "malformed"),
            ("too deep", b'{"kind":' + b"[" * 20 + b"]" * 20 + b"}", 413,
             "too-large"),
            ("bytes that are not UTF-8", b'{"kind":"\xff"}', 400,
             "malformed"),
            ("something behind it", good + b"{}", 400, "malformed"),
            ("NUL", b'{"kind":"a\\u0000b"}', 400, "malformed"),
            ("64 KiB and a byte", b" " * 65537, 413, "too-large"),
            ("a number too big", b'{"kind":1e400}', 400, "malformed")]:
        status_got, _, got = alice.call("POST", "/v1/render", body)
        check(f"a body with {name}: {got.get('code')}, {got.get('detail')}",
              (status_got, got["code"]) in [(status, code), (400,
               "malformed")] and got["detail"], got)
    got = alice.call("POST", "/v1/render", b'{"kind":"drop","request":"'
                     b'01JDE0V5Y8M3T1K3ZJ6X4N9Q2B","sudo":true}')[2]
    check("the unknown member is named", "sudo" in got["detail"], got)
    for kind in ("text/plain", "application/x-www-form-urlencoded",
                 "multipart/form-data", "application/jsonp"):
        status, _, got = alice.call("POST", "/v1/render", good,
                                    headers={"Content-Type": kind})
        check(f"{kind} is refused", status == 415, got)
    check("a place that is not there", alice.call("GET", "/v2/ca")[0] == 404)
    status, head, _ = alice.call("POST", "/v1/me", {})
    check("a method that is not taken", status == 405 and
          head["Allow"] == "GET, HEAD", status)
    status, head, got = alice.call("HEAD", "/v1/health")
    check("HEAD has no body", status == 200 and got is None)
    for name, value in {"Cache-Control": "no-store",
                        "X-Content-Type-Options": "nosniff"}.items():
        check(f"{name}: {value}", head[name] == value)
    check("no cookies, no names of software", "Set-Cookie" not in head and
          "Server" not in head)


def policy(alice):
    roles = {r["name"]: r for r in alice.get("/v1/roles")["roles"]}
    check("roles", roles["prod-db"]["may_request"] and
          alice.get("/v1/roles/prod-db") == roles["prod-db"], roles)
    block = base64.b64decode(roles["prod-db"]["block"])
    digest = hashlib.sha256(block).digest()
    got = alice.post("/v1/log/blobs", {
        "digests": [base64.b64encode(digest).decode()]})
    check("a block by its digest", base64.b64decode(
        got["receipts"][0]["body"]) == block and
          roles["prod-db"]["digest"] == "sha256:" + digest.hex())
    index = alice.get("/v1/policy")["index"]
    got = alice.post("/v1/log/prove", {"indexes": [0, index]})
    check("entries by index", [r["type"] for r in got["receipts"]] ==
          ["genesis", "policy"], got)
    me = alice.get("/v1/me")
    check("me", me["person"] == "alice" and me["groups"] == ["dev", "sre"]
          and not me["auditor"], me)


def public(lab, nobody, entries):
    health = nobody.get("/v1/health")
    check("health", health["signer"] == "ready", health)
    ca = nobody.get("/v1/ca")
    check("the CA's key", ca["user_ca"] == lab.ca_key() and
          ca["log"] == lab.vkey(), ca)
    size = int(ca["note"].split("\n")[1])
    got = nobody.get("/v1/checkpoint", old=f"1,{size}")
    check("two paths under one note", len(got["paths"]) == 2 and
          got["paths"][1] == [] and got["paths"][0], got)
    refused("a log that is not there yet", 409, "log-went-back", nobody.get,
            "/v1/checkpoint", old=size + 1000)
    refused("size 0", 400, "malformed", nobody.get, "/v1/ca", old=0)
    check("the log has as many entries", size >= len(entries))


def back(lab, nobody, alice, bob, dana):
    """Taken back, and by whom; what is rendered for it."""
    rid, _, secret, _ = alice.ask(lab, "prod-db-ro", "to be revoked")
    refused("revoke before issue", 409, "still-pending", bob.act, lab, rid,
            "revoke")
    bob.decide(lab, rid)
    alice.until(rid, "approved")
    alice.collect(rid, secret)
    other = alice.ask(lab, "prod-db-ro", "another")[0]
    got = bob.post("/v1/render", {"kind": "revoke", "request": rid,
                                  "comment": "laptop lost"})
    text = base64.b64decode(got["text"])
    check("a text that revokes", text.startswith(b"jit-cert revoke v1\n") and
          b"comment: laptop lost\n" in text and
          got["namespace"] == NS["revoke"], text)
    key = lab.dir / "bob" / "key"
    refused("about another than the path's", 409, "other-request", bob.post,
            f"/v1/requests/{other}/revoke", bob.signed(
                text, bob.sign(key, NS["revoke"], text)))
    refused("signed as a drop", 403, "wrong-namespace", bob.post,
            f"/v1/requests/{rid}/revoke", bob.signed(
                text, bob.sign(key, NS["drop"], text)))
    refused("a drop where a revoke belongs", 400, "malformed", alice.post,
            f"/v1/requests/{rid}/revoke", alice.signed(text.replace(
                b"revoke v1", b"drop v1"), b"x"))
    bob.post(f"/v1/requests/{rid}/revoke", bob.signed(
        text, bob.sign(key, NS["revoke"], text)))
    row = alice.get(f"/v1/requests/{rid}")["request"]
    check("revoked", row["state"] == "revoked" and row["revoked_by"] == "bob",
          row)
    refused("drop what was revoked", 409, "revoked", alice.act, lab, rid,
            "drop")
    for path in ("/v1/krl", "/v1/krl.sig", "/v1/crl", "/v1/crl.pem"):
        check(f"{path} is there", nobody.get(path))
    check("/v1/lists is there", nobody.get("/v1/lists", name="krl")["total"])
    got = dana.post("/v1/render", {"kind": "lock", "person": "bob"})
    check("a text that locks", base64.b64decode(got["text"]).startswith(
        b"jit-cert lock v1\n") and "id" not in got and
          got["namespace"] == NS["lock"], got)
    for name, body in {"a lock of nothing": {"kind": "lock"},
                       "of a name that is none": {"kind": "lock",
                                                  "person": "Bob"},
                       "of a request": {"kind": "unlock", "person": "bob",
                                        "request": rid},
                       "a kind that is none": {"kind": "recover"}}.items():
        refused(name, 400, "malformed", dana.post, "/v1/render", body)
    dana.lock(lab, "bob")
    refused("who is locked out reads nothing", 401, "log-in-first", bob.get,
            "/v1/requests")


def main():
    spec = Spec(pathlib.Path(source) / "api/openapi.yaml")
    with Lab(signer, cert, certd=certd, init=["--x509", "ecdsa-p256"]) as lab:
        nobody = Api(lab.port, lab.dir / "tls.pem", spec)

        def new(api):
            return Api(api.port, api.ca, api.spec, api.token, api.person)

        alice, bob, carol, dana = (nobody.login(lab, p) for p in
                                   ("alice", "bob", "carol", "dana"))
        road(lab, alice, bob, carol)
        ends(lab, alice, bob)
        waiting(lab, alice, bob, new)
        entries = pages(lab, alice, bob, dana)
        login(lab, nobody, bob)
        bodies(lab, alice)
        policy(alice)
        public(lab, nobody, entries)
        back(lab, nobody, alice, bob, dana)
        until(lab.healthy)
        missing = {(p, m) for p, item in spec.doc["paths"].items()
                   for m in item} - {(p, m.lower()) for p, m, _ in spec.seen}
        # Log-out is the matrix's, lists in full are test_lists'; whatever else is here, was asked here.
        check("every route was asked", missing == {("/v1/logout", "post")},
              missing)
        check("jit-certd's log has no error", " error " not in
              lab.certd_log(), lab.certd_log()[-2000:])


main()
rows.report()
