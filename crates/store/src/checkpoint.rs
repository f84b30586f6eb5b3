//! A new state file with all records: made at the beginning, at each compaction, and when the keys change.

use crate::access::{Access, NewCounter};
use crate::body;
use crate::file_store::{SMALLEST, WASTE};
use crate::frame::{Kind, Seal};
use crate::guard::{CounterField, Guard};
use crate::header::{BLOCK, Header, Opened, VERSION};
use crate::history::History;
use crate::keys::FileKeys;
use crate::medium::{Medium, Which};
use crate::refusal::{Reason, io_error};
use crate::sealing::Sealing;
use ironroot_platform::{CountedState, Entropy, EntropyError, RecordKey, Records, StorageError};
use zeroize::Zeroizing;

/// The store's own record that holds the counter's secret.
const COUNTER_SECRET: RecordKey = RecordKey(1);
/// The one that holds the counter's place, as text.
const COUNTER_PLACE: RecordKey = RecordKey(2);
/// The one that holds the history.
pub const HISTORY: RecordKey = RecordKey(3);

/// Where in which file the next frame goes.
pub struct Place {
    pub keys: FileKeys,
    pub generation: u64,
    /// The end of the last frame.
    pub end: usize,
    /// The length of the file; between the end and it there are zeros.
    pub length: usize,
    /// The sequence number and the tag of the last frame.
    pub sequence: u64,
    pub chain: [u8; 16],
}

/// What a state keeps from file to file beside its records.
#[derive(Clone)]
pub struct Shape {
    pub sealing: Sealing,
    pub instance: String,
    pub counter: Option<CounterField>,
    /// The store's own records.
    pub own: Records,
}

impl Shape {
    /// That of a file which was read.
    pub fn of(header: &Header, own: Records) -> Self {
        Self { sealing: header.sealing.clone(), instance: header.instance.clone(), counter: header.counter, own }
    }

    /// That of a new state, without a counter.
    pub fn new(access: &Access, entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut salt = [0; 32];
        entropy.fill(&mut salt)?;
        Ok(Self {
            sealing: access.sealing(salt),
            instance: access.instance().into(),
            counter: None,
            own: Records::new(),
        })
    }

    /// Gives the state a counter in the place of one that it may have. Nothing is counted yet.
    pub fn set_counter(&mut self, new: NewCounter, entropy: &mut dyn Entropy) -> Result<Guard, EntropyError> {
        let (mut id, mut secret) = ([0; 16], Zeroizing::new([0; 32]));
        entropy.fill(&mut id)?;
        entropy.fill(secret.as_mut_slice())?;
        self.counter = Some(CounterField { kind: new.counter.kind(), policy: new.policy, id });
        self.own.insert(COUNTER_SECRET, Zeroizing::new(secret.to_vec()));
        self.own.insert(COUNTER_PLACE, Zeroizing::new(new.place.into_bytes()));
        Ok(Guard::new(new.counter, CountedState { id, secret }, new.policy).unregistered())
    }

    /// Takes the counter away.
    pub fn remove_counter(&mut self) {
        self.counter = None;
        self.own.remove(&COUNTER_SECRET);
        self.own.remove(&COUNTER_PLACE);
    }

    /// Where the counter was when it was set.
    pub fn counter_place(&self) -> String {
        self.own.get(&COUNTER_PLACE).map_or_else(String::new, |text| String::from_utf8_lossy(text).into_owned())
    }

    /// The counter that the state expects, connected but not asked yet.
    pub fn guard(&self, access: &mut Access) -> Result<Option<Guard>, Reason> {
        let Some(field) = self.counter else {
            return if access.wants_counter() { Err(Reason::CounterNotExpected) } else { Ok(None) };
        };
        let place = self.counter_place();
        let secret = self.own.get(&COUNTER_SECRET).and_then(|secret| secret.as_slice().try_into().ok());
        let secret = secret.ok_or_else(|| Reason::Damaged("the counter's secret is missing".into()))?;
        let counter = access.connect(field.kind, &place).map_err(|error| Reason::counter(error, field.kind))?;
        if counter.kind() != field.kind {
            return Err(Reason::CounterRefused(format!("the state expects {}, not {}", field.kind, counter.kind())));
        }
        let state = CountedState { id: field.id, secret: Zeroizing::new(secret) };
        Ok(Some(Guard::new(counter, state, field.policy)))
    }

    /// What has happened to the state beside commits.
    pub fn history(&self) -> History {
        self.own.get(&HISTORY).map(|text| History::read(text)).unwrap_or_default()
    }

    /// Takes on the history of another state.
    pub fn remember(&mut self, history: Option<Zeroizing<Vec<u8>>>) {
        if let Some(history) = history {
            self.own.insert(HISTORY, history);
        }
    }

    /// Adds an event to the history.
    pub fn note(&mut self, event: &str) {
        let history = self.history().with(event);
        self.own.insert(HISTORY, Zeroizing::new(history.write()));
    }
}

/// The size of records in a checkpoint.
pub fn size(records: &Records) -> usize {
    records.values().fold(0, |sum: usize, value| sum.saturating_add(value.len()).saturating_add(body::PUT_OVERHEAD))
}

/// Writes a new file with all records and installs it. `numbers` are its generation and the checkpoint's sequence number.
pub fn write(
    medium: &mut impl Medium,
    access: &mut Access,
    entropy: &mut dyn Entropy,
    shape: &Shape,
    records: &Records,
    numbers: (u64, u64),
) -> Result<Place, StorageError> {
    let name = medium.name();
    let (generation, first_sequence) = numbers;
    let (mut file_id, mut random) = ([0; 32], [0; 32]);
    entropy.fill(&mut file_id).and_then(|()| entropy.fill(&mut random)).map_err(|error| no_entropy(&name, error))?;
    let Shape { sealing, instance, counter, own } = shape;
    let (sealing, instance, counter) = (sealing.clone(), instance.clone(), *counter);
    let header = Header { version: VERSION, file_id, generation, first_sequence, counter, sealing, instance };
    let (mut file, opened) = header.write(access).map_err(|reason| refused(&name, reason))?;
    let Opened { header, keys, chain } = opened;
    let content = size(records).saturating_add(size(own));
    let seal = Seal {
        keys: &keys,
        kind: Kind::Checkpoint,
        relaxed: false,
        sequence: first_sequence,
        chain: &chain,
        random: &random,
    };
    let contents = |out: &mut Vec<u8>| {
        own.iter().for_each(|(key, value)| body::write_own(*key, value, out));
        records.iter().for_each(|(key, value)| body::write_put(*key, value, out));
    };
    let (frame, tag) = seal
        .seal(content, contents)
        .ok_or_else(|| StorageError::Full(format!("{name}: the state is larger than 16 MiB")))?;
    file.extend_from_slice(&frame);
    let end = file.len();
    let bound = medium.capacity().map_or(usize::MAX, |bound| usize::try_from(bound).unwrap_or(usize::MAX));
    let length = SMALLEST.max(content.saturating_mul(WASTE)).next_multiple_of(BLOCK).min(bound).max(end);
    file.resize(length, 0);

    let result = medium
        .create_next()
        .and_then(|()| medium.write_at(Which::Next, 0, &file))
        .and_then(|()| medium.sync(Which::Next))
        .and_then(|()| medium.install());
    if let Err(error) = result {
        medium.discard_next();
        return Err(io_error("writing a new state file", &name, &error));
    }
    Ok(Place { keys, generation: header.generation, end, length, sequence: first_sequence, chain: tag })
}

pub fn no_entropy(name: &str, error: EntropyError) -> StorageError {
    StorageError::Io(format!("{name}: {error}; nothing was changed; try again"))
}

pub fn refused(name: &str, reason: Reason) -> StorageError {
    crate::refusal::Refusal::from(reason).into_error(name)
}
