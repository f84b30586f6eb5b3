//! `TPM2_PCR_Extend` (Part 3, 22.2).

use ironroot_wire::{PcrExtend, PcrExtendResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::pcr_access};

impl Action for PcrExtend {
    fn run(self, tpm: &mut Core) -> Result<PcrExtendResponse, TpmRc> {
        // A NULL handle lets a caller probe for hash algorithms: unmarshalling has answered.
        let Some(pcr) = self.pcr_handle.map(|handle| handle.value()) else { return Ok(PcrExtendResponse {}) };
        pcr_access::require_extend(tpm, pcr)?;
        for digest in self.digests.iter() {
            tpm.pcrs.extend_and_count(digest.hash_alg(), pcr, digest.digest());
        }
        Ok(PcrExtendResponse {})
    }
}
