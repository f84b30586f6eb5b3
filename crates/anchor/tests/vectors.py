#!/usr/bin/env python3
"""Recomputes the anchor's vectors in docs/derivations.md from the text alone, with Python's hmac and hashlib.

Without an argument it compares with the document (exit status 1 if anything differs); with --print it prints the block.
"""
import hashlib
import hmac
import pathlib
import sys


def mac(key, data):
    return hmac.new(key, data, hashlib.sha512).digest()


def expand(prk, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([counter]))
        out += block
        counter += 1
    return out[:length]


def key(master, purpose, name, length):
    info = b"ironroot/key/v1\0" + purpose + b"\0" + len(name).to_bytes(4, "big") + name + length.to_bytes(4, "big")
    return expand(master, info, length)


secret = bytes(range(32))
device_value = b"3d1219c7c4c5404aaa1f6d2a48adfda4"
root = mac(b"ironroot/anchor/v1", secret)
global_master = expand(root, b"ironroot/anchor/v1/global master", 64)
device_master = mac(expand(root, b"ironroot/anchor/v1/device salt", 64), device_value)
firmware = key(device_master, b"firmware secret", b"", 64)
svn_secrets = {255: mac(firmware, b"ironroot/firmware/v1/svn")}
for svn in range(254, -1, -1):
    svn_secrets[svn] = hashlib.sha512(svn_secrets[svn + 1]).digest()
instance = key(device_master, b"instance", b"vm1", 64)
rows = [
    ("product secret", secret),
    ("device value", device_value),
    ("global master", global_master),
    ("device master", device_master),
    ("endorsement seed", key(device_master, b"endorsement seed", b"", 64)),
    ("platform seed", key(device_master, b"platform seed", b"", 64)),
    ("firmware secret", firmware),
    ('Firmware Secret of "image"', mac(firmware, b"ironroot/firmware/v1/image\0image")),
    ("Firmware SVN Secret 255", svn_secrets[255]),
    ("Firmware SVN Secret 1", svn_secrets[1]),
    ("Firmware SVN Secret 0", svn_secrets[0]),
    ("state key", key(device_master, b"state key", b"", 32)),
    ('instance master "vm1"', instance),
    ('state key of "vm1"', key(instance, b"state key", b"", 32)),
    ('global application key "wifi", 16', key(global_master, b"application key", b"wifi", 16)),
    ('global application key "wifi", 80', key(global_master, b"application key", b"wifi", 80)),
    ('device application key "wifi", 16', key(device_master, b"application key", b"wifi", 16)),
    ('device application key "", 32', key(device_master, b"application key", b"", 32)),
]


def times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


# 2 of 3 sources; what is random is chosen.
helper_key = key(global_master, b"device helper", b"", 64)
salt, value, slope = bytes(range(32, 64)), bytes(range(64, 96)), bytes(range(96, 128))
helper = b"IRONROOT-DH\0" + bytes([1, 2, 3, 0]) + salt
for x, source in enumerate([b"one", b"two", b"three"], 1):
    pad = mac(helper_key, b"ironroot/device-helper/v1/pad\0" + salt + bytes([x]) + source)
    helper += bytes(v ^ times(x, s) ^ p for v, s, p in zip(value, slope, pad))
helper += mac(helper_key, b"ironroot/device-helper/v1/tag\0" + value + helper)[:32]
both = b"ironroot/device-value/all/v1\0" + (2).to_bytes(4, "big") + b"\0\0\0\3one\0\0\0\3two"
blocks = {
    "vectors-anchor-v1": rows,
    "vectors-threshold-v1": [
        ("product secret", secret),
        ("device value", value),
        ("helper data", helper),
        ('all of "one", "two"', both),
    ],
    "vectors-binding-v1": [
        ("product secret", secret),
        ("device value", device_value),
        (
            "binding",
            b"IRONROOT-AB\0\1\0\0\0"
            + key(global_master, b"binding check", b"product", 16)
            + key(device_master, b"binding check", b"device", 16),
        ),
    ],
}
document = (pathlib.Path(__file__).parents[3] / "docs/derivations.md").read_text()
same = True
for title, rows in blocks.items():
    block = "".join(f"{name} = {value.hex()}\n" for name, value in rows)
    if "--print" in sys.argv:
        print(f"```{title}\n{block}```")
    else:
        same &= document.split(f"```{title}\n")[1].split("```")[0] == block
if "--print" not in sys.argv:
    print("the vectors agree" if same else "the vectors DIFFER")
    sys.exit(not same)
