//! Hash, MAC, event and signature sequences (Part 3, clause 17).

use ironroot_wire::{
    EventSequenceComplete, HashSequenceStart, HmacStart, MacStart, SequenceComplete, SequenceUpdate, SignSequenceStart,
    VerifySequenceStart,
};

use super::{Entry, entry, entry_with_cmac};

mod event_sequence_complete;
mod hash_sequence_start;
mod hmac_start;
mod sequence_complete;
mod sequence_update;
mod sign_sequence_start;
mod verify_sequence_start;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry_with_cmac::<HmacStart, MacStart>(),
    entry::<HashSequenceStart>(),
    entry::<SignSequenceStart>(),
    entry::<VerifySequenceStart>(),
    entry::<SequenceUpdate>(),
    entry::<SequenceComplete>(),
    entry::<EventSequenceComplete>(),
];
