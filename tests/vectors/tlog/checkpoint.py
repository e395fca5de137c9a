#!/usr/bin/env python3
"""Makes checkpoint.note and checkpoint.vkey beside it, as C2SP signed-note
and tlog-checkpoint say, without our code: python3-cryptography (38.0.4) and
hashlib.  Ed25519 has no chance in it: same bytes every time."""
import base64
import hashlib
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "log.example.com/jit"
SIZE = 70000
ROOT = hashlib.sha256(b"a root").digest()


def key_of(name, seed):
    """The key, its bare public half and its id under that name."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    pub = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    digest = hashlib.sha256(name.encode() + b"\n\x01" + pub).digest()
    return key, pub, digest[:4]


def line(name, seed, text):
    key, _, key_id = key_of(name, seed)
    sig = base64.b64encode(key_id + key.sign(text.encode())).decode()
    return f"\u2014 {name} {sig}\n"


def main():
    seed = bytes(range(32))
    text = f"{ORIGIN}\n{SIZE}\n{base64.b64encode(ROOT).decode()}\n"
    note = text + "\n" + line("witness.example", bytes(32), text)
    note += line(ORIGIN, seed, text)
    _, pub, key_id = key_of(ORIGIN, seed)
    vkey = (f"{ORIGIN}+{key_id.hex()}+"
            f"{base64.b64encode(bytes([1]) + pub).decode()}")
    here = pathlib.Path(__file__)
    here.with_suffix(".note").write_text(note, encoding="utf-8")
    here.with_suffix(".vkey").write_text(vkey + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
