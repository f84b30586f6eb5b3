//! The product secret in a file of a host: 32 raw bytes that only the owner may read, or white-box tables.
//!
//! A file is the bench's way. It must lie outside the TPM's state folder, or a thief of the folder has both.

use crate::{Product, ProductSecret, WhiteBox};
use alloc::{
    borrow::ToOwned,
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use ironroot_platform::Entropy;
use ironroot_whitebox::{FILE_SIZE, MAGIC};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::{Zeroize, Zeroizing};

/// Why the product secret could not be made or loaded: the file, the cause, the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSecretError(String);

impl fmt::Display for ProductSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ProductSecretError {}

fn error(path: &Path, why: &str, next: &str) -> ProductSecretError {
    ProductSecretError(format!("product secret {}: {why}; {next}", path.display()))
}

/// Makes a new random product secret and writes it to `path`, readable by its owner only. Never overwrites.
///
/// # Errors
/// [`ProductSecretError`] if the file is there already or cannot be written, or there is no entropy.
pub fn create(path: &Path, entropy: &mut dyn Entropy) -> Result<ProductSecret, ProductSecretError> {
    let secret = ProductSecret::generate(entropy).map_err(|e| error(path, &e.to_string(), "try again"))?;
    write_new(path, secret.expose()).map_err(|e| {
        error(
            path,
            &e.to_string(),
            match e.kind() {
                io::ErrorKind::AlreadyExists => {
                    "load it, or name another file: devices made with the old one depend on it"
                }
                _ => "make its folder writable or name another file",
            },
        )
    })?;
    Ok(secret)
}

/// Loads what stands for the product: a file of 32 bytes is its secret, one that begins as white-box tables is these. The warning
/// is that of [`load`]; tables are made to be shipped, so they have none.
///
/// # Errors
/// [`ProductSecretError`] if the file cannot be read, or is neither.
pub fn load_product(path: &Path) -> Result<(Product, Option<String>), ProductSecretError> {
    let unreadable =
        |e: io::Error| error(path, &e.to_string(), "name the file that the product's devices were made with");
    let mut start = Vec::with_capacity(MAGIC.len());
    let file = File::open(path).map_err(unreadable)?;
    (&file).take(MAGIC.len() as u64).read_to_end(&mut start).map_err(unreadable)?;
    if start != MAGIC {
        start.zeroize();
        return load(path).map(|(secret, warning)| (secret.into(), warning));
    }
    // All at once: the digest inside says whether it is whole.
    let mut tables = Vec::with_capacity(FILE_SIZE.saturating_add(1));
    tables.extend_from_slice(MAGIC);
    (&file).take(FILE_SIZE as u64).read_to_end(&mut tables).map_err(unreadable)?;
    let tables: Box<[u8]> = tables.into();
    let tables = WhiteBox::new(tables)
        .map_err(|e| error(path, &e.to_string(), "restore it, or make it anew with `ironroot whitebox generate`"))?;
    Ok((Product::WhiteBox(tables), None))
}

/// Loads the product secret, with a warning for people if others than its owner can get at the file.
///
/// # Errors
/// [`ProductSecretError`] if the file cannot be read or does not hold exactly 32 bytes.
pub fn load(path: &Path) -> Result<(ProductSecret, Option<String>), ProductSecretError> {
    let unreadable =
        |e: io::Error| error(path, &e.to_string(), "name the file that the product's devices were made with");
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    // One byte more than a secret has, so that a longer file shows.
    let mut buffer = Zeroizing::new([0; ProductSecret::SIZE + 1]);
    let mut length = 0_usize;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => length = length.saturating_add(count),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(e)),
        }
    }
    let bytes = buffer.first_chunk_mut().filter(|_| length == ProductSecret::SIZE).ok_or_else(|| {
        let found = if length > ProductSecret::SIZE { "more than 32".to_owned() } else { length.to_string() };
        error(path, &format!("it holds {found} bytes, not 32"), "restore it from the product's safe copy")
    })?;
    let open_to_others = mode & 0o077 != 0;
    let warning = open_to_others.then(|| {
        format!(
            "product secret {}: others than its owner can get at it (mode {:03o}); run chmod 600 on it",
            path.display(),
            mode & 0o777
        )
    });
    Ok((ProductSecret::take(bytes), warning))
}

/// Puts a file in the place of another, whole or not at all, readable by its owner only.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes a file that was not there, whole or not at all, readable by its owner only.
pub(crate) fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let result = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(contents)?;
        file.sync_all()?;
        // A link, unlike a rename, fails if the name is taken.
        fs::hard_link(&temporary, path)?;
        sync_folder(path)
    })();
    let _ = fs::remove_file(&temporary);
    result
}

#[cfg(test)]
mod tests;
