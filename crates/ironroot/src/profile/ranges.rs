//! Command codes as a list: `0x11f-0x122,0x124`.

use ironroot_tpm::CommandSet;
use ironroot_wire::{TpmCc, commands::command_info};

use crate::failure::{Failure, Result};

fn code(entry: &str, digits: &str) -> Result<u32> {
    let parsed =
        digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).map(|hex| u32::from_str_radix(hex, 16));
    parsed.unwrap_or_else(|| digits.parse()).map_err(|_| {
        Failure::new(format!(
            "Commands: {entry:?} is neither a command code such as 0x11f nor a range such as 0x11f-0x122"
        ))
    })
}

/// The commands in a list. Codes that Part 3 does not assign may be in a range, but not alone.
///
/// # Errors
/// Which entry is wrong, and what is allowed.
pub fn parse(list: &str) -> Result<CommandSet> {
    let (first, last) = (TpmCc::FIRST.0, TpmCc::LAST.0);
    let mut set = CommandSet::NONE;
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (from, to) = match entry.split_once('-') {
            Some((from, to)) => (code(entry, from.trim())?, code(entry, to.trim())?),
            None => (code(entry, entry)?, code(entry, entry)?),
        };
        if from > to || from < first || to > last {
            return Err(Failure::new(format!(
                "Commands: {entry:?} is not within {first:#x} to {last:#x}, low end first"
            )));
        }
        if from == to && command_info(TpmCc(from)).is_none() {
            return Err(Failure::new(format!("Commands: {entry:?} is not a command")));
        }
        set = (from..=to).fold(set, |set, code| set.with(TpmCc(code)));
    }
    Ok(set)
}

/// The list of a set.
pub fn print(set: CommandSet) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for code in set.iter() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == code.0 => *last = code.0,
            _ => runs.push((code.0, code.0)),
        }
    }
    let run = |(first, last): (u32, u32)| {
        if first == last { format!("{first:#x}") } else { format!("{first:#x}-{last:#x}") }
    };
    runs.into_iter().map(run).collect::<Vec<_>>().join(",")
}
