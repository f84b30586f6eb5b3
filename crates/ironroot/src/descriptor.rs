//! Descriptors that were passed on by number, as shells and libvirt do.

use std::os::fd::OwnedFd;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::failure::{Failure, Result};

/// A duplicate of the descriptor with this number.
///
/// # Errors
/// There is none.
pub fn take(number: u32) -> Result<OwnedFd> {
    let failed = |error| Failure::during(format!("file descriptor {number}"), std::io::Error::from(error));
    let target = i32::try_from(number).map_err(|_| Failure::new(format!("{number} is no file descriptor")))?;
    let own = pidfd_open(getpid(), PidfdFlags::empty()).map_err(failed)?;
    pidfd_getfd(&own, target, PidfdGetfdFlags::empty()).map_err(failed)
}
