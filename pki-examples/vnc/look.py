#!/usr/bin/env python3
"""A VNC viewer without a screen: it connects, asks for a piece of the picture
and says what it got (RFC 6143, security type "None").

    look.py PORT [CA CERT KEY]      on 127.0.0.1; with three files over TLS
"""
import socket
import ssl
import struct
import sys

SIDE = 64                               # pixels, of the piece asked for


def need(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            sys.exit(f"the server ended it after {len(data)} of {n} bytes")
        data += more
    return data


def connect(port, files):
    sock = socket.create_connection(("127.0.0.1", port), timeout=15)
    if not files:
        return sock
    ca, cert, key = files
    tls = ssl.create_default_context(cafile=ca)
    tls.load_cert_chain(cert, key)
    return tls.wrap_socket(sock, server_hostname="127.0.0.1")


def look(sock):
    version = need(sock, 12)
    if version != b"RFB 003.008\n":
        sys.exit(f"no VNC server: {version!r}")
    sock.sendall(version)
    kinds = need(sock, need(sock, 1)[0])
    if 1 not in kinds:
        sys.exit(f"it asks for more than a certificate: {list(kinds)}")
    sock.sendall(b"\1")
    if need(sock, 4) != bytes(4):
        sys.exit("refused")
    sock.sendall(b"\0")                 # alone, please
    wide, high, *_, name = struct.unpack(">HH16sI", need(sock, 24))
    name = need(sock, name).decode()
    sock.sendall(struct.pack(">BxHi", 2, 1, 0))             # raw pixels
    sock.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, SIDE, SIDE))
    kind, count = struct.unpack(">BxH", need(sock, 4))
    if kind != 0 or count == 0:
        sys.exit(f"message {kind} instead of a picture")
    *_, w, h, coding = struct.unpack(">HHHHi", need(sock, 12))
    if coding != 0:
        sys.exit(f"encoding {coding}, not asked for")
    need(sock, w * h * 4)
    return f"{name}, {wide}x{high}; a piece of {w}x{h} pixels arrived"


if __name__ == "__main__":
    if len(sys.argv) not in (2, 5):
        sys.exit(__doc__)
    try:
        with connect(int(sys.argv[1]), sys.argv[2:]) as it:
            print(look(it))
    except OSError as e:
        sys.exit(f"{type(e).__name__}: {e}")
