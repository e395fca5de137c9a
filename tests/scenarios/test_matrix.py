#!/usr/bin/env python3
"""Every route by everybody: test_matrix.py SIGNER CERT CERTD SOURCE

routes.def says who may ask what; openapi.yaml says the same; jit-certd does
the same.  Case 2, 9, 10: a route without a row here fails.
"""
import base64
import pathlib
import re
import sys
import time

import rows
from api import Api, Spec
from lab import Lab, ROLES

signer, cert, certd, source = sys.argv[1:5]
source = pathlib.Path(source)

PEOPLE = {"alice": ["sre", "dev"], "bob": ["sre"], "carol": ["sre"],
          "dana": ["admins"], "erin": ["dev"], "olga": ["audit"]}
# Readers of every role are auditors; erin may neither decide nor read.
AUDITED = re.sub(r"(?m)^(    approve: .*)$", r"\1\n    read: [audit]", ROLES)

SIGNED = {"text": base64.b64encode(b"nonsense").decode(),
          "sigs": [base64.b64encode(b"none").decode()]}
ID = "{id}"
# A sample of each route: its body, and its query.
SAMPLES = {
    "HEALTH": (None, {}), "CA": (None, {}), "CHECKPOINT": (None, {}),
    "NONCE": ({}, {}), "LOGIN": (SIGNED, {}), "LOGOUT": (None, {}),
    "ME": (None, {}), "POLICY": (None, {}), "ROLES": (None, {}),
    "ROLE": (None, {}), "RENDER": ({"kind": "nothing"}, {}),
    "REQUESTS": (None, {}),
    "ASK": ({**SIGNED, "sigs": SIGNED["sigs"] * 2}, {}),
    "SHOW": (None, {}), "DECIDE": (SIGNED, {}), "CANCEL": (SIGNED, {}),
    "DROP": (SIGNED, {}), "REVOKE": (SIGNED, {}), "LOCK": (SIGNED, {}),
    "KRL": (None, {}), "KRL_SIG": (None, {}), "CRL": (None, {}),
    "CRL_PEM": (None, {}), "LISTS": (None, {"name": "krl"}),
    "COLLECT": ({"secret": base64.b64encode(bytes(32)).decode()}, {}),
    "PROVE": ({"indexes": [0]}, {}),
    "BLOBS": ({"digests": [base64.b64encode(bytes(32)).decode()]}, {}),
    "ENTRIES": (None, {}),
}
ACTORS = {"nobody": None, "requester": "alice", "other": "erin",
          "approver": "bob", "auditor": "olga", "admin": "dana"}


def routes():
    text = (source / "api/routes/routes.def").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.findall(r'X\((\w+), (\w+), "([^"]+)", (\w+), (\w+), (\w+)\)',
                      text)


def wanted(who, actor):
    """Which status may it be?  A refusal of what was sent is no refusal of
    who sent it."""
    fine = {200, 201, 204, 400, 409}
    if who == "ANYBODY":
        return fine | {401} if actor == "nobody" else fine | {401}
    if actor == "nobody":
        return {401}
    if who == "SEES":
        return {404} if actor == "other" else fine | {403}
    if who == "AUDITOR":
        return {200} if actor in ("auditor", "admin") else {403}
    return fine | {403, 404} if who == "PERSON" else set()


def check_tables(spec):
    listed = {(m, p) for _, m, p, *_ in routes()}
    described = {(m.upper(), p) for p, item in spec.doc["paths"].items()
                 for m in item}
    rows.check("openapi.yaml and routes.def list the same",
               listed == described, listed ^ described)
    for name, method, path, who, body, _ in routes():
        op = spec.doc["paths"][path][method.lower()]
        rows.check(f"{name}: openapi.yaml says who",
                   (op.get("security") == []) == (who == "ANYBODY"))
        rows.check(f"{name}: openapi.yaml says whether there is a body",
                   ("requestBody" in op) == (body == "JSON"))
        rows.check(f"{name}: has its name in openapi.yaml",
                   op["operationId"] == name.lower(), op["operationId"])
        rows.check(f"{name}: has a sample here", name in SAMPLES)


def ask_all(lab, spec, apis, rid):
    for name, method, path, who, _, _ in routes():
        body, query = SAMPLES[name]
        target = path.replace(ID, rid).replace("{role}", "prod-db")
        for actor, api in apis.items():
            if name == "LOGOUT" and api.token:
                api = apis["nobody"].login(lab, api.person)
            status, _, got = api.call(method, target, body, **query)
            # What is not one's own is answered as what is not there.
            if name == "ROLE" and actor == "other":
                rows.check("ROLE: to others there is none", status == 404)
                continue
            rows.check(f"{name} by {actor}: {status}",
                       status in wanted(who, actor), got)


def what_is_seen(apis, rid, size):
    for actor, api in apis.items():
        if actor == "nobody":
            continue
        seen = [r["id"] for r in api.get("/v1/requests")["requests"]]
        rows.check(f"the list of {actor}", (rid in seen) ==
                   (actor != "other"), seen)
        status, _, got = api.call("POST", "/v1/log/prove",
                                  {"indexes": [size - 1]})
        rows.check(f"the entry of a request, by {actor}: {status}",
                   status == (403 if actor == "other" else 200), got)
        status, _, got = api.call("GET", "/v1/requests/"
                                  "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B")
        rows.check(f"a request that is not there, by {actor}",
                   status == 404, got)
    # The same words for what is not there and what is not theirs.
    mine = apis["other"].call("GET", f"/v1/requests/{rid}")[2]
    none = apis["other"].call("GET",
                              "/v1/requests/01JDE0V5Y8M3T1K3ZJ6X4N9Q2B")[2]
    rows.check("not theirs is told as not there",
               mine["detail"].replace(rid, "X") == none["detail"].replace(
                   "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B", "X") and
               mine["code"] == none["code"], (mine, none))


def tokens(lab, spec, apis):
    nobody = apis["nobody"]
    for token in ("", "x", "A" * 43, "A" * 4000, "Ä" * 43, "-" * 43):
        status, head, _ = nobody.call(
            "GET", "/v1/me", headers={"Authorization": b"Bearer " +
                                      token.encode()})
        rows.check(f"token {token[:8]!r}… of {len(token)}", status == 401 and
                   "Bearer" in head["WWW-Authenticate"], status)
    for scheme in ("Basic ", "bearer ", "Bearer  ", "", "Token "):
        status, _, _ = nobody.call("GET", "/v1/me", headers={
            "Authorization": scheme + apis["requester"].token})
        rows.check(f"scheme {scheme!r}", status == 401, status)
    erin = nobody.login(lab, "erin")
    erin.post("/v1/logout")
    rows.check("after log-out", erin.call("GET", "/v1/me")[0] == 401)
    # Case 16: who left the policy, or whose key did, reads nothing more.
    # So does a key that was replaced.
    old = lab.people.pop("erin")
    lab.write_policy()
    lab.reload()
    status = None
    for _ in range(50):
        status = apis["other"].call("GET", "/v1/me")[0]
        if status == 401:
            break
        time.sleep(0.1)
    rows.check("who left the policy", status == 401, status)
    status, _, got = nobody.call("POST", "/v1/login/nonce",
                                 {"person": "erin"})
    rows.check("a nonce does not tell who exists", status == 200, got)
    lab.people["erin"] = old
    lab.write_policy()
    lab.reload()


def main():
    spec = Spec(source / "api/openapi.yaml")
    check_tables(spec)
    with Lab(signer, cert, certd=certd, people=PEOPLE, roles=AUDITED,
             init=["--x509", "ecdsa-p256"]) as lab:
        nobody = Api(lab.port, lab.dir / "tls.pem", spec)
        apis = {a: nobody.login(lab, p) if p else nobody
                for a, p in ACTORS.items()}
        rid = apis["requester"].ask(lab, "prod-db", "INC-1 matrix")[0]
        size = nobody.get("/v1/health")["log_size"]
        ask_all(lab, spec, apis, rid)
        rows.check("none of it wrote to the log",
                   nobody.get("/v1/health")["log_size"] == size)
        what_is_seen(apis, rid, size)
        tokens(lab, spec, apis)
        rows.check("the daemon's log holds no token", not any(
            a.token and a.token in lab.certd_log() for a in apis.values()))


main()
rows.report()
