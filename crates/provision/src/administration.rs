//! What those who run a service do to its database beside it: batches, audit. For programs without an asynchronous
//! runtime.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use ironroot_crypto::Provider;

use crate::{
    files::{self, FileError},
    service::{self, StartError},
    store::{AuditKey, Checkpoint, Location, Store},
};

/// A service's database, in the hands of whoever runs the service. The service may run meanwhile.
pub struct Administration {
    runtime: tokio::runtime::Runtime,
    store: Store,
    audit: Arc<AuditKey>,
    folder: PathBuf,
}

impl Administration {
    /// Opens the database of the service in a folder.
    ///
    /// # Errors
    /// [`StartError`]; in a folder without a service nothing is made.
    pub fn open(folder: &Path, database: Option<Location>, provider: Arc<dyn Provider>) -> Result<Self, StartError> {
        Self::with(folder, database, provider, true)
    }

    /// As [`Administration::open`], whatever the audit looks like.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open_unchecked(
        folder: &Path,
        database: Option<Location>,
        provider: Arc<dyn Provider>,
    ) -> Result<Self, StartError> {
        Self::with(folder, database, provider, false)
    }

    fn with(
        folder: &Path,
        database: Option<Location>,
        provider: Arc<dyn Provider>,
        checked: bool,
    ) -> Result<Self, StartError> {
        if !folder.join(service::AUDIT_KEY).exists() {
            return Err(StartError::NoService(folder.to_owned()));
        }
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Threads)?;
        let audit = Arc::new(AuditKey::open_or_create(&folder.join(service::AUDIT_KEY), provider)?);
        let location = database.unwrap_or_else(|| Location::File(folder.join(service::DATABASE)));
        let opened = runtime.block_on(async {
            if checked {
                Store::open(&location, Arc::clone(&audit), None).await
            } else {
                Store::open_unchecked(&location, Arc::clone(&audit), None).await
            }
        });
        let store = opened.map_err(|source| StartError::Store { location, source })?;
        Ok(Self { runtime, store, audit, folder: folder.to_owned() })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Waits for something that the database does.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The audit key.
    #[must_use]
    pub fn audit_key(&self) -> &AuditKey {
        &self.audit
    }

    /// The checkpoint that the service left in its folder, if it has run long enough to leave one.
    ///
    /// # Errors
    /// [`StartError`]: the file cannot be read.
    pub fn kept_checkpoint(&self) -> Result<Option<Checkpoint>, StartError> {
        let path = self.folder.join(service::CHECKPOINT);
        let Some(text) = files::read_text(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let source = std::io::Error::other(error);
            StartError::File(FileError::Io { action: "read", path, source })
        })
    }

    /// Seconds of the UNIX epoch.
    #[must_use]
    pub fn now() -> i64 {
        SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }
}

impl Drop for Administration {
    fn drop(&mut self) {
        self.runtime.block_on(self.store.close());
    }
}
