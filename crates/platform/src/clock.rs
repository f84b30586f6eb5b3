//! Time. The TPM has no clock of its own: the time comes in with each command.

/// Milliseconds since an arbitrary start that lies before power-on.
pub type Milliseconds = u64;

/// A clock that never goes back while the power is on.
pub trait Clock: Send {
    /// Milliseconds since the clock started.
    fn now(&self) -> Milliseconds;
}
