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
//! reads and writes too), [`csr()`] and [`self_signed`] (PKCS #10, X.509), [`sign_jwt`] (JSON Web Tokens), [`tls`] (rustls).
#![forbid(unsafe_code)]

mod algorithms;
mod certificate;
mod csr;
mod error;
mod jwt;
mod key;
mod key_file;
mod named;
mod policy;
mod private_channel;
mod private_key;
#[cfg(feature = "rcgen")]
mod rcgen;
mod reference;
mod sealed;
mod sealed_for;
mod shared;
mod stored;
#[cfg(feature = "tls")]
pub mod tls;
mod verify;
mod wanted;
mod wrap;

pub use algorithms::{signature_algorithm, spki_der};
pub use certificate::{CertificateUse, Issuance, certify, issue, self_signed};
pub use csr::{Csr, common_name, csr, request};
pub use error::KeyError;
pub use ironroot_attest::x509::issuance::Lifetime;
pub use jwt::{Claims, Jws, JwtAlgorithm, JwtRules, Refused, jwk, sign_jws, sign_jwt, verify_jwt};
pub use key::TpmKey;
pub use key_file::{AuthPolicy, FileKind, KeyFile, PolicyStep};
pub use named::{
    EncryptionKey, GLOBAL_BASE_HANDLES, GLOBAL_BASE_SIZE, KeyAlgorithm, KeyEntry, KeyList, MAX_SECRET, NamedKeys,
    fingerprint, global_secret_from, named_template,
};
pub use policy::{Approval, Conditions, Pcrs, approvable};
pub use private_key::PrivateKey;
#[cfg(feature = "rcgen")]
pub use rcgen::RcgenKey;
pub use reference::{KeyReference, read_key_file};
pub use sealed::{seal, unseal};
pub use sealed_for::{CounterLimit, PcrState, RemoteConditions, counter_limit, parent_fingerprint, seal_for};
pub use shared::SharedTpm;
pub use stored::{StoredKey, parent_public};
pub use verify::{PublicNumbers, VerifyingKey};
pub use wanted::Wanted;
pub use wrap::parent_from;
