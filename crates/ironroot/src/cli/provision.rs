//! The command line of the provisioning service.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};

/// `provision`.
#[derive(Debug, Subcommand)]
pub enum ProvisionCommand {
    /// Run the provisioning service until Ctrl-C.
    Serve(ProvisionServe),
}

/// `provision serve`.
#[derive(Debug, Args)]
pub struct ProvisionServe {
    /// The service's folder: identity CA, secret, database; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Where to listen. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    pub listen: SocketAddr,
    /// Certificates of TPM makers' roots (PEM); may be given several times.
    #[arg(long = "trusted-root", value_name = "FILE", required = true)]
    pub trusted_roots: Vec<PathBuf>,
    /// The database, if it is not a file in the folder: postgres://USER@HOST/DATABASE. Nodes on one database have copies of one
    /// folder. A password is better in this variable, or in ~/.pgpass, than on the command line.
    #[arg(long, value_name = "URL", env = "IRONROOT_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Refuse devices that count in no batch (see `ironroot batch`).
    #[arg(long)]
    pub batch_required: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}
