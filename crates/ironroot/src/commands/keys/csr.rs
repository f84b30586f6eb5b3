//! `ironroot csr`: a certificate request, signed by the key that it is for.

use ironroot_keys::{KeyReference, common_name};
use serde_json::json;

use super::give;
use crate::{
    cli::keys::{CsrArguments, Names},
    failure::Result,
};

/// Makes the request.
///
/// # Errors
/// The key cannot be had, or a name cannot be understood.
pub fn run(arguments: &CsrArguments) -> Result {
    let key = arguments.key.open()?;
    let (subject, dns) = arguments.names.of(&arguments.key.reference);
    let pem = ironroot_keys::csr(&key, &subject, &dns)?.to_pem()?;
    let json = || json!({ "name": arguments.key.reference.to_string(), "subject": subject, "csr": pem });
    give(&arguments.to, pem.as_bytes(), arguments.key.tpm.json.then(json))
}

impl Names {
    /// The subject that was given, or what the key is called as the common name; the DNS names.
    pub fn of(&self, key: &KeyReference) -> (String, Vec<&str>) {
        let subject = self.subject.clone().unwrap_or_else(|| common_name(&key.label()));
        (subject, self.dns.iter().map(String::as_str).collect())
    }
}
