//! Session arithmetic from the client's side (Part 1, clauses 16 to 18), written for this run alone, so that it also
//! checks the TPMs' responses.

use ironroot_crypto::{cfb_decrypt, cfb_encrypt, hmac, kdfa, xor_obfuscate};
use ironroot_wire::TpmiAlgSymObject;

use crate::{
    entities::{Cipher, Kind, Session},
    public::{digest, digest_size, hash},
};

pub const CONTINUE: u8 = 0x01;
pub const DECRYPT: u8 = 0x20;
pub const ENCRYPT: u8 = 0x40;
pub const AUDIT: u8 = 0x80;

/// `sessionKey` (Part 1, 16.6.8).
pub fn session_key(alg: u16, auth: &[u8], salt: &[u8], nonce_tpm: &[u8], nonce_caller: &[u8]) -> Vec<u8> {
    let Some(hash) = hash(alg) else { return Vec::new() };
    let bits = digest_size(alg) as u32 * 8;
    kdfa(hash, &[auth, salt].concat(), b"ATH", nonce_tpm, nonce_caller, bits).to_vec()
}

/// cpHash, or with a response code in place of the names rpHash.
pub fn parameter_hash(alg: u16, code: u32, rc: Option<u32>, names: &[Vec<u8>], parameters: &[u8]) -> Vec<u8> {
    let mut parts = Vec::new();
    if let Some(rc) = rc {
        parts.extend(rc.to_be_bytes());
    }
    parts.extend(code.to_be_bytes());
    parts.extend(names.concat());
    digest(alg, &[&parts, parameters])
}

impl Session {
    /// Whether the auth value of the entity is part of the HMAC key (Part 1, 16.6.5).
    pub fn includes_auth(&self, name: &[u8], auth: &[u8], side: usize) -> bool {
        match self.kind {
            Kind::Hmac => !self.bound.as_ref().is_some_and(|(names, then)| names[side] == name && then == auth),
            _ => self.wants_auth,
        }
    }

    /// The HMAC of a command or response; `auth` is the auth value if it is included. A policy session without a key has
    /// none, unless the command had one (`sent`).
    pub fn hmac(
        &self,
        side: usize,
        auth: &[u8],
        parameter_hash: &[u8],
        nonces: &[&[u8]],
        attributes: u8,
        sent: bool,
    ) -> Vec<u8> {
        let key = [self.key[side].as_slice(), auth].concat();
        if self.kind != Kind::Hmac && key.is_empty() && !sent {
            return Vec::new();
        }
        let Some(alg) = hash(self.hash) else { return Vec::new() };
        let mut parts = vec![parameter_hash];
        parts.extend_from_slice(nonces);
        let attributes = [attributes];
        parts.push(&attributes);
        hmac(alg, &key, &parts).to_vec()
    }

    /// Encrypts or decrypts the data of a first parameter.
    pub fn crypt(&self, side: usize, encrypt: bool, auth: &[u8], newer: &[u8], older: &[u8], data: &mut [u8]) {
        let key = [self.key[side].as_slice(), auth].concat();
        let Some(alg) = hash(self.hash) else { return };
        let done = match self.cipher {
            Cipher::None => Ok(()),
            Cipher::Xor(with) => hash(with).map_or(Ok(()), |_| xor_obfuscate(alg, &key, newer, older, data)),
            Cipher::Block(cipher, bits) => {
                let size = usize::from(bits / 8);
                let derived = kdfa(alg, &key, b"CFB", newer, older, u32::from(bits) + 128);
                let (key, iv) = derived.split_at(size.min(derived.len()));
                let Some(cipher) = TpmiAlgSymObject::from_value(cipher) else { return };
                if encrypt { cfb_encrypt(cipher, key, iv, data) } else { cfb_decrypt(cipher, key, iv, data) }
            }
        };
        // Only keys and IVs of wrong sizes are refused, and these are right.
        debug_assert!(done.is_ok());
    }
}

/// The data of a sized first parameter.
pub fn first_sized(parameters: &mut [u8]) -> Option<&mut [u8]> {
    let (size, data) = parameters.split_first_chunk_mut::<2>()?;
    data.get_mut(..usize::from(u16::from_be_bytes(*size)))
}
