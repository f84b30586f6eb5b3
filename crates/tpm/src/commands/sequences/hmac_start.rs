//! `TPM2_HMAC_Start` (Part 3, 17.2).

use ironroot_crypto::Hmac;
use ironroot_wire::{HmacStart, HmacStartResponse, TpmRc, TpmiDhObject, TpmuSensitiveComposite};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{creation, schemes},
    state::objects::{Sequence, SequenceState, Slot},
};

impl Action for HmacStart {
    fn run(self, tpm: &mut Core) -> Result<HmacStartResponse, TpmRc> {
        let key = tpm.object(self.handle).map_err(|rc| rc.handle(1))?;
        let hash = schemes::hmac_hash(&key, self.hash_alg)?;
        let TpmuSensitiveComposite::Bits(bits) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::TYPE.handle(1));
        };
        let auth = creation::auth(&self.auth, None).map_err(|rc| rc.parameter(1))?;
        let sequence = Sequence { auth, state: SequenceState::Hmac(Hmac::new(hash, bits)) };
        let handle = tpm.objects.insert(Slot::Sequence(sequence))?;
        Ok(HmacStartResponse { sequence_handle: TpmiDhObject(handle.0) })
    }
}
