//! Signing and signature verification (Part 3, clause 20).

use ironroot_wire::{Sign, VerifySignature};

use super::{Entry, entry};

mod sign;
mod verify_signature;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<VerifySignature>(), entry::<Sign>()];
