//! Blinding of the RSA private operation: what is exponentiated is the input times a random power, so that its time could
//! tell nothing about the key even if it depended on the input.
//!
//! A pair is used once and then squared; every [`USES`] uses a new one is drawn, because its inverse costs as much as a
//! third of the private operation.

use std::sync::{Mutex, PoisonError};

use ironroot_crypto::{CryptoError, Random, rsa};
use zeroize::Zeroizing;

use crate::number::{Modulus, Number, Scratch};

/// How often a pair is squared before a new one is drawn.
const USES: u32 = 32;

/// The public key, and the pair to use next.
pub struct Blinding {
    n: Modulus,
    e: Number,
    bytes: Vec<u8>,
    pair: Mutex<Option<Pair>>,
}

/// `r ^ e` and `r ^ -1` of a random r, both in Montgomery's form.
struct Pair {
    factor: Number,
    inverse: Number,
    uses: u32,
}

/// What takes the blinding off again.
pub struct Unblinding<'a> {
    blinding: &'a Blinding,
    inverse: Number,
}

impl Blinding {
    pub fn new(modulus: &[u8], exponent: u32, scratch: &Scratch) -> Result<Self, CryptoError> {
        Ok(Self {
            n: Modulus::public(modulus, scratch)?,
            e: Number::from_u32(exponent)?,
            bytes: modulus.to_vec(),
            pair: Mutex::new(None),
        })
    }

    /// Blinds a number below the modulus.
    pub fn blind(
        &self,
        input: &[u8],
        random: &mut dyn Random,
        scratch: &Scratch,
    ) -> Result<(Zeroizing<Vec<u8>>, Unblinding<'_>), CryptoError> {
        let mut slot = self.pair.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out: if anything fails on the way, no pair is used twice.
        let pair = match slot.take() {
            Some(pair) if pair.uses < USES => self.squared(&pair, scratch)?,
            _ => self.drawn(random, scratch)?,
        };
        let blinded = self.n.multiply(&Number::from_bytes(input)?, &pair.factor, scratch)?;
        let inverse = pair.inverse.duplicate()?;
        *slot = Some(pair);
        Ok((blinded.to_bytes(self.bytes.len())?, Unblinding { blinding: self, inverse }))
    }

    fn squared(&self, pair: &Pair, scratch: &Scratch) -> Result<Pair, CryptoError> {
        Ok(Pair {
            factor: self.n.multiply(&pair.factor, &pair.factor, scratch)?,
            inverse: self.n.multiply(&pair.inverse, &pair.inverse, scratch)?,
            uses: pair.uses.saturating_add(1),
        })
    }

    fn drawn(&self, random: &mut dyn Random, scratch: &Scratch) -> Result<Pair, CryptoError> {
        let mut number = Zeroizing::new(vec![0; self.bytes.len()]);
        random.fill(&mut number);
        // Below the modulus, whose top bit is set.
        if let Some(first) = number.first_mut() {
            *first &= 0x7f;
        }
        // Only zero and multiples of the primes have none.
        let inverse = rsa::invert(&self.bytes, &number)?.ok_or(CryptoError::Internal)?;
        let factor = self.n.power_of_public(&Number::from_bytes(&number)?, &self.e, scratch)?;
        // Once more through bytes: to the width of the modulus.
        let factor = Number::from_bytes(&factor.to_bytes(self.bytes.len())?)?;
        Ok(Pair {
            factor: self.n.to_form(&factor, scratch)?,
            inverse: self.n.to_form(&Number::from_bytes(&inverse)?, scratch)?,
            uses: 0,
        })
    }
}

impl Unblinding<'_> {
    /// Takes the blinding off the result of the private operation.
    pub fn apply(&self, output: &[u8], scratch: &Scratch) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let product = self.blinding.n.multiply(&Number::from_bytes(output)?, &self.inverse, scratch)?;
        product.to_bytes(self.blinding.bytes.len())
    }
}
