//! A TPM 2.0 (TCG TPM 2.0 Library specification, v185).
//!
//! One [`Tpm`] value is one TPM: a function from state, command, locality and time to state and response. It does no I/O
//! of its own, has no global state and never panics; storage and entropy are traits of `ironroot-platform`, public-key
//! primitives come from a provider of `ironroot-crypto`.
//!
//! Reading order: `tpm.rs` (the life of a TPM), `pipeline` (the life of a command), one command in `commands`, then
//! `state` (what it works on) and `rules` (what commands share).
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;

#[macro_use]
mod macros;

mod commands;
mod core_state;
mod pipeline;
mod profile;
mod rules;
mod state;
mod tpm;
mod volatile;

pub use commands::implemented as implemented_commands;
pub use profile::{CommandSet, Profile, ProfileError, ProfileName};
pub use rules::version::{FIRMWARE as FIRMWARE_VERSION, SVN as FIRMWARE_SVN};
pub use state::hierarchy::{SEED_SIZE, Seeds};
pub use tpm::{OpenError, Tpm};
pub use volatile::VolatileError;
