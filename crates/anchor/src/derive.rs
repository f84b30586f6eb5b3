//! Keys from a master key: HKDF-Expand (RFC 5869) under a label that separates purposes.
//!
//! Byte-exact in docs/derivations.md, "Keys from a master key". Nothing here may ever change for version 1.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::Zeroizing;

/// The longest key that HKDF with SHA-512 gives: 255 blocks of 64 bytes.
const MAX_LENGTH: usize = 16_320;

/// What a derived key is for. Keys of different purposes tell nothing about each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The seed of the endorsement hierarchy.
    EndorsementSeed,
    /// The seed of the platform hierarchy.
    PlatformSeed,
    /// The key that seals the TPM's state at rest.
    StateKey,
    /// What the secrets of the firmware come from.
    FirmwareSecret,
    /// A key that an application asks for by name.
    ApplicationKey,
    /// The master key of one of several TPMs of a device.
    Instance,
    /// What masks and authenticates the helper data of a threshold value.
    DeviceHelper,
    /// What a device's record of its first initialization is compared with.
    BindingCheck,
}

impl Purpose {
    /// The label; part of the derivation, so it never changes.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::EndorsementSeed => b"endorsement seed",
            Self::PlatformSeed => b"platform seed",
            Self::StateKey => b"state key",
            Self::FirmwareSecret => b"firmware secret",
            Self::ApplicationKey => b"application key",
            Self::Instance => b"instance",
            Self::DeviceHelper => b"device helper",
            Self::BindingCheck => b"binding check",
        }
    }
}

/// The length asked for is zero or more than 16,320 bytes, or the name is longer than 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeriveError;

impl fmt::Display for DeriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a derived key is 1 to {MAX_LENGTH} bytes long")
    }
}

impl core::error::Error for DeriveError {}

/// `length` bytes for `purpose` and `name` from a master key. The length is part of the derivation: a short key is not
/// the beginning of a long one.
pub fn derive(
    master: &Hkdf<Sha512>,
    purpose: Purpose,
    name: &str,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, DeriveError> {
    if length == 0 || length > MAX_LENGTH {
        return Err(DeriveError);
    }
    let name_length = u32::try_from(name.len()).map_err(|_| DeriveError)?.to_be_bytes();
    let out_length = u32::try_from(length).map_err(|_| DeriveError)?.to_be_bytes();
    let info: [&[u8]; 6] = [b"ironroot/key/v1\0", purpose.label(), b"\0", &name_length, name.as_bytes(), &out_length];
    let mut out = Zeroizing::new(vec![0; length]);
    master.expand_multi_info(&info, &mut out).map_err(|_| DeriveError)?;
    Ok(out)
}
