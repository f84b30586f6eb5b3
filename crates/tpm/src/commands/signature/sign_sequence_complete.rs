//! `TPM2_SignSequenceComplete` (Part 3, 20.6).

use ironroot_wire::{SignSequenceComplete, SignSequenceCompleteResponse, TpmRc, TpmaObject};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{hashcheck, schemes},
    state::objects::SequenceState,
};

impl Action for SignSequenceComplete {
    fn run(self, tpm: &mut Core) -> Result<SignSequenceCompleteResponse, TpmRc> {
        let sequence = tpm.objects.sequence_mut(self.sequence_handle.into()).map_err(|rc| rc.handle(1))?;
        let SequenceState::Sign(mut signing) = sequence.state.clone() else { return Err(TpmRc::MODE.handle(1)) };
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(2))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(2));
        }
        if key.has(TpmaObject::X509_SIGN) {
            return Err(TpmRc::ATTRIBUTES.handle(2));
        }
        if !signing.key.is(&key) {
            return Err(TpmRc::SIGN_CONTEXT_KEY.handle(2));
        }
        let scheme = schemes::own(&key).map_err(|rc| rc.handle(2))?;
        if signing.is_begun_whole() {
            return Err(TpmRc::ONE_SHOT_SIGNATURE.handle(1));
        }
        signing.update(&self.buffer);
        if key.has(TpmaObject::RESTRICTED) && hashcheck::looks_generated(&signing.start) {
            return Err(TpmRc::VALUE.parameter(1));
        }
        let signature = signing.message.sign(tpm, &key, scheme, &signing.context)?;
        Ok(SignSequenceCompleteResponse { signature })
    }
}
