//! Sessions (Part 3, clause 11).

use ironroot_wire::{PolicyRestart, StartAuthSession};

use super::{Entry, entry};

mod policy_restart;
mod start_auth_session;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<PolicyRestart>(), entry::<StartAuthSession>()];
