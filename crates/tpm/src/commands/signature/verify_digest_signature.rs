//! `TPM2_VerifyDigestSignature` (Part 3, 20.4).

use ironroot_wire::{TpmRc, TpmuTkVerifiedMeta, VerifyDigestSignature, VerifyDigestSignatureResponse};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{digests::Form, schemes, tickets},
};

impl Action for VerifyDigestSignature {
    fn run(self, tpm: &mut Core) -> Result<VerifyDigestSignatureResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(1));
        }
        let scheme = schemes::own(&key).map_err(|rc| rc.handle(1))?;
        let form = Form::of(&key, &scheme).map_err(|rc| rc.handle(1))?;
        form.check_context(&scheme, &self.context).map_err(|rc| rc.parameter(1))?;
        form.check_size(&self.digest).map_err(|rc| rc.parameter(2))?;
        schemes::require_match(&scheme, &key, &self.signature).map_err(|rc| rc.parameter(3))?;
        form.verify(tpm, &key, &self.context, &self.digest, &self.signature).map_err(|rc| rc.parameter(3))?;
        let metadata = TpmuTkVerifiedMeta::DigestVerified(form.algorithm());
        let validation = tickets::verified(tpm, key.hierarchy, metadata, &self.digest, &key.name)?;
        Ok(VerifyDigestSignatureResponse { validation })
    }
}
