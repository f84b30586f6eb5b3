//! Random number generator (Part 3, clause 16).

use ironroot_wire::{GetRandom, StirRandom};

use super::{Entry, entry};

mod get_random;
mod stir_random;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<GetRandom>(), entry::<StirRandom>()];
