//! The database: devices, certificates, events. SQLite, embedded; the SQL is kept to what PostgreSQL understands too.
//!
//! One enrolment is one transaction: the device, its certificate and the event that says so are there together or not
//! at all, and they are on disk before the device gets its answer.

mod events;

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    Row as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use events::{Event, EventKind, RecordedEvent};

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space on the disk.
    #[error("the disk is full")]
    Full,
    /// The file or its folder may not be written.
    #[error("the database may not be written")]
    ReadOnly,
    /// Somebody else holds the database.
    #[error("the database is busy")]
    Busy,
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // The primary result code of SQLite is the low byte of the extended one.
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
        match (code.map(|code| code & 0xff), &error) {
            (Some(13), _) => Self::Full,
            (Some(8 | 14), _) => Self::ReadOnly,
            (Some(5 | 6), _) | (_, sqlx::Error::PoolTimedOut) => Self::Busy,
            _ => Self::Other(error),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Other(error.into()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => Self::Other(sqlx::Error::Migrate(Box::new(other))),
        }
    }
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

/// A device that is to get a certificate.
#[derive(Debug, Clone)]
pub struct Device {
    /// The hexadecimal name of its endorsement key.
    pub ek_name: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its endorsement certificate (PEM).
    pub ek_certificate: String,
    /// `tcg-at-tpmManufacturer`.
    pub manufacturer: Option<String>,
    /// `tcg-at-tpmModel`.
    pub model: Option<String>,
    /// `tcg-at-tpmVersion`.
    pub version: Option<String>,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The serial number (hexadecimal).
    pub serial: String,
    /// How often the same enrolment got a certificate before.
    pub generation: i64,
    /// The first moment (seconds of the UNIX epoch).
    pub not_before: i64,
    /// The last moment.
    pub not_after: i64,
    /// The certificate (PEM).
    pub certificate: String,
}

/// Whether a subject is free for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectClaim {
    /// The device is new, and nobody has the subject.
    New,
    /// The device has this subject already.
    Same,
    /// The device has another subject.
    DeviceHas(String),
    /// Another device has the subject.
    Taken,
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
    /// Opens the database file, makes it if it is not there, and brings its tables up to date. `max_bytes` bounds the
    /// file's size; a database that would grow beyond it answers [`StoreError::Full`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(path: &Path, max_bytes: Option<u64>) -> Result<Self, StoreError> {
        const PAGE: u64 = 4096;
        let mut options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        if let Some(bytes) = max_bytes {
            options = options.pragma("max_page_count", (bytes / PAGE).max(1).to_string());
        }
        // One process at a time: SQLite's switch to a write-ahead log and the migrations do not wait for each other.
        let _alone = lock_for_opening(path).await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
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
        Ok(Write { transaction: self.pool.begin_with("BEGIN IMMEDIATE").await? })
    }

    /// Whether the subject is free for the device. Another request may claim it a moment later: what counts is the same
    /// question inside [`Store::begin`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn subject_claim(&self, ek_name: &str, subject: &str) -> Result<SubjectClaim, StoreError> {
        let mut connection = self.pool.acquire().await?;
        subject_claim(&mut connection, ek_name, subject).await
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
    transaction: Transaction<'a, Sqlite>,
}

impl Write<'_> {
    /// Makes everything durable.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has happened.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }

    /// Whether the subject is free for the device.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn subject_claim(&mut self, ek_name: &str, subject: &str) -> Result<SubjectClaim, StoreError> {
        subject_claim(&mut self.transaction, ek_name, subject).await
    }

    /// The newest certificate of an enrolment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_certificate(&mut self, enrolment: &str) -> Result<Option<IssuedCertificate>, StoreError> {
        let row = sqlx::query(
            "SELECT serial, generation, not_before, not_after, certificate FROM certificates \
             WHERE enrolment = $1 ORDER BY generation DESC LIMIT 1",
        )
        .bind(enrolment)
        .fetch_optional(&mut *self.transaction)
        .await?;
        row.map(|row| {
            Ok(IssuedCertificate {
                serial: row.try_get("serial")?,
                generation: row.try_get("generation")?,
                not_before: row.try_get("not_before")?,
                not_after: row.try_get("not_after")?,
                certificate: row.try_get("certificate")?,
            })
        })
        .transpose()
    }

    /// Notes a device: new, or seen again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_device(&mut self, device: &Device, now: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO devices (ek_name, subject, ek_certificate, manufacturer, model, version, first_seen, last_seen) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
             ON CONFLICT (ek_name) DO UPDATE SET ek_certificate = excluded.ek_certificate, \
             last_seen = excluded.last_seen",
        )
        .bind(&device.ek_name)
        .bind(&device.subject)
        .bind(&device.ek_certificate)
        .bind(&device.manufacturer)
        .bind(&device.model)
        .bind(&device.version)
        .bind(now)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Notes a certificate of a device that is noted already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_certificate(
        &mut self,
        enrolment: &str,
        device: &Device,
        ik_name: &str,
        profile: &str,
        issued: &IssuedCertificate,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO certificates (serial, enrolment, generation, ek_name, ik_name, profile, subject, not_before, \
             not_after, certificate) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&issued.serial)
        .bind(enrolment)
        .bind(issued.generation)
        .bind(&device.ek_name)
        .bind(ik_name)
        .bind(profile)
        .bind(&device.subject)
        .bind(issued.not_before)
        .bind(issued.not_after)
        .bind(&issued.certificate)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

/// Waits for the lock file beside the database. It is released when the value is dropped, or its process ends.
async fn lock_for_opening(path: &Path) -> Result<File, StoreError> {
    const PATIENCE: Duration = Duration::from_secs(30);
    const PAUSE: Duration = Duration::from_millis(10);
    let file = File::options().create(true).append(true).open(path.with_extension("lock"))?;
    let deadline = Instant::now().checked_add(PATIENCE);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if deadline.is_some_and(|deadline| Instant::now() < deadline) => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

async fn subject_claim(
    connection: &mut sqlx::SqliteConnection,
    ek_name: &str,
    subject: &str,
) -> Result<SubjectClaim, StoreError> {
    let rows = sqlx::query("SELECT ek_name, subject FROM devices WHERE ek_name = $1 OR subject = $2")
        .bind(ek_name)
        .bind(subject)
        .fetch_all(connection)
        .await?;
    let mut claim = SubjectClaim::New;
    for row in rows {
        let (owner, owned): (String, String) = (row.try_get("ek_name")?, row.try_get("subject")?);
        if owner != ek_name {
            return Ok(SubjectClaim::Taken);
        }
        claim = if owned == subject { SubjectClaim::Same } else { SubjectClaim::DeviceHas(owned) };
    }
    Ok(claim)
}
