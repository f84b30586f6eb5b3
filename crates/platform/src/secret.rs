//! The device value: what makes this device this device.

use alloc::{string::String, vec::Vec};
use core::fmt;
use zeroize::Zeroizing;

/// How hard it is to give another device the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CopyResistance {
    /// Copied with the disk: a file, machine-id.
    CopiedWithDisk,
    /// Not on the disk, but readable and settable in software: a MAC address, DMI data, a virtual machine's identifier.
    Readable,
    /// Fused into the chip, readable by privileged software.
    Fused,
    /// Never leaves hardware except to the secure world.
    HardwareOnly,
}

/// A device value and what is known about it.
pub struct DeviceValue {
    /// The value itself. It need not be uniformly random.
    pub value: Zeroizing<Vec<u8>>,
    /// Where it came from, in words for people, without the value.
    pub source: String,
    /// How hard it is to copy.
    pub resistance: CopyResistance,
}

impl fmt::Debug for DeviceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceValue")
            .field("source", &self.source)
            .field("resistance", &self.resistance)
            .finish_non_exhaustive()
    }
}

/// The value could not be read; the text says why and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSecretError(pub String);

impl fmt::Display for DeviceSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for DeviceSecretError {}

/// Where the device value comes from.
pub trait DeviceSecret {
    /// Reads the value. The same device gives the same value for ever.
    ///
    /// # Errors
    /// [`DeviceSecretError`] if it is missing: never another value by surprise.
    fn read(&self) -> Result<DeviceValue, DeviceSecretError>;
}
