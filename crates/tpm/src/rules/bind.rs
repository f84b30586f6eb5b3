//! Binding of sessions to entities (Part 1, clause 16.6.12).

use ironroot_crypto::hash;
use ironroot_wire::{Tpm2bDigest, TpmHandle, TpmRc, TpmiAlgHash};

use crate::core_state::Core;

/// What a session remembers of the entity that it is bound to: a digest of its name and auth value. The session stops
/// being bound when either changes.
///
/// # Errors
/// The entity has no auth value.
pub fn digest(tpm: &Core, handle: TpmHandle) -> Result<Tpm2bDigest, TpmRc> {
    let name = tpm.entity_name(handle)?;
    let auth = tpm.auth_value(handle)?;
    let size = u8::try_from(name.len()).unwrap_or(u8::MAX);
    Tpm2bDigest::from_slice(&hash::digest(TpmiAlgHash::Sha256, &[&[size], &name, &auth]))
}
