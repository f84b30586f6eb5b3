//! `ironroot seal`, `unseal` and `policy`: data that this TPM gives back under conditions.

use std::{fs, path::Path};

use ironroot_keys::{Approval, Conditions, VerifyingKey};
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    cert::read,
    encrypt::{done, input},
    give, give_secret, hex,
};
use crate::{
    auth_source::AuthSource,
    cli::keys::{Policy, Seal, Unseal},
    failure::{Failure, Result},
};

/// Seals.
///
/// # Errors
/// Too much data, a file, what the TPM does not have.
pub fn seal(arguments: &Seal) -> Result {
    let data = input(arguments.files.input.as_deref())?;
    let password = password(arguments.password.as_ref())?;
    let signer = arguments.signed_by.as_deref().map(signer).transpose()?;
    let conditions = Conditions { password: &password, pcrs: arguments.pcr.as_ref(), signer: signer.as_ref() };
    let pem = ironroot_keys::seal(&arguments.tpm.connect()?, &data, conditions)?;
    let json = || json!({ "sealed": pem, "bytes": data.len() });
    give(&arguments.files.to, pem.as_bytes(), arguments.tpm.json.then(json))
}

/// Unseals.
///
/// # Errors
/// A condition that does not hold; a file.
pub fn unseal(arguments: &Unseal) -> Result {
    let pem = read(&arguments.file)?;
    let password = password(arguments.password.as_ref())?;
    let signature = match &arguments.approval {
        Some(path) => fs::read(path).map_err(|error| Failure::during(path.display(), error))?,
        None => Vec::new(),
    };
    let approval = arguments.pcr.as_ref().map(|pcrs| Approval { pcrs, signature: &signature });
    let data = ironroot_keys::unseal(&arguments.tpm.connect()?, &pem, &password, approval)
        .map_err(|error| Failure::during(arguments.file.display(), error))?;
    give_secret(&arguments.to, &data, done(arguments.tpm.json, &arguments.to, &data)?)
}

/// What a signer signs to approve PCR values.
///
/// # Errors
/// PCRs that the TPM does not have.
pub fn policy(arguments: &Policy) -> Result {
    let policy = ironroot_keys::approvable(&arguments.tpm.connect()?, &arguments.pcr)?;
    give(&arguments.to, &policy, arguments.tpm.json.then(|| json!({ "policy": hex(&policy) })))
}

/// A password that is not empty; empty for none.
pub fn password(source: Option<&AuthSource>) -> Result<Zeroizing<Vec<u8>>> {
    let password = source.map(AuthSource::load).transpose()?;
    if password.as_ref().is_some_and(|password| password.is_empty()) {
        return Err(Failure::new("--password: it is empty; leave the option out for none"));
    }
    Ok(password.unwrap_or_default())
}

/// The key of a signer of PCR values.
pub fn signer(path: &Path) -> Result<VerifyingKey> {
    VerifyingKey::from_pem(&read(path)?).map_err(|error| Failure::during(path.display(), error))
}
