//! `TPM2_SignDigest` (Part 3, 20.7).

use ironroot_wire::{SignDigest, SignDigestResponse, TpmRc, TpmaObject};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{digests::Form, hashcheck, schemes},
};

impl Action for SignDigest {
    fn run(self, tpm: &mut Core) -> Result<SignDigestResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(1));
        }
        if key.has(TpmaObject::X509_SIGN) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let scheme = schemes::own(&key).map_err(|rc| rc.handle(1))?;
        let form = Form::of(&key, &scheme).map_err(|rc| rc.handle(1))?;
        form.check_context(&scheme, &self.context).map_err(|rc| rc.parameter(1))?;
        form.check_size(&self.digest).map_err(|rc| rc.parameter(2))?;
        if key.has(TpmaObject::RESTRICTED) || !self.validation.digest.is_empty() {
            let hash = form.hash().ok_or(TpmRc::TICKET.parameter(3))?;
            hashcheck::check(tpm, &self.validation, hash, &self.digest).map_err(|rc| rc.parameter(3))?;
        }
        Ok(SignDigestResponse { signature: form.sign(tpm, &key, scheme, &self.context, &self.digest)? })
    }
}
