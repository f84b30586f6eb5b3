//! Testing (Part 3, clause 10).

use ironroot_wire::{GetTestResult, IncrementalSelfTest, SelfTest};

use super::{Entry, entry};

mod get_test_result;
mod incremental_self_test;
mod self_test;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<SelfTest>(), entry::<IncrementalSelfTest>(), entry::<GetTestResult>()];
