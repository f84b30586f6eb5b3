//! One connection to a TPM for many keys and threads: a TPM executes one command at a time anyway.

use std::sync::{Arc, Mutex, MutexGuard};

use ironroot_client::{ClientError, Tpm, Transport};

use crate::KeyError;

/// A TPM that several keys and threads use in turn.
#[derive(Clone)]
pub struct SharedTpm(Arc<Mutex<Tpm>>);

impl SharedTpm {
    /// Shares a connection.
    #[must_use]
    pub fn new(tpm: Tpm) -> Self {
        Self(Arc::new(Mutex::new(tpm)))
    }

    /// Waits for the TPM and takes it.
    ///
    /// # Errors
    /// [`KeyError::Poisoned`] if a thread panicked while it had the TPM.
    pub fn lock(&self) -> Result<MutexGuard<'_, Tpm>, KeyError> {
        self.0.lock().map_err(|_| KeyError::Poisoned)
    }

    /// Closes the connection for all that share it. What they ask for from then on is refused.
    ///
    /// # Errors
    /// As [`SharedTpm::lock`].
    pub fn close(&self) -> Result<(), KeyError> {
        *self.lock()? = Tpm::new(Closed);
        Ok(())
    }
}

/// In the place of a connection that was closed.
struct Closed;

impl Transport for Closed {
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, ClientError> {
        Err(ClientError::Io {
            action: "sending a command to",
            endpoint: self.endpoint(),
            source: std::io::Error::new(std::io::ErrorKind::NotConnected, "the connection was closed by this program"),
            hint: "connect again",
        })
    }

    fn endpoint(&self) -> String {
        "the TPM".into()
    }
}

impl std::fmt::Debug for SharedTpm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedTpm")
    }
}
