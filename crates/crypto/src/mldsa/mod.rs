//! ML-DSA keys and the message representative mu: what is the same for every provider.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod mu;
mod portable;

pub use mu::{MAX_CONTEXT_SIZE, Mu, pre_hashed};

/// Bytes of a private seed xi (FIPS 204, algorithm 1).
pub const SEED_SIZE: usize = 32;
/// Bytes of the message representative mu.
pub const MU_SIZE: usize = 64;
/// Bytes of the randomness of a hedged signature (FIPS 204, algorithm 2: `rnd`).
pub const RANDOM_SIZE: usize = 32;
