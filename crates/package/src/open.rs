//! Reading a package: once, from the beginning to the end.

use std::io::Read;

use ironroot_keys::{JwtRules, VerifyingKey, verify_jwt};

use crate::{
    archive::{self, LOCAL_HEADER, LOCAL_SIZE_AT, Member},
    build::signed_claims,
    content::{ContentKey, TAG},
    error::{PackageError, refused},
    manifest::{CHUNK, File, LONGEST_MANIFEST, MANIFEST_NAME, Manifest, SIGNATURE_NAME, chunk_digest},
};

/// The longest token that is read. Bytes.
const LONGEST_SIGNATURE: u64 = 16 << 10;

/// A package whose manifest is its signer's. Its content has not been read yet.
#[derive(Debug)]
pub struct Package<R> {
    reader: R,
    manifest: Manifest,
    /// The two members in front of the files: size and checksum.
    front: [(u64, u32); 2],
}

impl<R: Read> Package<R> {
    /// Reads the manifest, and verifies that the holder of `key` has signed it.
    ///
    /// # Errors
    /// [`PackageError::Refused`] for what is no package or not this signer's.
    pub fn begin(mut reader: R, key: &VerifyingKey) -> Result<Self, PackageError> {
        let (token, signature) = front(&mut reader, SIGNATURE_NAME, LONGEST_SIGNATURE)?;
        let token = std::str::from_utf8(&token).or_else(|_| refused("its signature is no text"))?;
        let rules = JwtRules { endless: true, ..JwtRules::default() };
        let claims = verify_jwt(token, key, &rules)
            .map_err(|error| PackageError::Refused(format!("of its signature, {error}")))?;
        // No more is read than the signer has signed.
        let signed = claims.get("manifest-size").and_then(serde_json::Value::as_u64).unwrap_or_default();
        let (text, manifest) = front(&mut reader, MANIFEST_NAME, signed.min(LONGEST_MANIFEST))?;
        if claims != signed_claims(&text) {
            return refused("its manifest is not the one that was signed");
        }
        Ok(Self { reader, manifest: Manifest::parse(&text)?, front: [signature, manifest] })
    }

    /// What the signer has signed.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads the rest and verifies every byte of it. `each` gets every chunk that has been verified, with its file, as it is stored: sealed if the package is.
    ///
    /// # Errors
    /// [`PackageError::Refused`] at the first byte that is not as it was signed; what `each` reports.
    pub fn read(mut self, each: &mut Each<'_>) -> Result<Manifest, PackageError> {
        let sealed = self.manifest.sealed.is_some();
        let mut chunk = Vec::new();
        for (number, file) in self.manifest.files.iter().enumerate() {
            expect(&mut self.reader, &file.member(sealed).local_header(), &file.path)?;
            let mut crc = crc32fast::Hasher::new();
            each(Place { number, file, sealed, chunk: None }, &[])?;
            for (index, expected) in (0..).zip(&file.sha256) {
                let size = file.chunk_size(index).saturating_add(if sealed { TAG } else { 0 });
                exactly(&mut self.reader, size, &mut chunk, &file.path)?;
                if chunk_digest(&chunk) != *expected {
                    return refused(format!(
                        "{:?} has been changed, between bytes {} and {}",
                        file.path,
                        index * CHUNK,
                        index * CHUNK + size
                    ));
                }
                crc.update(&chunk);
                each(Place { number, file, sealed, chunk: Some(index) }, &chunk)?;
            }
            if crc.finalize() != file.crc32 {
                return refused(format!("the checksum of {:?} is wrong, though its signer signed it", file.path));
            }
        }
        let front = [SIGNATURE_NAME, MANIFEST_NAME].into_iter().zip(self.front);
        let front = front.map(|(name, (size, crc32))| Member { name, size, crc32, executable: false });
        let files = self.manifest.files.iter().map(|file| file.member(sealed));
        expect(&mut self.reader, &archive::directory(front.chain(files)), "the directory at the end")?;
        if self.reader.read(&mut [0])? != 0 {
            return refused("there is something behind its end");
        }
        Ok(self.manifest)
    }

    /// Verifies everything, without opening what is sealed.
    ///
    /// # Errors
    /// As [`Package::read`].
    pub fn verify(self, progress: &mut dyn FnMut(u64, u64)) -> Result<Manifest, PackageError> {
        let (total, mut done) = (self.manifest.total(), 0_u64);
        self.read(&mut |_, bytes| {
            done = done.saturating_add(bytes.len() as u64).min(total);
            progress(done, total);
            Ok(())
        })
    }
}

/// What gets the chunks.
pub type Each<'a> = dyn FnMut(Place<'_>, &[u8]) -> Result<(), PackageError> + 'a;

/// Where a chunk belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The file's number in the package.
    pub number: usize,
    /// The file.
    pub file: &'a File,
    /// Whether the package is sealed.
    pub sealed: bool,
    /// The chunk's number in the file; nothing where the file begins.
    pub chunk: Option<u64>,
}

impl Place<'_> {
    /// The chunk's content.
    ///
    /// # Errors
    /// [`PackageError::Refused`] if the key is not the package's.
    pub fn content(
        &self,
        key: Option<&ContentKey>,
        stored: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, PackageError> {
        match (key, self.chunk) {
            (Some(key), Some(chunk)) => key.open(self.number, chunk, stored),
            (None, _) if self.sealed => refused("it is sealed, and there is no key to open it"),
            _ => Ok(stored.to_vec().into()),
        }
    }
}

/// A member in front of the files, whose size only its header says: its bytes, and size and checksum.
fn front(reader: &mut impl Read, name: &str, longest: u64) -> Result<(Vec<u8>, (u64, u32)), PackageError> {
    let (mut header, mut bytes) = (Vec::new(), Vec::new());
    exactly(reader, (LOCAL_HEADER.saturating_add(name.len())) as u64, &mut header, name)?;
    let size = header.get(LOCAL_SIZE_AT..).and_then(|rest| rest.first_chunk()).copied().map(u32::from_le_bytes);
    let size = u64::from(size.unwrap_or(u32::MAX));
    if size > longest {
        return refused(format!("it does not begin as a package does, or its {name} is longer than {longest} bytes"));
    }
    exactly(reader, size, &mut bytes, name)?;
    let member = Member { name, size, crc32: crc32fast::hash(&bytes), executable: false };
    if header != member.local_header() {
        return refused(format!("it does not begin as a package does: the header of {name} is another one"));
    }
    Ok((bytes, (size, member.crc32)))
}

/// The next `size` bytes, in place of what is in `buffer`.
fn exactly(reader: &mut impl Read, size: u64, buffer: &mut Vec<u8>, what: &str) -> Result<(), PackageError> {
    buffer.clear();
    reader.take(size).read_to_end(buffer)?;
    if buffer.len() as u64 == size { Ok(()) } else { refused(format!("it ends in {what}")) }
}

/// The next bytes have to be these.
fn expect(reader: &mut impl Read, wanted: &[u8], what: &str) -> Result<(), PackageError> {
    let mut bytes = Vec::new();
    exactly(reader, wanted.len() as u64, &mut bytes, what)?;
    if bytes == wanted { Ok(()) } else { refused(format!("the archive's headers have been changed at {what}")) }
}
