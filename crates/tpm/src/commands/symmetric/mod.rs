//! Symmetric primitives (Part 3, clause 15).

use ironroot_wire::{EncryptDecrypt2, Hash, Hmac};

use super::{Entry, entry};

mod encrypt_decrypt2;
mod hash;
mod hmac;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<EncryptDecrypt2>(), entry::<Hash>(), entry::<Hmac>()];
