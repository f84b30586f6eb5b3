//! The first block of a state file. Written once, when the file is made, and never changed.

use crate::access::{Access, MAX_INSTANCE};
use crate::guard::{CounterField, Policy};
use crate::keys::{FileKeys, device_check};
use crate::refusal::{Reason, Refusal};
use crate::sealing::{SEALING, Sealing};
use ironroot_platform::CounterKind;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The unit of the file. Disks write this much whole or not at all.
pub const BLOCK: usize = 512;
/// The format version that this release writes, and the highest that it reads.
pub const VERSION: u16 = 2;

const MAGIC: &[u8; 8] = b"IRONROOT";
/// Where the key check stands, and all that a key check of version 1 covers.
const CHECK: usize = 96;
/// What follows the key check.
const BEHIND_CHECK: usize = 128;
/// Where the device check stands; it covers what is before, without the key check.
const DEVICE_CHECK: usize = 240;
/// What the checksum covers: all but itself.
const SUMMED: usize = 480;

/// What a header says. Nothing of it is to be believed before [`Header::unlock`].
#[derive(Debug, Clone)]
pub struct Header {
    /// The format version; frames are the same in all, but their keys are not.
    pub version: u16,
    /// A random number that no other file has; the keys depend on it.
    pub file_id: [u8; 32],
    /// How many files the state has had: one more at each compaction.
    pub generation: u64,
    /// The sequence number of the checkpoint that follows.
    pub first_sequence: u64,
    /// The counter that the state expects, if it does.
    pub counter: Option<CounterField>,
    /// What the state is sealed with.
    pub sealing: Sealing,
    /// Which of the device's TPMs it is.
    pub instance: String,
}

/// A header that was read or written, and what comes of it.
pub struct Opened {
    pub header: Header,
    pub keys: FileKeys,
    /// What the first frame is chained to.
    pub chain: [u8; 16],
}

impl Header {
    /// The header's block, and its keys. Always of this release's version.
    pub fn write(self, access: &mut Access) -> Result<(Vec<u8>, Opened), Reason> {
        if self.instance.len() > MAX_INSTANCE || self.instance.bytes().any(|byte| byte == 0) {
            return Err(Reason::LongName);
        }
        let keys = FileKeys::derive(VERSION, &*access.state_key(&self.sealing)?, &self.file_id);
        let mut block = Vec::with_capacity(BLOCK);
        block.extend_from_slice(MAGIC);
        block.extend_from_slice(&VERSION.to_be_bytes());
        block.extend_from_slice(&[0; 2]);
        block.extend_from_slice(&(BLOCK as u32).to_be_bytes());
        block.extend_from_slice(&self.file_id);
        block.extend_from_slice(&self.generation.to_be_bytes());
        block.extend_from_slice(&self.first_sequence.to_be_bytes());
        write_counter(self.counter, &mut block);
        let mut behind = Vec::with_capacity(SUMMED);
        self.sealing.write(&mut behind);
        write_instance(&self.instance, &mut behind);
        let device_check = device_check(access.device(), &self.file_id, &[&block, &behind]);
        behind.extend_from_slice(&device_check);
        behind.resize(SUMMED.saturating_sub(BEHIND_CHECK), 0);
        let check = keys.key_check(&[&block, &behind]);
        block.extend_from_slice(&check);
        block.extend_from_slice(&behind);
        let sum = Sha256::digest(&block);
        block.extend_from_slice(&sum);
        Ok((block, Opened { header: Self { version: VERSION, ..self }, keys, chain: first_half(&check) }))
    }

    /// Reads the header of a file, as far as that goes without keys.
    ///
    /// The plain checksum comes before the keyed checks, so that damage is told apart from another key; and the version
    /// before all that a later version may have changed. Magic, version and checksum keep their places in all versions.
    pub fn read(file: &[u8]) -> Result<Self, Refusal> {
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
        Self::fields(version, fields).ok_or_else(|| Refusal::damaged(0, "the header has unknown fields"))
    }

    /// The fields behind the version.
    fn fields(version: u16, mut fields: Fields<'_>) -> Option<Self> {
        let well_formed = fields.take::<2>() == [0; 2] && fields.take::<4>() == (BLOCK as u32).to_be_bytes();
        let mut header = Self {
            version,
            file_id: fields.take(),
            generation: u64::from_be_bytes(fields.take()),
            first_sequence: u64::from_be_bytes(fields.take()),
            counter: None,
            sealing: Sealing::Device,
            instance: String::new(),
        };
        let counter = fields.take::<32>();
        let _check = fields.take::<32>();
        let unused = match version {
            1 if counter == [0; 32] => fields.0,
            2 => {
                header.counter = read_counter(Fields(&counter))?;
                header.sealing = Sealing::read(&mut fields)?;
                header.instance = read_instance(&fields.take())?;
                let _device_check = fields.take::<32>();
                fields.0
            }
            _ => return None,
        };
        (well_formed && is_zero(unused)).then_some(header)
    }

    /// Authenticates the header, which `file` begins with, and gives the file's keys.
    pub fn unlock(self, file: &[u8], access: &mut Access) -> Result<Opened, Reason> {
        let before = file.get(..CHECK).unwrap_or_default();
        let found = |at: usize| Fields(file.get(at..).unwrap_or_default()).take::<32>();
        // Another instance has another device key, too; this says it better.
        if self.instance != access.instance() {
            return Err(Reason::WrongInstance { found: self.instance, wanted: access.instance().into() });
        }
        if self.version > 1 {
            // Before the second key, which may be costly to compute, and whose cost only the device's owner may choose.
            let covered = file.get(BEHIND_CHECK..DEVICE_CHECK).unwrap_or_default();
            let expected = device_check(access.device(), &self.file_id, &[before, covered]);
            if !bool::from(expected.ct_eq(&found(DEVICE_CHECK))) {
                return Err(Reason::WrongDevice);
            }
        }
        let keys = FileKeys::derive(self.version, &*access.state_key(&self.sealing)?, &self.file_id);
        let behind = if self.version > 1 { file.get(BEHIND_CHECK..SUMMED).unwrap_or_default() } else { &[] };
        let check = found(CHECK);
        if !bool::from(keys.key_check(&[before, behind]).ct_eq(&check)) {
            return Err(if self.sealing == Sealing::Device {
                Reason::WrongDevice
            } else {
                Reason::WrongSecond(self.sealing)
            });
        }
        Ok(Opened { header: self, keys, chain: first_half(&check) })
    }
}

fn write_counter(counter: Option<CounterField>, out: &mut Vec<u8>) {
    let bytes = match counter {
        None => [0; 2],
        Some(field) => [
            match field.kind {
                CounterKind::File => 1,
                CounterKind::Witness => 2,
                CounterKind::Hardware => 3,
            },
            match field.policy {
                Policy::EveryCommit => 1,
                Policy::Sessions => 2,
            },
        ],
    };
    out.extend_from_slice(&bytes);
    out.extend_from_slice(&[0; 14]);
    out.extend_from_slice(&counter.map_or([0; 16], |field| field.id));
}

fn read_counter(mut fields: Fields<'_>) -> Option<Option<CounterField>> {
    let [kind, policy] = fields.take::<2>();
    let unused = fields.take::<14>();
    let id = fields.take::<16>();
    if unused != [0; 14] {
        return None;
    }
    let kind = match kind {
        0 => return (policy == 0 && id == [0; 16]).then_some(None),
        1 => CounterKind::File,
        2 => CounterKind::Witness,
        3 => CounterKind::Hardware,
        _ => return None,
    };
    let policy = match policy {
        1 => Policy::EveryCommit,
        2 => Policy::Sessions,
        _ => return None,
    };
    Some(Some(CounterField { kind, policy, id }))
}

/// The name, filled up with zeros. One that does not fit was refused before.
fn write_instance(name: &str, out: &mut Vec<u8>) {
    out.extend(name.bytes().chain(std::iter::repeat(0)).take(MAX_INSTANCE));
}

fn read_instance(field: &[u8; MAX_INSTANCE]) -> Option<String> {
    let name = field.split(|byte| *byte == 0).next()?;
    let rest = field.get(name.len()..)?;
    is_zero(rest).then(|| String::from_utf8(name.to_vec()).ok()).flatten()
}

const _: () = assert!(BEHIND_CHECK + SEALING + MAX_INSTANCE == DEVICE_CHECK);

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
