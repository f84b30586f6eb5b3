//! `TPM2_GetSessionAuditDigest` (Part 3, 18.5).

use ironroot_wire::{
    GetSessionAuditDigest, GetSessionAuditDigestResponse, TpmHandle, TpmRc, TpmiYesNo, TpmsSessionAuditInfo, TpmuAttest,
};

use crate::{
    commands::Action,
    core_state::Core,
    rules::attestation::{Place, Signer},
};

impl Action for GetSessionAuditDigest {
    fn run(self, tpm: &mut Core) -> Result<GetSessionAuditDigestResponse, TpmRc> {
        let signer = Signer::new(tpm, self.sign_handle, self.in_scheme, Place { handle: 2, scheme: 2 })?;
        let handle = TpmHandle::from(self.session_handle);
        let audit = tpm.sessions.get(handle).and_then(|session| session.audit.clone());
        let session_digest = audit.ok_or(TpmRc::TYPE.handle(3))?;
        let exclusive_session = TpmiYesNo(tpm.sessions.exclusive_audit == Some(handle));
        let attested = TpmuAttest::SessionAudit(TpmsSessionAuditInfo { exclusive_session, session_digest });
        let (audit_info, signature) = signer.attest(tpm, self.qualifying_data, attested)?;
        Ok(GetSessionAuditDigestResponse { audit_info, signature })
    }
}
