//! What a device says of its slots.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Device;
use crate::{BootRecord, ImageError, Installed, SlotName};

/// A device's slots, and what is booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The slots.
    pub slots: BTreeMap<SlotName, SlotStatus>,
    /// The slot that is booted next.
    pub next: Option<SlotName>,
    /// If it is on trial, how many more boots it has.
    pub tries: Option<u32>,
    /// If it is on trial, what is booted when it has none.
    pub fallback: Option<SlotName>,
    /// The TPM's counter.
    pub counter: u64,
    /// An update that was interrupted: the slot, and the chunks of each component that it holds.
    pub interrupted: Option<(SlotName, BTreeMap<String, u64>)>,
}

/// A slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlotStatus {
    /// What it holds, if that is whole.
    pub image: Option<Installed>,
    /// Whether the device may boot it: it is no older than what was confirmed.
    pub usable: bool,
}

impl Device<'_> {
    /// What is there.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn status(&self) -> Result<Status, ImageError> {
        let (boot, journal, counter) =
            (BootRecord::load(&self.config.boot)?, self.state.load()?, self.counter.value()?);
        let slots = [SlotName::A, SlotName::B].map(|name| {
            let image = journal.slots.get(&name).cloned();
            let usable = image.as_ref().is_some_and(|image| image.counter >= counter);
            (name, SlotStatus { image, usable })
        });
        Ok(Status {
            slots: slots.into(),
            next: boot.as_ref().map(|boot| boot.slot),
            tries: boot.as_ref().and_then(|boot| boot.tries),
            fallback: boot.as_ref().and_then(|boot| boot.fallback),
            counter,
            interrupted: journal.writing.map(|writing| (writing.slot, writing.done)),
        })
    }
}
