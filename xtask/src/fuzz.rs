//! `cargo xtask fuzz`: libFuzzer on stable Rust.
//!
//! cargo-fuzz wants a nightly compiler for its sanitizers. Coverage alone needs none: LLVM's pass is in every rustc, and
//! our code is safe Rust, where the sanitizers would find little.

use crate::args::Args;
use crate::packages;
use crate::run::{Result, cargo, cmd, output, root, run, target_dir};

const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg fuzzing",
    "-Ccodegen-units=1",
];

/// What each target is, and the longest input that makes sense.
pub const TARGETS: &[(&str, u32)] =
    &[("command", 4096), ("grammar", 513), ("records", 200), ("state", 4096), ("wire", 1024)];

/// The task: `[TARGET…] [--seconds N] [--keep]`. With `--keep`, inputs that reach new code stay in fuzz/corpus.
pub fn fuzz(mut args: Args) -> Result {
    let seconds: u32 = args.parsed("--seconds", 60)?;
    let keep = args.flag("--keep");
    let mut wanted = Vec::new();
    while let Some(word) = args.word() {
        let target = TARGETS.iter().find(|(name, _)| *name == word);
        wanted.push(target.ok_or_else(|| format!("{word:?} is no fuzz target"))?);
    }
    args.finish()?;
    if wanted.is_empty() {
        wanted.extend(TARGETS);
    }
    packages::need(packages::FUZZ)?;
    let host = host()?;
    for (name, length) in wanted {
        build(name, &host)?;
        hunt(name, *length, seconds, keep, &host)?;
    }
    Ok(())
}

/// An explicit target keeps the instrumentation out of build scripts, which could not be linked with it.
fn build(name: &str, host: &str) -> Result {
    run(cargo()
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "--bin", name])
        .args(["--target", host])
        .env("CARGO_TARGET_DIR", target_dir().join("fuzz"))
        .env("RUSTFLAGS", COVERAGE.join(" ")))
}

fn hunt(name: &str, length: u32, seconds: u32, keep: bool, host: &str) -> Result {
    let corpus = root().join("fuzz/corpus").join(name);
    let artifacts = root().join("fuzz/artifacts").join(name);
    // libFuzzer writes what it finds into the first folder, and only reads the others.
    let found = if keep { corpus.clone() } else { target_dir().join("fuzz/found").join(name) };
    for folder in [&corpus, &artifacts, &found] {
        std::fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    }
    run(cmd(target_dir().join("fuzz").join(host).join("release").join(name))
        .args([&found, &corpus])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={length}"))
        // A command that takes longer than this hangs, as far as a user can tell.
        .args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0", "-print_funcs=0"]))
    .map_err(|e| format!("{e}\nthe input is in {}", artifacts.display()))
}

fn host() -> Result<String> {
    let version = output(cmd("rustc").arg("-vV"))?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc does not say what its host is".into())
}
