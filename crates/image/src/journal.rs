//! What the slots hold, and how far an update has come: `update.json` in the state folder, replaced whole at each step. Nothing in it is
//! believed where it counts: before a switch every component is read back and compared with what the signer signed.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{SlotName, durable, error::ImageError};

/// What a slot holds, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// The image's name.
    pub name: String,
    /// Its number.
    pub sequence: u64,
    /// What people call its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of its manifest, hexadecimal: which image it is, to the byte.
    pub manifest: String,
    /// The value to which the counter is raised when it is confirmed.
    pub counter: u64,
}

/// An update under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Writing {
    /// The slot that is written.
    pub slot: SlotName,
    /// Which image.
    pub manifest: String,
    /// Chunks of each component that are on the disk, from its beginning.
    pub done: BTreeMap<String, u64>,
}

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    #[serde(default)]
    pub slots: BTreeMap<SlotName, Installed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writing: Option<Writing>,
}

/// The state folder, held by this process alone.
#[derive(Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
    /// The lock goes when the file is closed, at the latest with the process.
    _lock: File,
}

impl StateFolder {
    pub(crate) fn open(path: &Path) -> Result<Self, ImageError> {
        fs::create_dir_all(path).map_err(ImageError::file(path))?;
        let at = path.join("lock");
        let lock = File::create(&at).map_err(ImageError::file(&at))?;
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            let reason = format!("another ironroot agent is at work in {}: wait until it has ended", path.display());
            return Err(ImageError::State(reason));
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    fn file(&self) -> PathBuf {
        self.path.join("update.json")
    }

    pub(crate) fn load(&self) -> Result<Journal, ImageError> {
        match durable::read(&self.file())? {
            None => Ok(Journal::default()),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let reason =
                    format!("it cannot be understood ({error}): remove it, and the next update writes a whole slot");
                ImageError::content(self.file(), reason)
            }),
        }
    }

    pub(crate) fn save(&self, journal: &Journal) -> Result<(), ImageError> {
        let bytes = serde_json::to_vec_pretty(journal).map_err(|error| ImageError::content(self.file(), error))?;
        durable::replace(&self.file(), &bytes)
    }
}
