//! What the database could not do, in the words that both databases share.

use std::io;

use super::AuditFault;
use sqlx::{postgres::PgDatabaseError, sqlite::SqliteError};

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space on the disk.
    #[error("the disk is full")]
    Full,
    /// The file, its folder or the server may not be written.
    #[error("the database may not be written")]
    ReadOnly,
    /// Somebody else holds the database.
    #[error("the database is busy")]
    Busy,
    /// The database server does not answer, or its connection was lost.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The address of the database is not one.
    #[error("the database's address is not usable: {0}")]
    Location(String),
    /// The audit does not hold.
    #[error("the audit does not hold: {0}")]
    Audit(AuditFault),
    /// The audit key does not sign.
    #[error("the audit key does not sign: {0}")]
    Signing(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            let code = database.code().unwrap_or_default();
            let known = if database.try_downcast_ref::<SqliteError>().is_some() {
                of_sqlite(&code)
            } else if database.try_downcast_ref::<PgDatabaseError>().is_some() {
                of_postgres(&code, database.message())
            } else {
                None
            };
            return known.unwrap_or(Self::Other(error));
        }
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::Tls(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unreachable("it is closed".into()),
            other => Self::Other(other),
        }
    }
}

/// The primary result code of SQLite is the low byte of the extended one.
fn of_sqlite(code: &str) -> Option<StoreError> {
    match code.parse::<u32>().ok()? & 0xff {
        13 => Some(StoreError::Full),
        8 | 14 => Some(StoreError::ReadOnly),
        5 | 6 => Some(StoreError::Busy),
        _ => None,
    }
}

/// PostgreSQL, Appendix A: the class of a code is its first two characters.
fn of_postgres(code: &str, message: &str) -> Option<StoreError> {
    match code {
        "53100" => Some(StoreError::Full),
        // read_only_sql_transaction, insufficient_privilege
        "25006" | "42501" => Some(StoreError::ReadOnly),
        // lock_not_available, query_canceled, serialization_failure, deadlock_detected, too_many_connections
        "55P03" | "57014" | "40001" | "40P01" | "53300" => Some(StoreError::Busy),
        // idle_in_transaction_session_timeout
        "25P03" => Some(StoreError::Busy),
        // Connection exceptions, wrong passwords, missing databases, and a server that starts or stops.
        code if ["08", "28", "3D", "57P"].iter().any(|class| code.starts_with(class)) => {
            Some(StoreError::Unreachable(message.to_owned()))
        }
        _ => None,
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
