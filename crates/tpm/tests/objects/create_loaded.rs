//! `TPM2_CreateLoaded` through bytes: primary, ordinary and derived objects.

use crate::common::{TestTpm, password};
use crate::templates::*;
use ironroot_crypto::{EccProvider, PORTABLE, Random, ecc::generate, hash::digest, kdfa};
use ironroot_wire::*;

fn template(public: &TpmtPublic) -> Tpm2bTemplate {
    Tpm2bTemplate::from_slice(&public.to_bytes()).unwrap()
}

/// A template with label and context where the unique value would be.
fn derive_template(public: &TpmtPublic, label: &[u8], context: &[u8]) -> Tpm2bTemplate {
    let mut bytes = public.to_bytes();
    let unique = if matches!(public.kind, PublicKind::Ecc(..)) { 4 } else { 2 };
    bytes.truncate(bytes.len() - unique);
    for part in [label, context] {
        Tpm2bLabel::from_slice(part).unwrap().marshal(&mut bytes);
    }
    Tpm2bTemplate::from_slice(&bytes).unwrap()
}

fn create_loaded(parent: u32, template: Tpm2bTemplate, auth: &[u8], data: &[u8]) -> CreateLoaded {
    CreateLoaded { parent_handle: TpmiDhParent(parent), in_sensitive: secret(auth, data), in_public: template }
}

#[test]
fn a_primary_object_is_the_one_of_create_primary() {
    let mut tpm = TestTpm::started();
    for public in [ecc_srk(), rsa_srk(), ecdsa(OWN)] {
        let primary = tpm.run_auth(&create_primary(OWNER, public.clone())).unwrap();
        let loaded = tpm.run_auth(&create_loaded(OWNER, template(&public), b"", b"")).unwrap();
        assert_eq!(primary.name, loaded.name);
        assert_eq!(primary.out_public, loaded.out_public);
        assert!(loaded.out_private.is_empty());
        let read = |handle: TpmHandle| ReadPublic { object_handle: TpmiDhObject(handle.0) };
        assert_eq!(tpm.run(&read(primary.object_handle)), tpm.run(&read(loaded.object_handle)));
    }
}

#[test]
fn an_ordinary_object_is_loaded_and_can_be_loaded_again() {
    let mut tpm = TestTpm::started();
    let parent = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle.0;
    let made = tpm.run_auth(&create_loaded(parent, template(&sealed()), b"auth", b"data")).unwrap();
    let load = Load {
        parent_handle: TpmiDhObject(parent),
        in_private: made.out_private.clone(),
        in_public: made.out_public.clone(),
    };
    let again = tpm.run_auth(&load).unwrap();
    assert_eq!(again.name, made.name);
    for handle in [made.object_handle, again.object_handle] {
        let unseal = Unseal { item_handle: TpmiDhObject(handle.0) };
        assert_eq!(tpm.run_with(&unseal, &[password(b"auth")]).unwrap().out_data.as_slice(), b"data");
    }
}

const PARENT_KEY: &[u8] = b"the secret of a derivation parent";

/// A derivation parent with a known key, and its key.
fn derivation_parent(tpm: &mut TestTpm) -> u32 {
    let attributes = A::USER_WITH_AUTH | STORAGE;
    let made = tpm.run_auth(&{
        let mut command = create_primary(OWNER, keyedhash(attributes, derivation()));
        command.in_sensitive = secret(b"", PARENT_KEY);
        command
    });
    made.unwrap().object_handle.0
}

/// What a derived object is made of, computed from the text of Part 1, 25.4.
struct Stream(Vec<u8>, usize);

impl Random for Stream {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0[self.1..self.1 + out.len()]);
        self.1 += out.len();
    }
}

fn stream(label: &[u8], context: &[u8]) -> Stream {
    Stream(kdfa(TpmiAlgHash::Sha256, PARENT_KEY, label, context, &[], 8192).to_vec(), 0)
}

const DERIVED: A = A(A::FIXED_PARENT.0 | A::USER_WITH_AUTH.0);

#[test]
fn derived_objects_are_as_part_1_computes_them() {
    let mut tpm = TestTpm::started();
    let parent = derivation_parent(&mut tpm);
    // ECC: 40 bytes for the scalar.
    let made = tpm.run_auth(&create_loaded(parent, derive_template(&ecdsa(DERIVED), b"label", b"context"), b"", b""));
    let made = made.unwrap();
    assert!(made.out_private.is_empty());
    let (_, point) = generate(&PORTABLE, TpmEccCurve::NistP256, &mut stream(b"label", b"context")).unwrap();
    PORTABLE.ecc_check_point(TpmEccCurve::NistP256, &point).unwrap();
    let PublicKind::Ecc(_, unique) = &made.out_public.0.kind else { panic!("not ECC") };
    assert_eq!((unique.x.as_slice(), unique.y.as_slice()), (point.x.as_slice(), point.y.as_slice()));
    // AES: 16 bytes for the key, then 32 for the seedValue (the example of Part 1).
    let public = symcipher(DERIVED | A::DECRYPT);
    let made = tpm.run_auth(&create_loaded(parent, derive_template(&public, b"label", b""), b"", b"")).unwrap();
    let bytes = stream(b"label", b"").0;
    let PublicKind::Symcipher(_, unique) = &made.out_public.0.kind else { panic!("not a cipher") };
    assert_eq!(unique.as_slice(), &*digest(TpmiAlgHash::Sha256, &[&bytes[16..48], &bytes[..16]]));
    // HMAC: 32 bytes for the key; label and context from the sensitive data, where the template has none.
    let public = keyedhash(DERIVED | SIGN, hmac_sha256());
    let mut data = Tpm2bLabel::from_slice(b"ignored").unwrap().to_bytes();
    Tpm2bLabel::from_slice(b"from the data").unwrap().marshal(&mut data);
    let made = tpm.run_auth(&create_loaded(parent, derive_template(&public, b"label", b""), b"", &data)).unwrap();
    let bytes = stream(b"label", b"from the data").0;
    let PublicKind::Keyedhash(_, unique) = &made.out_public.0.kind else { panic!("not a keyed hash") };
    assert_eq!(unique.as_slice(), &*digest(TpmiAlgHash::Sha256, &[&bytes[32..64], &bytes[..32]]));
}

#[test]
fn derivation_refuses_what_it_must() {
    let mut tpm = TestTpm::started();
    let parent = derivation_parent(&mut tpm);
    let hmac = || keyedhash(DERIVED | SIGN, hmac_sha256());
    let long = derive_template(&hmac(), b"l", b"c").to_vec();
    let rows = [
        ("RSA", derive_template(&rsassa(DERIVED), b"", b""), TpmRc::TYPE.parameter(2)),
        (
            "sensitiveDataOrigin",
            derive_template(&keyedhash(DERIVED | SIGN | A::SENSITIVE_DATA_ORIGIN, hmac_sha256()), b"", b""),
            TpmRc::ATTRIBUTES,
        ),
        (
            "without fixedParent",
            derive_template(&keyedhash(A::USER_WITH_AUTH | SIGN, hmac_sha256()), b"", b""),
            TpmRc::ATTRIBUTES.parameter(2),
        ),
        (
            "fixedTPM",
            derive_template(&keyedhash(DERIVED | A::FIXED_TPM | SIGN, hmac_sha256()), b"", b""),
            TpmRc::ATTRIBUTES.parameter(2),
        ),
        (
            "storage key",
            derive_template(&ecc(DERIVED | STORAGE, aes128(), None), b"", b""),
            TpmRc::SYMMETRIC.parameter(2),
        ),
        ("bytes left over", Tpm2bTemplate::from_slice(&[&long[..], &[0]].concat()).unwrap(), TpmRc::SIZE.parameter(2)),
        (
            "bytes missing",
            Tpm2bTemplate::from_slice(&long[..long.len() - 1]).unwrap(),
            TpmRc::INSUFFICIENT.parameter(2),
        ),
        ("nothing", Tpm2bTemplate::default(), TpmRc::INSUFFICIENT.parameter(2)),
    ];
    for (what, template, expected) in rows {
        let result = tpm.run_auth(&create_loaded(parent, template, b"", b""));
        assert_eq!(result.map(|_| ()), Err(expected), "{what}");
    }
    let long_auth = create_loaded(parent, derive_template(&hmac(), b"", b""), &[1; 33], b"");
    assert_eq!(tpm.run_auth(&long_auth).map(|_| ()), Err(TpmRc::SIZE.parameter(1)));
    let bad_data = create_loaded(parent, derive_template(&hmac(), b"", b""), b"", &[0, 9, 1]);
    assert_eq!(tpm.run_auth(&bad_data).map(|_| ()), Err(TpmRc::INSUFFICIENT));
    let signer = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).unwrap().object_handle.0;
    let no_parent = create_loaded(signer, template(&sealed()), b"", b"x");
    assert_eq!(tpm.run_auth(&no_parent).map(|_| ()), Err(TpmRc::TYPE.handle(1)));
}

#[test]
fn the_same_label_gives_the_same_key_whatever_the_attributes() {
    let mut tpm = TestTpm::started();
    let parent = derivation_parent(&mut tpm);
    let mut point = |attributes: A, label: &[u8]| {
        let template = derive_template(&ecc(attributes, None, None), label, b"");
        let made = tpm.run_auth(&create_loaded(parent, template, b"", b"")).unwrap();
        (made.out_public.0.kind, made.name)
    };
    let one = point(DERIVED | SIGN, b"one");
    let two = point(DERIVED | SIGN | A::DECRYPT | A::NO_DA, b"one");
    assert_eq!(one.0, two.0);
    assert_ne!(one.1, two.1);
    assert_ne!(one.0, point(DERIVED | SIGN, b"two").0);
}
