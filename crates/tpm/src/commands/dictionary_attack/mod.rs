//! Dictionary attack functions (Part 3, clause 25).

use ironroot_wire::{DictionaryAttackLockReset, DictionaryAttackParameters};

use super::{Entry, entry};

mod dictionary_attack_lock_reset;
mod dictionary_attack_parameters;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<DictionaryAttackLockReset>(), entry::<DictionaryAttackParameters>()];
