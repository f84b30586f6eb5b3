//! The per-message number of ECDSA.

use alloc::{vec, vec::Vec};
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use zeroize::Zeroizing;

use super::{
    curve::{order_bits, order_size},
    number::{digest_to_integer, fixed_size, is_scalar, reduce, shift_right},
};
use crate::{CryptoError, Hmac, Random};

/// How many random bytes are mixed in.
const HEDGE: usize = 32;

/// The number `k` for signing `digest` with `scalar`, as long as the order, with `0 < k < n`.
///
/// RFC 6979, 3.2 with 32 bytes from `random` as the additional data of 3.6. So `k` is unpredictable and never repeats for
/// different messages even if the random bytes fail, and a fault that is forced twice meets two different numbers. The
/// HMAC is of the hash that matches the curve (SHA-256 up to 256 bits, SHA-384 up to 384, SHA-512 above), whatever hash
/// made the digest.
///
/// # Errors
/// [`CryptoError::Value`] unless `0 < scalar < n`.
pub fn nonce(
    curve: TpmEccCurve,
    scalar: &[u8],
    digest: &[u8],
    random: &mut dyn Random,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut hedge = Zeroizing::new([0u8; HEDGE]);
    random.fill(&mut *hedge);
    rfc6979(curve, scalar, digest, &*hedge)
}

/// The number `k` of another scheme than ECDSA, for the same inputs: `label` goes before the random bytes, so that a key
/// that signs one digest with two schemes uses two numbers even if the random bytes fail. Whoever had two signatures with
/// one number would have the key.
pub(super) fn labeled_nonce(
    label: &[u8],
    curve: TpmEccCurve,
    scalar: &[u8],
    digest: &[u8],
    random: &mut dyn Random,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut additional = Zeroizing::new(vec![0u8; label.len().saturating_add(HEDGE)]);
    let (front, hedge) = additional.split_at_mut(label.len());
    front.copy_from_slice(label);
    random.fill(hedge);
    rfc6979(curve, scalar, digest, &additional)
}

/// RFC 6979, 3.2, with `additional` as in 3.6 (none if empty).
pub(crate) fn rfc6979(
    curve: TpmEccCurve,
    scalar: &[u8],
    digest: &[u8],
    additional: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let scalar = fixed_size(scalar, order_size(curve))?;
    if !is_scalar(curve, &scalar) {
        return Err(CryptoError::Value);
    }
    let digest = reduce(curve, &digest_to_integer(curve, digest));

    let mut state = State::new(curve);
    state.rekey(0x00, [&scalar, &digest, additional]);
    state.rekey(0x01, [&scalar, &digest, additional]);
    loop {
        let candidate = state.candidate(curve);
        if is_scalar(curve, &candidate) {
            return Ok(candidate);
        }
        state.rekey(0x00, [&[]; 3]);
    }
}

/// `K` (as a prepared HMAC) and `V` of RFC 6979.
struct State {
    keyed: Hmac,
    value: Zeroizing<Vec<u8>>,
}

impl State {
    fn new(curve: TpmEccCurve) -> Self {
        let algorithm = match order_bits(curve) {
            ..=256 => TpmiAlgHash::Sha256,
            257..=384 => TpmiAlgHash::Sha384,
            _ => TpmiAlgHash::Sha512,
        };
        let size = algorithm.digest_size();
        Self { keyed: Hmac::new(algorithm, &vec![0; size]), value: Zeroizing::new(vec![1; size]) }
    }

    /// `K = HMAC(K, V || round || parts)`, `V = HMAC(K, V)`.
    fn rekey(&mut self, round: u8, parts: [&[u8]; 3]) {
        let [first, second, third] = parts;
        let key = Zeroizing::new(self.keyed.peek(&[&self.value, &[round], first, second, third]));
        self.keyed = Hmac::new(self.keyed.algorithm(), &key);
        self.step();
    }

    fn step(&mut self) {
        let next = Zeroizing::new(self.keyed.peek(&[&self.value]));
        self.value.copy_from_slice(&next);
    }

    /// The leftmost bits of the next output, as many as the order has.
    fn candidate(&mut self, curve: TpmEccCurve) -> Zeroizing<Vec<u8>> {
        let size = order_size(curve);
        let mut candidate = Zeroizing::new(Vec::with_capacity(size));
        while candidate.len() < size {
            self.step();
            let missing = size.saturating_sub(candidate.len());
            candidate.extend(self.value.iter().take(missing));
        }
        let surplus = u32::try_from(size.saturating_mul(8)).unwrap_or(u32::MAX).saturating_sub(order_bits(curve));
        shift_right(&mut candidate, surplus);
        candidate
    }
}
