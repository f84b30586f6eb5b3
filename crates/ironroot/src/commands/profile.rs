//! `ironroot profile`: the profiles that a TPM can be manufactured with.

use ironroot_tpm::Profile;
use serde_json::json;

use crate::{
    cli::{ProfileCommand, ProfileList, ProfileShow},
    failure::Result,
    profile,
};

/// Lists or shows profiles.
///
/// # Errors
/// The profile to show is unknown, or its file is wrong.
pub fn run(command: &ProfileCommand) -> Result {
    match command {
        ProfileCommand::List(arguments) => list(arguments),
        ProfileCommand::Show(arguments) => return show(arguments),
    }
    Ok(())
}

fn list(arguments: &ProfileList) {
    if arguments.json {
        let all: Vec<_> = Profile::NAMED.iter().map(profile::to_json).collect();
        println!("{}", json!({ "builtin": all }));
        return;
    }
    println!("{:<12} {:>8} {:>8} {:>10} {:>9}", "name", "objects", "sessions", "NV index", "buffer");
    for profile in Profile::NAMED {
        println!(
            "{:<12} {:>8} {:>8} {:>10} {:>9}",
            profile.name.as_str(),
            profile.loaded_objects,
            profile.active_sessions,
            profile.nv_index_max,
            profile.max_command_size()
        );
    }
}

fn show(arguments: &ProfileShow) -> Result {
    let json = profile::to_json(&profile::named_or_file(&arguments.profile)?);
    if arguments.json {
        println!("{json}");
    } else {
        println!("{json:#}");
    }
    Ok(())
}
