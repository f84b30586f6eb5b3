//! What a device has to know: who signs its images, what it is, where its slots are. The section `[update]` of the agent's file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ironroot_keys::VerifyingKey;
use ironroot_wire::{HandleKind, TpmHandle};
use serde::Deserialize;

use crate::{SlotName, boot::MOST_TRIES, description::check_id, durable, error::ImageError};

/// The configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The signer's public key: a PEM file with a PUBLIC KEY or a CERTIFICATE.
    pub signed_by: PathBuf,
    /// Whose device it is.
    pub vendor: String,
    /// Which device it is.
    pub class: String,
    /// The name that an image has to have, if any one does not do.
    pub image: Option<String>,
    /// The folder for what has to be remembered.
    #[serde(default = "default_state")]
    pub state: PathBuf,
    /// The file that says which slot is booted.
    pub boot: PathBuf,
    /// The NV index of the counter.
    #[serde(default = "default_counter")]
    pub counter: u32,
    /// How often a new image is booted until it is confirmed.
    #[serde(default = "default_tries")]
    pub tries: u32,
    /// The two slots: for each component a file or a block device.
    pub slots: Slots,
}

/// The two slots.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// The first.
    pub a: BTreeMap<String, PathBuf>,
    /// The second.
    pub b: BTreeMap<String, PathBuf>,
}

fn default_state() -> PathBuf {
    "/var/lib/ironroot/update".into()
}

const fn default_counter() -> u32 {
    0x0150_0010
}

const fn default_tries() -> u32 {
    3
}

impl Config {
    /// The components' places in a slot.
    #[must_use]
    pub fn slot(&self, name: SlotName) -> &BTreeMap<String, PathBuf> {
        match name {
            SlotName::A => &self.slots.a,
            SlotName::B => &self.slots.b,
        }
    }

    /// The NV index of the counter.
    #[must_use]
    pub const fn counter(&self) -> TpmHandle {
        TpmHandle(self.counter)
    }

    /// Checks what the form alone does not say.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        if !self.slots.a.keys().eq(self.slots.b.keys()) || self.slots.a.is_empty() {
            return Err("the slots a and b do not have the same components, or none".into());
        }
        self.slots.a.keys().try_for_each(|id| check_id(id))?;
        let mut places: Vec<&Path> = self.slots.a.values().chain(self.slots.b.values()).map(PathBuf::as_path).collect();
        places.push(&self.boot);
        places.sort_unstable();
        if let Some(pair) = places.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(format!("{} is there twice", pair.first().unwrap_or(&Path::new("")).display()));
        }
        if TpmHandle(self.counter).kind() != HandleKind::NvIndex {
            return Err(format!("counter = {:#010x} is no NV index: 0x01000000 to 0x01ffffff", self.counter));
        }
        if self.tries == 0 || self.tries > MOST_TRIES {
            return Err(format!("tries = {}: expected 1 to {MOST_TRIES}", self.tries));
        }
        Ok(())
    }

    /// The signer.
    pub(crate) fn signer(&self) -> Result<VerifyingKey, ImageError> {
        let path = &self.signed_by;
        let bytes = durable::read(path)?
            .ok_or_else(|| ImageError::content(path, "it is not there: the signer's public key"))?;
        let pem = String::from_utf8(bytes).map_err(|_| ImageError::content(path, "it is no PEM file"))?;
        VerifyingKey::from_pem(&pem).map_err(|error| ImageError::content(path, error))
    }
}
