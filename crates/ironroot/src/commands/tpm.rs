//! `ironroot tpm`: a TPM as a daemon in the foreground.

use ironroot_host::{
    AtStart, Daemon,
    sandbox::{self, Sandbox},
};
use ironroot_platform::Durability;
use ironroot_store::Options;
use serde_json::json;

use crate::{
    cli::{Durable, Endpoint, Start, Tpm},
    counter::Asker,
    device::Place,
    engine::HostEngine,
    failure::Result,
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

/// Runs the daemon until it is stopped.
///
/// # Errors
/// What did not start, and why.
pub fn run(arguments: &Tpm) -> Result {
    let memory = sandbox::prepare(arguments.runas.as_deref(), arguments.debuggable)?;
    if let Some(gap) = memory.gap() {
        tracing::warn!("{gap}");
    }
    let place = Place::new(arguments.state.clone(), arguments.product_secret.clone(), arguments.device_source.clone());
    let mut place = place.sealed_as(&arguments.access)?;
    place.asker = Asker::Daemon;
    place.at_least = arguments.device_grade.into();
    place.profile = arguments.profile.as_deref().map(profile::named_or_file).transpose()?;
    let durability = match arguments.durability {
        Durable::Power => Durability::Power,
        Durable::Process => Durability::Process,
    };
    let (tpm, grade) = place.open_or_manufacture(Options { durability })?;
    let mut builder = Daemon::builder(HostEngine::new(tpm))
        .at_start(arguments.start.into())
        .auto_shutdown(!arguments.no_auto_shutdown)
        .state_is_encrypted(true)
        .sandbox(Sandbox {
            seccomp: arguments.seccomp,
            writable: vec![arguments.state.clone()],
            memory: Some(memory),
            ..Sandbox::default()
        });
    if let Some(address) = arguments.mssim {
        builder = builder.mssim(address);
    }
    builder = match &arguments.swtpm {
        Some(Endpoint::Tcp(address)) => builder.swtpm(*address),
        Some(Endpoint::Unix(path)) => builder.swtpm_unix(path),
        None => builder,
    };
    let daemon = builder.start()?;
    let stopper = daemon.stopper();
    stop::on_signal(move || stopper.stop())?;
    if arguments.json {
        println!(
            "{}",
            json!({
                "tcti": daemon.tcti_lines(),
                "state": arguments.state,
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
    Ok(daemon.wait()?)
}
