//! `TPM2_SequenceComplete` (Part 3, 17.8).

use ironroot_wire::{SequenceComplete, SequenceCompleteResponse, Tpm2bDigest, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{hashcheck, tickets},
    state::{hierarchy::Hierarchy, objects::SequenceState},
};

impl Action for SequenceComplete {
    fn run(self, tpm: &mut Core) -> Result<SequenceCompleteResponse, TpmRc> {
        let handle = self.sequence_handle.into();
        let sequence = tpm.objects.sequence_mut(handle).map_err(|rc| rc.handle(1))?;
        match sequence.state.clone() {
            SequenceState::Event(_) | SequenceState::Sign(_) | SequenceState::Verify(_) => Err(TpmRc::MODE.handle(1)),
            SequenceState::Mac(mut mac) => {
                mac.update(&self.buffer);
                let result = Tpm2bDigest::from_slice(&mac.finish())?;
                Ok(SequenceCompleteResponse { result, validation: tickets::null_hashcheck() })
            }
            SequenceState::Hash { mut hasher, mut first_bytes } => {
                hashcheck::note_first_bytes(&mut first_bytes, &self.buffer);
                let algorithm = hasher.algorithm();
                hasher.update(&self.buffer);
                let digest = hasher.finish();
                let validation = if hashcheck::looks_generated(&first_bytes) {
                    tickets::null_hashcheck()
                } else {
                    hashcheck::ticket(tpm, Hierarchy::from(self.hierarchy), algorithm, &digest)?
                };
                Ok(SequenceCompleteResponse { result: Tpm2bDigest::from_slice(&digest)?, validation })
            }
        }
    }
}
