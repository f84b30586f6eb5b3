//! RSA in pure Rust on `crypto-bigint`, in constant time: for targets without a C compiler, and the second opinion
//! beside the provider for hosts.
//!
//! Numbers have fixed sizes, one instance of the code per key size. Secrets that live on are erased when they are
//! dropped; copies that the arithmetic leaves on the stack are not.

use alloc::{boxed::Box, vec::Vec};

use crypto_bigint::{
    NonZero, Odd, U512, U1024, U1536, U2048, U3072, U4096, Uint,
    modular::{FixedMontyForm, FixedMontyParams},
};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::RsaCrt;
use crate::{CryptoError, Portable, Random, RsaPrivateKey, RsaProvider};

impl RsaProvider for Portable {
    fn rsa_public(&self, modulus: &[u8], exponent: u32, input: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match modulus.len() {
            128 => public::<{ U1024::LIMBS }>(modulus, exponent, input),
            256 => public::<{ U2048::LIMBS }>(modulus, exponent, input),
            384 => public::<{ U3072::LIMBS }>(modulus, exponent, input),
            512 => public::<{ U4096::LIMBS }>(modulus, exponent, input),
            _ => Err(CryptoError::Unsupported),
        }
    }

    fn rsa_load(&self, key: &RsaCrt) -> Result<Box<dyn RsaPrivateKey>, CryptoError> {
        match key.n.len() {
            128 => Ok(Box::new(Key::<{ U1024::LIMBS }, { U512::LIMBS }>::new(key)?)),
            256 => Ok(Box::new(Key::<{ U2048::LIMBS }, { U1024::LIMBS }>::new(key)?)),
            384 => Ok(Box::new(Key::<{ U3072::LIMBS }, { U1536::LIMBS }>::new(key)?)),
            512 => Ok(Box::new(Key::<{ U4096::LIMBS }, { U2048::LIMBS }>::new(key)?)),
            _ => Err(CryptoError::Unsupported),
        }
    }

    fn first_prime(
        &self,
        candidates: &[Zeroizing<Vec<u8>>],
        bases: &[Zeroizing<Vec<u8>>],
    ) -> Result<Option<usize>, CryptoError> {
        if bases.is_empty() {
            return Err(CryptoError::Value);
        }
        for (index, candidate) in candidates.iter().enumerate() {
            let prime = match candidate.len() {
                64 => is_prime::<{ U512::LIMBS }>(candidate, bases)?,
                128 => is_prime::<{ U1024::LIMBS }>(candidate, bases)?,
                192 => is_prime::<{ U1536::LIMBS }>(candidate, bases)?,
                256 => is_prime::<{ U2048::LIMBS }>(candidate, bases)?,
                _ => return Err(CryptoError::Unsupported),
            };
            if prime {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

/// The inverse of a secret number modulo an odd modulus of the same length, in constant time; `None` if it has none.
/// Other providers blind with it.
///
/// # Errors
/// [`CryptoError::Value`] if the modulus is even or lacks its top bit, or `number` has another length;
/// [`CryptoError::Unsupported`] for another length than 1024, 2048, 3072 or 4096 bits.
pub fn invert(modulus: &[u8], number: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, CryptoError> {
    match modulus.len() {
        128 => invert_sized::<{ U1024::LIMBS }>(modulus, number),
        256 => invert_sized::<{ U2048::LIMBS }>(modulus, number),
        384 => invert_sized::<{ U3072::LIMBS }>(modulus, number),
        512 => invert_sized::<{ U4096::LIMBS }>(modulus, number),
        _ => Err(CryptoError::Unsupported),
    }
}

fn invert_sized<const L: usize>(n: &[u8], value: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, CryptoError> {
    let inverse = Option::<Uint<L>>::from(number::<L>(value)?.invert_odd_mod(&*modulus::<L>(n)?));
    Ok(inverse.map(Zeroizing::new).map(|inverse| bytes(&inverse)))
}

/// A number of exactly the type's size.
fn number<const L: usize>(bytes: &[u8]) -> Result<Zeroizing<Uint<L>>, CryptoError> {
    if bytes.len() == Uint::<L>::BYTES {
        Ok(Zeroizing::new(Uint::from_be_slice(bytes)))
    } else {
        Err(CryptoError::Value)
    }
}

/// A modulus: odd, with its top bit set.
fn modulus<const L: usize>(bytes: &[u8]) -> Result<Zeroizing<Odd<Uint<L>>>, CryptoError> {
    let number = number::<L>(bytes)?;
    if number.leading_zeros() != 0 {
        return Err(CryptoError::Value);
    }
    Option::<Odd<Uint<L>>>::from(Odd::new(*number)).map(Zeroizing::new).ok_or(CryptoError::Value)
}

/// Big-endian bytes of a secret number.
fn bytes<const L: usize>(number: &Uint<L>) -> Zeroizing<Vec<u8>> {
    let mut encoded = number.to_be_bytes();
    let bytes = Zeroizing::new(encoded.as_slice().to_vec());
    encoded.zeroize();
    bytes
}

/// `base ^ exponent`, in a time that depends on the (public) exponent.
fn power<const L: usize>(params: &FixedMontyParams<L>, base: &Uint<L>, exponent: u32) -> Zeroizing<Uint<L>> {
    let mut form = FixedMontyForm::new(base, params).pow_vartime(&crypto_bigint::U64::from_u32(exponent));
    let result = Zeroizing::new(form.retrieve());
    form.zeroize();
    result
}

fn public<const L: usize>(n: &[u8], exponent: u32, input: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let n = modulus::<L>(n)?;
    let input = number::<L>(input)?;
    let input_is_below = *input < n.get_copy();
    if !input_is_below || exponent < 3 || exponent & 1 == 0 {
        return Err(CryptoError::Value);
    }
    let params = FixedMontyParams::new_vartime(*n);
    Ok(power(&params, &input, exponent).to_be_bytes().as_slice().to_vec())
}

/// Miller-Rabin for a candidate that is 3 modulo 4: a prime gives `base ^ ((candidate - 1) / 2) = ±1` for every base.
fn is_prime<const L: usize>(candidate: &[u8], bases: &[Zeroizing<Vec<u8>>]) -> Result<bool, CryptoError> {
    let modulus = modulus::<L>(candidate)?;
    let candidate: &Uint<L> = Odd::as_ref(&modulus);
    if candidate.as_words().first().is_none_or(|word| word & 3 != 3) {
        return Err(CryptoError::Value);
    }
    let params = Zeroizing::new(FixedMontyParams::new(*modulus));
    // The candidate is odd: shifting drops the one that subtraction would take away.
    let exponent = Zeroizing::new(candidate.shr_vartime(1));
    let minus_one = Zeroizing::new(candidate.wrapping_sub(&Uint::ONE));
    for base in bases {
        let base = number::<L>(base)?;
        if *base < Uint::from_u8(2) || base.leading_zeros() == 0 {
            return Err(CryptoError::Value);
        }
        let mut form = FixedMontyForm::new(&base, &params).pow(&exponent);
        let root = Zeroizing::new(form.retrieve());
        form.zeroize();
        if !bool::from(equal(&root, &Uint::ONE) | equal(&root, &minus_one)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal<const L: usize>(left: &Uint<L>, right: &Uint<L>) -> subtle::Choice {
    let (left, right) = (bytes(left), bytes(right));
    left.ct_eq(&right)
}

/// A prepared key: `N` limbs in the modulus, `H` in each prime.
struct Key<const N: usize, const H: usize> {
    n: FixedMontyParams<N>,
    e: u32,
    p: Zeroizing<FixedMontyParams<H>>,
    q: Zeroizing<FixedMontyParams<H>>,
    dp: Zeroizing<Uint<H>>,
    dq: Zeroizing<Uint<H>>,
    qinv: Zeroizing<Uint<H>>,
}

impl<const N: usize, const H: usize> Key<N, H> {
    fn new(key: &RsaCrt) -> Result<Self, CryptoError> {
        let half = |value: &[u8]| number::<H>(value).map_err(|_| CryptoError::Key);
        let prime = |value: &[u8]| {
            let prime = modulus::<H>(value).map_err(|_| CryptoError::Key)?;
            Ok::<_, CryptoError>(Zeroizing::new(FixedMontyParams::new(*prime)))
        };
        let n = modulus::<N>(&key.n).map_err(|_| CryptoError::Key)?;
        if key.e < 3 || key.e & 1 == 0 {
            return Err(CryptoError::Key);
        }
        let (p, q) = (prime(&key.p)?, prime(&key.q)?);
        let (low, high) = p.modulus().as_ref().widening_mul(q.modulus().as_ref());
        let mut product = bytes(&high);
        product.extend_from_slice(&bytes(&low));
        if !bool::from(product.ct_eq(&key.n)) {
            return Err(CryptoError::Key);
        }
        Ok(Self {
            n: FixedMontyParams::new_vartime(*n),
            e: key.e,
            p,
            q,
            dp: half(&key.dp)?,
            dq: half(&key.dq)?,
            qinv: half(&key.qinv)?,
        })
    }

    /// A blinding number and its inverse modulo n.
    #[allow(clippy::type_complexity, reason = "two numbers of one type")]
    fn blinding(&self, random: &mut dyn Random) -> Result<(Zeroizing<Uint<N>>, Zeroizing<Uint<N>>), CryptoError> {
        // Below n, because n has its top bit; without an inverse only if it shares a prime with n, or is zero.
        for _ in 0..8 {
            let mut candidate = Zeroizing::new(alloc::vec![0; Uint::<N>::BYTES]);
            random.fill(&mut candidate);
            if let Some(first) = candidate.first_mut() {
                *first &= 0x7f;
            }
            let factor = number::<N>(&candidate)?;
            if let Some(inverse) = Option::<Uint<N>>::from(factor.invert_odd_mod(self.n.modulus())) {
                return Ok((factor, Zeroizing::new(inverse)));
            }
        }
        Err(CryptoError::Internal)
    }

    /// `input ^ d mod n` by the Chinese remainder theorem (RFC 8017, 5.1.2, 2.b).
    fn crt(&self, input: &Uint<N>) -> Zeroizing<Uint<N>> {
        let half = |params: &FixedMontyParams<H>, exponent: &Uint<H>| {
            let base = Zeroizing::new(input.rem(params.modulus().as_nz_ref()));
            let mut form = FixedMontyForm::new(&base, params).pow(exponent);
            let result = Zeroizing::new(form.retrieve());
            form.zeroize();
            result
        };
        let by_p = half(&self.p, &self.dp);
        let by_q = half(&self.q, &self.dq);
        let p: &NonZero<Uint<H>> = self.p.modulus().as_nz_ref();
        let by_q_mod_p = Zeroizing::new(by_q.rem(p));
        let difference = Zeroizing::new(by_p.sub_mod(&by_q_mod_p, p));
        let mut h = FixedMontyForm::new(&difference, &self.p).mul(&FixedMontyForm::new(&self.qinv, &self.p));
        let h_plain = Zeroizing::new(h.retrieve());
        h.zeroize();
        let wide: Zeroizing<Uint<N>> = Zeroizing::new(h_plain.resize());
        let q: Zeroizing<Uint<N>> = Zeroizing::new(self.q.modulus().as_ref().resize());
        let by_q: Zeroizing<Uint<N>> = Zeroizing::new(by_q.resize());
        let product = Zeroizing::new(wide.wrapping_mul(&q));
        Zeroizing::new(product.wrapping_add(&by_q))
    }
}

impl<const N: usize, const H: usize> RsaPrivateKey for Key<N, H> {
    fn size(&self) -> usize {
        Uint::<N>::BYTES
    }

    fn private(&self, input: &[u8], random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let input = number::<N>(input)?;
        if *input >= *self.n.modulus().as_ref() {
            return Err(CryptoError::Value);
        }
        let product = |left: &Uint<N>, right: &Uint<N>| {
            let mut form = FixedMontyForm::new(left, &self.n).mul(&FixedMontyForm::new(right, &self.n));
            let result = Zeroizing::new(form.retrieve());
            form.zeroize();
            result
        };
        let (factor, inverse) = self.blinding(random)?;
        let blinded = product(&input, &power(&self.n, &factor, self.e));
        let result = self.crt(&blinded);
        // A faulty half would give the factors away (Boneh, DeMillo, Lipton 1997).
        if !bool::from(equal(&power(&self.n, &result, self.e), &blinded)) {
            return Err(CryptoError::Internal);
        }
        Ok(bytes(&product(&result, &inverse)))
    }
}
