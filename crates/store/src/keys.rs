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
    /// HKDF (RFC 5869) with SHA-256: the salt is the file's identifier, the input the state key, the info a label. For one
    /// block of output this is two calls of HMAC, which cannot fail.
    pub fn derive(state_key: &StateKey, file_id: &[u8; 32]) -> Self {
        let prk = Zeroizing::new(finish(keyed(file_id), &[state_key]));
        let key = |label: &[u8]| Zeroizing::new(finish(keyed(&prk), &[label, &[1]]));
        Self {
            seal: key(b"ironroot/state/v1/seal"),
            frame_header: keyed(&key(b"ironroot/state/v1/frame header")),
            nonce: keyed(&key(b"ironroot/state/v1/nonce")),
            check: keyed(&key(b"ironroot/state/v1/key check")),
        }
    }

    /// The value in the file header that tells whether the key is the right one.
    pub fn key_check(&self, header: &[u8]) -> [u8; 32] {
        finish(self.check.clone(), &[header])
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

/// HMAC keyed with 32 bytes. The block that the type wants is the key and zeros, which is what HMAC makes of a short key.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    KeyInit::new((&*block).into())
}

fn finish(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
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

    /// The document's vectors, computed by tests/vectors.py.
    #[test]
    fn the_documents_vectors() {
        let document = include_str!("../../../docs/state-format.md");
        let block = document.split("```vectors-state-v1\n").nth(1).unwrap().split("```").next().unwrap();
        let vector = |name: &str| {
            let hex = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..][..2], 16).unwrap()).collect::<Vec<u8>>()
        };
        let array = |name| <[u8; 32]>::try_from(vector(name)).unwrap();
        let keys = FileKeys::derive(&array("state key"), &array("file identifier"));
        assert_eq!(keys.seal.to_vec(), vector("seal key"));
        assert_eq!(keys.key_check(b"header").to_vec(), vector("key check of \"header\""));
        assert_eq!(keys.frame_header_mac(b"header").to_vec(), vector("frame header MAC of \"header\""));
        let nonce = keys.frame_nonce(&[7; 32], 3, &[9; 16], b"plaintext");
        assert_eq!(nonce.to_vec(), vector("nonce"));
    }
}
