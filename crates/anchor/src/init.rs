//! Initialization in the one order that is right, with the four rules as code.
//!
//! 1. **The product comes first**, and its secret is set. ([`Start`] is made from a [`Product`] and from nothing else.)
//! 2. **The device value comes from a source that is there and strong enough**; a missing or a weak one is an error.
//!    ([`Start::device`] is told how hard to copy it has to be.)
//! 3. **No key before the end.** ([`Ready`] alone has master keys; the steps before have no method that gives one.)
//! 4. **Nothing changes afterwards.** A device that was initialized once is initialized again with its [`Binding`]: another
//!    product secret or another device value is an error that says which, never another identity.
//!
//! ```
//! # use ironroot_anchor::{Product, ProductSecret, Purpose, init::Start};
//! # use ironroot_platform::{CopyResistance, memory::FixedDevice};
//! # let product = || -> Product { ProductSecret::take(&mut [7; 32]).into() };
//! # let device = FixedDevice::new(b"a device value");
//! let first = Start::new(product())?.device(&device, CopyResistance::CopiedWithDisk)?;
//! let (ready, binding) = first.enroll();
//! let key = ready.device().derive(Purpose::ApplicationKey, "cloud", 32)?;
//!
//! // From now on:
//! let again = Start::new(product())?.device(&device, CopyResistance::CopiedWithDisk)?.open(&binding)?;
//! assert_eq!(again.device().derive(Purpose::ApplicationKey, "cloud", 32)?, key);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A key before the device value is known does not compile:
//!
//! ```compile_fail,E0599
//! # use ironroot_anchor::{ProductSecret, Purpose, init::Start};
//! let start = Start::new(ProductSecret::take(&mut [7; 32]).into()).unwrap();
//! let key = start.device_key(Purpose::ApplicationKey, "cloud", 32);
//! ```
//!
//! ```compile_fail,E0599
//! # use ironroot_anchor::{ProductSecret, init::Start};
//! let start = Start::new(ProductSecret::take(&mut [7; 32]).into()).unwrap();
//! let (ready, binding) = start.enroll();
//! ```
//!
//! Nor does a key before it is known whether this is the same device:
//!
//! ```compile_fail,E0599
//! # use ironroot_anchor::{ProductSecret, init::Start};
//! # use ironroot_platform::{CopyResistance, memory::FixedDevice};
//! # let device = FixedDevice::new(b"a device value");
//! let start = Start::new(ProductSecret::take(&mut [7; 32]).into()).unwrap();
//! let master = start.device(&device, CopyResistance::CopiedWithDisk).unwrap().device_master();
//! ```
//!
//! Nor a device value without a product:
//!
//! ```compile_fail,E0061
//! # use ironroot_anchor::init::Start;
//! let start = Start::new();
//! ```

use crate::{AnchorError, DeriveError, DeviceMaster, GlobalMaster, Product, Purpose, words};
use alloc::string::String;
use core::fmt;
use ironroot_platform::{CopyResistance, DeviceSecret, DeviceSecretError, DeviceValue};
use zeroize::Zeroizing;

/// Why a device is not initialized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitError {
    /// Secret or value cannot be used.
    Anchor(AnchorError),
    /// The device value cannot be read; the text says why and what to do.
    Missing(DeviceSecretError),
    /// The device value is easier to copy than it may be.
    Weak {
        /// Its source.
        source: String,
        /// How hard it is to copy.
        found: CopyResistance,
        /// How hard it has to be.
        wanted: CopyResistance,
    },
    /// The product secret is not the one that the device was initialized with at first.
    OtherProduct,
    /// The device value is not the one that the device was initialized with at first.
    OtherDevice {
        /// Its source.
        source: String,
    },
    /// The record is none.
    Binding,
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anchor(error) => error.fmt(f),
            Self::Missing(error) => write!(f, "the device value is missing: {error}"),
            Self::Weak { source, found, wanted } => write!(
                f,
                "the device value from {source} is too easy to copy ({}); wanted is one that is at least {}; name a source \
                 that is hard enough, or ask for less",
                words(*found),
                name(*wanted)
            ),
            Self::OtherProduct => f.write_str(
                "the product secret is not the one that this device was initialized with: it would have another identity; \
                 restore the product's secret or its white-box tables",
            ),
            Self::OtherDevice { source } => write!(
                f,
                "the device value from {source} is not the one that this device was initialized with: this is another \
                 device, or a copy of its disk, or a part was changed; it would have another identity, so nothing was opened"
            ),
            Self::Binding => f.write_str("the record of the first initialization is damaged; restore it"),
        }
    }
}

impl core::error::Error for InitError {}

impl From<AnchorError> for InitError {
    fn from(error: AnchorError) -> Self {
        Self::Anchor(error)
    }
}

impl From<DeriveError> for InitError {
    fn from(error: DeriveError) -> Self {
        Self::Anchor(error.into())
    }
}

/// One word for a grade.
const fn name(resistance: CopyResistance) -> &'static str {
    match resistance {
        CopyResistance::CopiedWithDisk => "weak",
        CopyResistance::Readable => "modest",
        CopyResistance::Fused => "good",
        CopyResistance::HardwareOnly => "strong",
    }
}

/// Step one: the product is known.
pub struct Start {
    product: Product,
}

/// Step two: the device is known, and it is not yet known whether it is the same one as ever.
pub struct Measured {
    global: GlobalMaster,
    device: DeviceMaster,
    source: String,
    resistance: CopyResistance,
    binding: Binding,
}

/// Step three: initialized.
pub struct Ready {
    global: GlobalMaster,
    device: DeviceMaster,
    source: String,
    resistance: CopyResistance,
}

/// What is kept of a first initialization: 48 bytes, no secret, that tell another product and another device from this one.
/// Without the product secret they say nothing of the device value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding([u8; Self::SIZE]);

impl Start {
    /// Begins with a product.
    ///
    /// # Errors
    /// [`InitError::Anchor`] if its secret was never set.
    pub fn new(product: Product) -> Result<Self, InitError> {
        product.global()?;
        Ok(Self { product })
    }

    /// Reads the device value, which has to be at least so hard to copy.
    ///
    /// # Errors
    /// [`InitError::Missing`], [`InitError::Weak`], or a value that cannot be used.
    pub fn device(self, device: &dyn DeviceSecret, at_least: CopyResistance) -> Result<Measured, InitError> {
        self.value(&device.read().map_err(InitError::Missing)?, at_least)
    }

    /// Takes a device value that was read before, which has to be at least so hard to copy.
    ///
    /// # Errors
    /// [`InitError::Weak`], or a value that cannot be used.
    pub fn value(self, value: &DeviceValue, at_least: CopyResistance) -> Result<Measured, InitError> {
        if value.resistance < at_least {
            let source = value.source.clone();
            return Err(InitError::Weak { source, found: value.resistance, wanted: at_least });
        }
        let (global, device) = self.product.masters(value)?;
        let binding = Binding::of(&global, &device)?;
        Ok(Measured { global, device, source: value.source.clone(), resistance: value.resistance, binding })
    }
}

impl Measured {
    /// Initializes a **new** device. Keep the binding: it is what makes every later initialization safe.
    #[must_use]
    pub fn enroll(self) -> (Ready, Binding) {
        let binding = self.binding.clone();
        (self.ready(), binding)
    }

    /// Initializes a device that was initialized before.
    ///
    /// # Errors
    /// [`InitError::OtherProduct`] or [`InitError::OtherDevice`] if it is not the same.
    pub fn open(self, binding: &Binding) -> Result<Ready, InitError> {
        if self.binding.product() != binding.product() {
            return Err(InitError::OtherProduct);
        }
        if self.binding != *binding {
            return Err(InitError::OtherDevice { source: self.source });
        }
        Ok(self.ready())
    }

    fn ready(self) -> Ready {
        Ready { global: self.global, device: self.device, source: self.source, resistance: self.resistance }
    }
}

impl Ready {
    /// The master key of the product.
    #[must_use]
    pub const fn global(&self) -> &GlobalMaster {
        &self.global
    }

    /// The master key of the device.
    #[must_use]
    pub const fn device(&self) -> &DeviceMaster {
        &self.device
    }

    /// Where the device value came from, and how hard it is to copy.
    #[must_use]
    pub fn grade(&self) -> (&str, CopyResistance) {
        (&self.source, self.resistance)
    }

    /// Both master keys, the product's first.
    #[must_use]
    pub fn into_masters(self) -> (GlobalMaster, DeviceMaster) {
        (self.global, self.device)
    }
}

impl Binding {
    /// Its size in bytes.
    pub const SIZE: usize = 48;
    const MAGIC: &[u8; 16] = b"IRONROOT-AB\0\x01\0\0\0";

    fn of(global: &GlobalMaster, device: &DeviceMaster) -> Result<Self, DeriveError> {
        let product: Zeroizing<_> = global.derive(Purpose::BindingCheck, "product", 16)?;
        let device: Zeroizing<_> = device.derive(Purpose::BindingCheck, "device", 16)?;
        let mut bytes = [0; Self::SIZE];
        let parts = Self::MAGIC.iter().chain(product.iter()).chain(device.iter());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        Ok(Self(bytes))
    }

    /// From what was kept.
    ///
    /// # Errors
    /// [`InitError::Binding`] if it is no binding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InitError> {
        let bytes: [u8; Self::SIZE] = bytes.try_into().map_err(|_| InitError::Binding)?;
        if bytes.starts_with(Self::MAGIC) { Ok(Self(bytes)) } else { Err(InitError::Binding) }
    }

    /// To be kept.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    fn product(&self) -> &[u8] {
        self.0.get(..32).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
