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
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}
