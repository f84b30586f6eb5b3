//! Stores on a recorded disk: the real one, and some that are known to be bad.

use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Durability, MonotonicCounter as _, Storage, StorageError};
use ironroot_store::block_device::BlockDevice;
use ironroot_store::medium::Medium;
use ironroot_store::nor_flash::FlashMedium;
use ironroot_store::{Access, CounterChange, FileStore, KeyChange, NewCounter, Options, Policy};

use crate::bad;
use crate::commits::Logged;
use crate::crash;
use crate::trace::{TraceCounter, TraceDisk};

/// The state key.
const KEY: [u8; 32] = [0x5a; 32];

/// The length of the block device: so small that it is the device that bounds the journal, not its waste.
const DEVICE: usize = 4096 + 2 * (96 << 10);

fn device(disk: &TraceDisk) -> Result<BlockDevice<TraceDisk>, StorageError> {
    BlockDevice::new(disk.clone()).map_err(|error| StorageError::Io(error.to_string()))
}

/// The length of the flash: 48 sectors.
const FLASH: usize = 48 * 4096;

fn flash(disk: &TraceDisk) -> Result<FlashMedium<TraceDisk>, StorageError> {
    FlashMedium::new(disk.clone(), "recorded/flash").map_err(|error| StorageError::Io(error.to_string()))
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The state file, and commits wait for the disk.
    File,
    /// The state file, and commits do not wait for the disk.
    RelaxedFile,
    /// The state on a raw block device.
    BlockDevice,
    /// The state on a NOR flash.
    NorFlash,
    /// The state file beside a counter that is advanced with every commit.
    Counted,
    /// The state file beside a counter that is advanced at start, compaction and shutdown.
    CountedBySession,
    /// Known to be bad: the counter is advanced before the state is on the disk.
    CountsFirst,
    /// Known to be bad: the counter says that it was advanced, and was not.
    NeverCounts,
    /// Known to be bad: of what a command changes, a record is forgotten now and then.
    Forgets,
    /// Known to be bad: acknowledges before the flush.
    EarlyAcknowledgement,
    /// Known to be bad: writes the whole state in place.
    InPlace,
    /// Known to be bad: writes the whole state to another file and renames that, and flushes neither.
    RenameWithoutFlush,
    /// Known to be bad: a journal of checksummed frames that are not chained, on a disk that is not waited for.
    Unchained,
}

impl Backend {
    /// What a commit survives.
    #[must_use]
    pub const fn durability(self) -> Durability {
        match self {
            Self::RelaxedFile | Self::Unchained => Durability::Process,
            _ => Durability::Power,
        }
    }

    /// When its counter is advanced, if it has one.
    #[must_use]
    pub const fn policy(self) -> Option<Policy> {
        match self {
            Self::Counted | Self::CountsFirst | Self::NeverCounts => Some(Policy::EveryCommit),
            Self::CountedBySession => Some(Policy::Sessions),
            _ => None,
        }
    }

    /// What it takes to open the state.
    fn access(self, disk: &TraceDisk) -> Access {
        let disk = disk.clone();
        Access::new(&KEY).with_counters(Box::new(move |_, _| Ok(Box::new(self.counter(&disk)))))
    }

    fn counter(self, disk: &TraceDisk) -> TraceCounter {
        TraceCounter { disk: disk.clone(), idle: self == Self::NeverCounts }
    }

    /// Gives a new state its counter.
    fn count<M: Medium>(self, medium: M, disk: &TraceDisk) -> Result<(), StorageError> {
        let Some(policy) = self.policy() else { return Ok(()) };
        let counter = self.counter(disk);
        let new = NewCounter { place: counter.place(), counter: Box::new(counter), policy };
        let (entropy, set) = (Box::new(TestEntropy::new(3)), CounterChange::Set(new));
        FileStore::rekey_on(medium, self.access(disk), entropy, KeyChange::Keep, set).map(drop)
    }

    /// What a place of fixed size holds when nothing has been written to it.
    fn nothing(self) -> Option<Vec<u8>> {
        match self {
            Self::BlockDevice => Some(vec![0; DEVICE]),
            Self::NorFlash => Some(vec![0xFF; FLASH]),
            _ => None,
        }
    }

    /// An empty disk for the store.
    #[must_use]
    pub fn blank(self) -> TraceDisk {
        TraceDisk::with(self.nothing())
    }

    /// The same, as a power cut sees it.
    #[must_use]
    pub fn blank_disk(self) -> crash::Disk {
        crash::Disk::with(crash::Left { state: self.nothing(), ..Default::default() })
    }

    /// What a TPM in use is given: a store whose commits are taken down.
    pub(crate) fn under_a_tpm(self, store: Logged) -> Box<dyn Storage> {
        if self == Self::Forgets { Box::new(bad::Forgets { store: Box::new(store), seen: 0 }) } else { Box::new(store) }
    }

    /// Makes an empty store.
    ///
    /// # Errors
    /// The store's.
    pub fn create(self, disk: &TraceDisk) -> Result<Box<dyn Storage>, StorageError> {
        let (options, entropy) = (Options { durability: self.durability() }, Box::new(TestEntropy::new(1)));
        Ok(match self {
            Self::File | Self::RelaxedFile | Self::Forgets => {
                Box::new(FileStore::create_on(disk.clone(), &KEY, options, entropy)?)
            }
            Self::EarlyAcknowledgement => {
                Box::new(FileStore::create_on(bad::NeverFlushes(disk.clone()), &KEY, options, entropy)?)
            }
            Self::BlockDevice => Box::new(FileStore::create_on(device(disk)?, &KEY, options, entropy)?),
            Self::NorFlash => Box::new(FileStore::create_on(flash(disk)?, &KEY, options, entropy)?),
            Self::Counted | Self::CountedBySession | Self::NeverCounts | Self::CountsFirst => {
                drop(FileStore::create_on(disk.clone(), &KEY, options, entropy)?);
                self.count(disk.clone(), disk)?;
                return self.open(disk);
            }
            Self::InPlace => Box::new(bad::Whole::create(disk.clone(), bad::Way::InPlace)?),
            Self::RenameWithoutFlush => Box::new(bad::Whole::create(disk.clone(), bad::Way::Rename)?),
            Self::Unchained => Box::new(bad::Unchained::create(disk.clone())?),
        })
    }

    /// Opens the store on a disk.
    ///
    /// # Errors
    /// The store's.
    pub fn open(self, disk: &TraceDisk) -> Result<Box<dyn Storage>, StorageError> {
        let (options, entropy) = (Options { durability: self.durability() }, Box::new(TestEntropy::new(2)));
        Ok(match self {
            Self::File | Self::RelaxedFile | Self::Forgets => {
                Box::new(FileStore::open_on(disk.clone(), &KEY, options, entropy)?)
            }
            Self::EarlyAcknowledgement => {
                Box::new(FileStore::open_on(bad::NeverFlushes(disk.clone()), &KEY, options, entropy)?)
            }
            Self::BlockDevice => Box::new(FileStore::open_on(device(disk)?, &KEY, options, entropy)?),
            Self::NorFlash => Box::new(FileStore::open_on(flash(disk)?, &KEY, options, entropy)?),
            Self::Counted | Self::CountedBySession | Self::NeverCounts => {
                Box::new(FileStore::open_on(disk.clone(), self.access(disk).only_with_counter(), options, entropy)?)
            }
            Self::CountsFirst => Box::new(FileStore::open_on(
                bad::NeverFlushes(disk.clone()),
                self.access(disk).only_with_counter(),
                options,
                entropy,
            )?),
            Self::InPlace => Box::new(bad::Whole::open(disk.clone(), bad::Way::InPlace)?),
            Self::RenameWithoutFlush => Box::new(bad::Whole::open(disk.clone(), bad::Way::Rename)?),
            Self::Unchained => Box::new(bad::Unchained::open(disk.clone())?),
        })
    }
}
