//! Repeatable "randomness", and a source that is broken.

use crate::{Entropy, EntropyError};

/// SplitMix64 over a seed: the same seed gives the same bytes. **For tests only**: whoever knows one output knows all.
#[derive(Debug, Clone)]
pub struct TestEntropy(u64);

impl TestEntropy {
    /// A source whose output depends on nothing but `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next word.
    pub fn next_word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for TestEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in out.chunks_mut(8) {
            let word = self.next_word().to_le_bytes();
            chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

/// A source that never delivers.
#[derive(Debug, Clone, Copy, Default)]
pub struct FailingEntropy;

impl Entropy for FailingEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}
