//! Secret files: written once, whole or not at all, readable by their owner alone.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// What could not be done with a file or folder, and the next step.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}: {source}. {}", path.display(), next_step(source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read the secret.
    #[error("{} is open to other users (mode {mode:03o}): run chmod 600 on it, and replace it if others could read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

fn next_step(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "Run as the folder's owner, or choose another folder",
        io::ErrorKind::ReadOnlyFilesystem => "Choose a folder on a writable file system",
        io::ErrorKind::StorageFull => "Free space on that disk, or choose a folder on another one",
        io::ErrorKind::NotFound => "Create the folder above it first",
        io::ErrorKind::NotADirectory => "Part of the path is a file: choose another folder",
        _ => "Check the folder and try again",
    }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError::Io { action, path: path.to_owned(), source }
}

/// Makes a folder that only its owner may enter, unless it is there.
///
/// # Errors
/// [`FileError::Io`].
pub fn ensure_folder(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error("create the folder", path))
}

/// Reads a secret file; `None` if there is none.
///
/// # Errors
/// [`FileError`]; a secret that others may read is an error.
pub fn read_secret(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileError::Exposed { path: path.to_owned(), mode });
    }
    fs::read(path).map(|bytes| Some(Zeroizing::new(bytes))).map_err(io_error("read", path))
}

/// Reads a text that is no secret; `None` if there is none.
///
/// # Errors
/// [`FileError::Io`].
pub fn read_text(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", path)(error)),
    }
}

/// Writes a file that only its owner may read, durably, unless there is one: `false` if another was first.
///
/// # Errors
/// [`FileError::Io`]; the file is then not there.
pub fn create_secret(path: &Path, contents: &[u8]) -> Result<bool, FileError> {
    let draft = draft_of(path)?;
    let result = write_draft(&draft, contents).and_then(|()| fs::hard_link(&draft, path)).and_then(|()| {
        // The name is durable only when its folder is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    });
    let _ = fs::remove_file(&draft);
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io_error("write", path)(error)),
    }
}

/// Writes a file that only its owner may read, in the place of an older one: at any moment the one or the other is there
/// whole.
///
/// # Errors
/// [`FileError::Io`]; the older one is then still there.
pub fn replace(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let draft = draft_of(path)?;
    let result = write_draft(&draft, contents).and_then(|()| fs::rename(&draft, path));
    if result.is_err() {
        let _ = fs::remove_file(&draft);
    }
    result.map_err(io_error("write", path))
}

/// A name beside the file that no other process takes, not even one of another container with the same process number.
fn draft_of(path: &Path) -> Result<PathBuf, FileError> {
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(|error| io_error("write", path)(io::Error::other(error.to_string())))?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{:016x}.tmp", u64::from_ne_bytes(number)));
    Ok(PathBuf::from(draft))
}

fn write_draft(draft: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(contents)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_once_and_refused_when_exposed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(read_secret(&path).unwrap().is_none());
        assert!(create_secret(&path, b"first").unwrap());
        assert!(!create_secret(&path, b"second").unwrap());
        assert_eq!(read_secret(&path).unwrap().unwrap().as_slice(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_secret(&path), Err(FileError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn of_many_writers_exactly_one_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let winners: Vec<u8> = std::thread::scope(|scope| {
            let path = &path;
            let writers: Vec<_> =
                (0..16u8).map(|n| scope.spawn(move || create_secret(path, &[n; 100]).unwrap().then_some(n))).collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        let [winner] = winners[..] else { panic!("{winners:?}") };
        assert_eq!(fs::read(&path).unwrap(), [winner; 100]);
    }

    #[test]
    fn a_path_through_a_file_is_refused_with_a_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = ensure_folder(&file.join("below")).unwrap_err().to_string();
        assert!(error.contains("file/below") && error.contains("choose another folder"), "{error}");
    }
}
