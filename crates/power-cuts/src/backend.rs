//! Stores on a recorded disk: the real one, and some that are known to be bad.

use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Durability, Storage, StorageError};
use ironroot_store::block_device::BlockDevice;
use ironroot_store::{FileStore, Options};

use crate::bad;
use crate::crash;
use crate::trace::TraceDisk;

/// The state key.
const KEY: [u8; 32] = [0x5a; 32];

/// The length of the block device: so small that it is the device that bounds the journal, not its waste.
const DEVICE: usize = 4096 + 2 * (96 << 10);

fn device(disk: &TraceDisk) -> Result<BlockDevice<TraceDisk>, StorageError> {
    BlockDevice::new(disk.clone()).map_err(|error| StorageError::Io(error.to_string()))
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

    /// An empty disk for the store.
    #[must_use]
    pub fn blank(self) -> TraceDisk {
        if self == Self::BlockDevice { TraceDisk::with(Some(vec![0; DEVICE])) } else { TraceDisk::default() }
    }

    /// The same, as a power cut sees it.
    #[must_use]
    pub fn blank_disk(self) -> crash::Disk {
        if self == Self::BlockDevice { crash::Disk::with(Some(vec![0; DEVICE])) } else { crash::Disk::default() }
    }

    /// Makes an empty store.
    ///
    /// # Errors
    /// The store's.
    pub fn create(self, disk: &TraceDisk) -> Result<Box<dyn Storage>, StorageError> {
        let (options, entropy) = (Options { durability: self.durability() }, Box::new(TestEntropy::new(1)));
        Ok(match self {
            Self::File | Self::RelaxedFile => Box::new(FileStore::create_on(disk.clone(), &KEY, options, entropy)?),
            Self::EarlyAcknowledgement => {
                Box::new(FileStore::create_on(bad::NeverFlushes(disk.clone()), &KEY, options, entropy)?)
            }
            Self::BlockDevice => Box::new(FileStore::create_on(device(disk)?, &KEY, options, entropy)?),
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
            Self::File | Self::RelaxedFile => Box::new(FileStore::open_on(disk.clone(), &KEY, options, entropy)?),
            Self::EarlyAcknowledgement => {
                Box::new(FileStore::open_on(bad::NeverFlushes(disk.clone()), &KEY, options, entropy)?)
            }
            Self::BlockDevice => Box::new(FileStore::open_on(device(disk)?, &KEY, options, entropy)?),
            Self::InPlace => Box::new(bad::Whole::open(disk.clone(), bad::Way::InPlace)?),
            Self::RenameWithoutFlush => Box::new(bad::Whole::open(disk.clone(), bad::Way::Rename)?),
            Self::Unchained => Box::new(bad::Unchained::open(disk.clone())?),
        })
    }
}
