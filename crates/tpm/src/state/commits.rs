//! The numbers of split operations (Part 1, 44.2): what `TPM2_Commit` and `TPM2_EC_Ephemeral` begin, and a signature or
//! `TPM2_ZGen_2Phase` ends. The TPM keeps no number: it derives each from a nonce and its count, and keeps which counts are
//! pending.

use ironroot_crypto::{Random, ecc, kdfa};
use ironroot_wire::{SeedValue, TpmEccCurve, TpmRc, TpmiAlgHash};
use zeroize::Zeroizing;

/// How many split operations can be pending (`TPM_PT_SPLIT_MAX`), a power of two.
pub const SPLIT_MAX: u32 = 128;
/// The low bits of a counter, which say where in the array its bit is.
const PLACES: u16 = SPLIT_MAX as u16 - 1;
/// Bytes of the nonce: twice the strength of any key.
const NONCE_SIZE: usize = 64;
/// Bits that are drawn beyond those of the order, so that no number is more likely than another (FIPS 186-5, A.2.1).
const EXTRA_BITS: u32 = 64;

record! {
    /// The commits since TPM Reset.
    #[derive(Clone)]
    Commits {
        /// commitRandom; empty in a record from before there were commits.
        nonce: SeedValue,
        /// commitCount.
        count: u64,
        /// Which of the last counts are pending: the lower 64.
        pending_low: u64,
        /// The upper 64.
        pending_high: u64,
    }
}

/// Whom a number is for: it is another one for each key, and on each curve.
#[derive(Clone, Copy)]
pub struct Purpose<'a> {
    /// The hash of the derivation: the key's name algorithm.
    pub hash: TpmiAlgHash,
    /// The key's name; empty for `TPM2_EC_Ephemeral`, which has no key.
    pub name: &'a [u8],
    /// The curve.
    pub curve: TpmEccCurve,
}

impl Commits {
    /// After a TPM Reset.
    ///
    /// # Errors
    /// None: the nonce has the size of a seed.
    pub fn reset(random: &mut dyn Random) -> Result<Self, TpmRc> {
        let mut nonce = Zeroizing::new([0; NONCE_SIZE]);
        random.fill(&mut *nonce);
        Ok(Self { nonce: SeedValue::from_slice(&*nonce)?, ..Self::none() })
    }

    /// Before a TPM Reset, and in records from before there were commits.
    #[must_use]
    pub fn none() -> Self {
        Self { nonce: SeedValue::default(), count: 0, pending_low: 0, pending_high: 0 }
    }

    /// Before a number is made: where none is pending, another nonce takes the place of the old one. So two copies of a
    /// TPM (a virtual machine that is put back) do not make the same number for two signatures, which would give the key
    /// away. A copy that is made between the two halves of an operation still can.
    ///
    /// # Errors
    /// None: the nonce has the size of a seed.
    pub fn renew(&mut self, random: &mut dyn Random) -> Result<(), TpmRc> {
        if self.pending_low | self.pending_high == 0 {
            self.nonce = Self::reset(random)?.nonce;
        }
        Ok(())
    }

    /// Whether a TPM Reset has begun these.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        !self.nonce.is_empty()
    }

    /// The number that the next commit is about: as long as the curve's order, above zero and below it. It is pending only
    /// after [`Commits::begin`].
    #[must_use]
    pub fn next(&self, purpose: Purpose<'_>) -> Zeroizing<alloc::vec::Vec<u8>> {
        self.number(purpose, self.count)
    }

    /// Makes the next number pending and gives its counter. It takes the place of the one [`SPLIT_MAX`] before.
    pub const fn begin(&mut self) -> u16 {
        let counter = self.count as u16;
        self.set(counter, true);
        self.count = self.count.wrapping_add(1);
        counter
    }

    /// The pending number with this counter (Part 1, 44.2.5).
    ///
    /// # Errors
    /// `TPM_RC_RANGE` if the counter is not among the last [`SPLIT_MAX`]; `TPM_RC_VALUE` if it has been used.
    pub fn pending(&self, purpose: Purpose<'_>, counter: u16) -> Result<Zeroizing<alloc::vec::Vec<u8>>, TpmRc> {
        let age = (self.count as u16).wrapping_sub(counter);
        if age == 0 || u32::from(age) > SPLIT_MAX || u64::from(age) > self.count {
            return Err(TpmRc::RANGE);
        }
        if !self.is_pending(counter) {
            return Err(TpmRc::VALUE);
        }
        Ok(self.number(purpose, self.count.wrapping_sub(age.into())))
    }

    /// Ends the split operation: the number is never given again.
    pub const fn end(&mut self, counter: u16) {
        self.set(counter, false);
    }

    fn number(&self, purpose: Purpose<'_>, count: u64) -> Zeroizing<alloc::vec::Vec<u8>> {
        let mut context = [0; 10];
        let (front, back) = context.split_at_mut(8);
        front.copy_from_slice(&count.to_be_bytes());
        back.copy_from_slice(&purpose.curve.value().to_be_bytes());
        let bits = ecc::order_bits(purpose.curve).saturating_add(EXTRA_BITS).next_multiple_of(8);
        let drawn = kdfa(purpose.hash, &self.nonce, b"ECDAA Commit", purpose.name, &context, bits);
        ecc::scalar_from(purpose.curve, &drawn)
    }

    const fn is_pending(&self, counter: u16) -> bool {
        let place = counter & PLACES;
        let word = if place < 64 { self.pending_low } else { self.pending_high };
        word >> (place % 64) & 1 == 1
    }

    const fn set(&mut self, counter: u16, pending: bool) {
        let place = counter & PLACES;
        let word = if place < 64 { &mut self.pending_low } else { &mut self.pending_high };
        let bit = 1 << (place % 64);
        *word = if pending { *word | bit } else { *word & !bit };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Random for Ones {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(1);
        }
    }

    const PURPOSE: Purpose<'_> = Purpose { hash: TpmiAlgHash::Sha256, name: b"name", curve: TpmEccCurve::NistP256 };

    #[test]
    fn a_number_is_given_until_it_is_used() {
        let mut commits = Commits::reset(&mut Ones).unwrap();
        assert_eq!(commits.pending(PURPOSE, 0).err(), Some(TpmRc::RANGE));
        let number = commits.next(PURPOSE);
        let counter = commits.begin();
        assert_eq!(commits.pending(PURPOSE, counter).unwrap(), number);
        assert_ne!(commits.pending(Purpose { name: b"other", ..PURPOSE }, counter).unwrap(), number);
        assert_ne!(commits.pending(Purpose { curve: TpmEccCurve::BnP256, ..PURPOSE }, counter).unwrap(), number);
        commits.end(counter);
        assert_eq!(commits.pending(PURPOSE, counter).err(), Some(TpmRc::VALUE));
        assert_ne!(commits.next(PURPOSE), number);
    }

    #[test]
    fn only_the_last_can_be_pending() {
        let mut commits = Commits::reset(&mut Ones).unwrap();
        let numbers: alloc::vec::Vec<_> = (0..=SPLIT_MAX)
            .map(|_| {
                let number = commits.next(PURPOSE);
                (commits.begin(), number)
            })
            .collect();
        assert_eq!(commits.pending(PURPOSE, numbers[0].0).err(), Some(TpmRc::RANGE));
        for (counter, number) in &numbers[1..] {
            assert_eq!(&commits.pending(PURPOSE, *counter).unwrap(), number);
        }
        assert_eq!(commits.pending(PURPOSE, numbers.len() as u16).err(), Some(TpmRc::RANGE));
    }

    /// The counter in commands is the lowest 16 bits of the count.
    #[test]
    fn counters_wrap() {
        let mut commits = Commits { count: 0x1_fffe, ..Commits::reset(&mut Ones).unwrap() };
        let numbers: alloc::vec::Vec<_> = (0..4)
            .map(|_| {
                let number = commits.next(PURPOSE);
                (commits.begin(), number)
            })
            .collect();
        assert_eq!(numbers.iter().map(|(counter, _)| *counter).collect::<alloc::vec::Vec<_>>(), [0xfffe, 0xffff, 0, 1]);
        for (counter, number) in &numbers {
            assert_eq!(&commits.pending(PURPOSE, *counter).unwrap(), number);
        }
        assert_eq!(commits.pending(PURPOSE, 2).err(), Some(TpmRc::RANGE));
    }
}
