//! Hierarchies (Part 3, clause 24).

use ironroot_wire::{Clear, ClearControl, CreatePrimary, HierarchyChangeAuth, HierarchyControl, SetPrimaryPolicy};

use super::{Entry, entry};

mod clear;
mod clear_control;
mod create_primary;
mod hierarchy_change_auth;
mod hierarchy_control;
mod set_primary_policy;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<CreatePrimary>(),
    entry::<Clear>(),
    entry::<ClearControl>(),
    entry::<HierarchyChangeAuth>(),
    entry::<HierarchyControl>(),
    entry::<SetPrimaryPolicy>(),
];
