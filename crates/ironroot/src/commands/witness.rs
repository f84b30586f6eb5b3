//! `ironroot witness`: a counter for the TPMs of other machines; and the process that calls it for a daemon.

use std::{
    io,
    net::SocketAddr,
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::Path,
};

use ironroot_host::sandbox::{self, Sandbox, Work};
use ironroot_platform::{Entropy as _, host::OsEntropy};
use ironroot_witness::{
    Bounds, Enrolment, EnrolmentFolder, Ledger, Server, SigningKey, Witness, hex, serve_connector, unhex,
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    cli::{ConnectorArguments, WitnessCommand, WitnessEnrol, WitnessList, WitnessServe, WitnessWithdraw},
    crypto::provider,
    device::create_folder,
    failure::{Failure, Result},
    stop,
};

const KEY: &str = "key";
const LEDGER: &str = "ledger";

/// Runs a command.
///
/// # Errors
/// The command's failure.
pub fn run(command: &WitnessCommand) -> Result {
    match command {
        WitnessCommand::Serve(arguments) => serve(arguments),
        WitnessCommand::Enrol(arguments) => enrol(arguments),
        WitnessCommand::Withdraw(arguments) => withdraw(arguments),
        WitnessCommand::List(arguments) => list(arguments),
    }
}

/// Serves until it is stopped.
fn serve(arguments: &WitnessServe) -> Result {
    let memory = sandbox::prepare(arguments.runas.as_deref(), false)?;
    if let Some(gap) = memory.gap() {
        tracing::warn!("{gap}");
    }
    let folder = &arguments.state;
    let key = key_or_new(folder)?;
    let public = hex(key.public());
    let ledger = Ledger::open_file(&folder.join(LEDGER), key.public(), false)?;
    if ledger.damaged() > 0 {
        tracing::error!(
            "{}: {} places are damaged: the witness no longer knows the states whose numbers were there, and their TPMs refuse to \
             start until `ironroot state accept-rollback --new-counter …`",
            folder.join(LEDGER).display(),
            ledger.damaged()
        );
    }
    let witness = Witness::new(key, ledger, EnrolmentFolder::of(folder), Box::new(OsEntropy));
    let bounds = Bounds { connections: arguments.connections.max(1), ..Bounds::default() };
    let mut server = Server::bind(witness, arguments.listen, bounds)?;
    let address = server.address()?;
    let (stopped, stopper) = UnixStream::pair()?;
    let holds = Sandbox {
        // Sockets that are open already, and the files of one folder: a witness needs no more than a TPM does.
        work: Work::Tpm,
        seccomp: arguments.seccomp,
        writable: vec![folder.clone()],
        memory: Some(memory),
        ..Sandbox::default()
    }
    .enter()?;
    let mut stopper = Some(stopper);
    stop::on_signal(move || drop(stopper.take()))?;
    if arguments.json {
        let sandbox = json!({ "files": holds.paths.to_string(), "seccomp": holds.seccomp.to_string() });
        println!("{}", json!({ "address": address, "public_key": public, "sandbox": sandbox }));
    } else {
        println!("witness in {} at {address}, public key {public}", folder.display());
        println!("`ironroot witness enrol --state {} --output FILE` lets a machine count with it", folder.display());
    }
    Ok(server.run(&stopped)?)
}

/// The key of the witness in a folder.
fn key(folder: &Path) -> Result<SigningKey> {
    let path = folder.join(KEY);
    let failed = |why: &str| {
        Failure::new(format!(
            "{}: {why}; name the folder of a witness (`ironroot witness serve` makes one)",
            path.display()
        ))
    };
    let bytes = Zeroizing::new(std::fs::read(&path).map_err(|error| failed(&error.to_string()))?);
    let seed: [u8; 32] = (**bytes).try_into().map_err(|_| failed("this is no key of a witness"))?;
    Ok(SigningKey::new(provider(), Zeroizing::new(seed))?)
}

/// The same; a new witness if the folder is empty. The key is made last, so that there is none without its ledger.
fn key_or_new(folder: &Path) -> Result<SigningKey> {
    create_folder(folder)?;
    if folder.join(KEY).exists() || folder.join(LEDGER).exists() {
        return key(folder);
    }
    let mut seed = Zeroizing::new([0; 32]);
    OsEntropy.fill(&mut *seed)?;
    let made = SigningKey::new(provider(), seed.clone())?;
    drop(Ledger::open_file(&folder.join(LEDGER), made.public(), true)?);
    ironroot_witness::write_new(&folder.join(KEY), &*seed)
        .map_err(|error| Failure::during(folder.join(KEY).display(), error))?;
    Ok(made)
}

fn enrol(arguments: &WitnessEnrol) -> Result {
    let witness = key_or_new(&arguments.state)?;
    let folder = EnrolmentFolder::of(&arguments.state);
    let made = folder.add(witness.public(), &arguments.label, arguments.states, &mut OsEntropy)?;
    if let Err(error) = made.save(&arguments.output) {
        folder.withdraw(&made.enrolment)?;
        return Err(error.into());
    }
    let name = hex(&made.enrolment);
    if arguments.json {
        println!(
            "{}",
            json!({ "enrolment": name, "states": arguments.states, "output": arguments.output, "witness": hex(&made.witness) })
        );
    } else {
        println!("{}: enrolment {name}, for {} states", arguments.output.display(), arguments.states);
        println!("On the machine: ironroot tpm … --counter witness=HOST:PORT,key={}", arguments.output.display());
    }
    Ok(())
}

fn withdraw(arguments: &WitnessWithdraw) -> Result {
    let enrolment = unhex(&arguments.enrolment).ok_or_else(|| {
        Failure::new(format!(
            "{}: this is no enrolment; take one that `ironroot witness list` shows",
            arguments.enrolment
        ))
    })?;
    EnrolmentFolder::of(&arguments.state).withdraw(&enrolment)?;
    if arguments.json {
        println!("{}", json!({ "withdrawn": arguments.enrolment }));
    } else {
        println!("enrolment {} is withdrawn; states that were registered with it go on", arguments.enrolment);
    }
    Ok(())
}

fn list(arguments: &WitnessList) -> Result {
    let witness = key(&arguments.state)?;
    let enrolments = EnrolmentFolder::of(&arguments.state).list()?;
    let ledger = Ledger::look(&arguments.state.join(LEDGER), witness.public())?;
    let mut entries: Vec<_> = ledger.entries().collect();
    entries.sort_unstable_by_key(|(name, _)| **name);
    let used = |name: &[u8; 16]| ledger.registered(name);
    if arguments.json {
        let enrolment = |(name, one): &([u8; 16], Enrolment)| json!({ "enrolment": hex(name), "label": one.label, "states": one.states, "used": used(name) });
        let enrolments: Vec<_> = enrolments.iter().map(enrolment).collect();
        let states = entries.iter().map(|(name, entry)| {
            let enrolment = hex(&entry.enrolment);
            json!({ "name": hex(*name), "number": entry.number, "changed": entry.changed, "enrolment": enrolment })
        });
        let states: Vec<_> = states.collect();
        println!(
            "{}",
            json!({
                "public_key": hex(witness.public()),
                "enrolments": enrolments,
                "states": states,
                "damaged": ledger.damaged(),
            })
        );
        return Ok(());
    }
    println!("witness in {}, public key {}", arguments.state.display(), hex(witness.public()));
    for (name, one) in &enrolments {
        println!("enrolment {}: {} of {} states  {}", hex(name), used(name), one.states, one.label);
    }
    for (name, entry) in entries {
        let time = super::state::date(entry.changed);
        println!("state {}: {:>10}  {time}  enrolment {}", hex(name), entry.number, hex(&entry.enrolment));
    }
    if ledger.damaged() > 0 {
        return Err(Failure::new(format!("{} places of the ledger are damaged", ledger.damaged())));
    }
    Ok(())
}

/// Makes connections for the daemon that started this process, until it is gone.
///
/// # Errors
/// It was not started by a daemon, or cannot be restricted.
pub fn connector(arguments: &ConnectorArguments) -> Result {
    let line = io::stdin();
    sandbox::prepare(None, false)?;
    Sandbox {
        work: Work::Connector,
        calls: arguments.addresses.iter().map(SocketAddr::port).collect(),
        ..Sandbox::default()
    }
    .enter()?;
    Ok(serve_connector(line.as_fd(), &arguments.addresses)?)
}
