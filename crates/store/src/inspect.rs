//! What there is to know of a state without using it: its header, its records by key and size, its counter, its damage.
//!
//! Nothing is written and nothing is locked, so this works on a state that is in use, on a read-only disk and on a copy.
//! Values are never shown.

use crate::access::Access;
use crate::body;
use crate::checkpoint::Shape;
use crate::guard::Policy;
use crate::header::{BLOCK, Header};
use crate::journal::{self, Journal, MAX_FILE};
use crate::medium::read_regular;
use crate::refusal::{Reason, Refusal, io_error};
use ironroot_platform::{CounterKind, StorageError};
use std::path::Path;

/// What a state's file says.
#[derive(Debug)]
pub struct Report {
    /// The file's length in bytes.
    pub length: u64,
    /// What its header says, if it has one. To be believed only if [`Self::contents`] were read.
    pub header: Option<HeaderReport>,
    /// What is in it, or why it is refused.
    pub contents: Result<Contents, Damage>,
}

/// What a state's header says.
#[derive(Debug)]
pub struct HeaderReport {
    /// The format version.
    pub version: u16,
    /// How many files the state has had.
    pub generation: u64,
    /// The sequence number of the checkpoint with which the file begins.
    pub first_sequence: u64,
    /// What it is sealed under, in words.
    pub sealed_under: String,
    /// Which of the device's TPMs it is; empty for one without a name.
    pub instance: String,
    /// The counter that it expects, and when that is advanced.
    pub counter: Option<(CounterKind, Policy)>,
}

/// What is in a state.
#[derive(Debug)]
pub struct Contents {
    /// The sequence number of the last commit.
    pub sequence: u64,
    /// The records: key, and size of the value in bytes.
    pub records: Vec<(u64, u64)>,
    /// Where the last frame ends, in bytes.
    pub end: u64,
    /// How many of the bytes up to there are older than what is in the records.
    pub wasted: u64,
    /// A commit that was never acknowledged lies behind the end.
    pub unfinished: bool,
    /// Rollbacks that were accepted, imports, new keys: seconds of the UNIX epoch, and words.
    pub history: Vec<(u64, String)>,
    /// The counter, if the state expects one: where it is, and its number.
    pub counter: Option<CounterReport>,
}

/// A counter, as it was found.
#[derive(Debug)]
pub struct CounterReport {
    /// Where it was when it was set.
    pub place: String,
    /// Its number, or why there is none.
    pub number: Result<u64, Damage>,
}

/// Why a state is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// One word for programs.
    pub code: &'static str,
    /// The byte at which the part begins that is not as it was written.
    pub offset: Option<u64>,
    /// In words, with the next step.
    pub text: String,
}

impl From<Refusal> for Damage {
    fn from(refusal: Refusal) -> Self {
        let offset = matches!(refusal.reason, Reason::Damaged(_)).then_some(refusal.offset as u64);
        Self { code: refusal.reason.code(), offset, text: refusal.to_string() }
    }
}

impl From<Reason> for Damage {
    fn from(reason: Reason) -> Self {
        Refusal::from(reason).into()
    }
}

/// Reads the state in a folder, with its counter, and says everything about it.
///
/// # Errors
/// [`StorageError::Io`] if there is no file, or it cannot be read. What is wrong with it stands in the report.
pub fn inspect(folder: &Path, access: &mut Access) -> Result<Report, StorageError> {
    let path = folder.join("state");
    let file = read(&path)?;
    let header = Header::read(&file).ok().map(HeaderReport::of);
    let mut contents = examine(&file, access);
    // A state in use may have gone on between the two: then it is read again, behind the counter.
    if let Err(Damage { code: "rollback", .. }) = contents {
        contents = examine(&read(&path)?, access);
    }
    Ok(Report { length: file.len() as u64, header, contents })
}

fn read(path: &Path) -> Result<Vec<u8>, StorageError> {
    read_regular(path, MAX_FILE.saturating_add(1))
        .map_err(|error| io_error("reading the state", &path.display().to_string(), &error))
}

impl HeaderReport {
    fn of(header: Header) -> Self {
        Self {
            version: header.version,
            generation: header.generation,
            first_sequence: header.first_sequence,
            sealed_under: header.sealing.to_string(),
            instance: header.instance,
            counter: header.counter.map(|field| (field.kind, field.policy)),
        }
    }
}

fn examine(file: &[u8], access: &mut Access) -> Result<Contents, Damage> {
    let journal = journal::read(file, access)?;
    let shape = Shape::of(&journal.header, journal.own.clone());
    let mut counter = None;
    match shape.guard(access) {
        Ok(None) => {}
        Ok(Some(mut guard)) => {
            // A lost counter is worth a line of its own; an old copy is refused.
            let number = guard.read().map_err(Damage::from);
            if let Ok(number) = number
                && number > journal.sequence
            {
                return Err(Reason::Rollback { state: journal.sequence, counter: number, place: guard.place() }.into());
            }
            counter = Some(CounterReport { place: shape.counter_place(), number });
        }
        Err(reason) if shape.counter.is_some() => {
            counter = Some(CounterReport { place: shape.counter_place(), number: Err(reason.into()) });
        }
        Err(reason) => return Err(reason.into()),
    }
    Ok(contents(&journal, &shape, counter))
}

fn contents(journal: &Journal, shape: &Shape, counter: Option<CounterReport>) -> Contents {
    let live = journal.records.values().chain(shape.own.values());
    let live = live.fold(0, |sum: usize, value| sum.saturating_add(value.len()).saturating_add(body::PUT_OVERHEAD));
    Contents {
        sequence: journal.sequence,
        records: journal.records.iter().map(|(key, value)| (key.0, value.len() as u64)).collect(),
        end: journal.end as u64,
        wasted: journal.end.saturating_sub(BLOCK).saturating_sub(live) as u64,
        unfinished: journal.unfinished,
        history: shape.history().0,
        counter,
    }
}
