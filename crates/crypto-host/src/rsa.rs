//! RSA: the public operation, prepared private keys, and the test for primes.

use std::ptr::NonNull;

use aws_lc_sys as c;
use ironroot_crypto::{CryptoError, Random, RsaPrivateKey, RsaProvider, rsa::RsaCrt};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{
    Host,
    blinding::Blinding,
    number::{Modulus, Number, Power, Scratch, done, made},
};

impl RsaProvider for Host {
    fn rsa_public(&self, modulus: &[u8], exponent: u32, input: &[u8]) -> Result<Vec<u8>, CryptoError> {
        check_size(modulus.len())?;
        if !is_modulus(modulus) || !is_exponent(exponent) || input.len() != modulus.len() || input >= modulus {
            return Err(CryptoError::Value);
        }
        let scratch = Scratch::new()?;
        let n = Modulus::public(modulus, &scratch)?;
        let power = n.power_of_public(&Number::from_bytes(input)?, &Number::from_u32(exponent)?, &scratch)?;
        Ok(power.to_bytes(modulus.len())?.to_vec())
    }

    fn rsa_load(&self, key: &RsaCrt) -> Result<Box<dyn RsaPrivateKey>, CryptoError> {
        Ok(Box::new(Key::new(key)?))
    }

    fn first_prime(
        &self,
        candidates: &[Zeroizing<Vec<u8>>],
        bases: &[Zeroizing<Vec<u8>>],
    ) -> Result<Option<usize>, CryptoError> {
        let scratch = Scratch::new()?;
        for candidate in candidates {
            if !bases.iter().all(|base| base.len() == candidate.len() && is_base(base)) {
                return Err(CryptoError::Value);
            }
        }
        let bases = bases.iter().map(|base| Number::from_bytes(base)).collect::<Result<Vec<_>, _>>()?;
        let (base, others) = bases.split_first().ok_or(CryptoError::Value)?;
        let mut offset = 0_usize;
        for pair in candidates.chunks(2) {
            let tested =
                pair.iter().map(|candidate| Candidate::new(candidate, &scratch)).collect::<Result<Vec<_>, _>>()?;
            let passed = match tested.as_slice() {
                [one] => vec![one.passes(base, &scratch)?],
                [one, two] => passes_each([one, two], [base, base], &scratch)?,
                _ => return Err(CryptoError::Internal),
            };
            for (index, (candidate, passed)) in tested.iter().zip(passed).enumerate() {
                if passed && candidate.passes_all(others, &scratch)? {
                    return Ok(Some(offset.saturating_add(index)));
                }
            }
            offset = offset.saturating_add(pair.len());
        }
        Ok(None)
    }
}

/// Sizes of moduli, in bytes.
fn check_size(size: usize) -> Result<(), CryptoError> {
    if matches!(size, 128 | 256 | 384 | 512) { Ok(()) } else { Err(CryptoError::Unsupported) }
}

/// Whether a number is odd and has its top bit.
fn is_modulus(number: &[u8]) -> bool {
    number.first().is_some_and(|first| first & 0x80 != 0) && number.last().is_some_and(|last| last & 1 == 1)
}

fn is_exponent(exponent: u32) -> bool {
    exponent >= 3 && exponent & 1 == 1
}

/// Whether a base lies between 2 and half of the largest number of its length. Bases are no secrets.
fn is_base(base: &[u8]) -> bool {
    base.first().is_some_and(|first| first & 0x80 == 0)
        && base.iter().rev().enumerate().any(|(index, byte)| *byte > u8::from(index == 0))
}

/// A candidate for a prime, 3 modulo 4: a prime gives `base ^ ((candidate - 1) / 2) = ±1` for every base.
struct Candidate {
    modulus: Modulus,
    exponent: Number,
    one: Zeroizing<Vec<u8>>,
    minus_one: Zeroizing<Vec<u8>>,
}

impl Candidate {
    fn new(bytes: &[u8], scratch: &Scratch) -> Result<Self, CryptoError> {
        if !matches!(bytes.len(), 64 | 128 | 192 | 256) {
            return Err(CryptoError::Unsupported);
        }
        if !is_modulus(bytes) || bytes.last().is_none_or(|last| last & 3 != 3) {
            return Err(CryptoError::Value);
        }
        let mut one = Zeroizing::new(vec![0; bytes.len()]);
        let mut minus_one = Zeroizing::new(bytes.to_vec());
        let mut half = Zeroizing::new(bytes.to_vec());
        if let (Some(one), Some(minus_one)) = (one.last_mut(), minus_one.last_mut()) {
            *one = 1;
            *minus_one &= 0xfe;
        }
        let mut carried = 0;
        for byte in half.iter_mut() {
            (*byte, carried) = (*byte >> 1 | carried, *byte << 7);
        }
        Ok(Self { modulus: Modulus::secret(bytes, scratch)?, exponent: Number::from_bytes(&half)?, one, minus_one })
    }

    fn power<'a>(&'a self, base: &'a Number) -> Power<'a> {
        Power { modulus: &self.modulus, base, exponent: &self.exponent }
    }

    /// Whether a result of [`Self::power`] is what a prime gives.
    fn accepts(&self, power: &Number) -> Result<Choice, CryptoError> {
        let power = power.to_bytes(self.one.len())?;
        Ok(power.ct_eq(&self.one) | power.ct_eq(&self.minus_one))
    }

    fn passes(&self, base: &Number, scratch: &Scratch) -> Result<bool, CryptoError> {
        Ok(self.accepts(&self.power(base).compute(scratch)?)?.into())
    }

    fn passes_all(&self, bases: &[Number], scratch: &Scratch) -> Result<bool, CryptoError> {
        for pair in bases.chunks(2) {
            let passed = match pair {
                [one, two] => passes_each([self, self], [one, two], scratch)?,
                [one] => vec![self.passes(one, scratch)?],
                _ => return Err(CryptoError::Internal),
            };
            if passed.contains(&false) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Two tests at once: each candidate with its base.
fn passes_each(
    [first, second]: [&Candidate; 2],
    bases: [&Number; 2],
    scratch: &Scratch,
) -> Result<Vec<bool>, CryptoError> {
    let [first_base, second_base] = bases;
    let powers = Power::pair(&first.power(first_base), &second.power(second_base), scratch)?;
    Ok(vec![first.accepts(&powers.0)?.into(), second.accepts(&powers.1)?.into()])
}

/// A prepared key. AWS-LC makes its Montgomery values at the first use.
struct Key {
    rsa: Object,
    n: Vec<u8>,
    blinding: Blinding,
}

impl Key {
    fn new(key: &RsaCrt) -> Result<Self, CryptoError> {
        check_size(key.n.len())?;
        let half = key.n.len() >> 1;
        let secrets = [&key.p, &key.q, &key.dp, &key.dq, &key.qinv];
        if !is_modulus(&key.n)
            || !is_exponent(key.e)
            || secrets.iter().any(|secret| secret.len() != half)
            || !is_modulus(&key.p)
            || !is_modulus(&key.q)
        {
            return Err(CryptoError::Key);
        }
        let [p, q, dp, dq, qinv] = secrets.map(|secret| Number::from_bytes(secret));
        let (p, q, scratch) = (p?, q?, Scratch::new()?);
        if !bool::from(p.product(&q, &scratch)?.to_bytes(key.n.len())?.ct_eq(&key.n)) {
            return Err(CryptoError::Key);
        }
        let mut rsa = Object::new()?;
        // The library wants a private exponent to be there, but with the values of the remainder theorem it does not use
        // it. Were it used, the check against the public exponent would withhold the result.
        rsa.set_key([Number::from_bytes(&key.n)?, Number::from_u32(key.e)?, Number::from_u32(1)?])?;
        rsa.set_factors([p, q])?;
        rsa.set_crt_params([dp?, dq?, qinv?])?;
        Ok(Self { rsa, n: key.n.clone(), blinding: Blinding::new(&key.n, key.e, &scratch)? })
    }

    /// Whether the input is 0, 1 or n - 1: the library refuses them, and they are their own results.
    fn is_fixed_point(&self, input: &[u8]) -> bool {
        let small = input.split_last().is_some_and(|(last, rest)| *last <= 1 && rest.iter().all(|byte| *byte == 0));
        let minus_one = input
            .split_last()
            .zip(self.n.split_last())
            .is_some_and(|((last, rest), (n_last, n_rest))| rest == n_rest && *last == n_last & 0xfe);
        small || minus_one
    }
}

impl RsaPrivateKey for Key {
    fn size(&self) -> usize {
        self.n.len()
    }

    fn private(&self, input: &[u8], random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if input.len() != self.n.len() || input >= self.n.as_slice() {
            return Err(CryptoError::Value);
        }
        if self.is_fixed_point(input) {
            return Ok(Zeroizing::new(input.to_vec()));
        }
        let scratch = Scratch::new()?;
        let (blinded, unblinding) = self.blinding.blind(input, random, &scratch)?;
        unblinding.apply(&self.rsa.power(&blinded)?, &scratch)
    }
}

/// AWS-LC's key object.
struct Object(NonNull<c::RSA>);

// SAFETY: the object is owned by this value alone and bound to no thread.
unsafe impl Send for Object {}
// SAFETY: shared references only call `RSA_sign_raw`, which is documented to be safe from several threads at once: what
// it changes inside (prepared values) is under the object's own lock.
unsafe impl Sync for Object {}

impl Object {
    fn new() -> Result<Self, CryptoError> {
        // SAFETY: takes no arguments; `made` sorts out the null pointer.
        let object = Self(made(unsafe { c::RSA_new() })?);
        // SAFETY: the object is live. Its own blinding would start AWS-LC's random generator; ours takes its place.
        unsafe { c::RSA_set_flags(object.0.as_ptr(), c::RSA_FLAG_NO_BLINDING) };
        Ok(object)
    }

    /// n, e, d.
    fn set_key(&mut self, mut numbers: [Number; 3]) -> Result<(), CryptoError> {
        let [n, e, d] = numbers.each_mut().map(Number::as_mut_ptr);
        // SAFETY: all pointers are to live values. On success the object owns the numbers, on failure we still do.
        done(unsafe { c::RSA_set0_key(self.0.as_ptr(), n, e, d) })?;
        Number::release(numbers);
        Ok(())
    }

    /// p, q.
    fn set_factors(&mut self, mut numbers: [Number; 2]) -> Result<(), CryptoError> {
        let [p, q] = numbers.each_mut().map(Number::as_mut_ptr);
        // SAFETY: as in `set_key`.
        done(unsafe { c::RSA_set0_factors(self.0.as_ptr(), p, q) })?;
        Number::release(numbers);
        Ok(())
    }

    /// dp, dq, qinv.
    fn set_crt_params(&mut self, mut numbers: [Number; 3]) -> Result<(), CryptoError> {
        let [dp, dq, qinv] = numbers.each_mut().map(Number::as_mut_ptr);
        // SAFETY: as in `set_key`.
        done(unsafe { c::RSA_set0_crt_params(self.0.as_ptr(), dp, dq, qinv) })?;
        Number::release(numbers);
        Ok(())
    }

    /// `input ^ d`, checked against the public exponent. The input is as long as the modulus, blinded, and below it.
    fn power(&self, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut output = Zeroizing::new(vec![0; input.len()]);
        let mut written = 0;
        // SAFETY: the object is live; the output and its size, and the input and its size, are those of slices that do
        // not overlap.
        done(unsafe {
            c::RSA_sign_raw(
                self.0.as_ptr(),
                &raw mut written,
                output.as_mut_ptr(),
                output.len(),
                input.as_ptr(),
                input.len(),
                c::RSA_NO_PADDING,
            )
        })?;
        if written == output.len() { Ok(output) } else { Err(CryptoError::Internal) }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: made by `RSA_new`, owned by this value, freed once with all its numbers; AWS-LC erases what it frees.
        unsafe { c::RSA_free(self.0.as_ptr()) };
    }
}
