//! `TPM2_ContextLoad` (Part 3, 28.3).

use alloc::sync::Arc;

use ironroot_wire::{ContextLoad, ContextLoadResponse, HandleKind, TpmHandle, TpmRc, TpmiDhContext, Wire};

use super::protection::{self, Place, SAVED_SEQUENCE};
use crate::{
    commands::Action,
    core_state::Core,
    rules::{object_record, sequence_record},
    state::{hierarchy::Hierarchy, objects::Slot, sessions::Session},
};

impl Action for ContextLoad {
    fn run(self, tpm: &mut Core) -> Result<ContextLoadResponse, TpmRc> {
        let place = Place {
            sequence: self.context.sequence,
            saved_handle: self.context.saved_handle.into(),
            hierarchy: Hierarchy::from(self.context.hierarchy),
        };
        let plain = protection::unprotect(tpm, &place, &self.context.context_blob).map_err(|rc| rc.parameter(1))?;
        // What is authentic was made by this TPM: if it cannot be read, the TPM is broken (Part 1, 27.3).
        let broken = |_| TpmRc::FAILURE;
        let loaded_handle = match place.saved_handle.kind() {
            HandleKind::Transient => {
                tpm.require_hierarchy(place.hierarchy).map_err(|rc| rc.parameter(1))?;
                let slot = if place.saved_handle == SAVED_SEQUENCE {
                    Slot::Sequence(sequence_record::restore(&plain).map_err(broken)?)
                } else {
                    Slot::Object(Arc::new(object_record::restore(&plain, tpm.provider).map_err(broken)?))
                };
                tpm.objects.insert(slot)?
            }
            _ => load_session(tpm, &place, &plain)?,
        };
        Ok(ContextLoadResponse { loaded_handle: TpmiDhContext(loaded_handle.0) })
    }
}

/// Each saved context of a session loads once: the number in the list of saved sessions must still be the context's.
fn load_session(tpm: &mut Core, place: &Place, plain: &[u8]) -> Result<TpmHandle, TpmRc> {
    let session = Session::from_bytes(plain).map_err(|_| TpmRc::FAILURE)?;
    tpm.sessions.restore(place.saved_handle, place.sequence, session).map_err(|rc| rc.parameter(1))?;
    Ok(place.saved_handle)
}
