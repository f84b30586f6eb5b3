//! What a package's signer signs.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ironroot_crypto::digest;
use ironroot_wire::TpmiAlgHash;
use serde::{Deserialize, Serialize};

use crate::{
    archive::Member,
    content::TAG,
    error::{PackageError, refused},
    member_path,
};

/// Bytes of a file's content that are sealed, hashed and released together; the last chunk of a file is shorter.
pub const CHUNK: u64 = 1 << 20;

/// What a token that signs a package says that it is.
pub const FORMAT: &str = "ironroot-package/1";
/// The members in front of the files.
pub const SIGNATURE_NAME: &str = "META-INF/signature.jwt";
/// See [`SIGNATURE_NAME`].
pub const MANIFEST_NAME: &str = "META-INF/manifest.json";
/// The longest manifest that is read. Bytes: enough for 500,000 chunks, half a terabyte.
pub const LONGEST_MANIFEST: u64 = 64 << 20;
/// The most files.
const MOST_FILES: usize = 500_000;

/// What is in a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What it is.
    pub name: String,
    /// Its number: one with a lower number never replaces one with a higher number.
    pub version: u64,
    /// Who can read the content; everybody if there is nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// What whoever made the package says of it beside, for programs that know what it means: an image's components, for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The files, in the order of their names, which is theirs in the archive.
    pub files: Vec<File>,
}

/// A JSON object that is signed with the manifest.
pub type Details = serde_json::Map<String, serde_json::Value>;

/// Who can read a package's content. Bytes are base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "lowercase", deny_unknown_fields)]
pub enum Sealed {
    /// The devices of the product: the content key follows from a global secret and this.
    Product {
        /// 32 random bytes.
        salt: String,
    },
    /// Single devices.
    Devices {
        /// The content key, encrypted to each device (docs/named-keys.md, "Encryption to a device"), by its public key's fingerprint.
        keys: BTreeMap<String, String>,
    },
    /// Whoever gets the content key, which is random and is handed out apart from the package.
    Key {
        /// 16 bytes that follow from the key ([`crate::ContentKey::id`]).
        id: String,
    },
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path, with slashes.
    pub path: String,
    /// Its size before it is sealed. Bytes.
    pub size: u64,
    /// Whether it is a program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// CRC-32 of what is stored, for the archive's headers. It protects nothing.
    pub crc32: u32,
    /// SHA-256 of each chunk as it is stored, base64url without padding.
    pub sha256: Vec<String>,
}

impl File {
    /// Bytes of its content in the chunk with this number.
    pub(crate) fn chunk_size(&self, chunk: u64) -> u64 {
        self.size.saturating_sub(chunk.saturating_mul(CHUNK)).min(CHUNK)
    }

    /// It in the archive; sealed chunks are longer by their tags.
    pub(crate) fn member(&self, sealed: bool) -> Member<'_> {
        let tags = if sealed { (self.sha256.len() as u64).saturating_mul(TAG) } else { 0 };
        let size = self.size.saturating_add(tags);
        Member { name: &self.path, size, crc32: self.crc32, executable: self.executable }
    }
}

impl Manifest {
    /// Reads a manifest whose signature has been verified, and checks that it makes sense.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, PackageError> {
        let manifest: Self = serde_json::from_slice(text)
            .map_err(|error| PackageError::Refused(format!("its manifest cannot be understood: {error}")))?;
        match manifest.check() {
            Ok(()) => Ok(manifest),
            Err(why) => refused(format!("its manifest makes no sense: {why}")),
        }
    }

    /// Checks what its form alone does not say.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() || self.name.len() > 255 || self.name.chars().any(char::is_control) {
            return Err("the name is empty, longer than 255 bytes, or has control characters in it".into());
        }
        if self.files.len() > MOST_FILES {
            return Err(format!("there are more than {MOST_FILES} files"));
        }
        for file in &self.files {
            member_path::check(&file.path)?;
            if file.sha256.len() as u64 != file.size.div_ceil(CHUNK) {
                return Err(format!("{:?} has another number of chunks than its size says", file.path));
            }
        }
        member_path::check_together(self.files.iter().map(|file| file.path.as_str()))
    }

    /// Every file's size together. Bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

/// The digest of a chunk, as a manifest has it.
pub fn chunk_digest(chunk: &[u8]) -> String {
    BASE64.encode(digest(TpmiAlgHash::Sha256, &[chunk]))
}
