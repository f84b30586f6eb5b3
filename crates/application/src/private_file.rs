//! Files that nobody else reads, replaced as a whole: after a power cut there is the old one or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind as IoError, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::{Error, ErrorKind, Result};

/// Larger ones are not read.
const LARGEST: u64 = 16 << 20;

/// What a file holds; nothing if there is none.
///
/// # Errors
/// Kind `File` with the file and the reason.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)) {
        Err(error) if error.kind() == IoError::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, &error)),
        Ok(_) => {}
    }
    if u64::try_from(bytes.len()).is_ok_and(|size| size > LARGEST) {
        return Err(failed("read", path, &"it is larger than 16 MiB: is this the right file?"));
    }
    Ok(Some(bytes))
}

/// Replaces a file, which only its owner may read.
///
/// # Errors
/// Kind `File` with the file and the reason; the old one is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".new-{}", std::process::id()));
    let new = PathBuf::from(new);
    let written = write(&new, bytes).and_then(|()| fs::rename(&new, path)).and_then(|()| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    });
    written.map_err(|error| {
        // It may not be there; the first error counts.
        let _ = fs::remove_file(&new);
        failed("write", path, &error)
    })
}

fn write(new: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // What an attempt that was cut off has left.
    match fs::remove_file(new) {
        Err(error) if error.kind() != IoError::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failed(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::File, format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        assert_eq!(read(&path).unwrap(), None);
        for content in [b"one".as_slice(), b"", b"three"] {
            replace(&path, content).unwrap();
            assert_eq!(read(&path).unwrap().unwrap(), content);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else stays");
        let nowhere = folder.path().join("nowhere/users");
        assert!(replace(&nowhere, b"x").unwrap_err().to_string().contains("nowhere/users"));
        // A folder in its place: the old one stays, and nothing is left beside it.
        fs::create_dir(folder.path().join("full")).unwrap();
        fs::write(folder.path().join("full/x"), "x").unwrap();
        assert!(replace(&folder.path().join("full"), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(read(&folder.path().join("full")).unwrap_err().kind(), ErrorKind::File);
    }
}
