//! Curve25519 and Curve448, portable: the group operations that EdDSA needs, and X25519 and X448.
//!
//! Curve25519 is `curve25519-dalek`'s. For Curve448 the crates that exist (`ed448-goldilocks`, `x448`) are pre-releases, so
//! its field and formulas are here, over the same Montgomery arithmetic as the other curves: complete formulas, tables
//! read in constant time. Everything is little-endian, in the fixed lengths of RFC 7748 and RFC 8032.

mod curve25519;
mod curve448;

use alloc::vec::Vec;
use ironroot_wire::TpmEccCurve;
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;

pub(crate) use {curve448::Curve448, curve25519::Curve25519};

/// The prime-order group in which EdDSA works.
pub(crate) trait Group {
    /// A number modulo the order of the base point; erased after use.
    type Scalar: Zeroize;

    /// Bytes of a private key, a public key and each half of a signature.
    const SIZE: usize;

    /// A number of any length that the curve's hash has, reduced.
    fn reduce(number: &[u8]) -> Zeroizing<Self::Scalar>;

    /// The number of half a signature, if it is as long as it must be and below the order.
    fn canonical(number: &[u8]) -> Option<Self::Scalar>;

    /// The private number from the first half of the hash of a private key (RFC 8032, 5.1.5 and 5.2.5, step 2).
    fn clamped(half: &[u8]) -> Zeroizing<Self::Scalar>;

    /// `nonce + challenge * private`, encoded as half a signature.
    fn respond(nonce: &Self::Scalar, challenge: &Self::Scalar, private: &Self::Scalar) -> Vec<u8>;

    /// `scalar * B`, encoded, in constant time.
    fn base_multiple(scalar: &Self::Scalar) -> Vec<u8>;

    /// `response * B - challenge * public`, encoded; of public values. `None` if `public` is not the canonical encoding of
    /// a point (RFC 8032, 5.1.3 and 5.2.3).
    fn commitment(response: &Self::Scalar, challenge: &Self::Scalar, public: &[u8]) -> Option<Vec<u8>>;

    /// Whether this is the canonical encoding of a point.
    fn is_point(encoded: &[u8]) -> bool;
}

/// X25519 or X448 (RFC 7748, 5).
///
/// # Errors
/// [`CryptoError::Unsupported`] on another curve; [`CryptoError::Value`] if the private key, [`CryptoError::Point`] if the
/// coordinate has another length; [`CryptoError::Point`] if the result is zero, as a point of small order makes it.
pub(crate) fn x_multiply(curve: TpmEccCurve, private: &[u8], point: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let product = match curve {
        TpmEccCurve::Curve25519 => curve25519::x25519(private, point)?,
        TpmEccCurve::Curve448 => curve448::x448(private, point)?,
        _ => return Err(CryptoError::Unsupported),
    };
    if product.iter().fold(0, |all, byte| all | byte) == 0 { Err(CryptoError::Point) } else { Ok(product) }
}

/// The public key of X25519 or X448.
///
/// # Errors
/// [`CryptoError::Unsupported`] on another curve; [`CryptoError::Value`] if the private key has another length.
pub(crate) fn x_public(curve: TpmEccCurve, private: &[u8]) -> Result<Vec<u8>, CryptoError> {
    match curve {
        TpmEccCurve::Curve25519 => curve25519::x25519_base(private),
        TpmEccCurve::Curve448 => {
            let mut base = [0; 56];
            base[0] = 5;
            curve448::x448(private, &base).map(|product| product.to_vec())
        }
        _ => Err(CryptoError::Unsupported),
    }
}
