//! EME-OAEP (RFC 8017, 7.1). The label's hash and the mask's hash are one (Part 1, 43.4).
//!
//! Decoding is a target of Manger's attack: it must not tell a wrong first octet from a wrong label hash or a missing
//! separator, by its result or by its time. All is computed, one bit of success comes out, and only that bit decides.

use alloc::{vec, vec::Vec};

use ironroot_wire::TpmiAlgHash;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{CryptoError, Random, hash, rsa::mgf};

/// Bytes of the longest message for a modulus of `size` bytes; `None` if the modulus is too small for the hash.
#[must_use]
pub fn max_message_size(hash: TpmiAlgHash, size: usize) -> Option<usize> {
    size.checked_sub(hash.digest_size())?.checked_sub(hash.digest_size())?.checked_sub(2)
}

/// Pads a message for a modulus of `size` bytes. `label` is hashed as it is: a TPM's labels end in a zero octet.
///
/// # Errors
/// [`CryptoError::Value`] if the message is too long.
pub fn encode(
    hash: TpmiAlgHash,
    label: &[u8],
    message: &[u8],
    size: usize,
    random: &mut dyn Random,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut seed = Zeroizing::new(vec![0; hash.digest_size()]);
    random.fill(&mut seed);
    encode_with_seed(hash, label, message, size, seed)
}

/// [`encode`] with a seed of the caller's, as long as the hash.
///
/// # Errors
/// As [`encode`].
pub fn encode_with_seed(
    hash: TpmiAlgHash,
    label: &[u8],
    message: &[u8],
    size: usize,
    mut seed: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let zeros =
        max_message_size(hash, size).and_then(|max| max.checked_sub(message.len())).ok_or(CryptoError::Value)?;
    if seed.len() != hash.digest_size() {
        return Err(CryptoError::Value);
    }
    // DB = lHash || zeros || 01 || message; the capacity is final, so that nothing is left behind by growth.
    let mut db = Zeroizing::new(Vec::with_capacity(size));
    db.extend_from_slice(&hash::digest(hash, &[label]));
    db.extend(core::iter::repeat_n(0, zeros));
    db.push(1);
    db.extend_from_slice(message);
    mgf::mask(hash, &seed, &mut db);
    mgf::mask(hash, &db, &mut seed);
    let mut encoded = Zeroizing::new(Vec::with_capacity(size));
    encoded.push(0);
    encoded.extend_from_slice(&seed);
    encoded.extend_from_slice(&db);
    Ok(encoded)
}

/// Takes the padding off.
///
/// # Errors
/// [`CryptoError::Invalid`] if anything at all is wrong.
pub fn decode(hash: TpmiAlgHash, label: &[u8], encoded: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let digest_size = hash.digest_size();
    max_message_size(hash, encoded.len()).ok_or(CryptoError::Invalid)?;
    let (first, masked) = encoded.split_first().ok_or(CryptoError::Invalid)?;
    let (masked_seed, masked_db) = masked.split_at_checked(digest_size).ok_or(CryptoError::Invalid)?;
    let mut seed = Zeroizing::new(masked_seed.to_vec());
    let mut db = Zeroizing::new(masked_db.to_vec());
    mgf::mask(hash, &db, &mut seed);
    mgf::mask(hash, &seed, &mut db);
    let (label_hash, tail) = db.split_at_checked(digest_size).ok_or(CryptoError::Invalid)?;

    let mut valid = first.ct_eq(&0) & label_hash.ct_eq(&hash::digest(hash, &[label]));
    let mut found = Choice::from(0);
    let mut separator = 0_u32;
    for (index, byte) in (0_u32..).zip(tail) {
        let is_one = byte.ct_eq(&1);
        valid &= found | is_one | byte.ct_eq(&0);
        separator.conditional_assign(&index, is_one & !found);
        found |= is_one;
    }
    if !bool::from(valid & found) {
        return Err(CryptoError::Invalid);
    }
    let skip = usize::try_from(separator).map_err(|_| CryptoError::Invalid)?.saturating_add(1);
    Ok(Zeroizing::new(tail.get(skip..).unwrap_or_default().to_vec()))
}
