//! The store's tests on real file systems of a few hundred kilobytes: one that is full, one that is read-only.

use crate::run::{NOT_RUN, Result, Scratch, cargo, cmd, output, run};
use std::path::Path;

/// The task. It needs the right to mount.
pub fn disks() -> Result {
    let scratch = Scratch::new("disk")?;
    let disk = Disk::mount(&scratch.0)?;
    test(disk.0, "full")?;
    output(cmd("mount").args(["-o", "remount,ro"]).arg(disk.0))?;
    test(disk.0, "read_only")
}

fn test(folder: &Path, name: &str) -> Result {
    run(cargo()
        .args(["test", "--quiet", "--locked", "--package", "ironroot-store", "--test", "small_disk", "--"])
        .args(["--ignored", "--exact", name])
        .env("IRONROOT_SMALL_DISK", folder))
}

/// A small file system that is unmounted when dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(folder: &'a Path) -> Result<Self> {
        output(cmd("mount").args(["-t", "tmpfs", "-o", "size=300k", "none"]).arg(folder))
            .map(|_| Self(folder))
            .map_err(|error| format!("{NOT_RUN}no right to mount a file system here ({error})"))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = output(cmd("umount").arg(self.0));
    }
}
