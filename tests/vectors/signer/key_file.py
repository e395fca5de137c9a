#!/usr/bin/env python3
"""Makes key_file.key beside it, as signer/key_file.h says, without our code:
python3-cryptography (38.0.4) and hashlib; and key_file_halves.key, whose
public key is another's.  Same bytes every time."""
import base64
import hashlib
import pathlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PASSPHRASE = b"correct horse battery staple"
SEED, SALT, NONCE = bytes(range(32)), bytes(range(32, 64)), bytes(range(12))
N, R, P = 1 << 14, 8, 1


def string(b):
    return struct.pack(">I", len(b)) + b


def make(name, pub_of):
    key = Ed25519PrivateKey.from_private_bytes(pub_of)
    pub = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    derived = hashlib.scrypt(PASSPHRASE, salt=SALT, n=N, r=R, p=P,
                             maxmem=1 << 26, dklen=64)
    check = hashlib.sha256(b"jit-cert key check v1" + derived[32:]).digest()
    raw = b"jitkey1\n" + bytes([1]) + string(b"ssh-ed25519")
    raw += string(string(b"ssh-ed25519") + string(pub))
    raw += struct.pack(">QII", N, R, P) + SALT + NONCE + check[:8]
    raw += struct.pack(">I", len(SEED) + 16)
    raw += ChaCha20Poly1305(derived[:32]).encrypt(NONCE, SEED, raw)
    raw += hashlib.sha256(raw).digest()[:8]
    b64 = base64.b64encode(raw).decode()
    lines = [b64[i:i + 64] for i in range(0, len(b64), 64)]
    text = "\n".join(["-----BEGIN JIT SIGNER KEY-----", *lines,
                      "-----END JIT SIGNER KEY-----"]) + "\n"
    pathlib.Path(__file__).with_name(name).write_text(text)


def main():
    make("key_file.key", SEED)
    make("key_file_halves.key", SEED[::-1])


if __name__ == "__main__":
    main()
