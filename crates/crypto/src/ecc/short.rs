//! The short-Weierstrass curves that have no crate of their own: P-192, P-224, BN P-256, BN P-638, SM2 P-256 and
//! Brainpool's.
//!
//! All are one construction: fields in Montgomery's form (`primefield` over `crypto-bigint`), the complete addition
//! formulas of Renes, Costello and Batina (<https://eprint.iacr.org/2015/1060>), and multiplication with a table of
//! sixteenths that is read in constant time (`primeorder`). Nothing in them branches on a secret or reads where a secret
//! says.

use elliptic_curve::{
    Curve, CurveArithmetic, FieldBytes, PrimeCurve, PrimeCurveArithmetic, Scalar,
    array::typenum::{U24, U28, U32, U48, U64, U80},
    bigint::{Odd, Reduce, U192, U256, U384, U512, U768},
    ff::PrimeField,
    hazmat::FieldArithmetic,
    ops::LinearCombination,
    point::PointCompression,
    subtle::{Choice, ConstantTimeEq, ConstantTimeGreater, CtOption},
};
use primeorder::{PrimeCurveParams, ProjectivePoint, mul_backend::MulBackend, point_arithmetic};
use zeroize::Zeroize;

/// Multiplication: always the constant-time one, for signatures' verification too. (`wnaf`, which would be a little faster
/// there, wants an array of one digit more than the order has bits, and there are none of 513 and 639.)
#[derive(Clone, Copy, Debug)]
pub struct Tables;

impl<C: PrimeCurveParams> MulBackend<C> for Tables {
    fn mul_by_generator_vartime(scalar: &Scalar<C>) -> ProjectivePoint<C> {
        ProjectivePoint::GENERATOR * scalar
    }

    fn mul_by_generator_and_mul_add_vartime(
        of_generator: &Scalar<C>,
        of_point: &Scalar<C>,
        point: &ProjectivePoint<C>,
    ) -> ProjectivePoint<C> {
        ProjectivePoint::lincomb(&[(ProjectivePoint::GENERATOR, *of_generator), (*point, *of_point)])
    }
}

/// Declares a curve: its type, numbers, sizes, and for each field its smallest quadratic non-residue (which is all that
/// `ff` needs of a "multiplicative generator" for square roots; we take none).
macro_rules! short_curves {
    ($($(#[$meta:meta])* $name:ident, $module:ident {
        uint: $uint:ident, $digits:literal digits, bytes: $bytes:ident, storage: $storage:literal, equation: $equation:ident,
        non_residues: ($p_residue:literal, $n_residue:literal),
    })*) => {$(
        pub(super) use $module::$name;

        mod $module {
            use super::*;
            use crate::ecc::curve::numbers::$module as numbers;

            const P: [u8; $digits] = padded(numbers::P);
            const P_HEX: &str = text(&P);
            const N: [u8; $digits] = padded(numbers::N);
            const N_HEX: &str = text(&N);

            primefield::monty_field_params! {
                name: FieldParams,
                modulus: P_HEX,
                uint: $uint,
                byte_order: primefield::ByteOrder::BigEndian,
                multiplicative_generator: $p_residue,
                doc: "The field's prime."
            }

            primefield::monty_field_element! {
                name: FieldElement,
                params: FieldParams,
                uint: $uint,
                doc: "A number modulo the field's prime."
            }

            primefield::monty_field_arithmetic! {
                name: FieldElement,
                params: FieldParams,
                uint: $uint
            }

            impl elliptic_curve::ops::BatchInvert for FieldElement {}

            mod scalar {
                use super::*;

                primefield::monty_field_params! {
                    name: ScalarParams,
                    modulus: N_HEX,
                    uint: $uint,
                    byte_order: primefield::ByteOrder::BigEndian,
                    multiplicative_generator: $n_residue,
                    doc: "The order of the base point."
                }

                primefield::monty_field_element! {
                    name: Scalar,
                    params: ScalarParams,
                    uint: $uint,
                    doc: "A number modulo the order of the base point."
                }

                primefield::monty_field_arithmetic! {
                    name: Scalar,
                    params: ScalarParams,
                    uint: $uint
                }

                impl Reduce<$uint> for Scalar {
                    fn reduce(number: &$uint) -> Self {
                        Self::from_uint_unchecked(*number)
                    }
                }

                impl Reduce<FieldBytes<$name>> for Scalar {
                    fn reduce(bytes: &FieldBytes<$name>) -> Self {
                        let mut wide = [0; $digits / 2];
                        wide[$digits / 2 - bytes.len()..].copy_from_slice(bytes);
                        let scalar = Self::from_uint_unchecked(<$uint>::from_be_slice(&wide));
                        wide.zeroize();
                        scalar
                    }
                }

                elliptic_curve::scalar_impls!($name, Scalar);

                impl primeorder::WnafSize for Scalar {
                    type StorageSize = primeorder::wnaf::array::typenum::U<$storage>;
                }

                impl AsRef<Scalar> for Scalar {
                    fn as_ref(&self) -> &Self {
                        self
                    }
                }

                impl elliptic_curve::scalar::FromUintUnchecked for Scalar {
                    type Uint = $uint;

                    fn from_uint_unchecked(uint: $uint) -> Self {
                        Self::from_uint_unchecked(uint)
                    }
                }

                impl elliptic_curve::scalar::IsHigh for Scalar {
                    fn is_high(&self) -> Choice {
                        const HALF: $uint = $name::ORDER.as_ref().shr_vartime(1);
                        self.to_canonical().ct_gt(&HALF)
                    }
                }
            }

            $(#[$meta])*
            #[derive(Copy, Clone, Debug, Default, Eq, PartialEq, PartialOrd, Ord)]
            pub struct $name;

            impl Curve for $name {
                type FieldBytesSize = $bytes;
                type Uint = $uint;
                const ORDER: Odd<$uint> = Odd::<$uint>::from_be_hex(N_HEX);
            }

            impl PrimeCurve for $name {}

            impl PointCompression for $name {
                const COMPRESS_POINTS: bool = false;
            }

            impl CurveArithmetic for $name {
                type AffinePoint = primeorder::AffinePoint<Self>;
                type ProjectivePoint = primeorder::ProjectivePoint<Self>;
                type Scalar = scalar::Scalar;
            }

            impl FieldArithmetic for $name {
                type FieldElement = FieldElement;
            }

            impl PrimeCurveArithmetic for $name {
                type CurveGroup = primeorder::ProjectivePoint<Self>;
            }

            impl PrimeCurveParams for $name {
                type PointArithmetic = point_arithmetic::$equation;
                type Backend = Tables;

                const EQUATION_A: FieldElement = FieldElement::from_hex_vartime(numbers::A);
                const EQUATION_B: FieldElement = FieldElement::from_hex_vartime(numbers::B);
                const GENERATOR: (FieldElement, FieldElement) =
                    (FieldElement::from_hex_vartime(numbers::GX), FieldElement::from_hex_vartime(numbers::GY));
            }
        }
    )*};
}

short_curves! {
    /// NIST P-192.
    NistP192, p192 {
        uint: U192, 48 digits, bytes: U24, storage: 193, equation: EquationAIsMinusThree, non_residues: (11, 3),
    }
    /// NIST P-224.
    NistP224, p224 {
        uint: U256, 64 digits, bytes: U28, storage: 225, equation: EquationAIsMinusThree, non_residues: (11, 2),
    }
    /// Barreto-Naehrig, 256 bits.
    BnP256, bn_p256 {
        uint: U256, 64 digits, bytes: U32, storage: 257, equation: EquationAIsZero, non_residues: (2, 2),
    }
    /// Barreto-Naehrig, 638 bits.
    BnP638, bn_p638 {
        uint: U768, 192 digits, bytes: U80, storage: 640, equation: EquationAIsZero, non_residues: (3, 7),
    }
    /// The curve of SM2.
    Sm2P256, sm2_p256 {
        uint: U256, 64 digits, bytes: U32, storage: 257, equation: EquationAIsMinusThree, non_residues: (13, 2),
    }
    /// brainpoolP256r1.
    BpP256R1, bp_p256_r1 {
        uint: U256, 64 digits, bytes: U32, storage: 257, equation: EquationAIsGeneric, non_residues: (11, 3),
    }
    /// brainpoolP384r1.
    BpP384R1, bp_p384_r1 {
        uint: U384, 96 digits, bytes: U48, storage: 385, equation: EquationAIsGeneric, non_residues: (2, 2),
    }
    /// brainpoolP512r1.
    BpP512R1, bp_p512_r1 {
        uint: U512, 128 digits, bytes: U64, storage: 528, equation: EquationAIsGeneric, non_residues: (2, 7),
    }
}

/// The digits with zeros in front, as many as the integer type wants.
const fn padded<const DIGITS: usize>(digits: &str) -> [u8; DIGITS] {
    let digits = digits.as_bytes();
    let (mut out, mut at) = ([b'0'; DIGITS], 0);
    while at < digits.len() {
        out[DIGITS - digits.len() + at] = digits[at];
        at += 1;
    }
    out
}

const fn text(digits: &'static [u8]) -> &'static str {
    match core::str::from_utf8(digits) {
        Ok(digits) => digits,
        Err(_) => panic!("digits are ASCII"),
    }
}
