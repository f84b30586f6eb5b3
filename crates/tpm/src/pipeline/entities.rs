//! The handle area (Part 3, 5.4): every handle is of the right type and refers to something that is there.

use alloc::vec::Vec;

use ironroot_wire::{CommandInfo, HandleKind, Reader, TpmHandle, TpmRc, TpmaNv, Wire};

use crate::{
    core_state::Core,
    state::{hierarchy::Hierarchy, timers::Timers},
};

/// Unmarshals the handles of a command and checks that each refers to something that is there.
///
/// # Errors
/// The first error, with the number of its handle.
pub fn unmarshal(tpm: &Core, info: &CommandInfo, reader: &mut Reader<'_>) -> Result<Vec<u32>, TpmRc> {
    let mut handles = Vec::with_capacity(info.handles.len());
    for (number, handle_info) in (1u32..).zip(info.handles) {
        let value = u32::unmarshal(reader).map_err(|rc| rc.handle(number))?;
        (handle_info.check)(value).map_err(|rc| rc.handle(number))?;
        check_present(tpm, TpmHandle(value), number).map_err(|rc| rc.handle(number))?;
        handles.push(value);
    }
    Ok(handles)
}

fn check_present(tpm: &Core, handle: TpmHandle, number: u32) -> Result<(), TpmRc> {
    let missing = TpmRc(TpmRc::REFERENCE_H0.0.saturating_add(number).saturating_sub(1));
    match handle.kind() {
        HandleKind::Transient => tpm.objects.get(handle).map(|_| ()).ok_or(missing),
        HandleKind::Persistent => check_persistent(tpm, handle),
        HandleKind::NvIndex => check_nv(tpm, handle),
        HandleKind::HmacSession | HandleKind::PolicySession => tpm.sessions.get(handle).map(|_| ()).ok_or(missing),
        HandleKind::Permanent => match Hierarchy::from_handle(handle) {
            Some(hierarchy) => tpm.require_hierarchy(hierarchy),
            None if Timers::is_timer(handle) && tpm.administration.timers.get(handle).is_none() => Err(TpmRc::VALUE),
            None => Ok(()),
        },
        HandleKind::Pcr => Ok(()),
        // None exists on this TPM.
        HandleKind::ExternalNv | HandleKind::PermanentNv => Err(TpmRc::HANDLE),
        HandleKind::AttachedComponent => {
            let number = usize::try_from(handle.0 & 0xFFFF).unwrap_or(usize::MAX);
            if number < tpm.components.len() { Ok(()) } else { Err(TpmRc::VALUE) }
        }
        HandleKind::Unknown => Err(TpmRc::VALUE),
    }
}

fn check_persistent(tpm: &Core, handle: TpmHandle) -> Result<(), TpmRc> {
    let range = if handle >= TpmHandle::PLATFORM_PERSISTENT { Hierarchy::PLATFORM } else { Hierarchy::OWNER };
    let object = tpm.nv.persistent(handle).ok_or(TpmRc::HANDLE)?;
    if tpm.hierarchies.is_enabled(range) && tpm.hierarchies.is_enabled(object.hierarchy) {
        Ok(())
    } else {
        Err(TpmRc::HANDLE)
    }
}

/// An index of a disabled hierarchy answers as if it did not exist, so that its existence does not leak (Part 2, 8.7).
fn check_nv(tpm: &Core, handle: TpmHandle) -> Result<(), TpmRc> {
    let index = tpm.nv.index(handle).ok_or(TpmRc::HANDLE)?;
    let enabled = if index.has(TpmaNv::PLATFORMCREATE) {
        tpm.hierarchies.platform_nv_enabled
    } else {
        tpm.hierarchies.owner_enabled
    };
    if enabled { Ok(()) } else { Err(TpmRc::HANDLE) }
}
