//! A connected socket, TCP or UNIX, shared between the thread that serves it and whoever may have to end it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, SocketType, sockopt};

pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Takes a socket that another process handed over. `None` if it is not a connected stream socket.
    pub(crate) fn from_passed(fd: OwnedFd) -> Option<Self> {
        if sockopt::socket_type(&fd).ok()? != SocketType::STREAM {
            return None;
        }
        rustix::net::getpeername(&fd).ok()?;
        match sockopt::socket_domain(&fd).ok()? {
            AddressFamily::UNIX => Some(Self::Unix(fd.into())),
            AddressFamily::INET | AddressFamily::INET6 => Some(Self::Tcp(fd.into())),
            _ => None,
        }
    }

    /// Blocking reads; no delay for small writes; a limit on how long a client may refuse to take its response.
    pub(crate) fn prepare(&self, write_timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => {
                socket.set_nonblocking(false)?;
                socket.set_nodelay(true)?;
                socket.set_write_timeout(Some(write_timeout))
            }
            Self::Unix(socket) => {
                socket.set_nonblocking(false)?;
                socket.set_write_timeout(Some(write_timeout))
            }
        }
    }

    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    pub(crate) fn shutdown(&self, how: Shutdown) {
        // The peer may have gone already, which is all that is wanted.
        let _ = match self {
            Self::Tcp(socket) => socket.shutdown(how),
            Self::Unix(socket) => socket.shutdown(how),
        };
    }

    /// Closes so that what was sent last still arrives: TCP takes it back if bytes of the client's lie unread.
    pub(crate) fn close_gently(&self) {
        const PATIENCE: Duration = Duration::from_millis(50);
        const PIECES: usize = 64;
        self.shutdown(Shutdown::Write);
        let mut unread = [0; 4096];
        for _ in 0..PIECES {
            if !matches!(self.wait_readable(PATIENCE), Ok(true)) || !matches!(self.read(&mut unread), Ok(1..)) {
                break;
            }
        }
        self.shutdown(Shutdown::Both);
    }

    /// Whether there is something to read, or an end to see, before `timeout` has passed.
    pub(crate) fn wait_readable(&self, timeout: Duration) -> io::Result<bool> {
        wait_readable(&[self.as_fd()], Some(timeout))
    }

    /// Has TCP acknowledge what came at once. A client that sends a command in two small writes and leaves Nagle's
    /// algorithm on (tpm2-tss's mssim does) otherwise waits 40 ms for our delayed acknowledgement.
    pub(crate) fn acknowledge_now(&self) {
        if let Self::Tcp(socket) = self {
            let _ = sockopt::set_tcp_quickack(socket, true);
        }
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let result = match self {
                Self::Tcp(socket) => (&*socket).read(buffer),
                Self::Unix(socket) => (&*socket).read(buffer),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    pub(crate) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => (&*socket).write_all(bytes),
            Self::Unix(socket) => (&*socket).write_all(bytes),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}

/// Waits until one of the sockets is readable or at its end; false when `timeout` (or for ever) has passed.
pub(crate) fn wait_readable(sockets: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<bool> {
    let timeout = timeout.map(Timespec::try_from).transpose().map_err(|_| Errno::INVAL)?;
    let mut waiting: Vec<PollFd<'_>> =
        sockets.iter().map(|socket| PollFd::from_borrowed_fd(*socket, PollFlags::IN)).collect();
    Ok(retry_on_intr(|| poll(&mut waiting, timeout.as_ref()))? > 0)
}
