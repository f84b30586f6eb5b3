//! The tables, and how they came to be: numbered steps that the program brings and runs by itself. A step that was
//! released is never changed; its checksum is in the database.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    AnyPool, SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{Kind, StoreError};

/// Number, description, SQL. The SQL is for SQLite and PostgreSQL alike.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "devices certificates events", include_str!("../../migrations/0001_devices_certificates_events.sql")),
    (2, "batches units audit", include_str!("../../migrations/0002_batches_units_audit.sql")),
    (3, "revocations", include_str!("../../migrations/0003_revocations.sql")),
];

/// Brings the tables up to date. Several processes may do so at the same time.
pub(super) async fn run(pool: &AnyPool, kind: Kind) -> Result<(), StoreError> {
    let step = |&(number, description, sql): &(i64, &'static str, &'static str)| {
        Migration::new(number, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut connection = pool.acquire().await?;
    if kind == Kind::Postgres {
        // A step over a million devices takes its time.
        sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await?;
        sqlx::query("SET lock_timeout = 0").execute(&mut *connection).await?;
    }
    Migrator::with_migrations(STEPS.iter().map(step).collect()).run(&mut *connection).await?;
    // With the settings that were changed above, it serves nobody else.
    connection.close().await?;
    Ok(())
}

/// Waits for the lock file beside a database file: SQLite's switch to a write-ahead log and the migrations do not wait for
/// each other. It is released when the value is dropped, or its process ends.
pub(super) async fn lock_file(path: &Path) -> Result<File, StoreError> {
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
