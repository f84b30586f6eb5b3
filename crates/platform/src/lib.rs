//! What a TPM needs from where it runs, as small traits that are honest about quality.
//!
//! The TPM core does no I/O: whatever holds it (a daemon, a secure world, a fuzzer) hands it these. [`memory`] has
//! platforms for tests, among them one that fails on demand; with the feature `std`, `host` has the entropy and the clock
//! of an operating system.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod cancellation;
mod clock;
mod component;
mod counter;
mod entropy;
mod firmware;
pub mod health;
#[cfg(feature = "std")]
pub mod host;
pub mod memory;
mod secret;
mod storage;

pub use cancellation::{Cancellation, NeverCancelled};
pub use clock::{Clock, Milliseconds};
pub use component::{AttachedComponent, ComponentValue, SentObject};
pub use counter::{CountedState, CounterError, CounterKind, MonotonicCounter};
pub use entropy::{Entropy, EntropyError};
pub use firmware::{FIRMWARE_SECRET_SIZE, Firmware, FirmwareSecret, UnmeasuredFirmware};
pub use secret::{CopyResistance, DeviceSecret, DeviceSecretError, DeviceValue};
pub use storage::{Change, Durability, RecordKey, Records, Storage, StorageError};
