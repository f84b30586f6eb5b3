"""A client of the witness, written from docs/witness.md alone: vectors, right and wrong requests, crowds.

    witness_peer.py --vectors            prints the page's vectors
    witness_peer.py HOST:PORT KEYFILE    drives a witness
"""

import hashlib
import hmac
import os
import socket
import struct
import sys
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

REGISTER, READ, ADVANCE = 1, 2, 3
DONE, MISSING, AHEAD, EXISTS, NOT_AUTHENTIC, NOT_ENROLLED, FULL = range(7)


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def public(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def device_key(secret, witness):
    return Ed25519PrivateKey.from_private_bytes(mac(secret, b"ironroot/witness/v1/device", witness))


def make(witness, challenge, operation, name, number, nonce, key, enrolment=None):
    head = b"IRWREQ\x00\x01" + bytes([operation]) + bytes(7) + name + struct.pack(">Q", number) + bytes(8) + nonce
    if enrolment:
        head += public(key) + enrolment[0]
        head += mac(enrolment[1], b"ironroot/witness/v1/register", witness, challenge, head)
    else:
        head += bytes(80)
    return head + key.sign(b"ironroot/witness/v1/request" + witness + challenge + head)


def check(witness, challenge, request, response):
    assert len(response) == 144 and response[:8] == b"IRWRSP\x00\x01", response
    asked = hashlib.sha256(challenge + request).digest()
    signed = b"ironroot/witness/v1/response" + asked + response[:80]
    Ed25519PublicKey.from_public_bytes(witness).verify(response[80:], signed)
    assert response[16:32] == request[16:32] and response[48:80] == request[48:80]
    return response[8], struct.unpack(">Q", response[32:40])[0]


def vectors():
    witness_key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    witness, challenge, name = public(witness_key), bytes([0x11] * 32), bytes([0x22] * 16)
    secret, enrolment = bytes([0x33] * 32), (bytes([0x44] * 16), bytes([0x55] * 32))
    key = device_key(secret, witness)
    print("witness public key =", witness.hex())
    print("device public key =", public(key).hex())
    for word, operation, number, nonce, say in (
        ("register", REGISTER, 0, 0x66, DONE),
        ("advance", ADVANCE, 7, 0x77, DONE),
        ("read", READ, 0, 0x88, DONE),
        ("refused advance", ADVANCE, 5, 0x99, AHEAD),
    ):
        extra = enrolment if operation == REGISTER else None
        request = make(witness, challenge, operation, name, number, bytes([nonce] * 32), key, extra)
        now = 0 if operation == REGISTER else 7
        head = b"IRWRSP\x00\x01" + bytes([say]) + bytes(7) + name + struct.pack(">Q", now) + bytes(8)
        head += bytes([nonce] * 32)
        asked = hashlib.sha256(challenge + request).digest()
        response = head + witness_key.sign(b"ironroot/witness/v1/response" + asked + head)
        print(f"{word} =", request.hex())
        print(f"answer =", response.hex())


class Line:
    def __init__(self, address, witness):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.witness = witness
        greeting = self.take(48)
        assert greeting[:16] == b"IRWITN\x00\x01" + bytes(8), greeting
        self.challenge = greeting[16:]

    def take(self, size):
        got = b""
        while len(got) < size:
            part = self.socket.recv(size - len(got))
            if not part:
                raise EOFError
            got += part
        return got

    def raw(self, request):
        self.socket.sendall(request)
        return check(self.witness, self.challenge, request, self.take(144))

    def ask(self, operation, name, number, key, enrolment=None, nonce=None):
        nonce = nonce or os.urandom(32)
        return self.raw(make(self.witness, self.challenge, operation, name, number, nonce, key, enrolment))

    def is_over(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def drive(address, path):
    fields = dict(line.strip().split(" = ") for line in open(path) if " = " in line)
    witness = bytes.fromhex(fields["witness"])
    enrolment = (bytes.fromhex(fields["enrolment"]), bytes.fromhex(fields["key"]))
    key, stranger = device_key(os.urandom(32), witness), Ed25519PrivateKey.generate()
    name = os.urandom(16)
    line = Line(address, witness)
    assert line.ask(READ, name, 0, key) == (MISSING, 0)
    assert line.is_over(), "a stranger's connection stays"
    line = Line(address, witness)
    assert line.ask(REGISTER, name, 0, key, enrolment) == (DONE, 0)
    assert line.ask(ADVANCE, name, 10, key) == (DONE, 10)
    assert line.ask(READ, name, 0, key) == (DONE, 10)
    assert line.ask(ADVANCE, name, 9, key) == (AHEAD, 10)
    nonce = os.urandom(32)
    assert line.ask(ADVANCE, name, 11, key, nonce=nonce) == (DONE, 11)
    again = Line(address, witness)
    assert again.ask(ADVANCE, name, 11, key, nonce=nonce) == (DONE, 11), "a lost answer"
    assert again.ask(ADVANCE, name, 11, key) == (AHEAD, 11)

    # Strangers: another key, no enrolment, a key for the same name, a request from another connection, each bit.
    for operation, number in ((READ, 0), (ADVANCE, 99)):
        assert Line(address, witness).ask(operation, name, number, stranger) == (NOT_AUTHENTIC, 0)
        other = Line(address, witness)
        old = make(witness, line.challenge, operation, name, number, os.urandom(32), key)
        assert other.raw(old) == (NOT_AUTHENTIC, 0), "a request of another connection"
    assert Line(address, witness).ask(REGISTER, name, 0, stranger, enrolment) == (EXISTS, 0)
    wrong = (enrolment[0], bytes(32))
    assert Line(address, witness).ask(REGISTER, os.urandom(16), 0, stranger, wrong) == (NOT_ENROLLED, 0)
    for at in range(0, 224, 3):
        other = Line(address, witness)
        request = bytearray(make(witness, other.challenge, ADVANCE, name, 99, os.urandom(32), key))
        request[at] ^= 1
        try:
            verdict, number = other.raw(bytes(request))
            assert verdict in (NOT_AUTHENTIC, MISSING) and number == 0, (at, verdict, number)
        except EOFError:
            pass  # none of this protocol
        assert other.is_over()
    assert line.ask(READ, name, 0, key) == (DONE, 11)

    # A crowd that says nothing, one that drips, one that sends rubbish: who is known keeps the connection, and is served.
    crowd = []
    for _ in range(700):
        crowd.append(socket.create_connection(line.socket.getpeername(), timeout=10))
    begin = time.monotonic()
    for number in range(12, 112):
        assert line.ask(ADVANCE, name, number, key) == (DONE, number)
    print(f"100 changes beside 700 silent connections: {(time.monotonic() - begin) * 10:.2f} ms each")
    late = Line(address, witness)
    assert late.ask(READ, name, 0, key) == (DONE, 111), "a newcomer among strangers"
    for one in crowd[-200:]:
        try:
            one.sendall(b"IRWREQ\x00\x01" + os.urandom(300))
        except OSError:
            pass
    assert line.ask(READ, name, 0, key) == (DONE, 111)
    # A request that is begun and not finished.
    begin = time.monotonic()
    late.socket.sendall(b"IRW")
    assert late.is_over() and time.monotonic() - begin < 5, "half a request holds its place"
    begin = time.monotonic()
    silent = Line(address, witness)
    assert silent.is_over() and time.monotonic() - begin < 8, "silence holds its place"
    assert line.ask(READ, name, 0, key) == (DONE, 111)


if __name__ == "__main__":
    if sys.argv[1] == "--vectors":
        vectors()
    else:
        drive(sys.argv[1], sys.argv[2])
