//! Certificates: the files of a folder (or one file), each with one or more of them, PEM or DER.

use std::{
    fs,
    path::{Path, PathBuf},
};

use der::{Decode as _, Document, Encode as _};
use x509_cert::Certificate;

use crate::{error::say, public::PublicKey};

/// No certificate is larger; other files are left alone.
const MAX_FILE: u64 = 1 << 20;

/// A certificate as PKCS #11 shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub der: Vec<u8>,
    pub subject: Vec<u8>,
    pub issuer: Vec<u8>,
    pub serial: Vec<u8>,
    pub public: PublicKey,
    /// Where it is, for its label.
    pub label: String,
}

/// The certificates of a folder or a file. What is no certificate is left out, and the log says so.
pub(crate) fn read(place: &Path) -> Vec<Listed> {
    let mut files: Vec<PathBuf> = match fs::read_dir(place) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect(),
        Err(_) => vec![place.to_owned()],
    };
    files.sort();
    files.iter().flat_map(|file| of_file(file)).collect()
}

fn of_file(path: &Path) -> Vec<Listed> {
    let Ok(metadata) = fs::metadata(path) else { return Vec::new() };
    if metadata.len() > MAX_FILE {
        say(&format!("{} is too large for a certificate", path.display()));
        return Vec::new();
    }
    let Ok(bytes) = fs::read(path) else {
        say(&format!("{} cannot be read", path.display()));
        return Vec::new();
    };
    let label = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let found = parse(&bytes);
    let certificates: Vec<_> = found.iter().filter_map(|der| listed(der, &label)).collect();
    if certificates.len() < found.len() || found.is_empty() {
        say(&format!(
            "{} has something that is no certificate (PEM or DER) with a key that is known here",
            path.display()
        ));
    }
    certificates
}

/// The certificates as they are: writing them anew could change bytes that are signed.
fn parse(bytes: &[u8]) -> Vec<Vec<u8>> {
    const END: &str = "-----END CERTIFICATE-----";
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains(END)) else {
        return vec![bytes.to_vec()];
    };
    text.split_inclusive(END)
        .filter_map(|piece| piece.find("-----BEGIN CERTIFICATE-----").and_then(|start| piece.get(start..)))
        .filter_map(|pem| Some(Document::from_pem(pem).ok()?.1.as_bytes().to_vec()))
        .collect()
}

fn listed(der: &[u8], label: &str) -> Option<Listed> {
    let certificate = Certificate::from_der(der).ok()?;
    let content = certificate.tbs_certificate();
    let public = PublicKey::from_spki(&content.subject_public_key_info().to_der().ok()?)?;
    Some(Listed {
        der: der.to_vec(),
        subject: content.subject().to_der().ok()?,
        issuer: content.issuer().to_der().ok()?,
        serial: content.serial_number().to_der().ok()?,
        public,
        label: label.into(),
    })
}
