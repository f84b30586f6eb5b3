//! Vectors: what these seeds and templates give must never change, on any provider. They were computed from the text of
//! docs/derivations.md by an implementation of its own.
#![allow(clippy::unwrap_used)]

use alloc::{format, string::String, vec::Vec};

use ironroot_crypto::PORTABLE;
use ironroot_platform::NeverCancelled;
use ironroot_wire::{
    AllowExternalMu, Tpm2bAuth, Tpm2bDigest, Tpm2bEccParameter, Tpm2bPublicKeyMldsa, Tpm2bPublicKeyMlkem,
    Tpm2bPublicKeyRsa, Tpm2bSensitiveData, TpmEccCurve, TpmaObject, TpmiAlgSymMode, TpmiAlgSymObject, TpmiMldsaParms,
    TpmiMlkemParms, TpmiRsaKeyBits, TpmiSymKeyBits, TpmsEccParms, TpmsEccPoint, TpmsHashMldsaParms, TpmsKeyedhashParms,
    TpmsMldsaParms, TpmsMlkemParms, TpmsRsaParms, TpmtEccScheme, TpmtKeyedhashScheme, TpmtSymDefObject,
};

use super::*;
use ironroot_wire::PublicKind;

const SEED: [u8; 64] = [0; 64];

/// The storage key of TCG's provisioning guidance: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA,
/// restricted, decrypt.
const STORAGE: TpmaObject = TpmaObject(0x0003_0472);
/// The endorsement key of TCG's EK profile, template L-1: fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy,
/// restricted, decrypt.
const ENDORSEMENT: TpmaObject = TpmaObject(0x0003_00B2);
/// PolicySecret(TPM_RH_ENDORSEMENT) with SHA-256 (EK profile, B.3.3).
const EK_POLICY: &str = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";

fn aes128_cfb() -> Option<TpmtSymDefObject> {
    Some(TpmtSymDefObject {
        algorithm: TpmiAlgSymObject::Aes,
        key_bits: TpmiSymKeyBits::Bits128,
        mode: Some(TpmiAlgSymMode::Cfb),
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn p256_srk() -> TpmtPublic {
    let parms = TpmsEccParms { symmetric: aes128_cfb(), scheme: None, curve_id: TpmEccCurve::NistP256, kdf: None };
    let zeros = Tpm2bEccParameter::from_slice(&[0; 32]).unwrap();
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: STORAGE,
        auth_policy: Tpm2bDigest::default(),
        kind: PublicKind::Ecc(parms, TpmsEccPoint { x: zeros.clone(), y: zeros }),
    }
}

fn rsa2048_ek() -> TpmtPublic {
    let parms =
        TpmsRsaParms { symmetric: aes128_cfb(), scheme: None, key_bits: TpmiRsaKeyBits::new(2048), exponent: 0 };
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: ENDORSEMENT,
        auth_policy: Tpm2bDigest::from_slice(&bytes(EK_POLICY)).unwrap(),
        kind: PublicKind::Rsa(parms, Tpm2bPublicKeyRsa::from_slice(&[0; 256]).unwrap()),
    }
}

fn hmac_key() -> TpmtPublic {
    let scheme = Some(TpmtKeyedhashScheme::Hmac(TpmiAlgHash::Sha256));
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: TpmaObject(0x0004_0072),
        auth_policy: Tpm2bDigest::default(),
        kind: PublicKind::Keyedhash(TpmsKeyedhashParms { scheme }, Tpm2bDigest::default()),
    }
}

/// The endorsement key template L-1 with ML-KEM-768 in the place of RSA.
fn mlkem768_ek() -> TpmtPublic {
    let parms = TpmsMlkemParms { symmetric: aes128_cfb(), parameter_set: TpmiMlkemParms::MlKem768 };
    TpmtPublic { kind: PublicKind::Mlkem(parms, Tpm2bPublicKeyMlkem::default()), ..rsa2048_ek() }
}

/// An attestation key: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign.
fn mldsa65_ak() -> TpmtPublic {
    let parms = TpmsMldsaParms { parameter_set: TpmiMldsaParms::MlDsa65, allow_external_mu: AllowExternalMu(false) };
    TpmtPublic {
        object_attributes: TpmaObject(0x0005_0072),
        kind: PublicKind::Mldsa(parms, Tpm2bPublicKeyMldsa::default()),
        ..hmac_key()
    }
}

fn hash_mldsa87() -> TpmtPublic {
    let parms = TpmsHashMldsaParms { parameter_set: TpmiMldsaParms::MlDsa87, hash_alg: TpmiAlgHash::Sha512 };
    TpmtPublic { kind: PublicKind::HashMldsa(parms, Tpm2bPublicKeyMldsa::default()), ..hmac_key() }
}

/// The endorsement key template L-1 with X25519 or X448.
fn x_ek(curve_id: TpmEccCurve) -> TpmtPublic {
    let parms = TpmsEccParms { symmetric: aes128_cfb(), scheme: None, curve_id, kdf: None };
    TpmtPublic { kind: PublicKind::Ecc(parms, no_point()), ..rsa2048_ek() }
}

fn eddsa_ak(curve_id: TpmEccCurve) -> TpmtPublic {
    let parms = TpmsEccParms { symmetric: None, scheme: Some(TpmtEccScheme::Eddsa(())), curve_id, kdf: None };
    TpmtPublic { kind: PublicKind::Ecc(parms, no_point()), ..mldsa65_ak() }
}

fn hash_eddsa() -> TpmtPublic {
    let curve_id = TpmEccCurve::Curve25519;
    let parms = TpmsEccParms { symmetric: None, scheme: Some(TpmtEccScheme::HashEddsa(())), curve_id, kdf: None };
    TpmtPublic { kind: PublicKind::Ecc(parms, no_point()), ..hmac_key() }
}

fn no_point() -> TpmsEccPoint {
    TpmsEccPoint { x: Tpm2bEccParameter::default(), y: Tpm2bEccParameter::default() }
}

fn no_data() -> TpmsSensitiveCreate {
    TpmsSensitiveCreate { user_auth: Tpm2bAuth::default(), data: Tpm2bSensitiveData::default() }
}

fn made(template: TpmtPublic, clear_value: &[u8], data: &[u8]) -> New {
    let sensitive = TpmsSensitiveCreate { data: Tpm2bSensitiveData::from_slice(data).unwrap(), ..no_data() };
    let portable = derive(&PORTABLE, &SEED, clear_value, template.clone(), &sensitive, &NeverCancelled).unwrap();
    let host = derive(&ironroot_crypto_host::HOST, &SEED, clear_value, template, &sensitive, &NeverCancelled).unwrap();
    assert_eq!(portable.public, host.public, "providers disagree");
    assert!(portable.sensitive == host.sensitive, "providers disagree");
    portable
}

#[test]
fn the_p256_storage_root_key_of_a_zero_seed() {
    let new = made(p256_srk(), &[], &[]);
    assert_eq!(hex(&new.name), "000b6248053d7cafdbc31532b589bf41d02311694616c1c9f0e679f03e05445bcdec");
    assert_eq!(hex(&new.sensitive.seed_value), "5464481957468eef152da33fd994142f7fa56acd5632d5b0bd4e4fadee1f2c37");
}

/// The same template on every curve.
#[test]
fn storage_root_keys_of_every_curve_of_a_zero_seed() {
    for (curve, name) in [
        (TpmEccCurve::NistP192, "000b38c9cd97ed48112d617d5767e101aef4d90030e6e19f5ba2d7476ef889c658b5"),
        (TpmEccCurve::NistP224, "000b4f3d6777a1a5ec7913b2766ee8a256d8db88c796bf22e2535278105a99f3ae65"),
        (TpmEccCurve::NistP256, "000b6248053d7cafdbc31532b589bf41d02311694616c1c9f0e679f03e05445bcdec"),
        (TpmEccCurve::NistP384, "000b70792974a4f9f84ec54c219f57f10bab66c6dab2531eb79f8cad0c085616a12a"),
        (TpmEccCurve::NistP521, "000b37e636a39510f2dda8104b70945c9b2f441a8c72085d1130e50180eb7f93fa57"),
        (TpmEccCurve::BnP256, "000b684e49158d84f0d8e6d93c1f9ddab661288a02e9754bb3aa086da4c2ed4f6027"),
        (TpmEccCurve::BnP638, "000bd802fa42369bbbcfad794a8863c2aff97329f040347cdb84efadd4579df1f171"),
        (TpmEccCurve::Sm2P256, "000b815cda60ec99f2168ecf13abc0dc5ed308ef3f15114eb6f4820d93dc515de8b2"),
        (TpmEccCurve::BpP256R1, "000b13b99d796157a45ac223bdcdb07c955f526d835734b1a974c5e8d12f32f454ba"),
        (TpmEccCurve::BpP384R1, "000b5e643e1ee3c2b75c8d2a3a37af54898b4ced035c6347bf3117ba8fb87d2dd50d"),
        (TpmEccCurve::BpP512R1, "000bca6e8c9585a58d9ca70d9e6bf23e5496e7eb5a2b6da89d4a0365734bd6650b5c"),
    ] {
        let mut template = p256_srk();
        if let PublicKind::Ecc(parms, _) = &mut template.kind {
            parms.curve_id = curve;
        }
        assert_eq!(hex(&made(template, &[], &[]).name), name, "{curve:?}");
    }
}

#[test]
fn the_rsa2048_endorsement_key_of_a_zero_seed() {
    let new = made(rsa2048_ek(), &[7; 64], &[]);
    assert_eq!(hex(&new.name), "000baa657f7453f2dc66a84dc9e8865c763751fc5c8ea94d4131d13cffb566800ea2");
    assert_eq!(hex(&new.sensitive.seed_value), "0f8d7546a07d621a0f8431386a7fb620a9b6af9fa5435ee00d8046c922fb9bd8");
}

#[test]
fn an_hmac_key_of_a_zero_seed() {
    assert_eq!(
        hex(&made(hmac_key(), &[], &[]).name),
        "000b8ef2b293a591f25ce9eeba2a93d9391a2da2267b5b0f0698be32bc739e37c087"
    );
}

#[test]
fn post_quantum_keys_of_a_zero_seed() {
    let new = made(mlkem768_ek(), &[7; 64], &[]);
    assert_eq!(hex(&new.name), "000b8d8f1c51c02b48e2c352f3c99d5198d21ba461462bc69790555ff9fc6ae6c279");
    assert_eq!(hex(&new.sensitive.seed_value), "4526ed578d0f56a8c63f3bbd9cf1938778a402db92b822d130dfb896f48a4b30");
    let name = hex(&made(mldsa65_ak(), &[], &[]).name);
    assert_eq!(name, "000b68974ea515ed97fbc993c54859c9bebc4442f672158f89a3d6845b19fc5aa9ff");
    let name = hex(&made(hash_mldsa87(), &[], &[]).name);
    assert_eq!(name, "000baa45b37f436ec8f88a5a0a7882d7fd01e2c7250879262559a209285c5d799c30");
}

#[test]
fn keys_on_curve25519_and_curve448_of_a_zero_seed() {
    let (x25519, x448) = (TpmEccCurve::Curve25519, TpmEccCurve::Curve448);
    let new = made(x_ek(x25519), &[7; 64], &[]);
    assert_eq!(hex(&new.name), "000b56d003c057b466ca17795b72de2450a633efde910519ddd21407fac2d4630029");
    assert_eq!(hex(&new.sensitive.seed_value), "914f73bd58bac46c36e330d659f491df15c5002ffa17bfdf54c8c44e7be7e7f5");
    let new = made(x_ek(x448), &[7; 64], &[]);
    assert_eq!(hex(&new.name), "000b08d01a53e2d367c21d6cd68cbfe500a8da42e15f0f6717294177cd369da2592e");
    assert_eq!(hex(&new.sensitive.seed_value), "94b8661b7aefd591590e58e5a2ac0acd7601a64953e873fa3c46cb7f6ade3c46");
    let name = hex(&made(eddsa_ak(x25519), &[], &[]).name);
    assert_eq!(name, "000b47f86f8b39bfba133734b4114bf59e16414475ba47c05148c9b98b5349def957");
    let name = hex(&made(eddsa_ak(x448), &[], &[]).name);
    assert_eq!(name, "000bb1ed0b81a54904b324b5829cb7a7ccb9b352e40dc5fa9d15b6a6fae73bc1d492");
    let name = hex(&made(hash_eddsa(), &[], &[]).name);
    assert_eq!(name, "000b0f96672f8f0382489b017b4a0962d5e2cf969f0857238dd45b4670fb52631c80");
}

#[test]
fn every_input_counts_and_the_clear_value_only_for_the_protection() {
    let plain = made(p256_srk(), &[], &[]);
    let cleared = made(p256_srk(), &[1], &[]);
    assert_eq!(plain.name, cleared.name);
    assert!(plain.sensitive.seed_value != cleared.sensitive.seed_value);
    assert_ne!(plain.name, made(p256_srk(), &[], b"data").name);
    let with_auth = TpmsSensitiveCreate { user_auth: Tpm2bAuth::from_slice(b"auth\0").unwrap(), ..no_data() };
    let with_auth = derive(&PORTABLE, &SEED, &[], p256_srk(), &with_auth, &NeverCancelled).unwrap();
    assert_eq!(plain.name, with_auth.name);
    assert_eq!(with_auth.sensitive.auth_value.as_slice(), b"auth");
    let other_seed = derive(&PORTABLE, &[1; 64], &[], p256_srk(), &no_data(), &NeverCancelled).unwrap();
    assert_ne!(plain.public.kind, other_seed.public.kind);
    let mut template = p256_srk();
    template.object_attributes = template.object_attributes.without(TpmaObject::NO_DA);
    assert_ne!(plain.public.kind, made(template, &[], &[]).public.kind);
    let mut template = p256_srk();
    if let PublicKind::Ecc(_, unique) = &mut template.kind {
        unique.x = Tpm2bEccParameter::from_slice(b"name of the key").unwrap();
    }
    assert_ne!(plain.public.kind, made(template, &[], &[]).public.kind);
}
