//! Users and capabilities.

use std::ffi::CString;
use std::io;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::unistd::{Uid, User, initgroups, setgid, setuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

use super::{Memory, Sandbox, SandboxError};

/// Becomes a user, by name or number, with that user's groups and nobody else's.
pub(super) fn become_user(wanted: &str) -> Result<(), SandboxError> {
    let failed = |what| {
        move |error: Errno| SandboxError::Become { user: wanted.to_owned(), what, source: io::Error::from(error) }
    };
    let found = match wanted.parse() {
        Ok(number) => User::from_uid(Uid::from_raw(number)),
        Err(_) => User::from_name(wanted),
    };
    let user = found.map_err(failed("looking it up"))?.ok_or_else(|| SandboxError::NoUser(wanted.to_owned()))?;
    if user.uid == Uid::effective() {
        return Ok(());
    }
    let name = CString::new(user.name).map_err(|_| SandboxError::NoUser(wanted.to_owned()))?;
    initgroups(&name, user.gid).map_err(failed("initgroups"))?;
    setgid(user.gid).map_err(failed("setgid"))?;
    setuid(user.uid).map_err(failed("setuid"))
}

/// Gives up every privilege, for ever, and the way to new ones. True if one had to stay: root's right to write what
/// belongs to another user, where the state does (Landlock keeps it to the state).
pub(super) fn drop_all(sandbox: &Sandbox) -> Result<bool, SandboxError> {
    set_no_new_privs(true).map_err(SandboxError::step("no new privileges"))?;
    let had = capabilities(None).map_err(SandboxError::step("reading capabilities"))?;
    let own = Uid::effective().as_raw();
    let foreign = sandbox.writable.iter().any(|path| std::fs::metadata(path).is_ok_and(|found| found.uid() != own));
    let mut kept = if foreign { had.permitted & CapabilitySet::DAC_OVERRIDE } else { CapabilitySet::empty() };
    if sandbox.memory == Some(Memory::LockedByPrivilege) {
        kept |= had.permitted & CapabilitySet::IPC_LOCK;
    }
    if had.permitted.contains(CapabilitySet::SETPCAP) {
        for number in 0..u64::BITS {
            // Those that this kernel does not know are an error, and nothing to drop.
            let _ = remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number));
        }
    }
    // Kernels older than 4.3 have no ambient set.
    let _ = clear_ambient_capability_set();
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).map_err(SandboxError::step("dropping capabilities"))?;
    Ok(kept.contains(CapabilitySet::DAC_OVERRIDE))
}
