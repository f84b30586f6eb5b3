//! `TPM2_HierarchyChangeAuth` (Part 3, 24.8).

use ironroot_wire::{HierarchyChangeAuth, HierarchyChangeAuthResponse, Tpm2bAuth, TpmHandle, TpmRc, TpmaPermanent};

use crate::{commands::Action, core_state::Core, rules::auth_value};

impl Action for HierarchyChangeAuth {
    fn run(self, tpm: &mut Core) -> Result<HierarchyChangeAuthResponse, TpmRc> {
        let auth = Tpm2bAuth::from_slice(auth_value::trimmed(&self.new_auth)).map_err(|rc| rc.parameter(1))?;
        let handle = TpmHandle::from(self.auth_handle);
        if handle == TpmHandle::PLATFORM {
            tpm.hierarchies.platform_auth = auth;
            return Ok(HierarchyChangeAuthResponse {});
        }
        let permanent = tpm.nv.permanent_mut();
        let (slot, flag) = match handle {
            TpmHandle::OWNER => (&mut permanent.owner_auth, TpmaPermanent::OWNER_AUTH_SET),
            TpmHandle::ENDORSEMENT => (&mut permanent.endorsement_auth, TpmaPermanent::ENDORSEMENT_AUTH_SET),
            _ => (&mut permanent.lockout_auth, TpmaPermanent::LOCKOUT_AUTH_SET),
        };
        *slot = auth;
        permanent.attributes = permanent.attributes.with(flag);
        Ok(HierarchyChangeAuthResponse {})
    }
}
