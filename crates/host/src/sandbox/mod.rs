//! What the daemon gives up before it reads its first byte from a client: system calls, files, privileges, and its memory's
//! way to a disk.
//!
//! Two steps, because secrets are read between them: [`prepare`] at the very start, [`Sandbox::enter`] when everything is open
//! and nothing is served yet. Both restrict the calling thread, and the threads that it starts afterwards; so neither may
//! come after another thread was started, and [`Sandbox::enter`] refuses to.
//!
//! What an old kernel cannot do is left out and said ([`Holds`]); what was asked for and fails is an error. No code here is
//! unsafe: the system calls are made by the crates seccompiler, landlock, rustix and nix.

mod memory;
mod paths;
mod privileges;
mod syscalls;
pub mod trial;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

pub use memory::Memory;
pub use paths::Paths;
pub use syscalls::Work;

/// What happens to a thread that makes a system call outside its list (swtpm's words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seccomp {
    /// The process dies at once, by SIGSYS.
    #[default]
    Kill,
    /// The call is made, and the kernel writes it into the audit log: for finding out what a list lacks.
    Log,
    /// There is no list.
    None,
}

impl FromStr for Seccomp {
    type Err = String;

    /// As swtpm takes it, `action=kill`, or the bare word.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("action=").unwrap_or(text) {
            "kill" => Ok(Self::Kill),
            "log" => Ok(Self::Log),
            "none" => Ok(Self::None),
            other => Err(format!("there is no action {other:?}: write action=kill, action=log or action=none")),
        }
    }
}

impl fmt::Display for Seccomp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kill => "kill",
            Self::Log => "log",
            Self::None => "none",
        })
    }
}

/// Why a process could not be restricted.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No such user.
    #[error("there is no user {0:?} on this machine: take one that `getent passwd` lists, by name or number")]
    NoUser(String),
    /// The user cannot be looked up or taken on.
    #[error("cannot run as user {user:?} ({what}): {source}; only root can become somebody else")]
    Become {
        /// The user.
        user: String,
        /// Which call.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something that every supported kernel can do failed.
    #[error("cannot restrict this process ({what}): {source}")]
    Step {
        /// Which step.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// Landlock is there and fails.
    #[error("cannot restrict this process to its files (Landlock): {0}")]
    Paths(String),
    /// The filter was refused.
    #[error("cannot restrict this process to its system calls (seccomp): {0}; --seccomp action=none does without")]
    Syscalls(String),
    /// Other threads would stay unrestricted.
    #[error("cannot restrict this process: {0} threads run already, and would keep all that they may do")]
    Threads(usize),
}

impl SandboxError {
    fn step(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |error| Self::Step { what, source: error.into() }
    }
}

/// The first step, before any secret is read: no core dumps, no debugger, locked memory, and another user if one is named.
///
/// `debuggable` leaves out the second: for those who have to look into a running daemon.
///
/// # Errors
/// No such user, or no right to become that user.
pub fn prepare(run_as: Option<&str>, debuggable: bool) -> Result<Memory, SandboxError> {
    // Root may lock what it likes; the user that it becomes may not, but what is locked stays locked.
    let memory = memory::lock(run_as.is_none());
    if let Some(user) = run_as {
        privileges::become_user(user)?;
    }
    memory::forbid_dumps(debuggable)?;
    Ok(memory)
}

/// What a process is left with after the second step.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    /// Which system calls it needs.
    pub work: Work,
    /// What happens at any other.
    pub seccomp: Seccomp,
    /// Folders in which it makes, reads, writes, renames and removes files, and files and devices that it reads and writes.
    pub writable: Vec<PathBuf>,
    /// Folders in which it may only remove files: those of its UNIX sockets.
    pub removable: Vec<PathBuf>,
    /// What [`prepare`] said: whether the privilege to lock memory has to stay.
    pub memory: Option<Memory>,
    /// TCP ports that are still to be taken; 0 stands for a free one.
    pub ports: Vec<u16>,
    /// TCP ports that it may call: of the witness, for [`Work::Connector`] alone.
    pub calls: Vec<u16>,
}

/// What really holds now, for logs and people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// Files.
    pub paths: Paths,
    /// System calls.
    pub seccomp: Seccomp,
    /// Whether one privilege had to stay: to write in a folder that belongs to another user.
    pub keeps_dac_override: bool,
}

impl Sandbox {
    /// The second step, for this thread and all that it starts from now on.
    ///
    /// # Errors
    /// Another thread runs already, or the operating system refuses what it should be able to do.
    pub fn enter(&self) -> Result<Holds, SandboxError> {
        // Where /proc is not mounted nobody can tell.
        let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        if threads > 1 {
            return Err(SandboxError::Threads(threads));
        }
        let keeps_dac_override = privileges::drop_all(self)?;
        let paths = paths::restrict(self)?;
        syscalls::restrict(self.work, self.seccomp)?;
        let holds = Holds { paths, seccomp: self.seccomp, keeps_dac_override };
        holds.tell();
        Ok(holds)
    }
}

impl Holds {
    /// What does not hold, in words that say what to do.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        if let Some(gap) = self.paths.gap() {
            gaps.push(gap.to_owned());
        }
        match self.seccomp {
            Seccomp::Kill => {}
            Seccomp::Log => gaps.push("system calls are only logged, as asked for (--seccomp action=log)".to_owned()),
            Seccomp::None => {
                gaps.push("system calls are not restricted, as asked for (--seccomp action=none)".to_owned())
            }
        }
        if self.keeps_dac_override {
            gaps.push("the state belongs to another user, so root's right to write it (CAP_DAC_OVERRIDE) stays; --runas with that user does without".to_owned());
        }
        gaps
    }

    fn tell(&self) {
        tracing::info!(files = %self.paths, seccomp = %self.seccomp, "sandboxed");
        for gap in self.gaps() {
            tracing::warn!("sandbox: {gap}");
        }
    }
}
