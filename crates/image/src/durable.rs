//! Small files that are replaced whole: after a power cut there is the old one or the new one.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::error::ImageError;

/// No file that is read here is longer.
const LONGEST: u64 = 4 << 20;

/// Replaces a file. It is on the disk when this returns.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ImageError> {
    let mut draft = path.as_os_str().to_owned();
    // One process at a time holds the lock, so what an interrupted one has left is overwritten.
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let written = || -> io::Result<()> {
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(folder_of(path))?.sync_all()
    };
    written().map_err(ImageError::file(path))
}

/// A file's content; nothing if it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, ImageError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ImageError::file(path)(error)),
        Ok(metadata) if metadata.len() > LONGEST => {
            return Err(ImageError::content(path, "it is too long for what it should be"));
        }
        Ok(_) => {}
    }
    fs::read(path).map(Some).map_err(ImageError::file(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
