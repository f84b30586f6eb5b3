//! Start-up (Part 3, clause 9).

use ironroot_wire::{Shutdown, Startup};

use super::{Entry, entry};

mod shutdown;
#[allow(clippy::module_inception)]
mod startup;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<Shutdown>(), entry::<Startup>()];
