//! Tests of what time and memory addresses tell about secrets, by two methods (docs/side-channels.md):
//!
//! - **taint**: under valgrind's memcheck, secrets are marked as if they had never been written ([`memcheck`]). What is
//!   computed from them carries the mark, and memcheck reports each branch and each address that depends on it. One run of
//!   a [`cases::Case`] tells for every value of the secret, but only of the path that was taken. `cargo xtask taint`.
//! - **timing**: two classes of inputs, measured in random order, and Welch's t-test on their times ([`welch`]).
//!   `cargo xtask timing`.
//!
//! Nothing here is part of the product.
#![deny(clippy::undocumented_unsafe_blocks)]
#![allow(clippy::expect_used, reason = "a test program that cannot go on should stop")]

pub mod cases;
pub mod counter;
pub mod memcheck;
pub mod random;
pub mod timed;
pub mod tpm;
pub mod welch;

pub use random::{Numbers, Secrets};
