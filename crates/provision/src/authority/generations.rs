//! An authority over the years: its present key, the ones it had before, and the certificates by which old and new sign each
//! other, so that whoever trusts one of them can verify what the other issued (RFC 4210, clause 4.4).
//!
//! The first certificate is in `ca.pem`, later ones are in `ca-2.pem`, `ca-3.pem` and so on, each with its cross-certificates in
//! `ca-2.cross.pem`. The name is the same for all. Files are only ever added, the certificate last: a replacement that was
//! interrupted has not happened.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ironroot_attest::x509::{
    EvidenceCertificate,
    certificate::ValidityAt,
    issuance::{extension, key_identifier, subject_key_identifier},
};
use ironroot_crypto::Provider;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use super::{
    Authority, AuthorityError, CertificateSigner, FileKey, Lifetime, ROOT_LIFETIME, random_serial, read_certificate,
    to_pem,
};
use crate::files::{self, FileError};

/// The present authority and what it was before.
pub struct Authorities {
    current: Authority,
    /// Newest first; only those whose keys are here.
    previous: Vec<Authority>,
    /// Every certificate of the authority: the present one, cross-certificates, earlier ones.
    certificates: Vec<EvidenceCertificate>,
}

impl Authorities {
    /// The authority in a folder, with these keys (or with a key in the clear that it makes there if there are none). It is made if
    /// it is not there; several processes may do so at the same time.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open_or_create(
        folder: &Path,
        keys: &[Arc<dyn CertificateSigner>],
        common_name: &str,
        provider: &Arc<dyn Provider>,
        now: u64,
    ) -> Result<Self, AuthorityError> {
        if read_certificate(&certificate_path(folder, 1))?.is_none() {
            let base = folder.join("ca");
            if keys.is_empty() {
                Authority::open_or_create(&base, common_name, Arc::clone(provider), now)?;
            } else {
                Authority::open_or_create_with(&base, keys, common_name, now)?;
            }
        }
        Self::open(folder, keys, provider)
    }

    /// The authority in a folder, which has to be there.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open(
        folder: &Path,
        keys: &[Arc<dyn CertificateSigner>],
        provider: &Arc<dyn Provider>,
    ) -> Result<Self, AuthorityError> {
        let mut generations = Vec::new();
        let mut certificates = Vec::new();
        for number in 1.. {
            let path = certificate_path(folder, number);
            let Some(certificate) = read_certificate(&path)? else { break };
            let mut keys = keys.to_vec();
            if let Some(key) = FileKey::open_if_plain(&path.with_extension("key"), provider)? {
                keys.push(Arc::new(key));
            }
            certificates.insert(0, certificate.clone());
            if let Some(pem) = files::read_text(&cross_path(folder, number))? {
                certificates.splice(1..1, EvidenceCertificate::from_pem(&pem)?);
            }
            generations.push((path, certificate, keys));
        }
        let missing = || AuthorityError::Key { key: "of the identity CA".into(), why: "there is no CA yet".into() };
        let (path, certificate, keys) = generations.pop().ok_or_else(missing)?;
        let current = Authority::with_key_of(certificate, &keys, &path)?;
        let mut previous = Vec::new();
        for (path, certificate, keys) in generations.into_iter().rev() {
            match Authority::with_key_of(certificate, &keys, &path) {
                Ok(authority) => previous.push(authority),
                Err(AuthorityError::Key { .. }) => tracing::warn!(
                    "{}: the key of this earlier CA certificate was not given: no revocation list is signed for what it issued",
                    path.display()
                ),
                Err(error) => return Err(error),
            }
        }
        Ok(Self { current, previous, certificates })
    }

    /// Replaces the authority's key: a new root of the same name, and cross-certificates in both directions. What serves the old
    /// one goes on until it is started again.
    ///
    /// # Errors
    /// [`AuthorityError`]; then the old key is still the present one.
    pub fn rotate(
        folder: &Path,
        keys: &[Arc<dyn CertificateSigner>],
        new_key: Option<Arc<dyn CertificateSigner>>,
        provider: &Arc<dyn Provider>,
        now: u64,
    ) -> Result<Self, AuthorityError> {
        let all = Self::open(folder, keys, provider)?;
        let old = all.current;
        let mut number = 2u32;
        while certificate_path(folder, number).exists() {
            number = number.saturating_add(1);
        }
        let path = certificate_path(folder, number);
        let new_key = match new_key {
            Some(key) => key,
            None => Arc::new(FileKey::open_or_create(&path.with_extension("key"), None, Arc::clone(provider))?),
        };
        let same =
            || AuthorityError::Key { key: "that is to be the new one".into(), why: "it is the present key".into() };
        if new_key.public_key() == old.signer.public_key() {
            return Err(same());
        }
        let subject = old.certificate.subject();
        let lifetime = Lifetime::starting(now, ROOT_LIFETIME);
        let new = Authority::new_root(Arc::clone(&new_key), subject, &random_serial()?, lifetime)?;
        let cross = format!("{}{}", to_pem(&old.cross_certify(&new, now)?)?, to_pem(&new.cross_certify(&old, now)?)?);
        // One that an interrupted replacement left is for another root.
        let cross_path = cross_path(folder, number);
        match fs::remove_file(&cross_path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(FileError::Io { action: "replace", path: cross_path, source }.into());
            }
            _ => {}
        }
        let other = || AuthorityError::Key {
            key: "that is to be the new one".into(),
            why: "another process replaces the key, too".into(),
        };
        if !files::create_secret(&cross_path, cross.as_bytes())?
            || !files::create_secret(&path, new.certificate_pem()?.as_bytes())?
        {
            return Err(other());
        }
        let keys: Vec<_> = keys.iter().cloned().chain([new_key]).collect();
        Self::open(folder, &keys, provider)
    }

    /// The one that issues.
    #[must_use]
    pub fn current(&self) -> &Authority {
        &self.current
    }

    /// The one that issues, then those before it whose keys are here.
    pub fn all(&self) -> impl Iterator<Item = &Authority> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// Every certificate of the authority that has not expired: the present one first.
    pub fn certificates(&self, now: u64) -> impl Iterator<Item = &EvidenceCertificate> {
        self.certificates.iter().filter(move |certificate| certificate.validity_at(now) != ValidityAt::Expired)
    }

    /// The same as PEM.
    ///
    /// # Errors
    /// [`AuthorityError::Encoding`], which does not happen.
    pub fn certificates_pem(&self, now: u64) -> Result<String, AuthorityError> {
        self.certificates(now).map(|certificate| to_pem(certificate.der())).collect()
    }

    /// The certificates of the present key by earlier ones: they lead from what is issued now to a root that somebody may trust
    /// already.
    pub fn cross_certificates(&self, now: u64) -> impl Iterator<Item = &EvidenceCertificate> {
        let key = self.current.certificate.public_key_info();
        let present = self.current.certificate.der();
        self.certificates(now)
            .filter(move |certificate| certificate.public_key_info() == key && certificate.der() != present)
    }

    /// The issuers of what is issued now, as PEM: the cross-certificates first, because OpenSSL takes the first one that fits, and
    /// a root that it does not trust is the end of its search.
    ///
    /// # Errors
    /// [`AuthorityError::Encoding`], which does not happen.
    pub fn chain_pem(&self, now: u64) -> Result<String, AuthorityError> {
        self.cross_certificates(now)
            .chain([&self.current.certificate])
            .map(|certificate| to_pem(certificate.der()))
            .collect()
    }

    /// Says in certificates from now on where to ask about them: under this URL of the service.
    #[must_use]
    pub fn with_status_url(mut self, url: Option<&str>) -> Self {
        self.current.status_url = url.map(|url| url.trim_end_matches('/').to_owned());
        self
    }
}

impl Authority {
    /// A certificate by this authority for another key of the same authority.
    fn cross_certify(&self, other: &Self, now: u64) -> Result<Vec<u8>, AuthorityError> {
        let public_key = other.certificate.public_key_info().clone();
        let extensions = vec![
            extension(true, &BasicConstraints { ca: true, path_len_constraint: Some(0) })?,
            extension(true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?,
            subject_key_identifier(&key_identifier(&public_key))?,
            self.authority_key_identifier()?,
        ];
        // It says nothing that the other's own certificate does not say.
        let end = other.certificate.tbs().validity().not_after.to_unix_duration().as_secs();
        let lifetime = Lifetime { not_after: end, ..Lifetime::starting(now, 0) };
        self.sign(&random_serial()?, lifetime, other.certificate.subject(), public_key, extensions)
    }

    /// The key's identifier in hexadecimal, which lists and addresses go by.
    #[must_use]
    pub fn key_identifier_hex(&self) -> String {
        super::to_hex(&self.key_identifier)
    }
}

impl FileKey {
    /// The key in a file of the authority's folder, if there is one: in plain text, and the log says so.
    fn open_if_plain(path: &Path, provider: &Arc<dyn Provider>) -> Result<Option<Self>, AuthorityError> {
        let key = Self::open(path, None, provider)?;
        if key.is_some() {
            tracing::warn!(
                "{}: the CA key is in this file in plain text: enough for a demonstration. Keep it in a PKCS #11 token, in a TPM, or \
                 under a passphrase",
                path.display()
            );
        }
        Ok(key)
    }
}

fn certificate_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(if number == 1 { "ca.pem".into() } else { format!("ca-{number}.pem") })
}

fn cross_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("ca-{number}.cross.pem"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use ironroot_crypto::portable::Portable;

    use super::*;

    fn openssl(folder: &Path, arguments: &str) -> bool {
        let output = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
        output.status.success()
    }

    #[test]
    fn whoever_trusts_the_old_or_the_new_root_verifies_what_both_issued() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let provider: Arc<dyn Provider> = Arc::new(Portable);
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let write = |name: &str, der: &[u8]| std::fs::write(folder.join(name), to_pem(der).unwrap()).unwrap();
        let issue = |all: &Authorities, name: &str| {
            let key = FileKey::generate(Arc::clone(&provider)).unwrap();
            let subject = format!("CN={name}").parse().unwrap();
            let serial = random_serial().unwrap();
            let lifetime = Lifetime::starting(now, 3600);
            let der = all.current().issue(key.public_key(), &subject, vec![], vec![], &serial, lifetime).unwrap();
            write(name, &der);
        };
        let first = Authorities::open_or_create(folder, &[], "identity", &provider, now).unwrap();
        issue(&first, "before");
        let second = Authorities::rotate(folder, &[], None, &provider, now).unwrap();
        issue(&second, "after");
        assert_eq!(second.all().count(), 2);
        assert_ne!(first.current().key_identifier_hex(), second.current().key_identifier_hex());

        let cross =
            EvidenceCertificate::from_pem(&std::fs::read_to_string(folder.join("ca-2.cross.pem")).unwrap()).unwrap();
        write("new-with-old", cross[0].der());
        write("old-with-new", cross[1].der());
        for leaf in ["before", "after"] {
            assert!(
                openssl(folder, &format!("verify -x509_strict -CAfile ca.pem -untrusted new-with-old {leaf}")),
                "{leaf}"
            );
            assert!(
                openssl(folder, &format!("verify -x509_strict -CAfile ca-2.pem -untrusted old-with-new {leaf}")),
                "{leaf}"
            );
        }
        // Without the cross-certificates they do not.
        assert!(!openssl(folder, "verify -CAfile ca.pem after"));
        assert!(!openssl(folder, "verify -CAfile ca-2.pem before"));

        // Opened again it is the same; a third key follows the second.
        let again = Authorities::open(folder, &[], &provider).unwrap();
        assert_eq!(again.current().key_identifier_hex(), second.current().key_identifier_hex());
        assert_eq!(again.certificates(now).count(), 4);
        let third = Authorities::rotate(folder, &[], None, &provider, now).unwrap();
        assert_eq!((third.all().count(), third.certificates(now).count()), (3, 7));
    }

    #[test]
    fn a_replacement_that_was_interrupted_has_not_happened_and_can_be_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let provider: Arc<dyn Provider> = Arc::new(Portable);
        let first = Authorities::open_or_create(folder, &[], "identity", &provider, 2_000_000_000).unwrap();
        Authorities::rotate(folder, &[], None, &provider, 2_000_000_000).unwrap();
        std::fs::remove_file(folder.join("ca-2.pem")).unwrap();
        let back = Authorities::open(folder, &[], &provider).unwrap();
        assert_eq!(back.current().key_identifier_hex(), first.current().key_identifier_hex());
        let second = Authorities::rotate(folder, &[], None, &provider, 2_000_000_000).unwrap();
        assert_eq!(second.all().count(), 2);
        // The present key again is no new key.
        let key = Arc::new(FileKey::open(&folder.join("ca-2.key"), None, &provider).unwrap().unwrap());
        let error = Authorities::rotate(folder, &[], Some(key), &provider, 2_000_000_000).err().unwrap();
        assert!(error.to_string().contains("present key"), "{error}");
    }
}
