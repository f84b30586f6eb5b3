//! The kernel's character devices: `/dev/tpmrm0` (resource-managed) and `/dev/tpm0`. One write takes a whole command, one
//! read gives a whole response.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use super::Transport;
use crate::ClientError;

/// The kernel's buffer for a command or response.
const TPM_BUFSIZE: usize = 4096;

/// An open TPM device.
#[derive(Debug)]
pub struct Device {
    file: File,
    endpoint: String,
}

impl Device {
    /// Opens the device for reading and writing.
    ///
    /// # Errors
    /// [`ClientError::Connect`].
    pub fn open(path: &Path) -> Result<Self, ClientError> {
        let endpoint = path.display().to_string();
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => Ok(Self { file, endpoint }),
            Err(source) => Err(ClientError::Connect { hint: hint(&source), endpoint, source }),
        }
    }

    fn error(&self, action: &'static str, source: io::Error) -> ClientError {
        let hint = "look at the kernel's log (dmesg) for lines about tpm";
        ClientError::Io { action, endpoint: self.endpoint.clone(), source, hint }
    }
}

fn hint(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound => "this machine shows no TPM there; for a software TPM, `ironroot up`".into(),
        io::ErrorKind::PermissionDenied => "join the group `tss` (or run as root) to use the TPM".into(),
        io::ErrorKind::ResourceBusy => {
            "another program has the device open: use the resource-managed /dev/tpmrm0".into()
        }
        _ => "is it a TPM's device?".into(),
    }
}

impl Transport for Device {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        let written = self.file.write(command).map_err(|source| self.error("sending a command to", source))?;
        if written != command.len() {
            let source = io::Error::new(io::ErrorKind::WriteZero, "the device took a part of the command only");
            return Err(self.error("sending a command to", source));
        }
        let mut response = vec![0; TPM_BUFSIZE];
        let size = self.file.read(&mut response).map_err(|source| self.error("receiving the response from", source))?;
        response.truncate(size);
        Ok(response)
    }

    fn endpoint(&self) -> String {
        self.endpoint.clone()
    }
}
