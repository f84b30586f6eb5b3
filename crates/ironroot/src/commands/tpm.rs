//! `ironroot tpm`: a TPM as a daemon in the foreground.

use std::path::{Path, PathBuf};

use ironroot_host::{
    AtStart, Builder, Daemon,
    sandbox::{self, Memory, Sandbox, Seccomp},
};
use ironroot_platform::Durability;
use ironroot_store::Options;
use serde_json::json;

use crate::{
    cli::{Durable, Endpoint, Start, Tpm},
    counter::Asker,
    device::{Grade, Place},
    engine::HostEngine,
    failure::Result,
    pid::{PidFile, PidPlace},
    profile, stop,
};

impl From<Start> for AtStart {
    fn from(start: Start) -> Self {
        match start {
            Start::Off => Self::Off,
            Start::PowerOn => Self::PowerOn,
            Start::Clear => Self::StartupClear,
            Start::State => Self::StartupState,
        }
    }
}

/// How a TPM is run, whatever its command line was.
pub struct Settings {
    /// Where its parts are, and what seals it.
    pub place: Place,
    /// The profile of a new TPM, by name or as a file.
    pub profile: Option<String>,
    /// What a commit survives.
    pub durability: Durability,
    /// What happens to the TPM at the start.
    pub start: AtStart,
    /// Whether TPM2_Shutdown is sent at the end.
    pub auto_shutdown: bool,
    /// Who to become.
    pub runas: Option<String>,
    /// What happens at a forbidden system call.
    pub seccomp: Seccomp,
    /// Whether debuggers may look in.
    pub debuggable: bool,
    /// Where the process's number goes.
    pub pid: Option<PidPlace>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            place: Place::new(PathBuf::new(), None, None),
            profile: None,
            durability: Durability::Power,
            start: AtStart::Off,
            auto_shutdown: true,
            runas: None,
            seccomp: Seccomp::Kill,
            debuggable: false,
            pid: None,
        }
    }
}

/// A TPM that serves.
pub struct Running {
    /// The daemon.
    pub daemon: Daemon,
    /// What the device value is worth.
    pub grade: Grade,
    /// Whether its memory can get to a disk.
    pub memory: Memory,
    /// Goes with it.
    pid: Option<PidFile>,
}

impl Running {
    /// Waits until it is stopped.
    ///
    /// # Errors
    /// It did not end in order.
    pub fn wait(self) -> Result {
        let ended = self.daemon.wait();
        drop(self.pid);
        Ok(ended?)
    }
}

/// Starts a daemon behind the doors that `doors` opens.
///
/// # Errors
/// What did not start, and why.
pub fn start(settings: Settings, doors: impl FnOnce(Builder) -> Builder) -> Result<Running> {
    let memory = sandbox::prepare(settings.runas.as_deref(), settings.debuggable)?;
    if let Some(gap) = memory.gap() {
        tracing::warn!("{gap}");
    }
    let mut place = settings.place;
    place.asker = Asker::Daemon;
    place.profile = settings.profile.as_deref().map(profile::named_or_file).transpose()?;
    let mut pid = settings.pid.as_ref().map(PidPlace::open).transpose()?;
    let (tpm, grade) = place.open_or_manufacture(Options { durability: settings.durability })?;
    let builder = Daemon::builder(HostEngine::new(tpm))
        .at_start(settings.start)
        .auto_shutdown(settings.auto_shutdown)
        .state_is_encrypted(true)
        .sandbox(Sandbox {
            seccomp: settings.seccomp,
            writable: vec![place.folder.clone()],
            removable: pid.iter().filter_map(PidFile::folder).map(Path::to_owned).collect(),
            memory: Some(memory),
            ..Sandbox::default()
        });
    let daemon = doors(builder).start()?;
    let stopper = daemon.stopper();
    stop::on_signal(move || stopper.stop())?;
    if let Some(pid) = &mut pid {
        pid.write()?;
    }
    Ok(Running { daemon, grade, memory, pid })
}

/// Runs the daemon until it is stopped.
///
/// # Errors
/// What did not start, and why.
pub fn run(arguments: &Tpm) -> Result {
    let place = Place::new(arguments.state.clone(), arguments.product_secret.clone(), arguments.device_source.clone());
    let mut place = place.sealed_as(&arguments.access)?;
    place.device.clone_from(&arguments.state_device);
    place.at_least = arguments.device_grade.into();
    let settings = Settings {
        place,
        profile: arguments.profile.clone(),
        durability: match arguments.durability {
            Durable::Power => Durability::Power,
            Durable::Process => Durability::Process,
        },
        start: arguments.start.into(),
        auto_shutdown: !arguments.no_auto_shutdown,
        runas: arguments.runas.clone(),
        seccomp: arguments.seccomp,
        debuggable: arguments.debuggable,
        pid: arguments.pid.clone(),
    };
    let running = start(settings, |mut builder| {
        if let Some(address) = arguments.mssim {
            builder = builder.mssim(address);
        }
        match &arguments.swtpm {
            Some(Endpoint::Tcp(address)) => builder.swtpm(*address),
            Some(Endpoint::Unix(path)) => builder.swtpm_unix(path),
            None => builder,
        }
    })?;
    let Running { daemon, grade, memory, .. } = &running;
    if arguments.json {
        println!(
            "{}",
            json!({
                "tcti": daemon.tcti_lines(),
                "state": arguments.state,
                "state_device": arguments.state_device,
                "device_value": grade.source,
                "sandbox": daemon.sandbox().map(|holds| json!({
                    "files": holds.paths.to_string(),
                    "seccomp": holds.seccomp.to_string(),
                    "memory": memory.to_string(),
                })),
            })
        );
    } else {
        println!("TPM in {} (device value: {}; {})", arguments.state.display(), grade.source, grade.words());
        for line in daemon.tcti_lines() {
            println!("export TPM2TOOLS_TCTI={line}");
        }
    }
    running.wait()
}
