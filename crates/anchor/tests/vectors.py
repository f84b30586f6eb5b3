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
block = "".join(f"{name} = {value.hex()}\n" for name, value in rows)
if "--print" in sys.argv:
    print(block, end="")
else:
    document = (pathlib.Path(__file__).parents[3] / "docs/derivations.md").read_text()
    same = document.split("```vectors-anchor-v1\n")[1].split("```")[0] == block
    print("the vectors agree" if same else "the vectors DIFFER")
    sys.exit(not same)
