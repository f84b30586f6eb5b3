//! Why a state file is refused, and the words for it.

use crate::sealing::Sealing;
use ironroot_platform::{CounterError, StorageError};
use std::{fmt, io};

/// What is wrong with a state file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The byte at which the part begins that is not as it was written.
    pub offset: usize,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The file is something else.
    NotAState,
    /// The file was written by a later release.
    Newer(u16),
    /// The header does not authenticate under the device's key.
    WrongDevice,
    /// The file belongs to another of the device's TPMs.
    WrongInstance {
        /// The file's.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The name of an instance does not fit.
    LongName,
    /// The device is right, but the second key is not.
    WrongSecond(Sealing),
    /// A second key is needed, and none was given.
    KeyMissing(Sealing),
    /// A second key of another kind was given.
    WrongKind(Sealing),
    /// A second key was given, and none is needed.
    KeyNotExpected,
    /// The state is older than its counter.
    Rollback {
        /// The state's sequence number.
        state: u64,
        /// The counter's.
        counter: u64,
        /// Where the counter is.
        place: String,
    },
    /// The counter has no number for this state.
    CounterMissing(String),
    /// The counter's number is damaged or forged.
    CounterRefused(String),
    /// The counter cannot be reached.
    CounterUnreachable(String),
    /// A counter was given, and the state expects none.
    CounterNotExpected,
    /// A commit for every counter step, but commits that do not wait for the disk.
    CounterNeedsPower,
    /// The file is larger than any that is written.
    TooLarge,
    /// Something is not as it was written.
    Damaged(String),
}

impl Refusal {
    /// Damage at `offset`.
    pub fn damaged(offset: usize, what: impl Into<String>) -> Self {
        Self { offset, reason: Reason::Damaged(what.into()) }
    }

    /// The error for people, with the file's name and what to do.
    pub fn into_error(self, file: &str) -> StorageError {
        let text = format!("{file}: {self}");
        match self.reason {
            Reason::CounterUnreachable(_) => StorageError::Io(text),
            _ => StorageError::Refused(text),
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { offset: 0, reason }
    }
}

impl Reason {
    /// What a counter at `place` said.
    pub fn counter(error: CounterError, place: impl fmt::Display) -> Self {
        let text = format!("{error} ({place})");
        match error {
            CounterError::Missing(_) => Self::CounterMissing(text),
            CounterError::Unreachable(_) => Self::CounterUnreachable(text),
            CounterError::Refused(_) | CounterError::Ahead(_) => Self::CounterRefused(text),
        }
    }

    /// One word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAState => "not-a-state",
            Self::Newer(_) => "newer-format",
            Self::WrongDevice => "wrong-device",
            Self::WrongInstance { .. } => "wrong-instance",
            Self::LongName => "long-name",
            Self::WrongSecond(_) => "wrong-key",
            Self::KeyMissing(_) => "key-missing",
            Self::WrongKind(_) => "wrong-kind-of-key",
            Self::KeyNotExpected => "key-not-expected",
            Self::Rollback { .. } => "rollback",
            Self::CounterMissing(_) => "counter-missing",
            Self::CounterRefused(_) => "counter-refused",
            Self::CounterUnreachable(_) => "counter-unreachable",
            Self::CounterNotExpected => "counter-not-expected",
            Self::CounterNeedsPower => "counter-needs-power",
            Self::TooLarge => "too-large",
            Self::Damaged(_) => "damaged",
        }
    }
}

/// How the commands are told the second key.
const fn option(sealing: &Sealing) -> &'static str {
    match sealing {
        Sealing::Passphrase { .. } => "--key pwdfile=FILE or pwdfd=NUMBER",
        _ => "--key file=FILE or fd=NUMBER",
    }
}

fn quoted(instance: &str) -> String {
    if instance.is_empty() { "without a name".into() } else { format!("\"{instance}\"") }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Damaged(what) => write!(
                f,
                "the state is damaged at byte {}: {what}; nothing was changed; restore a backup of the folder",
                self.offset
            ),
            reason => reason.fmt(f),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAState => f.write_str("this is not an Ironroot state file; nothing was changed; name the right folder"),
            Self::Newer(version) => write!(
                f,
                "this state has format version {version}, and this program knows none above {}; nothing was changed; \
                 use the release that wrote it, or a later one",
                crate::VERSION
            ),
            Self::WrongDevice => f.write_str(
                "this state was sealed under another key: the device value or the product secret is not the one that the TPM \
                 was made with (or the header was forged); nothing was changed; use the original device and product secret, \
                 or make a new TPM in an empty folder",
            ),
            Self::WrongInstance { found, wanted } => write!(
                f,
                "this state belongs to the instance {}, not to the one {}; nothing was changed; name the right folder or \
                 the right --instance",
                quoted(found),
                quoted(wanted)
            ),
            Self::LongName => {
                f.write_str("the name of an instance has at most 64 bytes, and no zero among them; choose another one")
            }
            Self::WrongSecond(sealing) => write!(
                f,
                "this state is sealed under {sealing}; the device is the right one, but what was given beside it is not; \
                 nothing was changed; give the right one with {}",
                option(sealing)
            ),
            Self::KeyMissing(sealing) => write!(
                f,
                "this state is sealed under {sealing}, and only the device is known; nothing was changed; give the other \
                 with {}",
                option(sealing)
            ),
            Self::WrongKind(sealing) => write!(
                f,
                "this state is sealed under {sealing}, and something else was given; nothing was changed; use {}",
                option(sealing)
            ),
            Self::KeyNotExpected => f.write_str(
                "a key or passphrase was given, but this state is sealed under the device value alone: is it the right one? \
                 nothing was changed; leave --key out, or give the state a key with `ironroot state rekey`",
            ),
            Self::Rollback { state, counter, place } => write!(
                f,
                "an old copy of the state was put back: its sequence number is {state}, but its counter ({place}) has \
                 reached {counter}; nothing was changed; put the latest state back; if there is none, \
                 `ironroot state accept-rollback` makes the TPM go on from this one"
            ),
            Self::CounterMissing(text) => write!(
                f,
                "this state expects a counter that is not there: {text}; nothing was changed; bring the counter back; if it is \
                 lost, `ironroot state accept-rollback --new-counter …` makes the TPM go on with another one"
            ),
            Self::CounterRefused(text) => write!(
                f,
                "the counter of this state cannot be trusted: {text}; nothing was changed; bring the right one back; if it is \
                 lost, `ironroot state accept-rollback --new-counter …` makes the TPM go on with another one"
            ),
            Self::CounterUnreachable(text) => write!(
                f,
                "the counter of this state cannot be reached: {text}; nothing was changed; make it reachable and try again"
            ),
            Self::CounterNotExpected => f.write_str(
                "a counter was given, but this state expects none: is it the right one? nothing was changed; leave --counter \
                 out, or give the state a counter with `ironroot state rekey --new-counter …`",
            ),
            Self::CounterNeedsPower => f.write_str(
                "this state advances its counter with every commit, so commits have to wait for the disk; nothing was \
                 changed; use --durability power, or let the counter be advanced by sessions",
            ),
            Self::TooLarge => {
                f.write_str("this file is too large to be a state file; nothing was changed; restore a backup")
            }
            Self::Damaged(what) => write!(f, "the state is damaged: {what}; nothing was changed; restore a backup of the folder"),
        }
    }
}

/// The error for a failed operation on a file, with what to do about it.
pub fn io_error(doing: &str, file: &str, error: &io::Error) -> StorageError {
    use io::ErrorKind as Kind;
    let text = |next: &str| format!("{file}: {doing} failed: {error}; {next}");
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return StorageError::Io(text("it is a symbolic link, which is not followed; put the file itself there"));
    }
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
            StorageError::Full(text("the state is as it was before; free some space and try again"))
        }
        Kind::ReadOnlyFilesystem => StorageError::Io(text("make the file system writable or use another folder")),
        Kind::PermissionDenied => StorageError::Io(text("run as the folder's owner or give this user access to it")),
        Kind::NotFound => StorageError::Io(text("check the folder's name, or make a TPM in it first")),
        Kind::NotADirectory => StorageError::Io(text("name a folder, not a file")),
        _ => StorageError::Io(text("check the disk and the system's log")),
    }
}
