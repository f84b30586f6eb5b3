//! Monotonic counters: a number kept where the state is not, by which an old state that was put back shows.
//!
//! Sealing keeps others from reading and forging a state; it cannot keep an old copy from being a good state. A number
//! that never goes back, in a place that is not copied with the state, can.

use alloc::string::String;
use core::fmt;
use zeroize::Zeroizing;

/// What backs a counter, and so what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterKind {
    /// A file in another place than the state.
    File,
    /// Another machine, which signs what the number is.
    Witness,
    /// Storage of the device that counts by itself: the replay-protected memory of a flash device, fuses.
    Hardware,
}

impl CounterKind {
    /// An honest sentence on what it takes to turn the number back.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::File => {
                "modest: an old copy of the state alone is noticed; whoever puts back the state and the counter's file \
                 of the same moment is not, so the file is worth what its other disk is worth"
            }
            Self::Witness => {
                "good: an old copy of everything on this machine is noticed, as long as the witness keeps its own memory"
            }
            Self::Hardware => "strong: the number is kept by a device that cannot be told to go back",
        }
    }
}

impl fmt::Display for CounterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file in a second place",
            Self::Witness => "a witness on another machine",
            Self::Hardware => "a counter in hardware",
        })
    }
}

/// Whose number it is. One counter may count for many states.
pub struct CountedState {
    /// The name under which the counter keeps the number. Not secret.
    pub id: [u8; 16],
    /// Known only to whoever can open the state. A counter that anybody could write authenticates its contents, or
    /// those who change them, with a key derived from this.
    pub secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for CountedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedState").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a counter gave no answer. The texts say what failed, where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CounterError {
    /// The counter has no number for this state.
    Missing(String),
    /// What the counter holds or answers is damaged, forged, or another state's.
    Refused(String),
    /// The number is already as high as what it was to be advanced to: somebody else counts for the same state.
    Ahead(u64),
    /// The counter cannot be reached. If it was to be advanced, it may have been.
    Unreachable(String),
}

impl fmt::Display for CounterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(text) | Self::Refused(text) | Self::Unreachable(text) => f.write_str(text),
            Self::Ahead(number) => write!(f, "the counter has reached {number} already"),
        }
    }
}

impl core::error::Error for CounterError {}

/// A number that never goes back.
pub trait MonotonicCounter: Send {
    /// What backs it.
    fn kind(&self) -> CounterKind;

    /// Where it is, in words for people.
    fn place(&self) -> String;

    /// Begins to count for a new state, at 0.
    ///
    /// # Errors
    /// [`CounterError::Refused`] if it counts for a state of this name already.
    fn register(&mut self, state: &CountedState) -> Result<(), CounterError>;

    /// The number.
    ///
    /// # Errors
    /// [`CounterError`], but never [`CounterError::Ahead`]. A number that cannot be trusted is an error.
    fn read(&mut self, state: &CountedState) -> Result<u64, CounterError>;

    /// Raises the number to `to`, and returns when it cannot go back below that, power cuts included.
    ///
    /// # Errors
    /// [`CounterError::Ahead`] if it is `to` or higher already; [`CounterError::Unreachable`] if it is not known
    /// whether it happened.
    fn advance(&mut self, state: &CountedState, to: u64) -> Result<(), CounterError>;
}
