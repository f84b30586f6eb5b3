//! State at rest: one encrypted, authenticated file whose every change is atomic and, once acknowledged, durable.
//!
//! [`FileStore`] is a [`Storage`](ironroot_platform::Storage). Its file is a journal: a header, a checkpoint with all
//! records, and one sealed frame for each commit since. A commit is one write and one `fdatasync`. What was damaged,
//! cut out, put in another order or made for another key is refused, with the reason and the place, and the file is left
//! as it is; only a last frame that was never acknowledged is passed over. The bytes are described in
//! docs/state-format.md.
//!
//! An old copy of the whole file is as good as the last one by itself. A state can be given a counter that never goes back
//! ([`NewCounter`]), in another place; then a copy whose [`FileStore::sequence`] is behind the counter is refused.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod access;
mod backup;
pub mod block_device;
mod body;
mod checkpoint;
mod counter_file;
mod file_store;
mod frame;
mod guard;
mod header;
mod history;
mod inspect;
mod journal;
mod keys;
mod maintenance;
pub mod medium;
pub mod nor_flash;
mod open;
mod refusal;
pub mod rpmb;
mod sealing;
pub mod simulated;
pub mod simulated_flash;
pub mod simulated_rpmb;

pub use access::{Access, Connect, MAX_INSTANCE, NewCounter};
pub use backup::{BackupReport, label as backup_label};
pub use counter_file::FileCounter;
pub use file_store::{FileStore, Options};
pub use guard::Policy;
pub use header::VERSION;
pub use inspect::{Contents, CounterReport, Damage, HeaderReport, Report, inspect};
pub use maintenance::{Accepted, CounterChange, KeyChange};
pub use sealing::{Cost, KEY_SIZE, SecondKey};
