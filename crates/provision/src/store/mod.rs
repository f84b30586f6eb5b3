//! The database: devices, certificates, events. SQLite in a file, or PostgreSQL by a URL, with the same statements.
//!
//! One enrolment is one transaction: the device, its certificate and the event that says so are there together or not
//! at all, and they are on disk before the device gets its answer.
//!
//! # One writer at a time
//!
//! Every transaction that writes appends to the chain of events, and each event's hash covers the one before it: writers
//! have an order whatever the database does. So a transaction takes the right to write first ([`Store::begin`]), reads
//! what is committed, decides, writes and commits; nothing that it read can change under it, on one node or on many. On
//! SQLite that right is `BEGIN IMMEDIATE`, on PostgreSQL a lock that ends with the transaction. Serializable
//! transactions would not let more of them through, as all want the end of the same chain: they would be sent back to try
//! again instead of waiting. What is slow (checking evidence, signing) is done before the right is taken.
//!
//! A node that dies loses the right with its connection. One that hangs, or whose machine is cut off, loses it after
//! [`LONGEST_SILENCE`], and its transaction with it.

mod audit;
mod batches;
mod devices;
mod error;
mod events;
mod location;
mod migrations;
mod revocations;

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    Any, AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Row as _, Transaction, any::AnyPoolOptions,
};

use audit::ChainEnd;

pub use audit::{AuditFault, AuditKey, AuditReport, Checkpoint};
pub use batches::{Actor, Batch, BatchError, BatchRefusal, NewBatch, UnitRequest, UnitVerdict};
pub use devices::{Device, IssuedCertificate, SubjectClaim};
pub use error::StoreError;
pub use events::{Event, EventKind, RecordedEvent};
pub use location::{Location, PostgresUrl};
pub use revocations::{CertificateRecord, Revocation, Selection, StoredCrl};

/// How long a transaction on PostgreSQL may hear nothing from its node before the server ends it (seconds).
pub const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// Which database it is, where that makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    kind: Kind,
    audit: Arc<AuditKey>,
}

/// Numbers for the status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Devices.
    pub devices: i64,
    /// Certificates that were issued.
    pub certificates: i64,
    /// Certificates that are valid now.
    pub valid: i64,
    /// Requests that were refused.
    pub refused: i64,
}

impl Store {
    /// Opens the database, makes a file that is not there, brings its tables up to date, and checks that the chain of
    /// events ends where the audit key signed it. `max_bytes` bounds a file's size; a database that would grow beyond it
    /// answers [`StoreError::Full`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(location: &Location, audit: Arc<AuditKey>, max_bytes: Option<u64>) -> Result<Self, StoreError> {
        let store = Self::open_unchecked(location, audit, max_bytes).await?;
        store.check_end().await?;
        Ok(store)
    }

    /// As [`Store::open`], whatever the chain of events looks like: for whoever finds out what is wrong with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_unchecked(
        location: &Location,
        audit: Arc<AuditKey>,
        max_bytes: Option<u64>,
    ) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let options = location.options()?;
        let (kind, connections, settings, _alone) = match location {
            Location::File(path) => (Kind::Sqlite, 4, sqlite_settings(max_bytes), Some(open_alone(path).await?)),
            Location::Postgres(_) => (Kind::Postgres, 8, postgres_settings(), None),
        };
        // The pool would try again and again, and then say that it is tired: the first connection says what is wrong.
        let mut first = options.connect().await?;
        apply(&mut first, settings.clone()).await?;
        first.close().await?;
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| Box::pin(apply(connection, settings.clone())))
            .connect_with(options)
            .await?;
        migrations::run(&pool, kind).await?;
        Ok(Self { pool, kind, audit })
    }

    /// Closes the database; what is committed is on disk.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that holds the right to write from its start, so that what it reads cannot change under it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self) -> Result<Write<'_>, StoreError> {
        let transaction = match self.kind {
            Kind::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => {
                // Each statement sees what was committed before it began, so everything after the lock sees all.
                let mut transaction = self.pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
                // The second number makes it the lock of these tables: a database may hold several sets, in schemas.
                sqlx::query("SELECT pg_advisory_xact_lock(1230131023, 'events'::regclass::oid::int4)")
                    .execute(&mut *transaction)
                    .await?;
                transaction
            }
        };
        Ok(Write { transaction, audit: &self.audit, end: None })
    }

    /// Records something that stands for itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record(&self, event: Event<'_>) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        write.record(event).await?;
        write.commit().await
    }

    /// Numbers for the status page.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counts(&self, now: i64) -> Result<Counts, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM devices) AS devices, \
             (SELECT COUNT(*) FROM certificates) AS certificates, \
             (SELECT COUNT(*) FROM certificates WHERE not_before <= $1 AND not_after >= $1) AS valid, \
             (SELECT COUNT(*) FROM events WHERE kind = $2) AS refused",
        )
        .bind(now)
        .bind(EventKind::Refused.word())
        .fetch_one(&self.pool)
        .await?;
        Ok(Counts {
            devices: row.try_get("devices")?,
            certificates: row.try_get("certificates")?,
            valid: row.try_get("valid")?,
            refused: row.try_get("refused")?,
        })
    }
}

/// A transaction that may write. Dropped without [`Write::commit`], it leaves nothing.
pub struct Write<'a> {
    transaction: Transaction<'a, Any>,
    audit: &'a AuditKey,
    /// The end of the chain of events, if this transaction moved it.
    end: Option<ChainEnd>,
}

impl Write<'_> {
    /// Makes everything durable.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has happened, unless the connection to a server was lost at this very moment
    /// ([`StoreError::Unreachable`]): a retry finds out.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.sign_end().await?;
        Ok(self.transaction.commit().await?)
    }
}

/// Alone with the file: until the value is dropped, or its process ends.
async fn open_alone(path: &Path) -> Result<std::fs::File, StoreError> {
    migrations::lock_file(path).await
}

/// Durable before it is acknowledged; patient with other connections.
fn sqlite_settings(max_bytes: Option<u64>) -> Vec<String> {
    const PAGE: u64 = 4096;
    let mut settings = vec![
        "PRAGMA busy_timeout = 5000".to_owned(),
        "PRAGMA journal_mode = WAL".to_owned(),
        "PRAGMA synchronous = FULL".to_owned(),
        "PRAGMA foreign_keys = ON".to_owned(),
    ];
    if let Some(bytes) = max_bytes {
        settings.push(format!("PRAGMA max_page_count = {}", (bytes / PAGE).max(1)));
    }
    settings
}

/// Durable before it is acknowledged, whatever the server's default; nobody waits for ever.
fn postgres_settings() -> Vec<String> {
    vec![
        "SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') IN ('off', 'local')"
            .to_owned(),
        format!("SET idle_in_transaction_session_timeout = {}", LONGEST_SILENCE.as_millis()),
        "SET lock_timeout = 15000".to_owned(),
        "SET statement_timeout = 30000".to_owned(),
        "SET client_min_messages = warning".to_owned(),
    ]
}

async fn apply(connection: &mut AnyConnection, settings: Vec<String>) -> Result<(), sqlx::Error> {
    for setting in settings {
        // Made above, of constants and numbers.
        sqlx::query(sqlx::AssertSqlSafe(setting)).execute(&mut *connection).await?;
    }
    Ok(())
}
