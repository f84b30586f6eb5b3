//! Curve448: the field modulo `2^448 - 2^224 - 1`, the Edwards form `x^2 + y^2 = 1 + d x^2 y^2` with `d = -39081`
//! (RFC 8032, 5.2) and Montgomery's ladder (RFC 7748, 5).
//!
//! The addition formulas are complete (d is no square), so no sum is a special case; a multiplication does the same
//! steps for every scalar and reads its table whole.

// The operators below are those of field elements, which cannot overflow.
#![allow(clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

use crypto_bigint::{U448, const_monty_form, const_monty_params, modular::ConstMontyParams};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::Group;
use crate::CryptoError;

const P: &str =
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const L: &str =
    "3fffffffffffffffffffffffffffffffffffffffffffffffffffffff7cca23e9c44edb49aed63690216cc2728dc58f552378c292ab5844f3";
const GX: &str =
    "4f1970c66bed0ded221d15a622bf36da9e146570470f1767ea6de324a3d3a46412ae1af72ab66511433b80e18b00938e2626a82bc70cc05e";
const GY: &str =
    "693f46716eb6bc248876203756c9c7624bea73736ca3984087789c1e05a0c2d73ad3ff1ce67c39c4fdbd132c4ed7c8ad9808795bf230fa14";

const_monty_params!(FieldModulus, U448, P);
const_monty_form!(Element, FieldModulus);
const_monty_params!(OrderModulus, U448, L);
const_monty_form!(Number, OrderModulus);

/// Bytes of a coordinate, and of a scalar.
const SIZE: usize = 56;
/// `-d`.
const MINUS_D: Element = Element::new(&U448::from_u32(39_081));
/// `(A - 2) / 4` of Montgomery's form.
const A24: Element = Element::new(&U448::from_u32(39_081));
/// `2^448` modulo the order.
const SHIFT: Number = Number::new(&U448::MAX).add(&Number::ONE);
/// `(p - 3) / 4`, the exponent of RFC 8032, 5.2.3.
const ROOT: U448 = FieldModulus::PARAMS.modulus().as_ref().shr_vartime(2);

/// The group of Ed448.
pub(crate) struct Curve448;

impl Group for Curve448 {
    type Scalar = Number;

    const SIZE: usize = 57;

    fn reduce(number: &[u8]) -> Zeroizing<Number> {
        let mut sum = Zeroizing::new(Number::ZERO);
        for part in number.chunks(SIZE).rev() {
            let part = Zeroizing::new(Number::new(&integer(part)));
            *sum = *sum * SHIFT + *part;
        }
        sum
    }

    fn canonical(number: &[u8]) -> Option<Number> {
        let (0, digits) = number.split_last()? else { return None };
        let integer = (digits.len() == SIZE).then(|| integer(digits))?;
        (integer < *OrderModulus::PARAMS.modulus().as_ref()).then(|| Number::new(&integer))
    }

    fn clamped(half: &[u8]) -> Zeroizing<Number> {
        Zeroizing::new(Number::new(&clamped(half)))
    }

    fn respond(nonce: &Number, challenge: &Number, private: &Number) -> Vec<u8> {
        let product = Zeroizing::new(*challenge * *private);
        let mut encoded = bytes(&(*nonce + *product).retrieve());
        encoded.push(0);
        encoded
    }

    fn base_multiple(scalar: &Number) -> Vec<u8> {
        let scalar = Zeroizing::new(scalar.retrieve());
        Zeroizing::new(Point::BASE.multiply(&scalar)).encode()
    }

    fn commitment(response: &Number, challenge: &Number, public: &[u8]) -> Option<Vec<u8>> {
        let negated = Point::decode(public)?.negate().multiply(&challenge.retrieve());
        Some(Point::BASE.multiply(&response.retrieve()).add(&negated).encode())
    }

    fn is_point(encoded: &[u8]) -> bool {
        Point::decode(encoded).is_some()
    }
}

/// A point of the Edwards form in projective coordinates (RFC 8032, 5.2.4).
#[derive(Clone, Copy)]
struct Point {
    x: Element,
    y: Element,
    z: Element,
}

impl Point {
    const NEUTRAL: Self = Self { x: Element::ZERO, y: Element::ONE, z: Element::ONE };
    const BASE: Self =
        Self { x: Element::new(&U448::from_be_hex(GX)), y: Element::new(&U448::from_be_hex(GY)), z: Element::ONE };

    fn add(&self, other: &Self) -> Self {
        let a = self.z * other.z;
        let b = a.square();
        let c = self.x * other.x;
        let d = self.y * other.y;
        // With -d in place of d, E and so the signs of F and G turn around.
        let e = MINUS_D * c * d;
        let (f, g) = (b + e, b - e);
        let h = (self.x + self.y) * (other.x + other.y);
        Self { x: a * f * (h - c - d), y: a * g * (d - c), z: f * g }
    }

    fn double(&self) -> Self {
        let b = (self.x + self.y).square();
        let c = self.x.square();
        let d = self.y.square();
        let e = c + d;
        let h = self.z.square();
        let j = e - h.double();
        Self { x: (b - e) * j, y: e * (c - d), z: e * j }
    }

    fn negate(&self) -> Self {
        Self { x: -self.x, ..*self }
    }

    /// Four bits of the scalar at a time, each with the same steps.
    fn multiply(&self, scalar: &U448) -> Self {
        let mut table = Zeroizing::new([Self::NEUTRAL; 16]);
        let mut multiple = Self::NEUTRAL;
        for entry in table.iter_mut().skip(1) {
            multiple = multiple.add(self);
            *entry = multiple;
        }
        let digits = Zeroizing::new(scalar.to_be_bytes());
        let digits: &[u8] = digits.as_ref();
        let mut product = Self::NEUTRAL;
        for digit in digits.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            for _ in 0..4 {
                product = product.double();
            }
            let mut selected = Self::NEUTRAL;
            for (index, entry) in (0_u8..).zip(table.iter()) {
                selected.conditional_assign(entry, index.ct_eq(&digit));
            }
            product = product.add(&selected);
            selected.zeroize();
        }
        product
    }

    /// RFC 8032, 5.2.2.
    fn encode(&self) -> Vec<u8> {
        // No point has z = 0.
        let inverse: Option<Element> = self.z.invert().into();
        let inverse = Zeroizing::new(inverse.unwrap_or(Element::ZERO));
        let (x, y) = (self.x * *inverse, self.y * *inverse);
        let mut encoded = bytes(&y.retrieve());
        let sign = bytes(&x.retrieve()).first().map_or(0, |low| low << 7);
        encoded.push(sign);
        encoded
    }

    /// RFC 8032, 5.2.3, of public points.
    fn decode(encoded: &[u8]) -> Option<Self> {
        let (last, digits) = encoded.split_last()?;
        let (sign @ (0 | 0x80), SIZE) = (*last, digits.len()) else { return None };
        let y = integer(digits);
        if y >= *FieldModulus::PARAMS.modulus().as_ref() {
            return None;
        }
        let y = Element::new(&y);
        let (u, v) = (y.square() - Element::ONE, -(MINUS_D * y.square()) - Element::ONE);
        let u3 = u.square() * u;
        let x = u3 * v * (u3 * u.square() * v.square() * v).pow_vartime(&ROOT);
        if v * x.square() != u || (x == Element::ZERO && sign != 0) {
            return None;
        }
        let odd = bytes(&x.retrieve()).first().is_some_and(|low| low & 1 == 1);
        let x = if odd == (sign != 0) { x } else { -x };
        Some(Self { x, y, z: Element::ONE })
    }
}

impl ConditionallySelectable for Point {
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        let select = |a: &Element, b: &Element| Element::conditional_select(a, b, choice);
        Self { x: select(&a.x, &b.x), y: select(&a.y, &b.y), z: select(&a.z, &b.z) }
    }
}

impl Default for Point {
    fn default() -> Self {
        Self { x: Element::ZERO, y: Element::ZERO, z: Element::ZERO }
    }
}

impl zeroize::DefaultIsZeroes for Point {}

/// X448 (RFC 7748, 5). Coordinates above the prime are taken modulo it, as that clause demands.
pub(super) fn x448(private: &[u8], point: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (SIZE, SIZE) = (private.len(), point.len()) else {
        return Err(if private.len() == SIZE { CryptoError::Point } else { CryptoError::Value });
    };
    let bits = Zeroizing::new(clamped(private).to_be_bytes());
    let bits: &[u8] = bits.as_ref();
    let x1 = Element::new(&integer(point));
    // x2, z2, x3, z3 of the RFC.
    let mut ladder = Zeroizing::new([Element::ONE, Element::ZERO, x1, Element::ONE]);
    let mut swapped = Choice::from(0);
    for bit in bits.iter().flat_map(|byte| (0..8).rev().map(move |at| Choice::from((byte >> at) & 1))) {
        swap(&mut ladder, swapped ^ bit);
        swapped = bit;
        let [x2, z2, x3, z3] = *ladder;
        let (a, b) = (x2 + z2, x2 - z2);
        let (aa, bb) = (a.square(), b.square());
        let e = aa - bb;
        let (da, cb) = ((x3 - z3) * a, (x3 + z3) * b);
        *ladder = [aa * bb, e * (aa + A24 * e), (da + cb).square(), x1 * (da - cb).square()];
    }
    swap(&mut ladder, swapped);
    let [x2, z2, ..] = *ladder;
    // The inverse of zero is zero here, as in the RFC's z^(p - 2).
    let inverse: Option<Element> = z2.invert().into();
    let result = Zeroizing::new((x2 * inverse.unwrap_or(Element::ZERO)).retrieve());
    Ok(Zeroizing::new(bytes(&result)))
}

fn swap(ladder: &mut [Element; 4], choice: Choice) {
    let [x2, z2, x3, z3] = ladder;
    Element::conditional_swap(x2, x3, choice);
    Element::conditional_swap(z2, z3, choice);
}

/// The scalar of a private key (RFC 7748, 5; RFC 8032, 5.2.5), from its first 56 bytes.
fn clamped(half: &[u8]) -> U448 {
    let mut digits = Zeroizing::new([0_u8; SIZE]);
    digits.iter_mut().zip(half).for_each(|(to, from)| *to = *from);
    let [first, .., last] = &mut *digits;
    *first &= 0xfc;
    *last |= 0x80;
    integer(&*digits)
}

/// A little-endian number of at most 56 bytes.
fn integer(digits: &[u8]) -> U448 {
    let mut padded = Zeroizing::new([0; SIZE]);
    padded.iter_mut().zip(digits).for_each(|(to, from)| *to = *from);
    U448::from_le_slice(&*padded)
}

/// The 56 little-endian bytes of a number.
fn bytes(number: &U448) -> Vec<u8> {
    let bytes = Zeroizing::new(number.to_le_bytes());
    let bytes: &[u8] = bytes.as_ref();
    bytes.to_vec()
}
