//! `ironroot whitebox`: tables that hide a product secret, and the attacks on them.

mod assess;
mod generate;
mod memory;

use crate::{cli::WhiteboxCommand, failure::Result};

/// Runs one.
///
/// # Errors
/// What failed, on which file, and the next step.
pub fn run(command: &WhiteboxCommand) -> Result {
    match command {
        WhiteboxCommand::Generate(arguments) => generate::run(arguments),
        WhiteboxCommand::Assess(arguments) => assess::run(arguments),
        WhiteboxCommand::Hold(arguments) => memory::hold(arguments),
    }
}
