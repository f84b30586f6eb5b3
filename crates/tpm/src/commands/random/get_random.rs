//! `TPM2_GetRandom` (Part 3, 16.1).

use ironroot_wire::{GetRandom, GetRandomResponse, Tpm2bDigest, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for GetRandom {
    fn run(self, tpm: &mut Core) -> Result<GetRandomResponse, TpmRc> {
        // More than the largest digest is not an error: fewer bytes come back.
        let size = usize::from(self.bytes_requested).min(Tpm2bDigest::MAX);
        let random_bytes = Tpm2bDigest::from_slice(&tpm.random.bytes(size))?;
        Ok(GetRandomResponse { random_bytes })
    }
}
