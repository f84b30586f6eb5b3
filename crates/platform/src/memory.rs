//! Platforms for tests: storage in memory, storage that fails on demand, a clock that is set by hand, repeatable
//! "randomness".
//!
//! Nothing here belongs in a product: [`MemoryStorage`] forgets with the process and [`TestEntropy`] is known to
//! everybody who reads its seed.

#[cfg(target_has_atomic = "64")]
pub use clock::ManualClock;
#[cfg(feature = "std")]
pub use counter::{CounterFault, MemoryCounter};
pub use entropy::{FailingEntropy, TestEntropy};
pub use faulty::{Fault, Faults, FaultyStorage};
pub use firmware::TestFirmware;
#[cfg(feature = "std")]
pub use storage::MemoryStorage;
pub use storage::VolatileStorage;

use crate::{CopyResistance, DeviceSecret, DeviceSecretError, DeviceValue};
use alloc::{string::String, vec::Vec};
use zeroize::Zeroizing;

mod clock;
#[cfg(feature = "std")]
mod counter;
mod entropy;
mod faulty;
mod firmware;
mod storage;

/// A device value that the test chooses.
#[derive(Clone)]
pub struct FixedDevice(Zeroizing<Vec<u8>>);

impl FixedDevice {
    /// A device with this value.
    #[must_use]
    pub fn new(value: &[u8]) -> Self {
        Self(Zeroizing::new(value.to_vec()))
    }
}

impl DeviceSecret for FixedDevice {
    fn read(&self) -> Result<DeviceValue, DeviceSecretError> {
        Ok(DeviceValue {
            value: self.0.clone(),
            source: String::from("test"),
            resistance: CopyResistance::CopiedWithDisk,
        })
    }
}
