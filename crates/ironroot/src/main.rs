//! The `ironroot` command: a TPM 2.0 as a daemon, the provisioning service beside it, and a demonstration of both.
#![forbid(unsafe_code)]

#[cfg(feature = "keys")]
mod auth_source;
mod cli;
mod commands;
mod counter;
mod crypto;
#[cfg(feature = "service")]
mod demo;
mod device;
mod engine;
mod failure;
#[cfg(feature = "service")]
mod plant;
mod profile;
mod second_key;
mod stop;

use std::{alloc::System, process::ExitCode};

use clap::Parser;
use zeroizing_alloc::ZeroAlloc;

/// Memory that is freed or moved is wiped first: types that hold secrets do so by themselves, and this does it for what
/// copies of them get into, the buffers of libraries among them.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    log(arguments.verbose);
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("ironroot: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Diagnostics go to standard error; what a command prints is its result.
fn log(verbose: u8) {
    let level = match verbose {
        0 => tracing_subscriber::filter::LevelFilter::WARN,
        1 => tracing_subscriber::filter::LevelFilter::INFO,
        _ => tracing_subscriber::filter::LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false).init();
}
