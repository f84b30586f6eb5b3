//! The evaluation of encoded tables: lookups and nothing else.
//!
//! Between two lookups a value is always encoded: what memory holds is a nibble under a random permutation, of a sum that is
//! mixed by a secret linear map. Which entry is read depends on secrets: nothing here is constant in time on a machine with
//! caches, and nothing needs to be, since whoever can watch the cache of this program can read the tables.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::format::{Half, ROUNDS, Tables, Wide, Xor};

/// Sees each value that is read from a table, as a debugger would: what differential computation analysis works on.
pub trait Trace {
    /// A byte of a word, or a nibble from an exclusive-or table.
    fn value(&mut self, value: u8);
}

/// Nobody looks.
impl Trace for () {
    fn value(&mut self, _: u8) {}
}

/// Position 4c + j after `ShiftRows` comes from here.
pub(crate) const SHIFT_ROWS: [usize; 16] = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11];

impl Tables<'_> {
    /// The encoded cipher on one block.
    #[must_use]
    pub fn block(&self, block: &[u8; 16]) -> [u8; 16] {
        self.block_traced(block, &mut ())
    }

    /// The same while somebody looks on.
    pub fn block_traced<T: Trace>(&self, block: &[u8; 16], trace: &mut T) -> [u8; 16] {
        let mut state = self.enter(block, trace);
        for round in 0..ROUNDS {
            state = self.round(round, &state, trace);
        }
        self.output.sum(&shifted(&state), trace)
    }

    /// The encoded state before the first round.
    pub(crate) fn enter<T: Trace>(&self, block: &[u8; 16], trace: &mut T) -> [u8; 16] {
        self.input.sum(block, trace)
    }

    /// One of the rounds 0 to 8, encoded state to encoded state.
    pub(crate) fn round<T: Trace>(&self, round: usize, state: &[u8; 16], trace: &mut T) -> [u8; 16] {
        let mut out = [0; 16];
        for ((column, bytes), to) in
            shifted(state).as_chunks::<4>().0.iter().enumerate().zip(out.as_chunks_mut::<4>().0)
        {
            *to = self.column(round, column, bytes, trace);
        }
        out
    }

    /// One column of a round: four encoded bytes behind `ShiftRows` to four encoded bytes behind `MixColumns`.
    pub(crate) fn column<T: Trace>(&self, round: usize, column: usize, bytes: &[u8; 4], trace: &mut T) -> [u8; 4] {
        let Some([first, second]) = self.rounds.get(round) else { return [0; 4] };
        let middle = first.column(column, bytes, trace);
        second.column(column, &middle, trace)
    }
}

fn shifted(state: &[u8; 16]) -> [u8; 16] {
    SHIFT_ROWS.map(|from| state.get(from).copied().unwrap_or_default())
}

impl Wide<'_> {
    fn sum<T: Trace>(&self, bytes: &[u8; 16], trace: &mut T) -> [u8; 16] {
        sum(self.words, self.xor, bytes, trace)
    }
}

impl Half<'_> {
    fn column<T: Trace>(&self, column: usize, bytes: &[u8; 4], trace: &mut T) -> [u8; 4] {
        let words = self.words.as_chunks::<1024>().0.get(column).map_or(&[][..], |words| words);
        let xor = self.xor.as_chunks::<24>().0.get(column).map_or(&[][..], |xor| xor);
        sum(words, xor, bytes, trace)
    }
}

/// The sum of a word for each byte, through the exclusive-or tables.
fn sum<const N: usize, T: Trace>(words: &[[u8; N]], xor: &[Xor], bytes: &[u8], trace: &mut T) -> [u8; N] {
    let mut words = words
        .as_chunks::<256>()
        .0
        .iter()
        .zip(bytes)
        .map(|(table, byte)| table.get(usize::from(*byte)).copied().unwrap_or([0; N]));
    let Some(mut total) = words.next() else { return [0; N] };
    total.iter().for_each(|byte| trace.value(*byte));
    let mut xor = xor.as_chunks::<2>().0.iter();
    for word in words {
        for (total, byte) in total.iter_mut().zip(word) {
            trace.value(byte);
            let Some([high, low]) = xor.next() else { return [0; N] };
            let (high, low) = (nibble(high, *total >> 4, byte >> 4), nibble(low, *total & 15, byte & 15));
            trace.value(high);
            trace.value(low);
            *total = high << 4 | low;
        }
    }
    total
}

fn nibble(table: &Xor, a: u8, b: u8) -> u8 {
    let pair = table.get(usize::from(a << 3 | b >> 1)).copied().unwrap_or_default();
    if b & 1 == 0 { pair >> 4 } else { pair & 15 }
}
