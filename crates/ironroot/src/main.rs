//! The `ironroot` command: a TPM 2.0 as a daemon, the provisioning service beside it, and a demonstration of both.
#![forbid(unsafe_code)]

#[cfg(feature = "keys")]
mod auth_source;
mod block;
#[cfg(feature = "service")]
mod ca_key;
mod cli;
mod commands;
mod counter;
mod crypto;
#[cfg(feature = "service")]
mod demo;
mod descriptor;
mod device;
mod engine;
mod failure;
#[cfg(feature = "keys")]
mod global_base;
mod log;
mod pid;
#[cfg(feature = "service")]
mod plant;
mod profile;
mod second_key;
mod stop;
mod swtpm_options;

use std::{
    alloc::System,
    ffi::{OsStr, OsString},
    path::Path,
    process::ExitCode,
};

use clap::Parser;
use zeroizing_alloc::ZeroAlloc;

/// Memory that is freed or moved is wiped first: types that hold secrets do so by themselves, and this does it for what
/// copies of them get into, the buffers of libraries among them.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let arguments = cli::Cli::parse_from(words());
    let begun = log::begin(arguments.verbose, arguments.command.log());
    match begun.and_then(|()| commands::run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("ironroot: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The command line. A program whose name is swtpm has swtpm's.
fn words() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let is_swtpm = words.first().is_some_and(|name| Path::new(name).file_name() == Some(OsStr::new("swtpm")));
    if is_swtpm {
        words.insert(1, "swtpm".into());
    }
    words
}
