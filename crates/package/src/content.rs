//! Sealing of content: ChaCha20-Poly1305 (RFC 8439) over each chunk, with a key that is the package's alone.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, aead::Aead as _};
use ironroot_crypto::{hkdf_expand, hkdf_extract};
use ironroot_keys::{EncryptionKey, NamedKeys, global_secret_from};
use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use crate::{
    error::{PackageError, refused},
    manifest::Sealed,
};

/// Bytes by which a sealed chunk is longer.
pub const TAG: u64 = 16;
/// The global secret from which the keys of a product's packages come.
const PRODUCT_SECRET: &str = "ironroot/package/v1";
const KEY_LABEL: &[u8] = b"ironroot/package/v1 content key";
const ID_LABEL: &[u8] = b"ironroot/package/v1 key id";
const ID_SIZE: usize = 16;
const KEY_SIZE: usize = 32;
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

/// Why neither a device's name nor a product's secret opens it.
const APART: &str =
    "it is sealed to a key that its builder hands out in blobs: it is an image, for ironroot agent install";

/// The key of a package's content.
#[derive(Clone)]
pub struct ContentKey(Zeroizing<[u8; KEY_SIZE]>);

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

impl ContentKey {
    /// A new key, for [`crate::Readers::Key`].
    ///
    /// # Errors
    /// [`PackageError::Random`].
    pub fn generate() -> Result<Self, PackageError> {
        Ok(Self(random()?))
    }

    /// The key, from its 32 bytes.
    ///
    /// # Errors
    /// [`PackageError::Refused`] for another number of bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackageError> {
        Self::new(bytes)
    }

    /// The key's bytes: a secret.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }

    /// What a package says of the key to which it is sealed: nothing by which the key could be found.
    ///
    /// # Errors
    /// None in practice.
    pub fn id(&self) -> Result<String, PackageError> {
        match hkdf_expand(SHA256, &*self.0, &[ID_LABEL], ID_SIZE) {
            Ok(id) => Ok(BASE64.encode(&*id)),
            Err(_) => refused("its key's name cannot be derived"),
        }
    }

    /// Whether a package is sealed to this key.
    ///
    /// # Errors
    /// [`PackageError::Refused`] if it is not.
    pub fn check(&self, sealed: Option<&Sealed>) -> Result<(), PackageError> {
        match sealed {
            Some(Sealed::Key { id }) if *id == self.id()? => Ok(()),
            Some(Sealed::Key { .. }) => refused("the key is another package's"),
            _ => refused("it is not sealed to a key of its own"),
        }
    }

    /// A new key for single devices, and the manifest's part of it.
    pub(crate) fn for_devices(devices: &[EncryptionKey]) -> Result<(Self, Sealed), PackageError> {
        let key = Self(random()?);
        let mut keys = std::collections::BTreeMap::new();
        for device in devices {
            keys.insert(device.fingerprint().to_owned(), BASE64.encode(device.encrypt(&*key.0)?));
        }
        Ok((key, Sealed::Devices { keys }))
    }

    /// A new key for the devices of a product, and the manifest's part of it.
    pub(crate) fn for_product(secret: &[u8]) -> Result<(Self, Sealed), PackageError> {
        let salt = random()?;
        Ok((Self::of_product(secret, &*salt)?, Sealed::Product { salt: BASE64.encode(*salt) }))
    }

    /// The key of a package, from the TPM of a device that may read it: of one that is sealed to devices, the one that decrypts
    /// as `name`.
    ///
    /// # Errors
    /// [`PackageError::Refused`] if it is not for this device; what the TPM may answer.
    pub fn of_device(sealed: &Sealed, keys: &NamedKeys, name: &str) -> Result<Self, PackageError> {
        match sealed {
            Sealed::Product { .. } => Self::from_secret(sealed, &keys.global_secret(PRODUCT_SECRET, KEY_SIZE)?),
            Sealed::Devices { keys: wrapped } => {
                let key = keys.encryption_key(name)?;
                let own = key.fingerprint();
                let Some(wrapped) = wrapped.get(own) else {
                    return refused(format!(
                        "it is not for this device: it is sealed to {} other keys, and not to the one of {name:?} ({own})",
                        wrapped.len()
                    ));
                };
                let key = keys.decrypt(name, &decoded(wrapped)?)?;
                Self::new(&key)
            }
            Sealed::Key { .. } => refused(APART),
        }
    }

    /// The key of a package that is sealed to a product, from the base of its global secrets, without a TPM.
    ///
    /// # Errors
    /// [`PackageError::Refused`] if it is sealed to devices.
    pub fn from_product(sealed: &Sealed, base: &[u8; ironroot_keys::GLOBAL_BASE_SIZE]) -> Result<Self, PackageError> {
        Self::from_secret(sealed, &product_secret(base)?)
    }

    fn from_secret(sealed: &Sealed, secret: &[u8]) -> Result<Self, PackageError> {
        match sealed {
            Sealed::Product { salt } => Self::of_product(secret, &decoded(salt)?),
            Sealed::Devices { .. } => refused(
                "it is sealed to single devices: open it on one of them, with its TPM instead of the product's secret",
            ),
            Sealed::Key { .. } => refused(APART),
        }
    }

    fn of_product(secret: &[u8], salt: &[u8]) -> Result<Self, PackageError> {
        let key = hkdf_extract(SHA256, salt, &[secret]);
        match hkdf_expand(SHA256, &key, &[KEY_LABEL], KEY_SIZE) {
            Ok(key) => Self::new(&key),
            Err(_) => refused("its content key cannot be derived"),
        }
    }

    fn new(bytes: &[u8]) -> Result<Self, PackageError> {
        match bytes.try_into() {
            Ok(key) => Ok(Self(Zeroizing::new(key))),
            Err(_) => refused("its content key has another length than 32 bytes"),
        }
    }

    /// Seals a chunk.
    pub(crate) fn seal(&self, file: usize, chunk: u64, plain: &[u8]) -> Result<Vec<u8>, PackageError> {
        let sealed = self.cipher().encrypt(&nonce(file, chunk).into(), plain);
        sealed.map_err(|_| PackageError::Description("a chunk cannot be sealed".into()))
    }

    /// Opens a chunk.
    pub(crate) fn open(&self, file: usize, chunk: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PackageError> {
        match self.cipher().decrypt(&nonce(file, chunk).into(), sealed) {
            Ok(plain) => Ok(Zeroizing::new(plain)),
            Err(_) => refused("its content does not open with the key that this device or product has for it"),
        }
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&(*self.0).into())
    }
}

/// The secret that the keys of a product's packages come from.
pub(crate) fn product_secret(base: &[u8; ironroot_keys::GLOBAL_BASE_SIZE]) -> Result<Zeroizing<Vec<u8>>, PackageError> {
    Ok(global_secret_from(base, PRODUCT_SECRET, KEY_SIZE)?)
}

/// As [`product_secret`], from a TPM that has the base.
pub(crate) fn product_secret_of(keys: &NamedKeys) -> Result<Zeroizing<Vec<u8>>, PackageError> {
    Ok(keys.global_secret(PRODUCT_SECRET, KEY_SIZE)?)
}

/// No chunk of a package has another's: the file's number and the chunk's, which both fit.
fn nonce(file: usize, chunk: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    let number = u32::try_from(file).unwrap_or(u32::MAX).to_be_bytes().into_iter().chain(chunk.to_be_bytes());
    nonce.iter_mut().zip(number).for_each(|(to, from)| *to = from);
    nonce
}

fn decoded(text: &str) -> Result<Vec<u8>, PackageError> {
    BASE64.decode(text).map_err(|error| PackageError::Refused(format!("its manifest has no base64url: {error}")))
}

fn random() -> Result<Zeroizing<[u8; 32]>, PackageError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| PackageError::Random)?;
    Ok(bytes)
}
