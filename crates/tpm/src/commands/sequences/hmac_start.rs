//! `TPM2_HMAC_Start` (Part 3, 17.2) and `TPM2_MAC_Start` (17.3): one command code. A TPM with CMAC answers it as
//! `TPM2_MAC_Start`, which does all that the other does.

use ironroot_wire::{HmacStart, HmacStartResponse, MacStart, MacStartResponse, TpmRc, TpmiAlgMacScheme, TpmiDhObject};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{creation, mac::Mac},
    state::objects::{Sequence, SequenceState, Slot},
};

impl Action for MacStart {
    fn run(self, tpm: &mut Core) -> Result<MacStartResponse, TpmRc> {
        let key = tpm.object(self.handle).map_err(|rc| rc.handle(1))?;
        let mac = Mac::start(&key, self.in_scheme)?;
        let auth = creation::auth(&self.auth, None).map_err(|rc| rc.parameter(1))?;
        let handle = tpm.objects.insert(Slot::Sequence(Sequence { auth, state: SequenceState::Mac(mac) }))?;
        Ok(MacStartResponse { sequence_handle: TpmiDhObject(handle.0) })
    }
}

impl Action for HmacStart {
    fn run(self, tpm: &mut Core) -> Result<HmacStartResponse, TpmRc> {
        Mac::require_hmac_key(&*tpm.object(self.handle).map_err(|rc| rc.handle(1))?)?;
        let in_scheme = self.hash_alg.and_then(|hash| TpmiAlgMacScheme::from_value(hash.value()));
        let mac = MacStart { handle: self.handle, auth: self.auth, in_scheme };
        Ok(HmacStartResponse { sequence_handle: mac.run(tpm)?.sequence_handle })
    }
}
