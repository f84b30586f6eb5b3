//! Miscellaneous management functions (Part 3, clause 26).

use ironroot_wire::{PpCommands, SetAlgorithmSet};

use super::{Entry, entry};

mod pp_commands;
mod set_algorithm_set;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<PpCommands>(), entry::<SetAlgorithmSet>()];
