//! `TPM2_ReadPublic` (Part 3, 12.4).

use ironroot_wire::{ReadPublic, ReadPublicResponse, Tpm2b, TpmRc, TpmtPublicPlus};

use crate::{commands::Action, core_state::Core};

impl Action for ReadPublic {
    fn run(self, tpm: &mut Core) -> Result<ReadPublicResponse, TpmRc> {
        let object = tpm.object(self.object_handle).map_err(|rc| match rc {
            TpmRc::TYPE => TpmRc::SEQUENCE,
            other => other,
        })?;
        Ok(ReadPublicResponse {
            out_public: Tpm2b(TpmtPublicPlus(object.public.clone())),
            name: object.name.clone(),
            qualified_name: object.qualified_name.clone(),
        })
    }
}
