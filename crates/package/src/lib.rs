//! Application packages: a ZIP file with a signed manifest, its content readable to everybody or to the devices of a product
//! or to single devices only (docs/packages.md has the format).
//!
//! Whoever opens one reads it once, from the beginning to the end, a chunk at a time; nothing is released before it is known to
//! be what was signed, and nothing appears in its place before all of it is.
//!
//! Reading order: [`Manifest`] (what is signed), [`build`], [`Package`] (what is opened).
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

mod archive;
mod build;
mod content;
mod error;
mod floor;
mod manifest;
mod member_path;
mod open;
mod unpack;

pub use build::{Description, Readers, Source, build, build_from};
pub use content::ContentKey;
pub use error::PackageError;
pub use floor::VersionFloor;
pub use manifest::{CHUNK, Details, File, Manifest, Sealed};
pub use open::{Each, Package, Place};
