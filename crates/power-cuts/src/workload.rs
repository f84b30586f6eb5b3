//! A TPM that is used at random, and what was asked of its disk meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Records, Storage, StorageError};
use ironroot_tpm::{Profile, Tpm};
use ironroot_wire::*;

use crate::backend::Backend;
use crate::client::{Client, password, seeds};
use crate::commits::{Commits, Logged};
use crate::steps;
use crate::trace::{Fault, TraceDisk};
use crate::view::{Auths, Seen, View};

/// Something that must not happen, in words.
pub type Wrong = String;

/// A command that was answered.
pub struct Answered {
    /// Its code.
    pub code: TpmCc,
    /// Whether it succeeded.
    pub success: bool,
    /// How many operations the disk had seen when it was answered.
    pub operations: usize,
    /// How many commits the store had acknowledged then.
    pub commits: usize,
    /// What the client knows from then on.
    pub view: Arc<View>,
}

/// A TPM in use.
pub struct Workload {
    /// The TPM.
    pub client: Client,
    /// Dice.
    pub dice: TestEntropy,
    /// What the client knows.
    pub view: View,
    /// Whether something is switched off that is needed to look around.
    pub blind: bool,
    /// The indices that are defined, with how they were.
    pub defined: BTreeMap<u32, TpmsNvPublic>,
    /// The PINs of indices that have one.
    pub pins: BTreeMap<u32, Vec<u8>>,
    /// The disk.
    pub disk: TraceDisk,
    /// The commits.
    pub commits: Commits,
    /// Whether the disk fails now and then.
    pub failing: bool,
    /// How many commands were refused because of that.
    pub refused: u64,
    /// The commands.
    pub answered: Vec<Answered>,
    backend: Backend,
}

/// The profile of every TPM here.
#[must_use]
pub fn profile() -> Profile {
    Profile::HOST
}

impl Workload {
    /// Makes a TPM on an empty disk and starts it.
    ///
    /// # Errors
    /// The TPM cannot be made or started.
    pub fn begin(backend: Backend, seed: u64) -> Result<Self, Wrong> {
        let disk = backend.blank();
        let commits = Commits::starting_with(Records::new());
        let store = backend.create(&disk).map_err(|error| error.to_string())?;
        let logged = Logged { store, disk: disk.clone(), commits: commits.clone() };
        let entropy = Box::new(TestEntropy::new(seed));
        let tpm =
            Tpm::manufacture(backend.under_a_tpm(logged), entropy, &ironroot_crypto_host::HOST, profile(), seeds())
                .map_err(|error| error.to_string())?;
        let mut client = Client::new(tpm, 0);
        client.tpm.set_physical_presence(true);
        client.run(&Startup { startup_type: TpmSu::Clear }, &[]).map_err(|rc| format!("the first start: {rc}"))?;
        let auths = Auths::default();
        let seen = client.see(&auths, None, true)?;
        let view =
            View { allocation: seen.allocation.clone(), seen, auths, clock_floor: 0, failing: false, shutdown: None };
        let mut this = Self {
            client,
            dice: TestEntropy::new(seed ^ 0x5EED),
            view,
            blind: false,
            defined: BTreeMap::new(),
            pins: BTreeMap::new(),
            disk,
            commits,
            failing: false,
            refused: 0,
            answered: Vec::new(),
            backend,
        };
        this.note(TpmCc(0x0144), true);
        Ok(this)
    }

    /// Takes steps until so many commands have been answered.
    ///
    /// # Errors
    /// What must not happen.
    pub fn run(&mut self, commands: usize) -> Result<(), Wrong> {
        while self.answered.len() < commands {
            steps::step(self)?;
            // What went wrong in a compaction is no failure of a command.
            if self.failing && self.disk.has_failed() {
                self.disk.repair();
                self.arm();
            }
        }
        self.disk.repair();
        Ok(())
    }

    /// From now on the disk fails now and then.
    pub fn fail(&mut self) {
        self.failing = true;
        self.view.failing = true;
        self.arm();
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.dice.next_word() % bound.max(1)
    }

    /// One in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// So many random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.dice.next_word() as u8).collect()
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = self.below(all.len() as u64) as usize;
        all.get(at).copied()
    }

    /// Sends a command that nothing authorizes.
    ///
    /// # Errors
    /// What must not happen. That the TPM refuses the command is none of it.
    pub fn plain<C: Command>(&mut self, command: &C) -> Result<Option<C::Response>, Wrong> {
        self.send(command, &[], |_| {})
    }

    /// Sends a command that these passwords authorize; `learn` is what the client knows if it succeeds.
    ///
    /// # Errors
    /// What must not happen. That the TPM refuses the command is none of it.
    pub fn with<C: Command>(
        &mut self,
        command: &C,
        passwords: &[&[u8]],
        learn: impl FnOnce(&mut View),
    ) -> Result<Option<C::Response>, Wrong> {
        let sessions: Vec<TpmsAuthCommand> = passwords.iter().map(|auth| password(auth)).collect();
        self.send(command, &sessions, learn)
    }

    /// Sends a command.
    ///
    /// # Errors
    /// What must not happen: the store fails, or the TPM no longer answers questions, or writes when it is asked some.
    pub fn send<C: Command>(
        &mut self,
        command: &C,
        sessions: &[TpmsAuthCommand],
        learn: impl FnOnce(&mut View),
    ) -> Result<Option<C::Response>, Wrong> {
        let mut result = self.client.run(command, sessions);
        let code = C::INFO.code;
        if self.met_a_fault(&result) {
            self.is_unharmed().map_err(|why| format!("TPM2_{} on a failing disk: {why}", C::INFO.name))?;
            result = self.again(|client| client.run(command, sessions));
        }
        if let Err(rc @ (TpmRc::NV_UNAVAILABLE | TpmRc::NV_SPACE | TpmRc::FAILURE)) = result {
            return Err(format!("TPM2_{} was answered {rc}", C::INFO.name));
        }
        if code != TpmCc(0x0145) {
            self.view.shutdown = None;
        }
        if result.is_ok() {
            learn(&mut self.view);
        }
        let new_seeds = [0x0124, 0x0125, 0x0126].contains(&code.0);
        self.look(new_seeds).map_err(|why| format!("after TPM2_{}: {why}", C::INFO.name))?;
        self.note(code, result.is_ok());
        Ok(result.ok())
    }

    /// Whether a command was refused because the disk fails, as it is to.
    fn met_a_fault<T>(&self, result: &Result<T, TpmRc>) -> bool {
        self.failing && matches!(result, Err(TpmRc::NV_UNAVAILABLE | TpmRc::NV_SPACE))
    }

    /// A command was refused because the disk fails: nothing that it might have done shows, and questions are answered.
    fn is_unharmed(&mut self) -> Result<(), Wrong> {
        if self.blind || self.view.shutdown.is_some() {
            return Ok(());
        }
        let seen = self.client.see(&self.view.auths, Some(&self.view.seen), false)?;
        let was = Seen { time: seen.time, ..self.view.seen.clone() };
        if seen == was { Ok(()) } else { Err(format!("something has changed: {was:02x?} has become {seen:02x?}")) }
    }

    /// Sends a command that was refused again: to a disk that is still broken, if it is, and to one that is well.
    fn again<T>(&mut self, send: impl Fn(&mut Client) -> Result<T, TpmRc>) -> Result<T, TpmRc> {
        self.refused += 1;
        let mut result = send(&mut self.client);
        if self.met_a_fault(&result) {
            self.disk.repair();
            result = send(&mut self.client);
        }
        self.arm();
        result
    }

    /// Has the disk fail at one of the next calls.
    fn arm(&mut self) {
        if self.failing {
            let fault = self.one_of(&Fault::ALL).unwrap_or(Fault::Error);
            let soon = 1 + self.below(12);
            self.disk.fail_nth(soon, fault);
        }
    }

    /// Takes down that a command was answered.
    fn note(&mut self, code: TpmCc, success: bool) {
        self.answered.push(Answered {
            code,
            success,
            operations: self.disk.position(),
            commits: self.commits.count(),
            view: Arc::new(self.view.clone()),
        });
    }

    /// Asks the TPM what it holds now, if that is possible without changing it.
    fn look(&mut self, new_seeds: bool) -> Result<(), Wrong> {
        if self.blind || self.view.shutdown.is_some() {
            return Ok(());
        }
        let before = self.disk.position();
        let seen = self.client.see(&self.view.auths, Some(&self.view.seen), new_seeds)?;
        // A Clock that could not be recorded because the disk failed is recorded with the next command, be it a question.
        if !self.failing && self.disk.position() != before {
            return Err("a question changed the state".into());
        }
        self.view.seen = seen;
        Ok(())
    }

    /// The power goes and comes; the TPM comes up from memory, or the process ends too and the TPM is opened from the disk.
    /// What it shows then must be what the client knows.
    ///
    /// # Errors
    /// What must not happen.
    pub fn power_cycle(&mut self, startup: TpmSu, process_too: bool) -> Result<(), Wrong> {
        if process_too {
            let store = match self.backend.open(&self.disk) {
                Err(StorageError::Io(_) | StorageError::Full(_)) if self.failing && self.disk.has_failed() => {
                    self.disk.repair();
                    self.backend.open(&self.disk)
                }
                opened => opened,
            };
            let store = store.map_err(|error| error.to_string())?;
            let logged = Logged { store, disk: self.disk.clone(), commits: self.commits.clone() };
            self.client.tpm = open(self.backend.under_a_tpm(logged), self.dice.next_word())?;
        }
        self.client.tpm.power_on(self.client.now);
        self.client.tpm.set_physical_presence(true);
        let start = self.view.start(startup);
        let command = Startup { startup_type: startup };
        let mut started = self.client.run(&command, &[]);
        if self.met_a_fault(&started) {
            started = self.again(|client| client.run(&command, &[]));
        }
        started.map_err(|rc| format!("{start:?} after {:?}: {rc}", self.view.shutdown))?;
        self.blind = false;
        if start != crate::view::Start::Resume {
            self.view.auths.hierarchies.remove(&TpmHandle::PLATFORM.0);
        }
        let found = self.client.see(&self.view.auths, None, true)?;
        self.view.is_kept(&found, start).map_err(|why| format!("{start:?} after {:?}: {why}", self.view.shutdown))?;
        self.view.seen = found;
        self.view.shutdown = None;
        self.note(TpmCc(0x0144), true);
        Ok(())
    }
}

/// Opens the TPM in a store.
///
/// # Errors
/// Why it does not open.
pub fn open(store: Box<dyn Storage>, seed: u64) -> Result<Tpm, Wrong> {
    Tpm::open(store, Box::new(TestEntropy::new(seed)), &ironroot_crypto_host::HOST, None, seeds())
        .map_err(|error| error.to_string())
}
