//! Connections for a process that may not make any.
//!
//! A daemon in its sandbox can make no socket and call nobody. Before it enters, it starts a process beside it that can do
//! one thing: call the witness's addresses, and hand over the connection (SCM_RIGHTS). That process sees no byte of what
//! is said, holds no secret, opens no file, and ends with the daemon.

use crate::dial::{Channel, Dial};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, send, sendmsg, socketpair,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Bytes of a message: the number of the request, and an error code.
const MESSAGE: usize = 12;

/// The process beside.
#[derive(Debug)]
pub struct Connector {
    line: OwnedFd,
    child: Child,
    /// The last request's number: an answer that comes too late is not taken for a later one's.
    asked: u64,
}

impl Connector {
    /// Starts it: this very program, with arguments that make it call [`serve`].
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn spawn(arguments: &[String]) -> io::Result<Self> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(io::Error::from)?;
        let child = Command::new("/proc/self/exe")
            .arg0("ironroot-connector")
            .args(arguments)
            .env_clear()
            // Ctrl-C is for the daemon, whose last words the witness has to hear.
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { line: ours, child, asked: 0 })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Dial for Connector {
    fn dial(&mut self, patience: Duration) -> io::Result<Box<dyn Channel>> {
        let gone = |_| io::Error::other("the process that makes connections is gone; start the TPM anew");
        let begin = Instant::now();
        self.asked = self.asked.wrapping_add(1);
        let mut message = [0; MESSAGE];
        message.iter_mut().zip(self.asked.to_be_bytes()).for_each(|(to, from)| *to = from);
        send(&self.line, &message, SendFlags::NOSIGNAL).map_err(gone)?;
        loop {
            if !readable(self.line.as_fd(), Some(patience.saturating_sub(begin.elapsed())))? {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time"));
            }
            let Some((number, error, passed)) = receive(self.line.as_fd()).map_err(gone)? else {
                return Err(gone(Errno::PIPE));
            };
            if number != self.asked {
                continue;
            }
            return match passed {
                Some(socket) if error == 0 => {
                    let stream = TcpStream::from(socket);
                    stream.set_nodelay(true)?;
                    Ok(Box::new(stream))
                }
                _ => Err(io::Error::from_raw_os_error(error)),
            };
        }
    }
}

/// The work of the process beside, until the daemon is gone. `line` is its end of the pair.
///
/// # Errors
/// The pair fails.
pub fn serve(line: BorrowedFd<'_>, addresses: &[SocketAddr]) -> io::Result<()> {
    while let Some((number, _, _)) = receive(line).map_err(io::Error::from)? {
        let called = call(addresses);
        let error = called.as_ref().err().map_or(0, |error| error.raw_os_error().unwrap_or(libc_timed_out()));
        let mut message = [0; MESSAGE];
        let fields = number.to_be_bytes().into_iter().chain(error.to_be_bytes());
        message.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let passed: Vec<BorrowedFd<'_>> = called.iter().map(AsFd::as_fd).collect();
        if !passed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&passed)) {
            return Err(io::Error::other("no room for a descriptor"));
        }
        sendmsg(line, &[IoSlice::new(&message)], &mut control, SendFlags::NOSIGNAL).map_err(io::Error::from)?;
    }
    Ok(())
}

/// Errors without a number are those of our own timeouts.
const fn libc_timed_out() -> i32 {
    Errno::TIMEDOUT.raw_os_error()
}

fn call(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let begin = Instant::now();
    let mut last = io::Error::from(Errno::HOSTUNREACH);
    for address in addresses {
        let left = PATIENCE.saturating_sub(begin.elapsed());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn readable(line: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    let timeout = timeout.map(Timespec::try_from).transpose().map_err(|_| Errno::INVAL)?;
    let mut waiting = [PollFd::from_borrowed_fd(line, PollFlags::IN)];
    Ok(retry_on_intr(|| poll(&mut waiting, timeout.as_ref()))? > 0)
}

/// A message's number and error code, and the descriptor that came with it; nothing at the end.
fn receive(line: BorrowedFd<'_>) -> Result<Option<(u64, i32, Option<OwnedFd>)>, Errno> {
    let mut message = [0; MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got =
        retry_on_intr(|| recvmsg(line, &mut [IoSliceMut::new(&mut message)], &mut control, RecvFlags::CMSG_CLOEXEC))?;
    let mut passed = None;
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = part {
            passed = descriptors.last().or(passed);
        }
    }
    if got.bytes != MESSAGE {
        return if got.bytes == 0 { Ok(None) } else { Err(Errno::PROTO) };
    }
    let (number, error) = message.split_first_chunk::<8>().ok_or(Errno::PROTO)?;
    let error = error.first_chunk::<4>().ok_or(Errno::PROTO)?;
    Ok(Some((u64::from_be_bytes(*number), i32::from_be_bytes(*error), passed)))
}
