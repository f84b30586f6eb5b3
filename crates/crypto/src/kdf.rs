//! The key derivation functions of a TPM: KDFa and KDFe (Part 1, 8.4.10), KDF2 for `TPM2_ECC_Encrypt` (Part 1, 45.2.4.2)
//! and HKDF for labeled key encapsulation.

use alloc::{vec, vec::Vec};
use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use crate::{CryptoError, Digest, Hasher, Hmac, hash::digest, hmac::hmac};

/// `KDFa()` (Part 1, 8.4.10.2): SP 800-108 in counter mode with HMAC.
///
/// `bits` is the number of bits wanted; the result has `(bits + 7) / 8` bytes, and where `bits` is no multiple of 8 the
/// surplus high bits of the first byte are clear. A zero byte follows `label` unless it ends in one already.
#[must_use]
pub fn kdfa(
    algorithm: TpmiAlgHash,
    key: &[u8],
    label: &[u8],
    context_u: &[u8],
    context_v: &[u8],
    bits: u32,
) -> Zeroizing<Vec<u8>> {
    let keyed = Hmac::new(algorithm, key);
    derive(bits, |counter| {
        keyed.peek(&[&counter.to_be_bytes(), label, terminator(label), context_u, context_v, &bits.to_be_bytes()])
    })
}

/// `KDFe()` (Part 1, 8.4.10.3): the one-step derivation of SP 800-56C with a hash, for ECDH.
///
/// `z` is the x coordinate of the shared point, `party_u` and `party_v` the x coordinates of the ephemeral and the static
/// public point. Sizes, label and surplus bits as in [`kdfa`].
#[must_use]
pub fn kdfe(
    algorithm: TpmiAlgHash,
    z: &[u8],
    label: &[u8],
    party_u: &[u8],
    party_v: &[u8],
    bits: u32,
) -> Zeroizing<Vec<u8>> {
    derive(bits, |counter| {
        let mut hash = Hasher::new(algorithm);
        hash.update(&counter.to_be_bytes());
        hash.update(z);
        hash.update(label);
        hash.update(terminator(label));
        hash.update(party_u);
        hash.update(party_v);
        hash.finish()
    })
}

/// KDF2 (IEEE 1363a-2004, 13.2; the same function as in ANSI X9.63): `size` bytes of `H(z || counter || info)`.
#[must_use]
pub fn kdf2(algorithm: TpmiAlgHash, z: &[u8], info: &[u8], size: usize) -> Zeroizing<Vec<u8>> {
    fill(size, |counter| digest(algorithm, &[z, &counter.to_be_bytes(), info]))
}

/// The extraction of HKDF (RFC 5869, 2.2): a key as long as the digest from the concatenation of `secrets`.
#[must_use]
pub fn hkdf_extract(algorithm: TpmiAlgHash, salt: &[u8], secrets: &[&[u8]]) -> Zeroizing<Digest> {
    Zeroizing::new(hmac(algorithm, salt, secrets))
}

/// The expansion of HKDF (RFC 5869, 2.3): `size` bytes from a key; the info is the concatenation of `info`.
///
/// # Errors
/// [`CryptoError::Value`] if `size` is more than 255 digests.
pub fn hkdf_expand(
    algorithm: TpmiAlgHash,
    key: &[u8],
    info: &[&[u8]],
    size: usize,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    if size > algorithm.digest_size().saturating_mul(255) {
        return Err(CryptoError::Value);
    }
    let keyed = Hmac::new(algorithm, key);
    let mut last: Option<Zeroizing<Digest>> = None;
    Ok(fill(size, |counter| {
        let mut running = keyed.clone();
        running.update(last.as_ref().map_or(&[], |last| last.as_ref()));
        info.iter().for_each(|part| running.update(part));
        running.update(&[counter.to_le_bytes()[0]]);
        let block = running.finish();
        last = Some(Zeroizing::new(block));
        block
    }))
}

/// Concatenates `block(1)`, `block(2)`, … to the wanted number of bits.
fn derive(bits: u32, block: impl FnMut(u32) -> Digest) -> Zeroizing<Vec<u8>> {
    let mut output = fill(usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX), block);
    clear_surplus_bits(&mut output, bits);
    output
}

/// Concatenates `block(1)`, `block(2)`, … to `size` bytes.
fn fill(size: usize, mut block: impl FnMut(u32) -> Digest) -> Zeroizing<Vec<u8>> {
    let mut output = Zeroizing::new(vec![0u8; size]);
    let (mut rest, mut counter) = (output.as_mut_slice(), 1u32);
    while !rest.is_empty() {
        let bytes = Zeroizing::new(block(counter));
        let (filled, left) = rest.split_at_mut(bytes.len().min(rest.len()));
        for (to, from) in filled.iter_mut().zip(bytes.iter()) {
            *to = *from;
        }
        (rest, counter) = (left, counter.saturating_add(1));
    }
    output
}

/// Clears the bits of the first byte that are above the lowest `bits` of the whole.
pub(crate) fn clear_surplus_bits(bytes: &mut [u8], bits: u32) {
    if let (Some(first), 1..8) = (bytes.first_mut(), bits % 8) {
        *first &= 0xff_u8.checked_shr(8_u32.saturating_sub(bits % 8)).unwrap_or(0xff);
    }
}

fn terminator(label: &[u8]) -> &'static [u8] {
    if label.last() == Some(&0) { &[] } else { &[0] }
}

#[cfg(test)]
mod tests;
