//! The hall behind the doors: who is connected, and what every connection needs.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Door, Stream, crew::Crew, mssim, swtpm};
use crate::machine::Machine;
use crate::signal::Signal;

/// Times and numbers that keep one client from harming another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long a frame may take from its first byte to its last.
    pub(crate) frame_timeout: Duration,
    /// How long a client may leave its response untaken.
    pub(crate) write_timeout: Duration,
    /// How many connections there may be. One more, and the one that has been idle longest is closed.
    pub(crate) connections: usize,
}

/// What clients may do to the daemon, and when it ends with them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) clients_may_stop: bool,
    pub(crate) hang_up_after_command: bool,
    pub(crate) stop_after_data_client: bool,
    pub(crate) stop_after_control_client: bool,
    pub(crate) state_is_encrypted: bool,
}

/// One connection, as the others see it.
pub(crate) struct Guest {
    pub(crate) stream: Stream,
    /// When it was last served (or came), in frames served by the daemon.
    last: AtomicU64,
    /// Whether it ever asked for anything. Those that never did go first.
    known: AtomicBool,
    /// Whether the TPM works for it now: only then it is not sent away.
    busy: AtomicBool,
}

pub(crate) struct Hall {
    pub(crate) machine: Machine,
    pub(crate) signal: Signal,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
    guests: Mutex<HashMap<u64, Arc<Guest>>>,
    changed: Condvar,
    next: AtomicU64,
    served: AtomicU64,
    crew: Arc<Crew>,
    /// Whether a socket passed by SET_DATAFD is being served: there can be one at a time.
    pub(crate) passed: AtomicBool,
    /// Whether a state blob is being received: there can be one at a time, since it is kept in memory as it comes.
    pub(crate) receiving: AtomicBool,
}

impl Hall {
    pub(crate) fn new(machine: Machine, signal: Signal, limits: Limits, policy: Policy) -> Arc<Self> {
        Arc::new(Self {
            machine,
            signal,
            limits,
            policy,
            guests: Mutex::new(HashMap::new()),
            changed: Condvar::new(),
            next: AtomicU64::new(0),
            served: AtomicU64::new(0),
            crew: Arc::default(),
            passed: AtomicBool::new(false),
            receiving: AtomicBool::new(false),
        })
    }

    /// Serves `stream` in a thread that does nothing else meanwhile. `at_end` runs when it is closed.
    pub(crate) fn admit(
        self: &Arc<Self>,
        door: Door,
        stream: Stream,
        at_end: impl FnOnce(&Self) + Send + 'static,
    ) -> io::Result<()> {
        stream.prepare(self.limits.write_timeout)?;
        if !self.make_place() {
            return Err(io::Error::other("the TPM works for as many clients as there may be"));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let last = AtomicU64::new(self.served.load(Ordering::Relaxed));
        let (known, busy) = (AtomicBool::new(false), AtomicBool::new(false));
        let guest = Arc::new(Guest { stream, last, known, busy });
        self.guests().insert(number, guest.clone());
        let departure = Departure { hall: self.clone(), number, at_end: Some(at_end) };
        // If no thread can be had, the closure is dropped, and with it the departure that strikes the guest off.
        self.crew.take_on(Box::new(move || {
            let hall = departure.hall.clone();
            tracing::debug!(door = door.name(), number, "a client came");
            match door {
                Door::MssimCommand => mssim::serve_commands(&hall, &guest),
                Door::MssimPlatform => mssim::serve_platform(&hall, &guest),
                Door::SwtpmData => swtpm::serve_data(&hall, &guest),
                Door::SwtpmControl => swtpm::serve_control(&hall, &guest),
            }
            guest.stream.close_gently();
            drop(guest);
            drop(departure);
            hall.after(door);
        }))
    }

    /// Some clients take the daemon with them when they leave, if it was told so.
    fn after(&self, door: Door) {
        let leaves = match door {
            Door::SwtpmData => self.policy.stop_after_data_client,
            Door::SwtpmControl => self.policy.stop_after_control_client,
            _ => false,
        };
        if leaves {
            self.signal.raise();
        }
    }

    /// A client asks the daemon to end.
    pub(crate) fn stop_requested(&self) {
        if self.policy.clients_may_stop {
            self.signal.raise();
        } else {
            tracing::info!("a client asked this daemon to end, which clients may not");
        }
    }

    /// Marks the beginning of a frame's service.
    pub(crate) fn begin(&self, guest: &Guest) {
        guest.known.store(true, Ordering::Relaxed);
        guest.busy.store(true, Ordering::Relaxed);
        guest.last.store(self.served.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Marks its end, or that it waits for the client: for the rest of a body, or to take its response.
    pub(crate) fn end(&self, guest: &Guest) {
        guest.busy.store(false, Ordering::Relaxed);
    }

    /// If the hall is full, somebody goes: of those that never asked for anything who came first, otherwise who has been
    /// idle longest. Waits a moment for the place; false if there is none, since the TPM works for all of them.
    fn make_place(&self) -> bool {
        let mut guests = self.guests();
        let deadline = Instant::now().checked_add(Duration::from_millis(500));
        while guests.len() >= self.limits.connections {
            let idle = guests.iter().filter(|(_, guest)| !guest.busy.load(Ordering::Relaxed));
            // The numbers tell who came first among those that were never served.
            let rank = |(number, guest): &(&u64, &Arc<Guest>)| {
                (guest.known.load(Ordering::Relaxed), guest.last.load(Ordering::Relaxed), **number)
            };
            if let Some((_, longest)) = idle.min_by_key(rank) {
                longest.stream.shutdown(Shutdown::Both);
            }
            let wait = Duration::from_millis(20);
            guests = self.changed.wait_timeout(guests, wait).unwrap_or_else(PoisonError::into_inner).0;
            if deadline.is_none_or(|deadline| Instant::now() > deadline) {
                return guests.len() < self.limits.connections;
            }
        }
        true
    }

    /// Lets every guest finish the command that it is at, and waits for them to go. Those that do not go within
    /// `patience` have their command cancelled and are cut off.
    pub(crate) fn empty(&self, patience: Duration) {
        self.hurry(Shutdown::Read);
        if !self.wait_empty(patience) {
            self.machine.cancel_once();
            self.hurry(Shutdown::Both);
            self.wait_empty(patience);
        }
    }

    fn hurry(&self, how: Shutdown) {
        for guest in self.guests().values() {
            guest.stream.shutdown(how);
        }
    }

    fn wait_empty(&self, patience: Duration) -> bool {
        let guests = self.guests();
        let waited = self.changed.wait_timeout_while(guests, patience, |guests| !guests.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    /// The map is whole after any panic: it is only ever inserted into and removed from.
    fn guests(&self) -> MutexGuard<'_, HashMap<u64, Arc<Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Strikes a guest off the list, however its thread ends.
struct Departure<F: FnOnce(&Hall)> {
    hall: Arc<Hall>,
    number: u64,
    at_end: Option<F>,
}

impl<F: FnOnce(&Hall)> Drop for Departure<F> {
    fn drop(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end(&self.hall);
        }
        self.hall.guests().remove(&self.number);
        self.hall.changed.notify_all();
    }
}
