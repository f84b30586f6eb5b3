//! Applications' keys in any TPM 2.0: sign, request certificates, authenticate in TLS; the private key never leaves the
//! TPM.
//!
//! ```no_run
//! use ironroot_client::{Tcti, Tpm, templates::KeyType, wire::TpmHandle};
//! use ironroot_keys::{SharedTpm, TpmKey, csr};
//!
//! let tpm = SharedTpm::new(Tpm::connect(&Tcti::parse("swtpm:port=2321")?)?);
//! let (key, file) = TpmKey::generate(&tpm, TpmHandle::OWNER, KeyType::P256, b"")?;
//! std::fs::write("key.pem", file.to_pem()?)?;
//! std::fs::write("key.csr", csr(&key, "CN=dev1", &[])?.to_pem()?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order: [`TpmKey`] (a key and what it signs), [`NamedKeys`] (keys that come back by name), [`KeyFile`] (TSS2 PRIVATE KEY files, which OpenSSL's tpm2 provider
//! reads and writes too), [`csr()`] (PKCS #10), [`tls`] (rustls).
#![forbid(unsafe_code)]

mod algorithms;
mod csr;
mod error;
mod key;
mod key_file;
mod named;
mod shared;
#[cfg(feature = "tls")]
pub mod tls;

pub use algorithms::{signature_algorithm, spki_der};
pub use csr::{Csr, csr};
pub use error::KeyError;
pub use key::TpmKey;
pub use key_file::KeyFile;
pub use named::{KeyAlgorithm, KeyEntry, KeyList, NamedKeys, fingerprint, named_template};
pub use shared::SharedTpm;
