//! Elliptic-curve keys and signatures: what is the same for every provider.
//!
//! Key generation and the per-message number of ECDSA are computed here and not in the provider, because keys that are
//! derived from a seed and signatures of the same random input must be identical whichever provider is in use.

mod curve;
pub mod eddsa;
pub(crate) mod edwards;
pub mod exchange;
mod nonce;
mod number;
mod portable;
mod scalar;
pub mod schnorr;
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic)]
mod short;
pub mod sm2;

pub use curve::{CurveParameters, base_point, field_size, is_weierstrass, order_bits, order_size, parameters};
pub use nonce::nonce;
pub use number::{digest_to_integer, fixed_size, to_field};

use alloc::{vec, vec::Vec};
use ironroot_wire::TpmEccCurve;
use zeroize::Zeroizing;

use crate::{CryptoError, EccPoint, EccProvider, Random, kdf::clear_surplus_bits};

/// How many bits more than the order has are drawn for a key (FIPS 186-5, A.2.1).
const EXTRA_BITS: u32 = 64;

/// A new key pair: the scalar (as long as the order) and its public point.
///
/// FIPS 186-5, A.2.1: with `N` the bits of the order `n`, draws `(N + 64 + 7) / 8` bytes from `random`, clears the bits
/// above the lowest `N + 64`, takes them as a big-endian number `c`, and returns `c mod (n - 1) + 1`. Primary keys are
/// derived with this: what it returns for given random bytes must never change.
///
/// # Errors
/// [`CryptoError::Unsupported`] if the provider lacks the curve.
pub fn generate<P: EccProvider + ?Sized>(
    provider: &P,
    curve: TpmEccCurve,
    random: &mut dyn Random,
) -> Result<(Zeroizing<Vec<u8>>, EccPoint), CryptoError> {
    let scalar = generate_scalar(curve, random);
    let point = provider.ecc_base_multiply(curve, &scalar)?;
    Ok((scalar, point))
}

/// The private half of [`generate`].
#[must_use]
pub fn generate_scalar(curve: TpmEccCurve, random: &mut dyn Random) -> Zeroizing<Vec<u8>> {
    let bits = order_bits(curve).saturating_add(EXTRA_BITS);
    let mut drawn = Zeroizing::new(vec![0u8; usize::try_from(bits.div_ceil(8)).unwrap_or_default()]);
    random.fill(&mut drawn);
    clear_surplus_bits(&mut drawn, bits);
    number::to_scalar(curve, &drawn)
}

/// A private value from bytes that are random or derived: taken as a big-endian number `c`, `c mod (n - 1) + 1`. With 64 bits
/// more than the order has, no value is noticeably more likely than another (FIPS 186-5, A.2.1). At most 88 bytes count.
#[must_use]
pub fn scalar_from(curve: TpmEccCurve, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    number::to_scalar(curve, bytes)
}

#[cfg(test)]
mod tests;
