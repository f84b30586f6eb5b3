//! Ephemeral keys of elliptic curves (Part 3, clause 19).

use ironroot_wire::{Commit, EcEphemeral};

use super::{Entry, entry};

mod commit;
mod ec_ephemeral;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<Commit>(), entry::<EcEphemeral>()];
