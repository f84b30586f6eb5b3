//! `TPM2_NV_ChangeAuth` (Part 3, 31.15).

use ironroot_wire::{NvChangeAuth, NvChangeAuthResponse, Tpm2bAuth, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{auth_value, nv_space},
};

impl Action for NvChangeAuth {
    fn run(self, tpm: &mut Core) -> Result<NvChangeAuthResponse, TpmRc> {
        let index = tpm.nv.index_mut(self.nv_index.into())?;
        let auth = auth_value::trimmed(&self.new_auth);
        if auth.len() > index.public.name_alg.digest_size() {
            return Err(TpmRc::SIZE.parameter(1));
        }
        index.auth = Tpm2bAuth::from_slice(auth)?;
        nv_space::check(tpm)?;
        Ok(NvChangeAuthResponse {})
    }
}
