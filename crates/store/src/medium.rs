//! Where the state file lies: the few operations on it, so that tests can put a disk there that fails and loses power.

use ironroot_platform::StorageError;
use rustix::fs::OFlags;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::refusal::io_error;

/// One of the two files of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The state.
    Current,
    /// The state's successor while it is being written.
    Next,
}

/// A place that holds one state.
///
/// Contract, which the store's promises rest on: what was written before [`Self::sync`] returned survives a power cut;
/// what was not may or may not be there, by blocks of 512 bytes; parts of a file that were never written read as zeros.
/// [`Self::install`] is atomic, and survives a power cut after [`Self::sync_folder`].
pub trait Medium: Send {
    /// The place's name, for messages.
    fn name(&self) -> String;
    /// Whether there is a state.
    ///
    /// # Errors
    /// The operating system's.
    fn exists(&mut self) -> io::Result<bool>;
    /// How long a file can be, in bytes, if the place bounds it. It is compacted before it is longer.
    fn capacity(&self) -> Option<u64> {
        None
    }
    /// If making a new file wears the place out: how long a new one could be, in bytes. One is then made only when the old one
    /// has no room left and the new one would have.
    fn fresh_capacity(&self) -> Option<u64> {
        None
    }
    /// Reads the state; of a file longer than `limit`, the first `limit` bytes. Changes nothing.
    ///
    /// # Errors
    /// The operating system's.
    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>>;
    /// Makes an empty [`Which::Next`], in the place of one that is there.
    ///
    /// # Errors
    /// The operating system's.
    fn create_next(&mut self) -> io::Result<()>;
    /// Writes at a place of a file, which grows if need be. After an error, some of the bytes may be written.
    ///
    /// # Errors
    /// The operating system's.
    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Sets a file's length; what is new is zero.
    ///
    /// # Errors
    /// The operating system's.
    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()>;
    /// Returns when the file's contents and length survive a power cut.
    ///
    /// # Errors
    /// The operating system's.
    fn sync(&mut self, which: Which) -> io::Result<()>;
    /// Puts [`Which::Next`] in the place of the state.
    ///
    /// # Errors
    /// The operating system's; then the state is the old one.
    fn install(&mut self) -> io::Result<()>;
    /// Returns when the file that was installed last survives a power cut.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_folder(&mut self) -> io::Result<()>;
    /// Removes [`Which::Next`] if it is there.
    fn discard_next(&mut self);
}

const CURRENT: &str = "state";
const NEXT: &str = "state.new";
const LOCK: &str = "lock";
/// A file of a state is never a symbolic link: whoever may write to the folder must not choose what else is overwritten.
const NO_LINK: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// A folder of a file system, held by this process alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Holds the lock as long as it is open.
    _lock: File,
    current: Option<File>,
    next: Option<File>,
}

impl Folder {
    /// Takes hold of a folder that exists.
    ///
    /// # Errors
    /// [`StorageError::Io`] if it is missing, cannot be written, or another process holds it.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let name = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|error| io_error("opening the state folder", &name, &error))?;
        if !metadata.is_dir() {
            return Err(io_error("opening the state folder", &name, &io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self { path: path.to_owned(), _lock: lock(&path.join(LOCK))?, current: None, next: None })
    }

    /// Takes hold of a folder, which is made if it is missing, for this user only.
    ///
    /// # Errors
    /// [`StorageError::Io`] as [`Self::open`], or if the folder cannot be made.
    pub fn create(path: &Path) -> Result<Self, StorageError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| io_error("making the state folder", &path.display().to_string(), &error))?;
        Self::open(path)
    }

    fn path_of(&self, which: Which) -> PathBuf {
        self.path.join(match which {
            Which::Current => CURRENT,
            Which::Next => NEXT,
        })
    }

    /// The file, opened for writing when it is first written.
    fn file(&mut self, which: Which) -> io::Result<&File> {
        let path = self.path_of(which);
        let slot = match which {
            Which::Current => &mut self.current,
            Which::Next => &mut self.next,
        };
        match slot {
            Some(file) => Ok(file),
            None => Ok(slot.insert(OpenOptions::new().write(true).custom_flags(NO_LINK).open(path)?)),
        }
    }
}

/// Opens a file that is one: no symbolic link, and no pipe that would keep the opener waiting.
pub(crate) fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.custom_flags(NO_LINK | OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// The first `limit` bytes of a file.
pub(crate) fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(OpenOptions::new().read(true), path)?;
    let length = file.metadata()?.len().min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Locks the folder. The lock goes with the process, however it ends.
fn lock(path: &Path) -> Result<File, StorageError> {
    let name = path.display().to_string();
    let failed = |error: &io::Error| io_error("locking the state", &name, error);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(NO_LINK)
        .open(path)
        .map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.take(20).read_to_string(&mut holder);
            let holder = holder.trim().parse::<u32>().map_or("another process".into(), |id| format!("process {id}"));
            return Err(StorageError::Io(format!(
                "{name}: {holder} has this state open; stop it first, or use another folder"
            )));
        }
    }
    // The number only helps people to find the holder: on a full disk it may be missing.
    let _ = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

impl Medium for Folder {
    fn name(&self) -> String {
        self.path_of(Which::Current).display().to_string()
    }

    fn exists(&mut self) -> io::Result<bool> {
        self.path_of(Which::Current).try_exists()
    }

    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        read_regular(&self.path_of(Which::Current), limit)
    }

    fn create_next(&mut self) -> io::Result<()> {
        self.discard_next();
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path_of(Which::Next))?;
        self.next = Some(file);
        Ok(())
    }

    fn write_at(&mut self, which: Which, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(which)?.write_all_at(bytes, offset)
    }

    fn set_len(&mut self, which: Which, length: u64) -> io::Result<()> {
        self.file(which)?.set_len(length)
    }

    fn sync(&mut self, which: Which) -> io::Result<()> {
        self.file(which)?.sync_data()
    }

    fn install(&mut self) -> io::Result<()> {
        let next = self.next.take().ok_or(io::ErrorKind::NotFound)?;
        let path = self.path_of(Which::Current);
        if let Err(error) = std::fs::rename(self.path_of(Which::Next), &path) {
            // A network file system may report a failure of what it did.
            let happened = std::fs::metadata(&path).is_ok_and(|found| {
                next.metadata().is_ok_and(|ours| (found.dev(), found.ino()) == (ours.dev(), ours.ino()))
            });
            if !happened {
                return Err(error);
            }
        }
        self.current = Some(next);
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn discard_next(&mut self) {
        self.next = None;
        let _ = std::fs::remove_file(self.path_of(Which::Next));
    }
}
