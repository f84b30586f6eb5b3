//! `TPM2_HashSequenceStart` (Part 3, 17.4).

use alloc::vec::Vec;

use ironroot_crypto::Hasher;
use ironroot_wire::{HashSequenceStart, HashSequenceStartResponse, TpmRc, TpmiDhObject};

use crate::{
    commands::Action,
    core_state::Core,
    rules::creation,
    state::objects::{Sequence, SequenceState, Slot},
};

impl Action for HashSequenceStart {
    fn run(self, tpm: &mut Core) -> Result<HashSequenceStartResponse, TpmRc> {
        let auth = creation::auth(&self.auth, None).map_err(|rc| rc.parameter(1))?;
        let state = match self.hash_alg {
            Some(hash) => SequenceState::Hash { hasher: Hasher::new(hash), first_bytes: Vec::new() },
            None => SequenceState::Event(tpm.pcrs.banks().map(Hasher::new).collect()),
        };
        let handle = tpm.objects.insert(Slot::Sequence(Sequence { auth, state }))?;
        Ok(HashSequenceStartResponse { sequence_handle: TpmiDhObject(handle.0) })
    }
}
