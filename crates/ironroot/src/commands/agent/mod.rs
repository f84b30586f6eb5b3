//! `ironroot agent`: what runs on devices.

mod config;
#[cfg(feature = "agent")]
mod run;
mod update;

use crate::{cli::agent::AgentCommand, failure::Result};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &AgentCommand) -> Result {
    match command {
        #[cfg(feature = "agent")]
        AgentCommand::Run(arguments) => run::run(arguments),
        AgentCommand::Prepare(arguments) => update::prepare(arguments),
        AgentCommand::Install(arguments) => update::install(arguments),
        AgentCommand::Update(arguments) => update::update(arguments),
        AgentCommand::Confirm(arguments) => update::confirm(arguments),
        AgentCommand::Rollback(access) => update::rollback(access),
        AgentCommand::Boot(access) => update::boot(access),
        AgentCommand::Status(access) => update::status(access),
    }
}
