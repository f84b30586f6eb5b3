//! The chain of steps that an input of the `command` target is, and how libFuzzer changes one.
//!
//! Plain byte mutations would shift every length behind an inserted byte. So the chain is taken apart, one step is
//! changed (by libFuzzer's own mutations, or by putting in a handle that means something), and put together again.

use libfuzzer_sys::fuzzer_mutate;

/// Handles that the prelude makes, and those that are always there.
const HANDLES: &[u32] = &[
    0x8000_0000,
    0x8000_0001,
    0x8000_0002,
    0x8100_0001,
    0x0200_0000,
    0x0300_0001,
    0x0150_0001,
    0x0150_0002,
    0x4000_0001,
    0x4000_0007,
    0x4000_0009,
    0x4000_000a,
    0x4000_000b,
    0x4000_000c,
    0,
    10,
    16,
];

/// One step: a control byte and a command.
#[derive(Clone)]
pub struct Step {
    pub control: u8,
    pub command: Vec<u8>,
}

/// Takes an input apart. A length that goes past the end takes what is left.
pub fn parse(mut input: &[u8], most: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    while steps.len() < most {
        let Some((&[control, high, low], tail)) = input.split_first_chunk() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(tail.len());
        let (command, tail) = tail.split_at(length);
        steps.push(Step { control, command: command.to_vec() });
        input = tail;
    }
    steps
}

fn join(steps: &[Step]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in steps {
        bytes.push(step.control);
        bytes.extend(u16::try_from(step.command.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(&step.command[..step.command.len().min(usize::from(u16::MAX))]);
    }
    bytes
}

/// Changes the input in `data[..size]`; returns its new size, at most `max`.
pub fn mutate(data: &mut [u8], size: usize, max: usize, seed: u32) -> usize {
    let mut steps = parse(&data[..size], usize::MAX);
    let mut dice = Dice(seed | 1);
    if steps.is_empty() {
        return fuzzer_mutate(data, size, max);
    }
    let at = dice.below(steps.len());
    match dice.below(16) {
        0 => steps.insert(at, steps[at].clone()),
        1 if steps.len() > 1 => drop(steps.remove(at)),
        2 => {
            let other = dice.below(steps.len());
            steps.swap(at, other);
        }
        3 => steps[at].control = steps[at].control & 0x20 | [0, 0, 1, 2, 3, 4, 0x40, 0x80][dice.below(8)],
        // Another kind of TPM: slower, so rarely.
        4 if dice.below(16) == 0 => steps[0].control ^= 0x20,
        4..=6 => {
            // The handle area starts behind the header.
            let place = 10 + 4 * dice.below(4);
            let handle = HANDLES[dice.below(HANDLES.len())].to_be_bytes();
            if let Some(bytes) = steps[at].command.get_mut(place..place + 4) {
                bytes.copy_from_slice(&handle);
            }
        }
        _ => {
            let command = &mut steps[at].command;
            let length = command.len();
            let room = length + 64;
            command.resize(room, 0);
            let new = fuzzer_mutate(command, length, room);
            command.truncate(new);
        }
    }
    let bytes = join(&steps);
    let new = bytes.len().min(max);
    data[..new].copy_from_slice(&bytes[..new]);
    new
}

/// xorshift: libFuzzer gives the seed, so that its runs can be repeated.
struct Dice(u32);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as usize % bound
    }
}
