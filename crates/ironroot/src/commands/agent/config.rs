//! The agent's configuration file.

use ironroot_client::Tcti;
use ironroot_image::Config;
use ironroot_keys::SharedTpm;
use serde::Deserialize;

use super::super::keys::read;
use crate::{
    cli::agent::AgentAccess,
    failure::{Failure, Result},
};

/// `agent.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// The TPM.
    tcti: Option<String>,
    /// Slots and images.
    update: Option<Config>,
    /// The certificate.
    #[cfg(feature = "agent")]
    pub identity: Option<super::run::Identity>,
    #[cfg(not(feature = "agent"))]
    #[serde(rename = "identity")]
    _identity: Option<toml::Table>,
}

impl AgentAccess {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Where it cannot be understood.
    pub fn read(&self) -> Result<AgentConfig> {
        toml::from_str(&read(&self.config)?).map_err(|error| Failure::during(self.config.display(), error))
    }

    /// The section of slots and images.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn update(&self, config: AgentConfig) -> Result<Config> {
        let failed = |reason: String| Failure::during(self.config.display(), reason);
        let update = config.update.ok_or_else(|| failed("it has no section [update]: slots and images".into()))?;
        update.check().map_err(|reason| failed(format!("[update]: {reason}")))?;
        Ok(update)
    }

    /// Connects to the TPM: the command line's, else the configuration's.
    ///
    /// # Errors
    /// It cannot be reached.
    pub fn connect(&self, config: &AgentConfig) -> Result<SharedTpm> {
        let mut access = self.tpm.clone();
        if let (None, Some(tcti)) = (&access.tcti, &config.tcti) {
            access.tcti = Some(Tcti::parse(tcti).map_err(|error| Failure::during(self.config.display(), error))?);
        }
        access.connect()
    }
}
