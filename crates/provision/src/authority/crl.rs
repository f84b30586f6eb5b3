//! Certificate revocation lists (RFC 5280, clause 5): full, version 2, numbered.

use std::time::Duration;

use der::{DateTime, Encode as _, asn1::Uint};
use ironroot_attest::x509::issuance::{Signed, authority_key_identifier, extension};
use x509_cert::{
    certificate::{Rfc5280, Version},
    crl::{RevokedCert, TbsCertList},
    ext::pkix::CrlReason,
    ext::pkix::crl::CrlNumber,
    serial_number::SerialNumber,
    time::Time,
};

use super::{Authority, AuthorityError};

/// A revoked certificate, as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlEntry {
    /// Its serial number.
    pub serial: Vec<u8>,
    /// Since when (seconds of the UNIX epoch).
    pub revoked_at: u64,
    /// Why.
    pub reason: CrlReason,
}

/// What a list says beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlHead {
    /// Its number; later lists have higher ones.
    pub number: u64,
    /// When it was made (seconds of the UNIX epoch).
    pub this_update: u64,
    /// By when there is a newer one.
    pub next_update: u64,
}

impl Authority {
    /// Signs a list of what this authority revoked. Returns the DER.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn sign_crl(&self, head: CrlHead, entries: &[CrlEntry]) -> Result<Vec<u8>, AuthorityError> {
        let revoked = entries.iter().map(revoked_certificate).collect::<Result<Vec<_>, _>>()?;
        let list = TbsCertList::<Rfc5280> {
            version: Version::V2,
            signature: self.signer.algorithm(),
            issuer: self.certificate.subject().clone(),
            this_update: time(head.this_update)?,
            next_update: Some(time(head.next_update)?),
            // An empty list is left out (RFC 5280, clause 5.1.2.6).
            revoked_certificates: Some(revoked).filter(|revoked| !revoked.is_empty()),
            crl_extensions: Some(vec![
                authority_key_identifier(&self.key_identifier)?,
                extension(false, &CrlNumber(Uint::new(&head.number.to_be_bytes())?))?,
            ]),
        };
        let list = list.to_der()?;
        let signature = self.signer.sign(&list)?;
        Ok(Signed::new(&list, self.signer.algorithm(), &signature)?.to_der()?)
    }
}

fn revoked_certificate(entry: &CrlEntry) -> Result<RevokedCert<Rfc5280>, AuthorityError> {
    // "unspecified" is said by leaving the reason out (RFC 5280, clause 5.3.1).
    let extensions = match entry.reason {
        CrlReason::Unspecified => None,
        reason => Some(vec![extension(false, &reason)?]),
    };
    Ok(RevokedCert {
        serial_number: SerialNumber::new(&entry.serial)?,
        revocation_date: time(entry.revoked_at)?,
        crl_entry_extensions: extensions,
    })
}

/// UTCTime until 2049, GeneralizedTime from then on.
fn time(seconds: u64) -> der::Result<Time> {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).map(Time::from)
}

/// A list in DER as PEM.
///
/// # Errors
/// [`AuthorityError::Damaged`], which does not happen.
pub fn crl_to_pem(crl: &[u8]) -> Result<String, AuthorityError> {
    der::pem::encode_string("X509 CRL", der::pem::LineEnding::LF, crl)
        .map_err(|error| AuthorityError::Damaged { what: "the CRL".into(), why: error.to_string() })
}
