//! A PKCS #11 module (`libironroot_pkcs11.so`, versions 2.40 and 3.0) over the named keys of any TPM 2.0 (docs/pkcs11.md).
//!
//! There is no store to initialize: the token's keys are those of the list of names, its certificates the files of a folder. The private keys are
//! in the TPM, and this process never has them.
//!
//! Reading order: `config` (which TPM, which keys), `module` (slot, sessions, login), `objects` and `attributes` (what a
//! program finds), `mechanisms` and `operations` (what it can do), `token` (the TPM), `ffi` (the functions of the standard, which is the only
//! place with `unsafe`).

mod attributes;
mod certificates;
mod config;
mod error;
mod ffi;
mod generate;
mod mechanisms;
mod module;
mod objects;
mod operations;
mod public;
mod token;

pub use ffi::{C_GetFunctionList, C_GetInterface, C_GetInterfaceList};
