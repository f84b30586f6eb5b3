//! Curve25519, on `curve25519-dalek`.

// The operators below are those of scalars and points, which cannot overflow.
#![allow(clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar, edwards::CompressedEdwardsY, scalar::clamp_integer};
use zeroize::Zeroizing;

use super::Group;
use crate::CryptoError;

/// The group of Ed25519.
pub(crate) struct Curve25519;

impl Group for Curve25519 {
    type Scalar = Scalar;

    const SIZE: usize = 32;

    fn reduce(number: &[u8]) -> Zeroizing<Scalar> {
        let mut wide = Zeroizing::new([0; 64]);
        wide.iter_mut().zip(number).for_each(|(to, from)| *to = *from);
        Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
    }

    fn canonical(number: &[u8]) -> Option<Scalar> {
        Scalar::from_canonical_bytes(number.try_into().ok()?).into()
    }

    fn clamped(half: &[u8]) -> Zeroizing<Scalar> {
        let mut number = Zeroizing::new([0; 32]);
        number.iter_mut().zip(half).for_each(|(to, from)| *to = *from);
        *number = clamp_integer(*number);
        Zeroizing::new(Scalar::from_bytes_mod_order(*number))
    }

    fn respond(nonce: &Scalar, challenge: &Scalar, private: &Scalar) -> Vec<u8> {
        let product = Zeroizing::new(challenge * private);
        (nonce + *product).to_bytes().to_vec()
    }

    fn base_multiple(scalar: &Scalar) -> Vec<u8> {
        EdwardsPoint::mul_base(scalar).compress().to_bytes().to_vec()
    }

    fn commitment(response: &Scalar, challenge: &Scalar, public: &[u8]) -> Option<Vec<u8>> {
        let public = point(public)?;
        let sum = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-challenge, &public, response);
        Some(sum.compress().to_bytes().to_vec())
    }

    fn is_point(encoded: &[u8]) -> bool {
        point(encoded).is_some()
    }
}

/// Only the canonical encoding: the library takes coordinates above the prime as well.
fn point(encoded: &[u8]) -> Option<EdwardsPoint> {
    let encoded = CompressedEdwardsY::from_slice(encoded).ok()?;
    encoded.decompress().filter(|point| point.compress() == encoded)
}

pub(super) fn x25519(private: &[u8], point: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let private = Zeroizing::new(<[u8; 32]>::try_from(private).map_err(|_| CryptoError::Value)?);
    let point = MontgomeryPoint(point.try_into().map_err(|_| CryptoError::Point)?);
    let product = Zeroizing::new(point.mul_clamped(*private));
    Ok(Zeroizing::new(product.as_bytes().to_vec()))
}

pub(super) fn x25519_base(private: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let private = Zeroizing::new(<[u8; 32]>::try_from(private).map_err(|_| CryptoError::Value)?);
    Ok(MontgomeryPoint::mul_base_clamped(*private).to_bytes().to_vec())
}
