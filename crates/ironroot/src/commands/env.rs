//! `ironroot env`: how to reach what `ironroot up` started, for a shell.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    cli::Env,
    failure::{Failure, Result},
};

/// What `ironroot up` leaves in its folder while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process.
    pub pid: u32,
    /// TCTI strings, the first the one to use.
    pub tcti: Vec<String>,
    /// The provisioning service.
    pub service: String,
    /// The folder.
    pub state: PathBuf,
}

impl Running {
    fn path(folder: &Path) -> PathBuf {
        folder.join("running.json")
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    #[cfg(feature = "service")]
    pub fn write(&self, folder: &Path) -> Result {
        let path = Self::path(folder);
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(&path, text).map_err(|error| Failure::during(format!("cannot write {}", path.display()), error))
    }

    /// Removes the file.
    #[cfg(feature = "service")]
    pub fn remove(folder: &Path) {
        if let Err(error) = std::fs::remove_file(Self::path(folder)) {
            tracing::warn!("cannot remove {}: {error}", Self::path(folder).display());
        }
    }

    fn read(folder: &Path) -> Result<Self> {
        let path = Self::path(folder);
        let text = std::fs::read_to_string(&path).map_err(|_| {
            Failure::new(format!(
                "nothing runs in {} ({} is not there); start it with `ironroot up --state {}`",
                folder.display(),
                path.display(),
                folder.display()
            ))
        })?;
        let running: Self = serde_json::from_str(&text).map_err(|error| Failure::during(path.display(), error))?;
        if !Path::new(&format!("/proc/{}", running.pid)).exists() {
            return Err(Failure::new(format!(
                "what ran in {} (process {}) is gone; start it again with `ironroot up --state {}`",
                folder.display(),
                running.pid,
                folder.display()
            )));
        }
        Ok(running)
    }

    /// The settings, by the names that tools read.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let tcti = self.tcti.first().cloned().unwrap_or_default();
        vec![
            ("TPM2TOOLS_TCTI", tcti.clone()),
            ("TPM2OPENSSL_TCTI", tcti.clone()),
            ("TPM2_PKCS11_TCTI", tcti),
            ("IRONROOT_SERVICE", self.service.clone()),
        ]
    }
}

/// Prints the settings.
///
/// # Errors
/// Nothing runs in the folder.
pub fn run(arguments: &Env) -> Result {
    let running = Running::read(&arguments.state)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&running)?);
        return Ok(());
    }
    for (name, value) in running.variables() {
        // Nothing in a TCTI line or an address ends a quoted string but the quote itself.
        println!("export {name}='{}'", value.replace('\'', r"'\''"));
    }
    Ok(())
}
