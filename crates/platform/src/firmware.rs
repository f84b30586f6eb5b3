//! Which firmware runs, and the secrets that are only its own.

use zeroize::Zeroizing;

/// Bytes of a firmware secret.
pub const FIRMWARE_SECRET_SIZE: usize = 64;

/// A secret of the firmware; wiped when dropped.
pub type FirmwareSecret = Zeroizing<[u8; FIRMWARE_SECRET_SIZE]>;

/// What the stage that started this firmware gave it (TPM 2.0 Library, Part 1, clause 41).
///
/// It is worth what that stage can promise: the secrets of another firmware, or of a higher security version, must be out
/// of reach of this one whatever it does. A boot loader that measures and then forgets can promise that; a program that
/// measures itself cannot, and should say so to whoever asks.
pub trait Firmware: Send {
    /// The security version number (SVN) of this firmware.
    fn svn(&self) -> u16;

    /// The highest SVN that a later firmware can have.
    fn max_svn(&self) -> u16;

    /// The Firmware Secret: the same for the same firmware on the same device, another one for any other. `None` if there
    /// is none.
    fn secret(&self) -> Option<FirmwareSecret>;

    /// The Firmware SVN Secret of an SVN: the same for every firmware with this SVN or a higher one on the same device.
    /// `None` for an SVN above this firmware's, and if there is none.
    fn svn_secret(&self, svn: u16) -> Option<FirmwareSecret>;
}

/// Nobody has measured the firmware: it has no secrets, and its SVN is 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnmeasuredFirmware;

impl Firmware for UnmeasuredFirmware {
    fn svn(&self) -> u16 {
        0
    }
    fn max_svn(&self) -> u16 {
        0
    }
    fn secret(&self) -> Option<FirmwareSecret> {
        None
    }
    fn svn_secret(&self, _svn: u16) -> Option<FirmwareSecret> {
        None
    }
}
