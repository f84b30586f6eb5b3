//! `TPM2_HierarchyControl` (Part 3, 24.2).

use ironroot_wire::{HierarchyControl, HierarchyControlResponse, TpmHandle, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    state::{hierarchy::Hierarchy, objects::Slot},
};

impl Action for HierarchyControl {
    fn run(self, tpm: &mut Core) -> Result<HierarchyControlResponse, TpmRc> {
        let auth = TpmHandle::from(self.auth_handle);
        let enable = TpmHandle::from(self.enable);
        let state = self.state.0;
        let by_platform = auth == TpmHandle::PLATFORM;
        // A hierarchy's own authorization may only disable it; the platform may do both, but phEnable is set by
        // TPM2_Startup alone.
        let allowed = match enable {
            TpmHandle::PLATFORM => by_platform && !state,
            TpmHandle::PLATFORM_NV => by_platform,
            _ => by_platform || (auth == enable && !state),
        };
        if !allowed {
            return Err(TpmRc::AUTH_TYPE);
        }
        let hierarchies = &mut tpm.hierarchies;
        match enable {
            TpmHandle::OWNER => hierarchies.owner_enabled = state,
            TpmHandle::ENDORSEMENT => hierarchies.endorsement_enabled = state,
            TpmHandle::PLATFORM => hierarchies.platform_enabled = state,
            _ => hierarchies.platform_nv_enabled = state,
        }
        if let Some(hierarchy) = Hierarchy::from_handle(enable).filter(|_| !state) {
            tpm.objects
                .flush_if(|slot| matches!(slot, Slot::Object(object) if object.hierarchy.base == hierarchy.base));
        }
        Ok(HierarchyControlResponse {})
    }
}
