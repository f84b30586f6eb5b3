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

/// What the use of an auth value costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// It is not that of a PIN index.
    None,
    /// A use that succeeds counts, and has not been counted yet.
    PinPass,
    /// One that fails counts, and has been counted; so many were before.
    PinFail(u64),
}

/// Before the auth value of an entity is looked at: counts a mistake of a PIN Fail index, durably. Whoever cuts the power
/// while the PIN is looked at has spent a try, and a store that takes no more writes makes none free.
///
/// # Errors
/// That of the commit: then the PIN is not looked at.
pub fn charge(tpm: &mut Core, handle: TpmHandle) -> Result<Charge, TpmRc> {
    if handle.kind() != HandleKind::NvIndex {
        return Ok(Charge::None);
    }
    let index = tpm.nv_index(handle)?;
    let count = index.number() >> COUNT_SHIFT;
    match index.public.attributes.nt() {
        Ok(TpmNt::PinPass) => Ok(Charge::PinPass),
        Ok(TpmNt::PinFail) => {
            set_count(tpm, handle, count.saturating_add(1))?;
            Ok(Charge::PinFail(count))
        }
        _ => Ok(Charge::None),
    }
}

/// After the auth value was looked at with this result: a right PIN clears the count of a PIN Fail index and counts as a
/// use of a PIN Pass index, durably, before anything shows that it was right. What failed for another reason than the PIN
/// costs nothing. Hands the result on.
///
/// # Errors
/// The result's, or that of the commit.
pub fn settle(tpm: &mut Core, handle: TpmHandle, charge: Charge, result: Result<(), TpmRc>) -> Result<(), TpmRc> {
    let mistaken = matches!(result, Err(TpmRc::AUTH_FAIL | TpmRc::BAD_AUTH));
    match charge {
        Charge::PinFail(_) if result.is_ok() => set_count(tpm, handle, 0)?,
        Charge::PinFail(before) if !mistaken => set_count(tpm, handle, before)?,
        Charge::PinPass if result.is_ok() => {
            let count = tpm.nv_index(handle)?.number() >> COUNT_SHIFT;
            set_count(tpm, handle, count.saturating_add(1))?;
        }
        Charge::None | Charge::PinPass | Charge::PinFail(_) => {}
    }
    result
}

fn set_count(tpm: &mut Core, handle: TpmHandle, count: u64) -> Result<(), TpmRc> {
    let limit = tpm.nv_index(handle)?.number() & LIMIT_MASK;
    nv_access::set_number(tpm, TpmiRhNvIndex(handle.0), count << COUNT_SHIFT | limit)?;
    super::commit(tpm)
}
