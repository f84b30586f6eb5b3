//! The places, each of which can be opened, closed, copied and put back.

use crate::common::*;
use ironroot_platform::{StorageError, memory::TestEntropy};
use ironroot_store::block_device::{BlockDevice, DeviceFile};
use ironroot_store::medium::{Folder, Medium};
use ironroot_store::nor_flash::FlashMedium;
use ironroot_store::rpmb::{Rpmb, RpmbBlocks};
use ironroot_store::simulated::SimulatedDisk;
use ironroot_store::simulated_flash::SimulatedFlash;
use ironroot_store::simulated_rpmb::SimulatedRpmb;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where a state can lie.
pub trait Place {
    type Medium: Medium;
    type Copy;
    /// Takes hold of it.
    fn medium(&mut self) -> Result<Self::Medium, StorageError>;
    /// All that somebody finds who copies it.
    fn copy(&mut self) -> Self::Copy;
    /// Puts a copy back.
    fn put_back(&mut self, copy: &Self::Copy);
    /// Whether a second owner is kept out, as the operating system can do it.
    const LOCKS: bool;
    /// Whether it has an end that a test can reach.
    const ENDS: bool;
    /// Whether what is in it can be put back at all.
    const CAN_BE_PUT_BACK: bool = true;
}

fn failed(error: impl std::fmt::Display) -> StorageError {
    StorageError::Io(error.to_string())
}

/// A name for a folder of a test of its own.
fn fresh(kind: &str) -> TestFolder {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    TestFolder::new(&format!("suite-{kind}-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

#[derive(Default)]
pub struct SimulatedPlace(SimulatedDisk);

impl Place for SimulatedPlace {
    type Medium = SimulatedDisk;
    type Copy = Vec<u8>;
    const LOCKS: bool = false;
    const ENDS: bool = false;
    fn medium(&mut self) -> Result<SimulatedDisk, StorageError> {
        Ok(self.0.clone())
    }
    fn copy(&mut self) -> Vec<u8> {
        self.0.state().unwrap()
    }
    fn put_back(&mut self, copy: &Vec<u8>) {
        self.0 = SimulatedDisk::with_state(copy);
    }
}

pub struct FolderPlace(TestFolder);

impl FolderPlace {
    pub fn new() -> Self {
        Self(fresh("folder"))
    }
}

impl Place for FolderPlace {
    type Medium = Folder;
    type Copy = Vec<u8>;
    const LOCKS: bool = true;
    const ENDS: bool = false;
    fn medium(&mut self) -> Result<Folder, StorageError> {
        Folder::create(&self.0.0)
    }
    fn copy(&mut self) -> Vec<u8> {
        std::fs::read(self.0.0.join("state")).unwrap()
    }
    fn put_back(&mut self, copy: &Vec<u8>) {
        std::fs::write(self.0.0.join("state"), copy).unwrap();
    }
}

pub struct DevicePlace {
    _folder: TestFolder,
    path: PathBuf,
}

impl DevicePlace {
    pub fn new() -> Self {
        let folder = fresh("device");
        let path = folder.0.join("device");
        std::fs::write(&path, vec![0; 4096 + 2 * (128 << 10)]).unwrap();
        Self { _folder: folder, path }
    }
}

impl Place for DevicePlace {
    type Medium = BlockDevice<DeviceFile>;
    type Copy = Vec<u8>;
    const LOCKS: bool = true;
    const ENDS: bool = true;
    fn medium(&mut self) -> Result<Self::Medium, StorageError> {
        BlockDevice::new(DeviceFile::open(&self.path).map_err(failed)?).map_err(failed)
    }
    fn copy(&mut self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }
    fn put_back(&mut self, copy: &Vec<u8>) {
        std::fs::write(&self.path, copy).unwrap();
    }
}

pub struct FlashPlace<const R: usize, const W: usize, const E: usize>(SimulatedFlash<R, W, E>);

impl<const R: usize, const W: usize, const E: usize> FlashPlace<R, W, E> {
    pub fn new(sectors: usize) -> Self {
        Self(SimulatedFlash::new(sectors))
    }
}

impl<const R: usize, const W: usize, const E: usize> Place for FlashPlace<R, W, E> {
    type Medium = FlashMedium<SimulatedFlash<R, W, E>>;
    type Copy = SimulatedFlash<R, W, E>;
    const LOCKS: bool = false;
    const ENDS: bool = true;
    fn medium(&mut self) -> Result<Self::Medium, StorageError> {
        FlashMedium::new(self.0.clone(), "flash").map_err(failed)
    }
    fn copy(&mut self) -> Self::Copy {
        self.0.copy()
    }
    fn put_back(&mut self, copy: &Self::Copy) {
        self.0 = copy.copy();
    }
}

pub struct RpmbPlace(SimulatedRpmb);

impl RpmbPlace {
    pub fn new() -> Self {
        let mut device = SimulatedRpmb::new(1024);
        Rpmb::program_key(&mut device, &[7; 32]).unwrap();
        Self(device)
    }
}

impl Place for RpmbPlace {
    type Medium = BlockDevice<RpmbBlocks<SimulatedRpmb>>;
    type Copy = ();
    const LOCKS: bool = false;
    const ENDS: bool = true;
    /// Which is what it is for.
    const CAN_BE_PUT_BACK: bool = false;
    fn medium(&mut self) -> Result<Self::Medium, StorageError> {
        let rpmb = Rpmb::open(self.0.clone(), &[7; 32], Box::new(TestEntropy::new(6))).map_err(failed)?;
        BlockDevice::new(rpmb.blocks()).map_err(failed)
    }
    fn copy(&mut self) {}
    fn put_back(&mut self, (): &()) {}
}
