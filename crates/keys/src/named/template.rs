//! The templates of named keys. Byte-exact in docs/derivations.md, "Named keys": nothing here may ever change for version 1.

use ironroot_client::wire::{
    AllowExternalMu, PublicKind, Tpm2bDigest, Tpm2bEccParameter, Tpm2bPublicKeyMldsa, Tpm2bPublicKeyRsa, TpmEccCurve,
    TpmaObject, TpmiAlgHash, TpmiRsaKeyBits, TpmsEccParms, TpmsEccPoint, TpmsMldsaParms, TpmsRsaParms, TpmtEccScheme,
    TpmtPublic,
};
use ironroot_crypto::{Digest, digest};

use super::{KeyAlgorithm, algorithm::Shape};
use crate::KeyError;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const VERSION: &[u8] = b"ironroot/named-key/v1";
/// Names are kept short enough for lists and certificates.
const MAX_NAME: usize = 128;

/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth and noDA: such a key has no auth value that could be guessed, so it
/// shall work in lockout, too.
pub(super) const ATTRIBUTES: TpmaObject = TpmaObject::FIXED_TPM
    .with(TpmaObject::FIXED_PARENT)
    .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
    .with(TpmaObject::USER_WITH_AUTH)
    .with(TpmaObject::NO_DA);

/// What a name is used for; part of the digest, so that keys of different uses never share a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Sign,
    Decrypt,
}

impl Use {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Sign => b"sign",
            Self::Decrypt => b"decrypt",
        }
    }
}

/// The digest that stands for the name in a template.
pub(super) fn name_digest(usage: Use, name: &str) -> Result<Digest, KeyError> {
    let refuse = |reason: &str| Err(KeyError::Name { name: name.escape_debug().to_string(), reason: reason.into() });
    if name.is_empty() {
        return refuse("it is empty; choose a name such as \"web\"");
    }
    if name.len() > MAX_NAME {
        return refuse("it is longer than 128 bytes; choose a shorter one");
    }
    if name.chars().any(char::is_control) {
        return refuse("it has control characters; choose one that can be printed");
    }
    if name.trim() != name {
        return refuse("it begins or ends with white space, which nobody would see; leave that out");
    }
    Ok(digest(SHA256, &[VERSION, &[0], usage.label(), &[0], name.as_bytes()]))
}

/// The digest of a use that has no names.
pub(super) fn use_digest(label: &[u8]) -> Digest {
    digest(SHA256, &[VERSION, &[0], label, &[0]])
}

/// The template of a signing key with this name.
///
/// # Errors
/// [`KeyError::Name`] for a name that no key can have.
pub fn named_template(name: &str, algorithm: KeyAlgorithm) -> Result<TpmtPublic, KeyError> {
    let unique = name_digest(Use::Sign, name)?;
    Ok(TpmtPublic {
        name_alg: Some(SHA256),
        object_attributes: ATTRIBUTES.with(TpmaObject::SIGN_ENCRYPT),
        auth_policy: Tpm2bDigest::default(),
        kind: signing_kind(algorithm, &unique),
    })
}

/// A signing key of this kind with this unique value, and with a scheme only where the kind has but one.
pub(crate) fn signing_kind(algorithm: KeyAlgorithm, unique: &[u8]) -> PublicKind {
    match algorithm.shape() {
        Shape::Ecdsa(curve) => ecc(curve, None, unique),
        Shape::Ed25519 => ecc(TpmEccCurve::Curve25519, Some(TpmtEccScheme::Eddsa(())), unique),
        Shape::Rsa(bits) => {
            let key_bits = TpmiRsaKeyBits::new(bits);
            let parms = TpmsRsaParms { symmetric: None, scheme: None, key_bits, exponent: 0 };
            PublicKind::Rsa(parms, Tpm2bPublicKeyRsa::from_slice(unique).unwrap_or_default())
        }
        Shape::MlDsa(parameter_set) => PublicKind::Mldsa(
            TpmsMldsaParms { parameter_set, allow_external_mu: AllowExternalMu(false) },
            Tpm2bPublicKeyMldsa::from_slice(unique).unwrap_or_default(),
        ),
    }
}

/// The digest is x; y is empty.
pub(super) fn ecc(curve_id: TpmEccCurve, scheme: Option<TpmtEccScheme>, unique: &[u8]) -> PublicKind {
    let x = Tpm2bEccParameter::from_slice(unique).unwrap_or_default();
    let parms = TpmsEccParms { symmetric: None, scheme, curve_id, kdf: None };
    PublicKind::Ecc(parms, TpmsEccPoint { x, y: Tpm2bEccParameter::default() })
}
