//! swtpm's protocol: bare commands and responses on the data channel; locality and power on the control channel, at the
//! next port or at the same path with `.ctrl` behind it.

use super::{
    Transport,
    mssim::next,
    stream::{Stream, length_at},
};
use crate::{
    ClientError,
    tcti::{Endpoint, Timeouts},
};

const CMD_INIT: u32 = 2;
const CMD_SET_LOCALITY: u32 = 5;

/// A connection to a TPM that speaks swtpm's protocol.
pub struct Swtpm {
    data: Option<Stream>,
    at: Endpoint,
    timeouts: Timeouts,
}

impl Swtpm {
    /// Connects the data channel. The control channel, which serves one client at a time, is opened when it is needed.
    ///
    /// # Errors
    /// [`ClientError::Connect`].
    pub fn connect(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self, ClientError> {
        let data = Stream::connect(endpoint, timeouts, "the TPM")?;
        Ok(Self { data: Some(data), at: endpoint.clone(), timeouts })
    }

    fn control(&self, code: u32, body: &[u8], name: &str) -> Result<(), ClientError> {
        let mut control = Stream::connect(&next(&self.at), self.timeouts, "the TPM's control channel")?;
        control.send(&[&code.to_be_bytes(), body].concat())?;
        let answer = control.receive(4, |_| Some(4))?.to_vec();
        match length_at(&answer, 0) {
            Some(0) => Ok(()),
            Some(code) => Err(control.protocol_error(format!("it refused {name} with {code:#x}"))),
            None => Err(control.protocol_error("its answer is too short")),
        }
    }
}

impl Transport for Swtpm {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        let mut data = match self.data.take() {
            Some(data) => data,
            None => Stream::connect(&self.at, self.timeouts, "the TPM")?,
        };
        data.send(command)?;
        let answer = data.receive(10, |head| length_at(head, 2))?.to_vec();
        // Kept only now: after an error the stream may be in the middle of an answer, and the next command starts afresh.
        self.data = Some(data);
        Ok(answer)
    }

    fn set_locality(&mut self, locality: u8) -> Result<(), ClientError> {
        self.control(CMD_SET_LOCALITY, &[locality], "SET_LOCALITY")
    }

    fn power_cycle(&mut self) -> Result<(), ClientError> {
        self.control(CMD_INIT, &[0; 4], "INIT")
    }

    fn endpoint(&self) -> String {
        self.at.to_string()
    }
}
