//! Numbers modulo the order, in constant time, for the few steps that happen outside a provider.

use alloc::{vec, vec::Vec};
use crypto_bigint::{NonZero, Odd, U704};
use ironroot_wire::TpmEccCurve;
use subtle::{ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::{Zeroize, Zeroizing};

use super::curve::{field_size, order_bits, order_size, parameters};
use crate::CryptoError;

/// Room for the largest order and its extra bits (638 + 64), in bytes.
const WIDE: usize = 88;

/// The same big-endian number in exactly `size` bytes: leading zeros are added or removed.
///
/// # Errors
/// [`CryptoError::Value`] if the number does not fit.
pub fn fixed_size(number: &[u8], size: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (surplus, digits) = number.split_at(number.len().saturating_sub(size));
    if surplus.iter().fold(0, |all, byte| all | byte) != 0 {
        return Err(CryptoError::Value);
    }
    let mut fixed = Zeroizing::new(vec![0u8; size]);
    for (to, from) in fixed.iter_mut().rev().zip(digits.iter().rev()) {
        *to = *from;
    }
    Ok(fixed)
}

/// The integer that ECDSA makes of a digest (FIPS 186-5, 6.4.1, step 2; `bits2int` of RFC 6979): its leftmost bits, as
/// many as the order has, in [`order_size`] bytes. Not reduced modulo the order.
#[must_use]
pub fn digest_to_integer(curve: TpmEccCurve, digest: &[u8]) -> Vec<u8> {
    let size = order_size(curve);
    let mut integer = vec![0u8; size];
    let taken = digest.get(..size).unwrap_or(digest);
    for (to, from) in integer.iter_mut().rev().zip(taken.iter().rev()) {
        *to = *from;
    }
    let surplus = u32::try_from(taken.len().saturating_mul(8)).unwrap_or(u32::MAX).saturating_sub(order_bits(curve));
    shift_right(&mut integer, surplus);
    integer
}

/// `number mod (n - 1) + 1`, in [`order_size`] bytes: the last step of FIPS 186-5, A.2.1.
pub(super) fn to_scalar(curve: TpmEccCurve, number: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut number = wide(number);
    let less_one = wide(parameters(curve).n).wrapping_sub(&U704::ONE);
    let mut scalar = remainder(&number, &less_one).wrapping_add(&U704::ONE);
    let bytes = narrow(curve, &scalar);
    number.zeroize();
    scalar.zeroize();
    bytes
}

/// `number mod n`, in [`order_size`] bytes, of a number with no more bits than `n` has (so below `2 n`).
pub(super) fn reduce(curve: TpmEccCurve, number: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut number = wide(number);
    let n = wide(parameters(curve).n);
    let mut less = number.wrapping_sub(&n);
    let mut reduced = U704::conditional_select(&less, &number, number.ct_lt(&n));
    let bytes = narrow(curve, &reduced);
    number.zeroize();
    less.zeroize();
    reduced.zeroize();
    bytes
}

/// `number mod p`, in [`field_size`] bytes, of a public number of up to 88 bytes.
#[must_use]
pub fn to_field(curve: TpmEccCurve, number: &[u8]) -> Vec<u8> {
    let reduced = remainder(&wide(number), &wide(parameters(curve).p)).to_be_bytes();
    let bytes: &[u8] = reduced.as_ref();
    let (_, low) = bytes.split_at(bytes.len().saturating_sub(field_size(curve)));
    low.to_vec()
}

/// Whether `0 < number < n`, in constant time. `number` is as long as the order.
pub(super) fn is_scalar(curve: TpmEccCurve, number: &[u8]) -> bool {
    let mut number = wide(number);
    let valid = !number.ct_eq(&U704::ZERO) & number.ct_lt(&wide(parameters(curve).n));
    number.zeroize();
    bool::from(valid)
}

/// Shifts a big-endian number right by fewer than 8 bits.
pub(super) fn shift_right(number: &mut [u8], bits: u32) {
    let mut carried = 0u8;
    for byte in number {
        let low = byte.checked_shl(8_u32.saturating_sub(bits)).unwrap_or_default();
        *byte = byte.checked_shr(bits).unwrap_or_default() | carried;
        carried = low;
    }
}

/// Constant-time in `number`; `modulus` is public.
fn remainder(number: &U704, modulus: &U704) -> U704 {
    let one = NonZero::<U704>::ONE;
    number.rem_vartime(&NonZero::new(*modulus).unwrap_or(one))
}

/// Constant-time in `number`; `modulus` is public.
pub(super) fn remainder_of(number: &U704, modulus: &Odd<U704>) -> U704 {
    number.rem_vartime(modulus.as_nz_ref())
}

pub(super) fn wide(number: &[u8]) -> U704 {
    let mut padded = Zeroizing::new([0u8; WIDE]);
    for (to, from) in padded.iter_mut().rev().zip(number.iter().rev()) {
        *to = *from;
    }
    U704::from_be_slice(&*padded)
}

pub(super) fn narrow(curve: TpmEccCurve, number: &U704) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(number.to_be_bytes());
    let bytes: &[u8] = bytes.as_ref();
    let (_, low) = bytes.split_at(bytes.len().saturating_sub(order_size(curve)));
    Zeroizing::new(low.to_vec())
}
