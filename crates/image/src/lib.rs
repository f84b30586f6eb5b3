//! Device images: what a device boots from, signed and encrypted, with a blob for each device that only its TPM opens; and the
//! device's side, which writes an image into the inactive one of two slots, switches, and confirms or rolls back (docs/images.md).
//!
//! An image is a package ([`ironroot_package`]) with one file for each component and a signed description of them; the vocabulary is
//! SUIT's (RFC 9019, draft-ietf-suit-manifest), the encoding is not.
//!
//! Reading order: [`Description`] (what is signed), [`Recipe`] (how an image is made), [`DeviceRecord`] and [`DeviceBlob`] (for whom),
//! [`VersionCounter`] (never older), [`Config`] and [`Device`] (slots, updates).
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

mod blob;
mod boot;
mod build;
mod config;
mod counter;
mod description;
mod device;
mod durable;
mod error;
mod journal;
mod record;
mod slot;

pub use blob::{DeviceBlob, ImageKey};
pub use boot::{BootRecord, SlotName};
pub use build::{Recipe, RecipeComponent, build};
pub use config::{Config, Slots};
pub use counter::VersionCounter;
pub use description::{Component, Description, Install, class_id, vendor_id};
pub use device::{Device, Done, Outcome, Report, SlotStatus, Status};
pub use error::ImageError;
pub use journal::Installed;
pub use record::{DeviceRecord, RecordedCounter, RecordedPcrs};
