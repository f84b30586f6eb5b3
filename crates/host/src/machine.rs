//! The machine around the TPM: power, start and orderly shutdown, cancelling, and one caller at a time.
//!
//! Every door holds the same [`Machine`]. A panic inside the engine is caught here: the TPM then answers
//! `TPM_RC_FAILURE` until power goes off and on, as a TPM in failure mode would, and the daemon lives on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use zeroize::Zeroizing;

use crate::engine::{BufferSizes, Engine, EngineError, Features};
use crate::protocol::{HEADER, TPM_RC_COMMAND_SIZE, TPM_RC_FAILURE, TPM_RC_LOCALITY, code, error_response};

const CC_STARTUP: u32 = 0x144;
const CC_SHUTDOWN: u32 = 0x145;
const SU_CLEAR: u16 = 0;
const SU_STATE: u16 = 1;
const RC_INITIALIZE: u32 = 0x100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    Off,
    On,
    /// The engine panicked since power came on: it is not called again before power goes off.
    Failed,
}

struct Inner {
    engine: Box<dyn Engine>,
    power: Power,
    /// Whether power is on, for those who must not wait for the command in progress.
    on: Arc<AtomicBool>,
    /// What STORE_VOLATILE or SET_STATEBLOB left for the next INIT. It is kept in memory only: it holds secrets.
    volatile: Option<Zeroizing<Vec<u8>>>,
    /// The last command's code, to know whether the client shut the TPM down itself.
    last_command: u32,
}

/// Sizes that GET_COMMAND_RESPONSE_SIZES reports: the largest command and response, and the command's code.
#[derive(Default)]
struct Largest {
    command: AtomicU32,
    command_code: AtomicU32,
    response: AtomicU32,
    response_code: AtomicU32,
}

pub(crate) struct Machine {
    inner: Mutex<Inner>,
    features: Features,
    /// The largest command that doors collect, fixed when the daemon starts.
    maximum_command: usize,
    /// The locality of swtpm's data channel.
    locality: AtomicU8,
    on: Arc<AtomicBool>,
    canceller: Option<Arc<AtomicBool>>,
    /// Cancelling holds until it is called off (simulator), instead of ending with the command (swtpm).
    cancel_holds: AtomicBool,
    auto_shutdown: bool,
    reject_locality_4: bool,
    largest: Largest,
}

impl Machine {
    pub(crate) fn new(engine: Box<dyn Engine>, auto_shutdown: bool, reject_locality_4: bool) -> Self {
        let maximum = engine.buffer_sizes().maximum;
        let on = Arc::new(AtomicBool::new(false));
        Self {
            features: engine.features(),
            maximum_command: usize::try_from(maximum).unwrap_or(usize::MAX).clamp(HEADER, 1 << 20),
            canceller: engine.canceller(),
            on: on.clone(),
            inner: Mutex::new(Inner { engine, power: Power::Off, on, volatile: None, last_command: 0 }),
            locality: AtomicU8::new(0),
            cancel_holds: AtomicBool::new(false),
            auto_shutdown,
            reject_locality_4,
            largest: Largest::default(),
        }
    }

    pub(crate) fn features(&self) -> Features {
        self.features
    }

    pub(crate) fn maximum_command(&self) -> usize {
        self.maximum_command
    }

    pub(crate) fn locality(&self) -> u8 {
        self.locality.load(Ordering::Relaxed)
    }

    /// Sets it, unless this locality is rejected: then false.
    pub(crate) fn set_locality(&self, locality: u8) -> bool {
        let accepted = !self.rejects(locality);
        if accepted {
            self.locality.store(locality, Ordering::Relaxed);
        }
        accepted
    }

    fn rejects(&self, locality: u8) -> bool {
        locality == 4 && self.reject_locality_4
    }

    /// Answers at once, even while a command is in progress.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    /// Engine panics are caught below, so only a panic in this file could poison the lock; then nothing is known
    /// about the engine, and it counts as failed.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| {
            self.inner.clear_poison();
            let mut inner = poisoned.into_inner();
            if inner.power == Power::On {
                inner.power = Power::Failed;
            }
            inner
        })
    }

    /// Appends the response to `response`. False, and nothing appended, if the power is off.
    pub(crate) fn execute(&self, locality: u8, command: &[u8], response: &mut Vec<u8>) -> bool {
        let mut inner = self.lock();
        if inner.power == Power::Off {
            return false;
        }
        if let Some(flag) = &self.canceller
            && flag.load(Ordering::Relaxed)
            && !self.cancel_holds.load(Ordering::Relaxed)
        {
            flag.store(false, Ordering::Relaxed);
        }
        let begin = response.len();
        if self.rejects(locality) {
            response.extend_from_slice(&error_response(TPM_RC_LOCALITY));
        } else {
            inner.execute(locality, command, response);
        }
        drop(inner);
        match code(command) {
            Some(code) if SHALLOW.contains(&code) => wipe_stack::<{ 8 << 10 }>(),
            _ => wipe_stack::<{ 64 << 10 }>(),
        }
        let response = response.get(begin..).unwrap_or_default();
        if let (Some(command), Some(rc)) = (code(command), code(response)) {
            tracing::debug!(code = format_args!("{command:#05x}"), rc = format_args!("{rc:#05x}"), "command");
        }
        self.largest.note(command, response);
        true
    }

    /// Power comes on, unless it is on already.
    pub(crate) fn power_on(&self) -> Result<(), EngineError> {
        let mut inner = self.lock();
        if inner.power == Power::Off { inner.power_on() } else { Ok(()) }
    }

    /// Power goes, as if the plug were pulled.
    pub(crate) fn power_off(&self) {
        self.lock().power_off();
    }

    /// `_TPM_Init` if power is on, without an orderly shutdown.
    pub(crate) fn reset(&self) -> Result<(), EngineError> {
        let mut inner = self.lock();
        if inner.power == Power::Off {
            return Ok(());
        }
        inner.power_off();
        inner.power_on()
    }

    /// swtpm's STOP. A TPM whose volatile state is kept for the next INIT is not shut down before: it goes on there, and a
    /// shutdown would change the non-volatile state that belongs to it.
    pub(crate) fn halt(&self) {
        self.halt_locked(&mut self.lock());
    }

    fn halt_locked(&self, inner: &mut Inner) {
        if self.auto_shutdown && inner.volatile.is_none() {
            inner.shutdown();
        }
        inner.power_off();
    }

    /// swtpm's INIT: an orderly end of what was, then power on, from the stored volatile state if there is one.
    pub(crate) fn init(&self, forget_volatile: bool) -> Result<(), EngineError> {
        let mut inner = self.lock();
        self.halt_locked(&mut inner);
        inner.power_on()?;
        if let Some(state) = inner.volatile.take() {
            let loaded = inner.guard(|engine| engine.load_volatile(Some(&state)));
            if let Err(error) = loaded.unwrap_or_else(|| Err(panicked())) {
                inner.volatile = Some(state);
                inner.power_off();
                return Err(error);
            }
            if !forget_volatile {
                inner.volatile = Some(state);
            }
        }
        Ok(())
    }

    /// Shuts the TPM down unless that is switched off, and takes its power.
    pub(crate) fn stop(&self) {
        let mut inner = self.lock();
        if self.auto_shutdown {
            inner.shutdown();
        }
        inner.power_off();
    }

    /// Sends `TPM2_Startup`. A TPM that is already started is fine.
    pub(crate) fn startup(&self, state: bool) -> Result<(), u32> {
        let mut inner = self.lock();
        match inner.simple_command(CC_STARTUP, if state { SU_STATE } else { SU_CLEAR }) {
            0 | RC_INITIALIZE => Ok(()),
            rc => Err(rc),
        }
    }

    /// Whether the engine can be cancelled.
    pub(crate) fn can_cancel(&self) -> bool {
        self.canceller.is_some()
    }

    /// Asks the command in progress to end; whatever runs next is not meant.
    pub(crate) fn cancel_once(&self) -> bool {
        self.canceller.as_ref().inspect(|flag| flag.store(true, Ordering::Relaxed)).is_some()
    }

    /// Cancels every command until called off.
    pub(crate) fn hold_cancel(&self, hold: bool) {
        self.cancel_holds.store(hold, Ordering::Relaxed);
        if let Some(flag) = &self.canceller {
            flag.store(hold, Ordering::Relaxed);
        }
    }

    /// Keeps the volatile state for the next INIT.
    pub(crate) fn store_volatile(&self) -> Result<(), EngineError> {
        let mut inner = self.lock();
        let state = inner.save_volatile()?;
        inner.volatile = Some(state);
        Ok(())
    }

    /// The volatile state of a running TPM.
    pub(crate) fn volatile_state(&self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        self.lock().save_volatile()
    }

    /// A volatile state for the next INIT, which alone can tell whether it is any good.
    pub(crate) fn set_volatile_state(&self, state: Zeroizing<Vec<u8>>) -> Result<(), EngineError> {
        if !self.features.volatile_state {
            return Err(EngineError::Unsupported("resuming from a volatile state"));
        }
        self.lock().volatile = Some(state);
        Ok(())
    }

    pub(crate) fn buffer_sizes(&self) -> BufferSizes {
        self.lock().guard(|engine| engine.buffer_sizes()).unwrap_or_default()
    }

    /// Runs `action` on the engine whatever the power; `None` if it panicked.
    pub(crate) fn with_engine<T>(&self, action: impl FnOnce(&mut dyn Engine) -> T) -> Option<T> {
        self.lock().guard(action)
    }

    /// Runs `action` on the engine if power is on and it has not failed.
    pub(crate) fn with_running<T>(&self, action: impl FnOnce(&mut dyn Engine) -> T) -> Option<T> {
        let mut inner = self.lock();
        if inner.power == Power::On { inner.guard(action) } else { None }
    }

    /// The largest command and response: size, code, size, code.
    pub(crate) fn take_largest(&self) -> [u32; 4] {
        let Largest { command, command_code, response, response_code } = &self.largest;
        [command, command_code, response, response_code].map(|value| value.swap(0, Ordering::Relaxed))
    }
}

impl Largest {
    fn note(&self, command: &[u8], response: &[u8]) {
        let rises = |mark: &AtomicU32, bytes: &[u8]| {
            let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let higher = size > mark.load(Ordering::Relaxed);
            if higher {
                mark.store(size, Ordering::Relaxed);
            }
            higher
        };
        if rises(&self.command, command) {
            self.command_code.store(code(command).unwrap_or(0), Ordering::Relaxed);
        }
        if rises(&self.response, response) {
            self.response_code.store(code(response).unwrap_or(0), Ordering::Relaxed);
        }
    }
}

impl Inner {
    /// Runs `action`; a panic makes the TPM fail and gives `None`. What the engine was in the middle of is unknown
    /// after that, which is why it is not called again before its power is taken.
    fn guard<T>(&mut self, action: impl FnOnce(&mut dyn Engine) -> T) -> Option<T> {
        let engine = &mut *self.engine;
        let outcome = catch_unwind(AssertUnwindSafe(|| action(engine)));
        if outcome.is_err() {
            tracing::error!("the TPM panicked; it answers TPM_RC_FAILURE until power goes off and on");
            if self.power == Power::On {
                self.power = Power::Failed;
            }
        }
        outcome.ok()
    }

    fn execute(&mut self, locality: u8, command: &[u8], response: &mut Vec<u8>) {
        let begin = response.len();
        if self.power != Power::On {
            response.extend_from_slice(&error_response(TPM_RC_FAILURE));
            return;
        }
        let Some(command_code) = code(command) else {
            response.extend_from_slice(&error_response(TPM_RC_COMMAND_SIZE));
            return;
        };
        self.last_command = command_code;
        let done = self.guard(|engine| engine.execute(locality, command, response)).is_some();
        if !done || response.len() < begin.saturating_add(HEADER) {
            response.resize(begin, 0);
            response.extend_from_slice(&error_response(TPM_RC_FAILURE));
        }
    }

    fn power_on(&mut self) -> Result<(), EngineError> {
        self.set_power(Power::On);
        self.last_command = 0;
        let result = self.guard(|engine| engine.power_on()).unwrap_or_else(|| Err(panicked()));
        if let Err(error) = &result {
            tracing::error!(%error, "the TPM does not power on");
            self.set_power(Power::Off);
        }
        result
    }

    fn set_power(&mut self, power: Power) {
        self.power = power;
        self.on.store(power != Power::Off, Ordering::Release);
    }

    fn power_off(&mut self) {
        if self.power != Power::Off {
            let _ = self.guard(|engine| engine.power_off());
            self.set_power(Power::Off);
        }
    }

    fn save_volatile(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        self.guard(|engine| engine.save_volatile()).unwrap_or_else(|| Err(panicked()))
    }

    /// `TPM2_Shutdown`, unless the client sent it last: with STATE first, since that keeps what a resuming client
    /// wants and costs one that starts anew nothing; with CLEAR if the TPM refuses.
    fn shutdown(&mut self) {
        if self.power != Power::On || self.last_command == CC_SHUTDOWN {
            return;
        }
        for kind in [SU_STATE, SU_CLEAR] {
            if matches!(self.simple_command(CC_SHUTDOWN, kind), 0 | RC_INITIALIZE) {
                return;
            }
        }
        tracing::warn!("the TPM refused TPM2_Shutdown; the next start counts as one after a power failure");
    }

    /// A command with one 16-bit parameter and no sessions; returns its response code.
    fn simple_command(&mut self, command_code: u32, parameter: u16) -> u32 {
        let mut command = [0x80, 0x01, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0];
        let fields = command_code.to_be_bytes().into_iter().chain(parameter.to_be_bytes());
        command.iter_mut().skip(6).zip(fields).for_each(|(place, value)| *place = value);
        let mut response = Vec::with_capacity(HEADER);
        self.execute(0, &command, &mut response);
        code(&response).unwrap_or(TPM_RC_FAILURE)
    }
}

/// Commands that touch no key and no auth value, and that clients send most: `TPM2_ReadPublic`, `TPM2_GetCapability`,
/// `TPM2_GetRandom`, `TPM2_GetTestResult`, `TPM2_PCR_Read`, `TPM2_ReadClock`, `TPM2_NV_ReadPublic`. They go less than 8 KiB deep.
const SHALLOW: [u32; 7] = [0x173, 0x17a, 0x17b, 0x17c, 0x17e, 0x181, 0x169];

/// Wipes what the command before left on this thread's stack: copies of keys and auth values in the frames of functions
/// that have returned. The next command on this connection may be days away. (Post-quantum schemes go deeper, and wipe
/// their own.)
#[inline(never)]
fn wipe_stack<const SIZE: usize>() {
    let mut used = [0u8; SIZE];
    std::hint::black_box(&mut used);
}

fn panicked() -> EngineError {
    EngineError::Failed("the TPM's code panicked; this is a defect: please report it with the log".to_owned())
}
