//! The Microsoft simulator's protocol: a command port and, at the next port, a platform port for power and NV.
//!
//! A command travels as code 8, locality, size, bytes; a response as size, bytes and a trailing zero word. On UNIX
//! sockets the platform port is the same path with `.ctrl` behind it.

use zeroize::Zeroize as _;

use super::{
    Transport,
    stream::{Stream, length_at},
};
use crate::{
    ClientError,
    tcti::{Endpoint, Timeouts},
};

const SEND_COMMAND: u32 = 8;
const POWER_ON: u32 = 1;
const POWER_OFF: u32 = 2;
const NV_ON: u32 = 11;
const SESSION_END: u32 = 20;

/// A connection to a TPM that speaks the simulator's protocol.
pub struct Mssim {
    channels: Option<Channels>,
    at: Endpoint,
    timeouts: Timeouts,
    locality: u8,
    frame: Vec<u8>,
}

/// The two ports of one connection.
struct Channels {
    commands: Stream,
    platform: Stream,
}

impl Mssim {
    /// Connects both ports, switches the TPM and its NV on (harmless when they are on already).
    ///
    /// # Errors
    /// [`ClientError::Connect`]; [`ClientError::Protocol`] if the TPM refuses to be switched on.
    pub fn connect(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self, ClientError> {
        let channels = Some(Channels::open(endpoint, timeouts)?);
        Ok(Self { channels, at: endpoint.clone(), timeouts, locality: 0, frame: Vec::with_capacity(4096) })
    }

    /// Runs `action` on a connection. One on which something failed may be in the middle of an answer: it is closed, and the
    /// next action starts afresh.
    fn with<T>(&mut self, action: impl FnOnce(&mut Channels) -> Result<T, ClientError>) -> Result<T, ClientError> {
        let mut channels = match self.channels.take() {
            Some(channels) => channels,
            None => Channels::open(&self.at, self.timeouts)?,
        };
        let value = action(&mut channels)?;
        self.channels = Some(channels);
        Ok(value)
    }
}

impl Channels {
    fn open(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self, ClientError> {
        let commands = Stream::connect(endpoint, timeouts, "the TPM")?;
        let platform = Stream::connect(&next(endpoint), timeouts, "the TPM's platform port")?;
        let mut this = Self { commands, platform };
        this.platform(POWER_ON, "POWER_ON")?;
        this.platform(NV_ON, "NV_ON")?;
        Ok(this)
    }

    fn platform(&mut self, code: u32, name: &str) -> Result<(), ClientError> {
        self.platform.send(&code.to_be_bytes())?;
        let answer = length_at(self.platform.receive(4, |_| Some(4))?, 0);
        match answer {
            Some(0) => Ok(()),
            _ => Err(self.platform.protocol_error(format!("it refused the platform command {name}"))),
        }
    }

    fn command(&mut self, frame: &[u8]) -> Result<Vec<u8>, ClientError> {
        self.commands.send(frame)?;
        let answer = self.commands.receive(4, |head| length_at(head, 0)?.checked_add(8))?;
        Ok(answer.get(4..answer.len().saturating_sub(4)).unwrap_or_default().to_vec())
    }
}

impl Transport for Mssim {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        let size = u32::try_from(command.len()).map_err(|_| ClientError::usage("the command is too long"))?;
        let mut frame = std::mem::take(&mut self.frame);
        frame.extend_from_slice(&SEND_COMMAND.to_be_bytes());
        frame.push(self.locality);
        frame.extend_from_slice(&size.to_be_bytes());
        frame.extend_from_slice(command);
        let response = self.with(|channels| channels.command(&frame));
        frame.zeroize();
        self.frame = frame;
        response
    }

    fn set_locality(&mut self, locality: u8) -> Result<(), ClientError> {
        self.locality = locality;
        Ok(())
    }

    fn power_cycle(&mut self) -> Result<(), ClientError> {
        self.with(|channels| {
            channels.platform(POWER_OFF, "POWER_OFF")?;
            channels.platform(POWER_ON, "POWER_ON")?;
            channels.platform(NV_ON, "NV_ON")
        })
    }

    fn endpoint(&self) -> String {
        self.at.to_string()
    }
}

impl Drop for Channels {
    /// Says goodbye, so that the TPM serves the next client at once. Nobody is left to be told of a failure.
    fn drop(&mut self) {
        let _ = self.platform.send(&SESSION_END.to_be_bytes());
        let _ = self.commands.send(&SESSION_END.to_be_bytes());
    }
}

/// The platform or control channel that belongs to a command channel.
pub(super) fn next(endpoint: &Endpoint) -> Endpoint {
    match endpoint {
        Endpoint::Tcp { host, port } => Endpoint::Tcp { host: host.clone(), port: port.saturating_add(1) },
        Endpoint::Unix(path) => {
            let mut name = path.clone().into_os_string();
            name.push(".ctrl");
            Endpoint::Unix(name.into())
        }
    }
}
