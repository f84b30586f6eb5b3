//! What a device says of itself, so that others can seal to it: its storage key, its counter, and the PCRs as they should be.
//! Nothing of it is secret. That it is the device's own word has to be made sure where it is taken, on the line or by enrolment.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ironroot_keys::{Pcrs, SharedTpm, parent_fingerprint, parent_from, parent_public};
use ironroot_wire::{Tpm2b, TpmHandle, TpmtPublic, Wire as _};
use serde::{Deserialize, Serialize};

use crate::{VersionCounter, error::ImageError};

const FORMAT: &str = "ironroot-device/1";

/// A device, for those who make blobs for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeviceRecord {
    format: String,
    /// The storage key's fingerprint: SHA-256 of its public area, hexadecimal.
    pub device: String,
    /// The storage key (`TPM2B_PUBLIC`, base64).
    storage_key: String,
    /// The counter.
    pub counter: RecordedCounter,
    /// PCRs, if blobs are to be bound to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pcrs: Option<RecordedPcrs>,
}

/// The counter of versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCounter {
    /// The NV index.
    pub index: u32,
    /// Its name (base64).
    pub name: String,
    /// Its value before the first image: image number 1 raises it to one more.
    pub value: u64,
}

/// PCRs and the digest of their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPcrs {
    /// Such as "sha256:0,7".
    pub selection: String,
    /// SHA-256 of the values (base64).
    pub digest: String,
}

impl DeviceRecord {
    /// The record of the device that has this TPM. The counter is made if it is not there; `base` is its value before the first image, if
    /// that is known from an earlier record.
    ///
    /// # Errors
    /// What the TPM may answer.
    pub fn take(
        tpm: &SharedTpm,
        counter: &VersionCounter,
        base: Option<u64>,
        pcrs: Option<(&str, &Pcrs)>,
    ) -> Result<Self, ImageError> {
        let public = storage_key(tpm)?;
        let (name, value) = counter.prepare()?;
        let pcrs = pcrs.map(|(selection, pcrs)| {
            let digest = pcrs.digest_of(tpm)?;
            Ok::<_, ImageError>(RecordedPcrs { selection: selection.into(), digest: BASE64.encode(digest) })
        });
        Ok(Self {
            format: FORMAT.into(),
            device: parent_fingerprint(&public),
            storage_key: BASE64.encode(Tpm2b(public).to_bytes()),
            counter: RecordedCounter {
                index: counter.index().0,
                name: BASE64.encode(name.as_slice()),
                value: base.unwrap_or(value),
            },
            pcrs: pcrs.transpose()?,
        })
    }

    /// Reads a record, and checks that it makes sense.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let this: Self = serde_json::from_str(text).map_err(|error| format!("no device's record: {error}"))?;
        if this.format != FORMAT {
            return Err(format!("a record of the form {:?}, and {FORMAT:?} is known here", this.format));
        }
        if parent_fingerprint(&this.storage_key()?) != this.device {
            return Err("its fingerprint is not its storage key's".into());
        }
        Ok(this)
    }

    /// The storage key.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn storage_key(&self) -> Result<TpmtPublic, String> {
        let bytes =
            BASE64.decode(&self.storage_key).map_err(|error| format!("its storage key is no base64: {error}"))?;
        parent_from(&bytes).map_err(|error| error.to_string())
    }
}

/// The key to which blobs are sealed: the owner's parent of TSS2 key files, on P-256.
pub(crate) fn storage_key(tpm: &SharedTpm) -> Result<TpmtPublic, ImageError> {
    Ok(parent_public(tpm, TpmHandle::OWNER, false)?)
}
