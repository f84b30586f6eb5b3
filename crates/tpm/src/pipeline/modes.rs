//! Gates that depend on the mode of the TPM rather than on the command's parameters (Part 3, 5.3).

use ironroot_wire::{CommandInfo, TpmCc, TpmRc, TpmSt};

use super::header::Header;
use crate::{
    core_state::{Core, Mode},
    state::permanent::Shutdown,
};

const STARTUP: TpmCc = TpmCc(0x0144);
const SHUTDOWN: TpmCc = TpmCc(0x0145);
const GET_CAPABILITY: TpmCc = TpmCc(0x017A);
const GET_TEST_RESULT: TpmCc = TpmCc(0x017C);

/// Commands that leave nothing behind that a saved state could miss.
const HARMLESS: &[TpmCc] = &[
    SHUTDOWN,
    GET_CAPABILITY,
    GET_TEST_RESULT,
    TpmCc(0x0142), // IncrementalSelfTest
    TpmCc(0x0143), // SelfTest
    TpmCc(0x0169), // NV_ReadPublic
    TpmCc(0x0173), // ReadPublic
    TpmCc(0x0178), // ECC_Parameters
    TpmCc(0x017B), // GetRandom
    TpmCc(0x017D), // Hash
    TpmCc(0x017E), // PCR_Read
    TpmCc(0x0181), // ReadClock
    TpmCc(0x018A), // TestParms
];

/// Whether the mode lets the command through.
///
/// # Errors
/// `TPM_RC_FAILURE` in failure mode, `TPM_RC_INITIALIZE` before `TPM2_Startup` and for a second one.
pub fn check(tpm: &Core, header: &Header) -> Result<(), TpmRc> {
    match tpm.mode {
        Mode::Failure if header.tag != TpmSt::NoSessions => Err(TpmRc::FAILURE),
        Mode::Failure if !matches!(header.code, GET_CAPABILITY | GET_TEST_RESULT) => Err(TpmRc::FAILURE),
        Mode::Initialized if header.code != STARTUP => Err(TpmRc::INITIALIZE),
        _ => Ok(()),
    }
}

/// A command that may change state (the audit digest, if it is `audited`) after `TPM2_Shutdown` undoes the shutdown (Part 3, 9.4). That is durable before the
/// command starts, so that a command whose effects are volatile need not be undone if the store fails.
///
/// # Errors
/// `TPM_RC_NV_UNAVAILABLE`, `TPM_RC_NV_SPACE` from the store.
pub fn before_action(tpm: &mut Core, info: &CommandInfo, audited: bool) -> Result<(), TpmRc> {
    if tpm.mode == Mode::Operational
        && tpm.nv.permanent().shutdown.is_orderly()
        && (audited || !HARMLESS.contains(&info.code))
    {
        tpm.nv.permanent_mut().shutdown = Shutdown::None;
        tpm.nv.set_saved_state(None);
        super::commit(tpm)?;
    }
    Ok(())
}
