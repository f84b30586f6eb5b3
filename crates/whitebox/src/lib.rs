//! A key derivation function that hides its key in tables: white-box AES-128 after Chow, Eisen, Johnson and van Oorschot
//! (SAC 2002), with 128-bit external encodings on both sides.
//!
//! [`Tables`] evaluates it (`no_std`, no allocation): neither the product secret nor a round key is in the tables, nor in
//! memory while they are evaluated. With the feature `std`, [`generate()`] makes tables from a product secret,
//! [`source`] writes them as Rust or C, and [`attack`] breaks them. **It does break them, in seconds**: docs/whitebox.md
//! says what this protection is worth, and what is not claimed for it.
//!
//! The function that the tables compute is a function of the product secret alone, byte-exact in docs/derivations.md,
//! "White-box products": new tables of the same secret give the same identity.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod aes128;
#[cfg(feature = "std")]
pub mod attack;
#[cfg(feature = "std")]
mod encoding;
mod evaluate;
mod format;
#[cfg(feature = "std")]
mod generate;
#[cfg(feature = "std")]
mod matrix;
mod prf;
#[cfg(feature = "std")]
mod secrets;
#[cfg(feature = "std")]
pub mod source;
#[cfg(feature = "std")]
mod stream;

pub use evaluate::Trace;
pub use format::{External, FILE_SIZE, MAGIC, Tables, TablesError};
#[cfg(feature = "std")]
pub use generate::{GenerateError, generate};
pub use prf::PRODUCT_CHECK_LABEL;
