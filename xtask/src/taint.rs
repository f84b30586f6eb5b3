//! `cargo xtask taint`: private-key operations under valgrind's memcheck, with the secrets marked as never written
//! (`crates/side-channels`). What memcheck then reports is a branch or an address that depends on a secret. Each report
//! must be in [`accepted`], with a reason, or the task fails; so it does if the cases that leak on purpose are not reported.

mod accepted;

use crate::args::Args;
use crate::packages;
use crate::run::{NOT_RUN, Result, cargo, cmd, output, root, run, target_dir};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Frames of a report that are shown.
const DEPTH: usize = 8;
const BEGIN: &str = "<!-- taint: begin -->";
const END: &str = "<!-- taint: end -->";
const PAGE: &str = "docs/side-channels.md";

/// What memcheck reported once.
struct Report {
    /// "branch" or "address".
    what: &'static str,
    /// Functions with their files and lines, from the innermost.
    frames: Vec<String>,
}

impl Report {
    fn accepted(&self) -> Option<&'static accepted::Accepted> {
        accepted::ACCEPTED
            .iter()
            .find(|entry| self.frames.iter().take(entry.depth).any(|frame| frame.contains(entry.function)))
    }

    /// What stands in the table: the innermost frame that says something.
    fn place(&self) -> String {
        self.frames.first().cloned().unwrap_or_default()
    }
}

/// A case that ran.
struct Ran {
    name: String,
    reports: Vec<Report>,
    /// All errors, those that memcheck does not print again included.
    errors: u64,
}

impl Ran {
    fn is_control(&self) -> bool {
        self.name.starts_with("control/leaky")
    }

    fn is_table_cipher(&self) -> bool {
        accepted::TABLES.iter().any(|cipher| self.name.contains(cipher))
    }

    /// What is neither accepted nor expected.
    fn findings(&self) -> Vec<&Report> {
        if self.is_control() || self.is_table_cipher() {
            return Vec::new();
        }
        self.reports.iter().filter(|report| report.accepted().is_none()).collect()
    }

    /// Whether it went as it must. Memcheck prints each place once, so errors without a report would be a mistake of ours.
    fn is_good(&self) -> bool {
        let found = !self.reports.is_empty();
        (self.errors > 0) == found
            && if self.is_control() || self.is_table_cipher() { found } else { self.findings().is_empty() }
    }
}

/// What `--quick` runs: the controls, what compares, and one size of each kind of key.
const QUICK: &[&str] = &[
    "control/",
    "both/TPM/",
    "both/HMAC-Sha256/",
    "both/Aes-128/",
    "both/KDF/",
    "RSA-2048/decrypt OAEP",
    "RSA-2048/sign PKCS #1",
    "/NistP256/",
    "/Curve25519/",
    "/MlKem768/",
    "/MlDsa65/",
];

/// The task: `[--quick] [--only WORD] [--docs] [--verbose]`.
pub fn taint(mut args: Args) -> Result {
    let only = args.value("--only")?.unwrap_or_default().to_lowercase();
    let (docs, verbose, quick) = (args.flag("--docs"), args.flag("--verbose"), args.flag("--quick"));
    args.finish()?;
    packages::need(packages::TAINT)?;
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        return Err(format!("{NOT_RUN}valgrind's requests are known for x86-64 and aarch64 only"));
    }
    let binary = built("taint")?;
    let names: Vec<String> = output(&mut cmd(&binary))?.lines().map(str::to_owned).collect();
    let is_wanted = |name: &&String| {
        name.to_lowercase().contains(&only) && (!quick || QUICK.iter().any(|part| name.contains(part)))
    };
    let wanted: Vec<String> = names.iter().filter(is_wanted).cloned().collect();
    if wanted.is_empty() {
        return Err(format!("no case has {only:?} in its name"));
    }
    let start = Instant::now();
    let all = run_all(&binary, &wanted)?;
    let page = table(&all);
    println!("{page}");
    for ran in all.iter().filter(|ran| verbose || !ran.is_good()) {
        show(ran, verbose);
    }
    println!("{} cases in {:.0} s", all.len(), start.elapsed().as_secs_f64());
    if docs && !quick && only.is_empty() {
        write_section(PAGE, BEGIN, END, &page)?;
    }
    if only.is_empty() && !quick {
        unused(&all)?;
    }
    let bad = all.iter().filter(|ran| !ran.is_good()).count();
    if bad == 0 { Ok(()) } else { Err(format!("{bad} cases have findings that are not accepted, or lack one")) }
}

/// A program of the side-channel tests, built as a release is, with line numbers.
pub fn built(name: &str) -> Result<PathBuf> {
    run(cargo().args(["build", "--locked", "--quiet", "--release", "--package", "ironroot-side-channels"]))?;
    Ok(target_dir().join("release").join(name))
}

/// Runs each case in a process of its own, as many at once as there are cores.
fn run_all(binary: &std::path::Path, names: &[String]) -> Result<Vec<Ran>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = run_one(binary, name);
                    if let Ok(mut done) = done.lock() {
                        done.insert(name.clone(), ran);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| "a worker panicked".to_owned())?;
    names.iter().map(|name| done.remove(name).unwrap_or_else(|| Err(format!("{name} did not run")))).collect()
}

fn run_one(binary: &std::path::Path, name: &str) -> Result<Ran> {
    let mut command = cmd("valgrind");
    command
        .args(["--tool=memcheck", "--error-limit=no", "--num-callers=32", "--leak-check=no", "--show-error-list=no"])
        .arg(binary)
        .arg(name);
    let result = command.output().map_err(|e| format!("cannot start valgrind: {e}"))?;
    let text = String::from_utf8_lossy(&result.stderr).into_owned();
    let ran = format!("ran {name}: ");
    let errors = text.lines().find_map(|line| line.strip_prefix(&ran)?.strip_suffix(" errors")?.parse().ok());
    match errors {
        Some(errors) if result.status.success() => Ok(Ran { name: name.to_owned(), reports: reports(&text), errors }),
        _ => Err(format!("{name} ended with {}:\n{text}", result.status)),
    }
}

/// The reports in what memcheck printed: a line that says what, and a line for each frame.
fn reports(text: &str) -> Vec<Report> {
    let mut reports: Vec<Report> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        // ==123== Conditional jump or move depends on uninitialised value(s)
        // ==123==    at 0x1234: function (file.rs:12)
        let Some((_, line)) = line.strip_prefix("==").and_then(|rest| rest.split_once("== ")) else {
            open = false;
            continue;
        };
        let what = match line {
            line if line.starts_with("Conditional jump") => Some("branch"),
            line if line.starts_with("Use of uninitialised") => Some("address"),
            line if line.starts_with("Syscall param") => Some("other"),
            _ => None,
        };
        if let Some(what) = what {
            reports.push(Report { what, frames: Vec::new() });
            open = true;
        } else if open && let Some((_, frame)) = line.split_once(": ") {
            if let Some(report) = reports.last_mut() {
                report.frames.push(frame.to_owned());
            }
        } else {
            open = false;
        }
    }
    reports
}

/// Cases by what came out, and the accepted places with their reasons.
fn table(all: &[Ran]) -> String {
    let mut lines = vec![
        "| path | provider | branches and addresses that depend on secrets | result |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for ran in all {
        let (provider, path) = ran.name.split_once('/').unwrap_or(("", &ran.name));
        let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in ran.reports.iter().filter_map(Report::accepted) {
            *accepted.entry(entry.id).or_default() += 1;
        }
        let found = match ran.reports.len() {
            0 => "none".to_owned(),
            count if ran.is_control() || ran.is_table_cipher() => format!("{count} places"),
            count => {
                let ids: Vec<&str> = accepted.keys().copied().collect();
                format!("{count} places: {}", ids.join(", "))
            }
        };
        let result = match (ran.is_good(), ran.is_control(), ran.is_table_cipher(), ran.reports.is_empty()) {
            (false, ..) => "**finding**",
            (true, true, ..) => "found, as it must be",
            (true, _, true, _) => "tables, known (see below)",
            (true, .., true) => "constant time",
            (true, ..) => "accepted, for the reasons below",
        };
        lines.push(format!("| {path} | {provider} | {found} | {result} |"));
    }
    let used: BTreeSet<&str> =
        all.iter().flat_map(|ran| ran.reports.iter().filter_map(Report::accepted)).map(|entry| entry.id).collect();
    lines.push(String::new());
    lines.push("| accepted | function | why |".to_owned());
    lines.push("|---|---|---|".to_owned());
    for entry in accepted::ACCEPTED.iter().filter(|entry| used.contains(entry.id)) {
        lines.push(format!("| {} | `{}` | {} |", entry.id, entry.function, entry.why));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn show(ran: &Ran, verbose: bool) {
    println!("{}: {} errors", ran.name, ran.errors);
    for report in ran.reports.iter().filter(|report| verbose || report.accepted().is_none()) {
        let accepted = report.accepted().map_or("NOT ACCEPTED", |entry| entry.id);
        println!("  {} in {} [{accepted}]", report.what, report.place());
        for frame in report.frames.iter().skip(1).take(DEPTH) {
            println!("      by {frame}");
        }
    }
}

/// An entry that nothing needs any more is a hole.
fn unused(all: &[Ran]) -> Result {
    let reports: Vec<&Report> = all.iter().flat_map(|ran| &ran.reports).collect();
    let needed = |entry: &accepted::Accepted| {
        reports.iter().any(|report| report.accepted().is_some_and(|it| it.function == entry.function))
    };
    let unused: Vec<&str> =
        accepted::ACCEPTED.iter().filter(|entry| !needed(entry)).map(|entry| entry.function).collect();
    if unused.is_empty() { Ok(()) } else { Err(format!("accepted, but not reported any more: {}", unused.join(", "))) }
}

/// Replaces what stands between two marks of a page.
pub fn write_section(page: &str, begin: &str, end: &str, text: &str) -> Result {
    let path = root().join(page);
    let old = std::fs::read_to_string(&path).map_err(|e| format!("cannot read {page}: {e}"))?;
    let (head, rest) = old.split_once(begin).ok_or_else(|| format!("{page} has no {begin}"))?;
    let (_, tail) = rest.split_once(end).ok_or_else(|| format!("{page} has no {end}"))?;
    std::fs::write(&path, format!("{head}{begin}\n\n{}\n\n{end}{tail}", text.trim()))
        .map_err(|e| format!("cannot write {page}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_with_their_frames() {
        let text = "case x\n==7== Conditional jump or move depends on uninitialised value(s)\n\
            ==7==    at 0x1: inner (a.rs:1)\n==7==    by 0x2: outer (b.rs:2)\n==7== \n\
            ==7== Use of uninitialised value of size 8\n==7==    at 0x3: table (c.rs:3)\n==7== \nran x: 3 errors\n";
        let reports = reports(text);
        let read: Vec<_> = reports.iter().map(|report| (report.what, report.frames.join(", "))).collect();
        let expected =
            [("branch", "inner (a.rs:1), outer (b.rs:2)".to_owned()), ("address", "table (c.rs:3)".to_owned())];
        assert_eq!(read, expected);
    }
}
