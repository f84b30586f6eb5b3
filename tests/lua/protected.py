"""Decrypts what the Lua module has encrypted, from docs/derivations.md ("Protected data"), with a secret that somebody else has asked for.

usage: protected.py SECRET PROTECTED   (files)
"""

import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def hchacha20(key, nonce):
    """draft-irtf-cfrg-xchacha-03, 2.2."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = (mixed << by | mixed >> 32 - by) & 0xFFFFFFFF

    for _ in range(10):
        for at in range(4):
            quarter(at, at + 4, at + 8, at + 12)
        for at in range(4):
            quarter(at, 4 + (at + 1) % 4, 8 + (at + 2) % 4, 12 + (at + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


secret, protected = (open(path, "rb").read() for path in sys.argv[1:])
header, nonce, sealed = protected[:5], protected[5:29], protected[29:]
assert header == b"IRPD\x01"
key = hchacha20(secret, nonce[:16])
print(ChaCha20Poly1305(key).decrypt(bytes(4) + nonce[16:], sealed, header).decode())
