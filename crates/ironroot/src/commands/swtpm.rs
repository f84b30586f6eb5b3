//! `swtpm socket …`: a TPM started as swtpm is.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use ironroot_host::{Address, Builder};
use serde_json::json;

use super::tpm::{self, Settings};
use crate::{
    cli::{Sealed, SwtpmCommand, SwtpmSocket},
    device::Place,
    failure::{Failure, Result},
    swtpm_options::Channel,
};

/// What a process that goes into the background says when it can serve, and is told that it is one.
const READY: &str = "IRONROOT_READY";

/// Runs the command.
///
/// # Errors
/// What did not start, and why; or an option that is not here.
pub fn run(command: &SwtpmCommand) -> Result {
    let SwtpmCommand::Socket(arguments) = command;
    if arguments.print_capabilities {
        println!("{}", capabilities());
        return Ok(());
    }
    refuse(arguments)?;
    let folder = arguments.tpmstate.as_ref().map(|path| path.0.clone());
    let folder = folder.or_else(|| std::env::var_os("TPM_PATH").map(PathBuf::from));
    let folder = folder.ok_or_else(|| Failure::new("where is the TPM's state? name its folder: --tpmstate dir=DIR"))?;
    let (data, control) = channels(arguments)?;
    if arguments.daemon && std::env::var_os(READY).is_none() {
        return go_into_background();
    }
    let place = Place::new(folder, arguments.product_secret.clone(), arguments.device_source.clone());
    let sealed = Sealed { key: arguments.key.clone(), counter: arguments.counter.clone(), instance: None };
    let settings = Settings {
        place: place.sealed_as(&sealed)?,
        profile: arguments.profile.clone(),
        start: arguments.flags.start,
        auto_shutdown: arguments.flags.auto_shutdown,
        runas: arguments.runas.clone(),
        seccomp: arguments.seccomp,
        pid: arguments.pid.clone(),
        ..Settings::default()
    };
    let terminate = arguments.terminate;
    let rejects = arguments.locality.is_some();
    let running = tpm::start(settings, |builder| {
        doors(builder, data, control).stop_after_data_client(terminate).reject_locality_4(rejects)
    })?;
    if std::env::var_os(READY).is_some() {
        // Whoever started this process waits for the line, and is gone after it.
        let _ = writeln!(std::io::stdout(), "ready");
    }
    running.wait()
}

/// What is not here, with a reason.
fn refuse(arguments: &SwtpmSocket) -> Result {
    let no = |what: &str| Err(Failure::new(what));
    if !arguments.tpm2 {
        return no("this is a TPM 2.0, and swtpm's default is a TPM 1.2: add --tpm2");
    }
    if arguments.fd.is_some() {
        return no("--fd: sockets are not taken by number here; name a port or a path with --server");
    }
    if arguments.migration_key.is_some() || arguments.migration.is_some() {
        return no(
            "--migration-key, --migration: a TPM's identity comes from its device, so its state does not migrate; volatile \
                   state is sealed under the device's key in any case; leave the option out",
        );
    }
    if arguments.print_states {
        return no("--print-states: `ironroot state inspect --state DIR --json` shows what there is");
    }
    Ok(())
}

/// The data channel and the control channel.
fn channels(arguments: &SwtpmSocket) -> Result<(Option<Channel>, Option<Channel>)> {
    let at = |port: u16| Channel {
        address: Address::Tcp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)),
        mode: None,
        disconnect: false,
        terminate: false,
    };
    let mut data = arguments.server.clone().or_else(|| arguments.port.map(at));
    if data.is_none() && arguments.ctrl.is_none() {
        let Ok(port) = std::env::var("TPM_PORT") else {
            return Err(Failure::new("where are the clients? name a channel: --server … or --ctrl …"));
        };
        let number = port.parse().map_err(|_| Failure::new(format!("TPM_PORT: {port:?} is no port: 1 to 65535")))?;
        data = Some(at(number));
    }
    let control = arguments.ctrl.clone();
    if data.as_ref().is_some_and(|data| data.terminate) || control.as_ref().is_some_and(|control| control.disconnect) {
        return Err(Failure::new("terminate is an option of --ctrl (and -t), disconnect one of --server"));
    }
    let modes: Vec<u32> = [&data, &control]
        .into_iter()
        .flatten()
        .filter(|channel| matches!(channel.address, Address::Unix(_)))
        .map(|channel| channel.mode.unwrap_or(0o770))
        .collect();
    if modes.windows(2).any(|pair| pair.first() != pair.last()) {
        return Err(Failure::new("both channels have one mode here; give the same to --server and --ctrl"));
    }
    Ok((data, control))
}

fn doors(mut builder: Builder, data: Option<Channel>, control: Option<Channel>) -> Builder {
    for (is_control, channel) in [(false, data), (true, control)] {
        let Some(channel) = channel else { continue };
        if matches!(channel.address, Address::Unix(_)) {
            builder = builder.unix_mode(channel.mode.unwrap_or(0o770));
        }
        builder = if is_control {
            builder.stop_after_control_client(channel.terminate).swtpm_control(channel.address)
        } else {
            builder.hang_up_after_command(channel.disconnect).swtpm_data(channel.address)
        };
    }
    builder
}

/// Starts this program once more, and ends when that can serve: what follows then finds the TPM there.
fn go_into_background() -> Result {
    let arguments = std::env::args_os().skip(1);
    let mut child = Command::new("/proc/self/exe")
        .args(arguments.collect::<Vec<_>>())
        .arg0(std::env::args_os().next().unwrap_or_default())
        .env(READY, "1")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    if line.trim() == "ready" {
        return Ok(());
    }
    let status = child.wait()?;
    Err(Failure::new(format!("the TPM did not start ({status}); what it said stands above, or in its log")))
}

/// What there is, in swtpm's words.
fn capabilities() -> serde_json::Value {
    json!({
        "type": "swtpm",
        "features": [
            "tpm-2.0",
            "cmdarg-seccomp",
            "cmdarg-key-fd",
            "cmdarg-pwd-fd",
            "nvram-backend-dir",
            "tpm-send-command-header",
            "flags-opt-startup",
            "flags-opt-disable-auto-shutdown",
            "rsa-keysize-2048",
            "rsa-keysize-3072",
            "rsa-keysize-4096",
        ],
        "version": env!("CARGO_PKG_VERSION"),
    })
}
