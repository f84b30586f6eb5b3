//! Symmetric primitives (Part 3, clause 15).

use ironroot_wire::{EncryptDecrypt, EncryptDecrypt2, Hash, Hmac, Mac};

use super::{Entry, entry, entry_with_cmac};

mod encrypt_decrypt;
mod encrypt_decrypt2;
mod hash;
mod hmac;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] =
    &[entry::<EncryptDecrypt>(), entry::<EncryptDecrypt2>(), entry::<Hash>(), entry_with_cmac::<Hmac, Mac>()];
