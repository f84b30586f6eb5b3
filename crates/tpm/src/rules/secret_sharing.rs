//! The labeled key encapsulation of the three protocols that send a secret to a TPM's decryption key (Part 1, clause
//! 8.4.5.2): RSA by OAEP (43.10), ECC by an ephemeral ECDH and KDFe (44.7), ML-KEM with KDFa (47.4). Both directions.
//!
//! What goes wrong in decryption is told apart only as far as the sender knew it already: sizes, points off the curve;
//! whatever is wrong with an OAEP padding gives the one code `TPM_RC_VALUE`.

use alloc::vec::Vec;

use ironroot_crypto::{
    CryptoError, EccPoint, EccSecretPoint,
    ecc::{field_size, fixed_size},
    kdfa, kdfe,
    rsa::{self, EncryptionScheme, RsaPublic},
};
use ironroot_wire::{
    PublicKind, Tpm2bEncryptedSecret, TpmRc, TpmaObject, TpmiAlgHash, TpmsEccParms, TpmsEccPoint, TpmsRsaParms,
    TpmtRsaScheme, TpmuSensitiveComposite, Wire,
};
use zeroize::Zeroizing;

use super::{
    ecdh,
    edwards::{self, Form},
    kem,
};
use crate::{core_state::Core, state::objects::Object};

/// The protocol that a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Credential protection (`TPM2_MakeCredential`, `TPM2_ActivateCredential`).
    Identity,
    /// The salt of a session (`TPM2_StartAuthSession`).
    Secret,
    /// Duplication (`TPM2_Duplicate`, `TPM2_Rewrap`, `TPM2_Import`).
    Duplicate,
}

impl Label {
    /// The label with its terminating zero octet, which OAEP hashes too.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Identity => b"IDENTITY\0",
            Self::Secret => b"SECRET\0",
            Self::Duplicate => b"DUPLICATE\0",
        }
    }
}

/// Makes a secret for the holder of `key`, of which only the public area is needed: the secret, as long as a digest of
/// the key's name algorithm, and what is sent.
///
/// # Errors
/// `TPM_RC_ATTRIBUTES` if the key is not a decryption key; `TPM_RC_TYPE` if it is not asymmetric; `TPM_RC_SCHEME` if its
/// scheme is not OAEP or NULL; `TPM_RC_KEY` if its public value is not usable.
pub fn encrypt(
    tpm: &mut Core,
    key: &Object,
    label: Label,
) -> Result<(Zeroizing<Vec<u8>>, Tpm2bEncryptedSecret), TpmRc> {
    if !key.has(TpmaObject::DECRYPT) {
        return Err(TpmRc::ATTRIBUTES);
    }
    match &key.public.kind {
        PublicKind::Rsa(parms, modulus) => {
            let hash = oaep_hash(key, parms)?;
            let secret = tpm.random.bytes(hash.digest_size());
            let public = RsaPublic { n: modulus, e: exponent(parms) };
            let scheme = EncryptionScheme::Oaep { hash, label: label.bytes() };
            let encrypted =
                rsa::encrypt(tpm.provider, public, scheme, &secret, &mut tpm.random).map_err(|_| TpmRc::KEY)?;
            Ok((secret, Tpm2bEncryptedSecret::from_slice(&encrypted)?))
        }
        PublicKind::Ecc(parms, point) => {
            let public = fixed_point(parms, point).map_err(|_| TpmRc::KEY)?;
            let agreed = ecdh::encapsulate(tpm, parms, point).map_err(|error| match error {
                CryptoError::Internal => TpmRc::FAILURE,
                _ => TpmRc::KEY,
            })?;
            let secret = agree(key.name_alg()?, &agreed.shared.x, label, &agreed.ephemeral.x, &public.x);
            let sent = wire_point(&agreed.ephemeral)?;
            Ok((secret, Tpm2bEncryptedSecret::from_slice(&sent.to_bytes())?))
        }
        PublicKind::Mlkem(parms, public) => {
            let (shared, ciphertext) = kem::ml_kem_encapsulate(tpm, parms.parameter_set, public)?;
            let secret = bound_to_label(key.name_alg()?, &shared, label, &ciphertext, public);
            Ok((secret, Tpm2bEncryptedSecret::from_slice(&ciphertext)?))
        }
        _ => Err(TpmRc::TYPE),
    }
}

/// Recovers the secret that was sent to `key`.
///
/// # Errors
/// `TPM_RC_ATTRIBUTES` if the key is not a decryption key; `TPM_RC_TYPE` if it is not asymmetric; `TPM_RC_SCHEME` if its
/// scheme is not OAEP or NULL; `TPM_RC_AUTH_UNAVAILABLE` if only its public area is loaded; `TPM_RC_SIZE` or
/// `TPM_RC_INSUFFICIENT` if the secret is malformed; `TPM_RC_ECC_POINT` if its point is not on the curve; `TPM_RC_VALUE`
/// if it does not decrypt.
pub fn decrypt(tpm: &mut Core, key: &Object, label: Label, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    if !key.has(TpmaObject::DECRYPT) {
        return Err(TpmRc::ATTRIBUTES);
    }
    match (&key.public.kind, &key.sensitive()?.sensitive) {
        (PublicKind::Rsa(parms, modulus), TpmuSensitiveComposite::Rsa(_)) => {
            let hash = oaep_hash(key, parms)?;
            let private = key.rsa()?;
            if encrypted.len() != modulus.len() {
                return Err(TpmRc::SIZE);
            }
            let scheme = EncryptionScheme::Oaep { hash, label: label.bytes() };
            let secret = rsa::decrypt(private, scheme, encrypted, &mut tpm.random).map_err(rsa_error)?;
            if secret.len() > hash.digest_size() { Err(TpmRc::VALUE) } else { Ok(secret) }
        }
        (PublicKind::Ecc(parms, own), TpmuSensitiveComposite::Ecc(scalar)) => {
            let received = TpmsEccPoint::from_bytes(encrypted)?;
            let own = fixed_point(parms, own).map_err(|_| TpmRc::KEY)?;
            let shared = ecdh::multiply(tpm.provider, parms, scalar, &received).map_err(|error| match error {
                CryptoError::Point => TpmRc::ECC_POINT,
                _ => TpmRc::KEY,
            })?;
            // The coordinate as it came: a sender that leaves its leading zeros out (tpm2-tools, once in 256 points) leaves
            // them out of the derivation too; one that pads, as it should, pads both.
            Ok(agree(key.name_alg()?, &shared.x, label, &received.x, &own.x))
        }
        (PublicKind::Mlkem(_, public), TpmuSensitiveComposite::Mlkem(_)) => {
            let shared = kem::ml_kem_decapsulate(key, encrypted)?;
            Ok(bound_to_label(key.name_alg()?, &shared, label, encrypted, public))
        }
        _ => Err(TpmRc::TYPE),
    }
}

fn rsa_error(error: CryptoError) -> TpmRc {
    match error {
        CryptoError::Value => TpmRc::SIZE,
        CryptoError::Internal => TpmRc::FAILURE,
        _ => TpmRc::VALUE,
    }
}

/// The hash of OAEP: the scheme's, or the name algorithm.
fn oaep_hash(key: &Object, parms: &TpmsRsaParms) -> Result<TpmiAlgHash, TpmRc> {
    match &parms.scheme {
        None => key.name_alg(),
        Some(TpmtRsaScheme::Oaep(hash)) => Ok(*hash),
        Some(_) => Err(TpmRc::SCHEME),
    }
}

const fn exponent(parms: &TpmsRsaParms) -> u32 {
    if parms.exponent == 0 { rsa::DEFAULT_EXPONENT } else { parms.exponent }
}

/// The seed of both sides: the x coordinates are padded to the field's size (Part 1, 44.5.3).
fn agree(hash: TpmiAlgHash, z: &[u8], label: Label, party_u: &[u8], party_v: &[u8]) -> Zeroizing<Vec<u8>> {
    let bits = u32::try_from(hash.digest_size().saturating_mul(8)).unwrap_or(u32::MAX);
    kdfe(hash, z, label.bytes(), party_u, party_v, bits)
}

/// The secret of the protocol from that of ML-KEM (Part 1, equation 67).
fn bound_to_label(
    hash: TpmiAlgHash,
    shared: &[u8],
    label: Label,
    ciphertext: &[u8],
    public: &[u8],
) -> Zeroizing<Vec<u8>> {
    let bits = u32::try_from(hash.digest_size().saturating_mul(8)).unwrap_or(u32::MAX);
    kdfa(hash, shared, label.bytes(), ciphertext, public, bits)
}

/// A point of a structure with its coordinates at full length.
///
/// # Errors
/// [`CryptoError::Value`] if a coordinate is longer than the field; [`CryptoError::Point`] if a point of Curve25519 or
/// Curve448 is malformed.
pub fn fixed_point(parms: &TpmsEccParms, point: &TpmsEccPoint) -> Result<EccPoint, CryptoError> {
    if let Some(form) = Form::of(parms) {
        return form.coordinate(point).map(|x| edwards::point_of(x.to_vec()));
    }
    let size = field_size(parms.curve_id);
    Ok(EccPoint { x: fixed_size(&point.x, size)?.to_vec(), y: fixed_size(&point.y, size)?.to_vec() })
}

/// A point as a structure has it.
///
/// # Errors
/// `TPM_RC_SIZE` if a coordinate is longer than any curve's.
pub fn wire_point(point: &EccPoint) -> Result<TpmsEccPoint, TpmRc> {
    Ok(TpmsEccPoint { x: point.x.as_slice().try_into()?, y: point.y.as_slice().try_into()? })
}

/// A secret point as a response has it, where the protocol gives it to the caller.
///
/// # Errors
/// As [`wire_point`].
pub fn wire_secret_point(point: &EccSecretPoint) -> Result<TpmsEccPoint, TpmRc> {
    Ok(TpmsEccPoint { x: point.x.as_slice().try_into()?, y: point.y.as_slice().try_into()? })
}

/// A point that came with a command, for the curve of a key.
///
/// # Errors
/// `TPM_RC_ECC_POINT` if it is malformed or not on the curve.
pub fn received_point(tpm: &Core, parms: &TpmsEccParms, point: &TpmsEccPoint) -> Result<EccPoint, TpmRc> {
    let point = fixed_point(parms, point).map_err(|_| TpmRc::ECC_POINT)?;
    tpm.provider.ecc_check_point(parms.curve_id, &point).map_err(|_| TpmRc::ECC_POINT)?;
    Ok(point)
}
