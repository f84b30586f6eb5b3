//! A TCP or UNIX stream with time limits, and reading of length-prefixed answers with as few calls as possible.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    os::unix::net::UnixStream,
    time::Duration,
};

use crate::{
    ClientError,
    tcti::{Endpoint, Timeouts},
};

/// Nothing that a TPM answers is larger: the largest response and the framing of either protocol.
const MAX_ANSWER: usize = 8 * 1024;

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connected stream.
pub(super) struct Stream {
    socket: Socket,
    endpoint: String,
    limit: Duration,
    buffer: Box<[u8; MAX_ANSWER]>,
}

impl Stream {
    /// Connects; `channel` names what should listen there.
    pub(super) fn connect(endpoint: &Endpoint, timeouts: Timeouts, channel: &str) -> Result<Self, ClientError> {
        let socket = open(endpoint, timeouts).map_err(|source| ClientError::Connect {
            endpoint: endpoint.to_string(),
            hint: hint(&source, channel),
            source,
        })?;
        Ok(Self { socket, endpoint: endpoint.to_string(), limit: timeouts.response, buffer: Box::new([0; MAX_ANSWER]) })
    }

    pub(super) fn protocol_error(&self, reason: impl Into<String>) -> ClientError {
        ClientError::Protocol { endpoint: self.endpoint.clone(), reason: reason.into() }
    }

    /// Sends `bytes` with one write.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let result = match &mut self.socket {
            Socket::Tcp(stream) => stream.write_all(bytes),
            Socket::Unix(stream) => stream.write_all(bytes),
        };
        result.map_err(|source| self.io_error("sending a command to", source))
    }

    /// Receives an answer. `length` tells from the first `head` bytes how long the whole is; usually everything is there
    /// after one read.
    pub(super) fn receive(
        &mut self,
        head: usize,
        length: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<&[u8], ClientError> {
        let (mut filled, mut wanted) = (0, head);
        let mut sized = false;
        while filled < wanted || !sized {
            if filled >= head && !sized {
                sized = true;
                wanted = length(self.buffer.get(..filled).unwrap_or_default())
                    .filter(|length| (head..=MAX_ANSWER).contains(length))
                    .ok_or_else(|| self.protocol_error("the size in its answer is impossible"))?;
                continue;
            }
            let space = self.buffer.get_mut(filled..).unwrap_or_default();
            let result = match &mut self.socket {
                Socket::Tcp(stream) => stream.read(space),
                Socket::Unix(stream) => stream.read(space),
            };
            match result {
                Ok(0) => {
                    let source = io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed");
                    return Err(self.io_error("receiving the response from", source));
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.io_error("receiving the response from", source)),
            }
        }
        if filled > wanted {
            return Err(self.protocol_error(format!("its answer has {} bytes too many", filled - wanted)));
        }
        Ok(self.buffer.get(..wanted).unwrap_or_default())
    }

    fn io_error(&self, action: &'static str, source: io::Error) -> ClientError {
        let endpoint = self.endpoint.clone();
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::Timeout { endpoint, limit: self.limit },
            _ => {
                let hint = "the TPM may have been stopped in the meantime: look at its log, connect again";
                ClientError::Io { action, endpoint, source, hint }
            }
        }
    }
}

impl Drop for Stream {
    /// Responses may hold secrets (unsealed data, the demo's random bytes).
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.buffer[..]);
    }
}

fn open(endpoint: &Endpoint, timeouts: Timeouts) -> io::Result<Socket> {
    match endpoint {
        Endpoint::Tcp { host, port } => {
            let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
            for address in (host.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, timeouts.connect) {
                    Ok(stream) => {
                        stream.set_nodelay(true)?;
                        stream.set_read_timeout(Some(timeouts.response))?;
                        stream.set_write_timeout(Some(timeouts.response))?;
                        return Ok(Socket::Tcp(stream));
                    }
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
        Endpoint::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(timeouts.response))?;
            stream.set_write_timeout(Some(timeouts.response))?;
            Ok(Socket::Unix(stream))
        }
    }
}

fn hint(source: &io::Error, channel: &str) -> String {
    match source.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            format!("is {channel} running? start one with `ironroot up`")
        }
        io::ErrorKind::PermissionDenied => "the socket belongs to somebody else: look at its owner and mode".into(),
        _ => format!("{channel} should listen there"),
    }
}

/// The big-endian 32-bit number at `at`, as a length.
pub(super) fn length_at(bytes: &[u8], at: usize) -> Option<usize> {
    let field: [u8; 4] = bytes.get(at..)?.first_chunk().copied()?;
    usize::try_from(u32::from_be_bytes(field)).ok()
}
