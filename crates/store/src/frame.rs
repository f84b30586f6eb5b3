//! A frame: one commit, or one checkpoint, sealed and chained to the frame before it.
//!
//! A frame is a whole number of blocks, and all its bytes but a few of the header look random; so a block of a frame is
//! never all zero, and a block that is all zero was never written. [`crate::journal`] builds on that.

use crate::header::{BLOCK, Fields};
use crate::keys::FileKeys;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

const MAGIC: &[u8; 8] = b"IRFRAME\0";
/// The header's size in bytes.
pub const HEADER: usize = 64;
/// The part of the header that its MAC covers.
const HEADER_MACED: usize = 48;
/// The size of the tag at the end.
const TAG: usize = 16;
/// No frame has more blocks than this (16 MiB).
pub const MAX_BLOCKS: usize = 32_768;

/// What a frame does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Holds every record; what was before is void. The first frame of a file and no other.
    Checkpoint = 1,
    /// Holds the changes of one commit.
    Changes = 2,
}

/// What a frame's header says, once it has been authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The kind's number; unknown ones belong to later releases.
    pub kind: u8,
    /// The commit was acknowledged without waiting for the disk.
    pub relaxed: bool,
    /// The size of the frame.
    pub blocks: usize,
    /// One more than the frame before.
    pub sequence: u64,
    nonce: [u8; 24],
}

/// How many blocks a frame with this much content takes, or nothing if that is more than a frame may have.
pub fn blocks(content: usize) -> Option<usize> {
    let blocks = content.checked_add(HEADER)?.checked_add(TAG)?.div_ceil(BLOCK);
    (blocks <= MAX_BLOCKS).then_some(blocks)
}

/// What a frame is sealed with.
pub struct Seal<'a> {
    pub keys: &'a FileKeys,
    pub kind: Kind,
    pub relaxed: bool,
    pub sequence: u64,
    /// The tag of the frame before, or the header's chain value.
    pub chain: &'a [u8; 16],
    pub random: &'a [u8; 32],
}

impl Seal<'_> {
    /// The frame, and its tag, for contents that `write` appends; `content` is their exact length. Nothing if
    /// that is too long.
    pub fn seal(&self, content: usize, write: impl FnOnce(&mut Vec<u8>)) -> Option<(Vec<u8>, [u8; 16])> {
        let blocks = blocks(content)?;
        let size = blocks.checked_mul(BLOCK)?;
        // Reserved whole, so that no copy of the contents stays behind when the vector grows.
        let mut frame = Zeroizing::new(Vec::with_capacity(size));
        frame.resize(HEADER, 0);
        write(&mut frame);
        if frame.len() != content.checked_add(HEADER)? {
            return None;
        }
        frame.resize(size.checked_sub(TAG)?, 0);

        let (header, body) = frame.split_at_mut_checked(HEADER)?;
        let nonce = self.keys.frame_nonce(self.random, self.sequence, self.chain, body);
        header.copy_from_slice(&self.header(blocks, &nonce)?);
        let aad = aad(self.chain, header);
        let cipher = XChaCha20Poly1305::new((&*self.keys.seal).into());
        let Ok(tag) = cipher.encrypt_inout_detached((&nonce).into(), &aad, body.into()) else {
            body.zeroize();
            return None;
        };
        frame.extend_from_slice(&tag);
        Some((core::mem::take(&mut *frame), tag.into()))
    }

    fn header(&self, blocks: usize, nonce: &[u8; 24]) -> Option<[u8; HEADER]> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&[self.kind as u8, u8::from(self.relaxed), 0, 0]);
        header.extend_from_slice(&u32::try_from(blocks).ok()?.to_be_bytes());
        header.extend_from_slice(&self.sequence.to_be_bytes());
        header.extend_from_slice(nonce);
        let mac = self.keys.frame_header_mac(&header);
        header.extend_from_slice(&mac);
        header.try_into().ok()
    }
}

/// What the contents' authentication covers beside them.
fn aad(chain: &[u8; 16], header: &[u8]) -> Vec<u8> {
    [chain, header].concat()
}

impl FrameHeader {
    /// Reads and authenticates a frame's header. Nothing if it is none of this file.
    pub fn read(bytes: &[u8], keys: &FileKeys) -> Option<Self> {
        let (maced, mac) = bytes.get(..HEADER)?.split_at_checked(HEADER_MACED)?;
        let mut fields = Fields(maced);
        if fields.take::<8>() != *MAGIC || !bool::from(keys.frame_header_mac(maced).ct_eq(mac)) {
            return None;
        }
        let [kind, flags, ..] = fields.take::<4>();
        let blocks = usize::try_from(u32::from_be_bytes(fields.take())).ok()?;
        let sequence = u64::from_be_bytes(fields.take());
        Some(Self { kind, relaxed: flags & 1 != 0, blocks, sequence, nonce: fields.take() })
    }

    /// Authenticates and decrypts a whole frame. Returns the contents and the tag, or nothing if any bit is wrong.
    pub fn open(&self, frame: &[u8], keys: &FileKeys, chain: &[u8; 16]) -> Option<(Zeroizing<Vec<u8>>, [u8; 16])> {
        let (header, rest) = frame.split_at_checked(HEADER)?;
        let (body, tag) = rest.split_last_chunk::<TAG>()?;
        let mut body = Zeroizing::new(body.to_vec());
        let cipher = XChaCha20Poly1305::new((&*keys.seal).into());
        let contents: &mut [u8] = &mut body;
        cipher.decrypt_inout_detached((&self.nonce).into(), &aad(chain, header), contents.into(), tag.into()).ok()?;
        Some((body, *tag))
    }
}
