//! Opening a package into a folder, which appears when all of it has been verified, or not at all.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{
    content::ContentKey,
    error::PackageError,
    manifest::Manifest,
    open::{Package, Place},
};

impl<R: Read> Package<R> {
    /// Opens the package into a folder that does not exist yet. `before_release` is called when every byte has been verified and is
    /// on the disk, right before the folder gets its name: the place to raise a version counter; if it fails, there is no folder.
    /// `key` is needed if the package is sealed.
    ///
    /// # Errors
    /// [`PackageError`]; nothing is left behind then, unless what failed is the very last, to have the folder's name on the disk.
    pub fn unpack(
        self,
        key: Option<&ContentKey>,
        folder: &Path,
        before_release: &mut dyn FnMut(&Manifest) -> Result<(), PackageError>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Manifest, PackageError> {
        if self.manifest().sealed.is_some() && key.is_none() {
            return Err(PackageError::Refused("it is sealed, and there is no key to open it".into()));
        }
        if fs::symlink_metadata(folder).is_ok() {
            let reason = "it is there already: name a folder that is not, and switch over when it is complete";
            return Err(PackageError::Source { path: folder.into(), reason: reason.into() });
        }
        let partial = Partial::new(folder, self.manifest().sealed.is_some())?;
        let (total, mut done) = (self.manifest().total(), 0_u64);
        let mut open = None;
        let manifest = self.read(&mut |place, stored| {
            if place.chunk.is_none() {
                finish(open.replace(partial.create(&place)?))?;
                return Ok(());
            }
            let content = place.content(key, stored)?;
            let Some((path, file)) = &mut open else { return Ok(()) };
            file.write_all(&content).map_err(PackageError::file(&*path))?;
            done = done.saturating_add(content.len() as u64);
            progress(done, total);
            Ok(())
        })?;
        finish(open)?;
        partial.flush_folders()?;
        before_release(&manifest)?;
        partial.release(folder)?;
        Ok(manifest)
    }
}

fn finish(file: Option<(PathBuf, fs::File)>) -> Result<(), PackageError> {
    file.map_or(Ok(()), |(path, file)| file.sync_all().map_err(PackageError::file(path)))
}

/// A folder of ours alone that goes away at the end; the content is in another one in it, until it is released.
struct Partial {
    wrapper: PathBuf,
    path: PathBuf,
}

impl Partial {
    fn new(folder: &Path, sealed: bool) -> Result<Self, PackageError> {
        let name = folder
            .file_name()
            .ok_or_else(|| PackageError::Source { path: folder.into(), reason: "it is no name for a folder".into() })?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| PackageError::Random)?;
        let mut partial = name.to_owned();
        partial.push(format!(".part-{:016x}", u64::from_be_bytes(random)));
        let wrapper = folder.with_file_name(partial);
        fs::DirBuilder::new().mode(0o700).create(&wrapper).map_err(PackageError::file(&wrapper))?;
        let this = Self { path: wrapper.join("content"), wrapper };
        // What was sealed is its owner's alone; of what everybody can read the umask decides.
        let mode = if sealed { 0o700 } else { 0o777 };
        fs::DirBuilder::new().mode(mode).create(&this.path).map_err(PackageError::file(&this.path))?;
        Ok(this)
    }

    fn create(&self, place: &Place<'_>) -> Result<(PathBuf, fs::File), PackageError> {
        let path = self.path.join(&place.file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(PackageError::file(parent))?;
        }
        let mode = if place.file.executable { 0o755 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let file = file.map_err(PackageError::file(&path))?;
        Ok((path, file))
    }

    fn flush_folders(&self) -> Result<(), PackageError> {
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            let failed = || PackageError::file(&folder);
            for entry in fs::read_dir(&folder).map_err(failed())? {
                let entry = entry.map_err(failed())?;
                if entry.file_type().map_err(failed())?.is_dir() {
                    folders.push(entry.path());
                }
            }
            fs::File::open(&folder).and_then(|opened| opened.sync_all()).map_err(failed())?;
        }
        Ok(())
    }

    fn release(&self, folder: &Path) -> Result<(), PackageError> {
        fs::rename(&self.path, folder).map_err(PackageError::file(folder))?;
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(parent).and_then(|opened| opened.sync_all()).map_err(PackageError::file(parent))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.wrapper);
    }
}
