//! The fast provider for hosts, on the raw C interface of AWS-LC (C and assembly, no other tool than a C compiler).
//!
//! This is the one crate with `unsafe`. It is kept in `number`, `rsa`, `ecc`, `mlkem` and `mldsa`, behind types that own
//! what they point to; nothing else of the library is reachable from outside. Hashes, HMAC and AES do not come from here:
//! the pure Rust ones are as fast and shared by every provider.
//!
//! Timing: the operations used here on secrets are constant-time in AWS-LC (fixed-width big numbers, `_consttime`
//! exponentiation, nistz256 and s2n-bignum curve code, mlkem-native and mldsa-native). AWS-LC's own random generator is
//! never used: all randomness is the caller's. So results can be repeated, and a process may give up files and system
//! calls before the first operation.
#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod blinding;
mod ecc;
mod edwards;
mod groups;
mod lattice;
mod mldsa;
mod mlkem;
mod number;
mod rsa;

use ironroot_crypto::Provider;

/// The provider for hosts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

/// The provider for hosts, for where a `&'static dyn Provider` is wanted.
pub static HOST: Host = Host;

impl Provider for Host {
    fn name(&self) -> &'static str {
        "host (AWS-LC)"
    }
}
