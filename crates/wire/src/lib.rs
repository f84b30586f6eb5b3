//! The TPM 2.0 wire: the structures of Part 2 and the commands of Part 3 of the TPM 2.0 Library specification, v185.
//!
//! Everything about the wire is said once, as declarations: [`Wire`] marshals and unmarshals a structure, [`Command`]
//! ties a command code to its handles, authorization roles, parameters and response. Unmarshalling refuses every value
//! that the specification (or the active [`Rules`]) does not know, with the `TPM_RC` that Part 2 names for it, so that
//! code behind it never meets an unknown algorithm, an oversized buffer or a reserved bit.
//!
//! Reading order: [`codec`] (the traits), [`rc`] (response codes), [`constants`], then the structures in the order of
//! Part 2's clauses: [`attributes`], [`interface`], [`handle`], [`buffers`], [`structures`], [`algorithms`],
//! [`public`], [`nv`], [`context`]; and [`commands`].
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;

#[macro_use]
mod macros;

pub mod algorithms;
pub mod attributes;
pub mod buffers;
pub mod codec;
pub mod commands;
pub mod constants;
pub mod context;
pub mod handle;
pub mod interface;
pub mod limits;
pub mod nv;
pub mod public;
pub mod rc;
pub mod rules;
pub mod structures;

pub use algorithms::*;
pub use attributes::*;
pub use buffers::*;
pub use codec::{Nullable, Reader, Wire};
pub use commands::*;
pub use constants::*;
pub use context::*;
pub use handle::*;
pub use interface::*;
pub use nv::*;
pub use public::*;
pub use rc::TpmRc;
pub use rules::Rules;
pub use structures::*;
