//! A witness behind a socket: one thread, a bounded number of connections with a small buffer each.
//!
//! Strangers and those that have proved who they are have places apart, so that a crowd of the first never pushes out one of
//! the second. Requests that come together are made durable together.

use crate::WitnessError;
use crate::enrolment::Enrolments;
use crate::ledger::Disk;
use crate::protocol::REQUEST_SIZE;
use crate::witness::{Asked, Outcome, Witness};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What strangers can make the server hold, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections of those that have asked for something with the right key. One more, and the one that has been idle longest
    /// is closed.
    pub connections: usize,
    /// Connections of others. One more, and the oldest is closed.
    pub strangers: usize,
    /// How long a stranger has, from the connection to the end of the first request.
    pub introduction: Duration,
    /// How long a request may take from its first byte to its last.
    pub request: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 4096,
            strangers: 256,
            introduction: Duration::from_secs(5),
            request: Duration::from_secs(2),
        }
    }
}

/// A witness that listens.
pub struct Server<D, E> {
    witness: Witness<D, E>,
    listener: TcpListener,
    bounds: Bounds,
    guests: Vec<Guest>,
}

/// A connection.
struct Guest {
    stream: TcpStream,
    challenge: [u8; 32],
    buffer: [u8; REQUEST_SIZE],
    filled: usize,
    /// When the first byte of the request came, or the connection.
    since: Instant,
    last: Instant,
    known: bool,
    gone: bool,
}

impl<D: Disk, E: Enrolments> Server<D, E> {
    /// Takes the address.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn bind(witness: Witness<D, E>, address: SocketAddr, bounds: Bounds) -> Result<Self, WitnessError> {
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|error| WitnessError::during(format!("listening on {address}"), error))?;
        Ok(Self { witness, listener, bounds, guests: Vec::new() })
    }

    /// The address that it really has.
    ///
    /// # Errors
    /// The operating system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The witness.
    pub const fn witness(&self) -> &Witness<D, E> {
        &self.witness
    }

    /// Serves until `stop` can be read from, or is closed at its other end.
    ///
    /// # Errors
    /// The ledger cannot be written any more. Whoever runs the server starts it anew, and it reads what is on the disk.
    pub fn run(&mut self, stop: &impl AsFd) -> Result<(), WitnessError> {
        loop {
            let ready = match self.wait(stop) {
                Ok(Some(ready)) => ready,
                Ok(None) => return Ok(()),
                Err(error) => return Err(WitnessError::during("waiting for clients", error)),
            };
            for (guest, ready) in self.guests.iter_mut().zip(&ready.guests) {
                if *ready {
                    guest.take_in();
                }
            }
            self.answer()?;
            self.expire();
            if ready.listener {
                self.admit()?;
            }
            self.guests.retain(|guest| !guest.gone);
        }
    }

    /// Waits for something to do; nothing when it is time to stop.
    fn wait(&self, stop: &impl AsFd) -> io::Result<Option<Ready>> {
        // A request that waits for its turn is not waited for.
        let patience = if self.guests.iter().any(Guest::is_whole) { 0 } else { 500 };
        let timeout = Timespec::try_from(Duration::from_millis(patience)).map_err(io::Error::other)?;
        let mut waiting = vec![
            PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.listener.as_fd(), PollFlags::IN),
        ];
        waiting.extend(self.guests.iter().map(|guest| PollFd::from_borrowed_fd(guest.stream.as_fd(), PollFlags::IN)));
        match poll(&mut waiting, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ready = waiting.iter().map(|one| !one.revents().is_empty());
        if ready.next() == Some(true) {
            return Ok(None);
        }
        Ok(Some(Ready { listener: ready.next() == Some(true), guests: ready.collect() }))
    }

    /// Answers every request that is whole, one of each guest.
    fn answer(&mut self) -> Result<(), WitnessError> {
        let whole: Vec<&mut Guest> = self.guests.iter_mut().filter(|guest| guest.is_whole()).collect();
        if whole.is_empty() {
            return Ok(());
        }
        let asked: Vec<Asked> =
            whole.iter().map(|guest| Asked { challenge: guest.challenge, request: guest.buffer }).collect();
        let outcomes = self.witness.round(&asked)?;
        for (guest, outcome) in whole.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Later => {}
                Outcome::HangUp => guest.gone = true,
                Outcome::Answer { bytes, authentic } => guest.give(&bytes, authentic),
            }
        }
        self.make_room(true, self.bounds.connections);
        Ok(())
    }

    /// Closes who is too slow.
    fn expire(&mut self) {
        for guest in &mut self.guests {
            let limit = match (guest.known, guest.filled) {
                (true, 0) => continue,
                (true, _) => self.bounds.request,
                (false, _) => self.bounds.introduction,
            };
            guest.gone |= guest.since.elapsed() > limit;
        }
    }

    /// Closes connections of one kind until there are no more than so many: who has been idle longest first.
    fn make_room(&mut self, known: bool, most: usize) {
        let mut times: Vec<Instant> = self.of(known).map(|guest| guest.last).collect();
        let Some(surplus) = times.len().checked_sub(most).filter(|surplus| *surplus > 0) else {
            return;
        };
        times.sort_unstable();
        let Some(limit) = times.get(surplus.saturating_sub(1)).copied() else {
            return;
        };
        let mut left = surplus;
        for guest in self.guests.iter_mut().filter(|guest| !guest.gone && guest.known == known && guest.last <= limit) {
            if left > 0 {
                guest.gone = true;
                left = left.saturating_sub(1);
            }
        }
    }

    fn of(&self, known: bool) -> impl Iterator<Item = &Guest> {
        self.guests.iter().filter(move |guest| !guest.gone && guest.known == known)
    }

    /// Takes in those who wait at the door.
    fn admit(&mut self) -> Result<(), WitnessError> {
        // Not more at once than there are places: then those who are inside have their turn.
        for _ in 0..self.bounds.strangers.max(1) {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    tracing::warn!(%error, "a client could not be admitted");
                    // Out of descriptors, most likely: it passes when somebody leaves.
                    self.make_room(false, self.bounds.strangers.saturating_div(2));
                    break;
                }
            };
            let greeting = self.witness.greeting()?;
            if stream.set_nonblocking(true).is_ok() && stream.set_nodelay(true).is_ok() {
                let mut guest = Guest::new(stream, greeting.challenge);
                guest.send(&greeting.to_bytes());
                self.guests.push(guest);
            }
        }
        self.make_room(false, self.bounds.strangers);
        Ok(())
    }
}

/// Which descriptors have something to say.
struct Ready {
    listener: bool,
    guests: Vec<bool>,
}

impl Guest {
    fn new(stream: TcpStream, challenge: [u8; 32]) -> Self {
        let now = Instant::now();
        Self {
            stream,
            challenge,
            buffer: [0; REQUEST_SIZE],
            filled: 0,
            since: now,
            last: now,
            known: false,
            gone: false,
        }
    }

    const fn is_whole(&self) -> bool {
        self.filled == REQUEST_SIZE && !self.gone
    }

    /// Reads what there is of one request.
    fn take_in(&mut self) {
        let Some(rest) = self.buffer.get_mut(self.filled..).filter(|rest| !rest.is_empty()) else {
            return;
        };
        match self.stream.read(rest) {
            Ok(0) => self.gone = true,
            Ok(count) => {
                if self.known && self.filled == 0 {
                    self.since = Instant::now();
                }
                self.filled = self.filled.saturating_add(count);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => self.gone = true,
        }
    }

    /// Sends an answer. Whoever is not who they say they are gets theirs, and has to come anew.
    fn give(&mut self, answer: &[u8], authentic: bool) {
        self.send(answer);
        (self.filled, self.last) = (0, Instant::now());
        self.known |= authentic;
        self.gone |= !authentic;
    }

    /// There is always room for one message, unless the other side does not take what it asked for.
    fn send(&mut self, bytes: &[u8]) {
        let sent = self.stream.write(bytes);
        self.gone |= !sent.is_ok_and(|count| count == bytes.len());
    }
}
