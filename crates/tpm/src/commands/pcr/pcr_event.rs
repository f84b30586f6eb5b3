//! `TPM2_PCR_Event` (Part 3, 22.3).

use ironroot_crypto::hash;
use ironroot_wire::{PcrEvent, PcrEventResponse, TpmRc, TpmlDigestValues, TpmtHa};

use crate::{commands::Action, core_state::Core, rules::pcr_access};

impl Action for PcrEvent {
    fn run(self, tpm: &mut Core) -> Result<PcrEventResponse, TpmRc> {
        let pcr = self.pcr_handle.map(|handle| handle.value());
        if let Some(pcr) = pcr {
            pcr_access::require_extend(tpm, pcr)?;
        }
        let banks: alloc::vec::Vec<_> = tpm.pcrs.banks().collect();
        let digests = banks
            .iter()
            .map(|&bank| TpmtHa::new(bank, &hash::digest(bank, &[&self.event_data])))
            .collect::<Result<alloc::vec::Vec<_>, _>>()?;
        if let Some(pcr) = pcr {
            for digest in &digests {
                tpm.pcrs.extend_and_count(digest.hash_alg(), pcr, digest.digest());
            }
        }
        Ok(PcrEventResponse { digests: TpmlDigestValues::new(digests) })
    }
}
