//! A TPM as a client sees it: a UNIX socket that takes raw commands (swtpm's data channel).

pub mod bytes;
pub mod daemon;
pub mod templates;

use crate::run::Result;
use bytes::{Reader, Writer, cc, command};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longer than the slowest command (RSA-3072 key generation on a slow machine).
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection to one TPM.
pub struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
}

/// A response code other than success.
pub fn explain(code: u32, rc: u32) -> String {
    format!("command {code:#05x} was answered {rc:#05x} (`tpm2_rc_decode {rc:#x}` says what that means)")
}

impl Client {
    pub fn connect(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path).map_err(|e| format!("cannot connect to {}: {e}", path.display()))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
        Ok(Self { stream, buffer: vec![0; 8192] })
    }

    /// Sends a command and reads its whole response; one write, and normally one read. This is the timed span.
    pub fn exchange(&mut self, command: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(command).map_err(|e| format!("writing a command: {e}"))?;
        let mut have = 0;
        loop {
            let room = self.buffer.get_mut(have..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => return Err(format!("the TPM closed the connection after {have} bytes of a response")),
                Ok(count) => have += count,
                Err(error) => return Err(format!("reading a response: {error}")),
            }
            let so_far = self.buffer.get(..have).unwrap_or_default();
            if let Some(length) = length_field(so_far)
                && have >= length
            {
                return Ok(self.buffer.get(..have).unwrap_or_default());
            }
        }
    }

    /// Sends a command and returns its response code and the bytes after the header.
    pub fn ask(&mut self, command: &[u8]) -> Result<(u32, Vec<u8>)> {
        let response = self.exchange(command)?;
        let mut reader = Reader::new(response);
        reader.take(6)?;
        Ok((reader.u32()?, reader.rest().to_vec()))
    }

    /// Sends a command that has to succeed. `handles` is the number of handles in its response; returned are they
    /// and the response parameters.
    pub fn must(&mut self, code: u32, bytes: &[u8], handles: usize) -> Result<(Vec<u32>, Vec<u8>)> {
        let (rc, rest) = self.ask(bytes)?;
        if rc != 0 {
            return Err(explain(code, rc));
        }
        let mut reader = Reader::new(&rest);
        let handles = (0..handles).map(|_| reader.u32()).collect::<Result<Vec<_>>>()?;
        let parameters = if bytes.get(1) == Some(&2) {
            let count = reader.u32()?;
            reader.take(count as usize)?
        } else {
            reader.rest()
        };
        Ok((handles, parameters.to_vec()))
    }

    /// TPM2_Startup(CLEAR); a TPM that is started already is fine.
    pub fn startup(&mut self) -> Result {
        match self.ask(&command(cc::STARTUP, &[], 0, &[0, 0]))? {
            (0 | 0x100, _) => Ok(()),
            (rc, _) => Err(explain(cc::STARTUP, rc)),
        }
    }

    pub fn flush(&mut self, handle: u32) -> Result {
        let bytes = command(cc::FLUSH_CONTEXT, &[], 0, &Writer::default().u32(handle).0);
        self.must(cc::FLUSH_CONTEXT, &bytes, 0).map(drop)
    }
}

/// The length that a response says it has, once its header is there.
fn length_field(response: &[u8]) -> Option<usize> {
    let field: [u8; 4] = response.get(2..6)?.try_into().ok()?;
    Some(u32::from_be_bytes(field) as usize)
}

/// The time that one command takes, from the first byte written to the last byte read.
pub fn timed(client: &mut Client, code: u32, bytes: &[u8]) -> Result<Duration> {
    let start = Instant::now();
    let response = client.exchange(bytes)?;
    let taken = start.elapsed();
    let mut reader = Reader::new(response);
    reader.take(6)?;
    match reader.u32()? {
        0 => Ok(taken),
        rc => Err(explain(code, rc)),
    }
}
