//! PIN indices (Part 1, 34.2.6.6 and 34.2.8): NV indices that count how often their auth value was used (PIN Pass) or
//! mistaken (PIN Fail), and refuse it at a limit.

use ironroot_wire::{HandleKind, TpmHandle, TpmNt, TpmRc, TpmaNv, TpmiRhNvIndex};

use crate::{core_state::Core, rules::nv_access, state::nv_index::NvIndex};

/// The number in a PIN index: pinCount in the upper half, pinLimit in the lower.
const COUNT_SHIFT: u32 = 32;
const LIMIT_MASK: u64 = 0xFFFF_FFFF;

/// Whether the index is a PIN index.
#[must_use]
pub fn is_pin(index: &NvIndex) -> bool {
    matches!(index.public.attributes.nt(), Ok(TpmNt::PinFail | TpmNt::PinPass))
}

/// Whether the auth value of an entity may be used. That of a PIN index may if the limit has been written and is not
/// reached.
///
/// # Errors
/// `TPM_RC_AUTH_UNAVAILABLE` if not.
pub fn check(tpm: &Core, handle: TpmHandle) -> Result<(), TpmRc> {
    if handle.kind() != HandleKind::NvIndex {
        return Ok(());
    }
    let index = tpm.nv_index(handle)?;
    let number = index.number();
    let left = index.has(TpmaNv::WRITTEN) && number >> COUNT_SHIFT < number & LIMIT_MASK;
    if left || !is_pin(&index) { Ok(()) } else { Err(TpmRc::AUTH_UNAVAILABLE) }
}

/// Takes note of a use of an entity's auth value with this result, and hands the result on. The count is durable before
/// anything shows whether the PIN was right; if it cannot be made durable, that error takes the result's place.
///
/// # Errors
/// The result's, or that of the commit.
pub fn note(tpm: &mut Core, handle: TpmHandle, result: Result<(), TpmRc>) -> Result<(), TpmRc> {
    let failed = match result {
        Ok(()) => false,
        Err(TpmRc::AUTH_FAIL | TpmRc::BAD_AUTH) => true,
        Err(_) => return result,
    };
    if handle.kind() != HandleKind::NvIndex {
        return result;
    }
    let index = tpm.nv_index(handle)?;
    let number = index.number();
    let (count, limit) = (number >> COUNT_SHIFT, number & LIMIT_MASK);
    let next = match index.public.attributes.nt() {
        Ok(TpmNt::PinFail) if failed => count.saturating_add(1),
        Ok(TpmNt::PinFail) => 0,
        Ok(TpmNt::PinPass) if !failed => count.saturating_add(1),
        _ => count,
    };
    if next != count {
        nv_access::set_number(tpm, TpmiRhNvIndex(handle.0), next << COUNT_SHIFT | limit)?;
        if let Err(rc) = super::commit(tpm) {
            if failed {
                tpm.lockout_timers.pin_failed(handle);
            }
            return Err(rc);
        }
    }
    result
}

/// Counts a mistaken PIN that the store did not take when it happened, before another one may be tried: a broken store
/// must not make guessing free.
///
/// # Errors
/// That of the commit, while the store still fails.
pub fn settle(tpm: &mut Core, handle: TpmHandle) -> Result<(), TpmRc> {
    let Some(failed) = tpm.lockout_timers.unrecorded_pin() else { return Ok(()) };
    if handle.kind() != HandleKind::NvIndex || !tpm.nv_index(handle).is_ok_and(|index| is_pin(&index)) {
        return Ok(());
    }
    if let Ok(index) = tpm.nv_index(failed)
        && is_pin(&index)
    {
        let number = index.number();
        let next = (number >> COUNT_SHIFT).saturating_add(1);
        nv_access::set_number(tpm, TpmiRhNvIndex(failed.0), next << COUNT_SHIFT | number & LIMIT_MASK)?;
        super::commit(tpm)?;
    }
    tpm.lockout_timers.pin_recorded();
    Ok(())
}
