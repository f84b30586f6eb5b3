//! What an image's signer says of it, beside the package's manifest: for which devices it is, which components it has and how each
//! is installed. The words are those of SUIT: vendor and class identifiers, component identifiers, image digests.

use std::collections::BTreeMap;

use ironroot_crypto::digest;
use ironroot_package::{Details, Manifest};
use ironroot_wire::TpmiAlgHash;
use serde::{Deserialize, Serialize};

use crate::error::{ImageError, refused};

/// What the description says that it is.
const FORMAT: &str = "ironroot-image/1";
/// The most components.
const MOST: usize = 64;
/// Of names and versions. Bytes.
const LONGEST: usize = 255;
/// The name space of DNS names (RFC 9562, 6.6).
const DNS: [u8; 16] = [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

/// What is in an image, and for whom it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Description {
    format: String,
    /// Whose devices it is for: a DNS name of the vendor's.
    pub vendor: String,
    /// Which of them.
    pub class: String,
    /// [`vendor_id`] of the vendor.
    pub vendor_id: String,
    /// [`class_id`] of both.
    pub class_id: String,
    /// What people call this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The components, by their identifiers, which are the names of their files in the package.
    pub components: BTreeMap<String, Component>,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What it is: "kernel", "device-tree", "firmware", "root-file-system", "application", or another word.
    pub kind: String,
    /// What people call its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its size. Bytes.
    pub size: u64,
    /// SHA-256 of its content, as the slot holds it in the end. Hexadecimal.
    pub sha256: String,
    /// How it gets into its slot.
    #[serde(default)]
    pub install: Install,
}

/// How a component gets into its slot. In either case what the slot holds in the end is read back and compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Install {
    /// It is written.
    #[default]
    Write,
    /// It is written, unless the slot holds it already.
    WriteIfDifferent,
}

impl Description {
    /// A description of components for a class of devices.
    ///
    /// # Errors
    /// What cannot be.
    pub fn new(
        vendor: &str,
        class: &str,
        version: Option<String>,
        components: BTreeMap<String, Component>,
    ) -> Result<Self, ImageError> {
        let this = Self {
            format: FORMAT.into(),
            vendor: vendor.into(),
            class: class.into(),
            vendor_id: vendor_id(vendor),
            class_id: class_id(vendor, class),
            version,
            components,
        };
        this.check().map_err(ImageError::Refused)?;
        Ok(this)
    }

    /// The description in a package whose signature has been verified.
    ///
    /// # Errors
    /// [`ImageError::Refused`] for a package that is no image, or one that makes no sense.
    pub fn of(manifest: &Manifest) -> Result<Self, ImageError> {
        let Some(details) = &manifest.details else { return refused("it is a package, and no image") };
        let this: Self = serde_json::from_value(details.clone().into())
            .map_err(|error| ImageError::Refused(format!("its description cannot be understood: {error}")))?;
        if this.format != FORMAT {
            return refused(format!("its description is of the form {:?}, and {FORMAT:?} is known here", this.format));
        }
        this.check().map_err(|why| ImageError::Refused(format!("its description makes no sense: {why}")))?;
        let files = manifest.files.iter().map(|file| (&file.path, file.size));
        if !files.eq(this.components.iter().map(|(id, component)| (id, component.size))) {
            return refused("its files are not its components");
        }
        Ok(this)
    }

    /// It as a package carries it.
    ///
    /// # Errors
    /// None in practice.
    pub fn details(&self) -> Result<Details, ImageError> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(details)) => Ok(details),
            _ => refused("its description cannot be written"),
        }
    }

    /// Whether it is for this class of devices.
    ///
    /// # Errors
    /// [`ImageError::Refused`] if it is not.
    pub fn check_device(&self, vendor: &str, class: &str) -> Result<(), ImageError> {
        if self.vendor_id != vendor_id(vendor) {
            return refused(format!("it is for devices of {:?}, and this one is of {vendor:?}", self.vendor));
        }
        if self.class_id != class_id(vendor, class) {
            return refused(format!("it is for the class {:?}, and this device is of {class:?}", self.class));
        }
        Ok(())
    }

    /// Every component's size together. Bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.components.values().fold(0, |sum, component| sum.saturating_add(component.size))
    }

    fn check(&self) -> Result<(), String> {
        check_text("the vendor", &self.vendor)?;
        check_text("the class", &self.class)?;
        self.version.as_deref().map_or(Ok(()), |version| check_text("the version", version))?;
        if self.vendor_id != vendor_id(&self.vendor) || self.class_id != class_id(&self.vendor, &self.class) {
            return Err("its identifiers do not follow from its vendor and class".into());
        }
        if self.components.is_empty() || self.components.len() > MOST {
            return Err(format!("an image has 1 to {MOST} components"));
        }
        for (id, component) in &self.components {
            check_id(id)?;
            check_text("a component's kind", &component.kind)?;
            component.version.as_deref().map_or(Ok(()), |version| check_text("a component's version", version))?;
            if component.sha256.len() != 64 || !component.sha256.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(format!("the digest of {id:?} is none of SHA-256"));
            }
        }
        Ok(())
    }
}

/// A component's identifier is a plain word.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    if id.is_empty() || id.len() > 64 || id.starts_with('.') || !id.bytes().all(plain) {
        return Err(format!("{id:?} is no identifier: up to 64 of a-z, 0-9, - _ and ., which does not begin it"));
    }
    Ok(())
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("{what} is empty, longer than {LONGEST} bytes, or has control characters in it"));
    }
    Ok(())
}

/// SUIT's vendor identifier: UUID version 5 of the vendor's DNS name.
#[must_use]
pub fn vendor_id(vendor: &str) -> String {
    shown(uuid(&DNS, vendor))
}

/// SUIT's class identifier: UUID version 5 of the class, in the vendor's name space.
#[must_use]
pub fn class_id(vendor: &str, class: &str) -> String {
    shown(uuid(&uuid(&DNS, vendor), class))
}

/// RFC 9562, 5.5.
fn uuid(space: &[u8; 16], name: &str) -> [u8; 16] {
    let hash = digest(TpmiAlgHash::Sha1, &[space, name.as_bytes()]);
    let mut uuid = [0; 16];
    uuid.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut uuid;
    *version = *version & 0x0f | 0x50;
    *variant = *variant & 0x3f | 0x80;
    uuid
}

fn shown(uuid: [u8; 16]) -> String {
    let mut text = String::new();
    for (place, byte) in uuid.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_those_of_other_programs() {
        // python3 -c 'import uuid; v = uuid.uuid5(uuid.NAMESPACE_DNS, "python.org"); print(v, uuid.uuid5(v, "pump"))'
        assert_eq!(vendor_id("python.org"), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
        assert_eq!(class_id("python.org", "pump"), "e836a6a9-080b-514c-932d-ddc254f20ee7");
    }

    #[test]
    fn identifiers_of_components_are_plain_words() {
        assert!(["kernel", "root-fs", "a.b_1"].iter().all(|id| check_id(id).is_ok()));
        assert!(["", ".x", "A", "a/b", "a b", "ä", &"a".repeat(65)].iter().all(|id| check_id(id).is_err()));
    }
}
