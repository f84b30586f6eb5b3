"""Keys, certificates, tokens, secrets and TLS with any TPM 2.0.

    import ironroot
    key = ironroot.connect().create_key("cloud")
    print(key.jwt({"sub": "dev1"}))
"""

from ._native import IronrootError, Key, Tpm, __version__, connect, encrypt, jwt_verify, key_kinds, start
from ._tls import TLSContext, TLSSocket

__all__ = [
    "IronrootError",
    "Key",
    "TLSContext",
    "TLSSocket",
    "Tpm",
    "__version__",
    "connect",
    "encrypt",
    "jwt_verify",
    "key_kinds",
    "start",
]
