//! `TPM2_Shutdown` (Part 3, 9.4).

use ironroot_wire::{SeedValue, Shutdown, ShutdownResponse, TpmRc, TpmSu, TpmiYesNo};

use crate::{
    commands::Action,
    core_state::Core,
    state::{
        administration::Administration,
        permanent,
        saved::{Bytes, SavedState},
    },
};

impl Action for Shutdown {
    fn run(self, tpm: &mut Core) -> Result<ShutdownResponse, TpmRc> {
        // PCR that were reconfigured cannot be saved (Part 3, 22.5).
        if self.shutdown_type == TpmSu::State && tpm.pcr_reconfigured {
            return Err(TpmRc::TYPE.parameter(1));
        }
        let (saved, how) = match (self.shutdown_type, tpm.clock.is_safe()) {
            (TpmSu::Clear, true) => (None, permanent::Shutdown::Clear),
            (TpmSu::Clear, false) => (None, permanent::Shutdown::ClearUnsafe),
            (TpmSu::State, true) => (Some(snapshot(tpm)?), permanent::Shutdown::State),
            (TpmSu::State, false) => (Some(snapshot(tpm)?), permanent::Shutdown::StateUnsafe),
        };
        if saved.is_some() || tpm.nv.saved_state().is_some() {
            tpm.nv.set_saved_state(saved);
        }
        tpm.nv.permanent_mut().shutdown = how;
        tpm.nv.save_orderly();
        Ok(ShutdownResponse {})
    }
}

fn snapshot(tpm: &Core) -> Result<SavedState, TpmRc> {
    let hierarchies = &tpm.hierarchies;
    Ok(SavedState {
        owner_enabled: TpmiYesNo(hierarchies.owner_enabled),
        endorsement_enabled: TpmiYesNo(hierarchies.endorsement_enabled),
        platform_nv_enabled: TpmiYesNo(hierarchies.platform_nv_enabled),
        platform_auth: hierarchies.platform_auth.clone(),
        platform_policy: hierarchies.platform_policy.clone(),
        null_seed: SeedValue::from_slice(&hierarchies.null_seed)?,
        null_proof: SeedValue::from_slice(&hierarchies.null_proof)?,
        object_context_id: tpm.object_context_id,
        startup_locality: tpm.startup_locality,
        pcr_update_counter: tpm.pcrs.update_counter,
        pcrs: Bytes(zeroize::Zeroizing::new(tpm.pcrs.save())),
        sessions: Bytes(tpm.sessions.save_list()),
        administration: Administration {
            timers: tpm.administration.timers.suspended(tpm.clock.time()),
            ..tpm.administration.clone()
        },
        commits: tpm.commits.clone(),
    })
}
