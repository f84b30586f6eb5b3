//! The command lines for those who run a provisioning service: batches, audit, a simulated factory.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which service.
#[derive(Debug, Args)]
pub struct ServicePlace {
    /// The service's folder.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The service's database, if it is not the file in the folder: a file, or postgres://USER@HOST/DATABASE. A password
    /// is better in this variable, or in ~/.pgpass, than on the command line.
    #[arg(long, value_name = "URL", env = "IRONROOT_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Who does it, for the audit.
#[derive(Debug, Args)]
pub struct ActingAs {
    /// The role in which it is done.
    #[arg(long, value_name = "WORD", default_value = "engineer")]
    pub role: String,
    /// Who does it [default: the user of this process].
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// `batch`.
#[derive(Debug, Subcommand)]
pub enum BatchCommand {
    /// Make a batch: so many devices get a first certificate, and not one more.
    Create(BatchCreate),
    /// List the batches.
    List(ServicePlace),
    /// Show a batch.
    Show(BatchShow),
    /// Add endorsement keys to a batch's list, from a CSV or JSON file.
    Allow(BatchAllow),
    /// Close a batch: it takes no new unit.
    Close(BatchClose),
    /// Give a unit back: the device gets no certificate any more.
    Scrap(BatchScrap),
}

/// `batch create`.
#[derive(Debug, Args)]
pub struct BatchCreate {
    /// The batch's name: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// How many devices.
    #[arg(long, value_name = "NUMBER")]
    pub units: u32,
    /// What is made.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub product: String,
    /// A certificate profile that is allowed; may be given several times [default: all].
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// Let in only endorsement keys on the batch's list.
    #[arg(long)]
    pub listed_only: bool,
    /// After so many days no new unit is used.
    #[arg(long, value_name = "DAYS")]
    pub expires_in: Option<u32>,
    /// Who does it.
    #[command(flatten)]
    pub acting: ActingAs,
    /// Which service.
    #[command(flatten)]
    pub place: ServicePlace,
}

/// `batch show`.
#[derive(Debug, Args)]
pub struct BatchShow {
    /// The batch's name.
    pub name: String,
    /// Which service.
    #[command(flatten)]
    pub place: ServicePlace,
}

/// `batch allow`.
#[derive(Debug, Args)]
pub struct BatchAllow {
    /// The batch's name.
    pub name: String,
    /// The list: CSV with a column `ek_name` (the hexadecimal name of the endorsement key) or `ek_public` (its public area
    /// in base64), or a JSON array of such names or objects.
    #[arg(value_name = "FILE")]
    pub list: PathBuf,
    /// Who does it.
    #[command(flatten)]
    pub acting: ActingAs,
    /// Which service.
    #[command(flatten)]
    pub place: ServicePlace,
}

/// `batch close`.
#[derive(Debug, Args)]
pub struct BatchClose {
    /// The batch's name.
    pub name: String,
    /// Who does it.
    #[command(flatten)]
    pub acting: ActingAs,
    /// Which service.
    #[command(flatten)]
    pub place: ServicePlace,
}

/// `batch scrap`.
#[derive(Debug, Args)]
pub struct BatchScrap {
    /// The batch's name.
    pub name: String,
    /// The hexadecimal name of the device's endorsement key.
    pub ek_name: String,
    /// Who does it.
    #[command(flatten)]
    pub acting: ActingAs,
    /// Which service.
    #[command(flatten)]
    pub place: ServicePlace,
}
