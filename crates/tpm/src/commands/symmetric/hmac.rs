//! `TPM2_HMAC` (Part 3, 15.5) and `TPM2_MAC` (15.6): one command code. A TPM with CMAC answers it as `TPM2_MAC`, which does
//! all that the other does.

use ironroot_wire::{Hmac, HmacResponse, Mac, MacResponse, Tpm2bDigest, TpmRc, TpmiAlgMacScheme};

use crate::{commands::Action, core_state::Core, rules::mac};

impl Action for Mac {
    fn run(self, tpm: &mut Core) -> Result<MacResponse, TpmRc> {
        let key = tpm.object(self.handle).map_err(|rc| rc.handle(1))?;
        let mut running = mac::Mac::start(&key, self.in_scheme)?;
        running.update(&self.buffer);
        Ok(MacResponse { out_mac: Tpm2bDigest::from_slice(&running.finish())? })
    }
}

impl Action for Hmac {
    fn run(self, tpm: &mut Core) -> Result<HmacResponse, TpmRc> {
        mac::Mac::require_hmac_key(&*tpm.object(self.handle).map_err(|rc| rc.handle(1))?)?;
        let in_scheme = self.hash_alg.and_then(|hash| TpmiAlgMacScheme::from_value(hash.value()));
        let mac = Mac { handle: self.handle, buffer: self.buffer, in_scheme };
        Ok(HmacResponse { out_hmac: mac.run(tpm)?.out_mac })
    }
}
