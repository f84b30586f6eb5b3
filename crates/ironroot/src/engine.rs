//! The TPM as the daemon's doors see it.

use std::sync::{Arc, atomic::AtomicBool};

use ironroot_host::{Engine, EngineError, Features};
use ironroot_platform::{Clock, host::SystemClock};
use ironroot_tpm::Tpm;
use zeroize::Zeroizing;

/// A TPM with this machine's clock.
pub struct HostEngine {
    tpm: Tpm,
    clock: SystemClock,
    established: bool,
    cancel: Arc<AtomicBool>,
}

impl HostEngine {
    /// An engine around a TPM that is powered off.
    pub fn new(mut tpm: Tpm) -> Self {
        let cancel = Arc::new(AtomicBool::new(false));
        tpm.set_cancellation(Box::new(Arc::clone(&cancel)));
        Self { tpm, clock: SystemClock::new(), established: false, cancel }
    }
}

impl Engine for HostEngine {
    fn features(&self) -> Features {
        Features { hashing: true, established: true, volatile_state: true, ..Features::default() }
    }

    fn power_on(&mut self) -> Result<(), EngineError> {
        self.tpm.power_on(self.clock.now());
        Ok(())
    }

    fn power_off(&mut self) {
        self.tpm.power_off(self.clock.now());
    }

    fn execute(&mut self, locality: u8, command: &[u8], response: &mut Vec<u8>) {
        response.extend_from_slice(&Zeroizing::new(self.tpm.execute(locality, self.clock.now(), command)));
    }

    fn save_volatile(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Ok(self.tpm.save_volatile())
    }

    fn load_volatile(&mut self, state: Option<&[u8]>) -> Result<(), EngineError> {
        match state {
            None => Ok(()),
            Some(state) => self
                .tpm
                .restore_volatile(self.clock.now(), state)
                .map_err(|error| EngineError::Failed(format!("the volatile state cannot be resumed: {error}"))),
        }
    }

    fn hash_start(&mut self) {
        self.tpm.hash_start();
    }

    fn hash_data(&mut self, data: &[u8]) {
        self.tpm.hash_data(data);
    }

    fn hash_end(&mut self) {
        self.tpm.hash_end();
        self.established = true;
    }

    fn canceller(&self) -> Option<Arc<AtomicBool>> {
        Some(Arc::clone(&self.cancel))
    }

    fn established(&self) -> bool {
        self.established
    }

    fn reset_established(&mut self, locality: u8) -> u32 {
        // swtpm's control channel has TPM 1.2's codes: TPM_BAD_LOCALITY.
        const BAD_LOCALITY: u32 = 0x3d;
        if !matches!(locality, 3 | 4) {
            return BAD_LOCALITY;
        }
        self.established = false;
        0
    }
}
