//! Events: what happened, in an order that nobody can change without being seen. Each row's hash covers the hash before
//! it, so a changed or missing row breaks the chain from there on.

use ironroot_crypto::Hasher;
use ironroot_wire::TpmiAlgHash;
use sqlx::Row as _;

use super::{Store, StoreError, Write};
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    hash: String,
}

impl Write<'_> {
    /// Appends an event.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record(&mut self, event: Event<'_>) -> Result<(), StoreError> {
        let last = sqlx::query("SELECT number, hash FROM events ORDER BY number DESC LIMIT 1")
            .fetch_optional(&mut *self.transaction)
            .await?;
        let (number, previous) = match last {
            Some(row) => (row.try_get::<i64, _>("number")?.saturating_add(1), row.try_get("hash")?),
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
            .bind(hash)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
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

    /// Recomputes the chain. Returns the number of events, or the number of the first one that is missing or changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_events(&self) -> Result<Result<i64, i64>, StoreError> {
        const PAGE: i64 = 1000;
        let (mut expected, mut previous) = (1i64, String::new());
        loop {
            let rows = sqlx::query(
                "SELECT number, at, kind, device, detail, hash FROM events WHERE number >= $1 ORDER BY number LIMIT $2",
            )
            .bind(expected)
            .bind(PAGE)
            .fetch_all(&self.pool)
            .await?;
            if rows.is_empty() {
                return Ok(Ok(expected.saturating_sub(1)));
            }
            for row in &rows {
                let event = read(row)?;
                let hash =
                    chain(&previous, event.number, event.at, &event.kind, event.device.as_deref(), &event.detail);
                if event.number != expected || hash != event.hash {
                    return Ok(Err(expected));
                }
                expected = expected.saturating_add(1);
                previous = hash;
            }
        }
    }
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
    for field in [
        previous.as_bytes(),
        &number.to_be_bytes(),
        &at.to_be_bytes(),
        kind.as_bytes(),
        device.unwrap_or_default().as_bytes(),
        detail.as_bytes(),
    ] {
        hasher.update(&(field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    to_hex(&hasher.finish())
}
