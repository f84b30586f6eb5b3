//! Firmware that a test chooses.

use crate::{FIRMWARE_SECRET_SIZE, Firmware, FirmwareSecret};
use zeroize::Zeroizing;

/// Firmware with this image and this SVN on a device whose secrets everybody knows.
#[derive(Debug, Clone, Copy)]
pub struct TestFirmware {
    /// What is measured.
    pub image: u8,
    /// The security version number.
    pub svn: u16,
}

impl Firmware for TestFirmware {
    fn svn(&self) -> u16 {
        self.svn
    }

    fn max_svn(&self) -> u16 {
        u16::MAX
    }

    fn secret(&self) -> Option<FirmwareSecret> {
        Some(Zeroizing::new([self.image; FIRMWARE_SECRET_SIZE]))
    }

    fn svn_secret(&self, svn: u16) -> Option<FirmwareSecret> {
        let [high, low] = svn.to_be_bytes();
        let secret = || Zeroizing::new(core::array::from_fn(|at| if at == 0 { high } else { low }));
        (svn <= self.svn).then(secret)
    }
}
