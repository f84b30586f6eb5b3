//! State at rest: one encrypted, authenticated file whose every change is atomic and, once acknowledged, durable.
//!
//! [`FileStore`] is a [`Storage`](ironroot_platform::Storage). Its file is a journal: a header, a checkpoint with all
//! records, and one sealed frame for each commit since. A commit is one write and one `fdatasync`. What was damaged,
//! cut out, put in another order or made for another key is refused, with the reason and the place, and the file is left
//! as it is; only a last frame that was never acknowledged is passed over. The bytes are described in
//! docs/state-format.md.
//!
//! What this does not stop: an old copy of the whole file put back. [`FileStore::sequence`] is the number that a monotonic
//! counter will be compared with.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod body;
mod file_store;
mod frame;
mod header;
mod journal;
mod keys;
pub mod medium;
mod refusal;
pub mod simulated;

pub use file_store::{FileStore, Options};
pub use header::VERSION;
