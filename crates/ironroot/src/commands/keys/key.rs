//! `ironroot key`: keys by name.

use ironroot_client::wire::TpmHandle;
use ironroot_keys::{KeyEntry, TpmKey, VerifyingKey, fingerprint, jwk};
use serde_json::{Value, json};

use super::hex;
use crate::{
    cli::keys::{ExportHandle, KeyCommand, Named, Remove, Show, TpmAccess},
    failure::{Failure, Result},
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &KeyCommand) -> Result {
    match command {
        KeyCommand::Create(arguments) => create(arguments),
        KeyCommand::List(arguments) => list(arguments),
        KeyCommand::Show(arguments) => show(arguments),
        KeyCommand::Remove(arguments) => remove(arguments),
        KeyCommand::ExportHandle(arguments) => export_handle(arguments),
    }
}

fn create(arguments: &Named) -> Result {
    let list = arguments.tpm.list()?;
    let kind = arguments.kind.given().unwrap_or_default();
    let (key, new) = list.create(&arguments.tpm.keys()?, &arguments.name, kind)?;
    let print = fingerprint(&key)?;
    if arguments.tpm.json {
        let mut object = description(&arguments.name, kind.name(), &key)?;
        object["new"] = new.into();
        println!("{object}");
    } else {
        let word = if new { "is in the list" } else { "was in the list already" };
        println!("{}: {kind}, fingerprint {print}", arguments.name);
        println!(
            "The name {word} {}. The key is not stored: the TPM makes it again by its name.",
            list.path().display()
        );
    }
    Ok(())
}

fn list(arguments: &TpmAccess) -> Result {
    let list = arguments.list()?;
    let entries = list.entries()?;
    if arguments.json {
        println!("{}", json!({ "list": list.path().display().to_string(), "keys": entries }));
        return Ok(());
    }
    if entries.is_empty() {
        println!("{} has no names; make a key with ironroot key create NAME", list.path().display());
        return Ok(());
    }
    let width = entries.keys().map(|name| name.chars().count()).max().unwrap_or_default().max(4);
    println!("{:<width$} {:<9} {:<10} fingerprint", "name", "kind", "handle");
    for (name, entry) in &entries {
        let handle = entry.handle.map_or_else(|| "-".to_owned(), |handle| format!("{handle:#010x}"));
        println!("{name:<width$} {:<9} {handle:<10} {}", entry.algorithm, entry.fingerprint);
    }
    Ok(())
}

fn show(arguments: &Show) -> Result {
    let Show { key: arguments, encryption } = arguments;
    if *encryption {
        let key = arguments.tpm.keys()?.encryption_key(&arguments.name)?;
        if arguments.tpm.json {
            println!("{}", json!({ "name": arguments.name, "encryption_key": key.to_pem() }));
        } else {
            print!("{}", key.to_pem());
        }
        return Ok(());
    }
    let list = arguments.tpm.list()?;
    let key = arguments.open()?;
    let entry = list.get(&arguments.name)?;
    let kind = arguments.kind.given().map(|kind| kind.name().to_owned());
    let kind = kind.or(entry.as_ref().map(|entry| entry.algorithm.clone())).unwrap_or_default();
    if arguments.tpm.json {
        println!("{}", description(&arguments.name, &kind, &key)?);
        return Ok(());
    }
    println!("name         {}", arguments.name);
    println!("kind         {kind}");
    println!("fingerprint  {}", fingerprint(&key)?);
    println!("TPM name     {}", hex(key.name()));
    if let Some(KeyEntry { handle: Some(handle), .. }) = entry {
        let here = if key.handle() == TpmHandle(handle) { "" } else { " (not there any more; made again by name)" };
        println!("handle       {handle:#010x}{here}");
    }
    print!("{}", key.spki_pem()?);
    Ok(())
}

fn description(name: &str, kind: &str, key: &TpmKey) -> Result<Value> {
    Ok(json!({
        "name": name,
        "kind": kind,
        "fingerprint": fingerprint(key)?,
        "tpm_name": hex(key.name()),
        "public_key": key.spki_pem()?,
        // Kinds that JOSE does not have here are left out.
        "jwk": VerifyingKey::from_public(key.public()).ok().map(|key| jwk(&key)),
    }))
}

fn remove(arguments: &Remove) -> Result {
    let list = arguments.tpm.list()?;
    let entry = list.get(&arguments.name)?.ok_or_else(|| {
        Failure::new(format!("the list {} has no \"{}\": nothing to remove", list.path().display(), arguments.name))
    })?;
    // The handle first: should that fail, the list still knows of it.
    let mut evicted = None;
    if let Some(handle) = entry.handle.map(TpmHandle) {
        let keys = arguments.tpm.keys()?;
        if keys.at_handle(handle, &entry.fingerprint)?.is_some() {
            keys.evict(handle)?;
            evicted = Some(handle);
        }
    }
    list.remove(&arguments.name)?;
    let evicted = evicted.map(|handle| format!("{:#010x}", handle.0));
    if arguments.tpm.json {
        println!("{}", json!({ "removed": arguments.name, "evicted": evicted }));
        return Ok(());
    }
    println!(
        "{} is off the list{}.",
        arguments.name,
        evicted.map(|at| format!(" and out of {at}")).unwrap_or_default()
    );
    println!("The key itself is stored nowhere: the same name and kind give the same key again.");
    Ok(())
}

fn export_handle(arguments: &ExportHandle) -> Result {
    let Named { name, tpm, .. } = &arguments.key;
    let list = tpm.list()?;
    let keys = tpm.keys()?;
    let listed = list.get(name)?;
    let kind = match arguments.key.kind.given() {
        Some(kind) => kind,
        None => match &listed {
            Some(entry) => entry.kind()?,
            // Says what is missing.
            None => return list.open(&keys, name, None).map(|_| ()).map_err(Failure::from),
        },
    };
    // The list's word counts: never another key by surprise.
    drop(list.open(&keys, name, Some(kind))?);
    let key = keys.persist(name, kind, arguments.handle)?;
    if listed.is_some_and(|entry| entry.algorithm == kind.name()) {
        list.set_handle(name, Some(arguments.handle))?;
    }
    let at = format!("{:#010x}", arguments.handle.0);
    if tpm.json {
        println!("{}", json!({ "name": name, "handle": at, "fingerprint": fingerprint(&key)? }));
    } else {
        println!("{name} is at {at} until TPM2_Clear. For OpenSSL with the tpm2 provider it is handle:{at}.");
    }
    Ok(())
}
