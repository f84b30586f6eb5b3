//! Random choices that are the same in every run with the same seed (SplitMix64), or that a fuzzer makes.

use std::rc::Rc;

/// Bytes of a fuzzer's input for each plan of the generator.
pub const CHUNK: usize = 16;
/// The last bytes of a chunk are the seed of what its first bytes do not suffice for.
const SEED: usize = 4;

/// The generator.
#[derive(Clone)]
pub struct Dice {
    state: u64,
    /// The bytes that decide, chunk by chunk, so that one that is put in or left out does not change the others.
    input: Option<Input>,
}

#[derive(Clone)]
struct Input {
    bytes: Rc<[u8]>,
    /// Where the next decision is, and where the chunk's decisions end.
    at: usize,
    end: usize,
    next: usize,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0xd129_0d3c_53f1_4e2b) ^ 0x5851_f42d_4c95_7f2d, input: None }
    }

    /// Dice that a fuzzer throws.
    pub fn from_input(bytes: &[u8]) -> Self {
        let input = Input { bytes: bytes.into(), at: 0, end: 0, next: 0 };
        Self { input: Some(input), ..Self::new(0) }
    }

    /// Goes on with the next chunk of the input; false if there is none.
    pub fn next_chunk(&mut self) -> bool {
        let Some(input) = &mut self.input else { return true };
        let chunk = &input.bytes[input.next..input.bytes.len().min(input.next + CHUNK)];
        if chunk.is_empty() {
            return false;
        }
        let decisions = chunk.len().saturating_sub(SEED);
        let seed = chunk[decisions..].iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        (input.at, input.end) = (input.next, input.next + decisions);
        input.next += chunk.len();
        self.state = Self::new(seed).state;
        true
    }

    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        let sides = sides.max(1);
        if let Some(input) = self.input.as_mut().filter(|_| sides > 1) {
            let needed = if sides > 256 { 2 } else { 1 };
            if input.at + needed <= input.end {
                let decision = &input.bytes[input.at..input.at + needed];
                input.at += needed;
                return decision.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)) % sides;
            }
        }
        (self.word() >> 11) as usize % sides
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn flag(&mut self) -> bool {
        self.one_in(2)
    }

    /// One of these; there has to be one.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of these, if there is one.
    pub fn maybe<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(self.pick(of)) }
    }

    /// So many random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.word() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_do_not_depend_on_each_other() {
        let throw = |input: &[u8], skip: usize| {
            let mut dice = Dice::from_input(input);
            for _ in 0..=skip {
                assert!(dice.next_chunk());
            }
            (0..40).map(|_| dice.below(7)).collect::<Vec<_>>()
        };
        let (one, two) = ([3; CHUNK], [5; CHUNK]);
        assert_eq!(throw(&two, 0), throw(&[one, two].concat(), 1));
        assert_ne!(throw(&one, 0), throw(&two, 0));
        let mut dice = Dice::from_input(&one);
        assert!(dice.next_chunk() && !dice.next_chunk());
    }
}
