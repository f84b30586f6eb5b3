//! Whether the daemon's sandbox holds on this machine: each thing that it forbids is tried by a child process that has
//! entered it.

use std::{
    io::Write as _,
    net::TcpListener,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Command, ExitStatus},
};

use ironroot_host::sandbox::{
    self, Sandbox, Work,
    trial::{ALL, Ground, Guard, Trial},
};

use crate::{
    cli,
    failure::{Failure, Result},
};

const SIGSYS: i32 = 31;

/// Tries one thing, as the child.
///
/// # Errors
/// The sandbox cannot be entered.
pub fn run(arguments: &cli::Trial) -> Result {
    if !arguments.bare {
        let memory = Some(sandbox::prepare(None, false)?);
        let sandbox = match (arguments.service, arguments.connector) {
            // It may call one port, and none of these trials'.
            (_, true) => Sandbox { work: Work::Connector, calls: vec![1], ..Sandbox::default() },
            (true, false) => Sandbox { work: Work::TpmAndService, ..Sandbox::default() },
            (false, false) => Sandbox::default(),
        };
        let writable = if arguments.connector { Vec::new() } else { vec![arguments.inside.clone()] };
        Sandbox { memory, writable, ..sandbox }.enter()?;
    }
    println!("entered");
    std::io::stdout().flush()?;
    let ground = Ground { inside: &arguments.inside, outside: &arguments.outside, listener: arguments.listener };
    match arguments.trial.attempt(&ground) {
        Ok(()) => println!("done"),
        Err(error) => println!("refused: {error}"),
    }
    Ok(())
}

/// Tries everything: whether it was stopped, and a sentence.
///
/// # Errors
/// The folders or processes that this takes cannot be made.
pub fn all() -> Result<Vec<(bool, String)>> {
    let scratch = Scratch::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    ALL.iter()
        .map(|trial| {
            let output = Command::new(std::env::current_exe()?)
                .args(["trial", trial.name, "--listener", &listener.local_addr()?.to_string()])
                .arg("--inside")
                .arg(scratch.0.join("inside"))
                .arg("--outside")
                .arg(scratch.0.join("outside"))
                .output()?;
            Ok(verdict(trial, output.status, &String::from_utf8_lossy(&output.stdout)))
        })
        .collect()
}

fn verdict(trial: &Trial, status: ExitStatus, said: &str) -> (bool, String) {
    let entered = said.starts_with("entered\n");
    let outcome = said.lines().nth(1).unwrap_or_default();
    match trial.guard {
        Guard::Seccomp if entered && status.signal() == Some(SIGSYS) => {
            (true, format!("sandbox: a daemon that tries to {trial} dies by SIGSYS"))
        }
        Guard::Landlock if entered && outcome.starts_with("refused") => {
            (true, format!("sandbox: a daemon that tries to {trial} is {outcome}"))
        }
        _ if !entered => (false, format!("sandbox: it was not tried to {trial} ({status})")),
        guard => (
            false,
            format!("sandbox: nothing stops the daemon if it wants to {trial} ({guard:?}: {outcome}, {status})"),
        ),
    }
}

/// Two folders, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("ironroot-trial-{}", std::process::id()));
        let failed = |error| Failure::during(folder.display(), error);
        for name in ["inside", "outside"] {
            std::fs::create_dir_all(folder.join(name)).map_err(failed)?;
            std::fs::write(folder.join(name).join("file"), name).map_err(failed)?;
        }
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
