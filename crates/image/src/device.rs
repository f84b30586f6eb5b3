//! The device's side: an image is written into the inactive slot, then booted on trial, then confirmed or rolled back.
//!
//! Each step ends with one replaced file, so that after an interruption anywhere the same command goes on: what has been written is in the
//! journal, the switch is the boot record, and the counter is raised by whichever command comes next if the one that should was cut off.

mod status;
mod write;

use std::{fmt, io::Read};

use ironroot_keys::SharedTpm;
use ironroot_package::{Manifest, Package};
use serde::Serialize;

pub use status::{SlotStatus, Status};

use crate::{
    BootRecord, Config, Description, DeviceBlob, ImageError, Installed, SlotName, VersionCounter,
    counter::LONGEST_STEP,
    error::refused,
    journal::{Journal, StateFolder},
};

/// A device with two slots and a TPM.
#[derive(Debug)]
pub struct Device<'a> {
    config: &'a Config,
    tpm: SharedTpm,
    counter: VersionCounter,
    state: StateFolder,
}

/// What became of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was written, and is booted next, on trial.
    Switched,
    /// The image was in the active slot already.
    AlreadyActive,
}

/// What an update did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What became of it.
    pub outcome: Outcome,
    /// The slot with the image.
    pub slot: SlotName,
    /// The image's number.
    pub sequence: u64,
    /// Bytes that an interrupted try before this one had written, or that the slot held already.
    pub kept: u64,
    /// Bytes that this one wrote.
    pub written: u64,
}

/// How a command changed what is booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The slot that is booted next.
    pub slot: SlotName,
    /// The image in it.
    pub sequence: Option<u64>,
    /// Whether something was changed.
    pub changed: bool,
    /// Of a slot on trial, how many boots are left after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
}

impl<'a> Device<'a> {
    /// Takes the device, for one process at a time. An interrupted confirmation is completed.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn open(config: &'a Config, tpm: &SharedTpm) -> Result<Self, ImageError> {
        let state = StateFolder::open(&config.state)?;
        let this = Self { config, tpm: tpm.clone(), counter: VersionCounter::new(tpm, config.counter()), state };
        this.settle()?;
        Ok(this)
    }

    /// The first image of a device: nothing is there to go back to.
    ///
    /// # Errors
    /// [`ImageError`], in whose place nothing is booted that was not before.
    pub fn install(
        &self,
        image: impl Read,
        blob: &DeviceBlob,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Report, ImageError> {
        let boot = BootRecord::load(&self.config.boot)?;
        if boot.as_ref().is_some_and(|boot| boot.tries.is_none() || boot.fallback.is_some()) {
            let reason = "this device has an image: bring a newer one with ironroot agent update";
            return Err(ImageError::State(reason.into()));
        }
        self.bring(image, blob, boot, progress)
    }

    /// A newer image, into the inactive slot.
    ///
    /// # Errors
    /// As [`Device::install`].
    pub fn update(
        &self,
        image: impl Read,
        blob: &DeviceBlob,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Report, ImageError> {
        let boot = self.boot_record()?;
        self.bring(image, blob, Some(boot), progress)
    }

    fn bring(
        &self,
        image: impl Read,
        blob: &DeviceBlob,
        boot: Option<BootRecord>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Report, ImageError> {
        let package = Package::begin(image, &self.config.signer()?)?;
        let manifest = package.manifest().clone();
        let description = self.suitable(&manifest)?;
        let journal = self.state.load()?;
        let id = manifest_id(&manifest)?;
        if let Some((slot, here)) = boot.as_ref().and_then(|boot| Some((boot.slot, journal.slots.get(&boot.slot)?))) {
            if here.manifest == id {
                let outcome = Outcome::AlreadyActive;
                return Ok(Report { outcome, slot, sequence: here.sequence, kept: description.total(), written: 0 });
            }
            if boot.as_ref().is_some_and(|boot| boot.fallback.is_some()) {
                return Err(ImageError::State(format!(
                    "slot {slot} is on trial with image {}: ironroot agent confirm or ironroot agent rollback comes first",
                    here.sequence
                )));
            }
            if manifest.version < here.sequence {
                return Err(ImageError::Downgrade(format!(
                    "its number is {}, and image {} is in slot {slot}",
                    manifest.version, here.sequence
                )));
            }
        }
        let counter = self.counter_for(&manifest, blob)?;
        let key = blob.open(&self.tpm)?;
        key.check(manifest.sealed.as_ref())?;
        let slot = boot.as_ref().map_or(SlotName::A, |boot| boot.slot.other());
        let installed = Installed {
            name: manifest.name.clone(),
            sequence: manifest.version,
            version: description.version.clone(),
            manifest: id,
            counter,
        };
        let written = self.fill(package, &key, slot, &description, &installed, journal, progress)?;
        let fallback = boot.as_ref().map(|boot| boot.slot);
        BootRecord::trial(slot, self.config.tries, fallback, boot).save(&self.config.boot)?;
        let (outcome, sequence) = (Outcome::Switched, installed.sequence);
        Ok(Report { outcome, slot, sequence, kept: description.total().saturating_sub(written), written })
    }

    /// Whether the image is one for this device, as far as its signer says.
    fn suitable(&self, manifest: &Manifest) -> Result<Description, ImageError> {
        let description = Description::of(manifest)?;
        description.check_device(&self.config.vendor, &self.config.class)?;
        if let Some(wanted) = &self.config.image
            && *wanted != manifest.name
        {
            return refused(format!("it is {:?}, and this device takes {wanted:?}", manifest.name));
        }
        let (has, wants) = (description.components.keys(), self.config.slots.a.keys());
        if !has.clone().eq(wants.clone()) {
            let list = |ids: &mut dyn Iterator<Item = &String>| ids.map(String::as_str).collect::<Vec<_>>().join(", ");
            let (has, wants) = (list(&mut has.into_iter()), list(&mut wants.into_iter()));
            return refused(format!("it has the components {has}, and this device's slots take {wants}"));
        }
        Ok(description)
    }

    /// The value to which the counter is raised for an image, which must not be below where it is.
    fn counter_for(&self, manifest: &Manifest, blob: &DeviceBlob) -> Result<u64, ImageError> {
        if (blob.sequence, &blob.name) != (manifest.version, &manifest.name) {
            return Err(ImageError::Blob(format!(
                "it is for image {} {}, and this is {} {}",
                blob.name, blob.sequence, manifest.name, manifest.version
            )));
        }
        let (value, wanted) = (self.counter.value()?, blob.at_most(self.counter.index())?);
        if value > wanted {
            let confirmed = manifest.version.saturating_add(value.saturating_sub(wanted));
            return Err(ImageError::Downgrade(format!(
                "its number is {}, and this device has confirmed number {confirmed} (the TPM's counter {:#010x} is at {value}; this image \
                 needs {wanted} at most)",
                manifest.version,
                self.counter.index().0
            )));
        }
        if wanted.saturating_sub(value) > LONGEST_STEP {
            return refused(format!(
                "its number {} is more than {LONGEST_STEP} above what this device has confirmed: numbers of images count up from 1",
                manifest.version
            ));
        }
        Ok(wanted)
    }

    /// The slot that is booted works: the trial ends, and nothing older is taken any more.
    ///
    /// # Errors
    /// [`ImageError`]; calling it again goes on.
    pub fn confirm(&self, running: Option<SlotName>) -> Result<Done, ImageError> {
        let boot = self.boot_record()?;
        let slot = boot.slot;
        if let Some(running) = running.filter(|running| *running != slot) {
            return Err(ImageError::State(format!(
                "slot {running} runs, and slot {slot} is to be booted: only a slot that has been booted is confirmed; boot it first"
            )));
        }
        let changed = boot.tries.is_some();
        if changed {
            self.held(&self.state.load()?, slot)?;
            boot.settled(slot).save(&self.config.boot)?;
        }
        self.settle()?;
        Ok(Done { slot, sequence: self.sequence(slot)?, changed, tries: None })
    }

    /// Back to the other slot: from a trial, or to an image that is no older than what was confirmed.
    ///
    /// # Errors
    /// [`ImageError::Downgrade`] if the other slot is older; [`ImageError::State`] if it holds nothing.
    pub fn rollback(&self) -> Result<Done, ImageError> {
        let boot = self.boot_record()?;
        let to = boot.fallback.unwrap_or_else(|| boot.slot.other());
        self.go_back(boot, to)
    }

    fn go_back(&self, boot: BootRecord, to: SlotName) -> Result<Done, ImageError> {
        let mut journal = self.state.load()?;
        let held = self.held(&journal, to)?;
        let value = self.counter.value()?;
        if held.counter < value {
            return Err(ImageError::Downgrade(format!(
                "slot {to} holds image {}, and a newer one has been confirmed (counter {:#010x}: {value}, image: {})",
                held.sequence,
                self.counter.index().0,
                held.counter
            )));
        }
        let (sequence, on_trial, from) = (Some(held.sequence), boot.tries.is_some(), boot.slot);
        boot.settled(to).save(&self.config.boot)?;
        if on_trial {
            // What has failed is not gone back to by mistake.
            journal.slots.remove(&from);
            self.state.save(&journal)?;
        }
        Ok(Done { slot: to, sequence, changed: true, tries: None })
    }

    /// What whoever boots asks: which slot. A trial has one boot less after it, and one without any goes back.
    ///
    /// # Errors
    /// [`ImageError::Downgrade`] if an old disk was put in: the slot is older than what the TPM's counter says.
    pub fn boot(&self) -> Result<Done, ImageError> {
        let boot = self.boot_record()?;
        let (slot, changed) = (boot.slot, boot.tries.is_some());
        match (boot.tries, boot.fallback) {
            (Some(0), Some(fallback)) => return self.go_back(boot, fallback),
            (Some(tries), _) => {
                let left = tries.saturating_sub(1);
                BootRecord { tries: Some(left), ..boot }.save(&self.config.boot)?;
            }
            (None, _) => {}
        }
        let (journal, value) = (self.state.load()?, self.counter.value()?);
        let held = self.held(&journal, slot)?;
        if held.counter < value {
            return Err(ImageError::Downgrade(format!(
                "slot {slot} holds image {}, and a newer one has been confirmed on this device: the disk is an old copy",
                held.sequence
            )));
        }
        let tries = self.boot_record()?.tries;
        Ok(Done { slot, sequence: Some(held.sequence), changed, tries })
    }

    /// Completes a confirmation that was cut off between the boot record and the counter.
    fn settle(&self) -> Result<(), ImageError> {
        let Some(boot) = BootRecord::load(&self.config.boot)? else { return Ok(()) };
        match self.state.load()?.slots.get(&boot.slot) {
            Some(installed) if boot.tries.is_none() => self.counter.raise(installed.counter),
            _ => Ok(()),
        }
    }

    fn boot_record(&self) -> Result<BootRecord, ImageError> {
        BootRecord::load(&self.config.boot)?.ok_or_else(|| {
            ImageError::State("this device has no image yet: bring the first one with ironroot agent install".into())
        })
    }

    fn held<'j>(&self, journal: &'j Journal, slot: SlotName) -> Result<&'j Installed, ImageError> {
        journal.slots.get(&slot).ok_or_else(|| {
            ImageError::State(format!("slot {slot} holds no whole image: bring one with ironroot agent update"))
        })
    }

    fn sequence(&self, slot: SlotName) -> Result<Option<u64>, ImageError> {
        Ok(self.state.load()?.slots.get(&slot).map(|installed| installed.sequence))
    }
}

/// Which image, to the byte: the digest of its manifest, which has the digests of everything else.
fn manifest_id(manifest: &Manifest) -> Result<String, ImageError> {
    let text = serde_json::to_vec(manifest).map_err(|error| ImageError::Refused(error.to_string()))?;
    let digest = ironroot_crypto::digest(ironroot_wire::TpmiAlgHash::Sha256, &[&text]);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switched => "written; it is booted next, on trial",
            Self::AlreadyActive => "in the active slot already",
        })
    }
}
