//! Device values of a Linux machine.
//!
//! [`Machine::best`] picks the source that is hardest to copy among those that stay the same over restarts and
//! reinstallations. Which one was picked is recorded by name when the TPM is manufactured ([`record`]), and opening insists on
//! it ([`recall`]): a source that has gone is an error, never a silent change to another, since another value is another
//! device. The forms of the values are part of the derivation; docs/derivations.md lists them.

mod binding;
mod hardware_tpm;
mod helper;
mod read;
mod source;

pub use binding::{BINDING_NAME, RECORD_NAME, bind, binding, choose, recall, record};
pub use helper::{HELPER_NAME, enroll, refresh, value};
pub use source::{Source, SourceNameError};

use crate::words;
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use ironroot_platform::{CopyResistance, DeviceSecret, DeviceSecretError, DeviceValue};
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

    /// How hard a source is to copy, with the reasons, whether it can be read or not.
    #[must_use]
    pub fn grade(&self, source: &Source) -> Grade {
        let grade = read::grade(&self.root, source);
        let mut reasons: Vec<String> = source
            .parts()
            .iter()
            .map(|part| format!("{part}: {}; it stays {}", words(read::grade(&self.root, part)), part.stability()))
            .collect();
        match source {
            Source::All(_) => reasons.push("all of them are needed, so the hardest to copy decides".to_owned()),
            Source::Threshold(k, _) => {
                reasons.push(format!(
                    "any {k} of them are enough, so the hardest of the {k} that are easiest to copy decides"
                ));
            }
            _ => {}
        }
        Grade { resistance: grade, stability: source.stability(), reasons }
    }

    /// The source as the platform's device secret.
    #[must_use]
    pub fn device(&self, source: Source) -> MachineDevice {
        MachineDevice { machine: self.clone(), source }
    }
}

/// What a source is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grade {
    /// How hard it is to copy.
    pub resistance: CopyResistance,
    /// How long its value stays, in words.
    pub stability: &'static str,
    /// Why, a sentence for each of its parts, and one for the rule that combines them.
    pub reasons: Vec<String>,
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
