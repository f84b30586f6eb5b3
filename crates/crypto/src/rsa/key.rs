//! The numbers of a private key in the form of the Chinese remainder theorem (RFC 8017, 3.2), their generation and
//! their recovery from one prime.

use alloc::vec::Vec;
use core::fmt;

use crypto_bigint::{CtLt, CtSelect, NonZero, Odd, U512, U1024, U1536, U2048, U3072, U4096, Uint};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::{prime, residue::Divisor};
use crate::{CryptoError, Random, RsaProvider};

/// The public exponent where a TPM structure says 0 (Part 2, 12.2.3.5).
pub const DEFAULT_EXPONENT: u32 = 65_537;

/// How often generation starts again before it calls the random generator broken. Once is already a once-in-a-universe
/// event.
const ATTEMPTS: usize = 8;

/// Top bits of which |p - q| must have one set: FIPS 186-5, A.1.3 asks for a difference above 2^(bits/2 - 100).
const DISTANCE_BITS: u32 = 99;

/// A private key. `n` has all of its bits; `p` is the larger prime; the secret numbers are half as long as `n` each.
/// Erased when it is dropped.
#[derive(Clone)]
pub struct RsaCrt {
    /// The modulus, `p * q`.
    pub n: Vec<u8>,
    /// The public exponent.
    pub e: u32,
    /// The larger prime.
    pub p: Zeroizing<Vec<u8>>,
    /// The smaller prime.
    pub q: Zeroizing<Vec<u8>>,
    /// `e ^ -1 mod (p - 1)`.
    pub dp: Zeroizing<Vec<u8>>,
    /// `e ^ -1 mod (q - 1)`.
    pub dq: Zeroizing<Vec<u8>>,
    /// `q ^ -1 mod p`.
    pub qinv: Zeroizing<Vec<u8>>,
}

impl PartialEq for RsaCrt {
    /// Takes the same time wherever two keys differ.
    fn eq(&self, other: &Self) -> bool {
        let pairs = [
            (&self.p, &other.p),
            (&self.q, &other.q),
            (&self.dp, &other.dp),
            (&self.dq, &other.dq),
            (&self.qinv, &other.qinv),
        ];
        let equal = pairs.iter().fold(Choice::from(1), |equal, (a, b)| equal & a.ct_eq(b));
        bool::from(equal) & (self.n == other.n) & (self.e == other.e)
    }
}

impl Eq for RsaCrt {}

impl fmt::Debug for RsaCrt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaCrt({} bytes)", self.n.len())
    }
}

/// Whether keys of this many bits are supported.
#[must_use]
pub const fn is_supported(bits: u16) -> bool {
    matches!(bits, 1024 | 2048 | 3072 | 4096)
}

/// Whether a key may have this public exponent: a prime above 2^16 (Part 2, 12.2.3.5 demands a prime; FIPS 186-5, A.1.1
/// the size).
#[must_use]
pub fn is_valid_exponent(exponent: u32) -> bool {
    exponent == DEFAULT_EXPONENT
        || (exponent > DEFAULT_EXPONENT
            && (2..=u32::from(u16::MAX)).all(|divisor| exponent.checked_rem(divisor) != Some(0)))
}

/// The answer of whoever waits for as long as it takes.
#[must_use]
pub const fn never() -> bool {
    false
}

/// Runs a function that is generic over the limbs of the modulus and of a prime for the size at hand.
macro_rules! for_size {
    ($bytes:expr, $function:ident($($argument:expr),*)) => {
        match $bytes {
            128 => $function::<{ U1024::LIMBS }, { U512::LIMBS }>($($argument),*),
            256 => $function::<{ U2048::LIMBS }, { U1024::LIMBS }>($($argument),*),
            384 => $function::<{ U3072::LIMBS }, { U1536::LIMBS }>($($argument),*),
            512 => $function::<{ U4096::LIMBS }, { U2048::LIMBS }>($($argument),*),
            _ => Err(CryptoError::Unsupported),
        }
    };
}

impl RsaCrt {
    /// Generates a key of `bits` bits. From equal random bytes every provider generates the same key:
    ///
    /// 1. Draw bits/16 bytes, the start of p, then as many, the start of q (then the bases of the primality tests).
    /// 2. Search both primes as [`prime`] defines. Start again at 1 if a search runs out of bits or the primes are
    ///    closer than FIPS 186-5 allows.
    /// 3. The larger prime is p.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] for another size than 1024, 2048, 3072 or 4096; [`CryptoError::Value`] if the
    /// exponent is not a prime above 2^16; [`CryptoError::Cancelled`] if `cancelled`, which is asked every few milliseconds,
    /// says yes ([`never()`] does not); [`CryptoError::Internal`] if the generator is broken.
    pub fn generate(
        provider: &dyn RsaProvider,
        random: &mut dyn Random,
        bits: u16,
        exponent: u32,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, CryptoError> {
        if !is_supported(bits) {
            return Err(CryptoError::Unsupported);
        }
        if !is_valid_exponent(exponent) {
            return Err(CryptoError::Value);
        }
        let size = usize::from(bits >> 4);
        for _ in 0..ATTEMPTS {
            let mut draw = || {
                let mut bytes = Zeroizing::new(alloc::vec![0; size]);
                random.fill(&mut bytes);
                prime::start(bytes)
            };
            let (p, q) = (draw(), draw());
            let bases = prime::bases(random, size);
            let Some(p) = prime::search(provider, &p, exponent, &bases, cancelled)? else { continue };
            let Some(q) = prime::search(provider, &q, exponent, &bases, cancelled)? else { continue };
            if let Some(key) = for_size!(usize::from(bits >> 3), from_primes(&p, &q, exponent))? {
                return Ok(key);
            }
        }
        Err(CryptoError::Internal)
    }

    /// The key of which `prime` is one of the two primes, as `TPM2_Import` and `TPM2_LoadExternal` bring it. Leading
    /// zeros are allowed. Checks what Part 1, 43.1 demands: `prime` divides the modulus, and the squares of both factors
    /// have as many bits as the modulus. Primality is not checked.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if the check fails or the exponent has no inverse; [`CryptoError::Unsupported`] for a modulus
    /// of another size than 1024, 2048, 3072 or 4096 bits; [`CryptoError::Value`] if the exponent is not a prime above
    /// 2^16.
    pub fn from_prime(modulus: &[u8], exponent: u32, prime: &[u8]) -> Result<Self, CryptoError> {
        if !is_valid_exponent(exponent) {
            return Err(CryptoError::Value);
        }
        for_size!(modulus.len(), from_modulus(modulus, exponent, prime))
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> super::RsaPublic<'_> {
        super::RsaPublic { n: &self.n, e: self.e }
    }
}

/// The key of two primes that the search found; `None` if they are too close.
fn from_primes<const N: usize, const H: usize>(
    p: &[u8],
    q: &[u8],
    exponent: u32,
) -> Result<Option<RsaCrt>, CryptoError> {
    let p = number::<H>(p)?;
    let q = number::<H>(q)?;
    let (p, q, difference) = ordered(&p, &q);
    let shift = Uint::<H>::BITS.saturating_sub(DISTANCE_BITS);
    if bool::from(difference.shr_vartime(shift).is_zero()) {
        return Ok(None);
    }
    complete::<H>(&p, &q, exponent).map(Some)
}

/// The key of a modulus and one prime.
fn from_modulus<const N: usize, const H: usize>(
    modulus: &[u8],
    exponent: u32,
    prime: &[u8],
) -> Result<RsaCrt, CryptoError> {
    let n = number::<N>(modulus)?;
    let prime = number::<H>(prime)?;
    let divisor = Option::<NonZero<Uint<H>>>::from(NonZero::new(*prime)).ok_or(CryptoError::Key)?;
    let (quotient, remainder) = n.div_rem(&divisor);
    let quotient = Zeroizing::new(quotient);
    let other = Zeroizing::new(quotient.resize::<H>());
    let fits = quotient.bits() <= Uint::<H>::BITS;
    if !(bool::from(remainder.is_zero()) && fits && is_full(&prime) && is_full(&other)) {
        return Err(CryptoError::Key);
    }
    let (p, q, difference) = ordered(&prime, &other);
    if bool::from(difference.is_zero()) {
        return Err(CryptoError::Key);
    }
    let key = complete::<H>(&p, &q, exponent)?;
    if bool::from(key.n.ct_eq(modulus)) { Ok(key) } else { Err(CryptoError::Key) }
}

/// A number from big-endian bytes: leading zeros are added or taken away as needed.
fn number<const L: usize>(bytes: &[u8]) -> Result<Zeroizing<Uint<L>>, CryptoError> {
    let size = Uint::<L>::BYTES;
    let excess = bytes.len().saturating_sub(size);
    let (zeros, rest) = bytes.split_at_checked(excess).ok_or(CryptoError::Key)?;
    if zeros.iter().fold(0, |any, byte| any | byte) != 0 {
        return Err(CryptoError::Key);
    }
    let padded = super::left_pad(rest, size)?;
    Ok(Zeroizing::new(Uint::from_be_slice(&padded)))
}

/// Big-endian bytes of a secret number.
fn bytes<const L: usize>(number: &Uint<L>) -> Zeroizing<Vec<u8>> {
    let mut encoded = number.to_be_bytes();
    let bytes = Zeroizing::new(encoded.as_slice().to_vec());
    encoded.zeroize();
    bytes
}

/// Whether a factor is odd and its square has twice as many bits as the factor's type.
fn is_full<const H: usize>(factor: &Uint<H>) -> bool {
    let (low, high) = factor.widening_square();
    let (_low, high) = (Zeroizing::new(low), Zeroizing::new(high));
    bool::from(factor.is_odd()) & (high.leading_zeros() == 0)
}

/// The larger of two numbers, the smaller, and their difference, in constant time.
#[allow(clippy::type_complexity, reason = "three numbers of one type")]
fn ordered<const H: usize>(
    left: &Uint<H>,
    right: &Uint<H>,
) -> (Zeroizing<Uint<H>>, Zeroizing<Uint<H>>, Zeroizing<Uint<H>>) {
    let swap = left.ct_lt(right);
    let larger = Zeroizing::new(left.ct_select(right, swap));
    let smaller = Zeroizing::new(right.ct_select(left, swap));
    let difference = Zeroizing::new(larger.wrapping_sub(&smaller));
    (larger, smaller, difference)
}

/// Computes what follows from the primes, `p` above `q`.
fn complete<const H: usize>(p: &Uint<H>, q: &Uint<H>, exponent: u32) -> Result<RsaCrt, CryptoError> {
    let (low, high) = p.widening_mul(q);
    let mut n = high.to_be_bytes().as_slice().to_vec();
    n.extend_from_slice(low.to_be_bytes().as_slice());
    let modulus = Option::<Odd<Uint<H>>>::from(Odd::new(*p)).ok_or(CryptoError::Key)?;
    let qinv = Zeroizing::new(Option::<Uint<H>>::from(q.invert_odd_mod(&modulus)).ok_or(CryptoError::Key)?);
    Ok(RsaCrt {
        n,
        e: exponent,
        dp: crt_exponent(p, exponent)?,
        dq: crt_exponent(q, exponent)?,
        p: bytes(p),
        q: bytes(q),
        qinv: bytes(&qinv),
    })
}

/// `exponent ^ -1 mod (prime - 1)`. With k = -(prime - 1)^-1 mod exponent, `(1 + k * (prime - 1)) / exponent` is whole
/// and is the inverse: only small numbers are ever inverted.
fn crt_exponent<const H: usize>(prime: &Uint<H>, exponent: u32) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let order = Zeroizing::new(prime.wrapping_sub(&Uint::ONE));
    let divisor = Divisor::new(exponent);
    let residue = Zeroizing::new(divisor.remainder_of(&bytes(&order)));
    if *residue == 0 {
        return Err(CryptoError::Key);
    }
    // Between 1 and exponent - 1, as the inverse is.
    let k = Zeroizing::new(divisor.value().wrapping_sub(divisor.invert(*residue)));
    let k = Zeroizing::new(u32::try_from(*k).map_err(|_| CryptoError::Internal)?);
    let inverse = multiply_add_divide(&bytes(&order), *k, divisor);
    Ok(inverse)
}

/// `(1 + factor * number) / divisor`, which the caller knows to be whole and no longer than `number`.
fn multiply_add_divide(number: &[u8], factor: u32, divisor: Divisor) -> Zeroizing<Vec<u8>> {
    // The product, four bytes longer, least significant first.
    let mut product = Zeroizing::new(Vec::with_capacity(number.len().saturating_add(4)));
    let mut carry = 1_u64;
    for byte in number.iter().rev().copied().chain([0; 4]) {
        carry = carry.wrapping_add(u64::from(byte).wrapping_mul(u64::from(factor)));
        product.push(carry.to_le_bytes()[0]);
        carry >>= 8;
    }
    // Long division from the most significant byte; the first four digits of the quotient are zero.
    let mut quotient = Zeroizing::new(Vec::with_capacity(product.len()));
    let mut rest = 0_u64;
    for byte in product.iter().rev() {
        let dividend = rest << 8 | u64::from(*byte);
        let (digit, remainder) = divisor.divide(dividend);
        quotient.push(digit.to_le_bytes()[0]);
        rest = remainder;
    }
    Zeroizing::new(quotient.get(4..).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Drbg, Portable};

    fn key(bits: u16, exponent: u32) -> RsaCrt {
        let mut random = Drbg::from_seed(b"rsa::key::tests", &[&bits.to_be_bytes()]);
        RsaCrt::generate(&Portable, &mut random, bits, exponent, &never).unwrap()
    }

    #[test]
    fn a_generated_key_holds_together() {
        for exponent in [DEFAULT_EXPONENT, 0xffff_fffb] {
            let key = key(1024, exponent);
            assert!(*key.p > *key.q);
            assert_eq!(key.n.len(), 128);
            assert_eq!([key.p.len(), key.q.len(), key.dp.len(), key.dq.len(), key.qinv.len()], [64; 5]);
            let number = |bytes: &[u8]| U1024::from_be_slice(&[&[0; 64], bytes].concat());
            let (p, q) = (number(&key.p), number(&key.q));
            assert_eq!(p.wrapping_mul(&q), U1024::from_be_slice(&key.n));
            for (prime, inverse) in [(p, &key.dp), (q, &key.dq)] {
                let order = NonZero::new(prime.wrapping_sub(&U1024::ONE)).unwrap();
                let product = number(inverse).wrapping_mul(&U1024::from_u32(exponent));
                assert_eq!(product.rem(&order), U1024::ONE);
            }
            let product = number(&key.qinv).wrapping_mul(&q);
            assert_eq!(product.rem(&NonZero::new(p).unwrap()), U1024::ONE);
        }
    }

    #[test]
    fn either_prime_gives_the_key_back() {
        let key = key(1024, DEFAULT_EXPONENT);
        for prime in [&key.p, &key.q] {
            assert_eq!(RsaCrt::from_prime(&key.n, key.e, prime).unwrap(), key);
            let padded = [&[0, 0], prime.as_slice()].concat();
            assert_eq!(RsaCrt::from_prime(&key.n, key.e, &padded).unwrap(), key);
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let key = key(1024, DEFAULT_EXPONENT);
        let refused = |n: &[u8], e, prime: &[u8]| RsaCrt::from_prime(n, e, prime).unwrap_err();
        let mut changed = key.p.to_vec();
        changed[40] ^= 4;
        assert_eq!(refused(&key.n, key.e, &changed), CryptoError::Key);
        let mut changed = key.n.clone();
        changed[127] ^= 2;
        assert_eq!(refused(&changed, key.e, &key.p), CryptoError::Key);
        for prime in [&[][..], &[0; 64], &[1], &[3], &key.n] {
            assert_eq!(refused(&key.n, key.e, prime), CryptoError::Key);
        }
        assert_eq!(refused(&key.n[1..], key.e, &key.p), CryptoError::Unsupported);
        for exponent in [0, 1, 2, 3, 65_535, 65_536, 65_539 * 3, 0xffff_ffff] {
            assert_eq!(refused(&key.n, exponent, &key.p), CryptoError::Value);
        }
        // A square: p = q.
        let p = U512::from_be_slice(&key.p);
        let (low, high) = p.widening_mul(&p);
        let square = [high.to_be_bytes().as_slice(), low.to_be_bytes().as_slice()].concat();
        assert_eq!(refused(&square, key.e, &key.p), CryptoError::Key);
    }

    #[test]
    fn factors_of_unequal_size_are_refused() {
        // n has 1024 bits, but one factor has 511: its square does not have as many bits as n.
        let mut large = [0xff; 64];
        large[63] = 0xfd;
        let mut small = [0xff; 64];
        small[0] = 0x7f;
        let (low, high) = U512::from_be_slice(&large).widening_mul(&U512::from_be_slice(&small));
        let n = [high.to_be_bytes().as_slice(), low.to_be_bytes().as_slice()].concat();
        assert_eq!(RsaCrt::from_prime(&n, DEFAULT_EXPONENT, &large).unwrap_err(), CryptoError::Key);
    }

    #[test]
    fn a_search_ends_when_it_is_cancelled() {
        let asked = core::cell::Cell::new(0);
        let third_time = || {
            asked.set(asked.get() + 1);
            asked.get() == 3
        };
        let mut random = Drbg::from_seed(b"rsa::key::tests", &[b"cancelled"]);
        let error = RsaCrt::generate(&Portable, &mut random, 4096, DEFAULT_EXPONENT, &third_time).unwrap_err();
        assert_eq!((error, asked.get()), (CryptoError::Cancelled, 3));
    }

    #[test]
    fn a_generator_that_repeats_itself_is_an_error_not_a_loop() {
        struct Constant;
        impl Random for Constant {
            fn fill(&mut self, out: &mut [u8]) {
                out.fill(0x5a);
            }
        }
        let error = RsaCrt::generate(&Portable, &mut Constant, 1024, DEFAULT_EXPONENT, &never).unwrap_err();
        assert_eq!(error, CryptoError::Internal);
        assert_eq!(
            RsaCrt::generate(&Portable, &mut Constant, 1025, 65_537, &never).unwrap_err(),
            CryptoError::Unsupported
        );
        assert_eq!(RsaCrt::generate(&Portable, &mut Constant, 2048, 3, &never).unwrap_err(), CryptoError::Value);
    }
}
