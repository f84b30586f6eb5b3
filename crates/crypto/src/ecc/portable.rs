//! Elliptic curves of the portable provider, on RustCrypto's constant-time arithmetic.
//!
//! Only verification, which sees nothing secret, takes variable time.

// The operators below are those of scalars and points, which cannot overflow.
#![allow(clippy::arithmetic_side_effects)]

use ironroot_wire::TpmEccCurve;
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use zeroize::Zeroizing;

use alloc::vec::Vec;
use elliptic_curve::{
    CurveArithmetic, FieldBytes, Group, NonZeroScalar, Scalar,
    ff::PrimeField,
    group::Curve as _,
    ops::{Invert, MulByGeneratorVartime, Reduce},
    point::AffineCoordinates,
};

use super::{digest_to_integer, field_size, fixed_size, nonce, order_size, short};
use crate::{CryptoError, EccPoint, EccProvider, EccSecretPoint, Portable, Random};

/// Calls a function that is generic over the curve.
macro_rules! on {
    ($curve:expr, $function:ident($($argument:expr),*)) => {
        match $curve {
            TpmEccCurve::NistP192 => $function::<short::NistP192>($($argument),*),
            TpmEccCurve::NistP224 => $function::<short::NistP224>($($argument),*),
            TpmEccCurve::NistP256 => $function::<NistP256>($($argument),*),
            TpmEccCurve::NistP384 => $function::<NistP384>($($argument),*),
            TpmEccCurve::NistP521 => $function::<NistP521>($($argument),*),
            TpmEccCurve::BnP256 => $function::<short::BnP256>($($argument),*),
            TpmEccCurve::BnP638 => $function::<short::BnP638>($($argument),*),
            TpmEccCurve::Sm2P256 => $function::<short::Sm2P256>($($argument),*),
            TpmEccCurve::BpP256R1 => $function::<short::BpP256R1>($($argument),*),
            TpmEccCurve::BpP384R1 => $function::<short::BpP384R1>($($argument),*),
            TpmEccCurve::BpP512R1 => $function::<short::BpP512R1>($($argument),*),
            TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => Err(CryptoError::Unsupported),
        }
    };
}

impl EccProvider for Portable {
    fn ecc_base_multiply(&self, curve: TpmEccCurve, scalar: &[u8]) -> Result<EccPoint, CryptoError> {
        on!(curve, base_multiply(curve, scalar))
    }

    fn ecc_multiply(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        point: &EccPoint,
    ) -> Result<Zeroizing<EccSecretPoint>, CryptoError> {
        on!(curve, multiply(curve, scalar, point))
    }

    fn ecc_check_point(&self, curve: TpmEccCurve, point: &EccPoint) -> Result<(), CryptoError> {
        on!(curve, check_point(curve, point))
    }

    fn ecc_combine(&self, curve: TpmEccCurve, terms: [(&[u8], &EccPoint); 2]) -> Result<EccPoint, CryptoError> {
        on!(curve, combine(curve, terms))
    }

    fn ecdsa_sign(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        digest: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        let nonce = nonce(curve, scalar, digest, random)?;
        on!(curve, sign(curve, scalar, digest, &nonce))
    }

    fn ecdsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &EccPoint,
        digest: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<(), CryptoError> {
        on!(curve, verify(curve, public, digest, r, s))
    }
}

fn base_multiply<C: CurveArithmetic>(curve: TpmEccCurve, scalar: &[u8]) -> Result<EccPoint, CryptoError> {
    let scalar = scalar_from::<C>(curve, scalar)?;
    let point = C::ProjectivePoint::mul_by_generator(&scalar).to_affine();
    Ok(EccPoint { x: point.x().to_vec(), y: point.y().to_vec() })
}

fn multiply<C: CurveArithmetic>(
    curve: TpmEccCurve,
    scalar: &[u8],
    point: &EccPoint,
) -> Result<Zeroizing<EccSecretPoint>, CryptoError> {
    let scalar = scalar_from::<C>(curve, scalar)?;
    let point = C::ProjectivePoint::from(point_from::<C>(curve, point)?);
    let product = Zeroizing::new(point * **scalar);
    if bool::from(product.is_identity()) {
        return Err(CryptoError::Point);
    }
    let affine = Zeroizing::new(product.to_affine());
    let (x, y) = (Zeroizing::new(affine.x()), Zeroizing::new(affine.y()));
    Ok(Zeroizing::new(EccSecretPoint { x: x.to_vec(), y: y.to_vec() }))
}

fn check_point<C: CurveArithmetic>(curve: TpmEccCurve, point: &EccPoint) -> Result<(), CryptoError> {
    point_from::<C>(curve, point).map(|_| ())
}

fn combine<C: CurveArithmetic>(curve: TpmEccCurve, terms: [(&[u8], &EccPoint); 2]) -> Result<EccPoint, CryptoError> {
    let mut sum = C::ProjectivePoint::identity();
    for (number, point) in terms {
        let number = fixed_size(number, order_size(curve))?;
        let scalar: Option<Scalar<C>> = Scalar::<C>::from_repr(*field_bytes::<C>(&number)?).into();
        sum += C::ProjectivePoint::from(point_from::<C>(curve, point)?) * scalar.ok_or(CryptoError::Value)?;
    }
    if bool::from(sum.is_identity()) {
        return Err(CryptoError::Point);
    }
    let affine = sum.to_affine();
    Ok(EccPoint { x: affine.x().to_vec(), y: affine.y().to_vec() })
}

/// FIPS 186-5, 6.4.1, steps 2 and 5 to 9.
fn sign<C: CurveArithmetic>(
    curve: TpmEccCurve,
    scalar: &[u8],
    digest: &[u8],
    nonce: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
    let scalar = scalar_from::<C>(curve, scalar)?;
    let nonce = scalar_from::<C>(curve, nonce)?;
    let point = C::ProjectivePoint::mul_by_generator(&nonce).to_affine();
    let r = Scalar::<C>::reduce(&point.x());
    let inverse = Zeroizing::new(nonce.invert());
    let s = (r * **scalar + hashed::<C>(curve, digest)?) * **inverse;
    Ok((signature_half::<C>(r)?, signature_half::<C>(s)?))
}

/// FIPS 186-5, 6.4.2.
fn verify<C: CurveArithmetic>(
    curve: TpmEccCurve,
    public: &EccPoint,
    digest: &[u8],
    r: &[u8],
    s: &[u8],
) -> Result<(), CryptoError> {
    let public = C::ProjectivePoint::from(point_from::<C>(curve, public)?);
    let r = scalar_from::<C>(curve, r).map_err(|_| CryptoError::Invalid)?;
    let s = scalar_from::<C>(curve, s).map_err(|_| CryptoError::Invalid)?;
    let inverse = s.invert_vartime();
    let (u, v) = (hashed::<C>(curve, digest)? * *inverse, **r * *inverse);
    let point = C::ProjectivePoint::mul_by_generator_and_mul_add_vartime(&u, &v, &public);
    let expected = Scalar::<C>::reduce(&point.to_affine().x());
    if expected == **r && !bool::from(point.is_identity()) { Ok(()) } else { Err(CryptoError::Invalid) }
}

fn scalar_from<C: CurveArithmetic>(
    curve: TpmEccCurve,
    scalar: &[u8],
) -> Result<Zeroizing<NonZeroScalar<C>>, CryptoError> {
    let bytes = field_bytes::<C>(&fixed_size(scalar, order_size(curve))?)?;
    let scalar = NonZeroScalar::<C>::from_repr(*bytes);
    Option::from(scalar).map(Zeroizing::new).ok_or(CryptoError::Value)
}

fn point_from<C: CurveArithmetic>(curve: TpmEccCurve, point: &EccPoint) -> Result<C::AffinePoint, CryptoError> {
    let coordinate = |number: &[u8]| -> Result<_, CryptoError> {
        let fixed = fixed_size(number, field_size(curve)).map_err(|_| CryptoError::Point)?;
        field_bytes::<C>(&fixed)
    };
    let (x, y) = (coordinate(&point.x)?, coordinate(&point.y)?);
    Option::from(C::AffinePoint::from_coordinates(&x, &y)).ok_or(CryptoError::Point)
}

fn hashed<C: CurveArithmetic>(curve: TpmEccCurve, digest: &[u8]) -> Result<Scalar<C>, CryptoError> {
    Ok(Scalar::<C>::reduce(&*field_bytes::<C>(&digest_to_integer(curve, digest))?))
}

/// A zero half means a new per-message number (probability 2^-256): the caller tries again.
fn signature_half<C: CurveArithmetic>(half: Scalar<C>) -> Result<Vec<u8>, CryptoError> {
    let half: Option<NonZeroScalar<C>> = Option::from(NonZeroScalar::<C>::new(half));
    let bytes: FieldBytes<C> = half.ok_or(CryptoError::Internal)?.into();
    Ok(bytes.to_vec())
}

fn field_bytes<C: CurveArithmetic>(number: &[u8]) -> Result<Zeroizing<FieldBytes<C>>, CryptoError> {
    FieldBytes::<C>::try_from(number).map(Zeroizing::new).map_err(|_| CryptoError::Value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{hex, rows};

    /// NIST CAVP signature generation, which names its per-message numbers.
    #[test]
    fn published_signatures() {
        let mut seen = 0;
        for row in rows(include_str!("../../vectors/ecdsa_sign.txt")) {
            let [curve, digest, scalar, number, r, s] = row[..] else { panic!("{row:?}") };
            let curve = match curve {
                "P-256" => TpmEccCurve::NistP256,
                "P-384" => TpmEccCurve::NistP384,
                _ => TpmEccCurve::NistP521,
            };
            let signature = on!(curve, sign(curve, &hex(scalar), &hex(digest), &hex(number)));
            assert_eq!(signature, Ok((hex(r), hex(s))), "{row:?}");
            seen += 1;
        }
        assert_eq!(seen, 30);
    }
}
