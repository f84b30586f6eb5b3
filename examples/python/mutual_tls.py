"""Mutual TLS between two keys of this machine's TPM, with certificates of a CA that is there, too."""

import socket
import threading

import ironroot

tpm = ironroot.connect()
ca, server, client = (tpm.create_key(name) for name in ("ca", "server", "dev1"))
root = ca.self_signed("CN=Example CA", usage="ca")
serving = ironroot.TLSContext(server, ca.issue(root, server.csr(dns=["localhost"])), cadata=root, server_side=True)
calling = ironroot.TLSContext(client, ca.issue(root, client.csr()), cadata=root)

here, there = socket.socketpair()


def serve():
    with serving.wrap_socket(there) as connection:
        connection.sendall(b"hello")


thread = threading.Thread(target=serve)
thread.start()
with calling.wrap_socket(here, server_hostname="localhost") as connection:
    print(connection.recv(5).decode(), "over", connection.version(), "with", client.name)
thread.join()
