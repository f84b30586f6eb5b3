//! Which slot is booted: a file of 1,024 bytes that is GRUB's environment block and that U-Boot imports as text, too. It is replaced
//! whole, which is the switch.
//!
//! `ironroot_slot` is the slot to boot. While it is on trial, `ironroot_trial` is 1, `ironroot_tries` says how many more boots it has, and
//! `ironroot_fallback` names the slot that is booted when it has none. Whoever boots counts down: `ironroot agent boot`, or the boot
//! loader itself.

use std::{collections::BTreeMap, fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{durable, error::ImageError};

const HEAD: &str = "# GRUB Environment Block\n";
const SIZE: usize = 1024;
/// The most boots of a trial.
pub(crate) const MOST_TRIES: u32 = 100;

/// One of the two slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotName {
    /// The first.
    A,
    /// The second.
    B,
}

impl SlotName {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
        })
    }
}

impl FromStr for SlotName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "a" => Ok(Self::A),
            "b" => Ok(Self::B),
            _ => Err(format!("{text:?} is no slot: a or b")),
        }
    }
}

/// What is booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootRecord {
    /// The slot to boot.
    pub slot: SlotName,
    /// Of a slot on trial, how many more boots it has.
    pub tries: Option<u32>,
    /// Of a slot on trial, what is booted when it has none.
    pub fallback: Option<SlotName>,
    /// What others keep in the same file.
    pub(crate) others: BTreeMap<String, String>,
}

impl BootRecord {
    /// A slot that is not on trial.
    pub(crate) fn settled(self, slot: SlotName) -> Self {
        Self { slot, tries: None, fallback: None, ..self }
    }

    /// A slot on trial.
    pub(crate) fn trial(slot: SlotName, tries: u32, fallback: Option<SlotName>, before: Option<Self>) -> Self {
        let others = before.map(|before| before.others).unwrap_or_default();
        Self { slot, tries: Some(tries), fallback, others }
    }

    /// Reads the file; nothing if it is not there, or says nothing of a slot.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, ImageError> {
        let Some(bytes) = durable::read(path)? else { return Ok(None) };
        let text =
            String::from_utf8(bytes).map_err(|_| ImageError::content(path, "it is no environment block: no text"))?;
        Self::parse(&text).map_err(|reason| ImageError::content(path, reason))
    }

    fn parse(text: &str) -> Result<Option<Self>, String> {
        let mut others = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once('=').ok_or_else(|| format!("{line:?} is no NAME=VALUE"))?;
            others.insert(name.to_owned(), value.to_owned());
        }
        let slot = others.remove("ironroot_slot");
        let trial = others.remove("ironroot_trial");
        let tries = others.remove("ironroot_tries");
        let fallback = others.remove("ironroot_fallback");
        let Some(slot) = slot else { return Ok(None) };
        let slot = slot.parse()?;
        if trial.as_deref() != Some("1") {
            return Ok(Some(Self { slot, tries: None, fallback: None, others }));
        }
        let tries = tries.unwrap_or_default().parse().ok().filter(|tries| *tries <= MOST_TRIES);
        let tries = Some(tries.ok_or("ironroot_tries is no number of boots")?);
        let fallback = fallback.filter(|fallback| !fallback.is_empty()).map(|fallback| fallback.parse()).transpose()?;
        Ok(Some(Self { slot, tries, fallback, others }))
    }

    /// Replaces the file.
    pub(crate) fn save(&self, path: &Path) -> Result<(), ImageError> {
        let text = self.text().map_err(|reason| ImageError::content(path, reason))?;
        durable::replace(path, text.as_bytes())
    }

    fn text(&self) -> Result<String, String> {
        let mut text = format!("{HEAD}ironroot_slot={}\n", self.slot);
        if let Some(tries) = self.tries {
            text.push_str(&format!("ironroot_trial=1\nironroot_tries={tries}\n"));
            if let Some(fallback) = self.fallback {
                text.push_str(&format!("ironroot_fallback={fallback}\n"));
            }
        } else {
            text.push_str("ironroot_trial=0\n");
        }
        for (name, value) in &self.others {
            text.push_str(&format!("{name}={value}\n"));
        }
        match SIZE.checked_sub(text.len()) {
            Some(rest) => text.push_str(&"#".repeat(rest)),
            None => return Err(format!("what is in it does not fit into {SIZE} bytes")),
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let others = BTreeMap::from([("saved_entry".to_owned(), "linux".to_owned())]);
        let trial = BootRecord { slot: SlotName::B, tries: Some(3), fallback: Some(SlotName::A), others };
        for record in [trial.clone(), trial.clone().settled(SlotName::A), BootRecord { fallback: None, ..trial }] {
            let text = record.text().unwrap();
            assert_eq!(text.len(), SIZE);
            assert_eq!(BootRecord::parse(&text).unwrap(), Some(record));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(BootRecord::parse("# GRUB Environment Block\n####").unwrap(), None);
        for text in [
            "x",
            "ironroot_slot=c",
            "ironroot_slot=a\nironroot_trial=1",
            "ironroot_slot=a\nironroot_trial=1\nironroot_tries=9999",
        ] {
            assert!(BootRecord::parse(text).is_err(), "{text}");
        }
    }
}
