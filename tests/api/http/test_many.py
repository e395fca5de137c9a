#!/usr/bin/env python3
"""Limits, descriptors, waiters, the end, and new certificates under load."""
import hashlib
import os
import signal
import socket
import ssl
import threading
import time

from poke import (Reader, Server, answer, check, context, ended_after,
                  finish, make_pair, request, say)

CERT, KEY = make_pair("first")


def eventually(what, fn, seconds=8.0):
    end = time.time() + seconds
    while not fn():
        if time.time() > end:
            check(False, what)
            return
        time.sleep(0.05)
    check(True, what)


def kept(server):
    s = server.connect()
    s.sendall(request("/v1/echo"))
    check(answer(s).status == 200, "kept")
    return s


def waiting(server, ctx=None):
    s = server.connect(30, ctx)
    s.sendall(request("/v1/wait"))
    return s


def alive(s):
    try:
        s.sendall(request("/v1/echo"))
        a = answer(s)
        return a is not None and a.status == 200
    except OSError:
        return False


def per_address():
    with Server(per_address=5, head_s=2, idle_s=60) as server:
        held = [kept(server) for _ in range(5)]
        more = server.raw()
        check(ended_after(more, 5) is not None, "the sixth is closed")
        check(all(alive(s) for s in held), "the five are served")
        held.pop().close()

        def again():
            try:
                return server.get("/v1/echo").status == 200
            except (OSError, AttributeError):
                return False
        eventually("one goes, one comes", again)
        for s in held:
            s.close()


def ceiling():
    with Server(connections=10, per_address=0, idle_s=60) as server:
        held = [kept(server) for _ in range(10)]
        time.sleep(1.2)
        check(server.get("/v1/echo").status == 200, "the eleventh")
        check(not alive(held[0]), "took the place of the one idle longest")
        check(all(alive(s) for s in held[1:9]), "the others are served")
        for s in held:
            s.close()
        # Nobody is idle: who comes waits until one is done.
        busy = [waiting(server) for _ in range(10)]
        late = server.raw(10)
        late.sendall(request("/v1/echo"))
        late.settimeout(0.7)
        try:
            late.recv(1)
            check(False, "all places are taken by waiters")
        except TimeoutError:
            check(True, "waits")
        before = server.cpu()
        time.sleep(1)
        check(server.cpu() - before < 0.5, "it does not spin at the ceiling")
        busy.pop().close()
        late.settimeout(10)
        check(answer(late).status == 200, "and is served then")
        for s in busy + [late]:
            s.close()


def descriptors():
    with Server(files=64, per_address=0, connections=1000, head_s=20,
                idle_s=60) as server:
        own = kept(server)
        crowd = [server.raw() for _ in range(120)]
        time.sleep(0.5)
        before = server.cpu()
        check(alive(own), "who is there is served without descriptors left")
        time.sleep(1)
        spent = server.cpu() - before
        check(spent < 0.5, f"it does not spin without descriptors: {spent}")
        check(alive(own), "still")
        for s in crowd:
            s.close()

        def back():
            try:
                return server.get("/v1/echo", 3).status == 200
            except OSError:
                return False
        eventually("accepts again", back)
        eventually("all gone", lambda: server.counts()[0] == 2)
        check(alive(own), "and at the end")
        own.close()
        say(f"out of descriptors: {spent:.2f} s of CPU in a second")


def waiters():
    with Server(parked=8, per_address=0) as server:
        held = [waiting(server) for _ in range(8)]
        eventually("eight wait", lambda: server.counts()[1] == 8)
        check(server.get("/v1/wait").status == 503, "the ninth is told")
        for s in held[:3]:
            s.close()
        eventually("who hangs up is noticed",
                   lambda: server.counts()[1:4:2] == [5, 3])
        held[3].shutdown(socket.SHUT_WR)
        eventually("half a hang-up too", lambda: server.counts()[1] == 4)
        check(server.get("/v1/wake").body == b"woke 4", "the rest is woken")
        for s in held[4:]:
            check(answer(s).body == b"awake", "woken")
            check(alive(s), "and goes on")
        # A request behind one that waits is served after it, not before.
        s = waiting(server)
        s.sendall(request("/v1/echo?second=1"))
        eventually("waits", lambda: server.counts()[1] == 1)
        server.get("/v1/wake")
        r = Reader(s)
        check(r.one().body == b"awake", "first")
        check(b"second=1" in r.one().body, "second")
        # Reset instead of a farewell.
        s = waiting(server)
        eventually("waits again", lambda: server.counts()[1] == 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     b"\1\0\0\0\0\0\0\0")
        s.close()
        eventually("a reset too", lambda: server.counts()[1] == 0)


def stop_with_waiters(**options):
    server = Server(parked=512, per_address=0, **options)
    ctx = context()
    held = [waiting(server, ctx) for _ in range(512)]
    eventually("512 wait", lambda: server.counts()[1] == 512, 30)
    half = server.raw()
    begin = time.time()
    server.process.send_signal(signal.SIGTERM)
    told = [answer(s) for s in held]
    check(all(a is not None and a.status == 503 and
              "Connection: close" in a.head and
              b"urn:jit-cert:error:busy" in a.body for a in told),
          "each waiter is told")
    check(all(Reader(s).closed() for s in held), "and let go")
    server.stop()
    say(f"stopped with 512 waiters in {time.time() - begin:.2f} s")
    check("gone 512" in server.log(), "the program is told of each")
    check(server.log().count("503 GET /v1/wait") == 512, "and of each answer")
    half.close()


def stop_with_the_stuck():
    """One does not read, one sends half a body: neither keeps it alive."""
    server = Server()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", server.port))
    s.sendall(request("/v1/big"))
    t = server.connect()
    t.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
              b"\r\nab")
    time.sleep(0.3)
    begin = time.time()
    server.stop()
    check(time.time() - begin < 15, "stopped in time")
    s.close()
    t.close()


def shown(server, ctx=None):
    with server.connect(10, ctx) as s:
        der = s.getpeercert(binary_form=True)
        s.sendall(request("/v1/echo"))
        check(answer(s).status == 200, "served over TLS")
    return hashlib.sha256(der).hexdigest()


def fingerprint(path):
    with open(path) as f:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()


def reload(server, log):
    n = server.log().count("\ntls ")
    server.process.send_signal(signal.SIGHUP)
    eventually("read anew", lambda: server.log().count("\ntls ") > n)
    check(log in server.log().rsplit("\ntls ", 1)[1].split("\n")[0],
          "tls: " + server.log().rsplit("\ntls ", 1)[1])


def new_certificates():
    cert, key = (f"{x}.live" for x in (CERT, KEY))
    other, other_key = make_pair("second")
    os.link(CERT, cert)
    os.link(KEY, key)
    stop = threading.Event()
    seen, errors = set(), []

    def load():
        while not stop.is_set():
            try:
                seen.add(shown(server))
            except (OSError, AttributeError) as e:
                errors.append(e)

    def become(source, path):
        os.link(source, path + ".new")
        os.rename(path + ".new", path)

    with Server(cert=cert, key=key, per_address=0) as server:
        threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
        for t in threads:
            t.start()
        own = kept(server)
        half = server.raw()
        half.sendall(b"\x16\x03\x01\x02\x00\x01")
        for _ in range(5):
            become(other, cert)
            become(other_key, key)
            reload(server, "Done")
            check(shown(server) == fingerprint(other), "the new one")
            become(CERT, cert)
            reload(server, "")          # not the key of that certificate
            check(shown(server) == fingerprint(other), "a bad pair is not")
            become(KEY, key)
            reload(server, "Done")
            check(shown(server) == fingerprint(CERT), "the old one again")
        os.unlink(key)
        reload(server, "go together")
        os.unlink(cert)                 # it is a link to CERT
        with open(cert, "w") as f:
            f.write("nothing")
        reload(server, "go together")
        become(KEY, key)
        reload(server, "the TLS certificate and its key")
        check(shown(server) == fingerprint(CERT), "kept")
        check(alive(own), "a connection of before lives on")
        stop.set()
        for t in threads:
            t.join()
        check(not errors, f"nobody noticed: {errors[:3]}")
        check(len(seen) == 2, "both were shown")
        half.close()
        own.close()


def versions():
    with Server(cert=CERT, key=KEY) as server:
        for v in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            check(shown(server, context(v)) == fingerprint(CERT), str(v))
        old = context(ssl.TLSVersion.TLSv1_1)
        old.set_ciphers("ALL:@SECLEVEL=0")
        weak = context(ssl.TLSVersion.TLSv1_2)
        weak.set_ciphers("AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:"
                         "ECDHE-ECDSA-AES128-SHA")
        for name, ctx in (("TLS 1.1", old), ("no forward secrecy", weak)):
            try:
                shown(server, ctx)
                check(False, name)
            except OSError:
                check(True, name)
        # Plain text to a TLS port, and a connection at once closed.
        s = server.raw()
        s.sendall(request("/v1/echo"))
        check(ended_after(s, 10) is not None, "plain text is ended")
        for _ in range(50):
            server.raw().close()
        eventually("none is left", lambda: server.counts()[0] == 1)


def bad_start():
    other, other_key = make_pair("third")
    for name, options in (("not a pair", dict(cert=CERT, key=other_key)),
                          ("no key", dict(cert=CERT))):
        try:
            Server(**options)
            check(False, name)
        except SystemExit as e:
            check("error " in str(e), f"{name}: {e}")


if __name__ == "__main__":
    for test in (per_address, ceiling, descriptors, waiters,
                 stop_with_waiters, stop_with_the_stuck, new_certificates,
                 versions, bad_start):
        say(test.__name__)
        test()
    stop_with_waiters(cert=CERT, key=KEY)
    finish()
