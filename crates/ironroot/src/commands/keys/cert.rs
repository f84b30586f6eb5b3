//! `ironroot cert`: certificates signed by named keys.

use std::{fs, path::Path};

use ironroot_keys::CertificateUse;
use serde_json::json;

use super::give;
use crate::{
    cli::keys::{CertCommand, Issue, Output, SelfSigned, Terms, Usage, Used},
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
    let (subject, dns) = arguments.names.of(&arguments.key.reference);
    let Terms { usage, days } = arguments.terms;
    let usage = if arguments.ca { CertificateUse::Authority } else { usage.into() };
    certificate(&arguments.key, &arguments.to, &ironroot_keys::self_signed(&key, &subject, &dns, usage, days)?)
}

fn issue(arguments: &Issue) -> Result {
    let ca = read(&arguments.ca_cert)?;
    let request = read(&arguments.csr)?;
    let key = arguments.ca.open()?;
    let Terms { usage, days } = arguments.terms;
    certificate(&arguments.ca, &arguments.to, &ironroot_keys::issue(&key, &ca, &request, usage.into(), days)?)
}

fn certificate(signer: &Used, to: &Output, pem: &str) -> Result {
    give(to, pem.as_bytes(), signer.tpm.json.then(|| json!({ "certificate": pem })))
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
