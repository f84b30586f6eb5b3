//! The keys of one state file, derived from the state key and the file's random identifier.
//!
//! Each file has keys of its own, so frames of an earlier file (before a compaction, or of another instance) never
//! authenticate in a later one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key that seals a state.
pub type StateKey = [u8; 32];

/// The keys of one file. The HMAC states are prepared once and wiped when dropped.
pub struct FileKeys {
    /// Seals frames.
    pub seal: Zeroizing<[u8; 32]>,
    frame_header: Hmac<Sha256>,
    nonce: Hmac<Sha256>,
    check: Hmac<Sha256>,
}

impl FileKeys {
    /// The keys of a file of a format version.
    pub fn derive(version: u16, state_key: &StateKey, file_id: &[u8; 32]) -> Self {
        let prk = Zeroizing::new(finish(keyed(file_id), &[state_key]));
        let prefix: &[u8] = if version == 1 { b"ironroot/state/v1/" } else { b"ironroot/state/v2/" };
        let key = |label: &[u8]| Zeroizing::new(finish(keyed(&prk), &[prefix, label, &[1]]));
        Self {
            seal: key(b"seal"),
            frame_header: keyed(&key(b"frame header")),
            nonce: keyed(&key(b"nonce")),
            check: keyed(&key(b"key check")),
        }
    }

    /// The value in the file header that tells whether the key is the right one.
    pub fn key_check(&self, header: &[&[u8]]) -> [u8; 32] {
        finish(self.check.clone(), header)
    }

    /// The authentication of a frame's header.
    pub fn frame_header_mac(&self, header: &[u8]) -> [u8; 16] {
        truncate(&finish(self.frame_header.clone(), &[header]))
    }

    /// A frame's nonce: hedged, so that a random number that repeats (a restored virtual machine, a broken generator)
    /// does not repeat a nonce for another plaintext.
    pub fn frame_nonce(&self, random: &[u8; 32], sequence: u64, chain: &[u8; 16], plaintext: &[u8]) -> [u8; 24] {
        truncate(&finish(self.nonce.clone(), &[random, &sequence.to_be_bytes(), chain, plaintext]))
    }
}

/// The value in the file header that tells whether the device is the right one, whatever else the file is sealed with.
pub fn device_check(device: &StateKey, file_id: &[u8; 32], header: &[&[u8]]) -> [u8; 32] {
    finish(keyed(&hkdf(file_id, device, &[b"ironroot/state/v2/device check"])), header)
}

/// HKDF (RFC 5869) with SHA-256 for one block of output: two calls of HMAC, which cannot fail.
pub fn hkdf(salt: &[u8; 32], input: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let prk = Zeroizing::new(finish(keyed(salt), &[input]));
    let mut mac = keyed(&prk);
    info.iter().for_each(|part| Mac::update(&mut mac, part));
    Zeroizing::new(finish(mac, &[&[1]]))
}

/// HMAC keyed with 32 bytes. The block that the type wants is the key and zeros, which is what HMAC makes of a short key.
pub fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    KeyInit::new((&*block).into())
}

pub fn finish(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().for_each(|part| Mac::update(&mut mac, part));
    mac.finalize().into_bytes().into()
}

fn truncate<const N: usize>(mac: &[u8; 32]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(mac).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::{Sealing, SecondKey};

    /// The document's vectors, computed by tests/state_format.py.
    #[test]
    fn the_documents_vectors() {
        let document = include_str!("../../../docs/state-format.md");
        let block = document.split("```vectors-state\n").nth(1).unwrap().split("```").next().unwrap();
        let vector = |name: &str| {
            let hex = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..][..2], 16).unwrap()).collect::<Vec<u8>>()
        };
        let array = |name| <[u8; 32]>::try_from(vector(name)).unwrap();
        let (state_key, file_id) = (array("state key"), array("file identifier"));
        for version in [1, 2] {
            let named = |name: &str| vector(&format!("version {version}: {name}"));
            let keys = FileKeys::derive(version, &state_key, &file_id);
            assert_eq!(keys.seal.to_vec(), named("seal key"));
            assert_eq!(keys.key_check(&[b"hea", b"der"]).to_vec(), named("key check of \"header\""));
            assert_eq!(keys.frame_header_mac(b"header").to_vec(), named("frame header MAC of \"header\""));
            let nonce = keys.frame_nonce(&[7; 32], 3, &[9; 16], b"plaintext");
            assert_eq!(nonce.to_vec(), named("nonce"));
        }
        assert_eq!(device_check(&state_key, &file_id, &[b"header"]).to_vec(), vector("device check of \"header\""));
        let second = SecondKey::Key(Zeroizing::new([0x33; 32]));
        let with_key = Sealing::Key { salt: [0x44; 32] }.state_key(&state_key, Some(&second)).unwrap();
        assert_eq!(with_key.to_vec(), vector("state key with the key 33…33, salt 44…44"));
        let words = SecondKey::Passphrase(Zeroizing::new(b"correct horse".to_vec()));
        let cost = crate::sealing::Cost { memory: 64, passes: 3, lanes: 4 };
        let with_words = Sealing::Passphrase { salt: [0x44; 32], cost }.state_key(&state_key, Some(&words)).unwrap();
        assert_eq!(
            with_words.to_vec(),
            vector("state key with \"correct horse\", salt 44…44, 64 KiB, 3 passes, 4 lanes")
        );
    }
}
