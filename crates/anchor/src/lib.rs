//! The trust anchor: a product-wide secret and a device value become two master keys, and these become seeds.
//!
//! The core ([`masters`], [`GlobalMaster`], [`DeviceMaster`]) is `no_std` and byte-exact as docs/derivations.md says: it
//! must give the same result for ever, since a device's identity hangs on it. With the feature `std` (default),
//! `machine` reads a Linux machine's device values and `product_file` keeps the product secret in a file.
//!
//! The product secret is there as such, or hidden in white-box tables ([`Product`]): two derivations, two identities.
//!
//! What this is worth depends on the device value. One that a program can read, a thief of the whole machine's contents
//! can read too; [`words`] says so for each grade.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod derive;
mod firmware;
mod grade;
pub mod init;
#[cfg(feature = "std")]
pub mod machine;
mod masters;
mod product;
#[cfg(feature = "std")]
pub mod product_file;
pub mod threshold;

pub use derive::{DeriveError, Purpose};
pub use firmware::MeasuredFirmware;
pub use grade::words;
pub use masters::{AnchorError, DeviceMaster, GlobalMaster, ProductSecret, masters, white_box_masters};
pub use product::{Product, WhiteBox};
