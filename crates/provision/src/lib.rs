//! The provisioning service, and the device's side of it.
//!
//! A device proves with credential activation (TPM 2.0 Library, Part 1, clause 24) that the key it wants certified is in
//! a genuine TPM, and gets a certificate for it:
//!
//! 1. the device sends its certification request, the public areas of its identity key and endorsement key, and the
//!    endorsement certificate to `POST /v1/challenge`;
//! 2. the service checks all of it ([`validation`]) and answers with a credential that only this TPM can open, and only
//!    while this identity key is loaded in it; inside is a ticket ([`ticket`]), an HMAC over everything that was sent;
//! 3. the device activates the credential in the TPM and sends the same parameters and the ticket to
//!    `POST /v1/certificate`;
//! 4. the service, which kept nothing, computes the ticket again, compares, and issues the certificate ([`authority`]).
//!
//! The feature `service` is the server (HTTP, SQL, CA); the feature `agent` is the device's side ([`agent`]).
#![forbid(unsafe_code)]

pub mod protocol;

#[cfg(feature = "agent")]
pub mod agent;

#[cfg(feature = "service")]
pub mod administration;
#[cfg(feature = "service")]
pub mod authority;
#[cfg(feature = "service")]
pub mod files;
#[cfg(feature = "service")]
pub mod key_list;
#[cfg(feature = "service")]
mod operator;
#[cfg(feature = "service")]
pub mod profile;
#[cfg(feature = "service")]
pub mod refusal;
#[cfg(feature = "service")]
pub mod revocation;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "service")]
pub mod store;
#[cfg(feature = "service")]
pub mod ticket;
#[cfg(feature = "service")]
pub mod validation;

#[cfg(feature = "service")]
pub use operator::{time_from_text, time_to_text};
#[cfg(feature = "service")]
pub use service::{Running, Service, ServiceConfig, ServiceThread, StartError};
