//! Files: Landlock leaves the process its own folders and nothing else, not even for reading; and no TCP port to take or
//! to call, no abstract socket, and no process outside to signal.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};

use super::{Sandbox, SandboxError, Work};

/// The newest kernel interface that this was tried with; older ones get what they can do.
const NEWEST: ABI = ABI::V6;

/// How far the process is kept to its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    /// Wholly.
    Restricted,
    /// As far as this kernel can.
    Partly,
    /// Not at all.
    Unrestricted,
}

impl Paths {
    /// What is missing.
    #[must_use]
    pub const fn gap(&self) -> Option<&'static str> {
        match self {
            Self::Restricted => None,
            Self::Partly => Some(
                "this kernel's Landlock is older than Linux 6.12: files are restricted, but not all of: truncation (6.2), TCP (6.7), devices (6.10), signals and abstract sockets (6.12)",
            ),
            Self::Unrestricted => Some(
                "files are not restricted: this kernel has no Landlock (Linux 5.13 and later have it, if it is enabled: `lsm=landlock,…`)",
            ),
        }
    }
}

impl std::fmt::Display for Paths {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Restricted => "restricted",
            Self::Partly => "partly restricted",
            Self::Unrestricted => "unrestricted",
        })
    }
}

/// Restricts this thread and those that it starts.
pub(super) fn restrict(sandbox: &Sandbox) -> Result<Paths, SandboxError> {
    let failed = |error: RulesetError| SandboxError::Paths(error.to_string());
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(failed)?;
    let in_folder = make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile | IoctlDev
    });
    let in_folder = match sandbox.work {
        Work::Tpm => in_folder,
        // The service makes its own folder at the first start.
        Work::TpmAndService => in_folder | AccessFs::MakeDir,
        Work::Connector => BitFlags::EMPTY,
    };
    for path in &sandbox.writable {
        let is_folder = path.is_dir();
        rules = allow(rules, path, if is_folder { in_folder } else { in_folder & AccessFs::from_file(NEWEST) })?;
    }
    for port in &sandbox.ports {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::BindTcp)).map_err(failed)?;
    }
    for port in &sandbox.calls {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(failed)?;
    }
    for path in &sandbox.removable {
        rules = allow(rules, path, AccessFs::RemoveFile.into())?;
    }
    match rules.restrict_self().map_err(failed)?.ruleset {
        RulesetStatus::FullyEnforced => Ok(Paths::Restricted),
        RulesetStatus::PartiallyEnforced => Ok(Paths::Partly),
        RulesetStatus::NotEnforced => Ok(Paths::Unrestricted),
    }
}

fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, SandboxError> {
    let failed = |error: &dyn std::error::Error| SandboxError::Paths(format!("{}: {error}", path.display()));
    let opened = PathFd::new(path).map_err(|error| failed(&error))?;
    rules.add_rule(PathBeneath::new(opened, access)).map_err(|error| failed(&error))
}
