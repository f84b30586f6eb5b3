//! The keys of an image: the builder's, sealed to the builder's TPM, and one blob for each device, sealed to the device's TPM under a
//! policy: its counter of versions has not gone beyond this image, and, if the device's record has them, its PCRs are as recorded.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ironroot_keys::{
    Conditions, CounterLimit, KeyError, PcrState, RemoteConditions, SharedTpm, counter_limit, parent_fingerprint, seal,
    seal_for, unseal,
};
use ironroot_package::{ContentKey, Manifest};
use ironroot_wire::{Tpm2bName, TpmHandle};
use serde::{Deserialize, Serialize};

use crate::{DeviceRecord, error::ImageError, record::storage_key};

const KEY_FORMAT: &str = "ironroot-image-key/1";
const BLOB_FORMAT: &str = "ironroot-device-blob/1";

/// An image's key, as its builder keeps it: only the builder's TPM opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageKey {
    format: String,
    /// The image's name.
    pub name: String,
    /// Its number.
    pub sequence: u64,
    /// Which key ([`ContentKey::id`]).
    pub key: String,
    /// The key, sealed (TSS2 PRIVATE KEY, PEM).
    sealed: String,
}

impl ImageKey {
    /// The key of an image that was just built, sealed to this TPM.
    ///
    /// # Errors
    /// What the TPM may answer.
    pub fn seal(tpm: &SharedTpm, manifest: &Manifest, key: &ContentKey) -> Result<Self, ImageError> {
        let sealed = seal(tpm, key.bytes(), Conditions::default())?;
        let (name, sequence) = (manifest.name.clone(), manifest.version);
        Ok(Self { format: KEY_FORMAT.into(), name, sequence, key: key.id()?, sealed })
    }

    /// Reads a key's file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let this: Self = serde_json::from_str(text).map_err(|error| format!("no image's key: {error}"))?;
        if this.format == KEY_FORMAT { Ok(this) } else { Err(format!("a key of the form {:?}", this.format)) }
    }

    /// Opens it, with the TPM of the builder.
    ///
    /// # Errors
    /// What the TPM may answer; [`ImageError::Blob`] if something else is inside.
    pub fn open(&self, tpm: &SharedTpm) -> Result<ContentKey, ImageError> {
        let key = ContentKey::from_bytes(&unseal(tpm, &self.sealed, b"", None)?)?;
        if key.id()? == self.key { Ok(key) } else { Err(ImageError::Blob("another key is inside than it says".into())) }
    }
}

/// What opens an image on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceBlob {
    format: String,
    /// The image's name.
    pub name: String,
    /// Its number.
    pub sequence: u64,
    /// The device ([`DeviceRecord::device`]).
    pub device: String,
    /// Which key.
    pub key: String,
    /// The key, sealed to the device's TPM (TSS2 PRIVATE KEY, PEM).
    sealed: String,
}

impl DeviceBlob {
    /// A blob for a device.
    ///
    /// # Errors
    /// [`ImageError::Blob`] for a record that cannot be used.
    pub fn make(image: &ImageKey, key: &ContentKey, device: &DeviceRecord) -> Result<Self, ImageError> {
        let broken = |why: String| ImageError::Blob(format!("the device's record cannot be used: {why}"));
        let decoded = |what: &str, text: &str| {
            BASE64.decode(text).map_err(|error| broken(format!("its {what} is no base64: {error}")))
        };
        let name = Tpm2bName::from_slice(&decoded("counter's name", &device.counter.name)?);
        let at_most = device.counter.value.checked_add(image.sequence);
        let counter = CounterLimit {
            index: TpmHandle(device.counter.index),
            name: name.map_err(|_| broken("its counter's name is too long".into()))?,
            at_most: at_most.ok_or_else(|| broken("its counter is at the end".into()))?,
        };
        let pcrs = device.pcrs.as_ref().map(|recorded| {
            let digest = decoded("PCRs' digest", &recorded.digest)?;
            let digest = digest.try_into().map_err(|_| broken("its PCRs' digest is none of SHA-256".into()))?;
            Ok::<_, ImageError>(PcrState { pcrs: recorded.selection.parse().map_err(broken)?, digest })
        });
        let pcrs = pcrs.transpose()?;
        let conditions = RemoteConditions { pcrs: pcrs.as_ref(), counter: Some(&counter) };
        Ok(Self {
            format: BLOB_FORMAT.into(),
            name: image.name.clone(),
            sequence: image.sequence,
            device: device.device.clone(),
            key: image.key.clone(),
            sealed: seal_for(&device.storage_key().map_err(broken)?, key.bytes(), conditions)?,
        })
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let this: Self = serde_json::from_str(text).map_err(|error| format!("no device's blob: {error}"))?;
        if this.format == BLOB_FORMAT { Ok(this) } else { Err(format!("a blob of the form {:?}", this.format)) }
    }

    /// The value to which the device's counter is raised when this image is confirmed, and beyond which the TPM does not open the blob.
    ///
    /// # Errors
    /// [`ImageError::Blob`] if the blob is not bound to this counter.
    pub fn at_most(&self, counter: TpmHandle) -> Result<u64, ImageError> {
        match counter_limit(&self.sealed)? {
            Some((index, at_most)) if index == counter && at_most >= self.sequence => Ok(at_most),
            Some((index, _)) if index != counter => Err(ImageError::Blob(format!(
                "it is bound to the counter at {:#010x}, and this device's is at {:#010x}",
                index.0, counter.0
            ))),
            _ => Err(ImageError::Blob("it is bound to no counter of versions".into())),
        }
    }

    /// Opens it, with the TPM of the device.
    ///
    /// # Errors
    /// [`ImageError::Blob`] if it is another device's, or something else is inside; [`ImageError::Downgrade`] if the TPM's counter has gone
    /// beyond it.
    pub fn open(&self, tpm: &SharedTpm) -> Result<ContentKey, ImageError> {
        let here = parent_fingerprint(&storage_key(tpm)?);
        if self.device != here {
            return Err(ImageError::Blob(format!(
                "it is for the device {}, and this one is {here}: have one made for what ironroot agent prepare prints here",
                self.device
            )));
        }
        let opened = unseal(tpm, &self.sealed, b"", None).map_err(|error| match error {
            KeyError::Superseded { .. } => ImageError::Downgrade(error.to_string()),
            KeyError::Sealed(why) => ImageError::Blob(why),
            KeyError::KeyFile(why) => ImageError::Blob(format!("the TPM of this device does not take it: {why}")),
            other => other.into(),
        })?;
        let key = ContentKey::from_bytes(&opened)?;
        if key.id()? == self.key { Ok(key) } else { Err(ImageError::Blob("another key is inside than it says".into())) }
    }
}
