#!/usr/bin/env python3
"""Reads an Ironroot state file, written from docs/state-format.md alone, with nothing but Python's standard library.

  state_format.py FILE KEYHEX [key=HEX|words=TEXT]   prints the records of a state, one a line
  state_format.py --own FILE KEYHEX [...]            prints the store's own records
  state_format.py --counter FILE IDHEX SECRETHEX     prints the number that a counter's file holds
  state_format.py --backup FILE KEYHEX key=HEX|words=TEXT  prints a backup's label and records
  state_format.py --vectors                          prints the block of vectors in the document

Passphrases need the module argon2 (apt-get install python3-argon2).
"""
import hashlib
import hmac
import struct
import sys


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(salt, secret, info):
    return mac(mac(salt, secret), info + b"\1")


def keys(version, state_key, file_id):
    return {name: hkdf(file_id, state_key, b"ironroot/state/v%d/%s" % (version, name.encode()))
            for name in ("seal", "frame header", "nonce", "key check")}


def stretch(words, salt, memory, passes, lanes):
    from argon2.low_level import Type, hash_secret_raw
    return hash_secret_raw(words, salt, passes, memory, lanes, 32, Type.ID)


def combined(device, salt, second, label):
    return hkdf(salt, device + second, b"ironroot/state/v2/" + label)


def device_check(device, file_id, header):
    return mac(hkdf(file_id, device, b"ironroot/state/v2/device check"), header)


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


def apply(contents, records, own):
    at = 0
    while at < len(contents) and contents[at]:
        key = int.from_bytes(contents[at + 1:at + 9], "big")
        if contents[at] == 1 or contents[at] == 3 and own is not None:
            length = int.from_bytes(contents[at + 9:at + 13], "big")
            (records if contents[at] == 1 else own)[key] = contents[at + 13:at + 13 + length]
            at += 13 + length
        else:
            assert contents[at] == 2, "change"
            records.pop(key, None)
            at += 9
    assert not any(contents[at:]), "padding"


def unlock(header, device, second):
    """The state key, once the header has been checked as far as that goes without it."""
    version = int.from_bytes(header[8:10], "big")
    if version == 1:
        assert not any(header[64:96]) and not any(header[128:480]), "unknown fields"
        return version, device
    assert device_check(device, header[16:48], header[:96] + header[128:240]) == header[240:272], "device"
    memory, passes, lanes = struct.unpack(">3I", header[132:144])
    salt, given = header[144:176], second.split("=", 1)[-1]
    if header[128] == 1:
        return version, combined(device, salt, bytes.fromhex(given), b"with key")
    if header[128] == 2:
        return version, combined(device, salt, stretch(given.encode(), salt, memory, passes, lanes), b"with passphrase")
    assert header[128] == 0, "sealing"
    return version, device


def read(data, device, second=""):
    header = data[:512]
    assert header[:8] == b"IRONROOT" and header[8:10] in (b"\0\1", b"\0\2") and header[12:16] == b"\0\0\2\0"
    assert hashlib.sha256(header[:480]).digest() == header[480:], "checksum"
    version, state_key = unlock(header, device, second)
    k = keys(version, state_key, header[16:48])
    assert mac(k["key check"], header[:96] + (header[128:480] if version > 1 else b"")) == header[96:128], "key"
    sequence, chain = int.from_bytes(header[56:64], "big"), header[96:112]
    records, own, at = {}, {}, 512
    while any(data[at:at + 512]):
        head = data[at:at + 64]
        assert head[:8] == b"IRFRAME\0" and mac(k["frame header"], head[:48])[:16] == head[48:], "frame header"
        assert head[8] == (1 if at == 512 else 2) and int.from_bytes(head[16:24], "big") == sequence
        size = int.from_bytes(head[12:16], "big") * 512
        body, tag = data[at + 64:at + size - 16], data[at + size - 16:at + size]
        apply(xchacha_open(k["seal"], head[24:48], chain + head, body, tag), records,
              own if at == 512 and version > 1 else None)
        at, sequence, chain = at + size, sequence + 1, tag
    return records, own


def counter(data, name, secret):
    """The higher of the numbers in two slots."""
    key = mac(secret, b"ironroot/counter/v1/file")
    numbers = []
    for slot in (data[:512], data[512:1024]):
        if hashlib.sha256(slot[:480]).digest() == slot[480:]:
            assert slot[:16] == b"IRCOUNT\0\0\1\0\0\0\0\0\0" and slot[16:32] == name and not any(slot[72:480])
            assert mac(key, slot[:40]) == slot[40:72], "MAC"
            numbers.append(int.from_bytes(slot[32:40], "big"))
    return max(numbers)


def backup(data, device, second):
    """The label, and the records."""
    assert data[:10] == b"IRBACKUP\0\1" and hashlib.sha256(data[:-32]).digest() == data[-32:], "checksum"
    label, (memory, passes, lanes), salt = int.from_bytes(data[14:16], "big"), struct.unpack(">3I", data[20:32]), data[32:64]
    assert mac(hkdf(salt, device, b"ironroot/backup/v1/device check"), data[:96]) == data[96:128], "device"
    given = second.split("=", 1)[1]
    if data[16] == 1:
        key = hkdf(salt, device + bytes.fromhex(given), b"ironroot/backup/v1/with key")
    else:
        words = stretch(given.encode(), salt, memory, passes, lanes)
        key = hkdf(salt, device + words, b"ironroot/backup/v1/with passphrase")
    head, body, tag = data[:128 + label], data[128 + label:-48], data[-48:-32]
    assert len(body) == int.from_bytes(data[88:96], "big"), "length"
    records, own = {}, {}
    apply(xchacha_open(key, data[64:88], head, body, tag), records, own)
    return head[128:].decode(), records


def vectors():
    state_key, file_id, salt = bytes(range(32)), bytes(range(32, 64)), b"\x44" * 32
    print("state key =", state_key.hex())
    print("file identifier =", file_id.hex())
    for version in (1, 2):
        k = keys(version, state_key, file_id)
        print(f"version {version}: seal key =", k["seal"].hex())
        print(f'version {version}: key check of "header" =', mac(k["key check"], b"header").hex())
        print(f'version {version}: frame header MAC of "header" =', mac(k["frame header"], b"header")[:16].hex())
        nonce_input = bytes([7] * 32) + (3).to_bytes(8, "big") + bytes([9] * 16) + b"plaintext"
        print(f"version {version}: nonce =", mac(k["nonce"], nonce_input)[:24].hex())
    print('device check of "header" =', device_check(state_key, file_id, b"header").hex())
    print("state key with the key 33…33, salt 44…44 =", combined(state_key, salt, b"\x33" * 32, b"with key").hex())
    words = stretch(b"correct horse", salt, 64, 3, 4)
    print('state key with "correct horse", salt 44…44, 64 KiB, 3 passes, 4 lanes =',
          combined(state_key, salt, words, b"with passphrase").hex())


def contents(path):
    with open(path, "rb") as file:
        return file.read()


if sys.argv[1] == "--vectors":
    vectors()
elif sys.argv[1] == "--backup":
    name, found = backup(contents(sys.argv[2]), bytes.fromhex(sys.argv[3]), sys.argv[4])
    print("label", name)
    for number, value in sorted(found.items()):
        print(f"{number:016x} {value.hex()}")
elif sys.argv[1] == "--counter":
    print(counter(contents(sys.argv[2]), bytes.fromhex(sys.argv[3]), bytes.fromhex(sys.argv[4])))
else:
    which = int(sys.argv[1] == "--own")
    path, device = sys.argv[1 + which:3 + which]
    for number, value in sorted(read(contents(path), bytes.fromhex(device), *sys.argv[3 + which:])[which].items()):
        print(f"{number:016x} {value.hex()}")
