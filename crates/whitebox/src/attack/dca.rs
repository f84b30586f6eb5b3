//! Differential computation analysis: correlation of recorded values with guesses of the first round's S-box outputs.
//!
//! Every bit of every value that the evaluation reads in its first round is a sample. For each byte of the key and each
//! guess of it, the S-box's outputs for the traces' inputs are known, and each of their 255 linear combinations is
//! correlated with each sample (a Walsh transform does all 255 at once). Encodings of nibbles leave correlations of 1/2 and
//! more to the right guess. Software traces have no noise, so a sample that differs between two traces with the same
//! input byte depends on other bytes, too, and is left out. The analysis needs to know what the cipher is given: external
//! encodings stop it.

use super::{Plain, stream};
use crate::{Tables, Trace, aes128::SBOX};
use ironroot_platform::{Entropy, EntropyError};
use std::vec::Vec;

/// So many values of a trace are looked at: those of the input encoding and of the first round.
const WINDOW: usize = 736 + 320;

/// What is attacked: it gives a trace for each block.
pub trait Target {
    /// Enciphers and records.
    fn run(&self, block: &[u8; 16], trace: &mut Recording) -> [u8; 16];
}

impl Target for Tables<'_> {
    fn run(&self, block: &[u8; 16], trace: &mut Recording) -> [u8; 16] {
        self.block_traced(block, trace)
    }
}

impl Target for Plain {
    fn run(&self, block: &[u8; 16], trace: &mut Recording) -> [u8; 16] {
        self.block_traced(block, trace)
    }
}

/// The values of one evaluation.
#[derive(Default)]
pub struct Recording(Vec<u8>);

impl Trace for Recording {
    fn value(&mut self, value: u8) {
        if self.0.len() < WINDOW {
            self.0.push(value);
        }
    }
}

/// What the analysis says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// The best guess.
    pub key: [u8; 16],
    /// Whether AES-128 with that key gives the target's outputs.
    pub confirmed: bool,
    /// How many traces were taken.
    pub traces: usize,
}

/// Takes `most` traces; if they give the key, finds out how few of them do.
///
/// # Errors
/// [`EntropyError`] if there are no random inputs.
pub fn attack(target: &dyn Target, most: usize, entropy: &mut dyn Entropy) -> Result<Analysis, EntropyError> {
    // Sums of signs are kept in 16 bits.
    let traces = Traces::record(target, most.clamp(1, 32_000), entropy)?;
    let full = traces.analyse(traces.inputs.len());
    if !full.confirmed {
        return Ok(full);
    }
    let mut fewer = core::iter::successors(Some(16), |count| Some(2 * count)).take_while(|count| *count < most);
    Ok(match fewer.find(|count| traces.suffice(*count, &full.key)) {
        Some(traces) => Analysis { traces, ..full },
        None => full,
    })
}

struct Traces {
    inputs: Vec<[u8; 16]>,
    outputs: Vec<[u8; 16]>,
    recordings: Vec<Vec<u8>>,
}

impl Traces {
    fn record(target: &dyn Target, count: usize, entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut blocks = stream(entropy)?;
        let mut traces = Self { inputs: Vec::new(), outputs: Vec::new(), recordings: Vec::new() };
        for _ in 0..count {
            let (block, mut recording) = (blocks.block(), Recording::default());
            traces.outputs.push(target.run(&block, &mut recording));
            traces.inputs.push(block);
            traces.recordings.push(recording.0);
        }
        Ok(traces)
    }

    fn analyse(&self, count: usize) -> Analysis {
        let samples = self.samples(count);
        let key = core::array::from_fn(|position| self.byte(position, count, &samples));
        let plain = Plain::with_key(&key);
        let pairs = self.inputs.iter().zip(&self.outputs).take(4);
        let confirmed = pairs.into_iter().all(|(input, output)| plain.block(input) == *output);
        Analysis { key, confirmed, traces: count }
    }

    /// Whether so many traces give the right key, too. Ends with the first wrong byte.
    fn suffice(&self, count: usize, key: &[u8; 16]) -> bool {
        let samples = self.samples(count);
        key.iter().enumerate().all(|(position, byte)| self.byte(position, count, &samples) == *byte)
    }

    /// The bits that are not the same in all traces, each as one sign for each trace.
    fn samples(&self, count: usize) -> Vec<Vec<i16>> {
        let length = self.recordings.iter().map(Vec::len).min().unwrap_or_default();
        let mut samples = Vec::new();
        for (place, bit) in (0..length).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let signs: Vec<i16> =
                self.recordings[..count].iter().map(|values| 1 - 2 * i16::from(values[place] >> bit & 1)).collect();
            if signs.iter().any(|sign| *sign != signs[0]) {
                samples.push(signs);
            }
        }
        samples
    }

    /// The guess of one key byte with the highest correlation.
    fn byte(&self, position: usize, count: usize, samples: &[Vec<i16>]) -> u8 {
        let bytes: Vec<u8> = self.inputs[..count].iter().map(|input| input[position]).collect();
        let mut seen = [0_u16; 256];
        bytes.iter().for_each(|byte| seen[usize::from(*byte)] += 1);
        let mut best = (0, 0);
        for sample in samples {
            let mut sums = [0_i16; 256];
            bytes.iter().zip(sample).for_each(|(byte, sign)| sums[usize::from(*byte)] += sign);
            if sums.iter().zip(&seen).any(|(sum, seen)| sum.unsigned_abs() != *seen) {
                continue;
            }
            for guess in 0..=255 {
                let highest = highest(&sums, guess);
                if highest > best.0 {
                    best = (highest, guess);
                }
            }
        }
        best.1
    }
}

/// The highest of the 255 correlations for a guess, times the number of traces.
fn highest(sums: &[i16; 256], guess: u8) -> u16 {
    let mut by_output = [0_i16; 256];
    for (byte, sum) in (0..=255_u8).zip(sums) {
        by_output[usize::from(SBOX[usize::from(byte ^ guess)])] = *sum;
    }
    let mut half = 1;
    while half < 256 {
        for pair in by_output.chunks_exact_mut(2 * half) {
            let (a, b) = pair.split_at_mut(half);
            for (a, b) in a.iter_mut().zip(b) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    by_output[1..].iter().map(|sum| sum.unsigned_abs()).max().unwrap_or_default()
}
