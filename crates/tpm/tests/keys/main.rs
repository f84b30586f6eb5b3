//! Keys of every algorithm and what is done with them.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../curves/mod.rs"]
mod curves;
#[path = "../in_process/mod.rs"]
mod in_process;
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

mod asymmetric;
mod certify_x509;
mod dhkem;
mod ecc_schemes;
mod eddsa;
mod edwards;
mod edwards_storage;
mod keys_random;
mod pqc;
mod pqc_signing;
mod sequences;
mod signature;
mod symmetric;
mod symmetric_ciphers;
