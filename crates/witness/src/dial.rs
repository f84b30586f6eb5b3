//! The way to a witness.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// A connection.
pub trait Channel: Read + Write + Send {
    /// How long the next reading or writing may take.
    ///
    /// # Errors
    /// The operating system's.
    fn set_patience(&mut self, patience: Duration) -> io::Result<()>;
}

impl Channel for TcpStream {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))?;
        self.set_write_timeout(Some(patience))
    }
}

/// Makes connections to one witness.
pub trait Dial: Send {
    /// A new connection, or an error within `patience`.
    ///
    /// # Errors
    /// Why there is none.
    fn dial(&mut self, patience: Duration) -> io::Result<Box<dyn Channel>>;
}

/// Makes connections by itself.
#[derive(Debug, Clone)]
pub struct Direct(String);

impl Direct {
    /// To HOST:PORT.
    #[must_use]
    pub fn to(address: &str) -> Self {
        Self(address.into())
    }
}

impl Dial for Direct {
    fn dial(&mut self, patience: Duration) -> io::Result<Box<dyn Channel>> {
        let begin = Instant::now();
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in self.0.to_socket_addrs()? {
            let left = patience.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Box::new(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}
