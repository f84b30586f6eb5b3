//! `ironroot witness` on the command line, and the process that calls one for a daemon.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};
use ironroot_host::sandbox::Seccomp;

/// `witness`.
#[derive(Debug, Subcommand)]
pub enum WitnessCommand {
    /// Run a witness as a daemon in the foreground.
    Serve(WitnessServe),
    /// Make a key that lets a machine register states with a witness.
    Enrol(WitnessEnrol),
    /// Withdraw such a key. States that were registered with it go on.
    Withdraw(WitnessWithdraw),
    /// List a witness's keys and the numbers that it keeps.
    List(WitnessList),
}

/// `witness serve`.
#[derive(Debug, Args)]
pub struct WitnessServe {
    /// The witness's folder; a witness is made in an empty one.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Where it listens. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2351")]
    pub listen: SocketAddr,
    /// Connections that stay open: one for each TPM that is on.
    #[arg(long, value_name = "NUMBER", default_value_t = 4096)]
    pub connections: usize,
    /// Become this user (name or number) before any file is touched. Root alone can.
    #[arg(long, value_name = "USER")]
    pub runas: Option<String>,
    /// What happens at a system call that the witness does not need.
    #[arg(long, value_name = "action=kill|log|none", default_value_t = Seccomp::Kill)]
    pub seccomp: Seccomp,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `witness enrol`.
#[derive(Debug, Args)]
pub struct WitnessEnrol {
    /// The witness's folder; a witness is made in an empty one.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The key, for the machine; a file that is there is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// How many states may be registered with it. Each new counter of a state is one.
    #[arg(long, value_name = "NUMBER", default_value_t = 16)]
    pub states: u32,
    /// What it is for; shown by `ironroot witness list`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub label: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `witness withdraw`.
#[derive(Debug, Args)]
pub struct WitnessWithdraw {
    /// The witness's folder.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The enrolment, as `ironroot witness list` shows it.
    pub enrolment: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `witness list`.
#[derive(Debug, Args)]
pub struct WitnessList {
    /// The witness's folder.
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `connector`.
#[derive(Debug, Args)]
pub struct ConnectorArguments {
    /// Whom to call.
    #[arg(required = true)]
    pub addresses: Vec<SocketAddr>,
}
