//! Power cuts at the level of the whole TPM.
//!
//! A real TPM over the real store does a long random workload over every command that can change non-volatile state
//! ([`workload`], [`steps`]), on a disk that records what is asked of it ([`trace`]). Then, for every moment of that
//! record, the disks that a power cut may leave are made ([`crash`]), a TPM is opened on each ([`prove`]), and it must be
//! the TPM whose last command was acknowledged, or that with the one command under way: by all its records, and by what it
//! answers ([`observe`], [`view`]).
//!
//! `cargo xtask power-cuts` runs it; stores that are known to be bad ([`backend::Backend`]) show that it can fail.
#![forbid(unsafe_code)]

pub mod backend;
mod bad;
pub mod client;
pub mod commits;
pub mod crash;
pub mod observe;
pub mod prove;
pub mod report;
pub mod steps;
pub mod trace;
pub mod view;
pub mod workload;

use backend::Backend;
use report::Report;
use workload::{Workload, Wrong};

/// One workload on one store, with all its cuts.
///
/// # Errors
/// What was lost, with the seed that repeats it.
pub fn round(backend: Backend, seed: u64, commands: usize, report: &mut Report) -> Result<(), Wrong> {
    round_on(backend, false, seed, commands, report)
}

/// The same on a disk that fails now and then if it is `failing`: commands are refused, nothing is lost, and life goes on.
///
/// # Errors
/// As [`round`].
pub fn round_on(backend: Backend, failing: bool, seed: u64, commands: usize, report: &mut Report) -> Result<(), Wrong> {
    let run = |report: &mut Report| {
        let mut work = Workload::begin(backend, seed)?;
        if failing {
            work.fail();
        }
        work.run(commands)?;
        prove::prove(work, backend, seed, report)
    };
    run(report).map_err(|why| format!("{backend:?}, seed {seed}, {commands} commands: {why}"))
}
