//! The product secret, the device value, and the two master keys that they give.
//!
//! Byte-exact in docs/derivations.md, "The two master keys". Nothing here may ever change for version 1.

use crate::derive::{DeriveError, Purpose, derive};
use alloc::vec::Vec;
use core::fmt;
use hkdf::Hkdf;
use ironroot_platform::{DeviceValue, Entropy, EntropyError};
use ironroot_whitebox::{External, Tables, TablesError};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

/// The secret that all devices of a product share ("pre-master"). Wiped when dropped, and never printed.
pub struct ProductSecret(Zeroizing<[u8; Self::SIZE]>);

impl ProductSecret {
    /// Its size in bytes.
    pub const SIZE: usize = 32;

    /// Takes the secret and wipes the argument's memory.
    #[must_use]
    pub fn take(bytes: &mut [u8; Self::SIZE]) -> Self {
        let secret = Self(Zeroizing::new(*bytes));
        bytes.zeroize();
        secret
    }

    /// A new random secret.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; Self::SIZE]);
        entropy.fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// The bytes, to be stored away. Keep them out of logs and away from the TPM's state.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::SIZE] {
        &self.0
    }
}

/// Why no master keys were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorError {
    /// The device value is empty, so every device would have the same keys.
    EmptyDeviceValue,
    /// The product secret is all zero or all ones: it was never set.
    UnsetProductSecret,
    /// A key of an impossible length was asked for.
    Derive(DeriveError),
    /// The security version number is above 255.
    Svn,
    /// What should be white-box tables is none.
    Tables(TablesError),
    /// The white-box tables were made for comparison, without external encodings.
    ComparisonTables,
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyDeviceValue => {
                f.write_str("the device value is empty: every device would have the same identity")
            }
            Self::UnsetProductSecret => f.write_str("the product secret was never set (all its bits are the same)"),
            Self::Derive(error) => error.fmt(f),
            Self::Svn => f.write_str("a security version number is at most 255"),
            Self::Tables(error) => error.fmt(f),
            Self::ComparisonTables => f.write_str(
                "the white-box tables have no external encodings: they are for comparison, not for a product",
            ),
        }
    }
}

impl core::error::Error for AnchorError {}

impl From<DeriveError> for AnchorError {
    fn from(error: DeriveError) -> Self {
        Self::Derive(error)
    }
}

impl From<TablesError> for AnchorError {
    fn from(error: TablesError) -> Self {
        Self::Tables(error)
    }
}

/// A 64-byte master key, wiped when dropped.
struct Master(Zeroizing<[u8; 64]>);

impl Master {
    fn derive(&self, purpose: Purpose, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>, DeriveError> {
        let hkdf = Hkdf::from_prk(self.0.as_slice()).map_err(|_| DeriveError)?;
        derive(&hkdf, purpose, name, length)
    }

    fn derive_array<const N: usize>(&self, purpose: Purpose, name: &str) -> Result<Zeroizing<[u8; N]>, DeriveError> {
        let mut out = Zeroizing::new([0; N]);
        self.derive(purpose, name, N)?.iter().zip(out.iter_mut()).for_each(|(from, to)| *to = *from);
        Ok(out)
    }
}

/// The master key that is the same on every device of the product.
pub struct GlobalMaster(Master);

impl GlobalMaster {
    /// A key for `purpose` and `name`, equal on all devices of the product.
    ///
    /// # Errors
    /// [`DeriveError`] for an impossible length.
    pub fn derive(&self, purpose: Purpose, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>, DeriveError> {
        self.0.derive(purpose, name, length)
    }

    /// The base of the product's global secrets (docs/derivations.md, "Named secrets").
    ///
    /// # Errors
    /// None in practice; the type is the one of [`Self::derive`].
    pub fn secrets_base(&self) -> Result<Zeroizing<[u8; 32]>, DeriveError> {
        self.0.derive_array(Purpose::ApplicationKey, "named secrets")
    }
}

/// The master key of this device alone.
pub struct DeviceMaster(Master);

impl DeviceMaster {
    /// A key for `purpose` and `name`, different on each device.
    ///
    /// # Errors
    /// [`DeriveError`] for an impossible length.
    pub fn derive(&self, purpose: Purpose, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>, DeriveError> {
        self.0.derive(purpose, name, length)
    }

    /// The master key of one of several TPMs of this device, in the place of the device's own: another identity, and another
    /// key for its state.
    ///
    /// # Errors
    /// [`DeriveError`] if the name is longer than 4 GiB.
    pub fn instance(&self, name: &str) -> Result<Self, DeriveError> {
        let mut master = Zeroizing::new([0; 64]);
        self.derive(Purpose::Instance, name, 64)?.iter().zip(master.iter_mut()).for_each(|(from, to)| *to = *from);
        Ok(Self(Master(master)))
    }

    /// The endorsement primary seed with which a TPM is manufactured. `TPM2_ChangeEPS` puts a random one in its place.
    ///
    /// # Errors
    /// None in practice; the type is the one of [`Self::derive`].
    pub fn endorsement_seed(&self) -> Result<Zeroizing<[u8; 64]>, DeriveError> {
        self.0.derive_array(Purpose::EndorsementSeed, "")
    }

    /// The base of the storage (owner) primary seed, with which the TPM mixes what `TPM2_Clear` replaces.
    ///
    /// # Errors
    /// None in practice; the type is the one of [`Self::derive`].
    pub fn owner_seed(&self) -> Result<Zeroizing<[u8; 64]>, DeriveError> {
        self.0.derive_array(Purpose::ApplicationKey, "tpm storage seed")
    }

    /// The platform primary seed with which a TPM is manufactured. `TPM2_ChangePPS` puts a random one in its place.
    ///
    /// # Errors
    /// None in practice; the type is the one of [`Self::derive`].
    pub fn platform_seed(&self) -> Result<Zeroizing<[u8; 64]>, DeriveError> {
        self.0.derive_array(Purpose::PlatformSeed, "")
    }

    /// What the secrets of the firmware come from ([`crate::MeasuredFirmware`]).
    ///
    /// # Errors
    /// None in practice; the type is the one of [`Self::derive`].
    pub fn firmware_secret(&self) -> Result<Zeroizing<[u8; 64]>, DeriveError> {
        self.0.derive_array(Purpose::FirmwareSecret, "")
    }

    /// The key that seals the TPM's state at rest.
    ///
    /// # Errors
    /// None in practice; the type is the one of [`Self::derive`].
    pub fn state_key(&self) -> Result<Zeroizing<[u8; 32]>, DeriveError> {
        self.0.derive_array(Purpose::StateKey, "")
    }
}

/// The two master keys of a product's device.
///
/// # Errors
/// [`AnchorError`] if the device value is empty or the product secret was never set.
pub fn masters(secret: &ProductSecret, device: &DeviceValue) -> Result<(GlobalMaster, DeviceMaster), AnchorError> {
    if device.value.is_empty() {
        return Err(AnchorError::EmptyDeviceValue);
    }
    // No early exit on secret bytes: the sums go over all of them.
    let ones = secret.expose().iter().fold(0, |sum: u32, byte| sum.wrapping_add(byte.count_ones()));
    if ones == 0 || ones == 256 {
        return Err(AnchorError::UnsetProductSecret);
    }
    let root = Hkdf::<Sha512>::new(Some(b"ironroot/anchor/v1"), secret.expose());
    let mut global = Zeroizing::new([0; 64]);
    root.expand(b"ironroot/anchor/v1/global master", global.as_mut_slice()).map_err(|_| DeriveError)?;
    let mut salt = Zeroizing::new([0; 64]);
    root.expand(b"ironroot/anchor/v1/device salt", salt.as_mut_slice()).map_err(|_| DeriveError)?;
    let (mut extracted, _) = Hkdf::<Sha512>::extract(Some(salt.as_slice()), &device.value);
    let device = Zeroizing::new(extracted.into());
    extracted.as_mut_slice().zeroize();
    Ok((GlobalMaster(Master(global)), DeviceMaster(Master(device))))
}

/// The two master keys of a device whose product secret is hidden in white-box tables. They are others than [`masters`] gives
/// from the same secret; docs/derivations.md, "White-box products".
///
/// # Errors
/// [`AnchorError`] if the device value is empty or the tables are for comparison only.
pub fn white_box_masters(
    tables: &Tables<'_>,
    device: &DeviceValue,
) -> Result<(GlobalMaster, DeviceMaster), AnchorError> {
    if device.value.is_empty() {
        return Err(AnchorError::EmptyDeviceValue);
    }
    if tables.external() != External::Affine {
        return Err(AnchorError::ComparisonTables);
    }
    let master = |label: &[u8], context: &[u8]| {
        let mut input = Zeroizing::new([0; 64]);
        tables.derive(label, context, input.as_mut_slice());
        let (mut extracted, _) = Hkdf::<Sha512>::extract(Some(b"ironroot/anchor/whitebox/v1"), input.as_slice());
        let master = Master(Zeroizing::new(extracted.into()));
        extracted.as_mut_slice().zeroize();
        master
    };
    Ok((GlobalMaster(master(b"global master", &[])), DeviceMaster(master(b"device master", &device.value))))
}

#[cfg(test)]
mod tests;
