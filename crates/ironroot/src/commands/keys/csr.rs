//! `ironroot csr`: a certificate request, signed by the key that it is for.

use serde_json::json;

use super::put;
use crate::{cli::keys::CsrArguments, failure::Result};

/// Makes the request.
///
/// # Errors
/// The key cannot be had, or a name cannot be understood.
pub fn run(arguments: &CsrArguments) -> Result {
    let key = arguments.key.open()?;
    let subject = subject_or_name(arguments.subject.as_deref(), &arguments.key.name);
    let dns: Vec<&str> = arguments.dns.iter().map(String::as_str).collect();
    let pem = ironroot_keys::csr(&key, &subject, &dns)?.to_pem()?;
    if arguments.key.tpm.json {
        if arguments.output.is_some() {
            put(arguments.output.as_deref(), pem.as_bytes())?;
        }
        println!("{}", json!({ "name": arguments.key.name, "subject": subject, "csr": pem }));
        return Ok(());
    }
    put(arguments.output.as_deref(), pem.as_bytes())
}

/// The subject that was given, or the key's name as the common name (RFC 4514, 2.4).
pub fn subject_or_name(subject: Option<&str>, name: &str) -> String {
    subject.map_or_else(|| format!("CN={}", escaped(name)), str::to_owned)
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (at, character) in value.char_indices() {
        if r#",+"\<>;="#.contains(character) || (at == 0 && character == '#') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
