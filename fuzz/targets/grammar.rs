//! Sequences: the input's bytes are the choices of the generator that the differential runner has, so that sessions, HMACs,
//! policies, handles and wrapped keys are right where they are not made wrong on purpose. What must hold is in
//! `ironroot_differential::grammar`.
#![no_main]

use ironroot_differential::grammar::{CHUNK, LARGE, RSA, play};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| {
    if let Err(error) = play(input, std::env::var_os("IRONROOT_TRACE").is_some()) {
        panic!("{error}");
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { mutate(data, size, max_size, seed) });

/// Changes plans, puts them in and leaves them out, without shifting the bytes of others.
fn mutate(data: &mut [u8], size: usize, max: usize, seed: u32) -> usize {
    if size <= CHUNK {
        return fuzzer_mutate(data, size, max);
    }
    let mut dice = seed | 1;
    let mut below = |bound: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        (dice >> 8) as usize % bound
    };
    let mut plans: Vec<[u8; CHUNK]> = data[1..size]
        .chunks(CHUNK)
        .map(|chunk| {
            let mut plan = [0; CHUNK];
            plan[..chunk.len()].copy_from_slice(chunk);
            plan
        })
        .collect();
    let at = below(plans.len());
    match below(16) {
        0 => plans.insert(at, plans[at]),
        1 if plans.len() > 1 => drop(plans.remove(at)),
        2 => {
            let other = below(plans.len());
            plans.swap(at, other);
        }
        // A plan from nowhere.
        3..=5 => {
            let mut plan = [0; CHUNK];
            plan.iter_mut().for_each(|byte| *byte = below(256) as u8);
            plans.insert(at, plan);
        }
        // One decision.
        6..=10 => plans[at][below(CHUNK)] = below(256) as u8,
        // Another kind of TPM: slower, so rarely.
        11 if below(64) == 0 => data[0] = [RSA, LARGE, LARGE, 0][below(4)] | data[0] & 0x0F,
        12 => data[0] ^= below(4) as u8,
        _ => {
            fuzzer_mutate(&mut plans[at], CHUNK, CHUNK);
        }
    }
    let bytes = plans.concat();
    let new = bytes.len().min(max - 1);
    data[1..=new].copy_from_slice(&bytes[..new]);
    new + 1
}
