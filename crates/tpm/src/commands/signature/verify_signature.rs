//! `TPM2_VerifySignature` (Part 3, 20.2).

use ironroot_wire::{TpmRc, TpmaObject, TpmuTkVerifiedMeta, VerifySignature, VerifySignatureResponse};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{signatures, tickets},
};

impl Action for VerifySignature {
    fn run(self, tpm: &mut Core) -> Result<VerifySignatureResponse, TpmRc> {
        // A sequence has no attributes, so not this one either.
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::ATTRIBUTES.handle(1))?;
        if !key.has(TpmaObject::SIGN_ENCRYPT) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        signatures::verify(tpm, &key, &[], &self.digest, &self.signature).map_err(|rc| rc.parameter(2))?;
        let metadata = TpmuTkVerifiedMeta::Verified;
        let validation = tickets::verified(tpm, key.hierarchy, metadata, &self.digest, &key.name)?;
        Ok(VerifySignatureResponse { validation })
    }
}
