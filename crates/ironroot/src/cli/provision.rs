//! The command line of the provisioning service.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};

use super::{ca_key::CaKeyArguments, keys::TpmAccess};

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
    /// The URL under which others reach the service without TLS; certificates then say where their revocation list is, and who answers
    /// for them (OCSP).
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// How long a revocation list holds, in hours.
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub crl_hours: u32,
    /// Speak TLS at this address, too: for devices that renew by EST.
    #[arg(long, value_name = "ADDRESS")]
    pub tls_listen: Option<SocketAddr>,
    /// A name or address of the service, for a TLS certificate of the identity CA; may be given several times.
    #[arg(long = "tls-name", value_name = "NAME", requires = "tls_listen", conflicts_with = "tls_cert")]
    pub tls_names: Vec<String>,
    /// A certificate chain for TLS (PEM).
    #[arg(long, value_name = "FILE", requires_all = ["tls_listen", "tls_key"])]
    pub tls_cert: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The identity CA's key.
    #[command(flatten)]
    pub ca_key: CaKeyArguments,
    /// The TPM, if the key is in one.
    #[command(flatten)]
    pub tpm: TpmAccess,
}
