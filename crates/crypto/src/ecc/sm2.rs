//! SM2 (GB/T 32918): signatures (part 2), key exchange (part 3) and encryption (part 4), on any short Weierstrass curve
//! and with any hash, as the TPM specification allows (Part 1, 45.2).

// The operators on numbers modulo the order cannot overflow.
#![allow(clippy::arithmetic_side_effects)]

use alloc::{vec, vec::Vec};

use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    curve::{base_point, field_size, order_size, parameters},
    generate,
    nonce::labeled_nonce,
    number::{fixed_size, is_scalar},
    scalar::{Order, Scalar},
};
use crate::{CryptoError, EccPoint, EccSecretPoint, Provider, Random, hash, hash::Digest, kdf::kdf2};

/// How often a new ephemeral key is tried until the key stream is not all zeros (for a message of one byte, one in 256 is).
const ENCRYPTION_TRIES: usize = 32;

/// `Z_A`: the hash of the signer's identity and public key that goes before the message (GB/T 32918.2, 5.5).
///
/// # Errors
/// [`CryptoError::Value`] if the identity has 8192 bytes or more: its length in bits is 16 bits long.
pub fn identity_digest(
    (curve, algorithm): (TpmEccCurve, TpmiAlgHash),
    identity: &[u8],
    public: &EccPoint,
) -> Result<Digest, CryptoError> {
    let bits = identity.len().checked_mul(8).and_then(|bits| u16::try_from(bits).ok()).ok_or(CryptoError::Value)?;
    let numbers = parameters(curve);
    let parts = [&bits.to_be_bytes(), identity, numbers.a, numbers.b, numbers.gx, numbers.gy, &public.x, &public.y];
    Ok(hash::digest(algorithm, &parts))
}

/// Signs the digest `e` of the identity and the message: `r` and `s`, each as long as the order.
///
/// # Errors
/// [`CryptoError::Value`] unless the key is between zero and the order; [`CryptoError::Internal`] if a half came out as zero
/// or if the key is one less than the order, which have negligible probability.
pub fn sign(
    provider: &dyn Provider,
    curve: TpmEccCurve,
    scalar: &[u8],
    digest: &[u8],
    random: &mut dyn Random,
) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
    let nonce = labeled_nonce(b"SM2", curve, scalar, digest, random)?;
    sign_with(provider, curve, scalar, digest, &nonce)
}

/// With this per-message number (GB/T 32918.2, 6.1, A3 to A7).
fn sign_with(
    provider: &dyn Provider,
    curve: TpmEccCurve,
    scalar: &[u8],
    digest: &[u8],
    nonce: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
    let commitment = provider.ecc_base_multiply(curve, nonce)?;
    let order = Order::of(curve);
    let (k, key) = (order.number(nonce), order.number(scalar));
    let r = &order.number(digest) + &order.number(&commitment.x);
    let inverse = (&order.one() + &key).invert().ok_or(CryptoError::Internal)?;
    let s = &inverse * &(&k - &(&r * &key));
    if r.is_zero() || (&r + &k).is_zero() || s.is_zero() {
        return Err(CryptoError::Internal);
    }
    Ok((r.to_bytes().to_vec(), s.to_bytes().to_vec()))
}

/// Verifies a signature of the digest `e`.
///
/// # Errors
/// [`CryptoError::Invalid`] if the signature is wrong; [`CryptoError::Point`] if the public key is.
pub fn verify(
    provider: &dyn Provider,
    curve: TpmEccCurve,
    public: &EccPoint,
    digest: &[u8],
    (r, s): (&[u8], &[u8]),
) -> Result<(), CryptoError> {
    provider.ecc_check_point(curve, public)?;
    let order = Order::of(curve);
    let half = |number: &[u8]| -> Result<Scalar, CryptoError> {
        let number = fixed_size(number, order_size(curve)).map_err(|_| CryptoError::Invalid)?;
        if is_scalar(curve, &number) { Ok(order.number(&number)) } else { Err(CryptoError::Invalid) }
    };
    let (r, s) = (half(r)?, half(s)?);
    let t = &r + &s;
    if t.is_zero() {
        return Err(CryptoError::Invalid);
    }
    let terms = [(&s.to_bytes()[..], &base_point(curve)), (&t.to_bytes()[..], public)];
    let point = provider.ecc_combine(curve, terms).map_err(|_| CryptoError::Invalid)?;
    let expected = &order.number(digest) + &order.number(&point.x);
    if expected.to_bytes() == r.to_bytes() { Ok(()) } else { Err(CryptoError::Invalid) }
}

/// What SM2 encryption gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ciphertext {
    /// The ephemeral public key.
    pub c1: EccPoint,
    /// The message under the key stream.
    pub c2: Vec<u8>,
    /// The digest of the message and the shared secret.
    pub c3: Digest,
}

/// Encrypts a message for the holder of `public`, with KDF2 and the hash.
///
/// # Errors
/// [`CryptoError::Point`] if the public key is not on the curve.
pub fn encrypt(
    provider: &dyn Provider,
    (curve, algorithm): (TpmEccCurve, TpmiAlgHash),
    public: &EccPoint,
    message: &[u8],
    random: &mut dyn Random,
) -> Result<Ciphertext, CryptoError> {
    for _ in 0..ENCRYPTION_TRIES {
        let (scalar, ephemeral) = generate(provider, curve, random)?;
        if let Some(ciphertext) = encrypt_with(provider, (curve, algorithm), public, message, (&scalar, ephemeral))? {
            return Ok(ciphertext);
        }
    }
    Err(CryptoError::Internal)
}

/// With this ephemeral key; nothing if its key stream would leave the message as it is (GB/T 32918.4, 6.1, A5).
fn encrypt_with(
    provider: &dyn Provider,
    (curve, algorithm): (TpmEccCurve, TpmiAlgHash),
    public: &EccPoint,
    message: &[u8],
    (scalar, ephemeral): (&[u8], EccPoint),
) -> Result<Option<Ciphertext>, CryptoError> {
    let shared = provider.ecc_multiply(curve, scalar, public)?;
    let (c2, usable) = under_stream(curve, algorithm, &shared, message);
    let c3 = hash::digest(algorithm, &[&shared.x, message, &shared.y]);
    Ok(usable.then(|| Ciphertext { c1: ephemeral, c2: c2.to_vec(), c3 }))
}

/// Decrypts what [`encrypt`] made.
///
/// # Errors
/// [`CryptoError::Point`] if `c1` is not on the curve; [`CryptoError::Invalid`] if `c3` does not match.
pub fn decrypt(
    provider: &dyn Provider,
    (curve, algorithm): (TpmEccCurve, TpmiAlgHash),
    scalar: &[u8],
    (c1, c2, c3): (&EccPoint, &[u8], &[u8]),
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let shared = provider.ecc_multiply(curve, scalar, c1)?;
    let (message, usable) = under_stream(curve, algorithm, &shared, c2);
    let expected = hash::digest(algorithm, &[&shared.x, &message, &shared.y]);
    if usable && bool::from((*expected).ct_eq(c3)) { Ok(message) } else { Err(CryptoError::Invalid) }
}

/// The bytes under the key stream, and whether the stream does anything.
fn under_stream(
    curve: TpmEccCurve,
    algorithm: TpmiAlgHash,
    shared: &EccSecretPoint,
    bytes: &[u8],
) -> (Zeroizing<Vec<u8>>, bool) {
    let mut z = Zeroizing::new(Vec::with_capacity(field_size(curve).saturating_mul(2)));
    z.extend_from_slice(&shared.x);
    z.extend_from_slice(&shared.y);
    let stream = kdf2(algorithm, &z, &[], bytes.len());
    let mut out = Zeroizing::new(vec![0; bytes.len()]);
    for ((out, byte), key) in out.iter_mut().zip(bytes).zip(stream.iter()) {
        *out = byte ^ key;
    }
    let all = stream.iter().fold(0, |all, byte| all | byte);
    (out, bytes.is_empty() || all != 0)
}

#[cfg(test)]
mod tests;
