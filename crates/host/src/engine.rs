//! What the doors need of a TPM that lives in this process.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use zeroize::Zeroizing;

/// Why an engine could not do what a door asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine has no such operation. Doors answer as if the request did not exist.
    #[error("this TPM does not support {0}")]
    Unsupported(&'static str),
    /// The operation was tried and failed; the text names what failed, why, and what to do.
    #[error("{0}")]
    Failed(String),
}

/// Which optional operations of [`Engine`] do what they say. Doors advertise these and no others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// `hash_start`, `hash_data` and `hash_end` perform the H-CRTM sequence (Part 1, clause "H-CRTM").
    pub hashing: bool,
    /// `established` and `reset_established` reflect the real tpmEstablished flag.
    pub established: bool,
    /// `save_volatile` and `load_volatile` work.
    pub volatile_state: bool,
    /// `permanent_state` and `set_permanent_state` work.
    pub permanent_state: bool,
    /// `info` returns a description.
    pub info: bool,
    /// `lock_storage` works.
    pub storage_lock: bool,
}

/// Sizes of the command and response buffer in bytes, as swtpm's control channel negotiates them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferSizes {
    /// In use now: the largest command and the largest response.
    pub current: u32,
    /// The smallest that can be set.
    pub minimum: u32,
    /// The largest that can be set. Doors never keep more of one command than this.
    pub maximum: u32,
}

impl Default for BufferSizes {
    fn default() -> Self {
        Self { current: 4096, minimum: 4096, maximum: 4096 }
    }
}

/// One TPM, as the doors see it. Only one caller at a time ever holds it.
///
/// Nothing here is called before [`Engine::power_on`] except [`Engine::features`], [`Engine::buffer_sizes`],
/// [`Engine::set_buffer_size`], [`Engine::canceller`], [`Engine::info`] and [`Engine::set_permanent_state`].
/// If a call panics, the doors answer `TPM_RC_FAILURE` until the TPM is powered off and on again.
pub trait Engine: Send {
    /// Which optional operations work. Asked once, when the daemon starts.
    fn features(&self) -> Features {
        Features::default()
    }

    /// `_TPM_Init`: power has been applied or the TPM was reset. `TPM2_Startup` is expected next.
    ///
    /// # Errors
    /// The state cannot be loaded: a text that says which file or record, why, and what to do.
    fn power_on(&mut self) -> Result<(), EngineError>;

    /// Power is gone: volatile state is lost. Without a `TPM2_Shutdown` before it this is an unorderly shutdown.
    fn power_off(&mut self);

    /// Runs one command of at least 10 bytes and *appends* the response to `response`, leaving what is already there
    /// (doors put their own framing in front, so that a response leaves in a single write).
    ///
    /// `locality` is 0 to 4, or 32 to 255 for extended localities; any other value deserves `TPM_RC_LOCALITY`.
    fn execute(&mut self, locality: u8, command: &[u8], response: &mut Vec<u8>);

    /// `_TPM_Hash_Start`: begins the H-CRTM event sequence, from locality 4.
    fn hash_start(&mut self) {}

    /// `_TPM_Hash_Data`: more of the H-CRTM event, in pieces of any size.
    fn hash_data(&mut self, data: &[u8]) {
        let _ = data;
    }

    /// `_TPM_Hash_End`: completes the H-CRTM event.
    fn hash_end(&mut self) {}

    /// The tpmEstablished flag (PC Client platforms): whether a D-RTM or H-CRTM event has happened.
    fn established(&self) -> bool {
        false
    }

    /// Clears the tpmEstablished flag from `locality`. Returns 0, or the error code to send: swtpm's control channel
    /// uses TPM 1.2's, here 0x3d (`TPM_BAD_LOCALITY`) for any locality but 3 and 4.
    fn reset_established(&mut self, locality: u8) -> u32 {
        if locality == 3 || locality == 4 { 0 } else { 0x3d }
    }

    /// Everything that a power cycle would lose, for [`Engine::load_volatile`]. Secrets are inside.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`], or why the state cannot be written down now.
    fn save_volatile(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Err(EngineError::Unsupported("saving its volatile state"))
    }

    /// Called right after [`Engine::power_on`] and before any command: resumes from `state` as if power had never
    /// been lost, or with `None` forgets any volatile state kept elsewhere.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`], or what is wrong with `state`; the TPM is then powered off again.
    fn load_volatile(&mut self, state: Option<&[u8]>) -> Result<(), EngineError> {
        match state {
            None => Ok(()),
            Some(_) => Err(EngineError::Unsupported("resuming from a volatile state")),
        }
    }

    /// The permanent state for migration to another host.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`], or why it cannot be exported.
    fn permanent_state(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Err(EngineError::Unsupported("exporting its permanent state"))
    }

    /// Replaces the permanent state of a TPM that is powered off.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`], or what is wrong with `state`; the old state then stays.
    fn set_permanent_state(&mut self, state: &[u8]) -> Result<(), EngineError> {
        let _ = state;
        Err(EngineError::Unsupported("importing a permanent state"))
    }

    /// Physical presence is asserted or no longer asserted.
    fn set_physical_presence(&mut self, asserted: bool) {
        let _ = asserted;
    }

    /// Whether non-volatile memory can be reached; while not, commands that need it return `TPM_RC_NV_UNAVAILABLE`.
    fn set_nv_available(&mut self, available: bool) {
        let _ = available;
    }

    /// Makes the next self-test fail, so that the TPM enters failure mode (a test aid of the simulator protocol).
    fn force_failure_mode(&mut self) {}

    /// A flag that a door sets, from another thread, to cancel the command in progress, if the engine looks at one.
    fn canceller(&self) -> Option<Arc<AtomicBool>> {
        None
    }

    /// The buffer sizes.
    fn buffer_sizes(&self) -> BufferSizes {
        BufferSizes::default()
    }

    /// Asks for another buffer size while the TPM is powered off; the nearest possible is taken.
    fn set_buffer_size(&mut self, wanted: u32) {
        let _ = wanted;
    }

    /// A JSON description of this TPM; `flags` chooses the parts, as for swtpm's `--print-info`.
    fn info(&self, flags: u64) -> Option<String> {
        let _ = flags;
        None
    }

    /// Whether the authenticated countdown timer `act` (a handle, `TPM_RH_ACT_0` and up) is signaled.
    fn act_signaled(&self, act: u32) -> bool {
        let _ = act;
        false
    }

    /// Takes the lock on the storage if it does not hold it yet, trying again `retries` times.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`], or who holds it.
    fn lock_storage(&mut self, retries: u32) -> Result<(), EngineError> {
        let _ = retries;
        Err(EngineError::Unsupported("locking its storage on request"))
    }
}

impl<E: Engine + ?Sized> Engine for Box<E> {
    fn features(&self) -> Features {
        (**self).features()
    }
    fn power_on(&mut self) -> Result<(), EngineError> {
        (**self).power_on()
    }
    fn power_off(&mut self) {
        (**self).power_off();
    }
    fn execute(&mut self, locality: u8, command: &[u8], response: &mut Vec<u8>) {
        (**self).execute(locality, command, response);
    }
    fn hash_start(&mut self) {
        (**self).hash_start();
    }
    fn hash_data(&mut self, data: &[u8]) {
        (**self).hash_data(data);
    }
    fn hash_end(&mut self) {
        (**self).hash_end();
    }
    fn established(&self) -> bool {
        (**self).established()
    }
    fn reset_established(&mut self, locality: u8) -> u32 {
        (**self).reset_established(locality)
    }
    fn save_volatile(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        (**self).save_volatile()
    }
    fn load_volatile(&mut self, state: Option<&[u8]>) -> Result<(), EngineError> {
        (**self).load_volatile(state)
    }
    fn permanent_state(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        (**self).permanent_state()
    }
    fn set_permanent_state(&mut self, state: &[u8]) -> Result<(), EngineError> {
        (**self).set_permanent_state(state)
    }
    fn set_physical_presence(&mut self, asserted: bool) {
        (**self).set_physical_presence(asserted);
    }
    fn set_nv_available(&mut self, available: bool) {
        (**self).set_nv_available(available);
    }
    fn force_failure_mode(&mut self) {
        (**self).force_failure_mode();
    }
    fn canceller(&self) -> Option<Arc<AtomicBool>> {
        (**self).canceller()
    }
    fn buffer_sizes(&self) -> BufferSizes {
        (**self).buffer_sizes()
    }
    fn set_buffer_size(&mut self, wanted: u32) {
        (**self).set_buffer_size(wanted);
    }
    fn info(&self, flags: u64) -> Option<String> {
        (**self).info(flags)
    }
    fn act_signaled(&self, act: u32) -> bool {
        (**self).act_signaled(act)
    }
    fn lock_storage(&mut self, retries: u32) -> Result<(), EngineError> {
        (**self).lock_storage(retries)
    }
}
