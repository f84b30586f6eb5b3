//! Context management (Part 3, clause 28).

use ironroot_wire::{ContextLoad, ContextSave, EvictControl, FlushContext};

use super::{Entry, entry};

mod context_load;
mod context_save;
mod evict_control;
mod flush_context;
mod protection;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] =
    &[entry::<ContextLoad>(), entry::<ContextSave>(), entry::<EvictControl>(), entry::<FlushContext>()];
