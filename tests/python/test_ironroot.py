"""The Python module, as it is installed from its wheel. The TPM is the one that TPM2TOOLS_TCTI names."""

import gc
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import ironroot
import pytest


@pytest.fixture(autouse=True)
def one_connection():
    """Debian's swtpm serves one connection at a time: what an exception still holds has to go first."""
    gc.collect()


@pytest.fixture
def tpm(tmp_path, one_connection):
    return ironroot.connect(key_list=tmp_path / "keys.json")


def openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True, **options).stdout


def failure(kind, words, call, *arguments, **options):
    with pytest.raises(ironroot.IronrootError, match=words) as caught:
        call(*arguments, **options)
    assert caught.value.kind == kind
    return caught.value


def test_three_lines_to_a_token(tmp_path, monkeypatch):
    monkeypatch.setenv("IRONROOT_KEY_LIST", str(tmp_path / "keys.json"))
    key = ironroot.connect().create_key("cloud")
    token = key.jwt({"sub": "dev1"})
    assert ironroot.jwt_verify(token, key.public_key)["sub"] == "dev1"


def test_a_key_by_name_is_the_same_key(tpm):
    key = tpm.create_key("web")
    assert tpm.has_key("web") and tpm.keys() == {"web": "ecc-p256"}
    assert tpm.open_key("name:web").fingerprint == key.fingerprint
    assert tpm.create_key("api", "ecc-p384").fingerprint != key.fingerprint
    assert key.jwk["crv"] == "P-256" and key.schemes == ["ecdsa-sha256"] and repr(key) == '<ironroot.Key "web">'
    assert tpm.remove_key("web") is True and tpm.remove_key("web") is False
    failure("file", 'has no "web"', tpm.open_key, "web")
    assert tpm.open_key("web", "ecc-p256").fingerprint == key.fingerprint
    failure("argument", "expected one of", tpm.create_key, "x", "dsa")
    failure("file", "no-such-file", tpm.open_key, "file:no-such-file")
    failure("key", "no key is there", tpm.open_key, "handle:0x81004444")
    assert "rsa-2048" in ironroot.key_kinds()


def test_openssl_believes_signatures_requests_and_certificates(tpm, tmp_path):
    key = tpm.create_key("web")
    (tmp_path / "public.pem").write_text(key.public_key)
    (tmp_path / "message").write_bytes(b"a message")
    (tmp_path / "signature").write_bytes(key.sign(b"a message"))
    openssl("dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "message", cwd=tmp_path)
    (tmp_path / "csr.pem").write_text(key.csr("CN=dev1", ["dev1.example"]))
    assert "DNS:dev1.example" in openssl("req", "-in", "csr.pem", "-verify", "-noout", "-text", cwd=tmp_path)
    ca = tpm.create_key("ca", "ecc-p384")
    (tmp_path / "ca.pem").write_text(ca.self_signed("CN=Test CA", usage="ca"))
    (tmp_path / "leaf.pem").write_text(ca.issue((tmp_path / "ca.pem").read_text(), (tmp_path / "csr.pem").read_text()))
    openssl("verify", "-CAfile", "ca.pem", "leaf.pem", cwd=tmp_path)
    failure("refused", "another key", key.issue, (tmp_path / "ca.pem").read_text(), (tmp_path / "csr.pem").read_text())
    failure("argument", "rot13", key.sign, b"m", "rot13")
    failure("argument", "subject", key.csr, "no name")


def test_tokens_are_refused_for_the_right_reason(tpm):
    key = tpm.create_key("web")
    token = key.jwt({"aud": ["cloud"]}, key_id="k1", algorithm="ES256")
    assert ironroot.jwt_verify(token, key.public_key, audience="cloud")["aud"] == ["cloud"]
    failure("refused", "not for", ironroot.jwt_verify, token, key.public_key, audience="fog")
    failure("refused", "no end", ironroot.jwt_verify, key.jwt({}, expires_in=None), key.public_key)
    header, claims, signature = token.split(".")
    failure("refused", "signature", ironroot.jwt_verify, f"{header}.{claims[:-2]}AA.{signature}", key.public_key, audience="cloud")
    failure("refused", "not this key's", ironroot.jwt_verify, token, tpm.create_key("x").public_key, audience="cloud")
    failure("argument", "JSON object", key.jwt, [1])
    failure("key", "but with ES256", key.jwt, {}, algorithm="RS256")


def test_secrets_sealed_data_and_encryption(tpm):
    assert tpm.unique_secret("disk", 32) == tpm.unique_secret("disk", 32) != tpm.unique_secret("disc", 32)
    failure("argument", "1 to 8160", tpm.unique_secret, "disk", 0)
    sealed = tpm.seal(b"data", password=b"pw")
    assert tpm.unseal(sealed, password=b"pw") == b"data"
    failure("refused", "password is wrong", tpm.unseal, sealed, password=b"pq")
    failure("argument", "sha257", tpm.seal, b"x", pcrs="sha257:1")
    ciphertext = ironroot.encrypt(tpm.encryption_key("mail"), b"plain")
    assert tpm.decrypt("mail", ciphertext) == b"plain"
    failure("refused", "cannot be decrypted", tpm.decrypt, "other", ciphertext)
    assert len(tpm.random(20)) == 20
    # TPM2_GetRandom, and a command that no TPM has.
    assert len(tpm.command(bytes.fromhex("80010000000c0000017b0008"))) == 20
    assert tpm.command(bytes.fromhex("80010000000a00000999"))[6:10] == bytes.fromhex("00000143")
    failure("argument", "header", tpm.command, b"short")


def test_what_the_tpm_refuses_has_its_response_code(tpm):
    assert failure("connection", "refused", ironroot.connect, "swtpm:port=1").response_code is None
    failure("argument", "fax", ironroot.connect, "fax:number=1")


def test_threads_take_turns(tpm):
    key, done = tpm.create_key("web"), []
    threads = [threading.Thread(target=lambda: done.append([key.sign(b"m") for _ in range(5)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(each) for each in done] == [5] * 4


SECRET = bytes(range(32))
VALUE = b"3d1219c7c4c5404aaa1f6d2a48adfda4"


def vector():
    with open(os.environ["IRONROOT_SOURCE"] + "/docs/derivations.md") as document:
        return next(line.split(" = ")[1].strip() for line in document if line.startswith('fingerprint of "web", ecc-p256'))


def test_a_tpm_in_the_process_has_one_order_and_one_identity(tmp_path):
    folder = tmp_path / "tpm"
    failure("initialization", "there is no TPM", ironroot.start, folder, product=SECRET, device=VALUE, how="open")
    tpm = ironroot.start(folder, product=SECRET, device=VALUE, grade="fused", how="enroll")
    assert tpm.create_key("web").fingerprint == vector()
    secret = tpm.global_secret("fleet", 32)
    del tpm
    failure("initialization", "another identity", ironroot.start, folder, product=SECRET, device=b"another device")
    failure("initialization", "product secret", ironroot.start, folder, product=bytes(31) + b"x", device=VALUE)
    assert ironroot.start(folder, product=SECRET, device=VALUE, how="open").open_key("web").fingerprint == vector()
    other = ironroot.start(tmp_path / "other", product=SECRET, device=b"another device")
    assert other.global_secret("fleet", 32) == secret and other.create_key("web").fingerprint != vector()
    failure("initialization", "never set", ironroot.start, tmp_path / "x", product=bytes(32), device=VALUE)
    failure("initialization", "never set", ironroot.start, tmp_path / "x", product=SECRET, device=b"\xff" * 8)
    failure("argument", "32 bytes", ironroot.start, tmp_path / "x", product=b"short", device=VALUE)
    (tmp_path / "value").write_bytes(VALUE)
    failure("initialization", "too easy to copy", ironroot.start, tmp_path / "x", product=SECRET, device=f"file:{tmp_path}/value", grade="fused")


def test_what_is_closed_lets_go_while_keys_are_there(tmp_path, tpm):
    key = tpm.create_key("web")
    tpm.close()
    tpm.close()
    failure("connection", "closed by this program", key.sign, b"m")
    failure("connection", "closed by this program", tpm.create_key, "web")
    # Debian's swtpm serves one connection at a time.
    with ironroot.connect(key_list=tmp_path / "keys.json") as again:
        other = again.open_key("web")
        assert other.fingerprint == key.fingerprint
    failure("connection", "closed by this program", other.sign, b"m")
    # And the places for objects are free again: there are three at least.
    for _ in range(4):
        with ironroot.connect(key_list=tmp_path / "keys.json") as again:
            other = again.open_key("web")
    with pytest.raises(ValueError):
        with ironroot.start(tmp_path / "tpm", product=SECRET, device=VALUE) as inside:
            other = inside.create_key("web")
            raise ValueError
    ironroot.start(tmp_path / "tpm", product=SECRET, device=VALUE, how="open").close()


@pytest.fixture
def identities(tpm):
    """A CA, and chains of a server's and a client's key."""
    ca = tpm.create_key("ca")
    root = ca.self_signed("CN=Test CA", usage="ca")
    server, client = tpm.create_key("server", "ecc-p384"), tpm.create_key("client")
    chain = ca.issue(root, server.csr("CN=localhost", ["localhost"]), usage="server")
    mine = ca.issue(root, client.csr("CN=dev1"), usage="client")
    return root, (server, chain), (client, mine)


def pair(server, client, hostname="localhost"):
    """Both sides of a connection; what the server's side raised."""
    one, two = socket.socketpair()
    result = []

    def serve():
        try:
            result.append(server.wrap_socket(one, server_side=True))
            result[0].sendall(result[0].recv(5).upper())
        except Exception as error:
            result.append(error)
            one.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(two, server_hostname=hostname) as mine:
            mine.sendall(b"hello")
            answer = mine.recv(5)
            return answer, mine.version(), mine.getpeercert(True), result
    finally:
        two.close()
        thread.join()


def test_mutual_tls_with_both_keys_in_the_tpm(identities):
    root, (server, chain), (client, mine) = identities
    ours = ironroot.TLSContext(server, chain, cadata=root, server_side=True)
    answer, version, certificate, result = pair(ours, ironroot.TLSContext(client, mine, cadata=root))
    assert (answer, version) == (b"HELLO", "TLSv1.3")
    assert certificate == ssl.PEM_cert_to_DER_cert(chain) and result[0].getpeercert(True) == ssl.PEM_cert_to_DER_cert(mine)
    # Without a certificate, under another name, of another CA.
    with pytest.raises((ironroot.IronrootError, ssl.SSLError, OSError)):
        pair(ours, ironroot.TLSContext(cadata=root))
    with pytest.raises(ironroot.IronrootError, match="TLS: invalid peer certificate"):
        pair(ours, ironroot.TLSContext(client, mine, cadata=root), "other.example")
    with pytest.raises(ironroot.IronrootError, match="TLS: invalid peer certificate"):
        pair(ours, ironroot.TLSContext(client, mine, cadata=mine))
    failure("key", "not for this key", ironroot.TLSContext, client, chain, cadata=root)


def test_cas_that_cannot_be_used_are_left_out(identities):
    root, (server, chain), (client, mine) = identities
    strange = ssl.DER_cert_to_PEM_cert(b"no certificate") + "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"
    ours = ironroot.TLSContext(server, chain, cadata=strange + root, server_side=True)
    answer, *_ = pair(ours, ironroot.TLSContext(client, mine, cadata=root + strange))
    assert answer == b"HELLO"
    failure("argument", "none of the CAs' certificates is one", ironroot.TLSContext, cadata=strange)
    failure("argument", "no PEM certificate", ironroot.TLSContext, cadata="")


def test_the_systems_cas_are_those_of_its_file_and_its_folder(identities, tmp_path, monkeypatch):
    root, (server, chain), (client, mine) = identities
    ours = ironroot.TLSContext(server, chain, server_side=True)
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "unused.txt").write_text(root)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    with pytest.raises(ValueError, match="name cafile or cadata"):
        ironroot.TLSContext()
    (folder / "12345678.0").write_text("text before it\n" + root)
    assert pair(ours, ironroot.TLSContext())[0] == b"HELLO"
    (tmp_path / "one.pem").write_text(root)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "one.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "no-folder"))
    assert pair(ours, ironroot.TLSContext())[0] == b"HELLO"
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.delenv("SSL_CERT_DIR")
    with pytest.raises(ironroot.IronrootError, match="UnknownIssuer"):
        pair(ours, ironroot.TLSContext())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_with_openssl_on_the_other_side(identities, version):
    """Python's own ssl knows nothing of Ironroot."""
    root, (server, chain), _ = identities
    theirs = ssl.create_default_context(cadata=root)
    theirs.minimum_version = theirs.maximum_version = version
    ours = ironroot.TLSContext(server, chain, server_side=True)
    assert pair(ours, theirs)[:2] == (b"HELLO", version.name.replace("_", "."))


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"path": self.path}).encode() * 5000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_what_comes_behind_the_end_counts_for_nothing(identities):
    root, (server, chain), _ = identities
    one = ironroot.TLSContext(server, chain, server_side=True)._context.connection(None)
    two = ironroot.TLSContext(cadata=root)._context.connection("localhost")
    while one.is_handshaking() or two.is_handshaking():
        one.incoming(two.outgoing())
        two.incoming(one.outgoing())
    two.close()
    one.incoming(two.outgoing() + bytes(100_000))
    assert one.has_ended()


def test_both_directions_at_once(identities):
    root, (server, chain), _ = identities
    one, two = socket.socketpair()
    payload = bytes(range(256)) * 8192
    received = {}

    def work(context, sock, side, **options):
        with context.wrap_socket(sock, do_handshake_on_connect=False, **options) as wrapped:
            # The first thing that is sent does the handshake.
            wrapped.sendall(b"first")
            writer = threading.Thread(target=wrapped.sendall, args=(payload,))
            writer.start()
            parts, missing = [], 5 + len(payload)
            while missing:
                parts.append(wrapped.recv(min(missing, 65536)))
                missing -= len(parts[-1])
            writer.join()
            received[side] = b"".join(parts)

    serving = ironroot.TLSContext(server, chain, server_side=True)
    other = threading.Thread(target=work, args=(serving, one, "server"), kwargs={"server_side": True})
    other.start()
    work(ironroot.TLSContext(cadata=root), two, "client", server_hostname="localhost")
    other.join(60)
    assert received == {"server": b"first" + payload, "client": b"first" + payload}


def test_https_server_and_clients(identities):
    root, (server, chain), (client, mine) = identities
    with HTTPServer(("127.0.0.1", 0), Hello) as service:
        service.socket.listen()
        listen, context = service.socket, ironroot.TLSContext(server, chain, cadata=root, server_side=True)

        def get_request():
            sock, address = listen.accept()
            return context.wrap_socket(sock, server_side=True), address

        service.get_request = get_request
        service.shutdown_request = lambda request: request.close()
        thread = threading.Thread(target=service.serve_forever, daemon=True)
        thread.start()
        ours = ironroot.TLSContext(client, mine, cadata=root)
        connection = http.client.HTTPSConnection("localhost", service.server_port, context=ours, timeout=20)
        connection.request("GET", "/one")
        assert len(connection.getresponse().read()) == 5000 * len(b'{"path": "/one"}')
        connection.close()
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ours))
        assert opener.open(f"https://localhost:{service.server_port}/two", timeout=20).read().startswith(b'{"path": "/two"}')
        service.shutdown()
        thread.join()
