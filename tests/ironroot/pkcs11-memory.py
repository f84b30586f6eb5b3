"""Runs gnutls-cli with the key "web" in the TPM, then with the same key in a file, and counts the private key's bytes in its memory."""
import hashlib
import importlib.util
import pathlib
import subprocess
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

module, certificate, port = sys.argv[1:]
path = pathlib.Path(__file__).resolve().parents[2] / "crates/keys/tests/vectors.py"
sys.argv = sys.argv[:1]
spec = importlib.util.spec_from_file_location("vectors", path)
vectors = importlib.util.module_from_spec(spec)
spec.loader.exec_module(vectors)


def private_key():
    """The scalar of "web" on P-256, by docs/derivations.md."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    digest = hashlib.sha512(vectors.template(vectors.KINDS["ecc-p256"], b"web")).digest()
    draw = vectors.Drbg(vectors.seed, [b"PRIMARY v1", digest, b""]).draw(40)
    return ec.derive_private_key(int.from_bytes(draw, "big") % (order - 1) + 1, ec.SECP256R1())


key = private_key()
point = lambda public: public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
certified = x509.load_pem_x509_certificate(open(certificate, "rb").read()).public_key()
assert point(certified) == point(key.public_key()), "this is not the key that the TPM has"
scalar = key.private_numbers().private_value.to_bytes(32, "big")
# Both ends of the number, in both orders of its bytes, and as text.
parts = [scalar[:12], scalar[10:22], scalar[20:]]
patterns = [form for part in parts for form in (part, part[::-1], part.hex().encode())]


def hits(pid):
    """How often the process has a part of the key in its memory, and how many bytes were looked at."""
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
                sys.exit(f"cannot read {line.strip()} of the client's memory: {error}")
            seen += len(content)
            count += sum(content.count(pattern) for pattern in patterns)
    return count, seen


def client(key_file, certificate_file):
    """The client after its handshake; it stays connected."""
    command = ["gnutls-cli", "--provider", module, "--x509keyfile", key_file, "--x509certfile", certificate_file]
    command += ["--x509cafile", "server.pem", "--port", port, "localhost"]
    with open("client.log", "w+") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        for _ in range(1000):
            said = open("client.log").read()
            if "Handshake was completed" in said:
                return process
            if process.poll() is not None:
                break
            time.sleep(0.01)
    sys.exit(f"no handshake: {said}")


def look(key_file, certificate_file):
    process = client(key_file, certificate_file)
    try:
        return hits(process.pid)
    finally:
        process.kill()
        process.wait()


token = "pkcs11:token=ironroot;object=web"
found, seen = look(f"{token};type=private", f"{token};type=cert")
private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
with open("web.key", "wb") as file:
    file.write(private)
control, _ = look("web.key", certificate)
print(f"{found} places with the key in the TPM, in {seen} bytes; {control} with the key in a file")
if control == 0:
    sys.exit("the search does not find a key that is there")
if found or seen < 1_000_000:
    sys.exit("a private key of the TPM is in the client's memory, or next to nothing was looked at")
