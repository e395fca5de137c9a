#!/usr/bin/env python3
"""What may not pass is refused with 4xx, and the connection closed; nothing
that follows it is served.  What is fine passes."""

from poke import Reader, Server, check, finish, make_pair, request, say

SMUGGLED = request("/v1/smuggled")
BODY = b"0\r\n\r\n"


def post(headers, body=b""):
    return b"POST /v1/echo HTTP/1.1\r\n" + headers + b"\r\n" + body


def line(first):
    return first + b"\r\nHost: h\r\n\r\n"


REFUSED = [
    ("length beside encoding", post(
        b"Host: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        BODY)),
    ("encoding beside length", post(
        b"Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        BODY)),
    ("two lengths", post(
        b"Host: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n", b"ab")),
    ("two equal lengths", post(
        b"Host: h\r\nContent-Length: 2\r\ncontent-length: 2\r\n", b"ab")),
    ("a list of lengths", post(b"Host: h\r\nContent-Length: 2, 2\r\n",
                               b"ab")),
    ("two encodings", post(
        b"Host: h\r\nTransfer-Encoding: chunked\r\n"
        b"Transfer-Encoding: chunked\r\n", BODY)),
    ("xchunked", post(b"Host: h\r\nTransfer-Encoding: xchunked\r\n", BODY)),
    ("chunked, identity", post(
        b"Host: h\r\nTransfer-Encoding: chunked, identity\r\n", BODY)),
    ("identity", post(b"Host: h\r\nTransfer-Encoding: identity\r\n")),
    ("gzip, chunked", post(
        b"Host: h\r\nTransfer-Encoding: gzip, chunked\r\n", BODY)),
    ("chunked and white space", post(
        b"Host: h\r\nTransfer-Encoding: chunked\x0b\r\n", BODY)),
    ("quoted chunked", post(b"Host: h\r\nTransfer-Encoding: \"chunked\"\r\n",
                            BODY)),
    ("space before the colon", post(
        b"Host: h\r\nContent-Length : 2\r\n", b"ab")),
    ("tab before the colon", post(
        b"Host: h\r\nContent-Length\t: 2\r\n", b"ab")),
    ("space before the encoding's colon", post(
        b"Host: h\r\nTransfer-Encoding : chunked\r\n", BODY)),
    ("folded line", post(b"Host: h\r\nX-Test: a\r\n b\r\n")),
    ("folded with a tab", post(b"Host: h\r\nX-Test: a\r\n\tb\r\n")),
    ("folded length", post(b"Host: h\r\nContent-Length:\r\n 2\r\n", b"ab")),
    ("folded encoding", post(
        b"Host: h\r\nTransfer-Encoding:\r\n chunked\r\n", BODY)),
    ("a space begins the first header", post(b" Host: h\r\nHost: h\r\n")),
    ("negative length", post(b"Host: h\r\nContent-Length: -1\r\n")),
    ("length +5", post(b"Host: h\r\nContent-Length: +5\r\n", b"hello")),
    ("length 0x5", post(b"Host: h\r\nContent-Length: 0x5\r\n", b"hello")),
    ("length 05", post(b"Host: h\r\nContent-Length: 05\r\n", b"hello")),
    ("length 5.0", post(b"Host: h\r\nContent-Length: 5.0\r\n", b"hello")),
    ("length 5 and a space", post(b"Host: h\r\nContent-Length: 5 \r\n",
                                  b"hello")),
    ("empty length", post(b"Host: h\r\nContent-Length: \r\n")),
    ("length of 2^64", post(
        b"Host: h\r\nContent-Length: 18446744073709551616\r\n")),
    ("length of 2^64 + 5", post(
        b"Host: h\r\nContent-Length: 18446744073709551621\r\n", b"hello")),
    ("length of 2^63", post(
        b"Host: h\r\nContent-Length: 9223372036854775808\r\n")),
    ("two hosts", post(b"Host: h\r\nHost: g\r\n")),
    ("no host", post(b"X-Test: a\r\n")),
    ("two authorizations", post(
        b"Host: h\r\nAuthorization: Bearer a\r\n"
        b"Authorization: Bearer b\r\n")),
    ("two content types", post(
        b"Host: h\r\nContent-Type: application/json\r\n"
        b"Content-Type: text/plain\r\n")),
    ("two cookies", post(b"Host: h\r\nCookie: a=b\r\nCookie: c=d\r\n")),
    ("no colon", post(b"Host: h\r\nX-Test\r\n")),
    ("no name", post(b"Host: h\r\n: a\r\n")),
    ("brackets in a name", post(b"Host: h\r\nX(Test): a\r\n")),
    ("nul in a name", post(b"Host: h\r\nX-\0Test: a\r\n")),
    ("nul in a value", post(b"Host: h\r\nX-Test: a\0b\r\n")),
    ("escape in a value", post(b"Host: h\r\nX-Test: \x1b[2J\r\n")),
    ("bare CR in a value", post(b"Host: h\r\nX-Test: a\rContent-Length: 9"
                                b"\r\n")),
    ("bare LF", b"GET /v1/echo HTTP/1.1\nHost: h\nX-Test: a\n\n"),
    ("bare LF behind one header", post(b"Host: h\nX-Test: a\r\n")),
    ("bare LF behind the last header", post(b"Host: h\r\nX-Test: a\n")),
    ("bare LF as the empty line",
     b"GET /v1/echo HTTP/1.1\r\nHost: h\r\n\n"),
    ("60 kB of a header", post(
        b"Host: h\r\nX-Test: " + b"a" * 60000 + b"\r\n")),
    ("500 headers", post(
        b"Host: h\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(500)))),
    ("absolute form", line(b"GET http://h/v1/echo HTTP/1.1")),
    ("asterisk", line(b"GET * HTTP/1.1")),
    ("no slash", line(b"GET v1/echo HTTP/1.1")),
    ("encoded nul", line(b"GET /v1/echo%00 HTTP/1.1")),
    ("encoded nul in a query", line(b"GET /v1/echo?a=%00 HTTP/1.1")),
    ("nul in the target", line(b"GET /v1/ec\0ho HTTP/1.1")),
    ("nul behind the target", line(b"GET /v1/echo\0 HTTP/1.1")),
    ("nul in the method", line(b"GET\0 /v1/echo HTTP/1.1")),
    ("encoded dots", line(b"GET /v1/%2e%2e/v1/echo HTTP/1.1")),
    ("dots", line(b"GET /v1/../v1/echo HTTP/1.1")),
    ("a dot", line(b"GET /v1/./echo HTTP/1.1")),
    ("two slashes", line(b"GET //v1/echo HTTP/1.1")),
    ("slash at the end", line(b"GET /v1/echo/ HTTP/1.1")),
    ("encoded slash", line(b"GET /v1%2fecho HTTP/1.1")),
    ("encoded letter", line(b"GET /v1/ech%6f HTTP/1.1")),
    ("a fragment", line(b"GET /v1/echo#x HTTP/1.1")),
    ("a fragment behind a query", line(b"GET /v1/echo?a=b#x HTTP/1.1")),
    ("a name twice", line(b"GET /v1/echo?a=1&a=2 HTTP/1.1")),
    ("a target of 5000 bytes", line(
        b"GET /v1/" + b"a" * 5000 + b" HTTP/1.1")),
    ("utf-8 in the target", line(b"GET /v1/\xc3\xb6 HTTP/1.1")),
    ("two spaces", line(b"GET  /v1/echo HTTP/1.1")),
    ("two spaces before the version", line(b"GET /v1/echo  HTTP/1.1")),
    ("a space in the target", line(b"GET /v1/echo x HTTP/1.1")),
    ("a tab for the space", line(b"GET\t/v1/echo HTTP/1.1")),
    ("a space behind the version", line(b"GET /v1/echo HTTP/1.1 ")),
    ("PUT", line(b"PUT /v1/echo HTTP/1.1")),
    ("TRACE", line(b"TRACE /v1/echo HTTP/1.1")),
    ("CONNECT", line(b"CONNECT h:443 HTTP/1.1")),
    ("OPTIONS", line(b"OPTIONS /v1/echo HTTP/1.1")),
    ("lower-case method", line(b"get /v1/echo HTTP/1.1")),
    ("unknown method", line(b"XGET /v1/echo HTTP/1.1")),
    ("HTTP/0.9", b"GET /v1/echo\r\n\r\n"),
    ("HTTP/2.0", line(b"GET /v1/echo HTTP/2.0")),
    ("HTTP/1.2", line(b"GET /v1/echo HTTP/1.2")),
    ("HTTP/11", line(b"GET /v1/echo HTTP/11")),
    ("http/1.1", line(b"GET /v1/echo http/1.1")),
    ("too large by its length", post(
        b"Host: h\r\nContent-Length: 65537\r\n", b"a" * 65537)),
    ("far too large by its length", post(
        b"Host: h\r\nContent-Length: 1000000000\r\n")),
    ("too large in chunks", post(
        b"Host: h\r\nTransfer-Encoding: chunked\r\n",
        b"8000\r\n" + b"a" * 0x8000 + b"\r\n8001\r\n" + b"a" * 0x8001 +
        b"\r\n0\r\n\r\n")),
]
# Cut off without a word: libmicrohttpd does not say anything to these.
SILENT = {"HTTP/0.9", "two spaces before the version",
          "a space in the target"}
BAD_CHUNKS = [
    ("size +2", b"+2\r\nab\r\n0\r\n\r\n"),
    ("size 0x2", b"0x2\r\nab\r\n0\r\n\r\n"),
    ("negative size", b"-2\r\nab\r\n0\r\n\r\n"),
    ("no size", b"\r\nab\r\n0\r\n\r\n"),
    ("size of 2^64", b"10000000000000000\r\nab\r\n0\r\n\r\n"),
    ("no CR LF behind a chunk", b"2\r\nabc\r\n0\r\n\r\n"),
    ("endless", (b"1000\r\n" + b"a" * 4096 + b"\r\n") * 60),
]


def refused(server, name, data, silent):
    with server.connect() as s:
        try:
            s.sendall(data + SMUGGLED)
        except OSError:
            pass
        r = Reader(s)
        a = r.one()
        if a is None:
            check(silent, f"{name}: closed without an answer")
        else:
            check(400 <= a.status < 500 or
                  (name == "HTTP/2.0" and a.status == 505),
                  f"{name}: {a.status}")
        # libmicrohttpd 0.9.75 sends the head of its own refusals twice.
        check(r.ends(), f"{name}: not closed")
        check(b" 200 " not in r.data, f"{name}: got {r.data[:60]}")


def good(server):
    with server.connect() as s:
        r = Reader(s)
        s.sendall(b"".join(request(f"/v1/echo?n={i}") for i in range(5)))
        for i in range(5):
            a = r.one()
            check(a is not None and a.status == 200 and
                  a.body.startswith(b"GET|/v1/echo|n=%d|127." % i),
                  f"pipelined {i}")
        s.sendall(request("/v1/echo", "POST", body=b"hello") +
                  request("/v1/echo", "POST", b"X-Test: b \r\n", b"again"))
        check(r.one().body.endswith(b"|-|hello"), "posted")
        check(r.one().body.endswith(b"|again"), "posted again")
        s.sendall(request("/v1/echo", "HEAD") + request("/v1/echo", "DELETE"))
        a = r.one(head_only=True)
        check(a.status == 200 and "Content-Length: 2" in a.head, "HEAD")
        check(r.one().body.startswith(b"DELETE|"), "DELETE behind HEAD")
        s.sendall(request("/v1/echo", "POST", b"Transfer-Encoding: Chunked"
                  b"\r\n") + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX: y\r\n\r\n")
        check(r.one().body.endswith(b"|abcde"), "chunked")
        s.sendall(request("/v1/echo", "POST", b"Transfer-Encoding: chunked"
                  b"\r\n") + b"10000\r\n" + b"a" * 65536 + b"\r\n0\r\n\r\n")
        check(len(r.one().body) > 65536, "chunked, as large as may be")
        s.sendall(request("/v1/echo", "POST", body=b"a" * 65536))
        check(len(r.one().body) > 65536, "as large as may be")
        s.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2"
                  b"\r\nExpect: 100-continue\r\n\r\n")
        check(r.one().status == 100, "100")
        s.sendall(b"ab")
        check(r.one().body.endswith(b"|ab"), "behind 100")
        s.sendall(request("/v1/echo", headers=b"X-Test:\t tab\r\nE:\r\n"))
        check(b"|tab|" in r.one().body, "white space before a value")
        s.sendall(request("/v1/echo", headers=b"X-Test: a\r\nX-Test: b\r\n"))
        check(b"|127.0.0.1|-|" in r.one().body, "a header twice is none")
        s.sendall(request("/v1/" + "a" * 2000 + "?b=" + "c" * 1000))
        check(r.one().status == 200, "a target of 3000 bytes")
    with server.connect() as s:
        r = Reader(s)
        s.sendall(request("/v1/echo", version="1.0",
                          headers=b"Connection: keep-alive\r\n") + SMUGGLED)
        a = r.one()
        check(a.status == 200 and "Connection: close" in a.head, "HTTP/1.0")
        check(r.closed(), "HTTP/1.0 is closed")


def headers(server):
    with server.connect() as s:
        r = Reader(s)
        s.sendall(request("/v1/echo") + request("/v1/echo?a=%0d%0aX:%20y"))
        for a in (r.one(), r.one()):
            for want in ("Cache-Control: no-store",
                         "X-Content-Type-Options: nosniff",
                         "Content-Security-Policy: default-src 'none'; "
                         "frame-ancestors 'none'",
                         "Strict-Transport-Security: max-age=",
                         "X-Request-Id: "):
                check(want in a.head, f"{a.status}: {want}")
        check("application/problem+json" in a.head and
              b"urn:jit-cert:error:bad-characters" in a.body, "a problem")


def run(**options):
    with Server(**options) as server:
        good(server)
        headers(server)
        for name, data in REFUSED:
            refused(server, name, data, name in SILENT)
        for name, chunks in BAD_CHUNKS:
            refused(server, f"chunks: {name}", post(
                b"Host: h\r\nTransfer-Encoding: chunked\r\n", chunks), True)
        check("smuggled" not in server.log(), "nothing was smuggled")
        check(server.counts()[0] == 1, "no connection is left")
    say(f"{len(REFUSED) + len(BAD_CHUNKS)} refused, {options and 'TLS' or 'plain'}")


if __name__ == "__main__":
    run()
    cert, key = make_pair("localhost")
    run(cert=cert, key=key)
    finish()
