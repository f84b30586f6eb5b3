//! ML-KEM keys: what is the same for every provider.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod portable;

/// Bytes of a private seed `d || z` (FIPS 203, algorithm 16).
pub const SEED_SIZE: usize = 64;
/// Bytes of a shared secret.
pub const SECRET_SIZE: usize = 32;
/// Bytes of the random message that is encapsulated (FIPS 203, algorithm 17: `m`).
pub const MESSAGE_SIZE: usize = 32;
