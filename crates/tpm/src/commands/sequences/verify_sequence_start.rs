//! `TPM2_VerifySequenceStart` (Part 3, 17.6).

use alloc::boxed::Box;

use ironroot_wire::{TpmRc, TpmiDhObject, VerifySequenceStart, VerifySequenceStartResponse};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{creation, messages::Message, schemes, tickets},
    state::objects::{KeyIdentity, Sequence, SequenceState, Slot, Verification},
};

impl Action for VerifySequenceStart {
    fn run(self, tpm: &mut Core) -> Result<VerifySequenceStartResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(1));
        }
        let scheme = schemes::own(&key).map_err(|rc| rc.handle(1))?;
        let auth = creation::auth(&self.auth, None).map_err(|rc| rc.parameter(1))?;
        schemes::check_hint(&key, &scheme, &self.hint).map_err(|rc| rc.parameter(2))?;
        schemes::check_context(&scheme, &self.context).map_err(|rc| rc.parameter(3))?;
        let message = Message::start_verification(&key, &scheme, &self.context, &self.hint).map_err(|rc| match rc {
            // As in TPM2_VerifySignature.
            TpmRc::AUTH_UNAVAILABLE => TpmRc::HANDLE.handle(1),
            rc => rc,
        })?;
        let state = SequenceState::Verify(Box::new(Verification {
            key: KeyIdentity::of(&key),
            message,
            context: self.context,
            ticket: tickets::message_verification(tpm, key.hierarchy, &key.name)?,
        }));
        let handle = tpm.objects.insert(Slot::Sequence(Sequence { auth, state }))?;
        Ok(VerifySequenceStartResponse { sequence_handle: TpmiDhObject(handle.0) })
    }
}
