//! The one door for people who build Ironroot: `cargo xtask help`.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod conformance;
mod corpus;
mod cost;
mod deny;
mod differential;
mod disks;
mod firmware;
mod fuzz;
mod install_c;
mod install_lua;
mod kill;
mod packages;
mod peers;
mod power_cuts;
mod run;
mod suite;
mod taint;
mod timing;
mod tpm;
mod wheel;

use args::Args;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  test            everything that CI runs; installs the Debian packages that it needs when it may
  test --quick    formatting, lints, unit tests
  bench           our daemon beside Debian's swtpm, interleaved on one core
                  [--check] [--json] [--quick] [--only WORD] [--core N] [--tpm ironroot|swtpm|PATH] [--peer …]
  peers           unmodified programs (tpm2-tools, OpenSSL, …) against our daemon, over both protocols
                  [--tpm …] [--protocol mssim|swtpm|both] [SCRIPT…]
  conformance     docs/conformance.md, from what the tests and the peers' scripts see
                  [--tests] leaves the peers' column as it is, [--measured] writes what the last runs saw,
                  [--check] judges it
  kill            kill -9 under a writing load; every acknowledged write has to be there
                  [--rounds N] [--seed N] [--tpm …]
  cost            what commands ask of the disk, ours beside swtpm's: bytes, writes, flushes (strace), and the time
                  [--rounds N] [--tpm …]
  power-cuts      a long random use of a TPM, cut off at every write, torn write and reordering: nothing acknowledged is lost
                  [--seconds N | --workloads N] [--seed S] [--commands N] [--jobs N]
  differential    our TPM beside libtpms in one process: the same commands, every difference explained or shown
                  [--commands N] [--seed S] [--minutes M] [--jobs N] [--docs]
  fuzz            libFuzzer, on stable Rust, with what it reached
                  [TARGET…] [--seconds N] [--keep] [--json]; [--minimize] cuts the corpora down instead
  corpus          seeds for the fuzz target `command` from the peers' real traffic
  firmware        the TPM's crates for bare metal                [TARGET…]
  taint           private-key operations under valgrind, secrets marked: no branch or address may depend on one
                  [--quick] [--only WORD] [--docs] [--verbose]
  timing          Welch's t-test on the times of two classes of secrets
                  [--samples N] [--only WORD] [--core N] [--docs]
  install-c       the C library with its header and pkg-config file
                  [--prefix DIR] [--libdir DIR] [--destdir DIR] [--dev]
  install-lua     the Lua module                                 [--output DIR]
  wheel           the Python wheel                               [--output DIR]
  deny            licences, bans and sources of all dependencies [--advisories]
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let args = Args::new(words);
    let result = match task.as_str() {
        "test" => suite::test(args),
        "bench" => packages::need(packages::BENCH).and_then(|()| bench::bench(args)),
        "peers" => peers::peers(args),
        "conformance" => conformance::conformance(args),
        "kill" => kill::kill(args),
        "cost" => cost::cost(args),
        "power-cuts" => power_cuts::power_cuts(args),
        "fuzz" => fuzz::fuzz(args),
        "corpus" => corpus::corpus(args),
        "firmware" => firmware::firmware(args),
        "deny" => deny::deny(args),
        "taint" => taint::taint(args),
        "timing" => timing::timing(args),
        "differential" => differential::differential(args),
        "install-c" => install_c::task(args),
        "install-lua" => install_lua::task(args),
        "wheel" => wheel::task(args),
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
