//! `ironroot key`: keys by name.

use ironroot_client::wire::TpmHandle;
use ironroot_keys::{KeyEntry, KeyReference, TpmKey, VerifyingKey, fingerprint, jwk};
use serde_json::{Value, json};

use super::{hex, stored};
use crate::{
    cli::{
        keys::{ExportHandle, KeyCommand, Named, Remove, Show, TpmAccess, Used},
        stored_keys::Create,
    },
    failure::{Failure, Result},
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &KeyCommand) -> Result {
    match command {
        KeyCommand::Create(arguments) => match &arguments.stored {
            Some(path) => stored::create(arguments, path),
            None => create(arguments),
        },
        KeyCommand::List(arguments) => list(arguments),
        KeyCommand::Show(arguments) => show(arguments),
        KeyCommand::Remove(arguments) => remove(arguments),
        KeyCommand::ExportHandle(arguments) => export_handle(arguments),
        KeyCommand::ExportTss2(arguments) => stored::export(arguments),
        KeyCommand::Import(arguments) => stored::import(arguments),
        KeyCommand::Parent(arguments) => stored::parent(arguments),
        KeyCommand::Approve(arguments) => stored::approve(arguments),
    }
}

fn create(arguments: &Create) -> Result {
    if let Some(option) = arguments.without_stored() {
        return Err(Failure::new(format!(
            "{option} is for keys with a file of their own (--stored FILE): a named key is what its name makes it"
        )));
    }
    let name = arguments.name.as_deref().unwrap_or_default();
    let list = arguments.tpm.list()?;
    let kind = arguments.kind.given().unwrap_or_default();
    let (key, new) = list.create(&arguments.tpm.keys()?, name, kind)?;
    let print = fingerprint(&key)?;
    if arguments.tpm.json {
        let mut object = description(name, kind.name(), &key)?;
        object["new"] = new.into();
        println!("{object}");
    } else {
        let word = if new { "is in the list" } else { "was in the list already" };
        println!("{}: {kind}, fingerprint {print}", name);
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
    let KeyReference::Name(name) = &arguments.reference else {
        return show_other(arguments, *encryption);
    };
    if *encryption {
        let key = arguments.tpm.keys()?.encryption_key(name)?;
        if arguments.tpm.json {
            println!("{}", json!({ "name": name, "encryption_key": key.to_pem() }));
        } else {
            print!("{}", key.to_pem());
        }
        return Ok(());
    }
    let list = arguments.tpm.list()?;
    let key = arguments.open()?;
    let entry = list.get(name)?;
    let kind = arguments.kind.given().map(|kind| kind.name().to_owned());
    let kind = kind.or(entry.as_ref().map(|entry| entry.algorithm.clone())).unwrap_or_default();
    if arguments.tpm.json {
        println!("{}", description(name, &kind, &key)?);
        return Ok(());
    }
    println!("name         {name}");
    println!("kind         {kind}");
    show_public(&key)?;
    if let Some(KeyEntry { handle: Some(handle), .. }) = entry {
        let here = if key.handle() == TpmHandle(handle) { "" } else { " (not there any more; made again by name)" };
        println!("handle       {handle:#010x}{here}");
    }
    print!("{}", key.spki_pem()?);
    Ok(())
}

/// A key that has no name.
fn show_other(arguments: &Used, encryption: bool) -> Result {
    if encryption {
        return Err(Failure::new("--encryption is for names: a device decrypts by name"));
    }
    let key = arguments.open()?;
    if arguments.tpm.json {
        let mut object = description(&arguments.reference.to_string(), "", &key)?;
        object["kind"] = Value::Null;
        println!("{object}");
        return Ok(());
    }
    println!("key          {}", arguments.reference);
    show_public(&key)?;
    print!("{}", key.spki_pem()?);
    Ok(())
}

fn show_public(key: &TpmKey) -> Result {
    println!("fingerprint  {}", fingerprint(key)?);
    println!("TPM name     {}", hex(key.name()));
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
