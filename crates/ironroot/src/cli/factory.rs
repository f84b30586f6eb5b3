//! The command line of the simulated factory.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `factory`.
#[derive(Debug, Subcommand)]
pub enum FactoryCommand {
    /// Make devices with software TPMs and enrol them with service processes of their own: how fast, and whether the
    /// count is exact whatever happens to the nodes.
    Simulate(FactorySimulate),
}

/// `factory simulate`.
#[derive(Debug, Args)]
pub struct FactorySimulate {
    /// Units of the batch, and devices that get one.
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub units: u32,
    /// Devices beyond the batch's units: each has to be refused.
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    pub surplus: u32,
    /// Stations that work at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub stations: u32,
    /// Service processes.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub nodes: u32,
    /// Kill a node (SIGKILL) every so many seconds, each in its turn, and start it again.
    #[arg(long, value_name = "SECONDS")]
    pub kill_every: Option<f64>,
    /// An empty PostgreSQL database instead of a SQLite file: postgres://USER@HOST/DATABASE.
    #[arg(long, value_name = "URL", env = "IRONROOT_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Keep the service's folder here (a new one) [default: a temporary one, removed at the end].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}
