//! The commands of keys that applications use. Each works with any TPM 2.0 that a TCTI string names.

mod cert;
mod csr;
mod encrypt;
mod jwt;
mod key;
mod seal;
mod secret;
mod stored;

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
};

use ironroot_client::{Tcti, Tpm, wire::TpmHandle, wire::TpmSu};
use ironroot_keys::{KeyList, KeyReference, NamedKeys, SharedTpm, TpmKey};
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
        let list = match &self.reference {
            KeyReference::Name(_) => self.tpm.list()?,
            // These need no list, which a service may have no place for.
            _ => KeyList::at(""),
        };
        Ok(self.reference.open(&self.tpm.connect()?, &list, self.kind.given(), auth)?)
    }
}

/// Gives a result: to a file or to standard output; with a description in JSON, that is what standard output gets.
fn give(output: &Output, bytes: &[u8], json: Option<Value>) -> Result {
    if json.is_none() || output.output.is_some() {
        put(output, bytes)?;
    }
    if let Some(json) = json {
        println!("{json}");
    }
    Ok(())
}

/// Gives what was secret until now, as [`give`] does; a new file is its owner's alone.
fn give_secret(output: &Output, bytes: &[u8], json: Option<Value>) -> Result {
    if let Some(path) = &output.output {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        drop(file.map_err(|error| Failure::during(path.display(), error))?);
    }
    give(output, bytes, json)
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a result to a file, or to standard output.
fn put(output: &Output, bytes: &[u8]) -> Result {
    match &output.output {
        Some(path) => fs::write(path, bytes).map_err(|error| Failure::during(path.display(), error)),
        None => Ok(std::io::stdout().lock().write_all(bytes)?),
    }
}
