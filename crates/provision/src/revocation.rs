//! Revoking certificates: one, a device's, or all that were issued in a period; and taking devices out of service. What is
//! decided here is in the database, and the next list and every answer about a certificate's status say so, on every node.

use ironroot_attest::x509::EvidenceCertificate;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlReason};

use crate::{
    authority::to_hex,
    store::{Actor, BatchError, CertificateRecord, Event, EventKind, Revocation, Selection, Store, StoreError, Write},
};

/// Reasons that an operator may give, by RFC 5280's words for them.
pub const REASONS: [(&str, CrlReason); 6] = [
    ("unspecified", CrlReason::Unspecified),
    ("keyCompromise", CrlReason::KeyCompromise),
    ("affiliationChanged", CrlReason::AffiliationChanged),
    ("superseded", CrlReason::Superseded),
    ("cessationOfOperation", CrlReason::CessationOfOperation),
    ("privilegeWithdrawn", CrlReason::PrivilegeWithdrawn),
];

/// Why nothing, or not everything, could be revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A certificate in the database cannot be read.
    #[error("the certificate {serial} in the database is damaged: {why}")]
    Damaged {
        /// Its serial number.
        serial: String,
        /// What is wrong.
        why: String,
    },
    /// The unit cannot be scrapped.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// No such device.
    #[error("no device has the subject or endorsement key name \"{0}\"")]
    NoDevice(String),
}

/// The word for a reason's number.
#[must_use]
pub fn reason_word(reason: i64) -> &'static str {
    REASONS.iter().find(|(_, known)| i64::from(*known as u32) == reason).map_or("unspecified", |(word, _)| word)
}

/// A reason from its number in the database.
#[must_use]
pub fn reason_of(number: i64) -> CrlReason {
    REASONS.iter().map(|(_, reason)| *reason).find(|r| i64::from(*r as u32) == number).unwrap_or(CrlReason::Unspecified)
}

/// Whether a key whose certificate was revoked for this reason may get another certificate: only if nothing was said against
/// the key.
#[must_use]
pub fn key_may_be_certified_again(reason: i64) -> bool {
    matches!(reason_of(reason), CrlReason::Superseded | CrlReason::AffiliationChanged)
}

/// Revokes the certificates that are meant, have not expired and are not revoked yet, in one transaction; returns them.
///
/// # Errors
/// [`RevocationError`]; then nothing was revoked.
pub async fn revoke(
    store: &Store,
    selection: &Selection,
    reason: CrlReason,
    now: i64,
) -> Result<Vec<CertificateRecord>, RevocationError> {
    let mut write = store.begin().await?;
    let meant = revocable(write.certificates(selection).await?, now);
    for certificate in &meant {
        write.put_revocation(&revocation(certificate, reason, now)?).await?;
        let detail = format!("serial {}, reason {}", certificate.serial, reason_word(i64::from(reason as u32)));
        write
            .record(Event { at: now, kind: EventKind::Revoked, device: Some(&certificate.ek_name), detail: &detail })
            .await?;
    }
    write.commit().await?;
    Ok(meant)
}

/// Of these certificates those that can be revoked: neither expired nor revoked.
#[must_use]
pub fn revocable(certificates: Vec<CertificateRecord>, now: i64) -> Vec<CertificateRecord> {
    certificates
        .into_iter()
        .filter(|certificate| certificate.revoked.is_none() && certificate.not_after >= now)
        .collect()
}

/// Takes a device out of service: its certificates are revoked (cessationOfOperation), and it gets none any more. Returns the
/// certificates that were revoked.
///
/// # Errors
/// [`RevocationError`]; then nothing has changed.
pub async fn decommission(
    store: &Store,
    subject_or_name: &str,
    now: i64,
) -> Result<Vec<CertificateRecord>, RevocationError> {
    let ek_name =
        store.find_device(subject_or_name).await?.ok_or_else(|| RevocationError::NoDevice(subject_or_name.into()))?;
    let mut write = store.begin().await?;
    let revoked = retire(&mut write, &ek_name, now).await?;
    write.commit().await?;
    Ok(revoked)
}

/// Scraps a unit: its batch gets it back, and the device is taken out of service in the same transaction, or the unit could be
/// used by two devices. Returns the certificates that were revoked.
///
/// # Errors
/// [`RevocationError`]; then nothing has changed.
pub async fn scrap(
    store: &Store,
    batch: &str,
    ek_name: &str,
    actor: Actor<'_>,
    now: i64,
) -> Result<Vec<CertificateRecord>, RevocationError> {
    let mut write = store.begin().await?;
    write.scrap_unit(batch, ek_name, actor, now).await?;
    let revoked = retire(&mut write, ek_name, now).await?;
    write.commit().await?;
    Ok(revoked)
}

/// Revokes what a device has, and notes that it gets nothing more.
async fn retire(write: &mut Write<'_>, ek_name: &str, now: i64) -> Result<Vec<CertificateRecord>, RevocationError> {
    let selection = Selection { ek_name: Some(ek_name.into()), ..Selection::default() };
    let meant = revocable(write.certificates(&selection).await?, now);
    for certificate in &meant {
        write.put_revocation(&revocation(certificate, CrlReason::CessationOfOperation, now)?).await?;
    }
    if write.decommissioned(ek_name).await?.is_none() {
        write.put_decommission(ek_name, now).await?;
        let detail = format!("decommissioned; {} certificates revoked", meant.len());
        write
            .record(Event { at: now, kind: EventKind::Decommissioned, device: Some(ek_name), detail: &detail })
            .await?;
    }
    Ok(meant)
}

fn revocation(certificate: &CertificateRecord, reason: CrlReason, now: i64) -> Result<Revocation, RevocationError> {
    Ok(Revocation {
        serial: certificate.serial.clone(),
        issuer: issuer_of(certificate)?,
        reason: i64::from(reason as u32),
        revoked_at: now,
        not_after: certificate.not_after,
    })
}

/// The key identifier of the CA key that signed the certificate, which its lists go by.
fn issuer_of(record: &CertificateRecord) -> Result<String, RevocationError> {
    let damaged = |why: String| RevocationError::Damaged { serial: record.serial.clone(), why };
    let certificates =
        EvidenceCertificate::from_pem(&record.certificate).map_err(|error| damaged(error.to_string()))?;
    let issuer = certificates
        .first()
        .and_then(|certificate| certificate.extension::<AuthorityKeyIdentifier>().ok().flatten())
        .and_then(|(_, identifier)| identifier.key_identifier);
    issuer.map(|identifier| to_hex(identifier.as_bytes())).ok_or_else(|| damaged("it names no issuer's key".into()))
}
