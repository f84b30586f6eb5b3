//! The one door for people who build Ironroot: `cargo xtask help`.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod run;
mod tpm;

use args::Args;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  test            everything that CI runs; installs the Debian packages that it needs when it may
  test --quick    formatting, lints, unit tests
  bench           our daemon beside Debian's swtpm, interleaved on one core
                  [--check] [--json] [--quick] [--only WORD] [--core N] [--tpm ironroot|swtpm|PATH] [--peer …]
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let args = Args::new(words);
    let result = match task.as_str() {
        "bench" => bench::bench(args),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("{other:?} is not a task\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
