//! Public areas for the keys that everybody makes: TCG's endorsement keys, storage roots, identity and signing keys.

use ironroot_wire::{
    PublicKind, Tpm2bDigest, Tpm2bEccParameter, Tpm2bPublicKeyRsa, TpmEccCurve, TpmaObject, TpmiAlgHash,
    TpmiAlgSymMode, TpmiAlgSymObject, TpmiRsaKeyBits, TpmiSymKeyBits, TpmsEccParms, TpmsEccPoint, TpmsKeyedhashParms,
    TpmsRsaParms, TpmtEccScheme, TpmtPublic, TpmtRsaScheme, TpmtSymDefObject,
};

/// PolicyA of TCG's EK Credential Profile: `PolicySecret(TPM_RH_ENDORSEMENT)` with SHA-256.
pub const EK_POLICY_A: [u8; 32] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24, 0xFD, 0x52, 0xD7,
    0x6E, 0x06, 0x52, 0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA,
];

/// What a key of this client is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// RSA with a modulus of this many bits and the exponent 65537.
    Rsa(u16),
    /// A key on this curve.
    Ecc(TpmEccCurve),
}

impl KeyType {
    /// RSA with 2048 bits.
    pub const RSA_2048: Self = Self::Rsa(2048);
    /// NIST P-256.
    pub const P256: Self = Self::Ecc(TpmEccCurve::NistP256);
    /// NIST P-384.
    pub const P384: Self = Self::Ecc(TpmEccCurve::NistP384);

    /// The hash that matches the strength of the key.
    #[must_use]
    pub const fn hash(self) -> TpmiAlgHash {
        match self {
            Self::Rsa(_) => TpmiAlgHash::Sha256,
            Self::Ecc(curve) if curve.bits() <= 256 => TpmiAlgHash::Sha256,
            Self::Ecc(curve) if curve.bits() <= 384 => TpmiAlgHash::Sha384,
            Self::Ecc(_) => TpmiAlgHash::Sha512,
        }
    }
}

const EK_ATTRIBUTES: TpmaObject = TpmaObject::FIXED_TPM
    .with(TpmaObject::FIXED_PARENT)
    .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
    .with(TpmaObject::ADMIN_WITH_POLICY)
    .with(TpmaObject::RESTRICTED)
    .with(TpmaObject::DECRYPT);

const SRK_ATTRIBUTES: TpmaObject = TpmaObject::FIXED_TPM
    .with(TpmaObject::FIXED_PARENT)
    .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
    .with(TpmaObject::USER_WITH_AUTH)
    .with(TpmaObject::NO_DA)
    .with(TpmaObject::RESTRICTED)
    .with(TpmaObject::DECRYPT);

/// The attributes of a signing key that never leaves its TPM and that its auth value opens.
pub const SIGNING_ATTRIBUTES: TpmaObject = TpmaObject::FIXED_TPM
    .with(TpmaObject::FIXED_PARENT)
    .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
    .with(TpmaObject::USER_WITH_AUTH)
    .with(TpmaObject::SIGN_ENCRYPT);

/// The RSA-2048 endorsement key of TCG's EK Credential Profile (template L-1).
#[must_use]
pub fn ek_rsa2048() -> TpmtPublic {
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: EK_ATTRIBUTES,
        auth_policy: ek_policy(),
        kind: rsa(2048, Some(aes128_cfb()), None, 256),
    }
}

/// The P-256 endorsement key of TCG's EK Credential Profile (template L-2).
#[must_use]
pub fn ek_p256() -> TpmtPublic {
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: EK_ATTRIBUTES,
        auth_policy: ek_policy(),
        kind: ecc(TpmEccCurve::NistP256, Some(aes128_cfb()), None, 32),
    }
}

/// The RSA-2048 storage root key of TCG's Provisioning Guidance (kept at `0x81000001`).
#[must_use]
pub fn srk_rsa2048() -> TpmtPublic {
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: SRK_ATTRIBUTES,
        auth_policy: Tpm2bDigest::default(),
        kind: rsa(2048, Some(aes128_cfb()), None, 256),
    }
}

/// The P-256 storage root key of TCG's Provisioning Guidance.
#[must_use]
pub fn srk_p256() -> TpmtPublic {
    TpmtPublic { kind: ecc(TpmEccCurve::NistP256, Some(aes128_cfb()), None, 32), ..srk_rsa2048() }
}

/// The parent of a TSS2 key file whose parent is a hierarchy: a P-256 storage key whose unique value is empty.
#[must_use]
pub fn key_file_parent_p256() -> TpmtPublic {
    TpmtPublic { kind: ecc(TpmEccCurve::NistP256, Some(aes128_cfb()), None, 0), ..srk_rsa2048() }
}

/// The same for a file that asks for an RSA parent.
#[must_use]
pub fn key_file_parent_rsa2048() -> TpmtPublic {
    TpmtPublic { kind: rsa(2048, Some(aes128_cfb()), None, 0), ..srk_rsa2048() }
}

/// A signing key: `restricted` for an identity (attestation) key, which signs only what its TPM made or checked.
///
/// An unrestricted key has no fixed scheme, so that each signature chooses; a restricted one has to have one, and gets
/// RSASSA or ECDSA with [`KeyType::hash`].
#[must_use]
pub fn signing_key(key: KeyType, restricted: bool) -> TpmtPublic {
    let extra = if restricted { TpmaObject::RESTRICTED } else { TpmaObject::NONE };
    let hash = key.hash();
    TpmtPublic {
        name_alg: Some(hash),
        object_attributes: SIGNING_ATTRIBUTES.with(extra),
        auth_policy: Tpm2bDigest::default(),
        kind: match key {
            KeyType::Rsa(bits) => rsa(bits, None, restricted.then_some(TpmtRsaScheme::Rsassa(hash)), 0),
            KeyType::Ecc(curve) => ecc(curve, None, restricted.then_some(TpmtEccScheme::Ecdsa(hash)), 0),
        },
    }
}

/// A sealed data object that its auth value opens. Its data comes with the creation, not from the TPM.
#[must_use]
pub fn sealed() -> TpmtPublic {
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: TpmaObject::FIXED_TPM | TpmaObject::FIXED_PARENT | TpmaObject::USER_WITH_AUTH,
        auth_policy: Tpm2bDigest::default(),
        kind: PublicKind::Keyedhash(TpmsKeyedhashParms { scheme: None }, Tpm2bDigest::default()),
    }
}

fn ek_policy() -> Tpm2bDigest {
    Tpm2bDigest::from_slice(&EK_POLICY_A).unwrap_or_default()
}

const fn aes128_cfb() -> TpmtSymDefObject {
    TpmtSymDefObject {
        algorithm: TpmiAlgSymObject::Aes,
        key_bits: TpmiSymKeyBits::Bits128,
        mode: Some(TpmiAlgSymMode::Cfb),
    }
}

fn rsa(bits: u16, symmetric: Option<TpmtSymDefObject>, scheme: Option<TpmtRsaScheme>, zeros: usize) -> PublicKind {
    let parms = TpmsRsaParms { symmetric, scheme, key_bits: TpmiRsaKeyBits::new(bits), exponent: 0 };
    PublicKind::Rsa(parms, Tpm2bPublicKeyRsa::from_slice(&vec![0; zeros]).unwrap_or_default())
}

fn ecc(
    curve_id: TpmEccCurve,
    symmetric: Option<TpmtSymDefObject>,
    scheme: Option<TpmtEccScheme>,
    zeros: usize,
) -> PublicKind {
    let zeros = Tpm2bEccParameter::from_slice(&vec![0; zeros]).unwrap_or_default();
    PublicKind::Ecc(
        TpmsEccParms { symmetric, scheme, curve_id, kdf: None },
        TpmsEccPoint { x: zeros.clone(), y: zeros },
    )
}
