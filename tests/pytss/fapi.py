"""What applications do by FAPI, with the profile that the first argument names; TSS2_FAPICONF names the configuration."""

import json
import os
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from tpm2_pytss import FAPI
from tpm2_pytss.TSS2_Exception import TSS2_Exception

PROFILE = sys.argv[1]
RSA = "RSA" in PROFILE


def refused(action, *arguments, **options):
    """The action has to fail."""
    try:
        action(*arguments, **options)
    except TSS2_Exception:
        return
    raise AssertionError("succeeded, though it must not")


def digest(message):
    hasher = hashes.Hash(hashes.SHA256())
    hasher.update(message)
    return hasher.finalize()


with FAPI() as fapi:
    fapi.provision(is_provisioned_ok=False)
    paths = fapi.list()
    assert any(path.endswith("/HS/SRK") for path in paths), paths
    assert any("/HE/EK" in path for path in paths), paths
    refused(fapi.provision, is_provisioned_ok=False)

    assert len(fapi.get_random(24)) == 24
    if os.environ["ALGORITHMS"] == "known":
        assert json.loads(fapi.get_info())["capabilities"], "what the TPM can do"
    else:
        # This FAPI refuses to say anything about a TPM with algorithms that it does not know.
        refused(fapi.get_info)

    # A signing key; the signature is judged by FAPI and by somebody else.
    assert fapi.create_key("HS/SRK/signer", "sign,noda", auth_value="pin") is True
    fapi.set_auth_callback(lambda *_: b"pin")
    hashed = digest(b"a message")
    signature, public, _ = fapi.sign("HS/SRK/signer", hashed, padding="rsa_pss" if RSA else None)
    fapi.verify_signature("HS/SRK/signer", hashed, signature)
    refused(fapi.verify_signature, "HS/SRK/signer", digest(b"other"), signature)
    key = serialization.load_pem_public_key(public if isinstance(public, bytes) else public.encode())
    prehashed = utils.Prehashed(hashes.SHA256())
    if RSA:
        key.verify(signature, hashed, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), prehashed)
    else:
        key.verify(signature, hashed, ec.ECDSA(prehashed))
    fapi.change_auth("HS/SRK/signer", "new")
    fapi.set_auth_callback(lambda *_: b"new")
    fapi.sign("HS/SRK/signer", hashed, padding="rsa_pss" if RSA else None)
    fapi.delete("HS/SRK/signer")

    # Sealed data, with and without a policy.
    fapi.create_seal("HS/SRK/sealed", b"a secret")
    assert fapi.unseal("HS/SRK/sealed") == b"a secret"
    policy = {
        "description": "PCR 16 as it is now",
        "policy": [{"type": "POLICYPCR", "currentPCRs": [16]}],
    }
    fapi.import_object("/policy/pcr16", json.dumps(policy))
    fapi.create_seal("HS/SRK/bound", b"another secret", policy_path="/policy/pcr16")
    assert fapi.unseal("HS/SRK/bound") == b"another secret"
    fapi.pcr_extend(16, b"an event", log='{"test": "event"}')
    refused(fapi.unseal, "HS/SRK/bound")
    value, log = fapi.pcr_read(16)
    assert any(value), "extended"
    fapi.delete("HS/SRK/sealed")
    fapi.delete("HS/SRK/bound")

    # Attestation.
    fapi.create_key("HS/SRK/attest", "sign,restricted,noda")
    quote_info, signature, event_log, certificate = fapi.quote("HS/SRK/attest", [16], qualifying_data=b"0123456789abcdef")
    assert json.loads(quote_info)["attest"]["extraData"] == b"0123456789abcdef".hex()
    if not RSA:
        # (Of RSA keys, this FAPI takes no quote's signature for a good one, whatever the TPM.)
        asked = {"qualifying_data": b"0123456789abcdef", "pcr_log": event_log}
        fapi.verify_quote("HS/SRK/attest", signature, quote_info, **asked)
        asked["qualifying_data"] = b"another nonce..."
        refused(fapi.verify_quote, "HS/SRK/attest", signature, quote_info, **asked)
    fapi.delete("HS/SRK/attest")

    if RSA:
        fapi.create_key("HS/SRK/cipher", "decrypt,noda")
        cipher = fapi.encrypt("HS/SRK/cipher", b"plain")
        assert fapi.decrypt("HS/SRK/cipher", cipher) == b"plain"
        fapi.delete("HS/SRK/cipher")

    # NV of every type.
    fapi.create_nv("/nv/Owner/data", 16, "noda")
    fapi.nv_write("/nv/Owner/data", b"0123456789abcdef")
    assert fapi.nv_read("/nv/Owner/data")[0] == b"0123456789abcdef"
    fapi.delete("/nv/Owner/data")
    fapi.create_nv("/nv/Owner/counter", 0, "counter,noda")
    fapi.nv_increment("/nv/Owner/counter")
    before = int.from_bytes(fapi.nv_read("/nv/Owner/counter")[0], "big")
    fapi.nv_increment("/nv/Owner/counter")
    assert int.from_bytes(fapi.nv_read("/nv/Owner/counter")[0], "big") == before + 1
    fapi.delete("/nv/Owner/counter")
    fapi.create_nv("/nv/Owner/bits", 0, "bitfield,noda")
    fapi.nv_set_bits("/nv/Owner/bits", 0b101)
    assert fapi.nv_read("/nv/Owner/bits")[0] == bytes(7) + b"\x05"
    fapi.delete("/nv/Owner/bits")
    fapi.create_nv("/nv/Owner/events", 0, "pcr,noda")
    fapi.nv_extend("/nv/Owner/events", b"event", log='{"test": "event"}')
    assert len(fapi.nv_read("/nv/Owner/events")[0]) == 32
    fapi.delete("/nv/Owner/events")
    print(f"{PROFILE}: {len(paths)} objects provisioned")
