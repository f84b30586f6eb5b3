//! What kind of key a name stands for.

use std::{fmt, str::FromStr};

use ironroot_client::wire::{TpmEccCurve, TpmiMldsaParms};

/// The kind of a named signing key. The kind is part of what chooses the key: the same name with another kind is another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyAlgorithm {
    /// ECDSA on NIST P-256.
    #[default]
    EccP256,
    /// ECDSA on NIST P-384.
    EccP384,
    /// ECDSA on NIST P-521.
    EccP521,
    /// Ed25519.
    Ed25519,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// ML-DSA-44.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
}

/// What a template needs to know.
pub(crate) enum Shape {
    Ecdsa(TpmEccCurve),
    Ed25519,
    Rsa(u16),
    MlDsa(TpmiMldsaParms),
}

impl KeyAlgorithm {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::EccP256,
        Self::EccP384,
        Self::EccP521,
        Self::Ed25519,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// Its name, as [`FromStr`] takes it: `ecc-p256`, `ed25519`, `rsa-2048`, `ml-dsa-65`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EccP256 => "ecc-p256",
            Self::EccP384 => "ecc-p384",
            Self::EccP521 => "ecc-p521",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::MlDsa44 => "ml-dsa-44",
            Self::MlDsa65 => "ml-dsa-65",
            Self::MlDsa87 => "ml-dsa-87",
        }
    }

    pub(crate) const fn shape(self) -> Shape {
        match self {
            Self::EccP256 => Shape::Ecdsa(TpmEccCurve::NistP256),
            Self::EccP384 => Shape::Ecdsa(TpmEccCurve::NistP384),
            Self::EccP521 => Shape::Ecdsa(TpmEccCurve::NistP521),
            Self::Ed25519 => Shape::Ed25519,
            Self::Rsa2048 => Shape::Rsa(2048),
            Self::Rsa3072 => Shape::Rsa(3072),
            Self::Rsa4096 => Shape::Rsa(4096),
            Self::MlDsa44 => Shape::MlDsa(TpmiMldsaParms::MlDsa44),
            Self::MlDsa65 => Shape::MlDsa(TpmiMldsaParms::MlDsa65),
            Self::MlDsa87 => Shape::MlDsa(TpmiMldsaParms::MlDsa87),
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            format!("\"{text}\" is no kind of key; expected one of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}
