//! `cargo xtask fuzz`: libFuzzer on stable Rust.
//!
//! cargo-fuzz wants a nightly compiler for its sanitizers. Coverage alone needs none: LLVM's pass is in every rustc, and
//! our code is safe Rust, where the sanitizers would find little.

mod report;

use crate::args::Args;
use crate::packages;
use crate::run::{Result, cargo, cmd, output, root, run, target_dir};
use report::Report;
use std::path::PathBuf;

const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg fuzzing",
    "-Ccodegen-units=1",
];

/// Each target, and the longest input that makes sense.
pub const TARGETS: &[(&str, u32)] = &[
    ("backup", 2048),
    ("certificates", 4096),
    ("command", 4096),
    ("counter", 512),
    ("doors", 2048),
    ("grammar", 513),
    ("key_file", 4096),
    ("package", 512),
    ("records", 200),
    ("service", 4096),
    ("state", 4096),
    ("volatile", 200),
    ("wire", 1024),
    ("witness", 512),
];

/// The target with a database and a web server in it, which take as long to build as all others together.
const HEAVY: &str = "service";

/// The task: `[TARGET…] [--seconds N] [--light] [--keep] [--minimize] [--json]`. Without the heavy target with `--light`. With `--keep`, inputs that reach new code stay in
/// fuzz/corpus; with `--minimize`, nothing is looked for, and each corpus is cut down to what its coverage needs.
pub fn fuzz(mut args: Args) -> Result {
    let seconds: u32 = args.parsed("--seconds", 60)?;
    let light = args.flag("--light");
    let keep = args.flag("--keep");
    let minimize = args.flag("--minimize");
    let json = args.flag("--json");
    let mut wanted = Vec::new();
    while let Some(word) = args.word() {
        let target = TARGETS.iter().find(|(name, _)| *name == word);
        wanted.push(target.ok_or_else(|| format!("{word:?} is no fuzz target; they are: {}", names()))?);
    }
    args.finish()?;
    if wanted.is_empty() {
        wanted.extend(TARGETS.iter().filter(|(name, _)| !(light && *name == HEAVY)));
    }
    packages::need(packages::FUZZ)?;
    let host = host()?;
    let targets = wanted.iter().map(|(name, length)| Target { name, length: *length, host: &host });
    let targets: Vec<Target> = targets.collect();
    build(&targets, &host)?;
    let mut reports = Vec::new();
    let mut failed = Vec::new();
    for target in &targets {
        if minimize {
            target.minimize()?;
            continue;
        }
        let hunt = report::timed(|| target.hunt(seconds, keep))?;
        failed.extend(hunt.result.as_ref().err().cloned());
        reports.push(target.report(&hunt)?);
    }
    if !minimize {
        report::print(&reports, json);
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn names() -> String {
    TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// An explicit target keeps the instrumentation out of build scripts, which could not be linked with it.
fn build(targets: &[Target], host: &str) -> Result {
    let heavy = targets.iter().any(|target| target.name == HEAVY);
    run(cargo()
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "--target", host])
        .args(if heavy { [].as_slice() } else { &["--no-default-features"] })
        .args(targets.iter().flat_map(|target| ["--bin", target.name]))
        .env("CARGO_TARGET_DIR", target_dir().join("fuzz"))
        .env("RUSTFLAGS", COVERAGE.join(" ")))
}

/// One target, built.
struct Target<'a> {
    name: &'static str,
    /// Of the longest input. Bytes.
    length: u32,
    host: &'a str,
}

impl Target<'_> {
    fn program(&self) -> PathBuf {
        target_dir().join("fuzz").join(self.host).join("release").join(self.name)
    }

    fn corpus(&self) -> PathBuf {
        root().join("fuzz/corpus").join(self.name)
    }

    fn artifacts(&self) -> PathBuf {
        root().join("fuzz/artifacts").join(self.name)
    }

    fn found(&self) -> PathBuf {
        target_dir().join("fuzz/found").join(self.name)
    }

    fn log(&self) -> PathBuf {
        target_dir().join("fuzz").join(self.name).with_extension("log")
    }

    /// Looks for inputs that break something.
    fn hunt(&self, seconds: u32, keep: bool) -> Result {
        // libFuzzer writes what it finds into the first folder, and only reads the others.
        let found = if keep { self.corpus() } else { self.found() };
        for folder in [&self.corpus(), &self.artifacts(), &found] {
            make(folder)?;
        }
        let log = self.log();
        let file = std::fs::File::create(&log).map_err(|e| format!("cannot write {}: {e}", log.display()))?;
        run(cmd(self.program())
            .args([&found, &self.corpus()])
            .arg(format!("-artifact_prefix={}/", self.artifacts().display()))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={}", self.length))
            // A command that takes longer than this hangs, as far as a user can tell.
            .args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0", "-print_funcs=0"])
            .stderr(file))
        .map_err(|e| {
            let said = report::tail(&log);
            format!("{}: {e}\n{said}\nthe input is in {}", self.name, self.artifacts().display())
        })
    }

    /// What the hunt did, and what all known inputs together reach.
    fn report(&self, hunt: &report::Timed) -> Result<Report> {
        if hunt.result.is_err() {
            // Its inputs would only break it again.
            return Report::new(self.name, hunt, &self.log(), "");
        }
        let ran = cmd(self.program())
            .args([&self.found(), &self.corpus()].iter().filter(|folder| folder.exists()))
            .args(["-runs=0", "-print_funcs=0", "-rss_limit_mb=2048"])
            .output()
            .map_err(|e| format!("cannot start {}: {e}", self.program().display()))?;
        // libFuzzer says everything on the standard error.
        let said = String::from_utf8_lossy(&ran.stderr);
        if !ran.status.success() {
            return Err(format!("{} on its corpus ended with {}: {said}", self.name, ran.status));
        }
        Report::new(self.name, hunt, &self.log(), &said)
    }

    /// Keeps the smallest inputs that reach as much as all of them.
    fn minimize(&self) -> Result {
        let (corpus, merged) = (self.corpus(), self.found().with_extension("merged"));
        let _ = std::fs::remove_dir_all(&merged);
        make(&merged)?;
        make(&self.found())?;
        run(cmd(self.program())
            .args([&merged, &corpus, &self.found()])
            .arg(format!("-max_len={}", self.length))
            .args(["-merge=1", "-verbosity=0", "-print_funcs=0", "-rss_limit_mb=2048"]))?;
        let failed = |e: std::io::Error| format!("cannot replace {}: {e}", corpus.display());
        std::fs::remove_dir_all(&corpus).map_err(failed)?;
        make(&corpus)?;
        for entry in std::fs::read_dir(&merged).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            std::fs::copy(entry.path(), corpus.join(entry.file_name())).map_err(failed)?;
        }
        Ok(())
    }
}

fn make(folder: &std::path::Path) -> Result {
    std::fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))
}

fn host() -> Result<String> {
    let version = output(cmd("rustc").arg("-vV"))?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc does not say what its host is".into())
}
