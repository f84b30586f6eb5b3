//! `TPM_CAP_HANDLES`: the handles that are in use, by kind.

use alloc::vec::Vec;

use ironroot_wire::{HandleKind, TpmHandle, TpmRc, limits::IMPLEMENTATION_PCR};

use crate::core_state::Core;

/// The permanent handles (Part 2, 7.4), in ascending order.
const PERMANENT: &[TpmHandle] = &[
    TpmHandle::OWNER,
    TpmHandle::NULL,
    TpmHandle::PW,
    TpmHandle::LOCKOUT,
    TpmHandle::ENDORSEMENT,
    TpmHandle::PLATFORM,
    TpmHandle::PLATFORM_NV,
];

/// The handles of the kind that `handle` is of, in ascending order. HMAC sessions stand for loaded sessions and policy
/// sessions for saved ones (Part 2, 7.2).
///
/// # Errors
/// `TPM_RC_HANDLE` for a kind that does not exist.
pub fn of_kind(tpm: &Core, handle: TpmHandle) -> Result<Vec<TpmHandle>, TpmRc> {
    Ok(match handle.kind() {
        HandleKind::Pcr => (0..IMPLEMENTATION_PCR).map(TpmHandle).collect(),
        HandleKind::NvIndex => tpm.nv.indices().map(|index| index.handle()).collect(),
        HandleKind::HmacSession => {
            // The property counts from the first loaded session, whatever its kind.
            tpm.sessions.loaded_handles().filter(|session| session.0 & 0x00FF_FFFF >= handle.0 & 0x00FF_FFFF).collect()
        }
        HandleKind::PolicySession => {
            let first = TpmHandle::HMAC_SESSION_FIRST.0;
            tpm.sessions.saved_handles().map(|session| TpmHandle(first | session.0 & 0x00FF_FFFF)).collect()
        }
        HandleKind::Permanent => {
            let timers = tpm.administration.timers.iter().map(|(handle, _)| handle);
            PERMANENT.iter().copied().chain(timers).collect()
        }
        HandleKind::Transient => tpm.objects.handles().collect(),
        HandleKind::Persistent => tpm.nv.persistents().map(|(handle, _)| handle).collect(),
        HandleKind::ExternalNv | HandleKind::PermanentNv | HandleKind::AttachedComponent => Vec::new(),
        HandleKind::Unknown => return Err(TpmRc::HANDLE.parameter(2)),
    })
}
