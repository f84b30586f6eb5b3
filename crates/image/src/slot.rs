//! A component in its place: a file or a block device.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use ironroot_crypto::Hasher;
use ironroot_wire::TpmiAlgHash;

use crate::{Component, error::ImageError};

/// A place that is being written.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    file: File,
    is_device: bool,
    size: u64,
}

impl Target {
    /// Opens the place for a component, which has to fit. What is there stays until it is overwritten.
    pub(crate) fn open(path: &Path, component: &Component) -> Result<Self, ImageError> {
        let failed = || ImageError::file(path);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed())?;
        let kind = file.metadata().map_err(failed())?.file_type();
        let is_device = kind.is_block_device();
        if !is_device && !kind.is_file() {
            return Err(ImageError::content(
                path,
                "it is neither a file nor a block device: name one in the configuration",
            ));
        }
        if is_device {
            let room = file.seek(SeekFrom::End(0)).map_err(failed())?;
            if room < component.size {
                let reason = format!("it has {room} bytes, and the component has {}", component.size);
                return Err(ImageError::content(path, reason));
            }
        }
        Ok(Self { path: path.to_owned(), file, is_device, size: component.size })
    }

    /// Writes a piece.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), ImageError> {
        let written = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.write_all(bytes));
        written.map_err(ImageError::file(&self.path))
    }

    /// What was written is on the disk when this returns.
    pub(crate) fn flush(&self) -> Result<(), ImageError> {
        self.file.sync_data().map_err(ImageError::file(&self.path))
    }

    /// The component is complete; what an earlier, longer one has left behind it in a file goes.
    pub(crate) fn finish(self) -> Result<(), ImageError> {
        let cut = if self.is_device { Ok(()) } else { self.file.set_len(self.size) };
        cut.and_then(|()| self.file.sync_all()).map_err(ImageError::file(&self.path))
    }
}

/// Whether a place holds a component: what is on the medium, as far as the system says.
pub(crate) fn holds(path: &Path, component: &Component) -> Result<bool, ImageError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(ImageError::file(path)(error)),
    };
    let metadata = file.metadata().map_err(ImageError::file(path))?;
    if metadata.is_file() && metadata.len() != component.size {
        return Ok(false);
    }
    // Asked anew of a disk, where the system can do that, and not of its cache; where it cannot, the cache is all there is.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    let mut hasher = Hasher::new(TpmiAlgHash::Sha256);
    let (mut buffer, mut left) = (vec![0; 1 << 20], component.size);
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(piece) = buffer.get_mut(..want) else { return Ok(false) };
        match file.read(piece).map_err(ImageError::file(path))? {
            0 => return Ok(false),
            read => {
                hasher.update(piece.get(..read).unwrap_or_default());
                left = left.saturating_sub(read as u64);
            }
        }
    }
    let digest: String = hasher.finish().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(digest.eq_ignore_ascii_case(&component.sha256))
}
