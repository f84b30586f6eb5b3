//! What stands for a product in its devices: its secret, or white-box tables that hide it.

use crate::{AnchorError, DeviceMaster, GlobalMaster, ProductSecret, masters, white_box_masters};
use alloc::boxed::Box;
use ironroot_platform::{CopyResistance, DeviceValue};
use ironroot_whitebox::Tables;
use zeroize::Zeroizing;

/// A product's secret in one of its two forms. A product has one of them for life: the same secret gives other identities
/// through tables than without.
pub enum Product {
    /// The secret itself.
    Secret(ProductSecret),
    /// Tables that compute with it.
    WhiteBox(WhiteBox),
}

/// A file of white-box tables that has been checked.
pub struct WhiteBox(Box<[u8]>);

impl WhiteBox {
    /// Checks a file and keeps it.
    ///
    /// # Errors
    /// [`AnchorError`] if it is no whole file of tables, or one for comparison only.
    pub fn new(file: Box<[u8]>) -> Result<Self, AnchorError> {
        match Tables::new(&file)?.external() {
            ironroot_whitebox::External::Affine => Ok(Self(file)),
            ironroot_whitebox::External::None => Err(AnchorError::ComparisonTables),
        }
    }
}

impl Product {
    /// The two master keys of a device.
    ///
    /// # Errors
    /// [`AnchorError`] if the device value is empty or the product secret was never set.
    pub fn masters(&self, device: &DeviceValue) -> Result<(GlobalMaster, DeviceMaster), AnchorError> {
        match self {
            Self::Secret(secret) => masters(secret, device),
            Self::WhiteBox(WhiteBox(file)) => white_box_masters(&Tables::new(file)?, device),
        }
    }

    /// The master key that all devices of the product share. No device value is needed for it.
    ///
    /// # Errors
    /// [`AnchorError`] if the product secret was never set.
    pub fn global(&self) -> Result<GlobalMaster, AnchorError> {
        // Any value will do: it has no part in the global master.
        let none = DeviceValue {
            value: Zeroizing::new(alloc::vec![0]),
            source: alloc::string::String::new(),
            resistance: CopyResistance::CopiedWithDisk,
        };
        Ok(self.masters(&none)?.0)
    }
}

impl From<ProductSecret> for Product {
    fn from(secret: ProductSecret) -> Self {
        Self::Secret(secret)
    }
}
