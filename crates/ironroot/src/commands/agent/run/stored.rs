//! The certificate on the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use x509_cert::{
    Certificate as X509,
    der::{DecodePem as _, Encode as _},
};

use crate::failure::{Failure, Result};

/// What counts of a certificate.
#[derive(Debug)]
pub struct Certificate {
    /// The begin of its validity. Seconds of the UNIX epoch.
    pub not_before: u64,
    /// The end of its validity.
    pub not_after: u64,
    /// The key (DER `SubjectPublicKeyInfo`).
    pub spki: Vec<u8>,
}

impl Certificate {
    /// Understands a PEM certificate.
    ///
    /// # Errors
    /// Why it cannot be understood.
    pub fn parse(pem: &str) -> Result<Self> {
        let certificate = X509::from_pem(pem).map_err(|error| Failure::during("the certificate", error))?;
        let tbs = certificate.tbs_certificate();
        let validity = tbs.validity();
        let spki = tbs.subject_public_key_info().to_der().map_err(|error| Failure::during("the certificate", error))?;
        Ok(Self {
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
            spki,
        })
    }

    /// Whether it is for this key.
    pub fn is_for(&self, spki: &[u8]) -> bool {
        self.spki == spki
    }
}

/// Where it is.
#[derive(Debug, Clone, Copy)]
pub struct Paths<'a> {
    /// The certificate.
    pub certificate: &'a Path,
    /// Its issuers'.
    pub chain: &'a Path,
}

impl Paths<'_> {
    /// The certificate that is there, if it can be understood: anything else is replaced.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn load(&self) -> Result<Option<Certificate>> {
        match fs::read_to_string(self.certificate) {
            Ok(pem) => Ok(Certificate::parse(&pem).ok()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(None),
            Err(error) => Err(Failure::during(self.certificate.display(), error)),
        }
    }

    /// Stores a certificate, after its chain: whoever sees the new certificate finds its chain.
    ///
    /// # Errors
    /// Which file, and why.
    pub fn store(&self, certificate: &str, chain: &str) -> Result {
        replace(self.chain, chain.as_bytes())?;
        replace(self.certificate, certificate.as_bytes())
    }
}

/// Replaces a file whole: after a power cut there is the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> Result {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let written = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| Failure::during(path.display(), error))
}
