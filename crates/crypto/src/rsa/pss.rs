//! EMSA-PSS (RFC 8017, 9.1). The mask and the message use one hash (Part 1, 43.7).
//!
//! A signature's salt has "the largest size allowed by FIPS 186-5": as long as the digest, or as long as the key leaves
//! room for, whichever is less. Verification takes a salt of any length, because older TPMs and other signers differ.

use alloc::{vec, vec::Vec};

use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use crate::{CryptoError, Random, hash};

const TRAILER: u8 = 0xbc;

/// The salt's length in a signature by a key of `size` bytes.
///
/// # Errors
/// [`CryptoError::Value`] if the key is too small for the hash.
pub fn salt_size(hash: TpmiAlgHash, size: usize) -> Result<usize, CryptoError> {
    let digest_size = hash.digest_size();
    let room = size.checked_sub(digest_size).and_then(|rest| rest.checked_sub(2)).ok_or(CryptoError::Value)?;
    Ok(room.min(digest_size))
}

/// Pads a digest for a modulus of `size` bytes whose top bit is set.
///
/// # Errors
/// [`CryptoError::Value`] if `digest` has the wrong length or the modulus is too small.
pub fn encode(hash: TpmiAlgHash, digest: &[u8], size: usize, random: &mut dyn Random) -> Result<Vec<u8>, CryptoError> {
    let mut salt = vec![0; salt_size(hash, size)?];
    random.fill(&mut salt);
    encode_with_salt(hash, digest, size, &salt)
}

/// [`encode`] with a salt of the caller's.
///
/// # Errors
/// As [`encode`].
pub fn encode_with_salt(hash: TpmiAlgHash, digest: &[u8], size: usize, salt: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let digest_size = hash.digest_size();
    if digest.len() != digest_size {
        return Err(CryptoError::Value);
    }
    // EM = (zeros || 01 || salt) masked || H || bc
    let separator = size
        .checked_sub(digest_size)
        .and_then(|rest| rest.checked_sub(salt.len()))
        .and_then(|rest| rest.checked_sub(2))
        .ok_or(CryptoError::Value)?;
    let h = hash::digest(hash, &[&[0; 8], digest, salt]);
    let mut encoded = vec![0; separator];
    encoded.push(1);
    encoded.extend_from_slice(salt);
    crate::rsa::mgf::mask(hash, &h, &mut encoded);
    if let Some(first) = encoded.first_mut() {
        *first &= 0x7f; // emBits is one less than the modulus has
    }
    encoded.extend_from_slice(&h);
    encoded.push(TRAILER);
    Ok(encoded)
}

/// Checks a padded digest.
///
/// # Errors
/// [`CryptoError::Invalid`] if it is not one for `digest`.
pub fn verify(hash: TpmiAlgHash, digest: &[u8], encoded: &[u8]) -> Result<(), CryptoError> {
    check(hash, digest, encoded).ok_or(CryptoError::Invalid)
}

/// [`verify`]; `None` if anything is wrong. Nothing here is secret.
fn check(hash: TpmiAlgHash, digest: &[u8], encoded: &[u8]) -> Option<()> {
    let (&TRAILER, rest) = encoded.split_last()? else { return None };
    let (masked, h) = rest.split_at_checked(rest.len().checked_sub(hash.digest_size())?)?;
    if masked.first()? & 0x80 != 0 {
        return None;
    }
    let mut db = Zeroizing::new(masked.to_vec());
    crate::rsa::mgf::mask(hash, h, &mut db);
    *db.first_mut()? &= 0x7f;
    let separator = db.iter().position(|byte| *byte != 0)?;
    let (&1, salt) = db.get(separator..)?.split_first()? else { return None };
    (hash::digest(hash, &[&[0; 8], digest, salt])[..] == *h).then_some(())
}
