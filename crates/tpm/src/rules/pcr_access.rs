//! Which localities may change a PCR (Part 1, clause 14.6).

use ironroot_wire::TpmRc;

use crate::{core_state::Core, state::pcr};

/// Whether the current locality may extend a PCR.
///
/// # Errors
/// `TPM_RC_LOCALITY` if not.
pub fn require_extend(tpm: &Core, number: u32) -> Result<(), TpmRc> {
    require(tpm, pcr::extend_localities(number))
}

/// Whether the current locality may reset a PCR.
///
/// # Errors
/// `TPM_RC_LOCALITY` if not.
pub fn require_reset(tpm: &Core, number: u32) -> Result<(), TpmRc> {
    require(tpm, pcr::reset_localities(number))
}

fn require(tpm: &Core, localities: u8) -> Result<(), TpmRc> {
    if tpm.locality <= 4 && localities >> tpm.locality & 1 == 1 { Ok(()) } else { Err(TpmRc::LOCALITY) }
}
