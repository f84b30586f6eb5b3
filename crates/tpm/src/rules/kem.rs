//! Key encapsulation with loaded keys (Part 1, 44.5 and 47.3).

use alloc::vec::Vec;

use ironroot_crypto::{CryptoError, mlkem::MESSAGE_SIZE};
use ironroot_wire::{PublicKind, TpmRc, TpmiMlkemParms};
use zeroize::Zeroizing;

use crate::{core_state::Core, state::objects::Object};

/// Whether a key is for `TPM2_Encapsulate` and `TPM2_Decapsulate`.
#[must_use]
pub const fn is_kem_key(key: &Object) -> bool {
    matches!(key.public.kind, PublicKind::Mlkem(..))
}

/// A random secret for the holder of a key, and what carries it.
///
/// # Errors
/// `TPM_RC_KEY` if the key is not one for key encapsulation.
pub fn encapsulate(tpm: &mut Core, key: &Object) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), TpmRc> {
    match &key.public.kind {
        PublicKind::Mlkem(parms, public) => ml_kem_encapsulate(tpm, parms.parameter_set, public),
        _ => Err(TpmRc::KEY),
    }
}

/// The secret that a ciphertext carries to the holder of a key.
///
/// # Errors
/// `TPM_RC_KEY` if the key is not one for key encapsulation; otherwise as [`ml_kem_decapsulate`].
pub fn decapsulate(key: &Object, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    match &key.public.kind {
        PublicKind::Mlkem(..) => ml_kem_decapsulate(key, ciphertext),
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
