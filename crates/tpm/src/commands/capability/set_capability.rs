//! `TPM2_SetCapability` (Part 3, 30.4). The specification defines no capability that can be set; this TPM has one of its
//! own, by which the platform switches commands off.

use ironroot_wire::{Reader, SetCapability, SetCapabilityResponse, TpmCap, TpmCc, TpmHandle, TpmRc, TpmlCc, Wire};

use crate::{
    commands::{self, Action},
    core_state::Core,
};

/// What no TPM can do without, and what switches commands on again.
const ALWAYS_ON: &[TpmCc] = &[
    TpmCc(0x0143), // SelfTest
    TpmCc(0x0144), // Startup
    TpmCc(0x0145), // Shutdown
    TpmCc(0x017A), // GetCapability
    TpmCc(0x017C), // GetTestResult
    TpmCc(0x019F), // SetCapability
];

impl Action for SetCapability {
    fn run(self, tpm: &mut Core) -> Result<SetCapabilityResponse, TpmRc> {
        let wanted = self.set_capability_data.0;
        if wanted.set_capability != TpmCap::DisabledCommands as u32 {
            return Err(TpmRc::VALUE.parameter(1));
        }
        // The capability's first byte says that it takes the platform's authorization (Part 2, 6.12.1.1).
        if self.auth_handle.map(TpmHandle::from) != Some(TpmHandle::PLATFORM) {
            return Err(TpmRc::AUTH_TYPE);
        }
        let disabled = disabled_commands(tpm, &wanted.data.0).map_err(|rc| rc.parameter(1))?;
        tpm.nv.settings_mut().disabled = disabled;
        Ok(SetCapabilityResponse {})
    }
}

/// The whole new list, in ascending order.
fn disabled_commands(tpm: &Core, data: &[u8]) -> Result<TpmlCc, TpmRc> {
    let mut reader = Reader::new(data, &tpm.profile.rules);
    let mut list = TpmlCc::unmarshal(&mut reader)?.to_vec();
    if !reader.is_empty() {
        return Err(TpmRc::SIZE);
    }
    let may = |code: &TpmCc| commands::find(&tpm.profile, *code).is_some() && !ALWAYS_ON.contains(code);
    if !list.iter().all(may) {
        return Err(TpmRc::VALUE);
    }
    list.sort_unstable_by_key(|code| code.0);
    list.dedup();
    Ok(TpmlCc::new(list))
}
