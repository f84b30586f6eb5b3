//! `cargo xtask test`: everything, in order of how soon it tells something, with a table at the end.
//!
//! A step that fails does not stop the others, and nothing is skipped without a word: what cannot run is a failure that
//! says what is missing, or, where the machine does not allow it (mounting a disk, time for the fuzz targets), stands in the table as not run.

use crate::args::Args;
use crate::run::{self, NOT_RUN, Result, cargo, cmd, has, run, seconds};
use crate::{
    bench, conformance, cost, deny, differential, disks, firmware, fuzz, kill, packages, peers, power_cuts, taint,
};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// One row of the table.
struct Done {
    name: &'static str,
    result: Result,
    taken: Duration,
}

/// A step's name and what it does.
type Step = (&'static str, fn() -> Result);

const QUICK: &[Step] = &[("format", format), ("lints", lints), ("unit tests", unit_tests)];

const FULL: &[Step] = &[
    ("debian packages", debian),
    ("format", format),
    ("lints", lints),
    ("unit tests", unit_tests),
    ("small and read-only disks", disks::disks),
    ("doc tests", doc_tests),
    ("documentation", documentation),
    ("beside libtpms", beside_libtpms),
    ("portable provider alone", portable),
    ("bare metal", || firmware::firmware(words(&[]))),
    ("unmodified programs", || peers::peers(conformance::peers_arguments())),
    ("conformance page", conformance::check),
    ("demo", demo),
    ("power cuts, 20 s", || power_cuts::power_cuts(words(&["--seconds=20"]))),
    ("cost beside swtpm", || cost::cost(words(&["--rounds=50"]))),
    ("secrets under valgrind", || taint::taint(words(&["--quick"]))),
    ("kill -9, 200 rounds", || kill::kill(words(&[]))),
    ("speed beside swtpm", || bench::bench(words(&["--check"]))),
    ("licences and sources", || deny::deny(words(&[]))),
    ("fuzz, 5 s, all but one", fuzz_briefly),
];

/// The task: `[--quick]`.
pub fn test(mut args: Args) -> Result {
    let steps = if args.flag("--quick") { QUICK } else { FULL };
    args.finish()?;
    BEGAN.get_or_init(Instant::now);
    let mut done = Vec::new();
    for (name, action) in steps {
        println!("\n==== {name}");
        let start = Instant::now();
        let result = action();
        if let Err(error) = &result {
            println!("FAILED {name}: {error}");
        }
        done.push(Done { name, result, taken: start.elapsed() });
    }
    summary(&done)
}

fn summary(done: &[Done]) -> Result {
    println!("\n==== summary");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for step in done {
        let (word, count) = match &step.result {
            Ok(()) => ("ok", &mut passed),
            Err(error) if error.starts_with(NOT_RUN) => ("NOT RUN", &mut skipped),
            Err(_) => ("FAILED", &mut failed),
        };
        *count += 1;
        println!("{word:<7} {:<26} {:>8}", step.name, seconds(step.taken));
        if let Err(error) = &step.result {
            println!("        {}", error.lines().next().unwrap_or_default());
        }
    }
    println!("{:<7} {:<26} {:>8}", "", "in all", seconds(done.iter().map(|step| step.taken).sum()));
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { Ok(()) } else { Err("the tests did not pass".into()) }
}

/// When the suite began.
static BEGAN: OnceLock<Instant> = OnceLock::new();
/// Building the fuzz targets takes minutes on two cores: a machine that is later than this has no time for it.
const LATEST_FUZZING: Duration = Duration::from_secs(27 * 60);

fn fuzz_briefly() -> Result {
    let passed = BEGAN.get_or_init(Instant::now).elapsed();
    if passed > LATEST_FUZZING {
        return Err(format!("{NOT_RUN}{} have passed; run `cargo xtask fuzz --seconds 5`", seconds(passed)));
    }
    fuzz::fuzz(words(&["--light", "--seconds=5"]))
}

fn words(words: &[&str]) -> Args {
    Args::new(words.iter().map(|word| (*word).to_owned()))
}

fn debian() -> Result {
    let lists = [
        packages::BUILD,
        packages::DATABASES,
        packages::PEERS,
        packages::FIRMWARE,
        packages::FUZZ,
        packages::BENCH,
        packages::COST,
        packages::DIFFERENTIAL,
        packages::TAINT,
    ];
    packages::need(&lists.concat())
}

fn format() -> Result {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    run(cargo().args(["fmt", "--manifest-path", "differential/Cargo.toml", "--check"]))
}

fn lints() -> Result {
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]))?;
    run(cargo()
        .args(["clippy", "--manifest-path", differential::MANIFEST, "--all-targets", "--locked", "--quiet"])
        .args(["--", "-D", "warnings"])
        .env("CARGO_TARGET_DIR", run::target_dir()))?;
    // The fuzz target that the fuzz step leaves out.
    run(cargo()
        .args(["clippy", "--manifest-path", "fuzz/Cargo.toml", "--bin", "service", "--locked", "--quiet"])
        .args(["--", "-D", "warnings"])
        .env("CARGO_TARGET_DIR", run::target_dir()))
}

/// The tests, which also leave what they saw for the conformance page.
fn unit_tests() -> Result {
    conformance::begin()?;
    let mut command = cargo();
    command.env(conformance::VARIABLE, conformance::folder());
    if has("cargo-nextest") {
        return run(command.args([
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--status-level=slow",
        ]));
    }
    run(command.args(["test", "--workspace", "--all-targets", "--locked", "--quiet", "--no-fail-fast"]))
}

fn doc_tests() -> Result {
    run(cargo().args(["test", "--workspace", "--doc", "--locked", "--quiet", "--no-fail-fast"]))
}

fn documentation() -> Result {
    run(cargo().args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The whole program without the C library, as for a machine that has no C compiler.
fn portable() -> Result {
    run(cargo().args(["check", "--package", "ironroot", "--no-default-features", "--locked", "--quiet"]))
}

/// The same commands to Ironroot and libtpms, in one short run that is always the same: no difference may be unexplained.
fn beside_libtpms() -> Result {
    run(cargo()
        .args(["test", "--locked", "--quiet", "--manifest-path", differential::MANIFEST])
        .env("CARGO_TARGET_DIR", run::target_dir()))?;
    differential::differential(words(&["--commands=30000", "--seed=2026", "--jobs=2"]))
}

/// What the README promises for the first minute.
fn demo() -> Result {
    let binary = crate::tpm::daemon::built()?;
    let scratch = run::Scratch::new("demo")?;
    run(cmd(binary).arg("demo").arg("--state").arg(scratch.join("demo")))
}
