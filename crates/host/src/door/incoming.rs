//! What has arrived on a connection and is not used up: one buffer of fixed size, filled by single reads.

use std::io;
use std::time::{Duration, Instant};

use zeroize::{Zeroize, Zeroizing};

use super::stream::Stream;

/// Bytes of a connection. A whole frame normally arrives in one read and is parsed where it lies.
pub(crate) struct Incoming {
    buffer: Zeroizing<Vec<u8>>,
    begin: usize,
    end: usize,
    /// When the frame that has begun must be complete.
    deadline: Option<Instant>,
    frame_timeout: Duration,
}

/// How slowly a body may come over its whole length, in bytes a second.
const SLOWEST_BODY: u32 = 64 << 10;

/// How a read went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// There are more bytes than before.
    More,
    /// The client has closed its side, or the connection broke.
    Closed,
    /// The rest of a frame did not come in time.
    Expired,
}

impl Incoming {
    /// `capacity` must hold the longest frame that a parser collects.
    pub(crate) fn new(capacity: usize, frame_timeout: Duration) -> Self {
        Self { buffer: Zeroizing::new(vec![0; capacity]), begin: 0, end: 0, deadline: None, frame_timeout }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.begin..self.end).unwrap_or_default()
    }

    /// Uses up `length` bytes: a frame, or part of a body.
    pub(crate) fn consume(&mut self, length: usize) {
        let used = self.begin..self.begin.saturating_add(length).min(self.end);
        self.begin = used.end;
        // There may be a password in it, and the client may stay for days.
        self.buffer.get_mut(used).unwrap_or_default().zeroize();
        self.deadline = None;
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        }
    }

    /// Forgets everything that has arrived.
    pub(crate) fn clear(&mut self) {
        self.consume(usize::MAX);
    }

    /// Reads once. Waits for ever for the first byte of a frame, and for the others until the frame's time is over.
    pub(crate) fn fill(&mut self, stream: &Stream) -> Fill {
        self.fill_with(stream, |stream, place| stream.read(place))
    }

    /// As [`Incoming::fill`], with a way of reading of the caller's own.
    pub(crate) fn fill_with(
        &mut self,
        stream: &Stream,
        read: impl FnOnce(&Stream, &mut [u8]) -> io::Result<usize>,
    ) -> Fill {
        if self.begin != self.end {
            match self.wait_for_rest(stream) {
                Fill::More => self.make_room(),
                other => return other,
            }
        }
        match self.buffer.get_mut(self.end..) {
            Some(place) if !place.is_empty() => match read(stream, place) {
                Ok(count) if count > 0 => {
                    self.end = self.end.saturating_add(count).min(self.buffer.len());
                    Fill::More
                }
                _ => Fill::Closed,
            },
            _ => Fill::Closed,
        }
    }

    /// Waits for more of a body, of which nothing needs to be here yet.
    pub(crate) fn fill_body(&mut self, stream: &Stream) -> Fill {
        match self.wait_for_rest(stream) {
            Fill::More => self.fill(stream),
            other => other,
        }
    }

    fn wait_for_rest(&mut self, stream: &Stream) -> Fill {
        stream.acknowledge_now();
        let timeout = self.frame_timeout;
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert_with(|| now.checked_add(timeout).unwrap_or(now));
        match stream.wait_readable(deadline.saturating_duration_since(now)) {
            Ok(true) => Fill::More,
            Ok(false) => Fill::Expired,
            Err(_) => Fill::Closed,
        }
    }

    /// Moves what is here to the front, so that the rest of a frame fits behind it.
    fn make_room(&mut self) {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            let end = self.end.saturating_sub(self.begin);
            self.buffer.get_mut(end..self.end).unwrap_or_default().zeroize();
            (self.begin, self.end) = (0, end);
        }
    }

    /// Hands `length` bytes of a body to `sink` in pieces, as they come. Each piece has the frame's time to come, and all of
    /// them that time and a second more for each [`SLOWEST_BODY`] bytes. False if they did not all come.
    pub(crate) fn stream_body(&mut self, stream: &Stream, length: u32, mut sink: impl FnMut(&[u8])) -> bool {
        let mut rest = crate::protocol::to_usize(length);
        let patience = self.frame_timeout.saturating_add(Duration::from_secs(u64::from(length / SLOWEST_BODY)));
        let begin = Instant::now();
        while rest > 0 {
            if begin.elapsed() > patience {
                return false;
            }
            let here = self.bytes();
            let piece = here.get(..rest.min(here.len())).unwrap_or_default();
            if piece.is_empty() {
                if self.fill_body(stream) != Fill::More {
                    return false;
                }
                continue;
            }
            sink(piece);
            let used = piece.len();
            rest = rest.saturating_sub(used);
            self.consume(used);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn pair() -> (UnixStream, Stream) {
        let (client, server) = UnixStream::pair().unwrap();
        (client, Stream::Unix(server))
    }

    #[test]
    fn what_is_left_over_moves_to_the_front() {
        let (mut client, server) = pair();
        let mut incoming = Incoming::new(8, Duration::from_millis(50));
        client.write_all(b"abcdefgh").unwrap();
        assert_eq!(incoming.fill(&server), Fill::More);
        assert_eq!(incoming.bytes(), b"abcdefgh");
        incoming.consume(5);
        assert_eq!(incoming.bytes(), b"fgh");
        client.write_all(b"ijklm").unwrap();
        assert_eq!(incoming.fill(&server), Fill::More);
        assert_eq!(incoming.bytes(), b"fghijklm");
        assert_eq!(incoming.fill(&server), Fill::Expired, "nothing more came");
        client.write_all(b"n").unwrap();
        assert_eq!(incoming.fill(&server), Fill::Closed, "a full buffer cannot take a longer frame");
    }

    #[test]
    fn a_frame_that_drips_has_one_deadline_for_all_of_it() {
        let (mut client, server) = pair();
        let mut incoming = Incoming::new(100, Duration::from_millis(120));
        let dripping = std::thread::spawn(move || {
            for _ in 0..100 {
                if client.write_all(b"x").is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let begin = Instant::now();
        while incoming.fill(&server) == Fill::More {}
        assert!(begin.elapsed() < Duration::from_millis(1500), "{:?}", begin.elapsed());
        drop(server);
        dripping.join().unwrap();
    }

    #[test]
    fn a_body_that_drips_has_one_deadline_for_all_of_it() {
        let (mut client, server) = pair();
        let mut incoming = Incoming::new(100, Duration::from_millis(120));
        let dripping = std::thread::spawn(move || {
            while client.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let begin = Instant::now();
        assert!(!incoming.stream_body(&server, 60_000, |_| ()));
        assert!(begin.elapsed() < Duration::from_millis(1500), "{:?}", begin.elapsed());
        drop(server);
        dripping.join().unwrap();
    }

    #[test]
    fn what_is_used_up_is_wiped() {
        let (mut client, server) = pair();
        let mut incoming = Incoming::new(16, Duration::from_millis(50));
        client.write_all(b"passwordNEXT").unwrap();
        assert_eq!(incoming.fill(&server), Fill::More);
        incoming.consume(8);
        assert_eq!(incoming.buffer[..12], *b"\0\0\0\0\0\0\0\0NEXT");
        client.write_all(b"...").unwrap();
        assert_eq!(incoming.fill(&server), Fill::More);
        assert_eq!(incoming.buffer[..12], *b"NEXT...\0\0\0\0\0");
        incoming.clear();
        assert_eq!(incoming.buffer[..], [0; 16]);
    }

    #[test]
    fn a_body_is_handed_on_in_pieces_and_the_next_frame_stays() {
        let (mut client, server) = pair();
        let mut incoming = Incoming::new(8, Duration::from_millis(50));
        client.write_all(b"0123456789abcdefghijNEXT").unwrap();
        let mut body = Vec::new();
        assert!(incoming.stream_body(&server, 20, |piece| body.extend_from_slice(piece)));
        assert_eq!(body, b"0123456789abcdefghij");
        assert_eq!(incoming.bytes(), b"NEXT");
        assert!(!incoming.stream_body(&server, 5, |_| ()), "four of five bytes are not all");
    }
}
