//! A state on a raw block device.

use std::{io, path::Path};

use ironroot_platform::{Storage, host::OsEntropy};
use ironroot_store::{
    Access, FileStore, NewCounter, Options,
    block_device::{BlockDevice, DeviceFile},
};

use crate::{
    device::kept,
    failure::{Failure, Result},
};

/// The device, held by this process alone.
fn device(path: &Path) -> Result<BlockDevice<DeviceFile>> {
    DeviceFile::open(path).and_then(BlockDevice::new).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::ResourceBusy => "another process has this state open; stop it first".into(),
            io::ErrorKind::StorageFull => "it is too small: 36 KiB at least, and 260 KiB or more to be of use".into(),
            _ => error.to_string(),
        };
        Failure::during(format_args!("cannot use {} for the state", path.display()), why)
    })
}

/// Makes a state.
///
/// # Errors
/// The device's, or the store's.
pub fn create(path: &Path, access: Access, options: Options, counter: Option<NewCounter>) -> Result<Box<dyn Storage>> {
    Ok(kept(FileStore::create_counted_on(device(path)?, access, options, Box::new(OsEntropy), counter)?))
}

/// Opens the state.
///
/// # Errors
/// The device's, or the store's.
pub fn open(path: &Path, access: Access, options: Options) -> Result<Box<dyn Storage>> {
    Ok(kept(FileStore::open_on(device(path)?, access, options, Box::new(OsEntropy))?))
}
