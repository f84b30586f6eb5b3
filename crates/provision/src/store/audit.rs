//! The audit: the chain of events has an end that is signed with every transaction, so that nobody can change a row,
//! take one out, or take the last ones off, without the service's audit key.
//!
//! Whoever can write to the database can also put a whole older copy of it back, signed end and all. Against that a
//! checkpoint, the signed end of some moment, is kept outside: the service writes one beside its key, and an auditor
//! keeps what `ironroot audit export` says. The events up to a checkpoint have to be in the database for ever.

use std::{path::Path, sync::Arc};

use ironroot_attest::x509::{PublicKey, verify_signature};
use ironroot_crypto::Provider;
use serde::{Deserialize, Serialize};
use spki::der::{EncodePem as _, pem::LineEnding};
use sqlx::{AnyConnection, Row as _};

use super::{Store, StoreError, Write};
use crate::{
    authority::{AuthorityError, CertificateSigner, FileKey},
    protocol::{from_base64, to_base64},
};

/// Events that are read at a time.
const PAGE: i64 = 1000;

/// The key that signs the end of the chain.
pub struct AuditKey {
    signer: Box<dyn CertificateSigner>,
    provider: Arc<dyn Provider>,
    made_now: bool,
}

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKey").finish_non_exhaustive()
    }
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainEnd {
    pub number: i64,
    pub hash: String,
    pub at: i64,
}

/// A signed end of the chain, as it was at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many events there were.
    pub number: i64,
    /// The hash of the last one.
    pub hash: String,
    /// When it happened (seconds of the UNIX epoch).
    pub at: i64,
    /// The audit key's signature (base64).
    pub signature: String,
}

pub(super) struct SignedEnd {
    pub end: ChainEnd,
    signature: String,
}

/// What is wrong with the audit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// An event was changed.
    #[error("event {0} was changed, or put in another place")]
    Changed(i64),
    /// An event is not there.
    #[error("event {0} is missing")]
    Missing(i64),
    /// The signed end of the chain is not there.
    #[error("the signed end of the chain is missing")]
    EndMissing,
    /// The signed end of the chain is not the audit key's.
    #[error("the end of the chain is not signed by the audit key")]
    EndSignature,
    /// The signed end is not the last event.
    #[error("the signed end is event {0}, which is not what the last event says")]
    EndElsewhere(i64),
    /// Events behind the signed end.
    #[error("event {0} is behind the signed end")]
    Surplus(i64),
    /// A checkpoint that was kept outside is not the audit key's.
    #[error("the checkpoint at event {0} is not signed by the audit key")]
    CheckpointSignature(i64),
    /// The database is older than a checkpoint, or another one.
    #[error("event {0} is not the one of the checkpoint: an older or another database was put in its place")]
    Checkpoint(i64),
}

/// A chain that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Events, all of them checked.
    pub events: i64,
    /// Checkpoints from outside that were compared.
    pub checkpoints: usize,
}

impl AuditKey {
    /// The key in the file, which is made if there is none.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn open_or_create(path: &Path, provider: Arc<dyn Provider>) -> Result<Self, AuthorityError> {
        let made_now = !path.exists();
        let signer = Box::new(FileKey::open_or_create(path, None, Arc::clone(&provider))?);
        Ok(Self { signer, provider, made_now })
    }

    /// The public key (PEM), with which others check checkpoints.
    ///
    /// # Errors
    /// [`AuthorityError`], which does not happen.
    pub fn public_pem(&self) -> Result<String, AuthorityError> {
        let damaged = |why: String| AuthorityError::Damaged { what: "the audit key".into(), why };
        let info = self.public_key().to_spki().map_err(|error| damaged(error.to_string()))?;
        info.to_pem(LineEnding::LF).map_err(|error| damaged(error.to_string()))
    }

    fn public_key(&self) -> &PublicKey {
        self.signer.public_key()
    }

    fn sign(&self, end: &ChainEnd) -> Result<String, StoreError> {
        let signature = self.signer.sign(&message(end)).map_err(|error| StoreError::Signing(error.to_string()))?;
        Ok(to_base64(&signature))
    }

    fn has_signed(&self, end: &ChainEnd, signature: &str) -> bool {
        let Ok(signature) = from_base64(signature) else { return false };
        verify_signature(&*self.provider, self.public_key(), &self.signer.algorithm(), &message(end), &signature)
            .is_ok()
    }
}

/// What is signed: it begins with words, so it is nothing else that a key may sign.
fn message(end: &ChainEnd) -> Vec<u8> {
    format!("ironroot audit checkpoint, version 1\n{}\n{}\n{}\n", end.number, end.hash, end.at).into_bytes()
}

impl Checkpoint {
    fn end(&self) -> ChainEnd {
        ChainEnd { number: self.number, hash: self.hash.clone(), at: self.at }
    }
}

pub(super) async fn signed_end(connection: &mut AnyConnection) -> Result<Option<SignedEnd>, StoreError> {
    let row = sqlx::query("SELECT number, hash, at, signature FROM audit_head").fetch_optional(connection).await?;
    row.map(|row| {
        let end = ChainEnd { number: row.try_get("number")?, hash: row.try_get("hash")?, at: row.try_get("at")? };
        Ok(SignedEnd { end, signature: row.try_get("signature")? })
    })
    .transpose()
}

impl Write<'_> {
    /// Signs the end of the chain as this transaction leaves it.
    pub(super) async fn sign_end(&mut self) -> Result<(), StoreError> {
        let Some(end) = &self.end else { return Ok(()) };
        let signature = self.audit.sign(end)?;
        sqlx::query(
            "INSERT INTO audit_head (id, number, hash, at, signature) VALUES (1, $1, $2, $3, $4) \
             ON CONFLICT (id) DO UPDATE SET number = excluded.number, hash = excluded.hash, at = excluded.at, \
             signature = excluded.signature",
        )
        .bind(end.number)
        .bind(&end.hash)
        .bind(end.at)
        .bind(signature)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Checks that the chain ends where its signature says: before a service adds to it.
    pub(super) async fn check_end(&self) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let last = sqlx::query("SELECT number, hash FROM events ORDER BY number DESC LIMIT 1")
            .fetch_optional(&mut *write.transaction)
            .await?;
        let last: Option<(i64, String)> =
            last.map(|row| Ok::<_, sqlx::Error>((row.try_get("number")?, row.try_get("hash")?))).transpose()?;
        let (number, hash, SignedEnd { end, signature }) = match (last, signed_end(&mut write.transaction).await?) {
            (None, None) => return Ok(()),
            (None, Some(signed)) => return Err(StoreError::Audit(AuditFault::Missing(signed.end.number))),
            (Some(_), None) => return Err(StoreError::Audit(AuditFault::EndMissing)),
            (Some((number, hash)), Some(signed)) => (number, hash, signed),
        };
        if (end.number, &end.hash) != (number, &hash) {
            return Err(StoreError::Audit(AuditFault::EndElsewhere(end.number)));
        }
        if signature.is_empty() && self.audit.made_now {
            // Events from before there were signatures.
            write.end = Some(end);
            return write.commit().await;
        }
        if self.audit.has_signed(&end, &signature) { Ok(()) } else { Err(StoreError::Audit(AuditFault::EndSignature)) }
    }

    /// The signed end of the chain, if anything has happened yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let signed = signed_end(&mut connection).await?;
        Ok(signed.map(|SignedEnd { end: ChainEnd { number, hash, at }, signature }| Checkpoint {
            number,
            hash,
            at,
            signature,
        }))
    }

    /// Recomputes the chain and compares it with its signed end and with checkpoints from outside. Events may be added
    /// meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; what is wrong with the chain is the value inside.
    pub async fn verify_audit(&self, outside: &[Checkpoint]) -> Result<Result<AuditReport, AuditFault>, StoreError> {
        let mut marks: Vec<(ChainEnd, AuditFault)> = Vec::new();
        for checkpoint in outside {
            let end = checkpoint.end();
            if !self.audit.has_signed(&end, &checkpoint.signature) {
                return Ok(Err(AuditFault::CheckpointSignature(end.number)));
            }
            marks.push((end, AuditFault::Checkpoint(checkpoint.number)));
        }
        let Some(signed) = self.checkpoint().await? else {
            let any = !self.events_from(0, 1).await?.is_empty();
            return Ok(match marks.first() {
                _ if any => Err(AuditFault::EndMissing),
                Some((_, fault)) => Err(fault.clone()),
                None => Ok(AuditReport { events: 0, checkpoints: 0 }),
            });
        };
        let end = signed.end();
        if !self.audit.has_signed(&end, &signed.signature) {
            return Ok(Err(AuditFault::EndSignature));
        }
        marks.push((end.clone(), AuditFault::EndElsewhere(end.number)));
        if let Some(fault) = self.walk(end.number, &marks).await? {
            return Ok(Err(fault));
        }
        // What is behind the end that was read has come since, and then the end has moved with it.
        let now = self.checkpoint().await?.map_or(0, |now| now.number);
        if let Some(surplus) = self.events_from(now.saturating_add(1), 1).await?.first()
            && self.checkpoint().await?.is_none_or(|now| now.number < surplus.number)
        {
            return Ok(Err(AuditFault::Surplus(surplus.number)));
        }
        Ok(Ok(AuditReport { events: end.number, checkpoints: outside.len() }))
    }

    /// Recomputes the chain up to a number; at each mark the hash has to be the mark's.
    async fn walk(&self, last: i64, marks: &[(ChainEnd, AuditFault)]) -> Result<Option<AuditFault>, StoreError> {
        if let Some((_, fault)) = marks.iter().find(|(mark, _)| mark.number > last) {
            return Ok(Some(fault.clone()));
        }
        // From the smallest number that there is: nothing stands before the first event.
        let (mut from, mut expected, mut previous) = (i64::MIN, 1i64, String::new());
        while expected <= last {
            let events = self.events_from(from, PAGE).await?;
            if events.is_empty() {
                return Ok(Some(AuditFault::Missing(expected)));
            }
            for event in events.into_iter().take_while(|event| event.number <= last) {
                if event.number > expected {
                    return Ok(Some(AuditFault::Missing(expected)));
                }
                let hash = event.expected_hash(&previous);
                if event.number < expected || hash != event.hash {
                    return Ok(Some(AuditFault::Changed(event.number)));
                }
                let passed = marks
                    .iter()
                    .find(|(mark, _)| mark.number == expected && (mark.hash != hash || mark.at != event.at));
                if let Some((_, fault)) = passed {
                    return Ok(Some(fault.clone()));
                }
                previous = hash;
                expected = expected.saturating_add(1);
            }
            if from == expected {
                return Ok(Some(AuditFault::Missing(expected)));
            }
            from = expected;
        }
        Ok(None)
    }
}
