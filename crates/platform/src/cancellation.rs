//! Ending a command that takes long.

/// Whether somebody wants the command in progress to end. Commands that search for RSA keys ask every few milliseconds, and
/// end with `TPM_RC_CANCELED` (Part 2, clause 6.6.3). How to ask is the interface's affair.
pub trait Cancellation: Send {
    /// Whether the command in progress is to end. Called often: it has to be quick.
    fn is_requested(&self) -> bool;
}

/// Commands end by themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct NeverCancelled;

impl Cancellation for NeverCancelled {
    fn is_requested(&self) -> bool {
        false
    }
}

/// A flag that another thread sets.
#[cfg(feature = "std")]
impl Cancellation for std::sync::Arc<core::sync::atomic::AtomicBool> {
    fn is_requested(&self) -> bool {
        self.load(core::sync::atomic::Ordering::Relaxed)
    }
}
