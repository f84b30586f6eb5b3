//! Secrets stay in memory: no core dumps, no debuggers, no swap.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};

use super::SandboxError;

/// Whether the process's memory can get to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// All of it, what comes later included, is locked.
    Locked,
    /// The same, but only as long as the process keeps CAP_IPC_LOCK: there is a limit, and no right to raise it.
    LockedByPrivilege,
    /// It is not, for the limit on locked memory (bytes) is too low; the machine has no swap anyway.
    NoSwap {
        /// The limit.
        limit: u64,
    },
    /// It is not, and the machine has swap.
    Swappable {
        /// The limit.
        limit: u64,
    },
}

impl Memory {
    /// What is not as it should be, and what to do.
    #[must_use]
    pub fn gap(&self) -> Option<String> {
        match self {
            Self::Locked | Self::LockedByPrivilege | Self::NoSwap { .. } => None,
            Self::Swappable { limit } => Some(format!(
                "secrets may be written to swap: the limit on locked memory is {} KiB; set it to unlimited (`ulimit -l unlimited`, or LimitMEMLOCK=infinity in a systemd unit), or encrypt the swap",
                limit / 1024
            )),
        }
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Locked | Self::LockedByPrivilege => "locked",
            Self::NoSwap { .. } => "not locked, no swap",
            Self::Swappable { .. } => "swappable",
        })
    }
}

/// Locks what there is and what comes. Only if there is no limit on it: under one, a later allocation would fail instead.
/// `keeps_user`: whether the process stays who it is, and so may keep the privilege that lifts the limit.
///
/// Pages are locked when they are first touched, so that a thread's stack costs what it uses and not what it may.
pub(super) fn lock(keeps_user: bool) -> Memory {
    let limit = getrlimit(Resource::Memlock);
    if limit.current.is_some() {
        // Root's, and anybody's whose administrator allowed it.
        let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
    }
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    let privileged =
        keeps_user && capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if (unlimited || privileged) && mlockall(flags).is_ok() {
        return if unlimited { Memory::Locked } else { Memory::LockedByPrivilege };
    }
    let limit = limit.current.unwrap_or(u64::MAX);
    if has_swap() { Memory::Swappable { limit } } else { Memory::NoSwap { limit } }
}

/// Whether the machine has any swap; one that does not say has.
fn has_swap() -> bool {
    std::fs::read_to_string("/proc/swaps").map_or(true, |table| table.lines().count() > 1)
}

/// No core file whatever happens, and (unless it is to be debuggable) nobody but root may look into the process.
pub(super) fn forbid_dumps(debuggable: bool) -> Result<(), SandboxError> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(SandboxError::step("no core dumps"))?;
    if debuggable {
        tracing::warn!("debuggers of this user may read all secrets, as asked for (--debuggable)");
        return Ok(());
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(SandboxError::step("not dumpable"))
}
