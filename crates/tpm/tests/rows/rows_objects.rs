//! The error conditions that Part 3 names for the commands of clauses 12 and 13 (error_rows.txt).

use crate::common::{TestTpm, policy};
use crate::outside::{load_external, with};
use crate::policies::{name, start};
use crate::templates::{keys::*, *};
use ironroot_crypto::{Hmac, cfb_encrypt, hash::digest, kdfa};
use ironroot_wire::*;

fn srk(tpm: &mut TestTpm) -> u32 {
    tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle.0
}

fn load(tpm: &mut TestTpm, parent: u32, made: CreateResponse) -> u32 {
    let command =
        Load { parent_handle: TpmiDhObject(parent), in_private: made.out_private, in_public: made.out_public };
    tpm.run_auth(&command).unwrap().object_handle.0
}

fn make(tpm: &mut TestTpm, parent: u32, public: TpmtPublic, data: &[u8]) -> u32 {
    let made = tpm.run_auth(&create(parent, public, b"", data)).unwrap();
    load(tpm, parent, made)
}

fn external(tpm: &mut TestTpm, public: TpmtPublic, private: Option<TpmtSensitive>) -> u32 {
    tpm.run(&load_external(public, private, NULL)).unwrap().object_handle.0
}

#[test]
fn create_command() {
    let mut tpm = TestTpm::started();
    let parent = srk(&mut tpm);
    let public = |code: TpmRc| code.parameter(2);
    let none = OWN.without(A::SENSITIVE_DATA_ORIGIN);
    let rows: [(&str, TpmtPublic, &[u8], TpmRc); 11] = [
        ("sensitiveDataOrigin, and data", keyedhash(OWN, None), b"data", public(TpmRc::ATTRIBUTES)),
        ("neither sensitiveDataOrigin nor data", symcipher(none | A::DECRYPT), b"", public(TpmRc::ATTRIBUTES)),
        ("a key that neither signs nor decrypts", ecc(OWN, None, None), b"", public(TpmRc::ATTRIBUTES)),
        ("the data of a symmetric key are longer than the key", symcipher(none | A::DECRYPT), &[1; 17], TpmRc::SIZE),
        (
            "a scheme that the curve does not allow",
            ecc(OWN | SIGN, None, Some(TpmtEccScheme::Ecdh(TpmiAlgHash::Sha256))),
            b"",
            public(TpmRc::SCHEME),
        ),
        ("an ECC key with a KDF", with_kdf(ecdsa(OWN)), b"", public(TpmRc::KDF)),
        ("a data object without data", keyedhash(none, None), b"", public(TpmRc::ATTRIBUTES)),
        ("a data object with a scheme", keyedhash(none, hmac_sha256()), b"data", public(TpmRc::SCHEME)),
        (
            "an HMAC key that also decrypts, with a scheme",
            keyedhash(OWN | SIGN | A::DECRYPT, hmac_sha256()),
            b"",
            public(TpmRc::SCHEME),
        ),
        (
            "a storage key with fixedParent, another nameAlg than its parent",
            sha384(ecc_srk()),
            b"",
            public(TpmRc::HASH),
        ),
        (
            "a storage key with fixedParent, another cipher than its parent",
            ecc(OWN | STORAGE, aes(TpmiSymKeyBits::Bits256), None),
            b"",
            public(TpmRc::SYMMETRIC),
        ),
    ];
    for (condition, template, data, rc) in rows {
        tpm.row(condition, &create(parent, template, b"", data), rc);
    }
}

fn with_kdf(mut public: TpmtPublic) -> TpmtPublic {
    if let PublicKind::Ecc(parms, _) = &mut public.kind {
        parms.kdf = Some(TpmtKdfScheme::Mgf1(TpmiAlgHash::Sha256));
    }
    public
}

fn sha384(mut public: TpmtPublic) -> TpmtPublic {
    public.name_alg = Some(TpmiAlgHash::Sha384);
    public
}

/// The seed of a parent that is known outside of the TPM.
const SEED: [u8; 32] = [9; 32];

/// A storage key whose secrets are known, under `root`: what it protects can be made outside.
fn known_parent(tpm: &mut TestTpm, root: u32) -> u32 {
    let (public, private) = aes_pair(&[5; 16]);
    let public = with(public, PLAIN | STORAGE);
    let command = Import {
        parent_handle: TpmiDhObject(root),
        encryption_key: Tpm2bData::default(),
        object_public: Tpm2b(public.clone()),
        duplicate: Tpm2bPrivate::from_slice(&Tpm2b(private).to_bytes()).unwrap(),
        in_sym_seed: Tpm2bEncryptedSecret::default(),
        symmetric_alg: None,
    };
    let in_private = tpm.run_auth(&command).unwrap().out_private;
    let load = Load { parent_handle: TpmiDhObject(root), in_private, in_public: Tpm2b(public) };
    tpm.run_auth(&load).unwrap().object_handle.0
}

/// A private area under [`known_parent`] (Part 1, clause 19).
fn sealed_for(parent: u32, public: &TpmtPublic, sensitive: TpmtSensitive) -> Load {
    let hash = TpmiAlgHash::Sha256;
    let name = [&hash.to_bytes()[..], &digest(hash, &[&public.to_bytes()])].concat();
    let iv = [7; 16];
    let mut secret = Tpm2b(sensitive).to_bytes();
    let key = kdfa(hash, &SEED, b"STORAGE", &name, &[], 128);
    cfb_encrypt(TpmiAlgSymObject::Aes, &key, &iv, &mut secret).unwrap();
    let mut outer = Tpm2bIv::from_slice(&iv).unwrap().to_bytes();
    outer.extend(secret);
    let mut hmac = Hmac::new(hash, &kdfa(hash, &SEED, b"INTEGRITY", &[], &[], 256));
    hmac.update(&outer);
    hmac.update(&name);
    let mut blob = Tpm2bDigest::from_slice(&hmac.finish()).unwrap().to_bytes();
    blob.extend(outer);
    Load {
        parent_handle: TpmiDhObject(parent),
        in_private: Tpm2bPrivate::from_slice(&blob).unwrap(),
        in_public: Tpm2b(public.clone()),
    }
}

#[test]
fn load_command() {
    let mut tpm = TestTpm::started();
    let root = srk(&mut tpm);
    let parent = known_parent(&mut tpm, root);
    tpm.run_auth(&sealed_for(parent, &ec_public(), ec_private())).unwrap();
    let useless = with(ec_public(), PLAIN);
    tpm.row(
        "a key that neither signs nor decrypts",
        &sealed_for(parent, &useless, ec_private()),
        TpmRc::ATTRIBUTES.parameter(2),
    );
    let (public, mut private) = aes_pair(&[1; 16]);
    private.sensitive = TpmuSensitiveComposite::Sym(Tpm2bSymKey::from_slice(&[1; 32]).unwrap());
    tpm.row(
        "the sensitive area's key is not as long as the public area says",
        &sealed_for(parent, &with(public, PLAIN | A::DECRYPT), private),
        TpmRc::KEY_SIZE.parameter(1),
    );
    let other = sensitive(TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(&[1; 32]).unwrap()));
    tpm.row(
        "public and sensitive area do not belong together",
        &sealed_for(parent, &ec_public(), other),
        TpmRc::BINDING,
    );
}

#[test]
fn load_external_command() {
    let mut tpm = TestTpm::started();
    let (public, mut private) = aes_pair(&[1; 16]);
    private.sensitive = TpmuSensitiveComposite::Sym(Tpm2bSymKey::from_slice(&[1; 32]).unwrap());
    let command = load_external(with(public, PLAIN | A::DECRYPT), Some(private), NULL);
    tpm.row("the sensitive area's key is not as long as the public area says", &command, TpmRc::KEY_SIZE.parameter(1));
    // (2^1023 + 1) (2^1024 + 1), of which the one factor has 1024 bits and the other 1025.
    let mut n = [0; 256];
    (n[0], n[127], n[128], n[255]) = (0x80, 1, 0x80, 1);
    let mut public = rsa_public();
    if let PublicKind::Rsa(_, unique) = &mut public.kind {
        *unique = Tpm2bPublicKeyRsa::from_slice(&n).unwrap();
    }
    let mut p = [0; 128];
    (p[0], p[127]) = (0x80, 1);
    let private = sensitive(TpmuSensitiveComposite::Rsa(Tpm2bPrivateKeyRsa::from_slice(&p).unwrap()));
    tpm.row("the RSA primes are not of one size", &load_external(public, Some(private), NULL), TpmRc::BINDING);
}

#[test]
fn commands_on_objects() {
    let mut tpm = TestTpm::started();
    let start = HashSequenceStart { auth: Tpm2bAuth::default(), hash_alg: Some(TpmiAlgHash::Sha256) };
    let sequence = tpm.run(&start).unwrap().sequence_handle;
    tpm.row("the handle is a sequence", &ReadPublic { object_handle: sequence }, TpmRc::SEQUENCE);
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(sequence.0) }).unwrap();

    let root = srk(&mut tpm);
    let public_only = external(&mut tpm, ec_public(), None);
    let activate = |activate_handle: u32, key_handle: u32| ActivateCredential {
        activate_handle: TpmiDhObject(activate_handle),
        key_handle: TpmiDhObject(key_handle),
        credential_blob: Tpm2bIdObject::default(),
        secret: Tpm2bEncryptedSecret::default(),
    };
    tpm.row("activateHandle has no sensitive area", &activate(public_only, root), TpmRc::AUTH_UNAVAILABLE);
    tpm.row("keyHandle has no sensitive area", &activate(root, public_only), TpmRc::AUTH_UNAVAILABLE);
    let signing = make(&mut tpm, root, ecdsa(OWN), b"");
    tpm.row("keyHandle is not a storage key", &activate(root, signing), TpmRc::TYPE.handle(2));

    let unseal = |handle: u32| Unseal { item_handle: TpmiDhObject(handle) };
    let mac = make(&mut tpm, root, keyedhash(OWN | SIGN, hmac_sha256()), b"");
    tpm.row("the object signs, decrypts or is restricted", &unseal(mac), TpmRc::ATTRIBUTES.handle(1));
    tpm.row("the object is not a data object", &unseal(signing), TpmRc::TYPE.handle(1));
}

#[test]
fn create_loaded_command() {
    let mut tpm = TestTpm::started();
    let root = srk(&mut tpm);
    let parent = make(&mut tpm, root, keyedhash(OWN | STORAGE, derivation()), b"");
    let mut template = with(rsassa(OWN), A::FIXED_TPM | A::FIXED_PARENT | A::USER_WITH_AUTH | SIGN).to_bytes();
    // A template for derivation ends with label and context instead of a modulus.
    template.extend([0, 0]);
    let command = CreateLoaded {
        parent_handle: TpmiDhParent(parent),
        in_sensitive: secret(b"", b""),
        in_public: Tpm2bTemplate::from_slice(&template).unwrap(),
    };
    tpm.row("an RSA key from a derivation parent", &command, TpmRc::TYPE.parameter(2));
}

/// A policy session for TPM2_Duplicate, or for one object and parent.
fn duplication_session(tpm: &mut TestTpm, names: Option<(Tpm2bName, Tpm2bName)>) -> u32 {
    let policy_session = start(tpm, TpmSe::Policy, TpmiAlgHash::Sha256).handle;
    match names {
        None => {
            tpm.run(&PolicyCommandCode { policy_session, code: Duplicate::INFO.code }).unwrap();
        }
        Some((object_name, new_parent_name)) => {
            let include_object = TpmiYesNo(false);
            let command = PolicyDuplicationSelect { policy_session, object_name, new_parent_name, include_object };
            tpm.run(&command).unwrap();
        }
    }
    policy_session.0
}

/// The policy of such a session.
fn policy_digest(names: Option<(Tpm2bName, Tpm2bName)>) -> Tpm2bDigest {
    let mut tpm = TestTpm::started();
    let policy_session = TpmiShPolicy(duplication_session(&mut tpm, names));
    tpm.run(&PolicyGetDigest { policy_session }).unwrap().policy_digest
}

fn with_policy(mut public: TpmtPublic, policy: Tpm2bDigest) -> TpmtPublic {
    public.auth_policy = policy;
    public
}

fn duplicate(object: u32, new_parent: Option<u32>, symmetric_alg: Option<TpmtSymDefObject>) -> Duplicate {
    Duplicate {
        object_handle: TpmiDhObject(object),
        new_parent_handle: new_parent.map(TpmiDhObject),
        encryption_key_in: Tpm2bData::default(),
        symmetric_alg,
    }
}

#[test]
fn duplicate_command() {
    let mut tpm = TestTpm::started();
    let root = srk(&mut tpm);
    let policy_of = policy_digest(None);
    let mut rows = |condition: &str, public: TpmtPublic, parent: Option<u32>, inner, rc| {
        let object = make(&mut tpm, root, with_policy(public, policy_of.clone()), b"");
        let session = duplication_session(&mut tpm, None);
        tpm.row_with(condition, &duplicate(object, parent, inner), &[policy(session)], rc);
        for handle in [object, session] {
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle) }).unwrap();
        }
    };
    let encrypted = ecdsa(MOBILE | A::ENCRYPTED_DUPLICATION);
    rows(
        "encryptedDuplication without an inner wrapper",
        encrypted.clone(),
        Some(root),
        None,
        TpmRc::SYMMETRIC.parameter(2),
    );
    rows("encryptedDuplication without a new parent", encrypted, None, aes128(), TpmRc::HIERARCHY.handle(2));
    rows("an object with fixedParent", ecdsa(OWN), Some(root), None, TpmRc::ATTRIBUTES.handle(1));

    let other = name(TpmiAlgHash::Sha256, 1);
    let wrong = policy_digest(Some((Tpm2bName::default(), other.clone())));
    let object = make(&mut tpm, root, with_policy(ecdsa(MOBILE), wrong), b"");
    let session = duplication_session(&mut tpm, Some((Tpm2bName::default(), other)));
    tpm.row_with(
        "another object or new parent than TPM2_PolicyDuplicationSelect names",
        &duplicate(object, Some(root), None),
        &[policy(session)],
        TpmRc::POLICY_FAIL.session(1),
    );
}

fn import(parent: u32, public: TpmtPublic, duplicate: &[u8]) -> Import {
    Import {
        parent_handle: TpmiDhObject(parent),
        encryption_key: Tpm2bData::default(),
        object_public: Tpm2b(public),
        duplicate: Tpm2bPrivate::from_slice(duplicate).unwrap(),
        in_sym_seed: Tpm2bEncryptedSecret::default(),
        symmetric_alg: None,
    }
}

#[test]
fn import_command() {
    let mut tpm = TestTpm::started();
    let root = srk(&mut tpm);
    let plain = Tpm2b(ec_private()).to_bytes();
    let fixed = with(ec_public(), PLAIN | SIGN | A::FIXED_PARENT);
    tpm.row("an object with fixedTPM or fixedParent", &import(root, fixed, &plain), TpmRc::ATTRIBUTES.parameter(2));

    let encrypted = with(ec_public(), PLAIN | SIGN | A::ENCRYPTED_DUPLICATION);
    tpm.row(
        "encryptedDuplication without an inner wrapper",
        &import(root, encrypted.clone(), &plain),
        TpmRc::ATTRIBUTES.parameter(1),
    );
    let inner = Import {
        encryption_key: Tpm2bData::from_slice(&[3; 16]).unwrap(),
        symmetric_alg: aes128(),
        ..import(root, encrypted, &plain)
    };
    tpm.row("encryptedDuplication without a seed", &inner, TpmRc::ATTRIBUTES.parameter(4));

    // An object on its way to the root, in both wrappers.
    let policy_of = policy_digest(None);
    let made = tpm.run_auth(&create(root, with_policy(ecdsa(MOBILE), policy_of), b"", b"")).unwrap();
    let public = made.out_public.0.clone();
    let object = load(&mut tpm, root, made);
    let session = duplication_session(&mut tpm, None);
    let sent = tpm.run_with(&duplicate(object, Some(root), aes128()), &[policy(session)]).unwrap();
    let arriving = Import {
        encryption_key: sent.encryption_key_out,
        in_sym_seed: sent.out_sym_seed,
        symmetric_alg: aes128(),
        ..import(root, public.clone(), &sent.duplicate)
    };
    tpm.run_auth(&arriving).unwrap();
    let mut damaged = sent.duplicate.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let outer = Import { duplicate: Tpm2bPrivate::from_slice(&damaged).unwrap(), ..arriving };
    tpm.row("the outer wrapper is damaged", &outer, TpmRc::INTEGRITY.parameter(3));

    let session = duplication_session(&mut tpm, None);
    let sent = tpm.run_with(&duplicate(object, None, aes128()), &[policy(session)]).unwrap();
    let mut damaged = sent.duplicate.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let inner =
        Import { encryption_key: sent.encryption_key_out, symmetric_alg: aes128(), ..import(root, public, &damaged) };
    tpm.row("the inner wrapper is damaged", &inner, TpmRc::INTEGRITY.parameter(3));
}
