//! The parameters of the curves, for `TPM2_ECC_Parameters()` and for arithmetic.

pub(super) mod numbers;

use ironroot_wire::TpmEccCurve;

use crate::EccPoint;

/// A curve over a prime field. Numbers are big-endian, as long as the field (but the cofactor).
///
/// Short Weierstrass: `y^2 = x^3 + a x + b`. Curve25519 and Curve448 are given in Montgomery's form:
/// `b y^2 = x^3 + a x^2 + x` (RFC 7748, 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurveParameters {
    /// The field's prime.
    pub p: &'static [u8],
    /// The coefficient `a`.
    pub a: &'static [u8],
    /// The coefficient `b`.
    pub b: &'static [u8],
    /// The base point's x coordinate.
    pub gx: &'static [u8],
    /// The base point's y coordinate.
    pub gy: &'static [u8],
    /// The base point's order.
    pub n: &'static [u8],
    /// The cofactor.
    pub h: &'static [u8],
}

/// A curve's parameters.
#[must_use]
pub fn parameters(curve: TpmEccCurve) -> &'static CurveParameters {
    match curve {
        TpmEccCurve::NistP192 => &numbers::P192,
        TpmEccCurve::NistP224 => &numbers::P224,
        TpmEccCurve::NistP256 => &numbers::P256,
        TpmEccCurve::NistP384 => &numbers::P384,
        TpmEccCurve::NistP521 => &numbers::P521,
        TpmEccCurve::BnP256 => &numbers::BN_P256,
        TpmEccCurve::BnP638 => &numbers::BN_P638,
        TpmEccCurve::Sm2P256 => &numbers::SM2_P256,
        TpmEccCurve::BpP256R1 => &numbers::BP_P256_R1,
        TpmEccCurve::BpP384R1 => &numbers::BP_P384_R1,
        TpmEccCurve::BpP512R1 => &numbers::BP_P512_R1,
        TpmEccCurve::Curve25519 => &numbers::CURVE25519,
        TpmEccCurve::Curve448 => &numbers::CURVE448,
    }
}

/// The base point of a curve.
#[must_use]
pub fn base_point(curve: TpmEccCurve) -> EccPoint {
    let numbers = parameters(curve);
    EccPoint { x: numbers.gx.to_vec(), y: numbers.gy.to_vec() }
}

/// Whether the curve has the short Weierstrass form, and so points with two coordinates, big-endian scalars and the
/// signatures of ECDSA's family. The others are those of RFC 7748 and RFC 8032.
#[must_use]
pub fn is_weierstrass(curve: TpmEccCurve) -> bool {
    !matches!(curve, TpmEccCurve::Curve25519 | TpmEccCurve::Curve448)
}

/// The size of a coordinate, in bytes.
#[must_use]
pub fn field_size(curve: TpmEccCurve) -> usize {
    curve.field_size()
}

/// The size of the order, and so of a scalar and of each half of a signature, in bytes.
#[must_use]
pub fn order_size(curve: TpmEccCurve) -> usize {
    curve.order_size()
}

/// The size of the order in bits; on short Weierstrass curves that of the field.
#[must_use]
pub fn order_bits(curve: TpmEccCurve) -> u32 {
    curve.order_bits().into()
}
