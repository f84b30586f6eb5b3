//! `TPM2_EvictControl` (Part 3, 28.5).

use alloc::sync::Arc;

use ironroot_wire::{EvictControl, EvictControlResponse, HandleKind, TpmHandle, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    state::{hierarchy::Hierarchy, objects::Object},
};

impl Action for EvictControl {
    fn run(self, tpm: &mut Core) -> Result<EvictControlResponse, TpmRc> {
        let object_handle = TpmHandle::from(self.object_handle);
        // A sequence is in no hierarchy, as if it were in that of TPM_RH_NULL.
        let object = tpm.object(object_handle).map_err(|rc| match rc {
            TpmRc::TYPE => TpmRc::ATTRIBUTES.handle(2),
            rc => rc.handle(2),
        })?;
        if object_handle.kind() == HandleKind::Persistent {
            evict(&self, tpm, object_handle)?;
        } else {
            persist(&self, tpm, object)?;
        }
        Ok(EvictControlResponse {})
    }
}

fn by_platform(command: &EvictControl) -> bool {
    TpmHandle::from(command.auth) == TpmHandle::PLATFORM
}

fn persist(command: &EvictControl, tpm: &mut Core, object: Arc<Object>) -> Result<(), TpmRc> {
    let handle = TpmHandle::from(command.persistent_handle);
    if object.hierarchy == Hierarchy::NULL || object.hierarchy.is_limited() || object.st_clear {
        return Err(TpmRc::ATTRIBUTES.handle(2));
    }
    if by_platform(command) != (object.hierarchy == Hierarchy::PLATFORM) {
        return Err(TpmRc::HIERARCHY.handle(2));
    }
    if by_platform(command) != (handle >= TpmHandle::PLATFORM_PERSISTENT) {
        return Err(TpmRc::RANGE.parameter(1));
    }
    if tpm.nv.persistent(handle).is_some() {
        return Err(TpmRc::NV_DEFINED);
    }
    if tpm.nv.persistents().count() >= tpm.profile.persistent_objects {
        return Err(TpmRc::NV_SPACE);
    }
    tpm.nv.put_persistent(handle, object);
    Ok(())
}

fn evict(command: &EvictControl, tpm: &mut Core, object_handle: TpmHandle) -> Result<(), TpmRc> {
    if !by_platform(command) && object_handle >= TpmHandle::PLATFORM_PERSISTENT {
        return Err(TpmRc::RANGE.handle(2));
    }
    if object_handle != TpmHandle::from(command.persistent_handle) {
        return Err(TpmRc::HANDLE.handle(2));
    }
    tpm.nv.remove_persistent(object_handle);
    Ok(())
}
