//! `TPM2_SequenceUpdate` (Part 3, 17.7).

use ironroot_wire::{SequenceUpdate, SequenceUpdateResponse, TpmRc};

use crate::{commands::Action, core_state::Core, rules::hashcheck, state::objects::SequenceState};

impl Action for SequenceUpdate {
    fn run(self, tpm: &mut Core) -> Result<SequenceUpdateResponse, TpmRc> {
        let sequence = tpm.objects.sequence_mut(self.sequence_handle.into()).map_err(|rc| rc.handle(1))?;
        match &mut sequence.state {
            SequenceState::Hash { hasher, first_bytes } => {
                hashcheck::note_first_bytes(first_bytes, &self.buffer);
                hasher.update(&self.buffer);
            }
            SequenceState::Mac(mac) => mac.update(&self.buffer),
            SequenceState::Sign(signing) => signing.begin(&self.buffer),
            SequenceState::Verify(verification) => verification.update(&self.buffer),
            SequenceState::Event(hashers) => hashers.iter_mut().for_each(|hasher| hasher.update(&self.buffer)),
        }
        Ok(SequenceUpdateResponse {})
    }
}
