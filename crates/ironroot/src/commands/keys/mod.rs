//! The commands of keys that applications use. Each works with any TPM 2.0 that a TCTI string names.

mod cert;
mod csr;
mod encrypt;
mod jwt;
mod key;
mod seal;
mod secret;
mod stored;

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _};

use ironroot_client::{Tcti, Tpm, wire::TpmHandle, wire::TpmSu};
use ironroot_keys::{KeyList, NamedKeys, SharedTpm, TpmKey};
use serde_json::Value;

pub use cert::{read, run as cert};
pub use csr::run as csr;
pub use encrypt::{decrypt, encrypt};
pub use jwt::run as jwt;
pub use key::run as key;
pub use seal::{policy, seal, unseal};
pub use secret::run as secret;

use crate::{
    auth_source::AuthSource,
    cli::keys::{Output, TpmAccess, Used},
    failure::{Failure, Result},
};

impl TpmAccess {
    /// Connects. A simulator that waits for TPM2_Startup gets it: nobody else is there to send it (of a device it is the kernel's
    /// business).
    pub fn connect(&self) -> Result<SharedTpm> {
        let tcti = match &self.tcti {
            Some(tcti) => tcti.clone(),
            None => Tcti::from_env_or_default()?,
        };
        let mut tpm = Tpm::connect(&tcti)?;
        if !matches!(tcti, Tcti::Device(_)) {
            tpm.startup(TpmSu::Clear)?;
        }
        if let Some(source) = &self.owner_auth {
            tpm.set_auth(TpmHandle::OWNER, &source.load()?);
        }
        if let Some(source) = &self.endorsement_auth {
            tpm.set_auth(TpmHandle::ENDORSEMENT, &source.load()?);
        }
        Ok(SharedTpm::new(tpm))
    }

    /// The TPM's named keys.
    pub fn keys(&self) -> Result<NamedKeys> {
        Ok(NamedKeys::new(&self.connect()?))
    }

    /// The list of names.
    pub fn list(&self) -> Result<KeyList> {
        match &self.list {
            Some(path) => Ok(KeyList::at(path)),
            None => Ok(KeyList::of_user()?),
        }
    }
}

impl Used {
    /// The key.
    pub fn open(&self) -> Result<TpmKey> {
        let auth = self.key_auth.as_ref().map(AuthSource::load).transpose()?;
        let auth = auth.as_ref().map(|auth| auth.as_slice());
        self.reference.open(&self.tpm.connect()?, || self.tpm.list(), self.kind.given(), auth)
    }
}

/// Gives a result: to a file or to standard output; with a description in JSON, that is what standard output gets.
fn give(output: &Output, bytes: &[u8], json: Option<Value>) -> Result {
    give_with(output, bytes, json, 0o666)
}

/// Gives what was secret until now, as [`give`] does; a new file is its owner's alone.
fn give_secret(output: &Output, bytes: &[u8], json: Option<Value>) -> Result {
    give_with(output, bytes, json, 0o600)
}

fn give_with(output: &Output, bytes: &[u8], json: Option<Value>, mode: u32) -> Result {
    if json.is_none() || output.output.is_some() {
        put(output, bytes, mode)?;
    }
    if let Some(json) = json {
        println!("{json}");
    }
    Ok(())
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a result to standard output, or to a file, which gets the mode if it is new.
fn put(output: &Output, bytes: &[u8], mode: u32) -> Result {
    let Some(path) = &output.output else { return Ok(std::io::stdout().lock().write_all(bytes)?) };
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| Failure::during(path.display(), error))
}
