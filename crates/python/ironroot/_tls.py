"""TLS with a key in a TPM, with the interface of ssl.SSLContext and ssl.SSLSocket.

ssl.SSLContext itself takes keys from files alone (docs/python.md says how it uses a TPM through OpenSSL's provider). What takes a context and calls
wrap_socket (http.client, urllib.request, urllib3, ...) takes this one, too.
"""

import os
import re
import socket
import ssl
import threading

from ._native import IronrootError, Key, TlsContext

_CHUNK = 1 << 16


def _read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def _system():
    """The CAs that OpenSSL would trust: its file and its folder (SSL_CERT_FILE, SSL_CERT_DIR, or the system's). ssl.SSLContext itself tells
    only those of the file, for it looks into the folder when it needs one."""
    paths = ssl.get_default_verify_paths()
    files = [paths.cafile] if paths.cafile else []
    if paths.capath:
        hashed = (name for name in os.listdir(paths.capath) if re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name))
        files += (os.path.join(paths.capath, name) for name in sorted(hashed))
    # The folder mostly has what the file has; "TRUSTED CERTIFICATE" is OpenSSL's own form, with rules that only it knows.
    pattern = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
    found = {text: None for file in files if os.path.exists(file) for text in pattern.findall(_read(file))}
    if not found:
        raise ValueError(f"no CA's certificate is in {paths.cafile or paths.openssl_cafile} or {paths.capath or paths.openssl_capath}: name cafile or cadata")
    return "\n".join(found)


class TLSContext:
    """One side of TLS, for any number of connections.

    A client: TLSContext(cafile=... or cadata=..., key=..., certificate=...); without CAs it trusts the system's.
    A server: TLSContext(server_side=True, key=..., certificate=..., cadata=...); with CAs, clients have to show a certificate of one of them.
    The certificate is PEM, the key's own first, then those up to the CA's.
    """

    post_handshake_auth = False

    def __init__(self, key=None, certificate=None, *, cafile=None, cadata=None, server_side=False, alpn=()):
        if (key is None) != (certificate is None):
            raise ValueError("a key and its certificate go together")
        if cafile is not None and cadata is not None:
            raise ValueError("either cafile or cadata")
        if cafile is not None:
            cadata = _read(cafile)
        self.server_side = server_side
        if server_side:
            if key is None:
                raise ValueError("a server needs a key and its certificate")
            self._context = TlsContext.server(key, certificate, cadata, list(alpn))
        else:
            if cadata is None:
                cadata = _system()
            self._context = TlsContext.client(cadata, key, certificate, list(alpn))
        self._verify = cadata is not None

    @property
    def verify_mode(self):
        """CERT_REQUIRED, but for a server that asks its clients for no certificate. It cannot be changed."""
        return ssl.CERT_REQUIRED if self._verify else ssl.CERT_NONE

    @property
    def check_hostname(self):
        """A client always checks the server's name."""
        return not self.server_side

    @check_hostname.setter
    def check_hostname(self, wanted):
        if bool(wanted) != self.check_hostname:
            raise ValueError("a client always checks the server's name, and a server has none to check")

    def wrap_socket(self, sock, server_side=None, do_handshake_on_connect=True, suppress_ragged_eofs=False, server_hostname=None):
        """TLS on a socket that is connected."""
        if server_side is not None and server_side != self.server_side:
            raise ValueError("this context is for the other side")
        connection = self._context.connection(None if self.server_side else server_hostname)
        wrapped = TLSSocket(sock, connection, self, server_hostname, suppress_ragged_eofs)
        if do_handshake_on_connect:
            try:
                wrapped.do_handshake()
            except BaseException:
                wrapped.close()
                raise
        return wrapped


class TLSSocket:
    """A TLS connection on a socket. One thread may read while another writes."""

    def __init__(self, sock, connection, context, server_hostname, ragged):
        self._sock = sock
        self._tls = connection
        self._ragged = ragged
        self._sending = threading.Lock()
        self._makefile_refs = 0
        self._closed = False
        self.context = context
        self.server_side = context.server_side
        self.server_hostname = server_hostname

    def _flush(self, wait=True):
        """Sends what TLS has to send, in its order. Without wait, whoever is sending now takes it along: two threads that each fill a
        pipe and wait for the other would wait for ever."""
        while self._sending.acquire(blocking=wait):
            try:
                data = self._tls.outgoing()
                if not data:
                    return
                self._sock.sendall(data)
            finally:
                self._sending.release()

    def _fill(self):
        """Takes more from the socket; whether there was any."""
        data = self._sock.recv(_CHUNK)
        if not data:
            return False
        try:
            self._tls.incoming(data)
        except IronrootError:
            try:
                self._flush()  # The alert that tells the peer why.
            except OSError:
                pass
            raise
        self._flush(wait=self._tls.is_handshaking())
        return True

    def do_handshake(self):
        """Returns when both sides are sure of each other, as far as this side can know."""
        self._flush()
        while self._tls.is_handshaking():
            if not self._fill():
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer closed the connection in the handshake")
        self._flush()

    def recv(self, bufsize=1024, flags=0):
        """Up to so many bytes; none at the end."""
        if flags:
            raise ValueError("TLS knows no flags")
        while bufsize > 0:
            data = self._tls.read(bufsize)
            if data or self._tls.has_ended():
                return data
            if not self._fill():
                if self._ragged:
                    return b""
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the connection was cut off: the peer did not say that it had ended")
        return b""

    read = recv

    def recv_into(self, buffer, nbytes=0, flags=0):
        """As recv, into a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def sendall(self, data, flags=0):
        """Sends everything."""
        if flags:
            raise ValueError("TLS knows no flags")
        view = memoryview(data).cast("B")
        if self._tls.is_handshaking():
            self.do_handshake()
        at = 0
        while at < len(view):
            taken = self._tls.write(bytes(view[at : at + _CHUNK]))
            self._flush()
            if not taken:
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, "the connection takes no more: it has ended or failed")
            at += taken

    def send(self, data, flags=0):
        """Sends everything, and says how much that was."""
        self.sendall(data, flags)
        return memoryview(data).nbytes

    write = send

    def pending(self):
        """How many bytes can be read without asking the socket."""
        return self._tls.pending()

    def getpeercert(self, binary_form=False):
        """The peer's certificate: DER, or (as ssl gives one that it has not parsed) an empty dict."""
        der = self._tls.peer_certificate()
        return der if binary_form or der is None else {}

    def version(self):
        """TLSv1.3 or TLSv1.2."""
        return self._tls.version()

    def cipher(self):
        """The cipher suite's name, and the protocol's."""
        name = self._tls.cipher()
        return None if name is None else (name, self.version(), None)

    def selected_alpn_protocol(self):
        """The application's protocol."""
        return self._tls.alpn()

    def unwrap(self):
        """Ends TLS, and gives the socket back."""
        self._tls.close()
        self._flush()
        return self._sock

    def shutdown(self, how):
        """Ends TLS and the socket's connection."""
        self._tls.close()
        self._flush()
        self._sock.shutdown(how)

    def close(self):
        """Ends TLS and closes the socket, when the files that makefile made are closed too."""
        self._closed = True
        if self._makefile_refs < 1:
            self._really_close()

    def _really_close(self):
        try:
            self._tls.close()
            self._flush()
        except (OSError, IronrootError):
            pass  # The peer has gone already.
        self._sock.close()

    # What socket.SocketIO asks for.
    def _decref_socketios(self):
        if self._makefile_refs > 0:
            self._makefile_refs -= 1
        if self._closed:
            self.close()

    @property
    def _io_refs(self):
        return self._makefile_refs

    @_io_refs.setter
    def _io_refs(self, count):
        self._makefile_refs = count

    def makefile(self, mode="r", buffering=None, **options):
        """A file, as of a socket."""
        return socket.socket.makefile(self, mode, buffering, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getattr__(self, name):
        # Time limits, addresses, options: the socket's affair.
        if name in {"fileno", "settimeout", "gettimeout", "timeout", "setsockopt", "getsockopt", "getpeername", "getsockname", "family", "type", "proto"}:
            return getattr(self._sock, name)
        raise AttributeError(name)
