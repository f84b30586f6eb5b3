//! [`Key`]: a key in a TPM, and what it signs.

use std::sync::Arc;

use ironroot_client::wire::{TpmiAlgHash, TpmtSigScheme};
use ironroot_keys::{
    CertificateUse, Issuance, Lifetime, PublicNumbers, TpmKey, VerifyingKey, Wanted, certify, common_name, csr,
    fingerprint, issue, jwk, request, self_signed,
};

use crate::{Error, ErrorKind, Result};

/// A key in a TPM. Clones are the same key; threads take turns.
#[derive(Debug, Clone)]
pub struct Key {
    key: Arc<TpmKey>,
    name: Arc<str>,
}

/// How to sign.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignOptions<'a> {
    /// One of [`Key::schemes`]; the first if `None`.
    pub scheme: Option<&'a str>,
}

/// What a certificate says.
#[derive(Debug, Clone, Copy)]
pub struct Certificate<'a> {
    /// The subject as RFC 4514 writes names (`CN=dev1,O=Example`); the key's name as the common name if `None`.
    pub subject: Option<&'a str>,
    /// DNS names.
    pub dns: &'a [&'a str],
    /// What the key is for: `both`, `client`, `server` or `ca`.
    pub usage: &'a str,
    /// For how many days.
    pub days: u32,
}

/// What a certificate request asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The subject as RFC 4514 writes names; the key's name as the common name if `None`.
    pub subject: Option<&'a str>,
    /// Alternative names as OpenSSL writes them: `DNS:`, `IP:`, `URI:` or `email:` before each.
    pub names: &'a [&'a str],
    /// Whether it is for a CA.
    pub ca: bool,
    /// The key's uses (`digitalSignature`, …, RFC 5280, 4.2.1.3).
    pub key_usage: &'a [&'a str],
    /// Purposes: `serverAuth`, `clientAuth`, `codeSigning`, `emailProtection`.
    pub purposes: &'a [&'a str],
    /// `sha256`, `sha384` or `sha512`; what suits the key if `None`.
    pub hash: Option<&'a str>,
}

/// How a request is certified ([`Key::certify`]).
#[derive(Debug, Clone, Copy)]
pub struct Certification<'a> {
    /// The CA's certificate (PEM), whose key signs; without one the certificate is self-signed.
    pub ca_certificate: Option<&'a str>,
    /// From when (seconds of the UNIX epoch).
    pub not_before: u64,
    /// Until when (seconds of the UNIX epoch).
    pub not_after: u64,
    /// The serial number; a random one if `None`.
    pub serial: Option<u64>,
    /// `sha256`, `sha384` or `sha512`; what suits the key if `None`.
    pub hash: Option<&'a str>,
}

impl Default for Certificate<'_> {
    fn default() -> Self {
        Self { subject: None, dns: &[], usage: "both", days: 365 }
    }
}

impl Key {
    pub(crate) fn new(key: TpmKey, name: &str) -> Self {
        Self { key: Arc::new(key), name: name.into() }
    }

    /// What it was opened by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key as a PEM `PUBLIC KEY`.
    ///
    /// # Errors
    /// Kind `Argument` for a key that has no such form.
    pub fn public_pem(&self) -> Result<String> {
        Ok(self.key.spki_pem()?)
    }

    /// SHA-256 of the public key's DER form, in hexadecimal.
    ///
    /// # Errors
    /// As [`Key::public_pem`].
    pub fn fingerprint(&self) -> Result<String> {
        Ok(fingerprint(&self.key)?)
    }

    /// The public key in the form of RFC 7517, as JSON.
    ///
    /// # Errors
    /// Kind `Key` for kinds that JOSE does not have here.
    pub fn jwk(&self) -> Result<String> {
        Ok(jwk(&VerifyingKey::from_public(self.key.public())?).to_string())
    }

    /// How it can sign, best first: `ecdsa-sha256`, `rsassa-sha256`, `rsapss-sha256`, `eddsa`, `ml-dsa`, …
    #[must_use]
    pub fn schemes(&self) -> Vec<String> {
        self.key.schemes().iter().map(scheme_name).collect()
    }

    /// Signs a message. The signature has the form that X.509 and TLS use: DER for ECDSA.
    ///
    /// # Errors
    /// Kind `Argument` for a scheme that it does not have; what the TPM may answer.
    pub fn sign(&self, message: &[u8], options: &SignOptions<'_>) -> Result<Vec<u8>> {
        let schemes = self.key.schemes();
        let scheme = match options.scheme {
            None => schemes.first(),
            Some(wanted) => schemes.iter().find(|scheme| scheme_name(scheme) == wanted),
        };
        let scheme = scheme.ok_or_else(|| {
            let wanted = options.scheme.unwrap_or_default();
            Error::argument(format!("the key does not sign with \"{wanted}\", but with {}", self.schemes().join(", ")))
        })?;
        Ok(self.key.sign(scheme, message)?)
    }

    /// Signs a digest, which the scheme's hash has made; without a scheme, the first that has digests of this length.
    ///
    /// # Errors
    /// As [`Key::sign`]; kind `Key` for a digest of another length, and for keys that sign messages only.
    pub fn sign_digest(&self, digest: &[u8], options: &SignOptions<'_>) -> Result<Vec<u8>> {
        let schemes = self.key.schemes();
        let suits = |scheme: &&TpmtSigScheme| match options.scheme {
            Some(wanted) => scheme_name(scheme) == wanted,
            None => scheme.hash().is_some_and(|hash| hash.digest_size() == digest.len()),
        };
        let scheme = schemes.iter().find(suits).ok_or_else(|| {
            let size = digest.len();
            Error::argument(format!(
                "the key signs no digest of {size} bytes so, but with {}",
                self.schemes().join(", ")
            ))
        })?;
        Ok(self.key.sign_digest(scheme, digest)?)
    }

    /// The numbers of the public key: x and y of an ECC key, n and e of an RSA key; big-endian.
    ///
    /// # Errors
    /// Kind `Key` for other kinds.
    pub fn numbers(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        match VerifyingKey::from_public(self.key.public())?.numbers() {
            Some(PublicNumbers { first, second }) => Ok((first, second)),
            None => Err(Error::new(ErrorKind::Key, "only RSA keys and ECC keys with two coordinates have two numbers")),
        }
    }

    /// A certificate request (PEM) that says what is wanted.
    ///
    /// # Errors
    /// Kind `Argument` for names that cannot be understood, `Refused` for words that are not known, `Key` for a hash that does not suit the
    /// key.
    pub fn request(&self, wanted: &Request<'_>) -> Result<String> {
        let subject = self.subject(wanted.subject);
        let Request { names, ca, key_usage, purposes, .. } = *wanted;
        let wanted = Wanted { subject: &subject, names, ca, key_usage, purposes, hash: parse_hash(wanted.hash)? };
        Ok(request(&self.key, &wanted)?.to_pem()?)
    }

    /// A certificate (PEM) as a request asks for it: self-signed, or by this key as a CA's.
    ///
    /// # Errors
    /// Kind `Refused` with what is wrong with the request, the CA's certificate or the dates.
    pub fn certify(&self, request: &str, how: &Certification<'_>) -> Result<String> {
        let lifetime = Lifetime { not_before: how.not_before, not_after: how.not_after };
        let (ca_certificate, serial, hash) = (how.ca_certificate, how.serial, parse_hash(how.hash)?);
        Ok(certify(&self.key, request, &Issuance { ca_certificate, lifetime, serial, hash })?)
    }

    /// A certificate request (PEM); without a subject the key's name is the common name.
    ///
    /// # Errors
    /// Kind `Argument` for names that cannot be understood; what the TPM may answer.
    pub fn csr(&self, subject: Option<&str>, dns: &[&str]) -> Result<String> {
        Ok(csr(&self.key, &self.subject(subject), dns)?.to_pem()?)
    }

    /// A certificate for this key by this key (PEM).
    ///
    /// # Errors
    /// As [`Key::csr`].
    pub fn self_signed(&self, certificate: &Certificate<'_>) -> Result<String> {
        let subject = self.subject(certificate.subject);
        Ok(self_signed(&self.key, &subject, certificate.dns, parse_usage(certificate.usage)?, certificate.days)?)
    }

    /// A certificate by this key, which is a CA's, for a request (PEM); subject and names are the request's.
    ///
    /// # Errors
    /// Kind `Refused` with what is wrong with the request or the CA's certificate.
    pub fn issue(&self, ca_certificate: &str, request: &str, usage: &str, days: u32) -> Result<String> {
        Ok(issue(&self.key, ca_certificate, request, parse_usage(usage)?, days)?)
    }

    /// The key below.
    pub(crate) fn inner(&self) -> &Arc<TpmKey> {
        &self.key
    }

    fn subject(&self, subject: Option<&str>) -> String {
        subject.map_or_else(|| common_name(&self.name), str::to_owned)
    }
}

fn parse_hash(text: Option<&str>) -> Result<Option<TpmiAlgHash>> {
    match text {
        None => Ok(None),
        Some("sha256") => Ok(Some(TpmiAlgHash::Sha256)),
        Some("sha384") => Ok(Some(TpmiAlgHash::Sha384)),
        Some("sha512") => Ok(Some(TpmiAlgHash::Sha512)),
        Some(other) => Err(Error::argument(format!("\"{other}\" is no hash here: sha256, sha384 or sha512"))),
    }
}

fn parse_usage(text: &str) -> Result<CertificateUse> {
    match text {
        "both" => Ok(CertificateUse::Both),
        "client" => Ok(CertificateUse::Client),
        "server" => Ok(CertificateUse::Server),
        "ca" => Ok(CertificateUse::Authority),
        other => Err(Error::argument(format!("\"{other}\" is no use of a certificate: both, client, server or ca"))),
    }
}

fn scheme_name(scheme: &TpmtSigScheme) -> String {
    let name = match scheme {
        TpmtSigScheme::Rsassa(_) => "rsassa",
        TpmtSigScheme::Rsapss(_) => "rsapss",
        TpmtSigScheme::Ecdsa(_) => "ecdsa",
        TpmtSigScheme::Eddsa(()) => "eddsa",
        TpmtSigScheme::Mldsa(()) => "ml-dsa",
        _ => "other",
    };
    match scheme.hash() {
        Some(hash) => format!("{name}-{}", format!("{hash:?}").to_lowercase()),
        None => name.into(),
    }
}
