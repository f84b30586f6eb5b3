//! Ways to carry command and response bytes to and from a TPM: one write and one read for each command.
//!
//! `stream` holds the sockets; `mssim` and `swtpm` are the two protocols over them; `device` is the kernel's
//! character device. Anything else that takes a command and gives a response (a TPM in this process, a recorder, a
//! lossy link in a test) implements [`Transport`].

mod device;
mod mssim;
mod stream;
mod swtpm;

pub use device::Device;
pub use mssim::Mssim;
pub use swtpm::Swtpm;

use crate::ClientError;

/// Carries commands to one TPM.
pub trait Transport: Send {
    /// Sends a command and returns its response, both as Part 1, clause 15 lays them out.
    ///
    /// # Errors
    /// Whatever kept the response from arriving; after an error the TPM may or may not have executed the command.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError>;

    /// Sets the locality of the commands that follow.
    ///
    /// # Errors
    /// [`ClientError::Usage`] if the transport cannot set one (the default), or what sending it may give.
    fn set_locality(&mut self, locality: u8) -> Result<(), ClientError> {
        Err(ClientError::usage(format!("{} cannot set a locality (asked for {locality})", self.endpoint())))
    }

    /// Takes the TPM through a power cycle (`_TPM_Init`), after which it waits for `TPM2_Startup`.
    ///
    /// # Errors
    /// [`ClientError::Usage`] if the transport has no hand on the power (the default), or what asking for it may give.
    fn power_cycle(&mut self) -> Result<(), ClientError> {
        Err(ClientError::usage(format!("{} cannot switch the TPM off and on", self.endpoint())))
    }

    /// Where the TPM is, for people.
    fn endpoint(&self) -> String;
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        (**self).transmit(command)
    }
    fn set_locality(&mut self, locality: u8) -> Result<(), ClientError> {
        (**self).set_locality(locality)
    }
    fn power_cycle(&mut self) -> Result<(), ClientError> {
        (**self).power_cycle()
    }
    fn endpoint(&self) -> String {
        (**self).endpoint()
    }
}

/// A function in this process that executes commands, as a transport.
pub struct InProcess<F>(pub F);

impl<F: FnMut(&[u8]) -> Vec<u8> + Send> Transport for InProcess<F> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        Ok((self.0)(command))
    }
    fn endpoint(&self) -> String {
        "the TPM in this process".into()
    }
}
