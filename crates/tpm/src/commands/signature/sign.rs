//! `TPM2_Sign` (Part 3, 20.5).

use ironroot_wire::{Sign, SignResponse, TpmRc, TpmaObject};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{hashcheck, schemes, signatures},
};

impl Action for Sign {
    fn run(self, tpm: &mut Core) -> Result<SignResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(1));
        }
        if key.has(TpmaObject::X509_SIGN) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let scheme = schemes::signing(&key, self.in_scheme).map_err(|rc| rc.parameter(2))?;
        // A scheme without a choice of hash signs messages, not digests (Part 3, 20.1).
        let hash = scheme.hash().ok_or(TpmRc::SCHEME.parameter(2))?;
        if key.has(TpmaObject::RESTRICTED) || !self.validation.digest.is_empty() {
            hashcheck::check(tpm, &self.validation, hash, &self.digest).map_err(|rc| rc.parameter(3))?;
        } else if self.digest.len() != hash.digest_size() {
            return Err(TpmRc::SIZE.parameter(1));
        }
        Ok(SignResponse { signature: signatures::sign(tpm, &key, scheme, &[], &self.digest)? })
    }
}
