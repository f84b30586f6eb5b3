"""Runs gnutls-cli with the key "web" in the TPM, then with the same key in a file, and counts the private key's bytes in its memory."""
import pathlib
import subprocess
import sys
import time

from cryptography.hazmat.primitives import serialization

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import memory

module, certificate, port = sys.argv[1:]
key = memory.private_key("web", open(certificate, "rb").read())


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
        return memory.hits(process.pid, key)
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
