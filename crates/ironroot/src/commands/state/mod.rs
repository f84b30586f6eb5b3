//! `ironroot state`: what is in a TPM's state, whether it is whole, backups, new keys, and the way on after a rollback.

mod backup;
mod change;
mod report;

pub use report::rollback_defence;

use std::path::Path;

use crate::{
    cli::{StateCommand, StatePlace},
    device::{Anchor, Place},
    failure::{Failure, Result},
};

/// Runs a command.
///
/// # Errors
/// The command's failure; of `verify`, too, what is wrong with the state.
pub fn run(command: &StateCommand) -> Result {
    match command {
        StateCommand::Inspect(arguments) => report::inspect(arguments),
        StateCommand::Verify(arguments) => report::verify(arguments),
        StateCommand::Export(arguments) => backup::export(arguments),
        StateCommand::Import(arguments) => backup::import(arguments),
        StateCommand::Rekey(arguments) => change::rekey(arguments),
        StateCommand::AcceptRollback(arguments) => change::accept_rollback(arguments),
    }
}

/// The place of a state that is there, and its device's secrets.
fn existing(arguments: &StatePlace) -> Result<(Place, Anchor)> {
    let place = place(arguments)?;
    if !place.folder.join("state").exists() {
        return Err(Failure::new(format!(
            "{}: there is no state here; name the folder of a TPM",
            place.folder.display()
        )));
    }
    let anchor = place.anchor()?;
    Ok((place, anchor))
}

fn place(arguments: &StatePlace) -> Result<Place> {
    Place::new(arguments.state.clone(), arguments.product_secret.clone(), None).sealed_as(&arguments.access)
}

/// Seconds of the UNIX epoch as a date and time, UTC.
pub fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of the year 0, in eras of 400 years (the proleptic Gregorian calendar).
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{date:02} {:02}:{:02} UTC", rest / 3600, rest / 60 % 60)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_763_744_461, "2025-11-21 17:01 UTC"),
            (4_107_542_399, "2100-02-28 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(super::date(seconds), text);
        }
    }
}
