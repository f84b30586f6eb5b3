//! Key encapsulation with loaded keys: DHKEM (RFC 9180) with elliptic-curve keys that name a key derivation (Part 1, 44.4),
//! and ML-KEM (Part 1, 47.3).

use alloc::vec::Vec;

use ironroot_crypto::{CryptoError, dhkem, mlkem::MESSAGE_SIZE};
use ironroot_wire::{
    PublicKind, TpmEccCurve, TpmRc, TpmaObject, TpmiAlgHash, TpmiMlkemParms, TpmsEccParms, TpmsEccPoint, TpmtEccScheme,
    TpmtKdfScheme, TpmuSensitiveComposite,
};
use zeroize::Zeroizing;

use super::secret_sharing::fixed_point;

use crate::{core_state::Core, state::objects::Object};

/// Whether a key is for `TPM2_Encapsulate` and `TPM2_Decapsulate`.
#[must_use]
pub const fn is_kem_key(key: &Object) -> bool {
    match &key.public.kind {
        PublicKind::Mlkem(..) => true,
        PublicKind::Ecc(parms, _) => parms.kdf.is_some(),
        _ => false,
    }
}

/// Checks the key derivation of an elliptic-curve key (Part 2, 12.2.3.5): only an unrestricted key for ECDH has one, and it is
/// HKDF with the hash that RFC 9180, 7.1 has for the curve.
///
/// # Errors
/// `TPM_RC_KDF` if it has another one, or should have none.
pub fn check_kdf(parms: &TpmsEccParms, attributes: TpmaObject) -> Result<(), TpmRc> {
    let agrees = attributes.contains(TpmaObject::DECRYPT)
        && !attributes.intersects(TpmaObject::RESTRICTED | TpmaObject::SIGN_ENCRYPT)
        && matches!(parms.scheme, Some(TpmtEccScheme::Ecdh(_)));
    match parms.kdf {
        None => Ok(()),
        Some(_) if agrees => pair(parms).map(|_| ()).ok_or(TpmRc::KDF),
        Some(_) => Err(TpmRc::KDF),
    }
}

/// The curve and hash of a key's DHKEM; `None` if there is none.
#[must_use]
pub fn pair(parms: &TpmsEccParms) -> Option<(TpmEccCurve, TpmiAlgHash)> {
    let Some(TpmtKdfScheme::Hkdf(hash)) = parms.kdf else { return None };
    dhkem::identifier(parms.curve_id, hash).ok().map(|_| (parms.curve_id, hash))
}

/// The serialized public key (RFC 9180, 7.1.1).
fn serialized(parms: &TpmsEccParms, point: &TpmsEccPoint) -> Result<Vec<u8>, TpmRc> {
    Ok(dhkem::serialize(parms.curve_id, &fixed_point(parms, point).map_err(|_| TpmRc::KEY)?))
}

/// A random secret for the holder of a key, and what carries it.
///
/// # Errors
/// `TPM_RC_KEY` if the key is not one for key encapsulation.
pub fn encapsulate(tpm: &mut Core, key: &Object) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), TpmRc> {
    match &key.public.kind {
        PublicKind::Mlkem(parms, public) => ml_kem_encapsulate(tpm, parms.parameter_set, public),
        PublicKind::Ecc(parms, point) => {
            let (pair, public) = (pair(parms).ok_or(TpmRc::KEY)?, serialized(parms, point)?);
            dhkem::encapsulate(tpm.provider, pair, &public, &mut tpm.random).map_err(|error| match error {
                CryptoError::Internal => TpmRc::FAILURE,
                _ => TpmRc::KEY,
            })
        }
        _ => Err(TpmRc::KEY),
    }
}

/// The secret that a ciphertext carries to the holder of a key.
///
/// # Errors
/// `TPM_RC_KEY` if the key is not one for key encapsulation; `TPM_RC_AUTH_UNAVAILABLE` if only the public area is loaded;
/// `TPM_RC_SIZE` if the ciphertext has another size than the key's; `TPM_RC_ECC_POINT` if that of an elliptic-curve key is not
/// a point, or one of small order.
pub fn decapsulate(tpm: &Core, key: &Object, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    match &key.public.kind {
        PublicKind::Mlkem(..) => ml_kem_decapsulate(key, ciphertext),
        PublicKind::Ecc(parms, point) => {
            let (pair, public) = (pair(parms).ok_or(TpmRc::KEY)?, serialized(parms, point)?);
            let TpmuSensitiveComposite::Ecc(private) = &key.sensitive()?.sensitive else { return Err(TpmRc::KEY) };
            if ciphertext.len() != public.len() {
                return Err(TpmRc::SIZE);
            }
            dhkem::decapsulate(tpm.provider, pair, private, &public, ciphertext).map_err(|error| match error {
                CryptoError::Point => TpmRc::ECC_POINT,
                CryptoError::Internal => TpmRc::FAILURE,
                _ => TpmRc::KEY,
            })
        }
        _ => Err(TpmRc::KEY),
    }
}

/// A random secret for the holder of an ML-KEM key, and the ciphertext that carries it.
///
/// # Errors
/// `TPM_RC_KEY` if the public key is not one, which loading excludes.
pub fn ml_kem_encapsulate(
    tpm: &mut Core,
    set: TpmiMlkemParms,
    public: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), TpmRc> {
    let drawn = tpm.random.bytes(MESSAGE_SIZE);
    let message: &[u8; MESSAGE_SIZE] = drawn.as_slice().try_into().map_err(|_| TpmRc::FAILURE)?;
    tpm.provider.ml_kem_encapsulate(set, public, message).map_err(|error| match error {
        CryptoError::Value => TpmRc::KEY,
        _ => TpmRc::FAILURE,
    })
}

/// The secret that a ciphertext carries to an ML-KEM key; another, which nobody knows, if it was not made for the key.
///
/// # Errors
/// `TPM_RC_AUTH_UNAVAILABLE` if only the public area is loaded; `TPM_RC_SIZE` if the ciphertext has not the size of the
/// parameter set.
pub fn ml_kem_decapsulate(key: &Object, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    key.ml_kem()?.decapsulate(ciphertext).map_err(|error| match error {
        CryptoError::Value => TpmRc::SIZE,
        _ => TpmRc::FAILURE,
    })
}
