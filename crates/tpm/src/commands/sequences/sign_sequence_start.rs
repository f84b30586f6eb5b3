//! `TPM2_SignSequenceStart` (Part 3, 17.5).

use alloc::vec::Vec;

use ironroot_wire::{PublicKind, SignSequenceStart, SignSequenceStartResponse, TpmRc, TpmaObject, TpmiDhObject};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{creation, messages::Message, schemes},
    state::objects::{KeyIdentity, Sequence, SequenceState, Signing, Slot},
};

impl Action for SignSequenceStart {
    fn run(self, tpm: &mut Core) -> Result<SignSequenceStartResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(1));
        }
        // It signs digests, and there is no ticket for this one (Part 3, 17.5).
        if matches!(key.public.kind, PublicKind::Keyedhash(..)) && key.has(TpmaObject::RESTRICTED) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let scheme = schemes::own(&key).map_err(|rc| rc.handle(1))?;
        let auth = creation::auth(&self.auth, None).map_err(|rc| rc.parameter(1))?;
        schemes::check_context(&scheme, &self.context).map_err(|rc| rc.parameter(2))?;
        let state = SequenceState::Sign(Signing {
            key: KeyIdentity::of(&key),
            message: Message::start(&key, &scheme, &self.context)?,
            context: self.context,
            start: Vec::new(),
        });
        let handle = tpm.objects.insert(Slot::Sequence(Sequence { auth, state }))?;
        Ok(SignSequenceStartResponse { sequence_handle: TpmiDhObject(handle.0) })
    }
}
