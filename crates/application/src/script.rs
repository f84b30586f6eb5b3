//! The three steps of `startup` in one call and in words, for scripts.

use std::path::Path;

use crate::{
    Application, Error, Result,
    startup::{Grade, Product},
};

/// What the product is known by.
pub enum ProductIs<'a> {
    /// Its secret (32 bytes), whose memory is wiped.
    Secret(&'a mut [u8]),
    /// A file with its secret or its white-box tables.
    File(&'a Path),
}

/// What the device is known by.
pub enum DeviceIs<'a> {
    /// A value that the caller has read.
    Value(&'a [u8]),
    /// A source of this machine, by its name.
    Source(&'a str),
}

/// A TPM in this process, with its state in a folder. `grade` (`disk`, `readable`, `fused`, `hardware`) is how hard the device value is to
/// copy, or for a source has to be at least; `how` is `open`, `enroll` or `either`.
///
/// # Errors
/// Kind `Argument` for other words; otherwise as the three steps.
pub fn start(
    folder: &Path,
    product: ProductIs<'_>,
    device: DeviceIs<'_>,
    grade: &str,
    how: &str,
) -> Result<Application> {
    let grade = match grade {
        "disk" => Grade::CopiedWithDisk,
        "readable" => Grade::Readable,
        "fused" => Grade::Fused,
        "hardware" => Grade::HardwareOnly,
        other => return Err(Error::argument(format!("\"{other}\" is no grade: disk, readable, fused or hardware"))),
    };
    let product = match product {
        ProductIs::Secret(secret) => Product::from_secret(secret)?,
        ProductIs::File(path) => Product::from_file(path)?,
    };
    let device = match device {
        DeviceIs::Value(value) => product.device_value(value, grade)?,
        DeviceIs::Source(source) => product.device_source(source, grade)?,
    };
    match how {
        "open" => device.open(folder),
        "enroll" => device.enroll(folder),
        "either" => device.open_or_enroll(folder),
        other => Err(Error::argument(format!("\"{other}\" is no way to start: open, enroll or either"))),
    }
}
