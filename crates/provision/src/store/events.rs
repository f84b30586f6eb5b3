//! Events: what happened, in an order that nobody can change without being seen. Each row's hash covers the hash before
//! it, so a changed or missing row breaks the chain from there on.

use ironroot_crypto::Hasher;
use ironroot_wire::TpmiAlgHash;
use serde::Serialize;
use sqlx::{AnyConnection, Row as _};

use super::{
    Store, StoreError, Write,
    audit::{self, AuditFault, ChainEnd},
};
use crate::authority::to_hex;

/// Characters of a detail that are kept: requesters' words do not fill the disk.
const LONGEST_DETAIL: usize = 512;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The service started.
    Started,
    /// A certificate was issued.
    Issued,
    /// A certificate was handed out again to a retry.
    Repeated,
    /// A request was refused.
    Refused,
    /// A batch was made.
    BatchCreated,
    /// A batch takes no new units any more.
    BatchClosed,
    /// Endorsement keys were announced for a batch.
    KeysAllowed,
    /// A unit was given back.
    UnitScrapped,
    /// A certificate was revoked.
    Revoked,
    /// A device was taken out of service.
    Decommissioned,
    /// A revocation list was signed.
    CrlSigned,
}

impl EventKind {
    /// The word in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Issued => "issued",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
            Self::BatchCreated => "batch_created",
            Self::BatchClosed => "batch_closed",
            Self::KeysAllowed => "keys_allowed",
            Self::UnitScrapped => "unit_scrapped",
            Self::Revoked => "revoked",
            Self::Decommissioned => "decommissioned",
            Self::CrlSigned => "crl",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// When (seconds of the UNIX epoch).
    pub at: i64,
    /// What kind.
    pub kind: EventKind,
    /// The hexadecimal name of the device's endorsement key, if one is known.
    pub device: Option<&'a str>,
    /// The rest, for people. Never a secret.
    pub detail: &'a str,
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedEvent {
    /// Its place, from 1.
    pub number: i64,
    /// When (seconds of the UNIX epoch).
    pub at: i64,
    /// The word for its kind.
    pub kind: String,
    /// The device, if one is known.
    pub device: Option<String>,
    /// The rest.
    pub detail: String,
    /// The hash of this row and the one before it.
    pub hash: String,
}

impl Write<'_> {
    /// Appends an event.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record(&mut self, event: Event<'_>) -> Result<(), StoreError> {
        let (number, previous) = match self.chain_end().await? {
            Some(end) => (end.number.saturating_add(1), end.hash),
            None => (1, String::new()),
        };
        let detail: String = event.detail.chars().take(LONGEST_DETAIL).collect();
        let hash = chain(&previous, number, event.at, event.kind.word(), event.device, &detail);
        sqlx::query("INSERT INTO events (number, at, kind, device, detail, hash) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(number)
            .bind(event.at)
            .bind(event.kind.word())
            .bind(event.device)
            .bind(detail)
            .bind(&hash)
            .execute(&mut *self.transaction)
            .await?;
        self.end = Some(ChainEnd { number, hash, at: event.at });
        Ok(())
    }
}

impl Write<'_> {
    /// The end of the chain: as this transaction made it, or as the last one left it.
    async fn chain_end(&mut self) -> Result<Option<ChainEnd>, StoreError> {
        if let Some(end) = &self.end {
            return Ok(Some(end.clone()));
        }
        let signed = audit::signed_end(&mut self.transaction).await?;
        if signed.is_none() && any_events(&mut self.transaction).await? {
            return Err(StoreError::Audit(AuditFault::EndMissing));
        }
        Ok(signed.map(|signed| signed.end))
    }
}

impl Store {
    /// The newest events, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_events(&self, count: i64) -> Result<Vec<RecordedEvent>, StoreError> {
        let rows =
            sqlx::query("SELECT number, at, kind, device, detail, hash FROM events ORDER BY number DESC LIMIT $1")
                .bind(count)
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(read).collect()
    }

    /// Events from a number on, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events_from(&self, number: i64, count: i64) -> Result<Vec<RecordedEvent>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, at, kind, device, detail, hash FROM events WHERE number >= $1 ORDER BY number LIMIT $2",
        )
        .bind(number)
        .bind(count)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }
}

impl RecordedEvent {
    /// The hash that the event has to have behind this one.
    pub(super) fn expected_hash(&self, previous: &str) -> String {
        chain(previous, self.number, self.at, &self.kind, self.device.as_deref(), &self.detail)
    }
}

async fn any_events(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query("SELECT number FROM events LIMIT 1").fetch_optional(connection).await?.is_some())
}

fn read(row: &sqlx::any::AnyRow) -> Result<RecordedEvent, StoreError> {
    Ok(RecordedEvent {
        number: row.try_get("number")?,
        at: row.try_get("at")?,
        kind: row.try_get("kind")?,
        device: row.try_get("device")?,
        detail: row.try_get("detail")?,
        hash: row.try_get("hash")?,
    })
}

/// The hash of a row: over the previous hash and every field, each behind its length.
fn chain(previous: &str, number: i64, at: i64, kind: &str, device: Option<&str>, detail: &str) -> String {
    let mut hasher = Hasher::new(TpmiAlgHash::Sha256);
    // No device and an empty one are told apart, too: the second has a length that nothing has.
    let device_length = device.map_or(0, |device| if device.is_empty() { u64::MAX } else { device.len() as u64 });
    for (length, field) in [
        (previous.len() as u64, previous.as_bytes()),
        (8, &number.to_be_bytes()),
        (8, &at.to_be_bytes()),
        (kind.len() as u64, kind.as_bytes()),
        (device_length, device.unwrap_or_default().as_bytes()),
        (detail.len() as u64, detail.as_bytes()),
    ] {
        hasher.update(&length.to_be_bytes());
        hasher.update(field);
    }
    to_hex(&hasher.finish())
}
