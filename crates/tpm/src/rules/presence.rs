//! Physical presence (Part 1, 16.3): what the platform must confirm out of band.

use ironroot_wire::{TpmCc, TpmHandle, TpmRc};

use crate::{core_state::Core, profile::Profile, state::hierarchy::authority};

/// The commands that may be made to need physical presence: those with `TPM_RH_PLATFORM+{PP}` in Part 3, in ascending order.
const GATED: &[TpmCc] = &[
    TpmCc(0x011F), // NV_UndefineSpaceSpecial
    TpmCc(0x0120), // EvictControl
    TpmCc(0x0121), // HierarchyControl
    TpmCc(0x0122), // NV_UndefineSpace
    TpmCc(0x0124), // ChangeEPS
    TpmCc(0x0125), // ChangePPS
    TpmCc(0x0126), // Clear
    TpmCc(0x0127), // ClearControl
    TpmCc(0x0128), // ClockSet
    TpmCc(0x0129), // HierarchyChangeAuth
    TpmCc(0x012A), // NV_DefineSpace
    TpmCc(0x012B), // PCR_Allocate
    TpmCc(0x012C), // PCR_SetAuthPolicy
    TpmCc(0x012D), // PP_Commands
    TpmCc(0x012E), // SetPrimaryPolicy
    TpmCc(0x012F), // FieldUpgradeStart
    TpmCc(0x0130), // ClockRateAdjust
    TpmCc(0x0131), // CreatePrimary
    TpmCc(0x0132), // NV_GlobalWriteLock
    TpmCc(0x0140), // SetCommandCodeAuditStatus
    TpmCc(0x0191), // CreateLoaded
    TpmCc(0x019D), // NV_DefineSpace2
    TpmCc(0x019F), // SetCapability
    TpmCc(0x01A0), // ReadOnlyControl
];

/// Whether `TPM2_PP_Commands` takes notice of a command.
#[must_use]
pub fn may_gate(profile: &Profile, code: TpmCc) -> bool {
    GATED.contains(&code) && crate::commands::find(profile, code).is_some()
}

/// The check before the authorization of an entity (Part 3, 5.6, point 2).
///
/// # Errors
/// `TPM_RC_PP` if the platform is to authorize a command that needs presence, and does not assert it.
pub fn check(tpm: &Core, code: TpmCc, entity: TpmHandle) -> Result<(), TpmRc> {
    if authority(entity) == TpmHandle::PLATFORM && tpm.nv.settings().presence.contains(&code) {
        require(tpm)
    } else {
        Ok(())
    }
}

/// Whether presence is asserted.
///
/// # Errors
/// `TPM_RC_PP` if not.
pub const fn require(tpm: &Core) -> Result<(), TpmRc> {
    if tpm.physical_presence { Ok(()) } else { Err(TpmRc::PP) }
}
