//! The service's processes: started, killed without a warning, started again at the same address.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::failure::{Failure, Result};

/// What all nodes have in common.
pub struct Settings {
    /// The service's folder.
    pub folder: PathBuf,
    /// The root of the devices' endorsement certificates.
    pub root: PathBuf,
    /// The database, if it is not the file in the folder.
    pub database: Option<String>,
}

/// A service process.
pub struct Node {
    process: Child,
    /// Its address.
    pub url: String,
}

impl Node {
    /// Starts a node, on a free port or at an address that it had before, and waits until it answers.
    ///
    /// # Errors
    /// It did not start.
    pub fn start(settings: &Settings, listen: &str) -> Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        command.args(["provision", "serve", "--json", "--batch-required", "--listen", listen]);
        command.arg("--state").arg(&settings.folder).arg("--trusted-root").arg(&settings.root);
        match &settings.database {
            // Not on the command line, where everybody reads it.
            Some(url) => command.env("IRONROOT_DATABASE", url),
            None => command.env_remove("IRONROOT_DATABASE"),
        };
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let said: Option<Value> = serde_json::from_str(&line).ok();
        match said.as_ref().and_then(|said| said["service"].as_str()) {
            Some(url) => Ok(Self { process, url: url.to_owned() }),
            None => {
                let _ = process.kill();
                let status = process.wait()?;
                Err(Failure::new(format!("a node of the service did not start ({status}): what it said is above")))
            }
        }
    }

    /// Kills the node, as a power failure would, and starts it again.
    ///
    /// # Errors
    /// It did not come back.
    pub fn kill_and_restart(&mut self, settings: &Settings) -> Result {
        self.process.kill()?;
        self.process.wait()?;
        let listen = self.url.trim_start_matches("http://").to_owned();
        *self = Self::start(settings, &listen)?;
        Ok(())
    }

    /// Ends the node in order.
    ///
    /// # Errors
    /// It did not end in order.
    pub fn stop(mut self) -> Result {
        let number = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(number) = number {
            rustix::process::kill_process(number, rustix::process::Signal::TERM)?;
        }
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("a node ended badly: {status}"))) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has ended already, or nobody is left to end it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long a device tries before it gives up: nodes come back much sooner.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where the factory's root certificate is, for the nodes.
pub fn root_file(folder: &Path) -> PathBuf {
    folder.join("factory").join("ca.pem")
}
