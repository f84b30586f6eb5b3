#!/usr/bin/env python3
"""Recomputes the white-box vectors in docs/derivations.md from the text alone: AES, CMAC and the affine maps in Python.

Without an argument it compares with the document (exit status 1 if anything differs); with --print it prints the block.
"""
import hashlib
import hmac
import pathlib
import sys


def mac(key, data):
    return hmac.new(key, data, hashlib.sha512).digest()


def times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def s_box(a):
    x = next((b for b in range(256) if times(a, b) == 1), 0)
    turn = lambda n: (x << n | x >> (8 - n)) & 255
    return x ^ turn(1) ^ turn(2) ^ turn(3) ^ turn(4) ^ 0x63


SBOX = [s_box(a) for a in range(256)]


def aes128(key, block):
    words = [key[i : i + 4] for i in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        word = words[i - 1]
        if i % 4 == 0:
            word = bytes(SBOX[b] for b in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = times(constant, 2)
        words.append(bytes(a ^ b for a, b in zip(word, words[i - 4])))
    add = lambda state, n: bytes(a ^ b for a, b in zip(state, b"".join(words[4 * n : 4 * n + 4])))
    state = add(block, 0)
    for n in range(1, 11):
        state = bytes(SBOX[b] for b in state)
        state = bytes(state[(5 * i) % 16] for i in range(16))
        if n < 10:
            columns = [state[i : i + 4] for i in range(0, 16, 4)]
            state = b"".join(
                bytes(times(2, c[i]) ^ times(3, c[(i + 1) % 4]) ^ c[(i + 2) % 4] ^ c[(i + 3) % 4] for i in range(4))
                for c in columns
            )
        state = add(state, n)
    return state


def stream(key):
    number = 0
    while True:
        yield from mac(key, number.to_bytes(8, "big"))
        number += 1


def regular(rows):
    rows = list(rows)
    for bit in range(128):
        pivot = next((r for r in rows if r >> bit & 1), None)
        if pivot is None:
            return False
        rows.remove(pivot)
        rows = [r ^ pivot if r >> bit & 1 else r for r in rows]
    return True


def affine(key):
    source = stream(key)
    number = lambda: int.from_bytes(bytes(next(source) for _ in range(16)), "big")
    while not regular(rows := [number() for _ in range(128)]):
        pass
    constant = number()

    def apply(block):
        x = int.from_bytes(block, "big")
        bits = "".join(str((row & x).bit_count() & 1) for row in rows)
        return (int(bits, 2) ^ constant).to_bytes(16, "big")

    return apply


secret = bytes(range(32))
root = mac(b"ironroot/whitebox/v1", secret)
key = mac(root, b"ironroot/whitebox/v1/key\x01")[:16]
input_map = affine(mac(root, b"ironroot/whitebox/v1/input\x01"))
output_map = affine(mac(root, b"ironroot/whitebox/v1/output\x01"))


def encoded(block):
    return output_map(aes128(key, input_map(block)))


def cmac(message):
    double = lambda v: (v << 1 & (1 << 128) - 1) ^ (0x87 if v >> 127 else 0)
    k1 = double(int.from_bytes(encoded(bytes(16)), "big"))
    blocks = [message[i : i + 16] for i in range(0, len(message), 16)] or [b""]
    if len(blocks[-1]) == 16:
        last = int.from_bytes(blocks[-1], "big") ^ k1
    else:
        last = int.from_bytes((blocks[-1] + b"\x80").ljust(16, b"\0"), "big") ^ double(k1)
    state = bytes(16)
    for block in blocks[:-1] + [last.to_bytes(16, "big")]:
        state = encoded(bytes(a ^ b for a, b in zip(state, block)))
    return state


def w(label, context, length):
    blocks = range(1, (length + 15) // 16 + 1)
    tail = label + b"\0" + context + (8 * length).to_bytes(4, "big")
    return b"".join(cmac(i.to_bytes(4, "big") + tail) for i in blocks)[:length]


assert aes128(bytes(range(16)), bytes(17 * i for i in range(16))).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"
device_value = b"3d1219c7c4c5404aaa1f6d2a48adfda4"
rows = [
    ("product secret", secret),
    ("device value", device_value),
    ("key", key),
    ("block of zeros", encoded(bytes(16))),
    ("label, empty context, 16", w(b"label", b"", 16)),
    ('label, "sixteen bytes...", 40', w(b"label", b"sixteen bytes...", 40)),
    ("product check", w(b"product check", b"", 16)),
    ("global master", mac(b"ironroot/anchor/whitebox/v1", w(b"global master", b"", 64))),
    ("device master", mac(b"ironroot/anchor/whitebox/v1", w(b"device master", device_value, 64))),
]
block = "".join(f"{name} = {value.hex()}\n" for name, value in rows)
if "--print" in sys.argv:
    print(block, end="")
else:
    document = (pathlib.Path(__file__).parents[3] / "docs/derivations.md").read_text()
    same = document.split("```vectors-whitebox-v1\n")[1].split("```")[0] == block
    print("the vectors agree" if same else "the vectors DIFFER")
    sys.exit(not same)
