//! `ironroot up`: a TPM with an endorsement certificate, and the provisioning service beside it.

use ironroot_host::sandbox;
use serde_json::json;

use super::env::Running;
use crate::{
    cli::Up,
    failure::Result,
    plant::{Addresses, Plant},
    stop,
};

/// Runs both until Ctrl-C.
///
/// # Errors
/// What did not start, and why.
pub fn run(arguments: &Up) -> Result {
    let memory = sandbox::prepare(None, false)?;
    if let Some(gap) = memory.gap() {
        tracing::warn!("{gap}");
    }
    let plant = Plant::at(&arguments.state, arguments.device_source.clone());
    let (device, made) = plant.device()?;
    let addresses =
        Addresses { mssim: Some(arguments.mssim), swtpm: Some(arguments.swtpm.clone()), service: arguments.service };
    let running = plant.start(device.tpm, &addresses, Some((arguments.seccomp, memory)))?;
    let stopper = running.daemon.stopper();
    stop::on_signal(move || stopper.stop())?;

    let entry = Running {
        pid: std::process::id(),
        tcti: running.daemon.tcti_lines(),
        service: running.service_url(),
        state: std::path::absolute(&arguments.state).unwrap_or_else(|_| arguments.state.clone()),
    };
    entry.write(&arguments.state)?;
    if arguments.json {
        println!("{}", json!({ "running": entry, "device_value": device.grade.source, "manufactured": made }));
    } else {
        let word = if made { "manufactured" } else { "opened" };
        println!("TPM {word} in {}", arguments.state.display());
        println!("device value: {} ({})", device.grade.source, device.grade.words());
        println!("service: {}", entry.service);
        println!();
        for line in &entry.tcti {
            println!("export TPM2TOOLS_TCTI={line}");
        }
        println!("\nCtrl-C ends both in order.");
    }
    let ended = running.wait();
    Running::remove(&arguments.state);
    ended
}
