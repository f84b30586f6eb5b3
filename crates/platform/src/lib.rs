//! What a TPM needs from where it runs, as small traits that are honest about quality.
//!
//! The TPM core does no I/O: whatever holds it (a daemon, a secure world, a fuzzer) hands it these. [`memory`] has
//! platforms for tests, among them one that fails on demand.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod clock;
mod entropy;
pub mod memory;
mod secret;
mod storage;

pub use clock::{Clock, Milliseconds};
pub use entropy::{Entropy, EntropyError};
pub use secret::{CopyResistance, DeviceSecret, DeviceSecretError, DeviceValue};
pub use storage::{Change, Durability, RecordKey, Records, Storage, StorageError};
