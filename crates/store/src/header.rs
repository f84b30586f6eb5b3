//! The first block of a state file. Written once, when the file is made, and never changed.

use crate::keys::{FileKeys, StateKey};
use crate::refusal::{Reason, Refusal};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The unit of the file. Disks write this much whole or not at all.
pub const BLOCK: usize = 512;
/// The format version that this release writes, and the highest that it reads.
pub const VERSION: u16 = 1;

const MAGIC: &[u8; 8] = b"IRONROOT";
/// What the key check covers.
const CHECKED: usize = 96;
/// What the checksum covers: all but itself.
const SUMMED: usize = 480;

/// What a header says.
pub struct Header {
    /// A random number that no other file has; the keys depend on it.
    pub file_id: [u8; 32],
    /// How many files the state has had: one more at each compaction.
    pub generation: u64,
    /// The sequence number of the checkpoint that follows.
    pub first_sequence: u64,
}

/// A header that was read or written, and what comes of it.
pub struct Opened {
    pub header: Header,
    pub keys: FileKeys,
    /// What the first frame is chained to.
    pub chain: [u8; 16],
}

impl Header {
    /// The header's block, and its keys.
    pub fn write(self, state_key: &StateKey) -> (Vec<u8>, Opened) {
        let keys = FileKeys::derive(state_key, &self.file_id);
        let mut block = Vec::with_capacity(BLOCK);
        block.extend_from_slice(MAGIC);
        block.extend_from_slice(&VERSION.to_be_bytes());
        block.extend_from_slice(&[0; 2]);
        block.extend_from_slice(&(BLOCK as u32).to_be_bytes());
        block.extend_from_slice(&self.file_id);
        block.extend_from_slice(&self.generation.to_be_bytes());
        block.extend_from_slice(&self.first_sequence.to_be_bytes());
        block.resize(CHECKED, 0);
        let check = keys.key_check(&block);
        block.extend_from_slice(&check);
        block.resize(SUMMED, 0);
        let sum = Sha256::digest(&block);
        block.extend_from_slice(&sum);
        (block, Opened { header: self, keys, chain: first_half(&check) })
    }

    /// Reads the header of a file.
    ///
    /// The plain checksum comes before the keyed check, so that damage is told apart from another key; and the version
    /// before all that a later version may have changed. Magic, version and checksum keep their places in all versions.
    pub fn read(file: &[u8], state_key: &StateKey) -> Result<Opened, Refusal> {
        let refuse = |reason| Refusal { offset: 0, reason };
        let Some(block) = file.first_chunk::<BLOCK>() else {
            // A file that begins like ours was ours.
            let ours = file.len() >= MAGIC.len() && file.starts_with(MAGIC);
            return Err(if ours {
                Refusal::damaged(file.len(), "the file ends inside its header")
            } else {
                refuse(Reason::NotAState)
            });
        };
        let (summed, sum) = block.split_at_checked(SUMMED).unwrap_or_default();
        let intact = *Sha256::digest(summed) == *sum;
        if !intact {
            // Damage may have hit the magic itself.
            let alike = block.iter().zip(MAGIC).filter(|(found, ours)| found == ours).count();
            let ours = alike >= MAGIC.len() / 2;
            return Err(if ours {
                Refusal::damaged(0, "the header's checksum is wrong")
            } else {
                refuse(Reason::NotAState)
            });
        }
        let mut fields = Fields(summed);
        if fields.take::<8>() != *MAGIC {
            return Err(refuse(Reason::NotAState));
        }
        let version = u16::from_be_bytes(fields.take());
        if version > VERSION {
            return Err(refuse(Reason::Newer(version)));
        }
        let well_formed =
            version == VERSION && fields.take::<2>() == [0; 2] && fields.take::<4>() == (BLOCK as u32).to_be_bytes();
        let header = Self {
            file_id: fields.take(),
            generation: u64::from_be_bytes(fields.take()),
            first_sequence: u64::from_be_bytes(fields.take()),
        };
        let reserved = fields.take::<32>();
        let check = fields.take::<32>();
        let keys = FileKeys::derive(state_key, &header.file_id);
        let expected = keys.key_check(summed.get(..CHECKED).unwrap_or_default());
        if !bool::from(expected.ct_eq(&check)) {
            return Err(refuse(Reason::WrongKey));
        }
        if !well_formed || reserved != [0; 32] || !is_zero(fields.0) {
            return Err(Refusal::damaged(0, "the header has unknown fields"));
        }
        Ok(Opened { header, keys, chain: first_half(&check) })
    }
}

/// Whether all bytes are zero. Not for secrets.
pub fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn first_half(check: &[u8; 32]) -> [u8; 16] {
    check.first_chunk().copied().unwrap_or_default()
}

/// Takes fixed fields off the front of a slice that is known to be long enough; beyond its end there are zeros.
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk() else {
            self.0 = &[];
            return [0; N];
        };
        self.0 = rest;
        *field
    }
}
