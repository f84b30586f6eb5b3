#!/usr/bin/env python3
"""Recomputes the vectors of named keys in docs/derivations.md from the text alone: hmac and hashlib, and Python's cryptography
for points and public keys.

Without an argument it compares with the document (exit status 1 if anything differs); with --print it prints the block.
"""
import hashlib
import hmac
import pathlib
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519


def mac(algorithm, key, data):
    return hmac.new(key, data, algorithm).digest()


def u16(n):
    return n.to_bytes(2, "big")


def u32(n):
    return n.to_bytes(4, "big")


def expand(prk, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac("sha512", prk, block + info + bytes([counter]))
        out += block
        counter += 1
    return out[:length]


class Drbg:
    """HMAC_DRBG with SHA-256 (SP 800-90A, 10.1.2)."""

    def __init__(self, seed, parts):
        self.k, self.v = bytes(32), b"\x01" * 32
        self.update(seed + b"".join(u32(len(part)) + part for part in parts))

    def update(self, provided):
        for number in range(2 if provided else 1):
            self.k = mac("sha256", self.k, self.v + bytes([number]) + provided)
            self.v = mac("sha256", self.k, self.v)

    def draw(self, count):
        out = b""
        while len(out) < count:
            self.v = mac("sha256", self.k, self.v)
            out += self.v
        self.update(b"")
        return out[:count]


def name_digest(usage, name):
    return hashlib.sha256(b"ironroot/named-key/v1\0" + usage + b"\0" + name).digest()


SHA256, ATTRIBUTES, NULL = 0x000B, 0x00040472, 0x0010


def template(kind, name):
    unique = name_digest(b"sign", name)
    family, which = kind
    head = {"ecc": 0x0023, "rsa": 0x0001, "ml-dsa": 0x00A1}[family]
    out = u16(head) + u16(SHA256) + u32(ATTRIBUTES) + u16(0)
    if family == "ecc":
        scheme = {0x40: 0x0060}.get(which, NULL)
        return out + u16(NULL) + u16(scheme) + u16(which) + u16(NULL) + u16(32) + unique + u16(0)
    if family == "rsa":
        return out + u16(NULL) + u16(NULL) + u16(which) + u32(0) + u16(32) + unique
    return out + u16(which) + b"\0" + u16(32) + unique


KINDS = {
    "ecc-p256": ("ecc", 3),
    "ecc-p384": ("ecc", 4),
    "ecc-p521": ("ecc", 5),
    "ed25519": ("ecc", 0x40),
    "rsa-2048": ("rsa", 2048),
    "rsa-3072": ("rsa", 3072),
    "rsa-4096": ("rsa", 4096),
    "ml-dsa-44": ("ml-dsa", 1),
    "ml-dsa-65": ("ml-dsa", 2),
    "ml-dsa-87": ("ml-dsa", 3),
}

# The anchor's vectors, up to the endorsement primary seed.
root = mac("sha512", b"ironroot/anchor/v1", bytes(range(32)))
device = mac("sha512", expand(root, b"ironroot/anchor/v1/device salt", 64), b"3d1219c7c4c5404aaa1f6d2a48adfda4")
base = expand(device, b"ironroot/key/v1\0endorsement seed\0" + u32(0) + u32(64), 64)
seed = mac("sha512", base, u32(1) + b"SEED\0" + u32(512))


def fingerprint(kind, name):
    digest = hashlib.sha512(template(KINDS[kind], name)).digest()
    generator = Drbg(seed, [b"PRIMARY v1", digest, b""])
    if kind == "ed25519":
        public = ed25519.Ed25519PrivateKey.from_private_bytes(generator.draw(32)).public_key()
    else:
        curve, order = {
            "ecc-p256": (ec.SECP256R1(), 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
            "ecc-p384": (
                ec.SECP384R1(),
                0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
            ),
        }[kind]
        bits = order.bit_length() + 64
        number = int.from_bytes(generator.draw((bits + 7) // 8), "big") % (1 << bits)
        public = ec.derive_private_key(number % (order - 1) + 1, curve).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()


rows = [('digest of the name "web"', name_digest(b"sign", b"web"))]
rows += [(f'SHA256(template "web", {kind})', hashlib.sha256(template(shape, b"web")).digest()) for kind, shape in KINDS.items()]
rows += [("endorsement primary seed", seed)]
rows += [(f'fingerprint of "web", {kind}', fingerprint(kind, b"web")) for kind in ("ecc-p256", "ecc-p384", "ed25519")]
block = "".join(f"{name} = {value.hex()}\n" for name, value in rows)
if sys.argv[1:] == ["--print"]:
    print(block, end="")
else:
    document = pathlib.Path(__file__).resolve().parents[3] / "docs/derivations.md"
    found = document.read_text().split("```vectors-named-keys-v1\n")[1].split("```")[0]
    if found != block:
        print("docs/derivations.md has other vectors than its text gives", file=sys.stderr)
        sys.exit(1)
