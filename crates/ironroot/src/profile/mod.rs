//! Profiles as files: JSON objects in the form of libtpms and swtpm, with what they lack added.
//!
//! ```json
//! {"Name": "custom:line-7", "Algorithms": "ecc,ecc-nist-p256,…", "Commands": "0x11f-0x122,0x124", "Limits": {"loadedObjects": 3}}
//! ```
//! What a file leaves out is as in the profile `host`.

use std::path::Path;

use ironroot_tpm::{Profile, ProfileName};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::{Failure, Result};

mod algorithms;
mod ranges;

/// A file, before its entries are looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct File {
    name: String,
    /// The format of libtpms's state; it says nothing about this TPM's.
    state_format_level: Option<u8>,
    commands: Option<String>,
    algorithms: Option<String>,
    attributes: Option<String>,
    #[allow(dead_code)]
    description: Option<String>,
    key_sizes: Option<KeySizesField>,
    limits: Option<Limits>,
    pcr_banks: Option<String>,
    pcr_allocation: Option<String>,
}

/// Exact key sizes in bits, where the smallest one does not say enough.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
struct KeySizesField {
    rsa: Option<Vec<u16>>,
    aes: Option<Vec<u16>>,
    camellia: Option<Vec<u16>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Limits {
    loaded_objects: Option<usize>,
    loaded_sessions: Option<usize>,
    active_sessions: Option<usize>,
    persistent_objects: Option<usize>,
    nv_space: Option<usize>,
    nv_index_max: Option<u16>,
    timers: Option<u32>,
}

/// The names of the built-in profiles, for messages.
fn names() -> String {
    Profile::NAMED.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The built-in profile with this name, or the profile in this file.
///
/// # Errors
/// Neither; or which field and entry of the file is wrong, and what is allowed.
pub fn named_or_file(text: &str) -> Result<Profile> {
    if let Some(profile) = Profile::named(text) {
        return Ok(profile);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(Failure::new(format!("{text} is neither a built-in profile ({}) nor a file", names())));
    }
    let content = std::fs::read_to_string(path).map_err(|error| Failure::during(path.display(), error))?;
    parse(&content).map_err(|error| Failure::during(path.display(), error))
}

/// The profile that a JSON object describes.
///
/// # Errors
/// Which field and entry is wrong, and what is allowed.
pub fn parse(text: &str) -> Result<Profile> {
    let file: File = serde_json::from_str(text)?;
    let name = ProfileName::new(&file.name).ok_or_else(|| {
        Failure::new(format!("Name: {:?} is not 1 to 32 letters, digits, and the characters -_.:", file.name))
    })?;
    if let Some(built_in) = Profile::named(&file.name) {
        return as_built_in(&file, built_in);
    }
    if let Some(attributes) = file.attributes.as_deref().filter(|attributes| !attributes.is_empty()) {
        return Err(Failure::new(format!(
            "Attributes: {attributes:?} are libtpms's and have no meaning here; leave the field out, and what is not \
             wanted out of Algorithms"
        )));
    }
    if let Some(level) = file.state_format_level.filter(|level| !(1..=8).contains(level)) {
        return Err(Failure::new(format!("StateFormatLevel: {level} is not one of libtpms's levels, 1 to 8")));
    }
    let mut profile = Profile { name, ..Profile::HOST };
    if let Some(list) = &file.algorithms {
        profile.rules = algorithms::parse(list)?;
    }
    if let Some(sizes) = &file.key_sizes {
        let all = Profile::EVERYTHING.rules;
        for (sizes, field, implemented) in [
            (&sizes.rsa, &mut profile.rules.rsa_key_bits, all.rsa_key_bits),
            (&sizes.aes, &mut profile.rules.aes_key_bits, all.aes_key_bits),
            (&sizes.camellia, &mut profile.rules.camellia_key_bits, all.camellia_key_bits),
        ] {
            if let Some(sizes) = sizes {
                *field = algorithms::exact_sizes(sizes, implemented)?;
            }
        }
    }
    if let Some(list) = &file.commands {
        profile.commands = ranges::parse(list)?;
    }
    set_banks(&mut profile, &file)?;
    if let Some(limits) = &file.limits {
        set_limits(&mut profile, limits);
    }
    profile.validate()?;
    Ok(profile)
}

/// A file that names a built-in profile may say no more than what that profile is.
fn as_built_in(file: &File, built_in: Profile) -> Result<Profile> {
    let other = [
        ("Commands", file.commands.as_deref().is_some_and(|list| ranges::parse(list).ok() != Some(built_in.commands))),
        ("Algorithms", file.algorithms.as_deref().is_some_and(|list| !algorithms::describes(list, &built_in.rules))),
        (
            "Limits",
            file.limits.as_ref().is_some_and(|limits| {
                let mut limited = built_in;
                set_limits(&mut limited, limits);
                limited != built_in
            }),
        ),
    ];
    match other.into_iter().find(|(_, differs)| *differs) {
        Some((field, _)) => Err(Failure::new(format!(
            "{field}: is not that of the built-in profile {}; name a profile of your own custom:NAME",
            built_in.name
        ))),
        None => Ok(built_in),
    }
}

/// The banks: those that are named, or the ones of `host` whose hashes there are.
fn set_banks(profile: &mut Profile, file: &File) -> Result {
    let hashes = profile.rules.algorithms;
    profile.pcr_banks = match &file.pcr_banks {
        Some(list) => algorithms::hashes("PcrBanks", list)?,
        None => profile.pcr_banks.and(hashes),
    };
    profile.pcr_allocation = match &file.pcr_allocation {
        Some(list) => algorithms::hashes("PcrAllocation", list)?,
        None => profile.pcr_allocation.and(profile.pcr_banks),
    };
    Ok(())
}

fn set_limits(profile: &mut Profile, limits: &Limits) {
    let set = |field: &mut usize, value: Option<usize>| *field = value.unwrap_or(*field);
    set(&mut profile.loaded_objects, limits.loaded_objects);
    set(&mut profile.loaded_sessions, limits.loaded_sessions);
    set(&mut profile.active_sessions, limits.active_sessions);
    set(&mut profile.persistent_objects, limits.persistent_objects);
    set(&mut profile.nv_space, limits.nv_space);
    profile.nv_index_max = limits.nv_index_max.unwrap_or(profile.nv_index_max);
    profile.timers = limits.timers.unwrap_or(profile.timers);
}

/// The JSON object of a profile: [`parse`] makes the same profile of it.
pub fn to_json(profile: &Profile) -> Value {
    let sizes = |sizes: ironroot_wire::rules::KeySizes| sizes.iter().collect::<Vec<_>>();
    json!({
        "Name": profile.name.as_str(),
        "Commands": ranges::print(profile.commands),
        "Algorithms": algorithms::print(&profile.rules),
        "KeySizes": {
            "rsa": sizes(profile.rules.rsa_key_bits),
            "aes": sizes(profile.rules.aes_key_bits),
            "camellia": sizes(profile.rules.camellia_key_bits),
        },
        "PcrBanks": algorithms::print_hashes(profile.pcr_banks),
        "PcrAllocation": algorithms::print_hashes(profile.pcr_allocation),
        "Limits": {
            "loadedObjects": profile.loaded_objects,
            "loadedSessions": profile.loaded_sessions,
            "activeSessions": profile.active_sessions,
            "persistentObjects": profile.persistent_objects,
            "nvSpace": profile.nv_space,
            "nvIndexMax": profile.nv_index_max,
            "timers": profile.timers,
        },
    })
}

#[cfg(test)]
mod tests;
