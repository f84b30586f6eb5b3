//! `ironroot key create --stored`, `export-tss2`, `import`, `parent`, `approve`: keys with files of their own.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use ironroot_client::wire::{Tpm2b, Wire as _};
use ironroot_keys::{
    Approval, Conditions, FileKind, KeyFile, KeyReference, PrivateKey, SharedTpm, StoredKey, VerifyingKey, fingerprint,
    parent_from, parent_public, read_key_file,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    cert::read,
    encrypt::input,
    give, hex,
    seal::{password, signer},
};
use crate::{
    cli::stored_keys::{Approve, Create, ExportTss2, Import, KeyConditions, Parent, Under},
    failure::{Failure, Result},
};

/// What is said whenever a key comes from outside.
const WAS_OUTSIDE: &str = "warning: this key was outside of a TPM: who had its file, or a backup of it, may have a copy. Where that \
                           matters, make a new key in the TPM (ironroot key create) and replace this one's certificate; in any case, \
                           remove the plain file from wherever it lies.";

/// `key create --stored`.
pub fn create(arguments: &Create, path: &Path) -> Result {
    let kind = arguments.kind.given().unwrap_or_default();
    let tpm = arguments.tpm.connect()?;
    let file = with_conditions(&arguments.under, &arguments.conditions, |stored| Ok(stored.create(&tpm, kind)?))?;
    let printed = print_of(&tpm, &file, &arguments.conditions)?;
    write_new(path, &file)?;
    told(arguments.tpm.json, path, &printed, kind.name())
}

/// `key import`.
pub fn import(arguments: &Import) -> Result {
    let key = plain_key(&arguments.file)?;
    let tpm = arguments.tpm.connect()?;
    let file = with_conditions(&arguments.under, &arguments.conditions, |stored| Ok(stored.import(&tpm, &key)?))?;
    let printed = print_of(&tpm, &file, &arguments.conditions)?;
    write_new(&arguments.stored, &file)?;
    eprintln!("{WAS_OUTSIDE}");
    told(arguments.tpm.json, &arguments.stored, &printed, "imported")
}

/// `key export-tss2`.
pub fn export(arguments: &ExportTss2) -> Result {
    let KeyReference::File(path) = &arguments.reference else {
        return Err(Failure::new(format!(
            "{}: a TPM gives no private part out, of which a file could be made: it makes a named key anew each time, and keeps a \
             persistent one to itself. Programs that want a file are given a key of its own (ironroot key create --stored FILE); \
             programs that take a handle use this very key (ironroot key export-handle NAME 0x81…, then handle:0x81…)",
            arguments.reference
        )));
    };
    let file = match &arguments.parent_public {
        Some(parent) => {
            let bytes = fs::read(parent).map_err(|error| Failure::during(parent.display(), error))?;
            let parent = parent_from(&bytes).map_err(|error| Failure::during(parent.display(), error))?;
            let key = plain_key(path)?;
            let conditions = KeyConditions {
                auth: arguments.auth.clone(),
                pcr: None,
                signed_by: None,
                description: arguments.description.clone(),
            };
            let file = with_conditions(&arguments.under, &conditions, |stored| Ok(stored.wrap_for(&parent, &key)?))?;
            eprintln!("{WAS_OUTSIDE}");
            file
        }
        None => {
            let file = read_key_file(path)?;
            match file.kind {
                FileKind::Importable => {
                    file.imported(&arguments.tpm.connect()?).map_err(|error| Failure::during(path.display(), error))?
                }
                _ => file,
            }
        }
    };
    let bytes = if arguments.der { file.to_der()? } else { file.to_pem()?.into_bytes() };
    let pem = file.to_pem()?;
    let json = || json!({ "kind": kind_name(file.kind), "empty_auth": file.empty_auth, "file": pem });
    give(&arguments.to, &bytes, arguments.tpm.json.then(json))
}

/// `key parent`.
pub fn parent(arguments: &Parent) -> Result {
    let Under { parent, rsa_parent } = arguments.under;
    let public = Tpm2b(parent_public(&arguments.tpm.connect()?, parent, rsa_parent)?).to_bytes();
    give(&arguments.to, &public, arguments.tpm.json.then(|| json!({ "public": hex(&public) })))
}

/// `key approve`.
pub fn approve(arguments: &Approve) -> Result {
    let mut file = read_key_file(&arguments.file)?;
    let signature =
        fs::read(&arguments.approval).map_err(|error| Failure::during(arguments.approval.display(), error))?;
    let approval = Approval { pcrs: &arguments.pcr, signature: &signature };
    file.approve(&arguments.tpm.connect()?, approval, arguments.name.as_deref())
        .map_err(|error| Failure::during(arguments.approval.display(), error))?;
    replace(&arguments.file, &file)?;
    let count = file.auth_policy.len();
    if arguments.tpm.json {
        println!("{}", json!({ "file": arguments.file.display().to_string(), "approvals": count }));
    } else {
        println!("{} has {count} approvals.", arguments.file.display());
    }
    Ok(())
}

fn with_conditions<T>(
    under: &Under,
    conditions: &KeyConditions,
    action: impl FnOnce(StoredKey<'_>) -> Result<T>,
) -> Result<T> {
    let password = password(conditions.auth.as_ref())?;
    let signer = conditions.signed_by.as_deref().map(signer).transpose()?;
    let signer: Option<&VerifyingKey> = signer.as_ref();
    action(StoredKey {
        parent: under.parent,
        rsa_parent: under.rsa_parent,
        conditions: Conditions { password: &password, pcrs: conditions.pcr.as_ref(), signer },
        description: conditions.description.as_deref(),
    })
}

/// Loads the new key once: a file that its own TPM does not take is an error now and not on the day it is needed.
fn print_of(tpm: &SharedTpm, file: &KeyFile, conditions: &KeyConditions) -> Result<String> {
    Ok(fingerprint(&file.load(tpm, &password(conditions.auth.as_ref())?)?)?)
}

fn plain_key(path: &Path) -> Result<PrivateKey> {
    let text = if path == Path::new("-") { input(None)? } else { Zeroizing::new(read(path)?.into_bytes()) };
    let text = std::str::from_utf8(&text).map_err(|_| Failure::new(format!("{}: it is no PEM", path.display())))?;
    PrivateKey::from_pem(text).map_err(|error| Failure::during(path.display(), error))
}

/// A file that was not there before: replacing a key's file is the loss of the key. Others need not read it, though only this TPM can use it.
fn write_new(path: &Path, file: &KeyFile) -> Result {
    let pem = file.to_pem()?;
    let mut open = fs::OpenOptions::new();
    let written = open.write(true).create_new(true).mode(0o600).open(path).and_then(|mut out| {
        out.write_all(pem.as_bytes())?;
        out.sync_all()
    });
    written.map_err(|error| Failure::during(path.display(), error))
}

/// Another content for a key's file, of the same form and mode: written beside it and renamed, so that a full disk does not cost the key.
fn replace(path: &Path, file: &KeyFile) -> Result {
    let failed = |error| Failure::during(path.display(), error);
    // The file itself, and not a link to it.
    let path = &fs::canonicalize(path).map_err(failed)?;
    let old = fs::read(path).map_err(failed)?;
    let mode = fs::metadata(path).map_err(failed)?.permissions();
    let bytes = if old.starts_with(b"-----BEGIN") { file.to_pem()?.into_bytes() } else { file.to_der()? };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let new = path.with_file_name(name);
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    let written = out.as_mut().map_err(|error| std::io::Error::new(error.kind(), error.to_string())).and_then(|out| {
        out.write_all(&bytes)?;
        out.set_permissions(mode)?;
        out.sync_all()?;
        fs::rename(&new, path)
    });
    if written.is_err() && out.is_ok() {
        let _ = fs::remove_file(&new);
    }
    written.map_err(|error| Failure::during(new.display(), error))
}

fn told(json: bool, path: &Path, printed: &str, kind: &str) -> Result {
    if json {
        println!("{}", json!({ "file": path.display().to_string(), "kind": kind, "fingerprint": printed }));
    } else {
        println!("{}: {kind}, fingerprint {printed}", path.display());
        println!("Use it as file:{}. Only this TPM can; keep the file, for the key is nowhere else.", path.display());
    }
    Ok(())
}

const fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Loadable => "loadable",
        FileKind::Importable => "importable",
        FileKind::Sealed => "sealed",
    }
}

impl Create {
    /// The options of stored keys alone, if one was given without `--stored`.
    pub fn without_stored(&self) -> Option<&'static str> {
        let Create { under, conditions, .. } = self;
        let given = [
            (under.rsa_parent, "--rsa-parent"),
            (conditions.auth.is_some(), "--auth"),
            (conditions.pcr.is_some(), "--pcr"),
            (conditions.signed_by.is_some(), "--signed-by"),
            (conditions.description.is_some(), "--description"),
            (under.parent != ironroot_client::wire::TpmHandle::OWNER, "--parent"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, option)| option)
    }
}
