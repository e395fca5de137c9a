#!/usr/bin/env python3
"""No API server.  An endpoint with TLS that asks for a client certificate and
answers "kubectl auth whoami" with what a Kubernetes API server would see in
it: CN is the user, each O a group.  Like the API server it looks at the
certificate's end at every request, not only when a connection opens.

	endpoint.py PORT CERT KEY CLIENT-CA AUDIT-LOG
"""
import hashlib
import http.server
import json
import socket
import ssl
import sys
import time

port, cert, key, client_ca, audit = sys.argv[1:]
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def user_of(tls):
    """The user as the API server makes one, or None."""
    peer = tls.getpeercert()
    if not peer or ssl.cert_time_to_seconds(peer["notAfter"]) < time.time():
        return None
    names = [pair for rdn in peer["subject"] for pair in rdn]
    sha256 = hashlib.sha256(tls.getpeercert(True)).hexdigest()
    return {
        "username": dict(names)["commonName"],
        "groups": [v for k, v in names if k == "organizationName"]
        + ["system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id":
                  ["X509SHA256=" + sha256]},
    }


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def answer(self, code, body):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(min(length, 65536))
        user = user_of(self.connection)
        asked = self.path.split("?")[0]
        code = 401 if not user else 201 if asked == WHOAMI else 404
        with open(audit, "a", encoding="utf-8") as log:
            print(json.dumps({
                "kind": "Event", "apiVersion": "audit.k8s.io/v1",
                "level": "Metadata", "stage": "ResponseComplete",
                "requestURI": self.path,
                "verb": {"POST": "create"}.get(self.command, "get"),
                "user": user or {},
                "sourceIPs": [self.client_address[0]],
                "responseStatus": {"code": code}}), file=log)
        if code == 201:
            self.answer(code, {
                "kind": "SelfSubjectReview",
                "apiVersion": "authentication.k8s.io/v1",
                "metadata": {}, "status": {"userInfo": user}})
        else:
            self.answer(code, {
                "kind": "Status", "apiVersion": "v1", "metadata": {},
                "status": "Failure", "code": code,
                "reason": "Unauthorized" if code == 401 else "NotFound",
                "message": "Unauthorized" if code == 401 else
                           "this is no API server"})

    do_GET = do_POST = handle_any

    def log_message(self, format, *args):  # the audit log says it
        pass


class Server(http.server.ThreadingHTTPServer):
    """The handshake in the connection's own thread, and bounded."""

    def finish_request(self, request, client_address):
        request.settimeout(5)
        with request.dup() as bare, tls.wrap_socket(
                request, server_side=True,
                do_handshake_on_connect=False) as connection:
            try:
                connection.do_handshake()
                super().finish_request(connection, client_address)
            except OSError as e:
                print("refused:", e, flush=True)
                linger(bare)


def linger(bare):
    """A client that writes already would lose what it was told by a reset."""
    try:
        bare.shutdown(socket.SHUT_WR)
        while bare.recv(4096):
            pass
    except OSError:
        pass


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(cert, key)
tls.load_verify_locations(client_ca)
tls.verify_mode = ssl.CERT_OPTIONAL
Server(("127.0.0.1", int(port)), Endpoint).serve_forever()
