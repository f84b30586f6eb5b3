//! Data at rest under a named secret: XChaCha20-Poly1305 with a random nonce. The format is in docs/derivations.md, "Protected data".

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use zeroize::Zeroizing;

use super::NamedKeys;
use crate::KeyError;

/// Format and version, which are authenticated, too.
const HEADER: &[u8; 5] = b"IRPD\x01";
const NONCE: usize = 24;
/// Before the name of the secret, so that no secret that an application asks for by name is a key here.
const PREFIX: &str = "ironroot/protected/v1 ";

impl NamedKeys {
    /// Encrypts data that only this device reads again, or with `global` all devices of the product. An older version that is put back is
    /// not noticed.
    ///
    /// # Errors
    /// As [`NamedKeys::unique_secret`] and [`NamedKeys::global_secret`]; [`KeyError::Random`].
    pub fn protect(&self, name: &str, global: bool, data: &[u8]) -> Result<Vec<u8>, KeyError> {
        let cipher = self.cipher(name, global)?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| KeyError::Random)?;
        let sealed = cipher
            .encrypt(&nonce.into(), Payload { msg: data, aad: HEADER })
            .map_err(|_| KeyError::unsuitable("there is more to encrypt than the cipher takes at once"))?;
        Ok([HEADER.as_slice(), &nonce, &sealed].concat())
    }

    /// Gives back what [`NamedKeys::protect`] has encrypted.
    ///
    /// # Errors
    /// [`KeyError::Decryption`] if it was changed, or protected under another name, on another device or for another product; as
    /// [`NamedKeys::unique_secret`] and [`NamedKeys::global_secret`].
    pub fn unprotect(&self, name: &str, global: bool, protected: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let rest = protected.strip_prefix(HEADER).ok_or(KeyError::Decryption)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(KeyError::Decryption)?;
        let payload = Payload { msg: sealed, aad: HEADER };
        self.cipher(name, global)?
            .decrypt(&(*nonce).into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Decryption)
    }

    fn cipher(&self, name: &str, global: bool) -> Result<XChaCha20Poly1305, KeyError> {
        let name = format!("{PREFIX}{name}");
        let key = if global { self.global_secret(&name, 32)? } else { self.unique_secret(&name, 32)? };
        XChaCha20Poly1305::new_from_slice(&key).map_err(|_| KeyError::Length)
    }
}
