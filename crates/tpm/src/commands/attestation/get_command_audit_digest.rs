//! `TPM2_GetCommandAuditDigest` (Part 3, 18.6).

use ironroot_wire::{
    GetCommandAuditDigest, GetCommandAuditDigestResponse, Tpm2bDigest, TpmAlgId, TpmRc, TpmsCommandAuditInfo,
    TpmuAttest,
};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attestation::{Place, Signer},
        audit,
    },
};

impl Action for GetCommandAuditDigest {
    fn run(self, tpm: &mut Core) -> Result<GetCommandAuditDigestResponse, TpmRc> {
        let signed = self.sign_handle.is_some();
        let signer = Signer::new(tpm, self.sign_handle, self.in_scheme, Place { handle: 2, scheme: 2 })?;
        let attested = TpmuAttest::CommandAudit(TpmsCommandAuditInfo {
            audit_counter: tpm.nv.settings().audit_counter,
            digest_alg: TpmAlgId(audit::hash_alg(tpm).value()),
            audit_digest: tpm.administration.audit_digest.clone(),
            command_digest: audit::command_digest(tpm)?,
        });
        let (audit_info, signature) = signer.attest(tpm, self.qualifying_data, attested)?;
        if signed {
            // The log ends here; the next audited command begins another.
            tpm.administration.audit_digest = Tpm2bDigest::default();
        }
        Ok(GetCommandAuditDigestResponse { audit_info, signature })
    }
}
