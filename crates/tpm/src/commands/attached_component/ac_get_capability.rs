//! `TPM2_AC_GetCapability` (Part 3, 32.2).

use alloc::vec::Vec;

use ironroot_wire::{
    AcGetCapability, AcGetCapabilityResponse, TpmAt, TpmRc, TpmiYesNo, TpmlAcCapabilities, TpmsAcOutput,
};

use super::component;
use crate::{commands::Action, core_state::Core};

impl Action for AcGetCapability {
    fn run(self, tpm: &mut Core) -> Result<AcGetCapabilityResponse, TpmRc> {
        let all = component(tpm, self.ac).ok_or(TpmRc::VALUE.handle(1))?.capabilities();
        let max = usize::try_from(self.count).unwrap_or(usize::MAX).min(TpmlAcCapabilities::MAX);
        let mut rest = all.into_iter().filter(|value| value.tag >= self.capability.0);
        let wanted: Vec<TpmsAcOutput> =
            rest.by_ref().take(max).map(|value| TpmsAcOutput { tag: TpmAt(value.tag), data: value.data }).collect();
        Ok(AcGetCapabilityResponse {
            more_data: TpmiYesNo(rest.next().is_some()),
            capabilities_data: TpmlAcCapabilities::new(wanted),
        })
    }
}
