//! `TPM2_ContextSave` (Part 3, 28.2).

use alloc::vec::Vec;

use ironroot_wire::{ContextSave, ContextSaveResponse, HandleKind, TpmHandle, TpmRc, TpmiDhSaved, TpmsContext, Wire};
use zeroize::Zeroizing;

use super::protection::{self, Place, SAVED_OBJECT, SAVED_SEQUENCE, SAVED_ST_CLEAR};
use crate::{
    commands::Action,
    core_state::Core,
    rules::{object_record, sequence_record},
    state::{hierarchy::Hierarchy, objects::Slot},
};

/// Enough for every object, so that a growing vector leaves no copy behind.
const CAPACITY: usize = 4096;

impl Action for ContextSave {
    fn run(self, tpm: &mut Core) -> Result<ContextSaveResponse, TpmRc> {
        let handle = TpmHandle::from(self.save_handle);
        let mut plain = Zeroizing::new(Vec::with_capacity(CAPACITY));
        let place = match handle.kind() {
            HandleKind::Transient => save_slot(tpm, handle, &mut plain)?,
            _ => save_session(tpm, handle, &mut plain)?,
        };
        let context_blob = protection::protect(tpm, &place, plain)?;
        let context = TpmsContext {
            sequence: place.sequence,
            saved_handle: TpmiDhSaved(place.saved_handle.0),
            hierarchy: place.hierarchy.rh(),
            context_blob,
        };
        Ok(ContextSaveResponse { context })
    }
}

/// A saved object or sequence stays loaded.
fn save_slot(tpm: &mut Core, handle: TpmHandle, plain: &mut Vec<u8>) -> Result<Place, TpmRc> {
    let sequence = tpm.object_context_id;
    let (saved_handle, hierarchy) = match tpm.objects.get(handle).ok_or(TpmRc::REFERENCE_H0)? {
        Slot::Object(object) => {
            object_record::save(object, plain);
            (if object.st_clear { SAVED_ST_CLEAR } else { SAVED_OBJECT }, object.hierarchy)
        }
        Slot::Sequence(sequence) => {
            sequence_record::save(sequence, plain);
            (SAVED_SEQUENCE, Hierarchy::NULL)
        }
    };
    tpm.object_context_id = sequence.checked_add(1).ok_or(TpmRc::TOO_MANY_CONTEXTS)?;
    Ok(Place { sequence, saved_handle, hierarchy })
}

/// A saved session leaves memory.
fn save_session(tpm: &mut Core, handle: TpmHandle, plain: &mut Vec<u8>) -> Result<Place, TpmRc> {
    let (session, sequence) = tpm.sessions.save(handle)?;
    session.marshal(plain);
    Ok(Place { sequence, saved_handle: handle, hierarchy: Hierarchy::NULL })
}
