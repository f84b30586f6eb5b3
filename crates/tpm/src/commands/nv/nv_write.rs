//! `TPM2_NV_Write` (Part 3, 31.7).

use ironroot_wire::{NvWrite, NvWriteResponse, TpmNt, TpmRc, TpmaNv};

use crate::{commands::Action, core_state::Core, rules::nv_access, state::nv_index::NvIndex};

impl Action for NvWrite {
    fn run(self, tpm: &mut Core) -> Result<NvWriteResponse, TpmRc> {
        let index = tpm.nv_index(self.nv_index)?;
        nv_access::check_write(self.auth_handle, &index)?;
        let start = check_range(&self, &index)?;
        let end = start.saturating_add(self.data.len());
        let unchanged = index.has(TpmaNv::WRITTEN) && index.data.get(start..end) == Some(&*self.data);
        if !unchanged && let Some(range) = nv_access::write(tpm, self.nv_index)?.data.get_mut(start..end) {
            range.copy_from_slice(&self.data);
        }
        Ok(NvWriteResponse {})
    }
}

/// Where the data goes. It fits there.
fn check_range(command: &NvWrite, index: &NvIndex) -> Result<usize, TpmRc> {
    if !matches!(index.public.attributes.nt(), Ok(TpmNt::Ordinary | TpmNt::PinFail | TpmNt::PinPass)) {
        return Err(TpmRc::ATTRIBUTES);
    }
    let start = usize::from(command.offset);
    let room = index.data.len().checked_sub(start).ok_or(TpmRc::VALUE.parameter(2))?;
    let whole = command.data.len() == index.data.len();
    if command.data.len() > room || (index.has(TpmaNv::WRITEALL) && !whole) {
        return Err(TpmRc::NV_RANGE);
    }
    Ok(start)
}
