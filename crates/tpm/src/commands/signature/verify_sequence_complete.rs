//! `TPM2_VerifySequenceComplete` (Part 3, 20.3).

use ironroot_wire::{TpmRc, VerifySequenceComplete, VerifySequenceCompleteResponse};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{schemes, tickets},
    state::objects::SequenceState,
};

impl Action for VerifySequenceComplete {
    fn run(self, tpm: &mut Core) -> Result<VerifySequenceCompleteResponse, TpmRc> {
        let sequence = tpm.objects.sequence_mut(self.sequence_handle.into()).map_err(|rc| rc.handle(1))?;
        let SequenceState::Verify(verification) = sequence.state.clone() else {
            return Err(TpmRc::MODE.handle(1));
        };
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(2))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(2));
        }
        if !verification.key.is(&key) {
            return Err(TpmRc::SIGN_CONTEXT_KEY.handle(2));
        }
        let scheme = schemes::own(&key).map_err(|rc| rc.handle(2))?;
        schemes::require_match(&scheme, &key, &self.signature).map_err(|rc| rc.parameter(1))?;
        verification.message.verify(tpm, &key, &verification.context, &self.signature).map_err(|rc| rc.parameter(1))?;
        let validation = tickets::message_verified(verification.ticket, key.hierarchy, &key.name)?;
        Ok(VerifySequenceCompleteResponse { validation })
    }
}
