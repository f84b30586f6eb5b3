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
    let mut out = io::stdout().lock();
    clap_mangen::Man::new(command.clone()).render(&mut out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        clap_mangen::Man::new(subcommand.clone()).render(&mut out)?;
    }
    Ok(())
}
