//! Why a state file is refused, and the words for it.

use ironroot_platform::StorageError;
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
    /// The header does not authenticate under this key.
    WrongKey,
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
        StorageError::Refused(format!("{file}: {self}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::NotAState => f.write_str("this is not an Ironroot state file; nothing was changed; name the right folder"),
            Reason::Newer(version) => write!(
                f,
                "this state has format version {version}, and this program knows none above {}; nothing was changed; \
                 use the release that wrote it, or a later one",
                crate::VERSION
            ),
            Reason::WrongKey => f.write_str(
                "this state was sealed under another key: the device value or the product secret is not the one that the TPM \
                 was made with (or the header was forged); nothing was changed; use the original device and product secret, \
                 or make a new TPM in an empty folder",
            ),
            Reason::TooLarge => f.write_str("this file is too large to be a state file; nothing was changed; restore a backup"),
            Reason::Damaged(what) => write!(
                f,
                "the state is damaged at byte {}: {what}; nothing was changed; restore a backup of the folder",
                self.offset
            ),
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
