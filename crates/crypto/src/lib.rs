//! The cryptography of a TPM 2.0.
//!
//! Hashes, HMAC, block ciphers, key derivation and the deterministic generator are the same everywhere (pure Rust).
//! Public-key primitives come from a [`Provider`]: the portable one here, or the fast one for hosts in
//! `ironroot-crypto-host`. Schemes and paddings are written once, above the provider. `conformance` (a feature) is the suite that
//! every provider passes.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod ctr_drbg;
pub mod dhkem;
pub mod drbg;
pub mod ecc;
pub mod hash;
pub mod hmac;
pub mod kdf;
pub mod mldsa;
pub mod mlkem;
pub mod portable;
pub mod provider;
pub mod random;
pub mod rsa;
pub mod shake;
pub mod symmetric;
#[cfg(any(test, feature = "conformance"))]
pub mod vectors;

pub use ctr_drbg::CtrDrbg;
pub use drbg::Drbg;
pub use hash::{Digest, Hasher, digest};
pub use hmac::{Hmac, hmac};
pub use kdf::{hkdf_expand, hkdf_extract, kdf2, kdfa, kdfe};
pub use portable::{PORTABLE, Portable};
pub use provider::{
    CryptoError, EccPoint, EccProvider, EccSecretPoint, EdwardsProvider, MlDsaPrivateKey, MlDsaProvider,
    MlKemPrivateKey, MlKemProvider, Provider, RsaPrivateKey, RsaProvider,
};
pub use random::Random;
pub use shake::Shake256;
pub use symmetric::{BlockCipher, Cmac, cfb_decrypt, cfb_encrypt, xor_obfuscate};
