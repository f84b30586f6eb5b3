"""Every command that tpm2-pytss's ESAPI has, on the TPM that the TCTI in the first argument leads to.

Each test has a connection of its own and leaves nothing behind. At the end every command method of ESAPI must have been
called, but for those that are named in NOT_HERE with the reason, and those that the TPM does not report
(TPM_CAP_COMMANDS), which are printed.
"""

import hashlib
import sys
import traceback

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from tpm2_pytss import ESAPI
from tpm2_pytss.constants import ESYS_TR, TPM2_ALG, TPM2_CAP, TPM2_CC, TPM2_ECC, TPM2_EO, TPM2_SE, TPM2_SU
from tpm2_pytss.constants import TPM2_RH, TPM2_ST, TPMA_LOCALITY, TPMA_NV, TPMA_SESSION
from tpm2_pytss.TSS2_Exception import TSS2_Exception
from tpm2_pytss.types import *  # noqa: F403

TCTI = sys.argv[1]
NOT_HERE = {
    "field_upgrade_start": "the field upgrade is the manufacturer's",
    "field_upgrade_data": "the field upgrade is the manufacturer's",
    "firmware_read": "the field upgrade is the manufacturer's",
    "vendor_tcg_test": "no command of the library",
}
# Methods that are not commands.
HELPERS = {"close", "get_tcti", "tcti", "load_blob"}
CALLED = set()
TESTS = []
NEEDS = {}


class Recorder:
    """A connection that remembers what was called on it."""

    def __init__(self):
        self._esapi = ESAPI(TCTI)

    def __getattr__(self, name):
        if not name.startswith("tr"):
            CALLED.add(name)
        return getattr(self._esapi, name)


def test(*needs):
    """A test, and the commands that it cannot do without."""

    def add(function):
        TESTS.append(function)
        NEEDS[function] = needs
        return function

    return add


def refused(rc, action, *arguments, **options):
    """The action has to end with this response code, whatever its position."""
    try:
        action(*arguments, **options)
    except TSS2_Exception as error:
        code = error.rc & (0xBF if error.rc & 0x80 else 0xFFF)
        assert code == rc, f"{error.rc:#x} {error}"
        return
    raise AssertionError("succeeded, though it must not")


VALUE, BAD_AUTH, POLICY_FAIL, POLICY, SIGNATURE = 0x84, 0xA2, 0x9D, 0x126, 0x9B
NO_SCHEME = TPMT_SIG_SCHEME(scheme=TPM2_ALG.NULL)
SHA256 = TPM2_ALG.SHA256
ECDSA = "ecc256:ecdsa-sha256:null"
ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth"


def null_ticket():
    return TPMT_TK_HASHCHECK(tag=TPM2_ST.HASHCHECK, hierarchy=TPM2_RH.NULL)


def sensitive(auth="", data=""):
    return TPM2B_SENSITIVE_CREATE(TPMS_SENSITIVE_CREATE(userAuth=TPM2B_AUTH(auth), data=TPM2B_SENSITIVE_DATA(data)))


def template(algorithm, attributes=ATTRIBUTES + "|sign", **more):
    return TPM2B_PUBLIC(TPMT_PUBLIC.parse(algorithm, objectAttributes=attributes, nameAlg="sha256", **more))


def primary(tpm, algorithm=None, attributes=None, auth="", hierarchy=ESYS_TR.OWNER, data=""):
    public = template(algorithm, attributes or ATTRIBUTES + "|sign") if algorithm else "ecc256"
    return tpm.create_primary(sensitive(auth, data), public, primary_handle=hierarchy)


def loaded(tpm, parent, public, auth="", data=""):
    private, public, *_ = tpm.create(parent, sensitive(auth, data), public)
    handle = tpm.load(parent, private, public)
    tpm.tr_set_auth(handle, auth)
    return handle, public


def session(tpm, kind=TPM2_SE.POLICY, key=ESYS_TR.NONE, bind=ESYS_TR.NONE, cipher=True):
    symmetric = TPMT_SYM_DEF(algorithm=TPM2_ALG.NULL)
    if cipher:
        symmetric = TPMT_SYM_DEF(
            algorithm=TPM2_ALG.AES,
            keyBits=TPMU_SYM_KEY_BITS(aes=128),
            mode=TPMU_SYM_MODE(aes=TPM2_ALG.CFB),
        )
    return tpm.start_auth_session(key, bind, kind, symmetric, SHA256)


def digest_of(tpm, *assertions):
    trial = session(tpm, TPM2_SE.TRIAL)
    for assertion in assertions:
        assertion(trial)
    digest = tpm.policy_get_digest(trial)
    tpm.flush_context(trial)
    return digest


def verifies(public, message, signature):
    """Whether somebody else accepts the signature of a P-256 key."""
    r, s = (int.from_bytes(bytes(part), "big") for part in (signature.signature.ecdsa.signatureR, signature.signature.ecdsa.signatureS))
    key = serialization.load_pem_public_key(public.to_pem())
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


@test()
def random_and_hashes(tpm):
    assert len(bytes(tpm.get_random(20))) == 20
    tpm.stir_random(b"more")
    digest, ticket = tpm.hash(b"a message", SHA256, ESYS_TR.OWNER)
    assert bytes(digest) == hashlib.sha256(b"a message").digest()
    sequence = tpm.hash_sequence_start(b"auth", SHA256)
    tpm.tr_set_auth(sequence, b"auth")
    tpm.sequence_update(sequence, b"a ")
    digest, ticket = tpm.sequence_complete(sequence, b"message")
    assert bytes(digest) == hashlib.sha256(b"a message").digest()


@test()
def self_tests(tpm):
    tpm.self_test(True)
    assert tpm.incremental_self_test(TPML_ALG([TPM2_ALG.RSA])).count == 0
    _, result = tpm.get_test_result()
    assert result == 0


@test()
def signatures_of_every_kind(tpm):
    message = b"to be signed"
    digest = hashlib.sha256(message).digest()
    root, *_ = primary(tpm)
    for algorithm in (ECDSA, "rsa2048:rsassa-sha256:null", "rsa2048:rsapss-sha256:null"):
        key, public = loaded(tpm, root, template(algorithm), "key")
        signature = tpm.sign(key, digest, NO_SCHEME, null_ticket())
        signature.verify_signature(public, message)
        tpm.verify_signature(key, digest, signature)
        refused(SIGNATURE, tpm.verify_signature, key, hashlib.sha256(b"other").digest(), signature)
        tpm.tr_set_auth(key, "wrong")
        try:
            tpm.sign(key, digest, NO_SCHEME, null_ticket())
            raise AssertionError("signed with a wrong password")
        except TSS2_Exception as error:
            assert error.rc & 0xBF in (0x8E, 0xA2)
        tpm.flush_context(key)
    tpm.flush_context(root)
    tpm.dictionary_attack_lock_reset()


@test()
def sessions_authorize_and_encrypt(tpm):
    root, *_ = primary(tpm)
    for bind in (ESYS_TR.NONE, root):
        hmac_session = session(tpm, TPM2_SE.HMAC, key=root, bind=bind)
        tpm.trsess_set_attributes(
            hmac_session, TPMA_SESSION.DECRYPT | TPMA_SESSION.ENCRYPT | TPMA_SESSION.CONTINUESESSION
        )
        private, public, *_ = tpm.create(root, sensitive("pin", "a secret"), sealed(), session1=hmac_session)
        item = tpm.load(root, private, public, session1=ESYS_TR.PASSWORD)
        tpm.tr_set_auth(item, "pin")
        assert bytes(tpm.unseal(item, session1=hmac_session)) == b"a secret"
        tpm.flush_context(item)
        tpm.flush_context(hmac_session)
    tpm.flush_context(root)


def sealed(policy=b"", attributes="fixedtpm|fixedparent|userwithauth"):
    return template("keyedhash", attributes, authPolicy=policy)


@test()
def objects(tpm):
    root, *_ = primary(tpm)
    key, public = loaded(tpm, root, template(ECDSA), "old")
    read, name, qualified = tpm.read_public(key)
    assert bytes(name) == bytes(public.publicArea.get_name())
    private = tpm.object_change_auth(key, root, "new")
    tpm.flush_context(key)
    key = tpm.load(root, private, public)
    tpm.tr_set_auth(key, "new")
    tpm.sign(key, bytes(32), NO_SCHEME, null_ticket())
    context = tpm.context_save(key)
    tpm.flush_context(key)
    key = tpm.context_load(context)
    tpm.tr_set_auth(key, "new")
    tpm.sign(key, bytes(32), NO_SCHEME, null_ticket())
    persistent = tpm.evict_control(ESYS_TR.OWNER, root, 0x81000005)
    tpm.evict_control(ESYS_TR.OWNER, persistent, 0x81000005)
    tpm.flush_context(key)
    made, private, public = tpm.create_loaded(root, sensitive(), TPM2B_TEMPLATE(template(ECDSA).publicArea.marshal()))
    tpm.sign(made, bytes(32), NO_SCHEME, null_ticket())
    tpm.flush_context(made)
    outside = ec.generate_private_key(ec.SECP256R1())
    pem = outside.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    secret = TPM2B_SENSITIVE.from_pem(pem)
    public = TPM2B_PUBLIC.from_pem(
        outside.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        objectAttributes="sign|userwithauth",
        scheme=TPMT_ASYM_SCHEME(scheme=TPM2_ALG.ECDSA, details=TPMU_ASYM_SCHEME(ecdsa=TPMS_SCHEME_HASH(hashAlg=SHA256))),
    )
    external = tpm.load_external(public, secret, ESYS_TR.NULL)
    signature = tpm.sign(external, hashlib.sha256(b"x").digest(), NO_SCHEME, null_ticket())
    verifies(public, b"x", signature)
    tpm.flush_context(external)
    tpm.flush_context(root)
    tpm.test_parms(TPMT_PUBLIC_PARMS(type=TPM2_ALG.RSA, parameters=template("rsa2048").publicArea.parameters))


@test()
def credentials(tpm):
    root, public, *_ = primary(tpm)
    key, key_public = loaded(tpm, root, template(ECDSA))
    name = key_public.publicArea.get_name()
    blob, secret = tpm.make_credential(root, TPM2B_DIGEST(b"0123456789"), name)
    assert bytes(tpm.activate_credential(key, root, blob, secret)) == b"0123456789"
    tpm.flush_context(key)
    tpm.flush_context(root)


@test()
def duplication(tpm):
    root, *_ = primary(tpm)
    other, *_ = primary(tpm, hierarchy=ESYS_TR.PLATFORM)
    policy = digest_of(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.Duplicate))
    public = template(ECDSA, "sensitivedataorigin|userwithauth|sign", authPolicy=bytes(policy))
    key, public = loaded(tpm, root, public)
    by = session(tpm)
    tpm.policy_command_code(by, TPM2_CC.Duplicate)
    none = TPMT_SYM_DEF_OBJECT(algorithm=TPM2_ALG.NULL)
    _, duplicate, seed = tpm.duplicate(key, other, TPM2B_DATA(), none, session1=by)
    tpm.flush_context(by)
    tpm.flush_context(key)
    duplicate, seed = tpm.rewrap(other, root, duplicate, public.publicArea.get_name(), seed)
    private = tpm.import_(root, b"", public, duplicate, seed, none)
    key = tpm.load(root, private, public)
    tpm.sign(key, bytes(32), NO_SCHEME, null_ticket())
    for handle in (key, other, root):
        tpm.flush_context(handle)


@test()
def encryption(tpm):
    decrypts = ATTRIBUTES + "|decrypt"
    key, public, *_ = primary(tpm, "rsa2048:null:null", decrypts)
    oaep = TPMT_RSA_DECRYPT(scheme=TPM2_ALG.OAEP, details=TPMU_ASYM_SCHEME(oaep=TPMS_SCHEME_HASH(hashAlg=SHA256)))
    cipher = tpm.rsa_encrypt(key, b"text", oaep, b"label\0")
    assert bytes(tpm.rsa_decrypt(key, cipher, oaep, b"label\0")) == b"text"
    outside = serialization.load_pem_public_key(public.to_pem()).encrypt(
        b"from outside", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    )
    assert bytes(tpm.rsa_decrypt(key, outside, oaep)) == b"from outside"
    tpm.flush_context(key)
    key, public, *_ = primary(tpm, "ecc256:null:null", decrypts)
    z, point = tpm.ecdh_key_gen(key)
    # The parts of a structure are only there as long as the structure is held.
    shared = tpm.ecdh_zgen(key, point)
    assert bytes(shared.point.x) == bytes(z.point.x)
    tpm.flush_context(key)
    assert tpm.ecc_parameters(TPM2_ECC.NIST_P256).keySize == 256
    key, *_ = primary(tpm, "aes128cfb", ATTRIBUTES + "|decrypt|sign")
    iv = bytes(16)
    cipher, _ = tpm.encrypt_decrypt_2(key, False, TPM2_ALG.CFB, iv, b"a message")
    plain, _ = tpm.encrypt_decrypt_2(key, True, TPM2_ALG.CFB, iv, cipher)
    assert bytes(plain) == b"a message" and bytes(cipher) != b"a message"
    tpm.flush_context(key)


@test("EncryptDecrypt")
def deprecated_encryption(tpm):
    key, *_ = primary(tpm, "aes128cfb", ATTRIBUTES + "|decrypt|sign")
    cipher, _ = tpm.encrypt_decrypt(key, False, TPM2_ALG.CFB, bytes(16), b"a message")
    plain, _ = tpm.encrypt_decrypt(key, True, TPM2_ALG.CFB, bytes(16), cipher)
    assert bytes(plain) == b"a message"
    tpm.flush_context(key)


@test()
def macs(tpm):
    key, *_ = primary(tpm, "hmac:sha256", "fixedtpm|fixedparent|userwithauth|sign", data="secret")
    mac = tpm.hmac(key, b"message", SHA256)
    sequence = tpm.hmac_start(key, b"", SHA256)
    tpm.sequence_update(sequence, b"mess")
    again, _ = tpm.sequence_complete(sequence, b"age")
    assert bytes(mac) == bytes(again)
    tpm.flush_context(key)


@test()
def attestation(tpm):
    key, public, _, creation, ticket = tpm.create_primary(sensitive(), template(ECDSA, ATTRIBUTES + "|sign|restricted"))
    for attest, signature in (
        tpm.certify(key, key, b"asked", NO_SCHEME),
        tpm.certify_creation(key, key, b"asked", creation, NO_SCHEME, ticket),
        tpm.quote(key, "sha256:0,16", b"asked"),
        tpm.get_time(key, b"asked", NO_SCHEME),
    ):
        verifies(public, bytes(attest), signature)
        assert bytes(TPMS_ATTEST.unmarshal(bytes(attest))[0].extraData) == b"asked"
    tpm.flush_context(key)


@test("SetCommandCodeAuditStatus", "GetCommandAuditDigest", "GetSessionAuditDigest")
def audits(tpm):
    key, public, *_ = tpm.create_primary(sensitive(), template(ECDSA, ATTRIBUTES + "|sign|restricted"))
    tpm.set_command_code_audit_status(TPM2_ALG.NULL, TPML_CC([TPM2_CC.GetRandom]), TPML_CC())
    tpm.get_random(4)
    attest, signature = tpm.get_command_audit_digest(key, b"asked", NO_SCHEME)
    verifies(public, bytes(attest), signature)
    tpm.set_command_code_audit_status(TPM2_ALG.NULL, TPML_CC(), TPML_CC([TPM2_CC.GetRandom]))
    audit = session(tpm, TPM2_SE.HMAC)
    tpm.trsess_set_attributes(audit, TPMA_SESSION.AUDIT | TPMA_SESSION.CONTINUESESSION)
    tpm.get_random(4, session1=audit)
    attest, signature = tpm.get_session_audit_digest(key, audit, b"asked", NO_SCHEME)
    verifies(public, bytes(attest), signature)
    tpm.flush_context(audit)
    tpm.flush_context(key)


@test("EC_Ephemeral", "ZGen_2Phase")
def two_phases(tpm):
    key, public, *_ = primary(tpm, "ecc256:ecdh-sha256:null", ATTRIBUTES + "|decrypt")
    mine, counter = tpm.ec_ephemeral(TPM2_ECC.NIST_P256)
    theirs = TPM2B_ECC_POINT(public.publicArea.unique.ecc)
    z1, z2 = tpm.zgen_2_phase(key, theirs, mine, TPM2_ALG.ECDH, counter)
    assert bytes(z1.point.x) != bytes(z2.point.x)
    tpm.flush_context(key)


@test("Commit")
def anonymous_signatures(tpm):
    scheme = TPMT_ECC_SCHEME(scheme=TPM2_ALG.ECDAA, details=TPMU_ASYM_SCHEME(ecdaa=TPMS_SCHEME_ECDAA(hashAlg=SHA256)))
    public = template("ecc256:null:null", ATTRIBUTES + "|sign")
    public.publicArea.parameters.eccDetail.scheme = scheme
    public.publicArea.parameters.eccDetail.curveID = TPM2_ECC.BN_P256
    key, public, *_ = tpm.create_primary(sensitive(), public)
    *_, counter = tpm.commit(key, TPM2B_ECC_POINT(), b"", b"")
    in_scheme = TPMT_SIG_SCHEME(
        scheme=TPM2_ALG.ECDAA, details=TPMU_SIG_SCHEME(ecdaa=TPMS_SCHEME_ECDAA(hashAlg=SHA256, count=counter))
    )
    tpm.sign(key, bytes(32), in_scheme, null_ticket())
    tpm.flush_context(key)


def nv_public(index, attributes, size, policy=b""):
    return TPM2B_NV_PUBLIC(
        TPMS_NV_PUBLIC(nvIndex=index, nameAlg=SHA256, attributes=attributes, authPolicy=TPM2B_DIGEST(policy), dataSize=size)
    )


OPEN = TPMA_NV.AUTHREAD | TPMA_NV.AUTHWRITE | TPMA_NV.OWNERREAD | TPMA_NV.OWNERWRITE | TPMA_NV.NO_DA
INDEX = 0x01000010


def kind(number):
    return OPEN | (number << 4)


@test()
def nv_indices(tpm):
    locks = TPMA_NV.READ_STCLEAR | TPMA_NV.WRITE_STCLEAR
    index = tpm.nv_define_space("pin", nv_public(INDEX, OPEN | locks, 8))
    tpm.nv_write(index, b"contents")
    assert bytes(tpm.nv_read(index, 8)) == b"contents"
    read, name = tpm.nv_read_public(index)
    assert read.nvPublic.dataSize == 8
    key, public, *_ = primary(tpm, ECDSA)
    attest, signature = tpm.nv_certify(key, index, b"asked", NO_SCHEME, 8)
    verifies(public, bytes(attest), signature)
    tpm.flush_context(key)
    tpm.nv_write_lock(index)
    refused(0x148, tpm.nv_write, index, b"x")
    tpm.nv_read_lock(index)
    refused(0x148, tpm.nv_read, index, 8)
    tpm.nv_undefine_space(index)
    index = tpm.nv_define_space("pin", nv_public(INDEX, kind(1), 8))
    tpm.nv_increment(index)
    tpm.nv_undefine_space(index)
    index = tpm.nv_define_space("pin", nv_public(INDEX, kind(2), 8))
    tpm.nv_set_bits(index, 5)
    assert bytes(tpm.nv_read(index, 8)) == bytes(7) + b"\5"
    tpm.nv_undefine_space(index)
    index = tpm.nv_define_space("pin", nv_public(INDEX, kind(4), 32))
    tpm.nv_extend(index, b"event")
    assert bytes(tpm.nv_read(index, 32)) == hashlib.sha256(bytes(32) + b"event").digest()
    tpm.nv_undefine_space(index)
    policy = digest_of(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.NV_ChangeAuth))
    index = tpm.nv_define_space("pin", nv_public(INDEX, OPEN, 8, bytes(policy)))
    by = session(tpm)
    tpm.policy_command_code(by, TPM2_CC.NV_ChangeAuth)
    tpm.nv_change_auth(index, "new", session1=by)
    tpm.flush_context(by)
    tpm.nv_write(index, b"contents")
    tpm.nv_undefine_space(index)


@test("NV_GlobalWriteLock")
def global_lock(tpm):
    index = tpm.nv_define_space("pin", nv_public(INDEX, OPEN | TPMA_NV.GLOBALLOCK, 8))
    tpm.nv_write(index, b"contents")
    tpm.nv_global_write_lock()
    refused(0x148, tpm.nv_write, index, b"x")
    tpm.nv_undefine_space(index)


@test("NV_UndefineSpaceSpecial")
def deletion_by_policy(tpm):
    policy = digest_of(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.NV_UndefineSpaceSpecial))
    attributes = OPEN | TPMA_NV.PLATFORMCREATE | TPMA_NV.POLICY_DELETE
    index = tpm.nv_define_space("pin", nv_public(0x01400010, attributes, 8, bytes(policy)), ESYS_TR.PLATFORM)
    by = session(tpm, cipher=False)
    tpm.policy_command_code(by, TPM2_CC.NV_UndefineSpaceSpecial)
    try:
        tpm.nv_undefine_space_special(index, session1=by)
    except TSS2_Exception as error:
        # Of any TPM it takes the response's HMAC, in which the index has no value any more, for a wrong one; after
        # that the connection is of no use.
        assert error.rc >> 16 == 7, f"{error.rc:#x}: not ESAPI's"
    tpm.close()
    again = ESAPI(TCTI)
    _, data = again.get_capability(TPM2_CAP.HANDLES, 0x01400010, 1)
    assert 0x01400010 not in list(data.data.handles), "the index is gone"
    again.close()
    clean()


@test()
def pcr(tpm):
    tpm.pcr_reset(ESYS_TR.PCR16)
    digest = hashlib.sha256(b"event").digest()
    tpm.pcr_extend(ESYS_TR.PCR16, TPML_DIGEST_VALUES([TPMT_HA(hashAlg=SHA256, digest=TPMU_HA(sha256=digest))]))
    _, _, values = tpm.pcr_read("sha256:16")
    assert bytes(values[0]) == hashlib.sha256(bytes(32) + digest).digest()
    tpm.pcr_event(ESYS_TR.PCR16, b"event")
    sequence = tpm.hash_sequence_start(b"", TPM2_ALG.NULL)
    tpm.event_sequence_complete(ESYS_TR.PCR16, sequence, b"event")
    tpm.pcr_reset(ESYS_TR.PCR16)


@test("PCR_SetAuthPolicy")
def pcr_policies(tpm):
    refused(VALUE, tpm.pcr_set_auth_policy, bytes(32), SHA256, ESYS_TR.PCR0)


@test("PCR_SetAuthValue")
def pcr_auth_values(tpm):
    refused(VALUE, tpm.pcr_set_auth_value, ESYS_TR.PCR0, b"auth")


@test()
def hierarchies(tpm):
    tpm.hierarchy_change_auth(ESYS_TR.OWNER, "owner")
    tpm.tr_set_auth(ESYS_TR.OWNER, "wrong")
    refused(BAD_AUTH, tpm.create_primary, sensitive(), "ecc256")
    tpm.tr_set_auth(ESYS_TR.OWNER, "owner")
    tpm.hierarchy_change_auth(ESYS_TR.OWNER, "")
    tpm.tr_set_auth(ESYS_TR.OWNER, "")
    tpm.set_primary_policy(ESYS_TR.OWNER, bytes(32), SHA256)
    tpm.set_primary_policy(ESYS_TR.OWNER, b"", TPM2_ALG.NULL)
    tpm.hierarchy_control(ESYS_TR.PLATFORM, ESYS_TR.OWNER, False)
    refused(0x85, tpm.create_primary, sensitive(), "ecc256")
    tpm.hierarchy_control(ESYS_TR.PLATFORM, ESYS_TR.OWNER, True)
    tpm.clear_control(ESYS_TR.PLATFORM, True)
    refused(0x120, tpm.clear, ESYS_TR.LOCKOUT)
    tpm.clear_control(ESYS_TR.PLATFORM, False)
    tpm.clear(ESYS_TR.PLATFORM)
    tpm.dictionary_attack_parameters(5, 60, 60)
    tpm.dictionary_attack_lock_reset()


@test("ChangeEPS", "ChangePPS")
def seeds(tpm):
    _, before, *_ = primary(tpm, ECDSA, hierarchy=ESYS_TR.ENDORSEMENT)
    tpm.change_eps()
    key, after, *_ = primary(tpm, ECDSA, hierarchy=ESYS_TR.ENDORSEMENT)
    assert before.to_pem() != after.to_pem()
    tpm.flush_context(key)
    tpm.change_pps()


@test()
def clocks(tpm):
    now = tpm.read_clock().clockInfo.clock
    tpm.clock_set(now + 100000)
    assert tpm.read_clock().clockInfo.clock >= now + 100000
    refused(VALUE, tpm.clock_set, 1)
    tpm.clock_rate_adjust(1)
    tpm.clock_rate_adjust(-1)


def opens(tpm, *assertions, auth=""):
    """Seals under the policy of the assertions; it opens with them and not without."""
    root, *_ = primary(tpm)
    policy = bytes(digest_of(tpm, *assertions))
    item, _ = loaded(tpm, root, sealed(policy, "fixedtpm|fixedparent"), auth, "a secret")
    tpm.flush_context(root)
    by = session(tpm)
    refused(POLICY_FAIL, tpm.unseal, item, session1=by)
    for assertion in assertions:
        assertion(by)
    assert bytes(tpm.unseal(item, session1=by)) == b"a secret"
    tpm.policy_restart(by)
    refused(POLICY_FAIL, tpm.unseal, item, session1=by)
    tpm.flush_context(by)
    tpm.flush_context(item)


@test()
def simple_policies(tpm):
    opens(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.Unseal))
    opens(tpm, lambda s: tpm.policy_locality(s, TPMA_LOCALITY.ZERO))
    opens(tpm, lambda s: tpm.policy_auth_value(s), auth="pin")
    opens(tpm, lambda s: tpm.policy_password(s), auth="pin")
    opens(tpm, lambda s: tpm.policy_pcr(s, b"", "sha256:16"))
    opens(tpm, lambda s: tpm.policy_secret(ESYS_TR.OWNER, s, b"", b"", b"", 0))
    opens(tpm, lambda s: tpm.policy_counter_timer(s, TPM2B_OPERAND(bytes(8)), TPM2_EO.UNSIGNED_GE, 0))
    one = bytes(digest_of(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.Unseal)))
    both = TPML_DIGEST([one, bytes(32)])
    opens(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.Unseal), lambda s: tpm.policy_or(s, both))


@test("PolicyPhysicalPresence")
def physical_presence(tpm):
    digest_of(tpm, lambda s: tpm.policy_physical_presence(s))


@test()
def policies_about_parameters(tpm):
    for assertion in (
        lambda s: tpm.policy_cp_hash(s, bytes(32)),
        lambda s: tpm.policy_name_hash(s, bytes(32)),
        lambda s: tpm.policy_template(s, bytes(32)),
        lambda s: tpm.policy_nv_written(s, True),
        lambda s: tpm.policy_duplication_select(s, b"\0\x0b" + bytes(32), b"\0\x0b" + bytes(32), True),
    ):
        assert len(bytes(digest_of(tpm, assertion))) == 32


@test()
def policies_about_nv(tpm):
    index = tpm.nv_define_space("pin", nv_public(INDEX, OPEN, 8))
    tpm.nv_write(index, b"contents")
    equal = TPM2B_OPERAND(b"contents")
    opens(tpm, lambda s: tpm.policy_nv(index, index, s, equal, TPM2_EO.EQ))
    by = session(tpm)
    refused(POLICY, tpm.policy_nv, index, index, by, TPM2B_OPERAND(b"cOntents"), TPM2_EO.EQ)
    tpm.flush_context(by)
    tpm.nv_undefine_space(index)
    index = tpm.nv_define_space("pin", nv_public(INDEX, OPEN, 34))
    policy = bytes(digest_of(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.Unseal)))
    tpm.nv_write(index, b"\0\x0b" + policy)
    opens(
        tpm,
        lambda s: tpm.policy_command_code(s, TPM2_CC.Unseal),
        lambda s: tpm.policy_authorize_nv(index, s),
    )
    tpm.nv_undefine_space(index)


@test()
def policies_by_key(tpm):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public = TPM2B_PUBLIC.from_pem(pem, objectAttributes="sign|userwithauth")
    signer = tpm.load_external(public, hierarchy=ESYS_TR.OWNER)

    def signature(message):
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        ecdsa = TPMS_SIGNATURE_ECC(hash=SHA256, signatureR=r.to_bytes(32, "big"), signatureS=s.to_bytes(32, "big"))
        return TPMT_SIGNATURE(sigAlg=TPM2_ALG.ECDSA, signature=TPMU_SIGNATURE(ecdsa=ecdsa))

    opens(tpm, lambda s: tpm.policy_signed(signer, s, b"", b"", b"", 0, signature(bytes(4))))
    by = session(tpm)
    nonce = bytes(tpm.trsess_get_nonce_tpm(by))
    expiration = -100
    message = nonce + expiration.to_bytes(4, "big", signed=True)
    timeout, ticket = tpm.policy_signed(signer, by, nonce, b"", b"", expiration, signature(message))
    tpm.flush_context(by)
    by = session(tpm)
    name = tpm.tr_get_name(signer)
    tpm.policy_ticket(by, timeout, b"", b"", bytes(name), ticket)
    tpm.flush_context(by)
    policy = bytes(digest_of(tpm, lambda s: tpm.policy_command_code(s, TPM2_CC.Unseal)))
    approved = hashlib.sha256(policy).digest()
    verified = tpm.verify_signature(signer, approved, signature(policy))
    opens(
        tpm,
        lambda s: tpm.policy_command_code(s, TPM2_CC.Unseal),
        lambda s: tpm.policy_authorize(s, policy, b"", bytes(name), verified),
    )
    tpm.flush_context(signer)


@test("PP_Commands")
def physical_presence_commands(tpm):
    try:
        tpm.pp_commands(TPML_CC(), TPML_CC(), session1=ESYS_TR.PASSWORD)
    except TSS2_Exception as error:
        assert error.rc & 0xBF == 0x90, f"{error.rc:#x}: TPM_RC_PP, if nobody is there"


@test("SetAlgorithmSet")
def algorithm_sets(tpm):
    tpm.set_algorithm_set(0)


@test()
def starting_and_stopping(tpm):
    more, data = tpm.get_capability(TPM2_CAP.TPM_PROPERTIES, 0x100, 1)
    assert data.data.tpmProperties.tpmProperty[0].value == int.from_bytes(b"2.0\0", "big")
    tpm.shutdown(TPM2_SU.STATE)
    # ESAPI takes TPM_RC_INITIALIZE for a success.
    tpm.startup(TPM2_SU.STATE)
    # Last, because a TPM whose banks change cannot save its state.
    assert tpm.pcr_allocate("sha256:all+sha384:all")[0]


def clean():
    """Flushes what a test that failed has left."""
    tpm = ESAPI(TCTI)
    for first in (0x80000000, 0x02000000, 0x03000000):
        _, data = tpm.get_capability(TPM2_CAP.HANDLES, first, 100)
        for handle in data.data.handles:
            tpm.flush_context(tpm.tr_from_tpmpublic(handle))
    _, data = tpm.get_capability(TPM2_CAP.HANDLES, INDEX, 1)
    for handle in data.data.handles:
        if handle == INDEX:
            tpm.nv_undefine_space(tpm.tr_from_tpmpublic(handle))
    tpm.close()


def main():
    tpm = Recorder()
    _, data = tpm.get_capability(TPM2_CAP.COMMANDS, 0x11F, 1000)
    here = {int(attributes) & 0xFFFF for attributes in data.data.command}
    tpm.close()
    missing, failed = set(), []
    for function in TESTS:
        absent = [name for name in NEEDS[function] if int(getattr(TPM2_CC, name)) not in here]
        if absent:
            missing.update(absent)
            print(f"not here: {', '.join(absent)} ({function.__name__})")
            continue
        tpm = Recorder()
        try:
            function(tpm)
            print(f"passed {function.__name__}")
        except Exception:
            traceback.print_exc()
            print(f"FAILED {function.__name__}")
            failed.append(function.__name__)
            clean()
        finally:
            tpm.close()
    methods = {name for name in dir(ESAPI) if not name.startswith(("_", "tr"))} - HELPERS
    left = methods - CALLED - set(NOT_HERE)
    assert not failed, failed
    unexplained = {name for name in left if name.replace("_", "") not in {lost.replace("_", "").lower() for lost in missing}}
    assert not unexplained, f"never called: {sorted(unexplained)}"
    print(f"{len(methods & CALLED)} of {len(methods)} commands called; left: {sorted(left)}")


main()
