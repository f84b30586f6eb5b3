//! What it takes to open a state, or to make one.

use crate::counter_file::FileCounter;
use crate::guard::Policy;
use crate::keys::StateKey;
use crate::refusal::Reason;
use crate::sealing::{Cost, Sealing, SecondKey};
use ironroot_platform::{CounterError, CounterKind, MonotonicCounter};
use std::path::Path;
use zeroize::Zeroizing;

/// The longest name of an instance, in bytes.
pub const MAX_INSTANCE: usize = 64;

/// Finds the counter of a state: of which kind it is, and the place that was recorded when it was set.
pub type Connect = Box<dyn FnMut(CounterKind, &str) -> Result<Box<dyn MonotonicCounter>, CounterError> + Send>;

/// A counter for a state that has none yet.
pub struct NewCounter {
    /// The counter.
    pub counter: Box<dyn MonotonicCounter>,
    /// Where it is, in the words from which the [`Connect`] of a later opening finds it again. Kept in the state,
    /// sealed.
    pub place: String,
    /// When it is advanced.
    pub policy: Policy,
}

/// What it takes to open a state.
///
/// A state key alone is an access, too: that of a state that is sealed under the device's key and has its counter, if it
/// has one, in a file.
pub struct Access {
    device: Zeroizing<StateKey>,
    second: Option<SecondKey>,
    cost: Cost,
    instance: String,
    connect: Connect,
    wants_counter: bool,
    /// The last state key that was computed: a passphrase is stretched once.
    known: Option<(Sealing, Zeroizing<StateKey>)>,
}

impl From<&StateKey> for Access {
    fn from(device: &StateKey) -> Self {
        Self::new(device)
    }
}

impl Access {
    /// With the key that the trust anchor gives for this device (and this instance).
    #[must_use]
    pub fn new(device: &StateKey) -> Self {
        Self {
            device: Zeroizing::new(*device),
            second: None,
            cost: Cost::RECOMMENDED,
            instance: String::new(),
            connect: Box::new(connect_file),
            wants_counter: false,
            known: None,
        }
    }

    /// With a second key.
    #[must_use]
    pub fn with_second(mut self, second: Option<SecondKey>) -> Self {
        self.second = second;
        self
    }

    /// With another cost of guessing a passphrase, for states that are made with this access.
    #[must_use]
    pub fn with_cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// For one of several TPMs of a device. The name keeps states of one device apart: each opens under its own name only.
    /// At most [`MAX_INSTANCE`] bytes without zeros; what is longer opens nothing.
    #[must_use]
    pub fn with_instance(mut self, name: &str) -> Self {
        self.instance = name.into();
        self
    }

    /// With a way to find the state's counter.
    #[must_use]
    pub fn with_counters(mut self, connect: Connect) -> Self {
        self.connect = connect;
        self
    }

    /// Refuses a state that expects no counter.
    #[must_use]
    pub fn only_with_counter(mut self) -> Self {
        self.wants_counter = true;
        self
    }

    pub(crate) fn device(&self) -> &StateKey {
        &self.device
    }

    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    pub(crate) const fn wants_counter(&self) -> bool {
        self.wants_counter
    }

    /// The sealing of a new file under this access.
    pub(crate) fn sealing(&self, salt: [u8; 32]) -> Sealing {
        Sealing::new(self.second.as_ref(), salt, self.cost)
    }

    pub(crate) fn state_key(&mut self, sealing: &Sealing) -> Result<Zeroizing<StateKey>, Reason> {
        if let Some((known, key)) = &self.known
            && known == sealing
        {
            return Ok(key.clone());
        }
        let key = sealing.state_key(&self.device, self.second.as_ref())?;
        self.known = Some((sealing.clone(), key.clone()));
        Ok(key)
    }

    pub(crate) fn connect(
        &mut self,
        kind: CounterKind,
        place: &str,
    ) -> Result<Box<dyn MonotonicCounter>, CounterError> {
        (self.connect)(kind, place)
    }

    /// Forgets the second key, if what it is needed for is known.
    pub(crate) fn forget_second(&mut self) {
        if self.known.is_some() {
            self.second = None;
        }
    }

    /// Takes on the keys of another access, and keeps its own way to counters.
    pub(crate) fn rekey(&mut self, second: Option<SecondKey>, cost: Cost) {
        self.second = second;
        self.cost = cost;
        self.known = None;
    }
}

fn connect_file(kind: CounterKind, place: &str) -> Result<Box<dyn MonotonicCounter>, CounterError> {
    match kind {
        CounterKind::File => Ok(Box::new(FileCounter::new(Path::new(place)))),
        _ => Err(CounterError::Unreachable(format!("this program does not know how to reach {kind} ({place})"))),
    }
}
