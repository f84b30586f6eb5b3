//! A client that knows nothing of the TPM's insides, on a TPM in this process.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::{Arc, Mutex, MutexGuard};

use ironroot_client::{ClientError, InProcess, Tpm as Client};
use ironroot_wire::TpmRc;

use crate::common::TestTpm;

/// A TPM that a client and the test itself both hold.
#[derive(Clone)]
pub struct Shared {
    tpm: Arc<Mutex<TestTpm>>,
    last: Arc<Mutex<Vec<u8>>>,
}

impl Shared {
    pub fn started() -> Self {
        Self { tpm: Arc::new(Mutex::new(TestTpm::started())), last: Arc::default() }
    }

    /// A new client.
    pub fn client(&self) -> Client {
        let shared = self.clone();
        Client::new(InProcess(move |command: &[u8]| {
            *shared.last.lock().unwrap() = command.to_vec();
            shared.tpm.lock().unwrap().raw(command)
        }))
    }

    /// The TPM itself.
    pub fn tpm(&self) -> MutexGuard<'_, TestTpm> {
        self.tpm.lock().unwrap()
    }

    /// The bytes of the client's last command.
    pub fn last_command(&self) -> Vec<u8> {
        self.last.lock().unwrap().clone()
    }
}

/// The response code that the TPM refused a command with.
pub fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>) -> TpmRc {
    match result {
        Err(ClientError::Tpm { rc, .. }) => rc,
        other => panic!("expected a response code: {other:?}"),
    }
}
