//! The wish to stop: anyone may raise it, the daemon waits for it.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Raised at most once. Accept loops see it as a readable socket, the daemon's owner as the end of [`Signal::wait`].
pub(crate) struct Signal {
    /// The end that is dropped to wake the accept loops: once gone, the other end reads end-of-file for ever.
    sender: Mutex<Option<UnixStream>>,
    receiver: UnixStream,
    changed: Condvar,
    /// The same for those who look after every command.
    raised: AtomicBool,
}

impl Signal {
    pub(crate) fn new() -> io::Result<Self> {
        let (sender, receiver) = UnixStream::pair()?;
        Ok(Self { sender: Mutex::new(Some(sender)), receiver, changed: Condvar::new(), raised: AtomicBool::new(false) })
    }

    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::Release);
        drop(self.lock().take());
        self.changed.notify_all();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    pub(crate) fn wait(&self) {
        let mut sender = self.lock();
        while sender.is_some() {
            sender = self.changed.wait(sender).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Becomes readable when the signal is raised.
    pub(crate) fn receiver(&self) -> &UnixStream {
        &self.receiver
    }

    /// Nothing here can be left half-done by a panic, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
