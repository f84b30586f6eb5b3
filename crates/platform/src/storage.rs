//! Non-volatile storage: a small set of records that changes in atomic, durable steps.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;
use zeroize::Zeroizing;

/// Names a record. The TPM chooses the values; storage treats them as opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(pub u64);

/// The contents of a store. Values hold seeds and private keys, so they are wiped when dropped.
pub type Records = BTreeMap<RecordKey, Zeroizing<Vec<u8>>>;

/// One change of a commit.
#[derive(Clone)]
pub enum Change {
    /// Creates or replaces a record.
    Put(RecordKey, Zeroizing<Vec<u8>>),
    /// Deletes a record; deleting one that is not there is no error.
    Delete(RecordKey),
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(key, value) => write!(f, "Put({:#x}, {} bytes)", key.0, value.len()),
            Self::Delete(key) => write!(f, "Delete({:#x})", key.0),
        }
    }
}

/// What a successful commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: the records are gone with the process.
    None,
    /// The death of the process, not a power cut.
    Process,
    /// A power cut.
    Power,
}

/// Why storage refused. The text says what failed, on which file, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageError {
    /// The contents are damaged, were made for another device or key, or are in an unknown format.
    Refused(String),
    /// The store is full.
    Full(String),
    /// Reading or writing failed.
    Io(String),
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Full(text) | Self::Io(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for StorageError {}

/// Non-volatile storage.
pub trait Storage: Send {
    /// Reads every record. An empty store is not an error.
    ///
    /// # Errors
    /// [`StorageError::Refused`] if anything in the store is not exactly what was committed.
    fn load(&mut self) -> Result<Records, StorageError>;

    /// Makes all of `changes` happen, or none of them, and returns when the result survives what
    /// [`Storage::durability`] says.
    ///
    /// # Errors
    /// After an error the store holds the state before the call.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StorageError>;

    /// What a commit survives.
    fn durability(&self) -> Durability;

    /// The power goes in order: what can wait for that is done now, such as advancing a counter that wears out. What is
    /// committed is durable without it.
    fn rest(&mut self) {}
}
