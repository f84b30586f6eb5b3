//! Objects: creation, loading, duplication, persistence, attestation.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../libtpms/mod.rs"]
mod libtpms;
#[path = "../outside/mod.rs"]
mod outside;
#[path = "../peer/mod.rs"]
mod peer;
#[path = "../policies/mod.rs"]
mod policies;
#[path = "../templates/mod.rs"]
mod templates;

mod attestation;
mod create_loaded;
mod differential_creation;
mod differential_found;
mod differential_loading;
mod duplication;
mod limited;
mod load_external;
mod object;
mod persistent;
