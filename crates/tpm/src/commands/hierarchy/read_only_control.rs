//! `TPM2_ReadOnlyControl` (Part 3, 24.9).

use ironroot_wire::{ReadOnlyControl, ReadOnlyControlResponse, TpmRc};

use crate::{commands::Action, core_state::Core};

impl Action for ReadOnlyControl {
    fn run(self, tpm: &mut Core) -> Result<ReadOnlyControlResponse, TpmRc> {
        tpm.administration.read_only = self.state;
        Ok(ReadOnlyControlResponse {})
    }
}
