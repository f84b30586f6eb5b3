//! `TPM2_SetCommandCodeAuditStatus` (Part 3, 21.2).

use ironroot_wire::{SetCommandCodeAuditStatus, SetCommandCodeAuditStatusResponse, Tpm2bDigest, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::audit,
    state::settings::{SET_COMMAND_CODE_AUDIT_STATUS, edited},
};

impl Action for SetCommandCodeAuditStatus {
    fn run(self, tpm: &mut Core) -> Result<SetCommandCodeAuditStatusResponse, TpmRc> {
        if let Some(alg) = self.audit_alg.filter(|&alg| alg != audit::hash_alg(tpm)) {
            // The hash or the list, not both at the same time.
            if !(self.set_list.is_empty() && self.clear_list.is_empty()) {
                return Err(TpmRc::VALUE.parameter(1));
            }
            tpm.nv.settings_mut().audit_alg = Some(alg);
            tpm.administration.audit_digest = Tpm2bDigest::default();
            return Ok(SetCommandCodeAuditStatusResponse {});
        }
        let current = &tpm.nv.settings().audited;
        let audited = edited(current, &self.set_list, &self.clear_list, SET_COMMAND_CODE_AUDIT_STATUS, |code| {
            audit::may_audit(&tpm.profile, code)
        });
        if audited != *current {
            tpm.nv.settings_mut().audited = audited;
        }
        Ok(SetCommandCodeAuditStatusResponse {})
    }
}
