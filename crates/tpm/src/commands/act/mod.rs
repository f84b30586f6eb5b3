//! Authenticated countdown timers (Part 3, clause 33).

use ironroot_wire::ActSetTimeout;

use super::{Entry, entry};

mod act_set_timeout;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<ActSetTimeout>()];
