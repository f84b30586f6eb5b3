//! Building a package: the files are read twice, once for what is signed, once for what is written.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufReader, Read, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ironroot_crypto::digest;
use ironroot_keys::{Claims, EncryptionKey, GLOBAL_BASE_SIZE, NamedKeys, TpmKey, sign_jwt};
use ironroot_wire::TpmiAlgHash;
use serde_json::json;

use crate::{
    archive::{self, Member},
    content::{self, ContentKey},
    error::PackageError,
    manifest::{
        CHUNK, Details, FORMAT, File, LONGEST_MANIFEST, MANIFEST_NAME, Manifest, SIGNATURE_NAME, Sealed, chunk_digest,
    },
    member_path,
};

/// Who can read a package.
#[derive(Debug)]
pub enum Readers<'a> {
    /// Everybody.
    Everybody,
    /// The devices of a product, by the base of its global secrets.
    Product(&'a [u8; GLOBAL_BASE_SIZE]),
    /// The devices of the product to which this TPM belongs.
    SameProduct(&'a NamedKeys),
    /// These devices.
    Devices(&'a [EncryptionKey]),
    /// Whoever is given this key.
    Key(&'a ContentKey),
}

/// What a package is.
#[derive(Debug)]
pub struct Description<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number; higher ones replace lower ones.
    pub version: u64,
    /// Who can read it.
    pub readers: Readers<'a>,
}

/// What a package is made of.
#[derive(Debug, Default)]
pub struct Source {
    /// The files: the name in the package, and where the file is now.
    pub files: BTreeMap<String, PathBuf>,
    /// What is said of them beside.
    pub details: Option<Details>,
}

impl Source {
    /// Everything in a folder, by its path in there.
    ///
    /// # Errors
    /// [`PackageError`] for what cannot be packed.
    pub fn folder(folder: &Path) -> Result<Self, PackageError> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
        while let Some(inner) = folders.pop() {
            for entry in fs::read_dir(&inner).map_err(PackageError::file(&inner))? {
                let entry = entry.map_err(PackageError::file(&inner))?;
                let path = entry.path();
                let kind = entry.file_type().map_err(PackageError::file(&path))?;
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    files.insert(name_in(folder, &path)?, path);
                } else {
                    let reason =
                        "only files and folders can be packed: leave it out, or put what it points to in its place";
                    return Err(PackageError::Source { path, reason: reason.into() });
                }
            }
        }
        Ok(Self { files, details: None })
    }
}

fn name_in(folder: &Path, path: &Path) -> Result<String, PackageError> {
    let wrong = |reason: String| PackageError::Source { path: path.to_owned(), reason };
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let name = relative.to_str().ok_or_else(|| wrong("its name is not UTF-8".into()))?.to_owned();
    member_path::check(&name).map_err(|why| wrong(format!("no package can have this name: {why}")))?;
    Ok(name)
}

/// Packs a folder's files, signed by a key in a TPM. `progress` is told how many of how many bytes are done, both readings
/// together.
///
/// # Errors
/// [`PackageError`]; what has been written by then is no package.
pub fn build(
    folder: &Path,
    description: &Description<'_>,
    key: &TpmKey,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Manifest, PackageError> {
    build_from(Source::folder(folder)?, description, key, output, progress)
}

/// As [`build`], of files from anywhere.
///
/// # Errors
/// As [`build`].
pub fn build_from(
    source: Source,
    description: &Description<'_>,
    key: &TpmKey,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Manifest, PackageError> {
    let (content, sealed) = match &description.readers {
        Readers::Everybody => (None, None),
        Readers::Product(base) => split(ContentKey::for_product(&content::product_secret(base)?)?),
        Readers::SameProduct(keys) => split(ContentKey::for_product(&content::product_secret_of(keys)?)?),
        Readers::Devices(devices) => split(ContentKey::for_devices(devices)?),
        Readers::Key(key) => split(((*key).clone(), Sealed::Key { id: key.id()? })),
    };
    let Source { files: paths, details } = source;
    let mut packer = Packer { paths, content, done: 0, total: 0, progress };
    let sizes = packer.sizes()?;
    let version = description.version;
    let mut manifest = Manifest { name: description.name.into(), version, sealed, details, files: Vec::new() };
    for (number, (path, size)) in sizes.into_iter().enumerate() {
        manifest.files.push(packer.describe(number, path, size)?);
    }
    manifest.check().map_err(PackageError::Description)?;
    let text = serde_json::to_vec(&manifest).map_err(|error| PackageError::Description(error.to_string()))?;
    if text.len() as u64 > LONGEST_MANIFEST {
        return Err(PackageError::Description("the manifest would be longer than 64 MiB: pack fewer files".into()));
    }
    let signature = sign_jwt(key, None, None, &signed_claims(&text))?;

    let members = [(SIGNATURE_NAME, signature.as_bytes()), (MANIFEST_NAME, &text)].map(|(name, bytes)| {
        let member = Member { name, size: bytes.len() as u64, crc32: crc32fast::hash(bytes), executable: false };
        (member, bytes)
    });
    for (member, bytes) in &members {
        output.write_all(&member.local_header())?;
        output.write_all(bytes)?;
    }
    let is_sealed = manifest.sealed.is_some();
    for (number, file) in manifest.files.iter().enumerate() {
        output.write_all(&file.member(is_sealed).local_header())?;
        packer.write(number, file, output)?;
    }
    let front = members.iter().map(|(member, _)| *member);
    let files = manifest.files.iter().map(|file| file.member(is_sealed));
    output.write_all(&archive::directory(front.chain(files)))?;
    output.flush()?;
    Ok(manifest)
}

/// The token that signs a manifest says this.
pub(crate) fn signed_claims(manifest: &[u8]) -> Claims {
    let claims = json!({
        "format": FORMAT,
        "manifest-size": manifest.len(),
        "manifest-sha256": BASE64.encode(digest(TpmiAlgHash::Sha256, &[manifest])),
    });
    claims.as_object().cloned().unwrap_or_default()
}

fn split<A, B>((a, b): (A, B)) -> (Option<A>, Option<B>) {
    (Some(a), Some(b))
}

/// The reading of the files.
struct Packer<'a> {
    paths: BTreeMap<String, PathBuf>,
    content: Option<ContentKey>,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Packer<'_> {
    /// The files with their sizes, by their names in the package, in order.
    fn sizes(&mut self) -> Result<Vec<(String, u64)>, PackageError> {
        let size = |(name, path): (&String, &PathBuf)| {
            Ok((name.clone(), fs::metadata(path).map_err(PackageError::file(path))?.len()))
        };
        let sizes = self.paths.iter().map(size).collect::<Result<Vec<_>, PackageError>>()?;
        // Both readings.
        self.total = sizes.iter().fold(0, |sum: u64, (_, size)| sum.saturating_add(size.saturating_mul(2)));
        Ok(sizes)
    }

    /// Where the file with this name is.
    fn place(&self, name: &str) -> PathBuf {
        self.paths.get(name).cloned().unwrap_or_default()
    }

    /// The first reading.
    fn describe(&mut self, number: usize, path: String, size: u64) -> Result<File, PackageError> {
        let whole = self.place(&path);
        let mode = fs::metadata(&whole).map_err(PackageError::file(&whole))?.permissions().mode();
        let mut file = File { path, size, executable: mode & 0o111 != 0, crc32: 0, sha256: Vec::new() };
        let (mut crc, mut hashes) = (crc32fast::Hasher::new(), Vec::new());
        self.chunks(number, &file, &mut |stored| {
            crc.update(stored);
            hashes.push(chunk_digest(stored));
            Ok(())
        })?;
        (file.crc32, file.sha256) = (crc.finalize(), hashes);
        Ok(file)
    }

    /// The second reading.
    fn write(&mut self, number: usize, file: &File, output: &mut dyn Write) -> Result<(), PackageError> {
        let path = self.place(&file.path);
        let mut expected = file.sha256.iter();
        self.chunks(number, file, &mut |stored| {
            if expected.next() != Some(&chunk_digest(stored)) {
                return Err(changed(&path));
            }
            Ok(output.write_all(stored)?)
        })
    }

    /// Each chunk of a file as it is stored.
    fn chunks(
        &mut self,
        number: usize,
        file: &File,
        each: &mut dyn FnMut(&[u8]) -> Result<(), PackageError>,
    ) -> Result<(), PackageError> {
        let path = self.place(&file.path);
        let mut reader = BufReader::new(fs::File::open(&path).map_err(PackageError::file(&path))?);
        for chunk in 0..file.size.div_ceil(CHUNK) {
            let size = file.chunk_size(chunk);
            let mut plain = Vec::new();
            (&mut reader).take(size).read_to_end(&mut plain).map_err(PackageError::file(&path))?;
            if plain.len() as u64 != size {
                return Err(changed(&path));
            }
            match &self.content {
                Some(key) => each(&key.seal(number, chunk, &plain)?)?,
                None => each(&plain)?,
            }
            self.done = self.done.saturating_add(size);
            (self.progress)(self.done, self.total);
        }
        match reader.read(&mut [0]).map_err(PackageError::file(&path))? {
            0 => Ok(()),
            _ => Err(changed(&path)),
        }
    }
}

fn changed(path: &Path) -> PackageError {
    let reason = "it changed while it was packed: pack again when nobody writes to it";
    PackageError::Source { path: PathBuf::from(path), reason: reason.into() }
}
