//! Starting a TPM as a process of its own: ours, or Debian's swtpm as the peer.

use super::Client;
use crate::run::{Guard, Result, cargo, run, target_dir};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Which program is the TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Debian's swtpm.
    Swtpm,
    /// An `ironroot` binary.
    Ironroot(PathBuf),
}

impl Program {
    /// `swtpm`, `ironroot` (built first) or the path of a binary of ours.
    pub fn from_option(name: &str) -> Result<Self> {
        match name {
            "swtpm" => Ok(Self::Swtpm),
            "ironroot" => built().map(Self::Ironroot),
            path if Path::new(path).is_file() => Ok(Self::Ironroot(path.into())),
            other => Err(format!("{other:?} is neither swtpm, ironroot nor a file")),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Swtpm => "swtpm",
            Self::Ironroot(_) => "ironroot",
        }
    }

    /// The command line that serves swtpm's data channel on the UNIX socket `socket`, with state in `state`.
    fn command(&self, state: &Path, socket: &Path) -> Command {
        let control = control_path(socket);
        match self {
            Self::Swtpm => {
                let mut command = Command::new("swtpm");
                command
                    .args(["socket", "--tpm2", "--flags", "not-need-init"])
                    .arg("--tpmstate")
                    .arg(format!("dir={}", state.display()))
                    .arg("--server")
                    .arg(format!("type=unixio,path={}", socket.display()))
                    .arg("--ctrl")
                    .arg(format!("type=unixio,path={}", control.display()));
                command
            }
            Self::Ironroot(binary) => {
                let mut command = Command::new(binary);
                command.arg("tpm").arg("--state").arg(state).arg("--swtpm").arg(format!("unix:{}", socket.display()));
                command
            }
        }
    }

    /// Starts the TPM and connects, once it answers.
    pub fn start(&self, state: &Path, socket: &Path) -> Result<(Guard, Client)> {
        Self::launch(self.command(state, socket), state, socket)
    }

    /// The same under strace, which writes what is done to files into `log`. It is a child of the TPM, so that killing the
    /// TPM ends both.
    pub fn start_traced(&self, state: &Path, socket: &Path, log: &Path) -> Result<(Guard, Client)> {
        let inner = self.command(state, socket);
        let mut command = Command::new("strace");
        command.args(["-D", "-f", "-y", "-s", "0", "-e", "trace=desc,file", "-o"]).arg(log);
        command.arg(inner.get_program()).args(inner.get_args());
        Self::launch(command, state, socket)
    }

    fn launch(mut command: Command, state: &Path, socket: &Path) -> Result<(Guard, Client)> {
        std::fs::create_dir_all(state).map_err(|e| format!("cannot make {}: {e}", state.display()))?;
        for stale in [socket.to_path_buf(), control_path(socket)] {
            let _ = std::fs::remove_file(stale);
        }
        let shown = crate::run::show(&command);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| format!("cannot start `{shown}`: {e}"))?;
        let mut guard = Guard(child);
        let mut client = crate::run::retry(Duration::from_secs(10), || Client::connect(socket)).map_err(|error| {
            match guard.0.try_wait() {
                Ok(Some(status)) => format!("`{shown}` ended with {status} before it could be reached"),
                _ => format!("`{shown}`: {error}"),
            }
        })?;
        client.startup()?;
        Ok((guard, client))
    }
}

fn control_path(socket: &Path) -> PathBuf {
    socket.with_extension("ctrl")
}

/// Builds the release binary and says where it is.
pub fn built() -> Result<PathBuf> {
    run(cargo().args(["build", "--release", "--quiet", "--package", "ironroot"]))?;
    Ok(target_dir().join("release/ironroot"))
}
