//! `ironroot demo`: a device identity from end to end, and the attacks that fail.

mod defence;
mod enrolment;
mod timeline;
mod tls;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ironroot_client::{Tcti, Tpm as Client};
use ironroot_keys::SharedTpm;

use crate::{
    cli::Demo,
    failure::{Failure, Result},
    plant::{Addresses, Plant, Started},
};
use timeline::Timeline;

/// The default folder's name.
const FOLDER: &str = "ironroot-demo";

/// Runs the demonstration.
///
/// # Errors
/// The step that failed, and why.
pub fn run(arguments: &Demo) -> Result {
    let folder = new_folder(arguments.state.as_deref())?;
    let mut timeline = Timeline::new(arguments.json);
    let outcome = steps(&folder, &mut timeline);
    let written = timeline.finish(&folder, outcome.as_ref().err());
    outcome.and(written)
}

fn steps(folder: &Path, timeline: &mut Timeline) -> Result {
    let plant = Plant::at(folder, None);

    timeline.step(1, "manufacture: product secret and device value become a TPM");
    let (device, _) = plant.device()?;
    timeline.note(format!("device value: {}", device.grade.source));
    timeline.note(format!("its strength: {}", device.grade.words()));
    timeline.note("endorsement certificates (P-256, RSA-2048) from the factory's CA are in NV".into());
    timeline.done();

    timeline.step(2, "start: the TPM as a daemon, the provisioning service beside it");
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let addresses = Addresses { mssim: Some(loopback), swtpm: None, service: loopback };
    let running = plant.start(device.tpm, &addresses, None)?;
    let tcti = running.daemon.tcti_lines().into_iter().next().unwrap_or_default();
    timeline.note(format!("TPM: {tcti}"));
    timeline.note(format!("service: {}", running.service_url()));
    timeline.done();

    let outcome = with_running(folder, &plant, &running, &tcti, timeline);
    let stopped = running.stop();
    outcome.and(stopped)?;

    timeline.step(6, "look: what is left in the folder");
    for (path, what) in contents() {
        timeline.note(format!("{:<34} {what}", folder.join(path).display()));
    }
    timeline.done();
    Ok(())
}

fn with_running(folder: &Path, plant: &Plant, running: &Started, tcti: &str, timeline: &mut Timeline) -> Result {
    let tpm = SharedTpm::new(Client::connect(&Tcti::parse(tcti)?)?);

    timeline.step(3, "enrol: credential activation in six steps");
    let identity = enrolment::enrol(&tpm, &running.service_url(), timeline)?;
    std::fs::write(folder.join("device").join("identity.pem"), format!("{}{}", identity.certificate, identity.chain))
        .map_err(|error| Failure::during(folder.display(), error))?;
    timeline.done();

    timeline.step(4, "use: mutual TLS 1.3, the client's key stays in the TPM");
    tls::exchange(&identity, running.service.authority_pem(), timeline)?;
    timeline.done();

    timeline.step(5, "defend: what a thief and a liar get");
    defence::stolen_folder(folder, plant, timeline)?;
    defence::foreign_key(&tpm, &identity, timeline)?;
    defence::replayed_ticket(&identity, timeline)?;
    timeline.done();
    Ok(())
}

/// The folder, which must be new: nothing of the user's is touched.
fn new_folder(wanted: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = wanted {
        let occupied = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if occupied {
            return Err(Failure::new(format!(
                "{}: the folder is not empty, and the demonstration wants a fresh one; name another with --state",
                path.display()
            )));
        }
        crate::device::create_folder(path)?;
        return Ok(path.into());
    }
    for number in 1..1000u32 {
        let name = if number == 1 { FOLDER.to_owned() } else { format!("{FOLDER}-{number}") };
        let path = PathBuf::from(name);
        if !path.exists() {
            crate::device::create_folder(&path)?;
            return Ok(path);
        }
    }
    Err(Failure::new(format!("{FOLDER} to {FOLDER}-999 are all there; remove some, or name a folder with --state")))
}

const fn contents() -> [(&'static str, &'static str); 6] {
    [
        ("product/secret", "the product secret (a white-box or hardware holds it in a real product)"),
        ("factory", "the manufacturing CA that signs endorsement certificates"),
        ("device/tpm", "the TPM's folder: sealed state, nothing in the clear"),
        ("device/identity.pem", "the device's certificate"),
        ("service", "the provisioning service: identity CA and database"),
        ("timeline.json", "this run, for programs"),
    ]
}
