//! Unit volume control: batches with a number of units, and the devices that used them.
//!
//! A unit is used by the transaction that issues a device's first certificate, never before and never twice: the same
//! endorsement key again is rework, whatever it asks for. A batch that is closed, expired or used up takes no new unit;
//! the units that it has keep renewing their certificates for as long as they live.

use std::fmt;

use serde::Serialize;
use sqlx::{AnyConnection, Row as _, any::AnyRow};

use super::{Event, EventKind, Store, StoreError, Write};

/// A batch that is to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewBatch {
    /// Its name: letters, digits, `.`, `_` and `-`, 64 at most.
    pub name: String,
    /// What is made.
    pub product: String,
    /// How many.
    pub units: i64,
    /// The certificate profiles that are allowed; none means all.
    pub profiles: Vec<String>,
    /// Whether only endorsement keys on the batch's list are let in.
    pub listed_only: bool,
    /// From this second of the UNIX epoch on no new unit is used.
    pub expires_at: Option<i64>,
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Its name.
    pub name: String,
    /// What is made.
    pub product: String,
    /// How many devices may get a first certificate.
    pub units: i64,
    /// How many have, without those that were scrapped.
    pub used: i64,
    /// How many units were scrapped.
    pub scrapped: i64,
    /// The certificate profiles that are allowed; none means all.
    pub profiles: Vec<String>,
    /// Whether only endorsement keys on the batch's list are let in.
    pub listed_only: bool,
    /// Endorsement keys on the list.
    pub listed: i64,
    /// From this second of the UNIX epoch on no new unit is used.
    pub expires_at: Option<i64>,
    /// When it was closed.
    pub closed_at: Option<i64>,
    /// When it was made.
    pub created_at: i64,
}

/// Who does something to a batch: a role and a name, for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor<'a> {
    /// The role, such as `engineer`.
    pub role: &'a str,
    /// The person or program.
    pub name: &'a str,
}

impl fmt::Display for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by {} ({})", self.name, self.role)
    }
}

/// Why a device may not be certified in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchRefusal {
    /// The service demands a batch.
    Required,
    /// There is no batch of that name.
    Unknown,
    /// It is closed.
    Closed,
    /// Its time is over.
    Expired,
    /// All its units are used.
    Exhausted {
        /// How many that are.
        units: i64,
    },
    /// It does not allow this certificate profile.
    Profile,
    /// The endorsement key is not on its list.
    NotListed,
    /// The device counts in another batch.
    OtherBatch(String),
    /// The device was scrapped.
    Scrapped,
}

/// What a device asks of unit volume control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitRequest<'a> {
    /// The batch, if one was named.
    pub batch: Option<&'a str>,
    /// Whether a device without a batch is refused.
    pub required: bool,
    /// The hexadecimal name of the device's endorsement key.
    pub ek_name: &'a str,
    /// The certificate profile.
    pub profile: &'a str,
    /// Now (seconds of the UNIX epoch).
    pub now: i64,
}

/// What unit volume control answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitVerdict {
    /// No batch is concerned.
    Uncounted,
    /// The device counts in this batch already.
    Rework(String),
    /// The device may take a new unit of this batch.
    New(String),
}

/// A batch, or the list for it, that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The name cannot be one.
    #[error("\"{0}\" cannot be a batch's name: letters, digits, \".\", \"_\" and \"-\", 64 at most")]
    Name(String),
    /// There is nothing to count.
    #[error("a batch has at least one unit")]
    NoUnits,
    /// There is one already.
    #[error("there is a batch {0} already: choose another name")]
    Exists(String),
    /// There is none.
    #[error("there is no batch {0}: `ironroot batch list` shows those that are there")]
    Unknown(String),
    /// The device does not count.
    #[error("no unit of the batch {0} has this endorsement key, or it is scrapped already")]
    NoUnit(String),
}

const COLUMNS: &str = "SELECT name, product, units, used, profiles, listed_only, expires_at, closed_at, created_at, \
                       (SELECT COUNT(*) FROM units WHERE units.batch = batches.name AND scrapped_at IS NOT NULL) AS scrapped, \
                       (SELECT COUNT(*) FROM batch_keys WHERE batch_keys.batch = batches.name) AS listed FROM batches";

impl Store {
    /// All batches, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn batches(&self) -> Result<Vec<Batch>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY name"))).fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// A batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn batch(&self, name: &str) -> Result<Option<Batch>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        batch(&mut connection, name).await
    }

    /// Whether an endorsement key is on a batch's list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ek_allowed(&self, batch: &str, ek_name: &str) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?;
        is_listed(&mut connection, batch, ek_name).await
    }

    /// Whether a device may be certified, as things are now. Another may take the last unit a moment later: what counts is
    /// [`Write::take_unit`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn judge_unit(&self, request: UnitRequest<'_>) -> Result<Result<UnitVerdict, BatchRefusal>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        judge(&mut connection, request).await
    }

    /// Makes a batch.
    ///
    /// # Errors
    /// [`BatchError`].
    pub async fn create_batch(&self, new: &NewBatch, actor: Actor<'_>, now: i64) -> Result<Batch, BatchError> {
        let is_name = |name: &str| {
            (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if !is_name(&new.name) {
            return Err(BatchError::Name(new.name.clone()));
        }
        if new.units < 1 {
            return Err(BatchError::NoUnits);
        }
        let mut write = self.begin().await?;
        if batch(&mut write.transaction, &new.name).await?.is_some() {
            return Err(BatchError::Exists(new.name.clone()));
        }
        sqlx::query(
            "INSERT INTO batches (name, product, units, used, profiles, listed_only, expires_at, created_at) \
             VALUES ($1, $2, $3, 0, $4, $5, $6, $7)",
        )
        .bind(&new.name)
        .bind(&new.product)
        .bind(new.units)
        .bind(new.profiles.join(","))
        .bind(i64::from(new.listed_only))
        .bind(new.expires_at)
        .bind(now)
        .execute(&mut *write.transaction)
        .await
        .map_err(StoreError::from)?;
        let detail = format!("batch {}, {} units of {}, {actor}", new.name, new.units, new.product);
        write.record(Event { at: now, kind: EventKind::BatchCreated, device: None, detail: &detail }).await?;
        let made = batch(&mut write.transaction, &new.name).await?;
        write.commit().await?;
        made.ok_or_else(|| BatchError::Unknown(new.name.clone()))
    }

    /// Adds endorsement keys to a batch's list. Returns how many were not on it.
    ///
    /// # Errors
    /// [`BatchError`]; then none was added.
    pub async fn allow_keys(
        &self,
        name: &str,
        ek_names: &[String],
        actor: Actor<'_>,
        now: i64,
    ) -> Result<u64, BatchError> {
        let mut write = self.begin().await?;
        if batch(&mut write.transaction, name).await?.is_none() {
            return Err(BatchError::Unknown(name.into()));
        }
        let mut added = 0u64;
        for ek_name in ek_names {
            let done = sqlx::query("INSERT INTO batch_keys (batch, ek_name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(name)
                .bind(ek_name)
                .execute(&mut *write.transaction)
                .await
                .map_err(StoreError::from)?;
            added = added.saturating_add(done.rows_affected());
        }
        let detail = format!("batch {name}, {added} endorsement keys, {actor}");
        write.record(Event { at: now, kind: EventKind::KeysAllowed, device: None, detail: &detail }).await?;
        write.commit().await?;
        Ok(added)
    }

    /// Closes a batch: no new unit is used.
    ///
    /// # Errors
    /// [`BatchError`].
    pub async fn close_batch(&self, name: &str, actor: Actor<'_>, now: i64) -> Result<(), BatchError> {
        let mut write = self.begin().await?;
        let found = batch(&mut write.transaction, name).await?.ok_or_else(|| BatchError::Unknown(name.into()))?;
        if found.closed_at.is_none() {
            sqlx::query("UPDATE batches SET closed_at = $2 WHERE name = $1")
                .bind(name)
                .bind(now)
                .execute(&mut *write.transaction)
                .await
                .map_err(StoreError::from)?;
            let detail = format!("batch {name}, {} of {} units used, {actor}", found.used, found.units);
            write.record(Event { at: now, kind: EventKind::BatchClosed, device: None, detail: &detail }).await?;
        }
        Ok(write.commit().await?)
    }
}

impl Write<'_> {
    /// As [`Store::judge_unit`], and uses the unit if it is a new one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_unit(
        &mut self,
        request: UnitRequest<'_>,
    ) -> Result<Result<UnitVerdict, BatchRefusal>, StoreError> {
        let verdict = judge(&mut self.transaction, request).await?;
        if let Ok(UnitVerdict::New(batch)) = &verdict {
            sqlx::query("UPDATE batches SET used = used + 1 WHERE name = $1")
                .bind(batch)
                .execute(&mut *self.transaction)
                .await?;
            sqlx::query("INSERT INTO units (ek_name, batch, used_at) VALUES ($1, $2, $3)")
                .bind(request.ek_name)
                .bind(batch)
                .bind(request.now)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(verdict)
    }

    /// Gives a unit back to its batch and refuses the device from now on. What the device has is not revoked by this alone:
    /// [`crate::revocation::scrap`] does both.
    ///
    /// # Errors
    /// [`BatchError`].
    pub async fn scrap_unit(
        &mut self,
        name: &str,
        ek_name: &str,
        actor: Actor<'_>,
        now: i64,
    ) -> Result<(), BatchError> {
        if batch(&mut self.transaction, name).await?.is_none() {
            return Err(BatchError::Unknown(name.into()));
        }
        let scrapped =
            sqlx::query("UPDATE units SET scrapped_at = $3 WHERE batch = $1 AND ek_name = $2 AND scrapped_at IS NULL")
                .bind(name)
                .bind(ek_name)
                .bind(now)
                .execute(&mut *self.transaction)
                .await
                .map_err(StoreError::from)?;
        if scrapped.rows_affected() != 1 {
            return Err(BatchError::NoUnit(name.into()));
        }
        sqlx::query("UPDATE batches SET used = used - 1 WHERE name = $1")
            .bind(name)
            .execute(&mut *self.transaction)
            .await
            .map_err(StoreError::from)?;
        let detail = format!("batch {name}, {actor}");
        Ok(self
            .record(Event { at: now, kind: EventKind::UnitScrapped, device: Some(ek_name), detail: &detail })
            .await?)
    }
}

async fn judge(
    connection: &mut AnyConnection,
    request: UnitRequest<'_>,
) -> Result<Result<UnitVerdict, BatchRefusal>, StoreError> {
    let unit = sqlx::query("SELECT batch, scrapped_at FROM units WHERE ek_name = $1")
        .bind(request.ek_name)
        .fetch_optional(&mut *connection)
        .await?;
    let (name, counted) = match unit {
        Some(row) => {
            let (batch, scrapped): (String, Option<i64>) = (row.try_get("batch")?, row.try_get("scrapped_at")?);
            if scrapped.is_some() {
                return Ok(Err(BatchRefusal::Scrapped));
            }
            if request.batch.is_some_and(|named| named != batch) {
                return Ok(Err(BatchRefusal::OtherBatch(batch)));
            }
            (batch, true)
        }
        None => match request.batch {
            Some(named) => (named.to_owned(), false),
            None if request.required => return Ok(Err(BatchRefusal::Required)),
            None => return Ok(Ok(UnitVerdict::Uncounted)),
        },
    };
    let Some(batch) = terms(connection, &name).await? else { return Ok(Err(BatchRefusal::Unknown)) };
    if !batch.profiles.is_empty() && !batch.profiles.iter().any(|profile| profile == request.profile) {
        return Ok(Err(BatchRefusal::Profile));
    }
    if counted {
        return Ok(Ok(UnitVerdict::Rework(name)));
    }
    if batch.closed_at.is_some() {
        return Ok(Err(BatchRefusal::Closed));
    }
    if batch.expires_at.is_some_and(|end| request.now >= end) {
        return Ok(Err(BatchRefusal::Expired));
    }
    if batch.listed_only && !is_listed(connection, &name, request.ek_name).await? {
        return Ok(Err(BatchRefusal::NotListed));
    }
    if batch.used >= batch.units {
        return Ok(Err(BatchRefusal::Exhausted { units: batch.units }));
    }
    Ok(Ok(UnitVerdict::New(name)))
}

/// What a batch allows, without counting anything: it is asked for every device.
struct Terms {
    units: i64,
    used: i64,
    profiles: Vec<String>,
    listed_only: bool,
    expires_at: Option<i64>,
    closed_at: Option<i64>,
}

async fn terms(connection: &mut AnyConnection, name: &str) -> Result<Option<Terms>, StoreError> {
    let row =
        sqlx::query("SELECT units, used, profiles, listed_only, expires_at, closed_at FROM batches WHERE name = $1")
            .bind(name)
            .fetch_optional(connection)
            .await?;
    row.map(|row| {
        Ok(Terms {
            units: row.try_get("units")?,
            used: row.try_get("used")?,
            profiles: profiles(&row)?,
            listed_only: row.try_get::<i64, _>("listed_only")? != 0,
            expires_at: row.try_get("expires_at")?,
            closed_at: row.try_get("closed_at")?,
        })
    })
    .transpose()
}

fn profiles(row: &AnyRow) -> Result<Vec<String>, StoreError> {
    let profiles: String = row.try_get("profiles")?;
    Ok(profiles.split(',').filter(|profile| !profile.is_empty()).map(str::to_owned).collect())
}

async fn batch(connection: &mut AnyConnection, name: &str) -> Result<Option<Batch>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE name = $1")))
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

async fn is_listed(connection: &mut AnyConnection, batch: &str, ek_name: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT ek_name FROM batch_keys WHERE batch = $1 AND ek_name = $2")
        .bind(batch)
        .bind(ek_name)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

fn read(row: &AnyRow) -> Result<Batch, StoreError> {
    Ok(Batch {
        name: row.try_get("name")?,
        product: row.try_get("product")?,
        units: row.try_get("units")?,
        used: row.try_get("used")?,
        scrapped: row.try_get("scrapped")?,
        profiles: profiles(row)?,
        listed_only: row.try_get::<i64, _>("listed_only")? != 0,
        listed: row.try_get("listed")?,
        expires_at: row.try_get("expires_at")?,
        closed_at: row.try_get("closed_at")?,
        created_at: row.try_get("created_at")?,
    })
}
