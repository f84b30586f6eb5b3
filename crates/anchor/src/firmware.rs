//! The secrets of the firmware, from the device's master key and a measurement.
//!
//! Byte-exact in docs/derivations.md, "Secrets of the firmware". Nothing here may ever change for version 1.
//!
//! A boot loader that computes these, hands them over and forgets the master key limits what the firmware can reach. A
//! program that computes them for itself, as the daemon does, only keeps a promise: another version of it could break it.

use hmac::{Hmac, KeyInit, Mac};
use ironroot_platform::{FIRMWARE_SECRET_SIZE, Firmware, FirmwareSecret};
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::{AnchorError, DeriveError, DeviceMaster};

const IMAGE_LABEL: &[u8] = b"ironroot/firmware/v1/image\0";
const SVN_LABEL: &[u8] = b"ironroot/firmware/v1/svn";

/// Firmware that has been measured.
pub struct MeasuredFirmware {
    svn: u16,
    secret: FirmwareSecret,
    /// The secret of `svn`; those of lower numbers follow from it, those of higher ones do not.
    svn_secret: FirmwareSecret,
}

impl MeasuredFirmware {
    /// The highest security version number that there can be.
    pub const MAX_SVN: u16 = 255;

    /// The secrets of the firmware with this measurement and this security version number on a device.
    ///
    /// # Errors
    /// [`AnchorError`] if the number is above [`Self::MAX_SVN`].
    pub fn new(device: &DeviceMaster, measurement: &[u8], svn: u16) -> Result<Self, AnchorError> {
        let base = device.firmware_secret()?;
        let steps = Self::MAX_SVN.checked_sub(svn).ok_or(AnchorError::Svn)?;
        let secret = mac(&base, &[IMAGE_LABEL, measurement])?;
        Ok(Self { svn, secret, svn_secret: hashed(mac(&base, &[SVN_LABEL])?, steps) })
    }
}

impl Firmware for MeasuredFirmware {
    fn svn(&self) -> u16 {
        self.svn
    }

    fn max_svn(&self) -> u16 {
        Self::MAX_SVN
    }

    fn secret(&self) -> Option<FirmwareSecret> {
        Some(self.secret.clone())
    }

    fn svn_secret(&self, svn: u16) -> Option<FirmwareSecret> {
        Some(hashed(self.svn_secret.clone(), self.svn.checked_sub(svn)?))
    }
}

fn mac(key: &[u8; 64], parts: &[&[u8]]) -> Result<FirmwareSecret, DeriveError> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).map_err(|_| DeriveError)?;
    parts.iter().for_each(|part| mac.update(part));
    let mut out = mac.finalize().into_bytes();
    let secret = Zeroizing::new(out.into());
    out.as_mut_slice().zeroize();
    Ok(secret)
}

/// The secret so many security versions below this one.
fn hashed(mut secret: FirmwareSecret, steps: u16) -> FirmwareSecret {
    for _ in 0..steps {
        let mut next = Sha512::digest(secret.as_slice());
        secret.copy_from_slice(&next);
        next.as_mut_slice().zeroize();
    }
    secret
}

const _: () = assert!(FIRMWARE_SECRET_SIZE == 64);
