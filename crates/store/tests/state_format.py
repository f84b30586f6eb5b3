#!/usr/bin/env python3
"""Reads an Ironroot state file, written from docs/state-format.md alone, with nothing but Python's standard library.

  state_format.py FILE KEYHEX   prints the records of a state, one a line
  state_format.py --vectors     prints the block of vectors in the document
"""
import hashlib
import hmac
import struct
import sys


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def keys(state_key, file_id):
    prk = mac(file_id, state_key)
    return {name: mac(prk, b"ironroot/state/v1/" + name.encode() + b"\1")
            for name in ("seal", "frame header", "nonce", "key check")}


def rotate(value, bits):
    return (value << bits | value >> (32 - bits)) & 0xFFFFFFFF


def rounds(state):
    x = list(state)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for first, second, third, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[first] = (x[first] + x[second]) & 0xFFFFFFFF
                x[third] = rotate(x[third] ^ x[first], bits)
    return x


CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def chacha(key, counter, nonce, data):
    out = bytearray()
    for at in range(0, len(data), 64):
        state = CONSTANTS + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
        stream = struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds(state), state)))
        out += bytes(a ^ b for a, b in zip(data[at:at + 64], stream))
        counter += 1
    return bytes(out)


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at:at + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) & ((1 << 128) - 1)).to_bytes(16, "little")


def xchacha_open(key, nonce, aad, body, tag):
    x = rounds(CONSTANTS + struct.unpack("<8I", key) + struct.unpack("<4I", nonce[:16]))
    subkey, nonce = struct.pack("<8I", *(x[:4] + x[12:])), bytes(4) + nonce[16:]
    pad = lambda data: data + bytes(-len(data) % 16)
    covered = pad(aad) + pad(body) + struct.pack("<QQ", len(aad), len(body))
    assert hmac.compare_digest(poly1305(chacha(subkey, 0, nonce, bytes(32)), covered), tag), "tag"
    return chacha(subkey, 1, nonce, body)


def apply(contents, records):
    at = 0
    while at < len(contents) and contents[at]:
        key = int.from_bytes(contents[at + 1:at + 9], "big")
        if contents[at] == 1:
            length = int.from_bytes(contents[at + 9:at + 13], "big")
            records[key] = contents[at + 13:at + 13 + length]
            at += 13 + length
        else:
            assert contents[at] == 2, "change"
            records.pop(key, None)
            at += 9
    assert not any(contents[at:]), "padding"


def read(data, state_key):
    header = data[:512]
    assert header[:8] == b"IRONROOT" and header[8:10] == b"\0\1" and header[12:16] == b"\0\0\2\0"
    assert hashlib.sha256(header[:480]).digest() == header[480:], "checksum"
    k = keys(state_key, header[16:48])
    assert mac(k["key check"], header[:96]) == header[96:128], "key"
    sequence, chain = int.from_bytes(header[56:64], "big"), header[96:112]
    records, at = {}, 512
    while any(data[at:at + 512]):
        head = data[at:at + 64]
        assert head[:8] == b"IRFRAME\0" and mac(k["frame header"], head[:48])[:16] == head[48:], "frame header"
        assert head[8] == (1 if at == 512 else 2) and int.from_bytes(head[16:24], "big") == sequence
        size = int.from_bytes(head[12:16], "big") * 512
        body, tag = data[at + 64:at + size - 16], data[at + size - 16:at + size]
        apply(xchacha_open(k["seal"], head[24:48], chain + head, body, tag), records)
        at, sequence, chain = at + size, sequence + 1, tag
    return records


if sys.argv[1] == "--vectors":
    state_key, file_id = bytes(range(32)), bytes(range(32, 64))
    k = keys(state_key, file_id)
    print("state key =", state_key.hex())
    print("file identifier =", file_id.hex())
    print("seal key =", k["seal"].hex())
    print('key check of "header" =', mac(k["key check"], b"header").hex())
    print('frame header MAC of "header" =', mac(k["frame header"], b"header")[:16].hex())
    nonce_input = bytes([7] * 32) + (3).to_bytes(8, "big") + bytes([9] * 16) + b"plaintext"
    print("nonce =", mac(k["nonce"], nonce_input)[:24].hex())
else:
    with open(sys.argv[1], "rb") as file:
        found = read(file.read(), bytes.fromhex(sys.argv[2]))
    for number, value in sorted(found.items()):
        print(f"{number:016x} {value.hex()}")
