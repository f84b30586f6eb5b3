//! Verification of TPM evidence: what a service, or anybody who must believe a TPM, computes and checks.
//!
//! - [`credential`]: makes the challenge that only one TPM, with one key in it, can answer;
//! - [`ek_template`]: whether a public area is that of an endorsement key by TCG's templates;
//! - [`ek_certificate`]: whether an endorsement certificate is genuine and belongs to that key;
//! - [`identity`]: whether a key may become a device's identity;
//! - [`x509`]: certificates, paths and requests, over the exact bytes that were received.
//!
//! Nothing here does I/O, reads a clock or keeps state: time, random bytes and trusted roots come from the caller.
#![forbid(unsafe_code)]

pub mod credential;
pub mod ek_certificate;
pub mod ek_template;
pub mod identity;
pub mod name;
pub mod x509;

pub use credential::{Credential, CredentialError, make_credential};
pub use ek_certificate::{EkCertificateError, EkVerdict, Quirk, verify_ek_certificate};
pub use ek_template::{EkTemplate, EkTemplateError};
pub use identity::{IdentityKeyError, IdentityKeyPolicy, Requirement};
pub use name::{object_name, parse_public};
