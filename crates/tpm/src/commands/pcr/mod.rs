//! Integrity collection: PCR (Part 3, clause 22).

use ironroot_wire::{PcrAllocate, PcrEvent, PcrExtend, PcrRead, PcrReset, PcrSetAuthPolicy, PcrSetAuthValue};

use super::{Entry, entry};

mod pcr_allocate;
mod pcr_event;
mod pcr_extend;
mod pcr_read;
mod pcr_reset;
mod pcr_set_auth_policy;
mod pcr_set_auth_value;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<PcrAllocate>(),
    entry::<PcrEvent>(),
    entry::<PcrExtend>(),
    entry::<PcrRead>(),
    entry::<PcrSetAuthPolicy>(),
    entry::<PcrSetAuthValue>(),
    entry::<PcrReset>(),
];
