//! EC Schnorr signatures, as the TPM specification has them (Part 1, 44.3.4), and the split one of ECDAA (44.3.3).

// The operators on numbers modulo the order cannot overflow.
#![allow(clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

use ironroot_wire::{TpmEccCurve, TpmiAlgHash};

use super::{
    curve::{base_point, order_size},
    generate_scalar,
    nonce::labeled_nonce,
    number::fixed_size,
    scalar::Order,
};
use crate::{CryptoError, EccPoint, Provider, Random, hash};

/// Signs a digest: `r` and `s`.
///
/// `r` is as long as the hash of `x || digest` cut to the length of the order, and can be above the order.
///
/// # Errors
/// [`CryptoError::Value`] unless the key is between zero and the order; [`CryptoError::Internal`] if `s` came out as zero or
/// as the per-message number, which has negligible probability.
pub fn sign(
    provider: &dyn Provider,
    (curve, algorithm): (TpmEccCurve, TpmiAlgHash),
    scalar: &[u8],
    digest: &[u8],
    random: &mut dyn Random,
) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
    let nonce = labeled_nonce(b"ECSCHNORR", curve, scalar, digest, random)?;
    let commitment = provider.ecc_base_multiply(curve, &nonce)?;
    let r = challenge(curve, algorithm, &commitment, digest);
    let order = Order::of(curve);
    let (k, challenge, key) = (order.number(&nonce), order.number(&r), order.number(scalar));
    let s = &k + &(&challenge * &key);
    if s.is_zero() || challenge.is_zero() {
        return Err(CryptoError::Internal);
    }
    Ok((r, s.to_bytes().to_vec()))
}

/// Verifies a signature of a digest.
///
/// # Errors
/// [`CryptoError::Invalid`] if the signature is wrong; [`CryptoError::Point`] if the public key is.
pub fn verify(
    provider: &dyn Provider,
    (curve, algorithm): (TpmEccCurve, TpmiAlgHash),
    public: &EccPoint,
    digest: &[u8],
    (r, s): (&[u8], &[u8]),
) -> Result<(), CryptoError> {
    provider.ecc_check_point(curve, public)?;
    let invalid = |_| CryptoError::Invalid;
    let r = fixed_size(r, order_size(curve)).map_err(invalid)?;
    let s = fixed_size(s, order_size(curve)).map_err(invalid)?;
    let order = Order::of(curve);
    let (response, of_key) = (order.number(&s), -&order.number(&r));
    if response.is_zero() || response.to_bytes() != s {
        return Err(CryptoError::Invalid);
    }
    let terms = [(&response.to_bytes()[..], &base_point(curve)), (&of_key.to_bytes()[..], public)];
    let commitment = provider.ecc_combine(curve, terms).map_err(invalid)?;
    let expected = challenge(curve, algorithm, &commitment, digest);
    if *fixed_size(&expected, order_size(curve))? == *r { Ok(()) } else { Err(CryptoError::Invalid) }
}

/// `TRUNC(H(FE2BS(x) || digest), n)`.
fn challenge(curve: TpmEccCurve, algorithm: TpmiAlgHash, commitment: &EccPoint, digest: &[u8]) -> Vec<u8> {
    let mut challenge = hash::digest(algorithm, &[&commitment.x, digest]).to_vec();
    challenge.truncate(order_size(curve));
    challenge
}

/// Completes an ECDAA signature of a digest with the number `committed`, of which the TPM gave out a multiple before:
/// the random `k` and `s = committed + H(k || digest) * scalar`.
///
/// # Errors
/// [`CryptoError::Internal`] if `s` came out as zero, which has negligible probability.
pub fn sign_committed(
    (curve, algorithm): (TpmEccCurve, TpmiAlgHash),
    scalar: &[u8],
    committed: &[u8],
    digest: &[u8],
    random: &mut dyn Random,
) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
    let k = generate_scalar(curve, random);
    let challenge = hash::digest(algorithm, &[&k, digest]);
    let order = Order::of(curve);
    let s = &order.number(committed) + &(&order.number(&challenge) * &order.number(scalar));
    if s.is_zero() { Err(CryptoError::Internal) } else { Ok((k.to_vec(), s.to_bytes().to_vec())) }
}

#[cfg(test)]
mod tests;
