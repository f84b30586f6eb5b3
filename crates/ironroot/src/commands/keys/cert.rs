//! `ironroot cert`: certificates signed by named keys.

use std::{fs, path::Path};

use ironroot_keys::CertificateUse;
use serde_json::json;

use super::{csr::subject_or_name, put};
use crate::{
    cli::keys::{CertCommand, Issue, SelfSigned, Usage},
    failure::{Failure, Result},
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &CertCommand) -> Result {
    match command {
        CertCommand::SelfSigned(arguments) => self_signed(arguments),
        CertCommand::Issue(arguments) => issue(arguments),
    }
}

fn self_signed(arguments: &SelfSigned) -> Result {
    let key = arguments.key.open()?;
    let subject = subject_or_name(arguments.subject.as_deref(), &arguments.key.name);
    let dns: Vec<&str> = arguments.dns.iter().map(String::as_str).collect();
    let usage = if arguments.ca { CertificateUse::Authority } else { arguments.usage.into() };
    let pem = ironroot_keys::self_signed(&key, &subject, &dns, usage, arguments.days)?;
    give(arguments.key.tpm.json, arguments.output.as_deref(), &pem)
}

fn issue(arguments: &Issue) -> Result {
    let certificate = read(&arguments.ca_cert)?;
    let request = read(&arguments.csr)?;
    let key = arguments.ca.open()?;
    let pem = ironroot_keys::issue(&key, &certificate, &request, arguments.usage.into(), arguments.days)?;
    give(arguments.ca.tpm.json, arguments.output.as_deref(), &pem)
}

fn give(json: bool, output: Option<&Path>, pem: &str) -> Result {
    if !json {
        return put(output, pem.as_bytes());
    }
    if output.is_some() {
        put(output, pem.as_bytes())?;
    }
    println!("{}", json!({ "certificate": pem }));
    Ok(())
}

/// A text file.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Failure::during(path.display(), error))
}

impl From<Usage> for CertificateUse {
    fn from(usage: Usage) -> Self {
        match usage {
            Usage::Both => Self::Both,
            Usage::Client => Self::Client,
            Usage::Server => Self::Server,
        }
    }
}
