//! Public areas for tests.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

pub mod keys;
pub mod pq;

use ironroot_wire::{
    PublicKind, Tpm2b, Tpm2bAuth, Tpm2bData, Tpm2bDigest, Tpm2bEccParameter, Tpm2bPublicKeyRsa, Tpm2bSensitiveData,
    TpmEccCurve, TpmiAlgHash, TpmiAlgKdf, TpmiAlgSymMode, TpmiAlgSymObject, TpmiRsaKeyBits, TpmiSymKeyBits,
    TpmlPcrSelection, TpmsEccParms, TpmsEccPoint, TpmsKeyedhashParms, TpmsRsaParms, TpmsSchemeXor, TpmsSensitiveCreate,
    TpmsSymcipherParms, TpmtEccScheme, TpmtKeyedhashScheme, TpmtPublic, TpmtRsaScheme, TpmtSymDefObject,
};

pub use ironroot_wire::TpmaObject as A;

/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth.
pub const OWN: A = A(A::FIXED_TPM.0 | A::FIXED_PARENT.0 | A::SENSITIVE_DATA_ORIGIN.0 | A::USER_WITH_AUTH.0);
/// Duplicable, from the TPM's generator.
pub const MOBILE: A = A(A::SENSITIVE_DATA_ORIGIN.0 | A::USER_WITH_AUTH.0);
pub const STORAGE: A = A(A::RESTRICTED.0 | A::DECRYPT.0);
pub const SIGN: A = A::SIGN_ENCRYPT;

pub fn aes(bits: TpmiSymKeyBits) -> Option<TpmtSymDefObject> {
    cfb(TpmiAlgSymObject::Aes, bits)
}

pub fn cfb(algorithm: TpmiAlgSymObject, key_bits: TpmiSymKeyBits) -> Option<TpmtSymDefObject> {
    Some(TpmtSymDefObject { algorithm, key_bits, mode: Some(TpmiAlgSymMode::Cfb) })
}

pub fn aes128() -> Option<TpmtSymDefObject> {
    aes(TpmiSymKeyBits::Bits128)
}

pub fn no_point() -> TpmsEccPoint {
    TpmsEccPoint { x: Tpm2bEccParameter::default(), y: Tpm2bEccParameter::default() }
}

fn public(attributes: A, kind: PublicKind) -> TpmtPublic {
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: attributes,
        auth_policy: Tpm2bDigest::default(),
        kind,
    }
}

pub fn ecc(attributes: A, symmetric: Option<TpmtSymDefObject>, scheme: Option<TpmtEccScheme>) -> TpmtPublic {
    let parms = TpmsEccParms { symmetric, scheme, curve_id: TpmEccCurve::NistP256, kdf: None };
    public(attributes, PublicKind::Ecc(parms, no_point()))
}

pub fn rsa(attributes: A, symmetric: Option<TpmtSymDefObject>, scheme: Option<TpmtRsaScheme>) -> TpmtPublic {
    let parms = TpmsRsaParms { symmetric, scheme, key_bits: TpmiRsaKeyBits::new(2048), exponent: 0 };
    public(attributes, PublicKind::Rsa(parms, Tpm2bPublicKeyRsa::default()))
}

pub fn keyedhash(attributes: A, scheme: Option<TpmtKeyedhashScheme>) -> TpmtPublic {
    public(attributes, PublicKind::Keyedhash(TpmsKeyedhashParms { scheme }, Tpm2bDigest::default()))
}

pub fn symcipher(attributes: A) -> TpmtPublic {
    let parms = TpmsSymcipherParms { sym: aes128().unwrap() };
    public(attributes, PublicKind::Symcipher(parms, Tpm2bDigest::default()))
}

pub fn hmac_sha256() -> Option<TpmtKeyedhashScheme> {
    Some(TpmtKeyedhashScheme::Hmac(TpmiAlgHash::Sha256))
}

pub fn derivation() -> Option<TpmtKeyedhashScheme> {
    let kdf = Some(TpmiAlgKdf::Kdf1Sp800_108);
    Some(TpmtKeyedhashScheme::Xor(TpmsSchemeXor { hash_alg: TpmiAlgHash::Sha256, kdf }))
}

pub fn ecc_srk() -> TpmtPublic {
    ecc(OWN | STORAGE | A::NO_DA, aes128(), None)
}

pub fn rsa_srk() -> TpmtPublic {
    rsa(OWN | STORAGE | A::NO_DA, aes128(), None)
}

pub fn ecdsa(attributes: A) -> TpmtPublic {
    ecc(attributes | SIGN, None, Some(TpmtEccScheme::Ecdsa(TpmiAlgHash::Sha256)))
}

pub fn rsassa(attributes: A) -> TpmtPublic {
    rsa(attributes | SIGN, None, Some(TpmtRsaScheme::Rsassa(TpmiAlgHash::Sha256)))
}

/// A sealed data object.
pub fn sealed() -> TpmtPublic {
    keyedhash(OWN.without(A::SENSITIVE_DATA_ORIGIN), None)
}

pub fn secret(auth: &[u8], data: &[u8]) -> Tpm2b<TpmsSensitiveCreate> {
    Tpm2b(TpmsSensitiveCreate {
        user_auth: Tpm2bAuth::from_slice(auth).unwrap(),
        data: Tpm2bSensitiveData::from_slice(data).unwrap(),
    })
}

pub fn create_primary(hierarchy: u32, public: TpmtPublic) -> ironroot_wire::CreatePrimary {
    ironroot_wire::CreatePrimary {
        primary_handle: ironroot_wire::TpmiRhHierarchy(hierarchy),
        in_sensitive: secret(b"", b""),
        in_public: Tpm2b(public),
        outside_info: Tpm2bData::default(),
        creation_pcr: TpmlPcrSelection::default(),
    }
}

pub fn create(parent: u32, public: TpmtPublic, auth: &[u8], data: &[u8]) -> ironroot_wire::Create {
    ironroot_wire::Create {
        parent_handle: ironroot_wire::TpmiDhObject(parent),
        in_sensitive: secret(auth, data),
        in_public: Tpm2b(public),
        outside_info: Tpm2bData::default(),
        creation_pcr: TpmlPcrSelection::default(),
    }
}

pub const OWNER: u32 = 0x4000_0001;
pub const NULL: u32 = 0x4000_0007;
pub const ENDORSEMENT: u32 = 0x4000_000B;
pub const PLATFORM: u32 = 0x4000_000C;
