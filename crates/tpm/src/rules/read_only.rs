//! Read-Only mode (Part 1, clause 42): which commands it lets through (Part 3, Table 207).

use ironroot_wire::{TpmCc, TpmHandle, TpmRc, TpmaNv};

use crate::{core_state::Core, pipeline};

/// Commands that Read-Only mode never lets through.
const FORBIDDEN: &[TpmCc] = &[
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
    TpmCc(0x0134), // NV_Increment
    TpmCc(0x013A), // DictionaryAttackParameters
    TpmCc(0x013B), // NV_ChangeAuth
    TpmCc(0x013F), // SetAlgorithmSet
    TpmCc(0x0140), // SetCommandCodeAuditStatus
    TpmCc(0x0141), // FieldUpgradeData
    TpmCc(0x0150), // ObjectChangeAuth
    TpmCc(0x0153), // Create
    TpmCc(0x0183), // PCR_SetAuthValue
    TpmCc(0x0191), // CreateLoaded
    TpmCc(0x019D), // NV_DefineSpace2
    TpmCc(0x019F), // SetCapability
];

/// Commands that it lets through for NV indices whose contents are lost anyway. The index is the second handle.
const TRANSIENT_NV: &[TpmCc] = &[
    TpmCc(0x0135), // NV_SetBits
    TpmCc(0x0136), // NV_Extend
    TpmCc(0x0137), // NV_Write
    TpmCc(0x0138), // NV_WriteLock
    TpmCc(0x014F), // NV_ReadLock
];

const POLICY_SECRET: TpmCc = TpmCc(0x0151);

/// Whether the mode lets a command through. `handles` are those of the command, which exist.
///
/// # Errors
/// `TPM_RC_READ_ONLY` if not.
pub fn check(tpm: &Core, code: TpmCc, handles: &[u32]) -> Result<(), TpmRc> {
    if !tpm.administration.read_only.0 {
        return Ok(());
    }
    let index = |number: usize| handles.get(number).and_then(|&handle| tpm.nv_index(TpmHandle(handle)).ok());
    let allowed = match code {
        POLICY_SECRET => !index(0).is_some_and(|index| pipeline::is_pin(&index)),
        code if TRANSIENT_NV.contains(&code) => {
            index(1).is_some_and(|index| index.has(TpmaNv::ORDERLY | TpmaNv::CLEAR_STCLEAR))
        }
        code => !FORBIDDEN.contains(&code),
    };
    if allowed { Ok(()) } else { Err(TpmRc::READ_ONLY) }
}
