//! The paddings of PKCS #1 v1.5: for signatures (RFC 8017, 9.2) and for messages (7.2).
//!
//! `TPM2_RSA_Decrypt` must tell its caller that a message's padding is wrong (Part 3), which is Bleichenbacher's oracle
//! by specification. What can be done is done: the check takes the same path whatever is wrong, and who may use the key
//! at all is the TPM's authorization.

use alloc::vec::Vec;

use ironroot_wire::TpmiAlgHash;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{CryptoError, Random};

/// The least number of padding octets.
const MIN_PADDING: usize = 8;

/// The DER encoding of a DigestInfo up to the digest (RFC 8017, 9.2, note 1; for SHA-3, NIST's registry; for SM3,
/// GM/T 0006).
const fn digest_info(hash: TpmiAlgHash) -> &'static [u8] {
    match hash {
        TpmiAlgHash::Sha1 => &[0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14],
        TpmiAlgHash::Sha256 => &[0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20],
        TpmiAlgHash::Sha384 => &[0x30, 0x41, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30],
        TpmiAlgHash::Sha512 => &[0x30, 0x51, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40],
        TpmiAlgHash::Sm3_256 => {
            &[0x30, 0x30, 0x30, 12, 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x11, 5, 0, 4, 0x20]
        }
        TpmiAlgHash::Sha3_256 => &[0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 8, 5, 0, 4, 0x20],
        TpmiAlgHash::Sha3_384 => &[0x30, 0x41, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 9, 5, 0, 4, 0x30],
        TpmiAlgHash::Sha3_512 => &[0x30, 0x51, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 10, 5, 0, 4, 0x40],
    }
}

/// Pads a digest for a modulus of `size` bytes.
///
/// # Errors
/// [`CryptoError::Value`] if `digest` has the wrong length or the modulus is too small.
pub fn encode_signature(hash: TpmiAlgHash, digest: &[u8], size: usize) -> Result<Vec<u8>, CryptoError> {
    if digest.len() != hash.digest_size() {
        return Err(CryptoError::Value);
    }
    let info = digest_info(hash);
    let padding = size
        .checked_sub(info.len())
        .and_then(|rest| rest.checked_sub(digest.len()))
        .and_then(|rest| rest.checked_sub(3))
        .filter(|padding| *padding >= MIN_PADDING)
        .ok_or(CryptoError::Value)?;
    let mut encoded = Vec::with_capacity(size);
    encoded.extend_from_slice(&[0, 1]);
    encoded.extend(core::iter::repeat_n(0xff, padding));
    encoded.push(0);
    encoded.extend_from_slice(info);
    encoded.extend_from_slice(digest);
    Ok(encoded)
}

/// Checks a padded digest by making the only right one.
///
/// # Errors
/// [`CryptoError::Invalid`] if it is not the padding of `digest`.
pub fn verify_signature(hash: TpmiAlgHash, digest: &[u8], encoded: &[u8]) -> Result<(), CryptoError> {
    if encode_signature(hash, digest, encoded.len())? == encoded { Ok(()) } else { Err(CryptoError::Invalid) }
}

/// Bytes of the longest message for a modulus of `size` bytes.
#[must_use]
pub fn max_message_size(size: usize) -> Option<usize> {
    size.checked_sub(MIN_PADDING)?.checked_sub(3)
}

/// Pads a message for a modulus of `size` bytes.
///
/// # Errors
/// [`CryptoError::Value`] if the message is too long.
pub fn encode_message(message: &[u8], size: usize, random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let spare = max_message_size(size).and_then(|max| max.checked_sub(message.len())).ok_or(CryptoError::Value)?;
    let mut encoded = Zeroizing::new(Vec::with_capacity(size));
    encoded.extend_from_slice(&[0, 2]);
    for _ in 0..spare.saturating_add(MIN_PADDING) {
        encoded.push(non_zero(random)?);
    }
    encoded.push(0);
    encoded.extend_from_slice(message);
    Ok(encoded)
}

/// A random octet other than zero. A generator that gives zeros only is broken.
fn non_zero(random: &mut dyn Random) -> Result<u8, CryptoError> {
    let mut octet = [0];
    for _ in 0..64 {
        random.fill(&mut octet);
        if octet != [0] {
            return Ok(octet[0]);
        }
    }
    Err(CryptoError::Internal)
}

/// Takes the padding off a message.
///
/// # Errors
/// [`CryptoError::Invalid`] if anything at all is wrong.
pub fn decode_message(encoded: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    max_message_size(encoded.len()).ok_or(CryptoError::Invalid)?;
    let (head, tail) = encoded.split_at_checked(2).ok_or(CryptoError::Invalid)?;
    let mut valid = head.ct_eq(&[0, 2]);
    let mut found = Choice::from(0);
    let mut separator = 0_u32;
    for (index, octet) in (0_u32..).zip(tail) {
        let is_zero = octet.ct_eq(&0);
        // A zero among the first eight octets leaves too little padding.
        valid &= !(is_zero & Choice::from(u8::from(usize::try_from(index).is_ok_and(|index| index < MIN_PADDING))));
        separator.conditional_assign(&index, is_zero & !found);
        found |= is_zero;
    }
    if !bool::from(valid & found) {
        return Err(CryptoError::Invalid);
    }
    let skip = usize::try_from(separator).map_err(|_| CryptoError::Invalid)?.saturating_add(1);
    Ok(Zeroizing::new(tail.get(skip..).unwrap_or_default().to_vec()))
}
