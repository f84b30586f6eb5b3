//! `ironroot completions` and `ironroot man`.

use std::io;

use clap::CommandFactory as _;

use crate::{cli::Cli, failure::Result};

/// Prints a completion script.
///
/// # Errors
/// None.
pub fn shell(shell: clap_complete::Shell) -> Result {
    clap_complete::generate(shell, &mut Cli::command(), "ironroot", &mut io::stdout());
    Ok(())
}

/// Prints the manual page, with a section for each command.
///
/// # Errors
/// Standard output cannot be written.
pub fn manual() -> Result {
    let mut command = Cli::command();
    command.build();
    sections(&command, &mut io::stdout().lock())?;
    Ok(())
}

/// A command's section, and those of the commands below it.
fn sections(command: &clap::Command, out: &mut impl io::Write) -> io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(out)?;
    let below = command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set());
    below.into_iter().try_for_each(|below| sections(below, out))
}
