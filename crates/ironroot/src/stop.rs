//! Ctrl-C and `kill`: end in order.

use crate::failure::{Failure, Result};

/// Calls `action` at SIGINT, SIGTERM and SIGHUP.
///
/// # Errors
/// The handler cannot be set.
pub fn on_signal(action: impl FnMut() + Send + 'static) -> Result {
    ctrlc::set_handler(action).map_err(|error| Failure::during("cannot wait for Ctrl-C", error))
}
