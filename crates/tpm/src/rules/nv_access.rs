//! Access to the contents of NV indices (Part 3, 31.1; Part 1, 34.2).
//!
//! That the auth value or policy of an index may authorize a command is for the pipeline to say; here is what the owner
//! and the platform may do, what locks forbid, and what a write does besides.

use ironroot_wire::{TpmHandle, TpmNt, TpmRc, TpmaNv, TpmiRhNvAuth, TpmiRhNvIndex};

use crate::{core_state::Core, state::nv_index::NvIndex};

fn check_authorization(
    auth: TpmiRhNvAuth,
    index: &NvIndex,
    by_owner: TpmaNv,
    by_platform: TpmaNv,
) -> Result<(), TpmRc> {
    let allowed = match TpmHandle::from(auth) {
        TpmHandle::OWNER => index.has(by_owner),
        TpmHandle::PLATFORM => index.has(by_platform),
        // What authorizes is an index: this one, and no other.
        handle => handle == index.handle(),
    };
    if allowed { Ok(()) } else { Err(TpmRc::NV_AUTHORIZATION) }
}

/// Whether an index may be read.
///
/// # Errors
/// In this order `TPM_RC_NV_LOCKED`, `TPM_RC_NV_AUTHORIZATION`, `TPM_RC_NV_UNINITIALIZED`.
pub fn check_read(auth: TpmiRhNvAuth, index: &NvIndex) -> Result<(), TpmRc> {
    if index.has(TpmaNv::READLOCKED) {
        return Err(TpmRc::NV_LOCKED);
    }
    check_authorization(auth, index, TpmaNv::OWNERREAD, TpmaNv::PPREAD)?;
    if index.has(TpmaNv::WRITTEN) { Ok(()) } else { Err(TpmRc::NV_UNINITIALIZED) }
}

/// Whether what may write an index authorizes the sending to the component whose alias it is (Part 3, 32.3).
///
/// # Errors
/// `TPM_RC_NV_AUTHORIZATION`.
pub fn check_alias(auth: TpmiRhNvAuth, alias: &NvIndex) -> Result<(), TpmRc> {
    check_authorization(auth, alias, TpmaNv::OWNERWRITE, TpmaNv::PPWRITE)
}

/// Whether an index may be written.
///
/// # Errors
/// In this order `TPM_RC_NV_LOCKED`, `TPM_RC_NV_AUTHORIZATION`.
pub fn check_write(auth: TpmiRhNvAuth, index: &NvIndex) -> Result<(), TpmRc> {
    if index.has(TpmaNv::WRITELOCKED) {
        return Err(TpmRc::NV_LOCKED);
    }
    check_authorization(auth, index, TpmaNv::OWNERWRITE, TpmaNv::PPWRITE)
}

/// Whether an index is of the type that the command is for.
///
/// # Errors
/// `TPM_RC_ATTRIBUTES` for the second handle, which is where these commands have the index.
pub fn require_type(index: &NvIndex, nt: TpmNt) -> Result<(), TpmRc> {
    if index.public.attributes.nt() == Ok(nt) { Ok(()) } else { Err(TpmRc::ATTRIBUTES.handle(2)) }
}

/// What a first write leaves of an ordinary index: ones, as erased memory and the TPMs in the field have them. Everything
/// else starts with zeros (Part 1, 34.2.6), an orderly index too, because it is not in such memory.
const ERASED: u8 = 0xFF;

/// The index, for a write that sets `WRITTEN`, which changes its name. Nothing that it may have held before it became
/// unwritten shows. A write that changes nothing should not come here: storage wears out.
///
/// # Errors
/// `TPM_RC_HANDLE` if the index is not defined.
pub fn write(tpm: &mut Core, handle: TpmiRhNvIndex) -> Result<&mut NvIndex, TpmRc> {
    let index = tpm.nv.index_mut(handle.into())?;
    if !index.has(TpmaNv::WRITTEN) {
        let erased = index.public.attributes.nt() == Ok(TpmNt::Ordinary) && !index.has(TpmaNv::ORDERLY);
        index.data.fill(if erased { ERASED } else { 0 });
        index.public.attributes = index.public.attributes.with(TpmaNv::WRITTEN);
    }
    Ok(index)
}

/// Sets the 64-bit number of an index.
///
/// # Errors
/// As [`replace()`].
pub fn set_number(tpm: &mut Core, handle: TpmiRhNvIndex, number: u64) -> Result<(), TpmRc> {
    replace(write(tpm, handle)?, &number.to_be_bytes())
}

/// Replaces all contents of an index.
///
/// # Errors
/// `TPM_RC_FAILURE` if the size is another, which no index that was defined here has for its type.
pub fn replace(index: &mut NvIndex, contents: &[u8]) -> Result<(), TpmRc> {
    if index.data.len() != contents.len() {
        return Err(TpmRc::FAILURE);
    }
    index.data.copy_from_slice(contents);
    Ok(())
}
