#!/usr/bin/env python3
"""Slow and many clients: each is ended in time, and the others hardly notice.

The limits here are 1 s.  Times are checked with much room, since machines
are busy; what was measured is printed.
"""
import socket
import ssl
import threading
import time

from poke import (Reader, Server, answer, check, context, ended_after, finish,
                  make_pair, percentile, request, say)

LIMITS = dict(idle_s=1, head_s=1, body_s=1, per_address=0)
ROOM = 8.0          # seconds in which a limit of one must have struck
EACH = 24           # clients of each kind


def drip(s, data, step=0.1):
    """A byte at a time, until the other side has enough."""
    try:
        for i in range(len(data)):
            s.sendall(data[i:i + 1])
            time.sleep(step)
    except OSError:
        pass


def slow_head(server):
    s = server.connect(ROOM)
    threading.Thread(target=drip, args=(s, request(
        "/v1/echo", headers=b"X-Test: " + b"a" * 200 + b"\r\n")),
        daemon=True).start()
    return s


def slow_line(server):
    s = server.connect(ROOM)
    threading.Thread(target=drip, args=(s, b"GET /" + b"v" * 200),
                     daemon=True).start()
    return s


def slow_second_head(server):
    s = server.connect(ROOM)
    s.sendall(request("/v1/echo"))
    check(answer(s).status == 200, "the first of two")
    threading.Thread(target=drip, args=(s, request(
        "/v1/echo", headers=b"X-Test: " + b"a" * 200 + b"\r\n")),
        daemon=True).start()
    return s


def slow_body(server):
    s = server.connect(ROOM)
    s.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: h\r\n"
              b"Content-Length: 1000\r\n\r\n")
    threading.Thread(target=drip, args=(s, b"a" * 1000), daemon=True).start()
    return s


def slow_chunks(server):
    s = server.connect(ROOM)
    s.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: h\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n")
    threading.Thread(target=drip, args=(s, b"1\r\na\r\n" * 200),
                     daemon=True).start()
    return s


def no_body(server):
    s = server.connect(ROOM)
    s.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: h\r\n"
              b"Content-Length: 1000\r\n\r\n")
    return s


def nothing(server):
    return server.connect(ROOM)


def idle(server):
    s = server.connect(ROOM)
    s.sendall(request("/v1/echo"))
    check(answer(s).status == 200, "before it is idle")
    return s


def half_handshake(server):
    s = server.raw(ROOM)
    if server.tls:
        s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01")
    return s


def dripping_handshake(server):
    s = server.raw(ROOM)
    if server.tls:
        threading.Thread(target=drip, args=(
            s, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500),
            daemon=True).start()
    return s


def slow_reader(server):
    """Asks for 1 MiB; its window is small and it reads nothing."""
    s = socket.socket()
    s.settimeout(ROOM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", server.port))
    if server.tls:
        s = context().wrap_socket(s)
    s.sendall(request("/v1/big"))
    return s


KINDS = [slow_line, slow_head, slow_second_head, slow_body, slow_chunks,
         no_body, nothing, idle, half_handshake, dripping_handshake]


def latency(server, seconds):
    """Times of requests on one kept connection, ms."""
    v = []
    with server.connect() as s:
        r = Reader(s)
        end = time.time() + seconds
        while time.time() < end:
            t = time.perf_counter()
            s.sendall(request("/v1/echo", "POST", body=b"a" * 200))
            a = r.one()
            v.append((time.perf_counter() - t) * 1000)
            check(a is not None and a.status == 200, "served meanwhile")
            if a is None:
                break
            time.sleep(0.002)
    return v


def half_way(server):
    """The server's answer to a whole ClientHello is here; then nothing."""
    out = ssl.MemoryBIO()
    ctx = context().wrap_bio(ssl.MemoryBIO(), out)
    try:
        ctx.do_handshake()
    except ssl.SSLWantReadError:
        pass
    s = server.raw(ROOM)
    s.sendall(out.read())
    check(len(s.recv(65536)) > 100, "a ServerHello")
    return s


def spinning(**options):
    """libmicrohttpd would run all the time for each of these."""
    with Server(per_address=0, **options) as server:
        kinds = [nothing, half_handshake, half_way, idle, no_body]
        clients = [k(server) for k in kinds for _ in range(4)]
        clients[-1].sendall(b"a")
        wait = server.connect()
        wait.sendall(request("/v1/wait") + request("/v1/echo"))
        time.sleep(0.3)
        before = server.cpu()
        time.sleep(1.5)
        spent = server.cpu() - before
        check(spent < 0.5, f"it spins: {spent} s")
        say(f"CPU in 1.5 s with the half-done: {spent:.2f} s")
        for s in clients + [wait]:
            s.close()


def slow_clients(server):
    usual = latency(server, 1)
    for kind in KINDS:
        clients = [(time.time(), kind(server)) for _ in range(EACH)]
        now = latency(server, 0.8)
        longest = 0.0
        for begin, s in clients:
            after = ended_after(s, ROOM)
            check(after is not None, f"{kind.__name__}: never ended")
            longest = max(longest, time.time() - begin)
            s.close()
        say(f"{kind.__name__}: ended within {longest:.1f} s; p99 of another "
            f"{percentile(now, .99):.2f} ms, usually "
            f"{percentile(usual, .99):.2f} ms")
        check(percentile(now, .99) < 20 * percentile(usual, .99) + 100,
              f"{kind.__name__}: others are served")


def slow_readers(server):
    usual = latency(server, 1)
    readers = [slow_reader(server) for _ in range(EACH)]
    now = latency(server, 3)
    for s in readers:
        n = 0
        s.settimeout(ROOM)
        try:
            while x := s.recv(1 << 16):
                n += len(x)
        except (socket.timeout, TimeoutError):
            check(False, "slow reader: never ended")
        except OSError:
            pass
        check(n < 1 << 20, f"slow reader: cut off, got {n}")
        s.close()
    say(f"slow readers: p99 of another {percentile(now, .99):.2f} ms, "
        f"usually {percentile(usual, .99):.2f} ms")


def run(**options):
    say("TLS" if options else "plain")
    with Server(**LIMITS, **options) as server:
        if options:
            KINDS.append(half_way)
        slow_clients(server)
        slow_readers(server)
        before = server.cpu()
        time.sleep(1)
        check(server.cpu() - before < 0.5, "it does not spin")
        check(server.counts()[0] == 1, "no connection is left")
        check(server.log().count("0 GET /v1/big") == EACH,
              "the program is told of answers that were not read")


if __name__ == "__main__":
    run()
    cert, key = make_pair("localhost")
    run(cert=cert, key=key)
    spinning(cert=cert, key=key)
    finish()
