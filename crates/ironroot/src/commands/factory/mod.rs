//! `ironroot factory`: a factory in one process, with the service in processes of its own.

mod device;
mod nodes;
mod progress;
mod simulate;

use crate::{cli::factory::FactoryCommand, failure::Result};

/// Runs a command.
///
/// # Errors
/// The command's failure.
pub fn run(command: &FactoryCommand) -> Result {
    match command {
        FactoryCommand::Simulate(arguments) => simulate::run(arguments),
    }
}
