//! Two-phase key agreement: full MQV (SP 800-56A, 5.7.2.3.1; Part 1, 44.8.4.3) and that of SM2 (GB/T 32918.3; Part 1,
//! 45.2.3). All curves here have the cofactor 1.

// The operators on numbers modulo the order cannot overflow.
#![allow(clippy::arithmetic_side_effects)]

use alloc::{vec, vec::Vec};

use ironroot_wire::TpmEccCurve;
use zeroize::Zeroizing;

use super::{
    curve::{order_bits, order_size},
    number::fixed_size,
    scalar::Order,
};
use crate::{CryptoError, EccPoint, EccSecretPoint, Provider};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// Full MQV.
    Mqv,
    /// SM2's: the static and the ephemeral key have each other's place, and the associated value is a bit shorter.
    Sm2,
}

/// The two key pairs of the one party, and the public keys of the other.
pub struct Parties<'a> {
    /// Own static private key.
    pub static_scalar: &'a [u8],
    /// Own ephemeral private key.
    pub ephemeral_scalar: &'a [u8],
    /// Own ephemeral public key.
    pub ephemeral: &'a EccPoint,
    /// The other party's static public key.
    pub peer_static: &'a EccPoint,
    /// The other party's ephemeral public key.
    pub peer_ephemeral: &'a EccPoint,
}

/// The shared point; nothing if it is infinity.
///
/// # Errors
/// [`CryptoError::Point`] if a public key of the other party is not on the curve.
pub fn agree(
    provider: &dyn Provider,
    curve: TpmEccCurve,
    exchange: Exchange,
    parties: &Parties<'_>,
) -> Result<Option<Zeroizing<EccSecretPoint>>, CryptoError> {
    provider.ecc_check_point(curve, parties.peer_static)?;
    provider.ecc_check_point(curve, parties.peer_ephemeral)?;
    let own = associated_value(curve, exchange, parties.ephemeral)?;
    let peer = associated_value(curve, exchange, parties.peer_ephemeral)?;
    let order = Order::of(curve);
    let (of_static, of_ephemeral) = (order.number(parties.static_scalar), order.number(parties.ephemeral_scalar));
    let one = order.one().to_bytes();
    let (secret, terms) = match exchange {
        Exchange::Mqv => (
            &of_ephemeral + &(&of_static * &order.number(&own)),
            [(&one[..], parties.peer_ephemeral), (&peer[..], parties.peer_static)],
        ),
        Exchange::Sm2 => (
            &of_static + &(&of_ephemeral * &order.number(&own)),
            [(&one[..], parties.peer_static), (&peer[..], parties.peer_ephemeral)],
        ),
    };
    // Both keys are on the curve, so what is no point is infinity.
    let Ok(sum) = provider.ecc_combine(curve, terms) else { return Ok(None) };
    if secret.is_zero() {
        return Ok(None);
    }
    provider.ecc_multiply(curve, &secret.to_bytes(), &sum).map(Some)
}

/// `2^f + (x mod 2^f)`, where `f` is half of the bits of the order, rounded up, and for SM2 one less.
fn associated_value(curve: TpmEccCurve, exchange: Exchange, point: &EccPoint) -> Result<Vec<u8>, CryptoError> {
    let half = order_bits(curve).div_ceil(2);
    let bits = match exchange {
        Exchange::Mqv => half,
        Exchange::Sm2 => half.saturating_sub(1),
    };
    let mut value = vec![0u8; order_size(curve)];
    let x = fixed_size(&point.x, super::curve::field_size(curve))?;
    for (place, (to, from)) in (0_u32..).zip(value.iter_mut().rev().zip(x.iter().rev())) {
        let first_bit = place.saturating_mul(8);
        let taken = bits.saturating_sub(first_bit).min(8);
        let mask = 0xff_u8.checked_shr(8_u32.saturating_sub(taken)).unwrap_or(0);
        let top = bits.checked_sub(first_bit).filter(|&bit| bit < 8).and_then(|bit| 1_u8.checked_shl(bit)).unwrap_or(0);
        *to = (from & mask) | top;
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
