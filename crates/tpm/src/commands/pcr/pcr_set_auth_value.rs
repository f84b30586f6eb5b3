//! `TPM2_PCR_SetAuthValue` (Part 3, 22.7).

use ironroot_wire::{PcrSetAuthValue, PcrSetAuthValueResponse, Tpm2bAuth, TpmRc};

use crate::{commands::Action, core_state::Core, rules::auth_value, state::pcr};

impl Action for PcrSetAuthValue {
    fn run(self, tpm: &mut Core) -> Result<PcrSetAuthValueResponse, TpmRc> {
        if !pcr::has_authorization(self.pcr_handle.value()) {
            return Err(TpmRc::VALUE);
        }
        tpm.administration.pcr_auth = Tpm2bAuth::from_slice(auth_value::trimmed(&self.auth))?;
        Ok(PcrSetAuthValueResponse {})
    }
}
