//! Images on a device.

use std::path::Path;

use ironroot_image::{Config, Device, DeviceBlob, DeviceRecord, Done, Outcome, Report, Status, VersionCounter};
use ironroot_keys::SharedTpm;
use serde::Serialize;

use super::super::{image, keys::read, package::bar};
use crate::{
    cli::agent::{AgentAccess, Bring, Confirm, Prepare},
    failure::{Failure, Result},
};

/// `agent prepare`.
///
/// # Errors
/// Its failure.
pub fn prepare(arguments: &Prepare) -> Result {
    let (config, tpm) = open(&arguments.device)?;
    let pcrs = arguments.pcrs.as_ref().map(|(selection, pcrs)| (selection.as_str(), pcrs));
    let record = DeviceRecord::take(&tpm, &VersionCounter::new(&tpm, config.counter()), arguments.base, pcrs)?;
    let text = serde_json::to_string_pretty(&record)?;
    match &arguments.output {
        Some(path) => std::fs::write(path, text).map_err(|error| Failure::during(path.display(), error)),
        None => {
            println!("{text}");
            Ok(())
        }
    }
}

/// `agent install`.
///
/// # Errors
/// Its failure.
pub fn install(arguments: &Bring) -> Result {
    bring(arguments, |device, image, blob| device.install(image, blob, &mut bar("written")))
}

/// `agent update`.
///
/// # Errors
/// Its failure.
pub fn update(arguments: &Bring) -> Result {
    bring(arguments, |device, image, blob| device.update(image, blob, &mut bar("written")))
}

fn bring(
    arguments: &Bring,
    action: impl FnOnce(
        &Device<'_>,
        Box<dyn std::io::Read>,
        &DeviceBlob,
    ) -> std::result::Result<Report, ironroot_image::ImageError>,
) -> Result {
    let blob = blob(&arguments.blob)?;
    let (config, tpm) = open(&arguments.device)?;
    let device = Device::open(&config, &tpm)?;
    let report = action(&device, image::open(&arguments.image)?, &blob)?;
    if arguments.device.tpm.json {
        return print(&report);
    }
    println!("image {} is in slot {}: {}", report.sequence, report.slot, report.outcome);
    if report.outcome == Outcome::Switched {
        println!("  {} bytes written, {} kept from before", report.written, report.kept);
        println!("  next: boot, then ironroot agent confirm (or ironroot agent rollback)");
    }
    Ok(())
}

fn blob(path: &Path) -> Result<DeviceBlob> {
    DeviceBlob::from_json(&read(path)?).map_err(|error| Failure::during(path.display(), error))
}

/// `agent confirm`.
///
/// # Errors
/// Its failure.
pub fn confirm(arguments: &Confirm) -> Result {
    let (config, tpm) = open(&arguments.device)?;
    let done = Device::open(&config, &tpm)?.confirm(arguments.running)?;
    let text = if done.changed { "is confirmed; nothing older is taken any more" } else { "was confirmed before" };
    say(&arguments.device, &done, text)
}

/// `agent rollback`.
///
/// # Errors
/// Its failure.
pub fn rollback(access: &AgentAccess) -> Result {
    let (config, tpm) = open(access)?;
    let done = Device::open(&config, &tpm)?.rollback()?;
    say(access, &done, "is booted next, again")
}

/// `agent boot`.
///
/// # Errors
/// Its failure.
pub fn boot(access: &AgentAccess) -> Result {
    let (config, tpm) = open(access)?;
    let done = Device::open(&config, &tpm)?.boot()?;
    if access.tpm.json {
        return print(&done);
    }
    println!("{}", done.slot);
    Ok(())
}

/// `agent status`.
///
/// # Errors
/// Its failure.
pub fn status(access: &AgentAccess) -> Result {
    let (config, tpm) = open(access)?;
    let status = Device::open(&config, &tpm)?.status()?;
    if access.tpm.json {
        return print(&status);
    }
    show(&status);
    Ok(())
}

fn show(status: &Status) {
    for (name, slot) in &status.slots {
        let mark = if status.next == Some(*name) { "*" } else { " " };
        match &slot.image {
            None => println!("{mark} {name}  no whole image"),
            Some(image) => {
                let version = image.version.as_deref().map(|version| format!(" ({version})")).unwrap_or_default();
                let usable = if slot.usable { "" } else { ", older than what was confirmed" };
                println!("{mark} {name}  {} {}{version}{usable}", image.name, image.sequence);
            }
        }
    }
    match (status.next, status.tries, status.fallback) {
        (None, ..) => println!("nothing is booted yet: ironroot agent install"),
        (Some(slot), None, _) => println!("slot {slot} is booted, and confirmed"),
        (Some(slot), Some(tries), Some(fallback)) => {
            println!("slot {slot} is on trial: {tries} more boots until slot {fallback} is taken again");
        }
        (Some(slot), Some(_), None) => println!("slot {slot} is booted, and not confirmed yet"),
    }
    if let Some((slot, _)) = &status.interrupted {
        println!("an update of slot {slot} was interrupted: the same ironroot agent update goes on");
    }
}

fn open(access: &AgentAccess) -> Result<(Config, SharedTpm)> {
    let config = access.read()?;
    let tpm = access.connect(&config)?;
    Ok((access.update(config)?, tpm))
}

fn say(access: &AgentAccess, done: &Done, text: &str) -> Result {
    if access.tpm.json {
        return print(done);
    }
    match done.sequence {
        Some(sequence) => println!("slot {} with image {sequence} {text}", done.slot),
        None => println!("slot {} {text}", done.slot),
    }
    Ok(())
}

fn print(value: &impl Serialize) -> Result {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}
