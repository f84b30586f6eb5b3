//! The doors: sockets, connections, and a loop for each channel's protocol.

mod crew;
mod hall;
mod incoming;
mod listen;
mod mssim;
mod stream;
mod swtpm;

pub(crate) use hall::{Hall, Limits, Policy};
pub(crate) use listen::Listener;
pub(crate) use stream::Stream;

use zeroize::Zeroize;

/// Empties a response's buffer; what was unsealed for a client is not kept for it.
fn wipe(answer: &mut Vec<u8>) {
    // Only what was used: the buffer's capacity was allocated empty.
    answer.as_mut_slice().zeroize();
    answer.clear();
}

/// Which protocol a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    MssimCommand,
    MssimPlatform,
    SwtpmData,
    SwtpmControl,
}

impl Door {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MssimCommand => "simulator command port",
            Self::MssimPlatform => "simulator platform port",
            Self::SwtpmData => "swtpm data channel",
            Self::SwtpmControl => "swtpm control channel",
        }
    }
}
