#!/usr/bin/env python3
"""kill -9 of jit-certd and jit-signer in turn while 32 clients walk the road:
test_kill.py SIGNER CERT CERTD SOURCE [ROUNDS]

Whoever gets no answer sends the same bytes again.  Afterwards: what was
acknowledged is in the log at the index that was told, every road ended with
its certificate, one request has one certificate, and the view is the one
that a rebuild makes.
"""
import base64
import hashlib
import http.client
import os
import pathlib
import random
import signal
import sys
import threading
import time

import rows
from api import NS, Api, Problem, Spec
from lab import Lab, until

signer, cert, certd, source = sys.argv[1:5]
ROUNDS = int(sys.argv[5]) if len(sys.argv) > 5 else 200
CLIENTS = 32
# What says "not now", and nothing else, is tried again.
AGAIN = {"unreachable", "busy", "view-damaged"}
ROLE = """
  app:
    accounts: [{user}]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    skew: 30s
    request: {{ of: [dev], proofs: [sshsig] }}
    approve: {{ need: 1, of: [sre], proofs: [sshsig] }}
"""
PEOPLE = {**{f"u{i}": ["dev"] for i in range(CLIENTS)}, "bob": ["sre"],
          "dana": ["admins"]}


class Client(threading.Thread):
    """One person who asks, and bob who decides, over and over."""

    def __init__(self, lab, spec, number, stop):
        super().__init__(name=f"u{number}")
        self.lab, self.spec, self.stop = lab, spec, stop
        self.apis = {}
        self.told = {}			# index -> (what, id)
        self.certificates = {}		# id -> line
        self.roads, self.error = 0, None

    def run(self):
        try:
            while not self.stop.is_set():
                self.walk()
                self.roads += 1
        except Exception as e:		# pylint: disable=broad-except
            self.error = e

    def again(self, what):
        """Until it is answered: the same bytes."""
        end = time.monotonic() + 120
        while True:
            try:
                return what()
            except Problem as p:
                if p.code == "log-in-first":
                    self.apis.clear()
                elif p.code not in AGAIN:
                    raise
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name}: no answer for 2 minutes")
            time.sleep(0.05 + random.random() / 10)

    def api(self, who):
        if who not in self.apis:
            nobody = Api(self.lab.port, self.lab.dir / "tls.pem", self.spec)
            self.apis[who] = nobody.login(self.lab, who)
        return self.apis[who]

    def post(self, who, path, body):
        return self.again(lambda: self.api(who).post(path, body))

    def tell(self, got, what, rid):
        self.told[got["index"]] = (what, rid)

    def walk(self):
        me, lab = self.name, self.lab
        secret = os.urandom(32)
        key = lab.dir / me / "grant"
        if not key.exists():
            lab.keygen(key, "grant")
        got = self.post(me, "/v1/render", {
            "kind": "request", "role": "app", "duration": "10m",
            "certify": lab.public(key), "reason": "INC-1 once more",
            "collect": "sha256:" + hashlib.sha256(secret).hexdigest()})
        rid, text = got["id"], base64.b64decode(got["text"])
        api = Api(lab.port, lab.dir / "tls.pem", self.spec)
        body = api.signed(text, api.sign(lab.dir / me / "key",
                                         NS["request"], text),
                          api.sign(key, NS["possess"], text))
        self.tell(self.post(me, "/v1/requests", body), "request", rid)
        got = self.post("bob", "/v1/render", {
            "kind": "decision", "request": rid, "verdict": "approve"})
        text = base64.b64decode(got["text"])
        body = api.signed(text, api.sign(lab.dir / "bob" / "key",
                                         NS["decision"], text))
        self.tell(self.post("bob", f"/v1/requests/{rid}/decisions", body),
                  "decision", rid)
        self.again(lambda: self.api(me).until(rid, "approved", 30))
        secret = {"secret": base64.b64encode(secret).decode()}
        for _ in range(2):
            got = self.post(me, f"/v1/requests/{rid}/collect", secret)
            self.tell(got, "issued", rid)
            if self.certificates.setdefault(rid, got["certificate"]) != \
                    got["certificate"]:
                raise AssertionError(f"{rid}: two certificates")


def kill(child):
    child.send_signal(signal.SIGKILL)
    child.wait()


def rounds(lab, clients):
    for i in range(ROUNDS):
        time.sleep(random.random() * 0.4)
        if i % 2:
            kill(lab.daemon)
            lab.serve()
        else:
            kill(lab.front)
            lab.serve_certd(wait=False)
            until(lambda: lab.front.poll() is not None or
                  lab.listens(lab.port), 30)
            if lab.front.poll() is not None:
                raise RuntimeError(lab.certd_log()[-3000:])
        if any(c.error for c in clients):
            return


def whole_log(dana):
    first, entries = 0, {}
    while True:
        page = dana.get("/v1/log/entries", first=first, limit=1000)
        if not page["entries"]:
            return entries
        for e in page["entries"]:
            entries[e["index"]] = e
        first += len(page["entries"])


def check_all(lab, spec, clients):
    dana = Api(lab.port, lab.dir / "tls.pem", spec).login(lab, "dana")
    entries = whole_log(dana)
    told = {i: w for c in clients for i, w in c.told.items()}
    wrong = [(i, w) for i, w in told.items() if i not in entries or
             entries[i]["type"] != w[0] or
             w[1].encode() not in base64.b64decode(entries[i]["body"])]
    rows.check(f"{len(told)} things were acknowledged, all are in the log",
               not wrong and told, wrong[:5])
    issued = sum(e["type"] == "issued" for e in entries.values())
    mine = sum(len(c.certificates) for c in clients)
    rows.check(f"{mine} certificates, one for each road; {issued} in the "
               "log", mine == issued, mine, issued)
    done = lab.run("dana", "verify", "--log", "--deep")
    rows.check("the whole log holds", done[0] == 0, done)
    rows.check("no client was answered anything unclear",
               not any(c.error for c in clients),
               [repr(c.error) for c in clients if c.error][:5])
    rows.check("every client walked", all(c.roads for c in clients),
               [c.roads for c in clients])


def main():
    spec = Spec(pathlib.Path(source) / "api/openapi.yaml")
    with Lab(signer, cert, certd=certd, roles=ROLE, people=PEOPLE) as lab:
        stop = threading.Event()
        clients = [Client(lab, spec, i, stop) for i in range(CLIENTS)]
        for c in clients:
            c.start()
        try:
            rounds(lab, clients)
        finally:
            stop.set()
            for c in clients:
                c.join(180)
        until(lab.healthy, 30)
        check_all(lab, spec, clients)
        lab.end(lab.front)
        said = lab.init_certd("rebuild")
        rows.check("rebuilt afterwards", "made anew" in said, said)
        rows.check("nobody's log tells of a broken view",
                   "view-stopped" not in lab.certd_log(),
                   lab.certd_log()[-2000:])


main()
rows.report()
