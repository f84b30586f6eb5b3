//! The endorsement key templates of the TCG EK Credential Profile for TPM Family 2.0 (version 2.x, annex B).
//!
//! A key that differs from its template in anything but the unique value is not an endorsement key: another attribute
//! or policy could let its owner use it for more than credential activation.

use core::fmt;

use ironroot_wire::{
    PublicKind, TpmEccCurve, TpmaObject, TpmiAlgHash, TpmiAlgSymMode, TpmiAlgSymObject, TpmiSymKeyBits, TpmtPublic,
    TpmtSymDefObject,
};

/// `PolicySecret(TPM_RH_ENDORSEMENT)` with SHA-256: "PolicyA".
pub const POLICY_A_SHA256: [u8; 32] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7,
    0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
];
/// `PolicyOR(PolicyA, PolicyC)` with SHA-256: "PolicyB".
pub const POLICY_B_SHA256: [u8; 32] = [
    0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3, 0xa3, 0x85, 0xd4,
    0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0,
];
/// "PolicyB" with SHA-384.
pub const POLICY_B_SHA384: [u8; 48] = [
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a, 0x07, 0x41, 0x48,
    0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca, 0xcb, 0x47, 0xba, 0x09, 0x69, 0x96,
    0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12,
];
/// "PolicyB" with SHA-512.
pub const POLICY_B_SHA512: [u8; 64] = [
    0xb8, 0x22, 0x1c, 0xa6, 0x9e, 0x85, 0x50, 0xa4, 0x91, 0x4d, 0xe3, 0xfa, 0xa6, 0xa1, 0x8c, 0x07, 0x2c, 0xc0, 0x12,
    0x08, 0x07, 0x3a, 0x92, 0x8d, 0x5d, 0x66, 0xd5, 0x9e, 0xf7, 0x9e, 0x49, 0xa4, 0x29, 0xc4, 0x1a, 0x6b, 0x26, 0x95,
    0x71, 0xd5, 0x7e, 0xdb, 0x25, 0xfb, 0xdb, 0x18, 0x38, 0x42, 0x56, 0x08, 0xb4, 0x13, 0xcd, 0x61, 0x6a, 0x5f, 0x6d,
    0xb5, 0xb6, 0x07, 0x1a, 0xf9, 0x9b, 0xea,
];

/// The attributes of the low range's templates; the high range's have `userWithAuth` too.
const LOW_ATTRIBUTES: TpmaObject = TpmaObject::FIXED_TPM
    .with(TpmaObject::FIXED_PARENT)
    .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
    .with(TpmaObject::ADMIN_WITH_POLICY)
    .with(TpmaObject::RESTRICTED)
    .with(TpmaObject::DECRYPT);
const HIGH_ATTRIBUTES: TpmaObject = LOW_ATTRIBUTES.with(TpmaObject::USER_WITH_AUTH);

/// A template of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EkTemplate {
    /// L-1: RSA 2048, SHA-256, low range.
    L1,
    /// L-2: ECC P-256, SHA-256, low range.
    L2,
    /// H-1: RSA 2048, SHA-256, high range.
    H1,
    /// H-2: ECC P-256, SHA-256, high range.
    H2,
    /// H-3: ECC P-384, SHA-384.
    H3,
    /// H-4: ECC P-521, SHA-512.
    H4,
    /// H-6: RSA 3072, SHA-384.
    H6,
    /// H-7: RSA 4096, SHA-384.
    H7,
}

/// What differs from the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EkTemplateError {
    /// No template has this type, size or curve.
    Algorithm,
    /// The name algorithm is another.
    NameAlgorithm,
    /// The attributes are others.
    Attributes {
        /// The attributes of the template.
        expected: TpmaObject,
        /// The attributes of the key.
        found: TpmaObject,
    },
    /// The policy is another.
    Policy,
    /// The cipher for children is another.
    Symmetric,
    /// The scheme, key derivation or exponent is not the default.
    Scheme,
    /// The public value is not as long as the key.
    Unique,
}

impl fmt::Display for EkTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm => f.write_str("no endorsement key template has this algorithm and size"),
            Self::NameAlgorithm => f.write_str("the name algorithm is not the template's"),
            Self::Attributes { expected, found } => {
                write!(f, "the attributes are {:#010x}, the template's are {:#010x}", found.0, expected.0)
            }
            Self::Policy => f.write_str("the authorization policy is not the template's"),
            Self::Symmetric => f.write_str("the symmetric algorithm is not the template's"),
            Self::Scheme => f.write_str("the scheme, key derivation or exponent is not the template's"),
            Self::Unique => f.write_str("the public value does not have the size of the key"),
        }
    }
}

impl std::error::Error for EkTemplateError {}

impl EkTemplate {
    /// The template that a public area follows.
    ///
    /// # Errors
    /// [`EkTemplateError`]: the first field that is not the template's.
    pub fn of(public: &TpmtPublic) -> Result<Self, EkTemplateError> {
        let template = Self::by_algorithm(public)?;
        if public.name_alg != Some(template.name_alg()) {
            return Err(EkTemplateError::NameAlgorithm);
        }
        let expected = template.attributes();
        if public.object_attributes != expected {
            return Err(EkTemplateError::Attributes { expected, found: public.object_attributes });
        }
        if &*public.auth_policy != template.policy() {
            return Err(EkTemplateError::Policy);
        }
        template.check_parameters(public)?;
        Ok(template)
    }

    /// Which template the key could follow, by type, size and range.
    fn by_algorithm(public: &TpmtPublic) -> Result<Self, EkTemplateError> {
        let high = public.object_attributes.contains(TpmaObject::USER_WITH_AUTH);
        match &public.kind {
            PublicKind::Rsa(parms, _) => match (parms.key_bits.bits(), high) {
                (2048, false) => Ok(Self::L1),
                (2048, true) => Ok(Self::H1),
                (3072, _) => Ok(Self::H6),
                (4096, _) => Ok(Self::H7),
                _ => Err(EkTemplateError::Algorithm),
            },
            PublicKind::Ecc(parms, _) => match (parms.curve_id, high) {
                (TpmEccCurve::NistP256, false) => Ok(Self::L2),
                (TpmEccCurve::NistP256, true) => Ok(Self::H2),
                (TpmEccCurve::NistP384, _) => Ok(Self::H3),
                (TpmEccCurve::NistP521, _) => Ok(Self::H4),
                _ => Err(EkTemplateError::Algorithm),
            },
            _ => Err(EkTemplateError::Algorithm),
        }
    }

    /// Whether the template is of the low range.
    #[must_use]
    pub const fn is_low_range(self) -> bool {
        matches!(self, Self::L1 | Self::L2)
    }

    /// The name algorithm.
    #[must_use]
    pub const fn name_alg(self) -> TpmiAlgHash {
        match self {
            Self::L1 | Self::L2 | Self::H1 | Self::H2 => TpmiAlgHash::Sha256,
            Self::H3 | Self::H6 | Self::H7 => TpmiAlgHash::Sha384,
            Self::H4 => TpmiAlgHash::Sha512,
        }
    }

    /// The attributes.
    #[must_use]
    pub const fn attributes(self) -> TpmaObject {
        if self.is_low_range() { LOW_ATTRIBUTES } else { HIGH_ATTRIBUTES }
    }

    /// The authorization policy.
    #[must_use]
    pub const fn policy(self) -> &'static [u8] {
        match self {
            Self::L1 | Self::L2 => &POLICY_A_SHA256,
            Self::H1 | Self::H2 => &POLICY_B_SHA256,
            Self::H3 | Self::H6 | Self::H7 => &POLICY_B_SHA384,
            Self::H4 => &POLICY_B_SHA512,
        }
    }

    /// The cipher that protects children and credentials.
    #[must_use]
    pub const fn symmetric(self) -> TpmtSymDefObject {
        let key_bits = match self {
            Self::L1 | Self::L2 | Self::H1 | Self::H2 => TpmiSymKeyBits::Bits128,
            Self::H3 | Self::H4 | Self::H6 | Self::H7 => TpmiSymKeyBits::Bits256,
        };
        TpmtSymDefObject { algorithm: TpmiAlgSymObject::Aes, key_bits, mode: Some(TpmiAlgSymMode::Cfb) }
    }

    fn check_parameters(self, public: &TpmtPublic) -> Result<(), EkTemplateError> {
        let (symmetric, is_default, has_size) = match &public.kind {
            PublicKind::Rsa(parms, modulus) => (
                &parms.symmetric,
                parms.scheme.is_none() && matches!(parms.exponent, 0 | 65_537),
                modulus.len() == parms.key_bits.bytes(),
            ),
            PublicKind::Ecc(parms, point) => {
                let size = parms.curve_id.field_size();
                // A TPM may leave out leading zeros of a coordinate.
                let fits = |coordinate: &[u8]| !coordinate.is_empty() && coordinate.len() <= size;
                (&parms.symmetric, parms.scheme.is_none() && parms.kdf.is_none(), fits(&point.x) && fits(&point.y))
            }
            _ => return Err(EkTemplateError::Algorithm),
        };
        if *symmetric != Some(self.symmetric()) {
            Err(EkTemplateError::Symmetric)
        } else if !is_default {
            Err(EkTemplateError::Scheme)
        } else if !has_size {
            Err(EkTemplateError::Unique)
        } else {
            Ok(())
        }
    }
}
