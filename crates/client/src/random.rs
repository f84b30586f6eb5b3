//! Random bytes from the operating system: nonces, salts, ephemeral keys.

use ironroot_crypto::Random;

use crate::ClientError;

pub(crate) fn bytes(count: usize) -> Result<Vec<u8>, ClientError> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(|error| ClientError::Random(error.to_string()))?;
    Ok(bytes)
}

/// Runs `action` with the operating system's generator; if that failed even once, the result is discarded.
pub(crate) fn with<T>(action: impl FnOnce(&mut dyn Random) -> T) -> Result<T, ClientError> {
    let mut source = System { failure: None };
    let result = action(&mut source);
    match source.failure {
        None => Ok(result),
        Some(error) => Err(ClientError::Random(error.to_string())),
    }
}

struct System {
    failure: Option<getrandom::Error>,
}

impl Random for System {
    fn fill(&mut self, out: &mut [u8]) {
        if let Err(error) = getrandom::fill(out) {
            self.failure = Some(error);
        }
    }
}
