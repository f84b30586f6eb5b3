"""Looks for a named key of P-256 in the memory of a process. Its bytes are known, for the TPM is the one of the vectors in docs/derivations.md.

usage: memory.py NAME PUBLIC.pem COMMAND…   runs the command until it says "ready", and prints how often a part of the private key is in its
memory. The public key (or certificate) says that it is the key that the TPM has.
"""

import hashlib
import importlib.util
import pathlib
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _vectors():
    path = pathlib.Path(__file__).resolve().parents[1] / "crates/keys/tests/vectors.py"
    spec = importlib.util.spec_from_file_location("vectors", path)
    module = importlib.util.module_from_spec(spec)
    words, sys.argv = sys.argv, sys.argv[:1]
    spec.loader.exec_module(module)
    sys.argv = words
    return module


def private_key(name, public_pem):
    """The key with this name, by docs/derivations.md, which has to be the one whose public key or certificate is given."""
    vectors = _vectors()
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    digest = hashlib.sha512(vectors.template(vectors.KINDS["ecc-p256"], name.encode())).digest()
    draw = vectors.Drbg(vectors.seed, [b"PRIMARY v1", digest, b""]).draw(40)
    key = ec.derive_private_key(int.from_bytes(draw, "big") % (order - 1) + 1, ec.SECP256R1())
    if b"BEGIN CERTIFICATE" in public_pem:
        public = x509.load_pem_x509_certificate(public_pem).public_key()
    else:
        public = serialization.load_pem_public_key(public_pem)
    assert public.public_numbers() == key.public_key().public_numbers(), "this is not the key that the TPM has"
    return key


def hits(pid, key):
    """How often the process has a part of the key in its memory, and how many bytes were looked at."""
    scalar = key.private_numbers().private_value.to_bytes(32, "big")
    # Both ends of the number and its middle, in both orders of its bytes, and as text.
    parts = [scalar[:12], scalar[10:22], scalar[20:]]
    patterns = [form for part in parts for form in (part, part[::-1], part.hex().encode())]
    count, seen = 0, 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights = line.split()[:2]
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = (int(number, 16) for number in area.split("-"))
            memory.seek(start)
            try:
                content = memory.read(end - start)
            except OSError as error:
                sys.exit(f"cannot read {line.strip()} of the process's memory: {error}")
            seen += len(content)
            count += sum(content.count(pattern) for pattern in patterns)
    return count, seen


def main(name, public, *command):
    key = private_key(name, open(public, "rb").read())
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        said = process.stdout.readline()
        if said != b"ready\n":
            sys.exit(f"{command[0]} is not ready: {said}")
        found, seen = hits(process.pid, key)
    finally:
        process.kill()
        process.wait()
    if seen < 1_000_000:
        sys.exit(f"only {seen} bytes were looked at")
    print(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
