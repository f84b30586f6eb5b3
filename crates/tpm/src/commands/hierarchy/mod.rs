//! Hierarchies (Part 3, clause 24).

use ironroot_wire::{
    ChangeEps, ChangePps, Clear, ClearControl, CreatePrimary, HierarchyChangeAuth, HierarchyControl, ReadOnlyControl,
    SetPrimaryPolicy,
};

use super::{Entry, entry};

mod change_eps;
mod change_pps;
mod clear;
mod clear_control;
mod create_primary;
mod hierarchy_change_auth;
mod hierarchy_control;
mod read_only_control;
mod set_primary_policy;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<CreatePrimary>(),
    entry::<ChangePps>(),
    entry::<ChangeEps>(),
    entry::<Clear>(),
    entry::<ClearControl>(),
    entry::<HierarchyChangeAuth>(),
    entry::<HierarchyControl>(),
    entry::<SetPrimaryPolicy>(),
    entry::<ReadOnlyControl>(),
];
