//! The Microsoft simulator's protocol: a command port and, at the next port, a platform port for power and NV.
//!
//! A command travels as code 8, locality, size, bytes; a response as size, bytes and a trailing zero word. On UNIX
//! sockets the platform port is the same path with `.ctrl` behind it.

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
    commands: Stream,
    platform: Stream,
    locality: u8,
    frame: Vec<u8>,
}

impl Mssim {
    /// Connects both ports, switches the TPM and its NV on (harmless when they are on already).
    ///
    /// # Errors
    /// [`ClientError::Connect`]; [`ClientError::Protocol`] if the TPM refuses to be switched on.
    pub fn connect(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self, ClientError> {
        let commands = Stream::connect(endpoint, timeouts, "the TPM")?;
        let platform = Stream::connect(&next(endpoint), timeouts, "the TPM's platform port")?;
        let mut this = Self { commands, platform, locality: 0, frame: Vec::with_capacity(4096) };
        this.platform_command(POWER_ON, "POWER_ON")?;
        this.platform_command(NV_ON, "NV_ON")?;
        Ok(this)
    }

    fn platform_command(&mut self, code: u32, name: &str) -> Result<(), ClientError> {
        self.platform.send(&code.to_be_bytes())?;
        let answer = self.platform.receive(4, |_| Some(4))?.to_vec();
        match length_at(&answer, 0) {
            Some(0) => Ok(()),
            _ => Err(self.platform.protocol_error(format!("it refused the platform command {name}"))),
        }
    }
}

impl Transport for Mssim {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        let size = u32::try_from(command.len()).map_err(|_| ClientError::usage("the command is too long"))?;
        self.frame.clear();
        self.frame.extend_from_slice(&SEND_COMMAND.to_be_bytes());
        self.frame.push(self.locality);
        self.frame.extend_from_slice(&size.to_be_bytes());
        self.frame.extend_from_slice(command);
        let sent = self.commands.send(&self.frame);
        zeroize::Zeroize::zeroize(&mut self.frame);
        sent?;
        let answer = self.commands.receive(4, |head| length_at(head, 0)?.checked_add(8))?;
        Ok(answer.get(4..answer.len().saturating_sub(4)).unwrap_or_default().to_vec())
    }

    fn set_locality(&mut self, locality: u8) -> Result<(), ClientError> {
        self.locality = locality;
        Ok(())
    }

    fn power_cycle(&mut self) -> Result<(), ClientError> {
        self.platform_command(POWER_OFF, "POWER_OFF")?;
        self.platform_command(POWER_ON, "POWER_ON")?;
        self.platform_command(NV_ON, "NV_ON")
    }

    fn endpoint(&self) -> String {
        self.commands.endpoint().into()
    }
}

impl Drop for Mssim {
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
