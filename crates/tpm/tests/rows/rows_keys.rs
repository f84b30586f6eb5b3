//! The error conditions that Part 3 names for the commands of clauses 14, 15, 17, 18 and 20 (error_rows.txt).

use crate::common::{self, TestTpm};
use crate::outside::{load_external, no_ticket, with, with_ecc_scheme, with_keyedhash_scheme, with_rsa_scheme};
use crate::templates::{keys::*, *};
use ironroot_wire::*;

const DECRYPT: A = A(A::USER_WITH_AUTH.0 | A::DECRYPT.0);
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const SHA384: TpmiAlgHash = TpmiAlgHash::Sha384;

fn load(tpm: &mut TestTpm, public: TpmtPublic, private: TpmtSensitive) -> TpmiDhObject {
    TpmiDhObject(tpm.run(&load_external(public, Some(private), NULL)).unwrap().object_handle.0)
}

fn rsa_decryption(scheme: Option<TpmtRsaScheme>) -> TpmtPublic {
    with_rsa_scheme(with(rsa_public(), DECRYPT), scheme)
}

/// A restricted key: only this TPM's own keys are.
fn restricted(tpm: &mut TestTpm, public: TpmtPublic) -> TpmiDhObject {
    TpmiDhObject(tpm.run_auth(&create_primary(OWNER, public)).unwrap().object_handle.0)
}

#[test]
fn rsa_encryption() {
    let mut tpm = TestTpm::started();
    let encrypt = |key_handle, in_scheme, label: &[u8]| RsaEncrypt {
        key_handle,
        message: Tpm2bRsaMessage::from_slice(b"text").unwrap(),
        in_scheme,
        label: Tpm2bData::from_slice(label).unwrap(),
    };
    let decrypt = |key_handle, cipher_text: &[u8], in_scheme, label: &[u8]| RsaDecrypt {
        key_handle,
        cipher_text: Tpm2bPublicKeyRsa::from_slice(cipher_text).unwrap(),
        in_scheme,
        label: Tpm2bData::from_slice(label).unwrap(),
    };
    let oaep = load(&mut tpm, rsa_decryption(Some(TpmtRsaScheme::Oaep(SHA256))), rsa_private());
    let other = Some(TpmtRsaDecrypt::Rsaes(()));
    let text = tpm.run(&encrypt(oaep, None, b"label\0")).unwrap().out_data;
    tpm.row("another scheme than the key's", &encrypt(oaep, other.clone(), b""), TpmRc::SCHEME.parameter(2));
    tpm.row("another scheme than the key's", &decrypt(oaep, &text, other, b""), TpmRc::SCHEME.parameter(2));
    let label = TpmRc::VALUE.parameter(3);
    tpm.row("a label that does not end with 0", &encrypt(oaep, None, b"label"), label);
    tpm.row("a label that does not end with 0", &decrypt(oaep, &text, None, b"label"), label);
    let value = TpmRc::VALUE.parameter(1);
    tpm.row("the label is another one", &decrypt(oaep, &text, None, b"other\0"), value);
    tpm.row("the padding is wrong", &decrypt(oaep, &[1; 256], None, b""), value);

    let ecc = load(&mut tpm, ec_public(), ec_private());
    tpm.row("not an RSA key", &encrypt(ecc, None, b""), TpmRc::KEY.handle(1));
    tpm.row("not an RSA key", &decrypt(ecc, &text, None, b""), TpmRc::KEY.handle(1));
    let signing = load(&mut tpm, rsa_public(), rsa_private());
    tpm.row("a key that does not decrypt", &decrypt(signing, &text, None, b""), TpmRc::ATTRIBUTES.handle(1));
    let storage = restricted(&mut tpm, rsa_srk());
    tpm.row("a restricted key", &decrypt(storage, &text, None, b""), TpmRc::ATTRIBUTES.handle(1));
}

#[test]
fn ecdh() {
    let mut tpm = TestTpm::started();
    let z_gen = |key_handle, point: TpmsEccPoint| EcdhZGen { key_handle, in_point: Tpm2b(point) };
    let point = || ec_point(&bytes(EC_X), &bytes(EC_Y));
    let rsa = load(&mut tpm, rsa_decryption(None), rsa_private());
    tpm.row("not an ECC key", &EcdhKeyGen { key_handle: rsa }, TpmRc::KEY.handle(1));
    tpm.row("not an ECC key", &z_gen(rsa, point()), TpmRc::KEY.handle(1));
    let signing = load(&mut tpm, ec_public(), ec_private());
    tpm.row("a key that does not decrypt", &z_gen(signing, point()), TpmRc::ATTRIBUTES.handle(1));
    let storage = restricted(&mut tpm, ecc_srk());
    tpm.row("a restricted key", &z_gen(storage, point()), TpmRc::ATTRIBUTES.handle(1));
    let key = load(&mut tpm, with_ecc_scheme(with(ec_public(), DECRYPT), None), ec_private());
    let off = ec_point(&bytes(EC_X), &bytes(EC_X));
    tpm.row("the point is not on the curve", &z_gen(key, off), TpmRc::ECC_POINT.parameter(1));
}

fn cipher_key(tpm: &mut TestTpm, mode: Option<TpmiAlgSymMode>, attributes: A) -> TpmiDhObject {
    let (mut public, private) = aes_pair(&[1; 16]);
    if let PublicKind::Symcipher(parms, _) = &mut public.kind {
        parms.sym.mode = mode;
    }
    load(tpm, with(public, attributes | A::USER_WITH_AUTH), private)
}

#[test]
fn symmetric_encryption() {
    let mut tpm = TestTpm::started();
    let encrypt = |key_handle, decrypt, mode, iv: &[u8], data: &[u8]| EncryptDecrypt2 {
        key_handle,
        in_data: Tpm2bMaxBuffer::from_slice(data).unwrap(),
        decrypt: TpmiYesNo(decrypt),
        mode,
        iv_in: Tpm2bIv::from_slice(iv).unwrap(),
    };
    let (iv, block) = ([0; 16], [0; 16]);
    let cbc = Some(TpmiAlgCipherMode::Cbc);
    let ecc = load(&mut tpm, ec_public(), ec_private());
    tpm.row("not a symmetric cipher key", &encrypt(ecc, false, cbc, &iv, &block), TpmRc::KEY.handle(1));
    let storage = restricted(&mut tpm, symcipher(OWN | STORAGE));
    tpm.row("a restricted key", &encrypt(storage, true, cbc, &iv, &block), TpmRc::ATTRIBUTES.handle(1));
    let encrypts = cipher_key(&mut tpm, Some(TpmiAlgSymMode::Cbc), SIGN);
    let attributes = TpmRc::ATTRIBUTES.handle(1);
    tpm.row("decryption by a key that does not decrypt", &encrypt(encrypts, true, cbc, &iv, &block), attributes);
    let other = Some(TpmiAlgCipherMode::Ecb);
    tpm.row("another mode than the key's", &encrypt(encrypts, false, other, &[], &block), TpmRc::MODE.parameter(3));
    tpm.row("ivIn is not a block", &encrypt(encrypts, false, cbc, &iv[1..], &block), TpmRc::SIZE.parameter(4));
    let whole = "CBC or ECB data that are not whole blocks";
    tpm.row(whole, &encrypt(encrypts, false, cbc, &iv, &block[1..]), TpmRc::SIZE.parameter(1));
    let decrypts = cipher_key(&mut tpm, None, A::DECRYPT);
    tpm.row("encryption by a key that does not encrypt", &encrypt(decrypts, false, cbc, &iv, &block), attributes);
    tpm.row("no mode at all", &encrypt(decrypts, true, None, &iv, &block), TpmRc::MODE.parameter(3));
}

#[test]
fn macs() {
    let mut tpm = TestTpm::started();
    let hmac = |handle, hash_alg| Hmac { handle, buffer: Tpm2bMaxBuffer::from_slice(b"text").unwrap(), hash_alg };
    let start = |handle, hash_alg| HmacStart { handle, auth: Tpm2bAuth::default(), hash_alg };
    let ecc = load(&mut tpm, ec_public(), ec_private());
    let (public, private) = hmac_pair(b"key");
    let both_ways = with(public.clone(), DECRYPT | SIGN);
    let no_scheme = load(&mut tpm, with_keyedhash_scheme(both_ways, None), private.clone());
    let data = load(&mut tpm, with_keyedhash_scheme(with(public.clone(), PLAIN), None), private.clone());
    let key = load(&mut tpm, public, private);
    let bound = restricted(&mut tpm, keyedhash(OWN | SIGN | A::RESTRICTED, hmac_sha256()));
    for (condition, handle, hash, rc) in [
        ("a key that does not sign", data, Some(SHA256), TpmRc::KEY.handle(1)),
        ("a key that makes no MAC", ecc, Some(SHA256), TpmRc::TYPE.handle(1)),
        ("a restricted key", bound, None, TpmRc::ATTRIBUTES.handle(1)),
        ("another scheme than the key's", key, Some(SHA384), TpmRc::VALUE.parameter(2)),
        ("no scheme at all", no_scheme, None, TpmRc::VALUE.parameter(2)),
    ] {
        tpm.row(condition, &hmac(handle, hash), rc);
        tpm.row(condition, &start(handle, hash), rc);
    }
}

#[test]
fn sequences() {
    let mut tpm = TestTpm::started();
    let start = |hash_alg| HashSequenceStart { auth: Tpm2bAuth::default(), hash_alg };
    let mut bytes = common::encode(&start(Some(SHA256)), &[]);
    *bytes.last_mut().unwrap() = 1;
    let refused = common::rc(&tpm.raw(&bytes));
    let code = HashSequenceStart::INFO.code.0;
    common::rows::holds(code, "a hash that is not implemented", TpmRc::HASH.parameter(2), Some(refused));
    let hash = tpm.run(&start(Some(SHA256))).unwrap().sequence_handle;
    let event = tpm.run(&start(None)).unwrap().sequence_handle;
    let buffer = Tpm2bMaxBuffer::default();
    let complete =
        SequenceComplete { sequence_handle: event, buffer: buffer.clone(), hierarchy: TpmiRhHierarchy(NULL) };
    tpm.row("an event sequence", &complete, TpmRc::MODE.handle(1));
    let complete = EventSequenceComplete { pcr_handle: None, sequence_handle: hash, buffer };
    tpm.row("a sequence that is no event sequence", &complete, TpmRc::MODE.handle(2));
}

fn sha384() -> Option<TpmtSigScheme> {
    Some(TpmtSigScheme::Ecdsa(SHA384))
}

#[test]
fn attestation() {
    let mut tpm = TestTpm::started();
    let creation = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).unwrap();
    let key = TpmiDhObject(creation.object_handle.0);
    let open = load(&mut tpm, with_ecc_scheme(ec_public(), None), ec_private());
    let silent = load(&mut tpm, with_ecc_scheme(with(ec_public(), DECRYPT), None), ec_private());
    let data = Tpm2bData::default;
    let certify = |sign: TpmiDhObject, in_scheme| Certify {
        object_handle: key,
        sign_handle: Some(sign),
        qualifying_data: data(),
        in_scheme,
    };
    let quote = |sign: TpmiDhObject, in_scheme| Quote {
        sign_handle: Some(sign),
        qualifying_data: data(),
        in_scheme,
        pcr_select: TpmlPcrSelection::default(),
    };
    let time = |sign: TpmiDhObject, in_scheme| GetTime {
        privacy_admin_handle: TpmiRhEndorsement(ENDORSEMENT),
        sign_handle: Some(sign),
        qualifying_data: data(),
        in_scheme,
    };
    let ticket = creation.creation_ticket.clone();
    let creation_of = |sign: TpmiDhObject, in_scheme, object: TpmiDhObject| CertifyCreation {
        sign_handle: Some(sign),
        object_handle: object,
        qualifying_data: data(),
        creation_hash: creation.creation_hash.clone(),
        in_scheme,
        creation_ticket: ticket.clone(),
    };
    let not_signing = "a key that does not sign";
    tpm.row(not_signing, &certify(silent, sha384()), TpmRc::KEY.handle(2));
    tpm.row(not_signing, &quote(silent, sha384()), TpmRc::KEY.handle(1));
    tpm.row(not_signing, &time(silent, sha384()), TpmRc::KEY.handle(2));
    tpm.row(not_signing, &creation_of(silent, sha384(), key), TpmRc::KEY.handle(1));
    let other = "another scheme than the key's";
    tpm.row(other, &certify(key, sha384()), TpmRc::SCHEME.parameter(2));
    tpm.row(other, &quote(key, sha384()), TpmRc::SCHEME.parameter(2));
    tpm.row(other, &time(key, sha384()), TpmRc::SCHEME.parameter(2));
    tpm.row(other, &creation_of(key, sha384(), key), TpmRc::SCHEME.parameter(3));
    tpm.row("no scheme at all", &certify(open, None), TpmRc::SCHEME.parameter(2));
    tpm.row("no scheme at all", &quote(open, None), TpmRc::SCHEME.parameter(2));
    tpm.row("a ticket of another object", &creation_of(key, None, open), TpmRc::TICKET.parameter(4));
}

#[test]
fn signatures() {
    let mut tpm = TestTpm::started();
    let digest = [7; 32];
    let sign = |key_handle, in_scheme, validation| Sign {
        key_handle,
        digest: Tpm2bDigest::from_slice(&digest).unwrap(),
        in_scheme,
        validation,
    };
    let key = load(&mut tpm, ec_public(), ec_private());
    let open = load(&mut tpm, with_ecc_scheme(ec_public(), None), ec_private());
    let silent = load(&mut tpm, with_ecc_scheme(with(ec_public(), DECRYPT), None), ec_private());
    tpm.row("a key that does not sign", &sign(silent, sha384(), no_ticket()), TpmRc::KEY.handle(1));
    tpm.row("another scheme than the key's", &sign(key, sha384(), no_ticket()), TpmRc::SCHEME.parameter(2));
    let foreign = Some(TpmtSigScheme::Rsassa(SHA256));
    tpm.row(
        "a scheme that is not for keys of this type",
        &sign(open, foreign, no_ticket()),
        TpmRc::SCHEME.parameter(2),
    );
    let certifies = restricted(&mut tpm, ecdsa(OWN | A::X509_SIGN));
    tpm.row("a key with x509sign", &sign(certifies, None, no_ticket()), TpmRc::ATTRIBUTES.handle(1));
    let bound = restricted(&mut tpm, ecdsa(OWN | A::RESTRICTED));
    let hash = Hash {
        data: Tpm2bMaxBuffer::from_slice(b"something else").unwrap(),
        hash_alg: SHA256,
        hierarchy: TpmiRhHierarchy(OWNER),
    };
    let other = tpm.run(&hash).unwrap().validation;
    let ticket = TpmRc::TICKET.parameter(3);
    tpm.row("a restricted key and a ticket for another digest", &sign(bound, None, other), ticket);

    let signature = tpm.run_auth(&sign(key, None, no_ticket())).unwrap().signature;
    let verify = VerifySignature { key_handle: key, digest: Tpm2bDigest::from_slice(&[8; 32]).unwrap(), signature };
    tpm.row("the signature is wrong", &verify, TpmRc::SIGNATURE.parameter(2));
}

#[test]
fn split_operations() {
    let mut tpm = TestTpm::started();
    let point = || Tpm2b(ec_point(&bytes(EC_X), &bytes(EC_Y)));
    let key = load(&mut tpm, ec_public(), ec_private());
    let ecdaa = Some(TpmtEccScheme::Ecdaa(TpmsSchemeEcdaa { hash_alg: SHA256, count: 0 }));
    let anonymous = load(&mut tpm, with_ecc_scheme(ec_public(), ecdaa), ec_private());
    let commit = |sign_handle, y2: &[u8]| Commit {
        sign_handle,
        p1: point(),
        s2: Tpm2bSensitiveData::default(),
        y2: Tpm2bEccParameter::from_slice(y2).unwrap(),
    };
    tpm.row("the key's scheme is not anonymous", &commit(key, b""), TpmRc::SCHEME.handle(1));
    tpm.row("y2 without s2", &commit(anonymous, &[1]), TpmRc::SIZE.parameter(3));

    let exchange = |key_a, in_qs_b, in_qe_b, in_scheme| ZGen2Phase { key_a, in_qs_b, in_qe_b, in_scheme, counter: 0 };
    let off = || Tpm2b(ec_point(&bytes(EC_X), &bytes(EC_X)));
    let ecdh = with_ecc_scheme(with(ec_public(), DECRYPT), Some(TpmtEccScheme::Ecdh(SHA256)));
    let ecdh = load(&mut tpm, ecdh, ec_private());
    tpm.run(&EcEphemeral { curve_id: TpmEccCurve::NistP256 }).unwrap();
    let scheme = TpmiEccKeyExchange::Ecdh;
    let other = exchange(ecdh, point(), point(), TpmiEccKeyExchange::Ecmqv);
    tpm.row("a scheme that is no two-phase key exchange", &other, TpmRc::SCHEME.parameter(3));
    tpm.row("inQsB is not on the curve", &exchange(ecdh, off(), point(), scheme), TpmRc::ECC_POINT.parameter(1));
    tpm.row("inQeB is not on the curve", &exchange(ecdh, point(), off(), scheme), TpmRc::ECC_POINT.parameter(2));
}

#[test]
fn ecc_encryption() {
    let mut tpm = TestTpm::started();
    let kdf2 = || Some(TpmtKdfScheme::Kdf2(SHA256));
    let encrypt = |key_handle| EccEncrypt {
        key_handle,
        plain_text: Tpm2bMaxBuffer::from_slice(b"text").unwrap(),
        in_scheme: kdf2(),
    };
    let decrypt = |key_handle| EccDecrypt {
        key_handle,
        c1: Tpm2b(ec_point(&bytes(EC_X), &bytes(EC_Y))),
        c2: Tpm2bMaxBuffer::from_slice(b"text").unwrap(),
        c3: Tpm2bDigest::from_slice(&[0; 32]).unwrap(),
        in_scheme: kdf2(),
    };
    let rsa = load(&mut tpm, rsa_decryption(None), rsa_private());
    tpm.row("not an ECC key", &encrypt(rsa), TpmRc::KEY.handle(1));
    tpm.row("not an ECC key", &decrypt(rsa), TpmRc::KEY.handle(1));
    let signing = load(&mut tpm, ec_public(), ec_private());
    tpm.row("a key that does not decrypt", &decrypt(signing), TpmRc::ATTRIBUTES.handle(1));
    let parent = restricted(&mut tpm, ecc_srk());
    tpm.row("a restricted key", &decrypt(parent), TpmRc::ATTRIBUTES.handle(1));
}
