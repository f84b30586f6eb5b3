//! Our own attacks on the tables, each as an attacker would run it who has nothing but the file.
//!
//! - [`algebra`]: the attack of Billet, Gilbert and Ech-Chatbi (SAC 2004), with the recovery of the external encodings.
//! - [`dca`]: differential computation analysis (Bos, Hubain, Michiels and Teuwen, CHES 2016) on recorded traces.
//! - [`search`]: keys, round keys and key schedules as they stand in a file or in a process's memory.
//!
//! [`Plain`] is what they are compared with: the same cipher with its key as a constant.

pub mod algebra;
pub mod dca;
pub mod search;

use crate::{
    External, Tables,
    aes128::{self, Schedule},
    secrets::Secrets,
    stream::Stream,
};
use ironroot_platform::{Entropy, EntropyError};
use std::vec::Vec;
use zeroize::Zeroizing;

/// What an attack on the tables gives: everything that they hide, so that the function can be computed without them.
#[derive(Clone, PartialEq, Eq)]
pub struct Broken(pub(crate) Secrets);

impl Broken {
    /// The cipher's key. (The product secret itself is not in the tables: the key is derived from it by a hash.)
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        self.0.key
    }

    /// The derivation function without the tables, as the attacker's own program would compute it.
    pub fn derive(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        crate::prf::derive(&self.0.cipher(), label, context, out);
    }

    /// Whether that program computes what the tables compute, on fresh random blocks.
    ///
    /// # Errors
    /// [`EntropyError`] if there are no random blocks.
    pub fn agrees(&self, tables: &Tables<'_>, entropy: &mut dyn Entropy) -> Result<bool, EntropyError> {
        let (mut blocks, cipher) = (stream(entropy)?, self.0.cipher());
        Ok((0..256).map(|_| blocks.block()).all(|block| tables.block(&block) == cipher(&block)))
    }
}

/// A program that holds its key as a constant, and enciphers as textbooks do.
pub struct Plain {
    schedule: Zeroizing<Schedule>,
}

impl Plain {
    /// With a random key.
    ///
    /// # Errors
    /// [`EntropyError`] if there is none.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(secret.as_mut_slice())?;
        let secrets = Secrets::of_product(&secret, External::None);
        Ok(Self { schedule: Zeroizing::new(aes128::expand(&secrets.key)) })
    }

    /// With a key.
    #[must_use]
    pub fn with_key(key: &[u8; 16]) -> Self {
        Self { schedule: Zeroizing::new(aes128::expand(key)) }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        self.schedule[0]
    }

    /// A program file: some other program's bytes with the constant in the middle.
    #[must_use]
    pub fn file(&self, carrier: &[u8]) -> Vec<u8> {
        let mut file = carrier.to_vec();
        let place = file.len() / 2;
        file.splice(place..place, self.schedule[0]);
        file
    }

    /// One block.
    #[must_use]
    pub fn block(&self, block: &[u8; 16]) -> [u8; 16] {
        aes128::encrypt(&self.schedule, block, &mut |_| ())
    }

    /// One block, with what a debugger sees.
    pub fn block_traced(&self, block: &[u8; 16], trace: &mut dyn crate::Trace) -> [u8; 16] {
        aes128::encrypt(&self.schedule, block, &mut |state| state.iter().for_each(|byte| trace.value(*byte)))
    }
}

/// Random numbers for an attack.
fn stream(entropy: &mut dyn Entropy) -> Result<Stream, EntropyError> {
    let mut seed = Zeroizing::new([0; 64]);
    entropy.fill(seed.as_mut_slice())?;
    Ok(Stream::new(seed))
}
