//! `TPM2_EventSequenceComplete` (Part 3, 17.9).

use alloc::vec::Vec;

use ironroot_wire::{EventSequenceComplete, EventSequenceCompleteResponse, TpmRc, TpmlDigestValues, TpmtHa};

use crate::{commands::Action, core_state::Core, rules::pcr_access, state::objects::SequenceState};

impl Action for EventSequenceComplete {
    fn run(self, tpm: &mut Core) -> Result<EventSequenceCompleteResponse, TpmRc> {
        let sequence = tpm.objects.sequence_mut(self.sequence_handle.into()).map_err(|rc| rc.handle(2))?;
        let SequenceState::Event(hashers) = sequence.state.clone() else { return Err(TpmRc::MODE.handle(2)) };
        let pcr = self.pcr_handle.map(|handle| handle.value());
        if let Some(pcr) = pcr {
            pcr_access::require_extend(tpm, pcr)?;
        }
        let digests = hashers
            .into_iter()
            .map(|mut hasher| {
                hasher.update(&self.buffer);
                TpmtHa::new(hasher.algorithm(), &hasher.finish())
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(pcr) = pcr {
            for digest in &digests {
                tpm.pcrs.extend_and_count(digest.hash_alg(), pcr, digest.digest());
            }
        }
        Ok(EventSequenceCompleteResponse { results: TpmlDigestValues::new(digests) })
    }
}
