//! Arithmetic modulo the order of a curve's base point, for the schemes that are the same whatever the provider.
//!
//! Everything here is constant-time in the numbers; the curve shows.

// The operators are those of numbers modulo the order, which cannot overflow.
#![allow(clippy::arithmetic_side_effects)]

use alloc::vec::Vec;
use core::ops::{Add, Mul, Neg, Sub};

use crypto_bigint::{
    ConstOne, Odd, U704,
    modular::{FixedMontyForm, FixedMontyParams},
};
use ironroot_wire::TpmEccCurve;
use zeroize::{Zeroize, Zeroizing};

use super::{
    curve::parameters,
    number::{narrow, remainder_of, wide},
};

const LIMBS: usize = U704::LIMBS;

/// The order of a curve, prepared for multiplication.
#[derive(Clone, Copy)]
pub(super) struct Order {
    curve: TpmEccCurve,
    params: FixedMontyParams<LIMBS>,
}

impl Order {
    pub(super) fn of(curve: TpmEccCurve) -> Self {
        let n = wide(parameters(curve).n);
        // Every order is odd; one would be a harmless modulus.
        let odd = Option::<Odd<U704>>::from(Odd::new(n)).unwrap_or(Odd::<U704>::ONE);
        Self { curve, params: FixedMontyParams::new_vartime(odd) }
    }

    /// `number mod n`, of a big-endian number of up to 88 bytes.
    pub(super) fn number(&self, number: &[u8]) -> Scalar {
        let mut number = wide(number);
        let mut reduced = remainder_of(&number, self.params.modulus());
        let scalar = self.scalar(FixedMontyForm::new(&reduced, &self.params));
        number.zeroize();
        reduced.zeroize();
        scalar
    }

    pub(super) fn one(&self) -> Scalar {
        self.scalar(FixedMontyForm::one(&self.params))
    }

    const fn scalar(&self, form: FixedMontyForm<LIMBS>) -> Scalar {
        Scalar { form, curve: self.curve }
    }
}

/// A number modulo the order; erased when it is dropped.
pub(super) struct Scalar {
    form: FixedMontyForm<LIMBS>,
    curve: TpmEccCurve,
}

impl Scalar {
    /// Big-endian, as long as the order.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut number = self.form.retrieve();
        let bytes = narrow(self.curve, &number);
        number.zeroize();
        bytes
    }

    /// Whether it is zero; the answer is not secret.
    pub(super) fn is_zero(&self) -> bool {
        self.form.as_montgomery().is_zero().into()
    }

    /// The inverse, unless the number is zero.
    pub(super) fn invert(&self) -> Option<Self> {
        self.form.invert().into_option().map(|form| Self { form, curve: self.curve })
    }
}

impl Drop for Scalar {
    fn drop(&mut self) {
        self.form.zeroize();
    }
}

impl Add for &Scalar {
    type Output = Scalar;

    fn add(self, other: Self) -> Scalar {
        Scalar { form: self.form + other.form, curve: self.curve }
    }
}

impl Sub for &Scalar {
    type Output = Scalar;

    fn sub(self, other: Self) -> Scalar {
        Scalar { form: self.form - other.form, curve: self.curve }
    }
}

impl Mul for &Scalar {
    type Output = Scalar;

    fn mul(self, other: Self) -> Scalar {
        Scalar { form: self.form * other.form, curve: self.curve }
    }
}

impl Neg for &Scalar {
    type Output = Scalar;

    fn neg(self) -> Scalar {
        Scalar { form: -self.form, curve: self.curve }
    }
}
