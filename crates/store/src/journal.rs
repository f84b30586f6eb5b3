//! Reading a state file: what it holds, or why it is refused.
//!
//! Two things can be wrong with a file. A commit may have been cut off by a power failure or a kill: then its frame is the
//! last, was never acknowledged, and is passed over. Or the file is not as it was written: then it is refused. The
//! two are told apart by one fact about disks: a 512-byte block is written whole or not at all. The file is filled with
//! zeros before it is used, so an unfinished frame has a block that is still all zero (or the file ends inside it),
//! and a finished frame never has.

use crate::access::Access;
use crate::body;
use crate::frame::{FrameHeader, Kind, MAX_BLOCKS};
use crate::header::{BLOCK, Header, Opened, is_zero};
use crate::keys::FileKeys;
use crate::refusal::{Reason, Refusal};
use ironroot_platform::Records;

/// No state file is larger: what is larger is not read.
pub const MAX_FILE: u64 = 128 << 20;

/// A verified state file.
pub struct Journal {
    pub header: Header,
    pub records: Records,
    /// The store's own records.
    pub own: Records,
    /// Where the last frame ends.
    pub end: usize,
    /// The sequence number of the last frame.
    pub sequence: u64,
    /// The tag of the last frame.
    pub chain: [u8; 16],
    pub keys: FileKeys,
    /// Behind the end there is something of a commit that was never finished.
    pub unfinished: bool,
}

/// Reads and verifies a whole file.
pub fn read(file: &[u8], access: &mut Access) -> Result<Journal, Refusal> {
    if file.len() as u64 > MAX_FILE {
        return Err(Refusal { offset: 0, reason: Reason::TooLarge });
    }
    let Opened { header, keys, chain } = Header::read(file)?.unlock(file, access)?;
    let mut journal = Journal {
        records: Records::new(),
        own: Records::new(),
        end: BLOCK,
        sequence: header.first_sequence.wrapping_sub(1),
        chain,
        header,
        keys,
        unfinished: false,
    };
    loop {
        let next = journal.next(file)?;
        match next {
            Next::Frame => {}
            Next::End | Next::Unfinished if journal.end == BLOCK => {
                return Err(Refusal::damaged(BLOCK, "the checkpoint is missing or cut off"));
            }
            Next::End => return Ok(journal),
            Next::Unfinished => {
                journal.unfinished = true;
                return Ok(journal);
            }
        }
    }
}

/// What stands behind the frames that were read so far.
enum Next {
    /// A frame, which has been applied.
    Frame,
    /// Nothing.
    End,
    /// What is left of a commit that was never acknowledged.
    Unfinished,
}

impl Journal {
    fn next(&mut self, file: &[u8]) -> Result<Next, Refusal> {
        let at = self.end;
        let rest = file.get(at..).unwrap_or_default();
        let Some(first) = rest.first_chunk::<BLOCK>() else {
            return Ok(if is_zero(rest) { Next::End } else { Next::Unfinished });
        };
        if is_zero(first) {
            return self.hole(rest, at);
        }
        let wanted = self.sequence.wrapping_add(1);
        let Some(header) = FrameHeader::read(first, &self.keys) else {
            return Err(Refusal::damaged(at, format!("the header of frame {wanted} does not authenticate")));
        };
        if header.sequence != wanted {
            return Err(Refusal::damaged(at, format!("frame {} stands where frame {wanted} belongs", header.sequence)));
        }
        let kind = if at == BLOCK { Kind::Checkpoint } else { Kind::Changes };
        if header.kind != kind as u8 || header.blocks == 0 || header.blocks > MAX_BLOCKS {
            return Err(Refusal::damaged(at, format!("frame {wanted} is of an unexpected kind or size")));
        }
        let size = header.blocks.saturating_mul(BLOCK);
        let Some((frame, behind)) = rest.split_at_checked(size) else {
            return Ok(Next::Unfinished);
        };
        let Some((contents, tag)) = header.open(frame, &self.keys, &self.chain) else {
            return self.unopened(&header, frame, behind, at);
        };
        // The store's own records stand in checkpoints, since version 2.
        let own = (kind == Kind::Checkpoint && self.header.version > 1).then_some(&mut self.own);
        if !body::apply(&contents, &mut self.records, own) {
            return Err(Refusal::damaged(at, format!("frame {wanted} holds changes of an unknown form")));
        }
        (self.end, self.sequence, self.chain) = (at.saturating_add(size), wanted, tag);
        Ok(Next::Frame)
    }

    /// A frame with a good header does not open: it is unfinished if a block of it was never written and nothing
    /// acknowledged stands behind it.
    fn unopened(&self, header: &FrameHeader, frame: &[u8], behind: &[u8], at: usize) -> Result<Next, Refusal> {
        if !frame.chunks(BLOCK).any(is_zero) {
            return Err(Refusal::damaged(at, format!("frame {} does not authenticate", header.sequence)));
        }
        let behind_at = at.saturating_add(frame.len());
        if !header.relaxed && !is_zero(behind) {
            return Err(Refusal::damaged(at, format!("frame {} is cut off, but not the last", header.sequence)));
        }
        self.hole(behind, behind_at)?;
        Ok(Next::Unfinished)
    }

    /// A block was never written. What stands behind it must be nothing, or blocks of frames that were on their way to
    /// the disk at the same moment: parts of the one that begins here, or others that were acknowledged without
    /// waiting for the disk.
    fn hole(&self, rest: &[u8], at: usize) -> Result<Next, Refusal> {
        let mut answer = Next::End;
        for (index, block) in rest.chunks(BLOCK).enumerate().filter(|(_, block)| !is_zero(block)) {
            let place = at.saturating_add(index.saturating_mul(BLOCK));
            match FrameHeader::read(block, &self.keys) {
                Some(header) if !header.relaxed => {
                    let missing = self.sequence.wrapping_add(1);
                    return Err(Refusal::damaged(
                        place,
                        format!("frame {} is there, but frame {missing} is missing", header.sequence),
                    ));
                }
                None if !looks_random(block) => {
                    return Err(Refusal::damaged(place, "there is something where nothing was written"));
                }
                _ => answer = Next::Unfinished,
            }
        }
        Ok(answer)
    }
}

/// Whether a block is dense enough to be part of a frame (which has two zero bytes on the average): a flipped bit in the
/// unused part of the file is none.
fn looks_random(block: &[u8]) -> bool {
    block.len() < BLOCK || block.iter().filter(|byte| **byte == 0).count() < BLOCK / 4
}
