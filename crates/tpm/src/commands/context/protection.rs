//! How saved contexts are protected (Part 1, clause 27.3): encrypted and bound to their place by the proof of their
//! hierarchy, and to the count of TPM Resets, so that no context survives one.

use alloc::vec::Vec;

use ironroot_crypto::{hmac::Hmac, kdf::kdfa, symmetric};
use ironroot_wire::{
    Reader, Rules, Tpm2bContextData, Tpm2bDigest, TpmHandle, TpmRc, TpmiAlgHash, TpmiAlgSymObject, Wire,
};
use zeroize::Zeroizing;

use crate::{core_state::Core, state::hierarchy::Hierarchy};

/// The hash of context protection (`TPM_PT_CONTEXT_HASH`).
pub const CONTEXT_HASH: TpmiAlgHash = TpmiAlgHash::Sha256;
/// Bits of the key of context encryption (`TPM_PT_CONTEXT_SYM_SIZE`).
const KEY_BITS: u32 = 256;
const BLOCK_BITS: u32 = 128;

/// What a context belongs to.
pub struct Place {
    /// The sequence number.
    pub sequence: u64,
    /// savedHandle: what it was, and whether a TPM Restart ends it.
    pub saved_handle: TpmHandle,
    /// The hierarchy.
    pub hierarchy: Hierarchy,
}

/// savedHandle of an object.
pub const SAVED_OBJECT: TpmHandle = TpmHandle(0x8000_0000);
/// savedHandle of a sequence.
pub const SAVED_SEQUENCE: TpmHandle = TpmHandle(0x8000_0001);
/// savedHandle of an object with `stClear`.
pub const SAVED_ST_CLEAR: TpmHandle = TpmHandle(0x8000_0002);

/// Encrypts and authenticates a context.
///
/// # Errors
/// `TPM_RC_SIZE` if it is larger than a context may be.
pub fn protect(tpm: &Core, place: &Place, mut plain: Zeroizing<Vec<u8>>) -> Result<Tpm2bContextData, TpmRc> {
    crypt(tpm, place, &mut plain, symmetric::cfb_encrypt)?;
    let integrity = integrity(tpm, place, &plain)?.finish();
    let mut blob = Vec::with_capacity(plain.len().saturating_add(34));
    Tpm2bDigest::from_slice(&integrity)?.marshal(&mut blob);
    blob.extend_from_slice(&plain);
    Tpm2bContextData::from_slice(&blob)
}

/// Checks and decrypts a context.
///
/// # Errors
/// `TPM_RC_INTEGRITY` if it was not made by [`protect`] for this place since the last TPM Reset.
pub fn unprotect(tpm: &Core, place: &Place, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    let mut reader = Reader::new(blob, &Rules::ALL);
    let found = Tpm2bDigest::unmarshal(&mut reader)?;
    let mut data = Zeroizing::new(reader.rest().to_vec());
    integrity(tpm, place, &data)?.verify(&found).map_err(|_| TpmRc::INTEGRITY)?;
    crypt(tpm, place, &mut data, symmetric::cfb_decrypt)?;
    Ok(data)
}

type Cfb = fn(TpmiAlgSymObject, &[u8], &[u8], &mut [u8]) -> Result<(), ironroot_crypto::CryptoError>;

fn crypt(tpm: &Core, place: &Place, data: &mut [u8], cfb: Cfb) -> Result<(), TpmRc> {
    let derived = kdfa(
        CONTEXT_HASH,
        &tpm.proof(place.hierarchy)?,
        b"CONTEXT",
        &place.sequence.to_be_bytes(),
        &place.saved_handle.0.to_be_bytes(),
        KEY_BITS.saturating_add(BLOCK_BITS),
    );
    let (key, iv) = derived.split_at_checked(32).ok_or(TpmRc::FAILURE)?;
    cfb(TpmiAlgSymObject::Aes, key, iv, data).map_err(|_| TpmRc::FAILURE)
}

fn integrity(tpm: &Core, place: &Place, encrypted: &[u8]) -> Result<Hmac, TpmRc> {
    let permanent = tpm.nv.permanent();
    let mut hmac = Hmac::new(CONTEXT_HASH, &tpm.proof(place.hierarchy)?);
    hmac.update(&permanent.total_reset_count.to_be_bytes());
    if place.saved_handle == SAVED_ST_CLEAR {
        hmac.update(&permanent.clear_count.to_be_bytes());
    }
    hmac.update(&place.sequence.to_be_bytes());
    hmac.update(&place.saved_handle.0.to_be_bytes());
    hmac.update(encrypted);
    Ok(hmac)
}
