//! One file for each command.

#[cfg(feature = "keys")]
mod agent;
#[cfg(feature = "service")]
mod audit;
#[cfg(feature = "service")]
mod batch;
#[cfg(feature = "service")]
mod ca;
mod completions;
mod device;
mod doctor;
mod env;
mod explain;
#[cfg(feature = "service")]
mod factory;
#[cfg(feature = "keys")]
mod image;
#[cfg(feature = "keys")]
mod keys;
#[cfg(feature = "keys")]
mod package;
mod profile;
#[cfg(feature = "service")]
mod provision;
mod state;
mod swtpm;
mod tpm;
mod trial;
#[cfg(feature = "service")]
mod up;
mod whitebox;
mod witness;

use crate::{cli::Command, failure::Result};

/// Runs a command.
///
/// # Errors
/// The command's failure.
pub fn run(command: Command) -> Result {
    match command {
        #[cfg(feature = "service")]
        Command::Demo(arguments) => crate::demo::run(&arguments),
        #[cfg(feature = "service")]
        Command::Up(arguments) => up::run(&arguments),
        #[cfg(feature = "service")]
        Command::Provision(command) => provision::run(&command),
        #[cfg(feature = "service")]
        Command::Batch(command) => batch::run(&command),
        #[cfg(feature = "service")]
        Command::Audit(command) => audit::run(&command),
        #[cfg(feature = "service")]
        Command::Factory(command) => factory::run(&command),
        #[cfg(feature = "service")]
        Command::Ca(command) => ca::run(&command),
        Command::Tpm(arguments) => tpm::run(&arguments),
        Command::Swtpm(command) => swtpm::run(&command),
        Command::Env(arguments) => env::run(&arguments),
        #[cfg(feature = "keys")]
        Command::Key(command) => keys::key(&command),
        #[cfg(feature = "keys")]
        Command::Csr(arguments) => keys::csr(&arguments),
        Command::Device(command) => device::run(&command),
        Command::Whitebox(command) => whitebox::run(&command),
        #[cfg(feature = "keys")]
        Command::Cert(command) => keys::cert(&command),
        #[cfg(feature = "keys")]
        Command::Jwt(command) => keys::jwt(&command),
        #[cfg(feature = "keys")]
        Command::Secret(command) => keys::secret(&command),
        #[cfg(feature = "keys")]
        Command::Encrypt(arguments) => keys::encrypt(&arguments),
        #[cfg(feature = "keys")]
        Command::Decrypt(arguments) => keys::decrypt(&arguments),
        #[cfg(feature = "keys")]
        Command::Seal(arguments) => keys::seal(&arguments),
        #[cfg(feature = "keys")]
        Command::Unseal(arguments) => keys::unseal(&arguments),
        #[cfg(feature = "keys")]
        Command::Policy(arguments) => keys::policy(&arguments),
        #[cfg(feature = "keys")]
        Command::Package(command) => package::run(&command),
        #[cfg(feature = "keys")]
        Command::Image(command) => image::run(&command),
        #[cfg(feature = "keys")]
        Command::Agent(command) => agent::run(&command),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::State(command) => state::run(&command),
        Command::Witness(command) => witness::run(&command),
        Command::Connector(arguments) => witness::connector(&arguments),
        Command::Profile(command) => profile::run(&command),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Trial(arguments) => trial::run(&arguments),
        Command::Completions(arguments) => completions::shell(arguments.shell),
        Command::Man => completions::manual(),
    }
}
