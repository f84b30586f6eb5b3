//! Device values of a Linux machine.
//!
//! [`Machine::best`] picks the source that is hardest to copy among those that stay the same over restarts and
//! reinstallations. Which one was picked is recorded by name when the TPM is manufactured ([`record`]), and opening insists on
//! it ([`recall`]): a source that has gone is an error, never a silent change to another, since another value is another
//! device. The forms of the values are part of the derivation; docs/derivations.md lists them.

mod binding;
mod read;
mod source;

pub use binding::{RECORD_NAME, choose, recall, record};
pub use source::{Source, SourceNameError};

use alloc::{borrow::ToOwned, vec::Vec};
use ironroot_platform::{DeviceSecret, DeviceSecretError, DeviceValue};
use std::path::{Path, PathBuf};

/// A machine whose `/sys`, `/proc` and `/etc` are read.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The machine that this program runs on.
    #[must_use]
    pub fn this() -> Self {
        Self::rooted("/")
    }

    /// A machine whose root folder is elsewhere (a mounted image, a test).
    #[must_use]
    pub fn rooted(root: impl AsRef<Path>) -> Self {
        Self { root: root.as_ref().to_owned() }
    }

    /// The sources that a machine may have by itself, best first, and what each gives here. `ironroot doctor` shows them.
    #[must_use]
    pub fn candidates(&self) -> Vec<(Source, Result<DeviceValue, DeviceSecretError>)> {
        let mut sources = alloc::vec![
            Source::SocSerial,
            Source::DmiProductUuid,
            Source::HypervisorUuid,
            Source::DeviceTreeSerial,
            Source::CpuSerial,
        ];
        sources.extend(read::interfaces(&self.root).into_iter().map(Source::Mac));
        sources.push(Source::MachineId);
        sources
            .into_iter()
            .map(|source| {
                let value = self.read(&source);
                (source, value)
            })
            .collect()
    }

    /// The best source that can be read now, if there is any. The candidates stand in the order of their grades.
    #[must_use]
    pub fn best(&self) -> Option<(Source, DeviceValue)> {
        self.candidates().into_iter().find_map(|(source, value)| Some((source, value.ok()?)))
    }

    /// Reads a source's value.
    ///
    /// # Errors
    /// [`DeviceSecretError`] with the file, the cause and what to do.
    pub fn read(&self, source: &Source) -> Result<DeviceValue, DeviceSecretError> {
        read::value(&self.root, source)
    }

    /// The source as the platform's device secret.
    #[must_use]
    pub fn device(&self, source: Source) -> MachineDevice {
        MachineDevice { machine: self.clone(), source }
    }
}

/// One source of one machine.
#[derive(Debug, Clone)]
pub struct MachineDevice {
    machine: Machine,
    source: Source,
}

impl DeviceSecret for MachineDevice {
    fn read(&self) -> Result<DeviceValue, DeviceSecretError> {
        self.machine.read(&self.source)
    }
}

/// A new folder for one test.
#[cfg(test)]
pub(crate) fn test_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(alloc::format!("ironroot-anchor-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[cfg(test)]
mod tests;
