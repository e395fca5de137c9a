"""The API of jit-certd as anybody may speak it: http.client, ssh-keygen, and
every answer held against api/openapi.yaml.

    api = Api(lab.port, lab.dir / "tls.pem", source)
    bob = api.login(lab, "bob")
    bob.get("/v1/requests", state="pending")["requests"]
"""
import base64
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import time
import urllib.parse

import jsonschema
import yaml

NS = {"request": "request.v1@jit-cert", "possess": "possess.v1@jit-cert",
      "decision": "decision.v1@jit-cert", "cancel": "cancel.v1@jit-cert",
      "drop": "drop.v1@jit-cert", "login": "login.v1@jit-cert",
      "revoke": "revoke.v1@jit-cert", "lock": "lock.v1@jit-cert",
      "unlock": "unlock.v1@jit-cert"}


def pem_key(path):
    """A P-256 key by openssl; its public half in PEM."""
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "EC",
                    "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path],
                   check=True, stderr=subprocess.DEVNULL)
    return subprocess.run(["openssl", "pkey", "-in", path, "-pubout"],
                          check=True, stdout=subprocess.PIPE).stdout.decode()


def csr(key, rid):
    """A PKCS#10 request for that request, in DER, by openssl."""
    return subprocess.run(["openssl", "req", "-new", "-key", key, "-subj",
                           f"/CN={rid}", "-outform", "DER"], check=True,
                          stdout=subprocess.PIPE).stdout


class Problem(Exception):
    """An RFC 9457 answer."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body.get('code')}: {body.get('detail')}")
        self.status, self.code = status, body.get("code")
        self.body = body


def is_json(kind):
    return kind in ("application/json", "application/problem+json")


class Spec:
    """openapi.yaml: which schema an answer must have."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.doc = yaml.safe_load(f)
        self.store = {"": self.doc}
        self.seen = set()

    def operation(self, method, path):
        """(template, operation) of a path, or (None, None)."""
        method = "get" if method == "HEAD" else method.lower()
        for template, item in self.doc["paths"].items():
            pattern = re.sub(r"\{[a-z]+\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method in item:
                return template, item[method]
        return None, None

    def resolve(self, node):
        while "$ref" in node:
            at = self.doc
            for part in node["$ref"].lstrip("#/").split("/"):
                at = at[part]
            node = at
        return node

    def check(self, schema, value):
        resolver = jsonschema.RefResolver("", self.doc)
        jsonschema.Draft202012Validator(schema, resolver=resolver).validate(
            value)

    def check_headers(self, answer, headers):
        """Those that are described: there, and of their schema."""
        for name, h in self.resolve(answer.get("headers", {})).items():
            value = headers.get(name)
            assert value is not None or not h.get("required"), name
            if value is not None:
                self.check(h["schema"], value)

    def check_answer(self, method, path, status, headers, data):
        kind = headers.get("Content-Type")
        template, op = self.operation(method, path)
        if op is None:
            answers = {"default": {"$ref": "#/components/responses/Problem"}}
        else:
            answers = op["responses"]
            self.seen.add((template, method, str(status)))
        answer = self.resolve(answers.get(str(status),
                                          answers.get("default")))
        self.check_headers(answer, headers)
        content = answer.get("content")
        if method == "HEAD":
            return
        if content is None:
            assert not data, (method, path, status, data[:200])
            return
        assert kind in content, (method, path, status, kind, data[:200])
        if is_json(kind):
            self.check(content[kind]["schema"], json.loads(data))
        elif kind.startswith(("text/", "application/x-pem")):
            self.check(content[kind]["schema"], data.decode())


class Api:
    def __init__(self, port, ca, spec, token=None, person=None):
        """ca: the file with the server's certificate; spec: a Spec."""
        self.port, self.ca, self.spec = port, str(ca), spec
        self.token, self.person = token, person
        self.conn = None

    def connect(self, timeout=30):
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        return http.client.HTTPSConnection("127.0.0.1", self.port,
                                           timeout=timeout, context=context)

    def call(self, method, path, body=None, headers=None, **query):
        """(status, headers, parsed body or None); always validated.  What
        is no JSON stays bytes."""
        head = {**({"Authorization": f"Bearer {self.token}"} if self.token
                   else {}), **(headers or {})}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(
                body).encode()
            head.setdefault("Content-Type", "application/json")
        target = path + ("?" + urllib.parse.urlencode(
            query, quote_via=urllib.parse.quote) if query else "")
        for attempt in range(2):
            try:
                self.conn = self.conn or self.connect()
                self.conn.request(method, target, data, head)
                answer = self.conn.getresponse()
                got = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.conn = None
                if attempt:
                    raise
        self.spec.check_answer(method, path, answer.status, answer.headers,
                               got)
        if got and is_json(answer.getheader("Content-Type")):
            got = json.loads(got)
        return answer.status, answer.headers, got or None

    def want(self, method, path, body=None, **query):
        status, _, got = self.call(method, path, body, **query)
        if status >= 400:
            raise Problem(status, got)
        return got

    def get(self, path, **query):
        return self.want("GET", path, **query)

    def post(self, path, body=None, **query):
        return self.want("POST", path, body, **query)

    # ---- people ----

    def sign(self, key, ns, text):
        """An SSHSIG blob of text, by ssh-keygen alone."""
        armour = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", ns, "-f", str(key)],
            input=text, check=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={k: v for k, v in os.environ.items()
                 if k != "SSH_AUTH_SOCK"}).stdout
        return base64.b64decode("".join(armour.decode().split("\n")[1:-2]))

    def signed(self, text, *sigs):
        return {"text": base64.b64encode(text).decode(),
                "sigs": [base64.b64encode(s).decode() for s in sigs]}

    def login(self, lab, person):
        """Another Api, with that person's token."""
        n = self.post("/v1/login/nonce", {"person": person})
        text = base64.b64decode(n["text"])
        sig = self.sign(lab.dir / person / "key", NS["login"], text)
        got = self.post("/v1/login", self.signed(text, sig))
        return Api(self.port, self.ca, self.spec, got["token"], person)

    # ---- the road ----

    def ask(self, lab, role, reason, duration="15m", x509=False, **more):
        """A request by self.person: (id, text, secret, path of the key)."""
        secret = os.urandom(32)
        key = lab.dir / self.person / f"req-{os.urandom(6).hex()}"
        if x509:
            public = pem_key(key)
        else:
            lab.keygen(key, "request")
            public = lab.public(key)
        got = self.post("/v1/render", {
            "kind": "request", "role": role, "duration": duration,
            "certify": public, "reason": reason,
            "collect": "sha256:" + hashlib.sha256(secret).hexdigest(),
            **more})
        text = base64.b64decode(got["text"])
        self.post("/v1/requests", self.signed(
            text, self.sign(lab.dir / self.person / "key", NS["request"],
                            text),
            csr(key, got["id"]) if x509 else
            self.sign(key, NS["possess"], text)))
        return got["id"], text, secret, key

    def decide(self, lab, rid, verdict="approve", comment=None):
        got = self.post("/v1/render", {
            "kind": "decision", "request": rid, "verdict": verdict,
            **({"comment": comment} if comment else {})})
        text = base64.b64decode(got["text"])
        return self.post(f"/v1/requests/{rid}/decisions", self.signed(
            text, self.sign(lab.dir / self.person / "key", NS["decision"],
                            text)))

    def lock(self, lab, person, kind="lock", comment="laptop stolen"):
        got = self.post("/v1/render", {"kind": kind, "person": person,
                                       "comment": comment})
        text = base64.b64decode(got["text"])
        return self.post("/v1/lock", self.signed(
            text, self.sign(lab.dir / self.person / "key", NS[kind], text)))

    def act(self, lab, rid, kind):
        got = self.post("/v1/render", {"kind": kind, "request": rid})
        text = base64.b64decode(got["text"])
        return self.post(f"/v1/requests/{rid}/{kind}", self.signed(
            text, self.sign(lab.dir / self.person / "key", NS[kind], text)))

    def collect(self, rid, secret):
        return self.post(f"/v1/requests/{rid}/collect",
                         {"secret": base64.b64encode(secret).decode()})

    def until(self, rid, state, seconds=10):
        """Wait by the API's own waiting until the request is in state."""
        end, since = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            got = self.get(f"/v1/requests/{rid}", since=since, wait=2000)
            if got["request"]["state"] == state:
                return got
            since = got["request"]["last"] + 1
        raise TimeoutError(f"{rid} is {got['request']['state']}")
