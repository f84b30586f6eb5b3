//! `ironroot doctor`: what is wrong with a TPM's folder and this machine, and what to do.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use ironroot_anchor::{machine::Machine, words};
use ironroot_platform::Durability;
use ironroot_store::Options;
use serde_json::json;

use super::trial;
use crate::{
    cli::Doctor,
    commands::state::rollback_defence,
    crypto,
    device::Place,
    failure::{Failure, Result},
};

/// One finding.
struct Finding {
    ok: bool,
    text: String,
}

/// Looks, and fails if anything is wrong.
///
/// # Errors
/// The number of problems.
pub fn run(arguments: &Doctor) -> Result {
    let mut findings = vec![good(format!("public-key primitives: {}", crypto::provider().name()))];
    findings.extend(machine());
    if let Some(folder) = &arguments.state {
        let place = Place::new(folder.clone(), arguments.product_secret.clone(), None);
        findings.extend(state(&place.sealed_as(&arguments.access)?));
    }
    if arguments.sandbox {
        findings.extend(trial::all()?.into_iter().map(|(ok, text)| Finding { ok, text }));
    }
    let problems = findings.iter().filter(|finding| !finding.ok).count();
    if arguments.json {
        let list: Vec<_> = findings.iter().map(|finding| json!({ "ok": finding.ok, "text": finding.text })).collect();
        println!("{}", json!({ "findings": list, "problems": problems }));
    } else {
        for finding in &findings {
            println!("{} {}", if finding.ok { "ok     " } else { "PROBLEM" }, finding.text);
        }
    }
    if problems == 0 { Ok(()) } else { Err(Failure::new(format!("{problems} problem(s) found"))) }
}

fn good(text: String) -> Finding {
    Finding { ok: true, text }
}

fn bad(text: String) -> Finding {
    Finding { ok: false, text }
}

fn machine() -> Vec<Finding> {
    let machine = Machine::this();
    let mut findings = Vec::new();
    for (source, value) in machine.candidates() {
        findings.push(good(match value {
            Ok(value) => format!("device value {source}: {}", words(value.resistance)),
            Err(error) => format!("device value {source}: not on this machine ({error})"),
        }));
    }
    findings.push(match machine.best() {
        Some((source, _)) => good(format!("a new TPM would be bound to {source}")),
        None => good("this machine has no stable value: a new TPM would be bound to a random file".into()),
    });
    findings
}

fn state(place: &Place) -> Vec<Finding> {
    if !place.is_manufactured() {
        return vec![bad(format!(
            "{}: no TPM here; `ironroot tpm --state {}` makes one",
            place.folder.display(),
            place.folder.display()
        ))];
    }
    let mut findings = vec![permissions(&place.folder, 0o700), permissions(&place.folder.join("state"), 0o600)];
    findings.push(permissions(&place.product_secret, 0o600));
    findings.push(match place.open(Options { durability: Durability::Power }) {
        Ok(_) => good(format!("{}: the state opens and every record is intact", place.folder.display())),
        Err(failure) => bad(failure.to_string()),
    });
    let defence = rollback_defence(place).into_iter();
    findings.extend(defence.map(|words| good(format!("{}: {words}", place.folder.display()))));
    findings
}

fn permissions(path: &Path, wanted: u32) -> Finding {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 == 0 => good(format!("{}: private", path.display())),
        Ok(metadata) => bad(format!(
            "{}: others may use it (mode {:03o}); run `chmod {wanted:o} {}`",
            path.display(),
            metadata.permissions().mode() & 0o777,
            path.display()
        )),
        Err(error) => bad(format!("{}: {error}", path.display())),
    }
}
