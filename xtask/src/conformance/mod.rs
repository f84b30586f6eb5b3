//! `cargo xtask conformance`: docs/conformance.md from measured runs, and the check that its claims hold.
//!
//! The tests of `crates/tpm` and the daemon under the peers' scripts write what they see into a folder
//! (`IRONROOT_TRACE`). Without options this task runs both anew and writes the page. `--tests` runs the tests alone and
//! takes what the page says about peers as it is. `--measured` runs nothing and writes what the last runs saw. `--check` judges what the last `cargo xtask test` saw.

mod measured;
mod page;
mod rows;

use crate::args::Args;
use crate::run::{Result, cargo, has, root, run, target_dir};
use crate::{packages, peers};
use measured::{Facts, Measured};
use std::path::PathBuf;

/// The name of the variable that names the folder.
pub const VARIABLE: &str = "IRONROOT_TRACE";
const PAGE: &str = "docs/conformance.md";

/// The folder that is measured into.
pub fn folder() -> PathBuf {
    target_dir().join("conformance")
}

/// The peers' scripts, traced into the folder.
pub fn peers_arguments() -> Args {
    Args::new(["--trace".to_owned(), folder().display().to_string()])
}

/// Forgets what was measured before.
pub fn begin() -> Result {
    let folder = folder();
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))
}

/// A number with `0x` in front.
fn hex(word: &str) -> Option<u32> {
    u32::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

/// The task: `[--check] [--tests] [--measured]`.
pub fn conformance(mut args: Args) -> Result {
    let check_only = args.flag("--check");
    let tests_only = args.flag("--tests");
    let measured_already = args.flag("--measured");
    args.finish()?;
    if check_only {
        return check();
    }
    let mut runs = Ok(());
    if !measured_already {
        begin()?;
        runs = tests();
        if !tests_only {
            runs = runs.and(peers::peers(peers_arguments()));
        }
        if std::fs::read_dir(folder()).is_ok_and(|mut files| files.next().is_none()) {
            return runs.and(Err("the tests have left nothing behind".into()));
        }
    }
    let sections = rows::read()?;
    let mut measured = measured::read(&folder())?;
    let path = root().join(PAGE);
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    if tests_only {
        for (code, claimed) in page::claims(&old) {
            measured.commands.entry(code).or_default().peers = claimed.peers;
        }
    }
    let new = page::write(&sections, &measured);
    std::fs::write(&path, &new).map_err(|e| format!("{PAGE}: {e}"))?;
    println!("{PAGE} {}", if new == old { "is as it was" } else { "is written" });
    runs.and(judge(&sections, &measured))
}

/// The tests that drive the TPM with bytes.
fn tests() -> Result {
    packages::need(packages::PEERS)?;
    let mut command = cargo();
    if has("cargo-nextest") {
        command.args(["nextest", "run", "--no-fail-fast", "--status-level=slow"]);
    } else {
        command.args(["test", "--quiet", "--tests", "--no-fail-fast"]);
    }
    run(command.args(["--locked", "--package", "ironroot-tpm"]).env(VARIABLE, folder()))
}

/// Whether what was measured by the steps before bears out the page and the table of error conditions.
pub fn check() -> Result {
    let sections = rows::read()?;
    let measured = measured::read(&folder())?;
    let page = std::fs::read_to_string(root().join(PAGE)).map_err(|e| format!("{PAGE}: {e}"))?;
    let mut wrong = Vec::new();
    let mut behind = 0;
    let claims = page::claims(&page);
    for section in sections.iter().filter(|section| section.code != 0) {
        let claimed = claims.get(&section.code).cloned().unwrap_or_default();
        let seen = measured.commands.get(&section.code).cloned().unwrap_or_default();
        wrong.extend(too_much(&claimed, &seen).into_iter().map(|what| format!("{}: {what}", section.name)));
        behind += usize::from(!too_much(&seen, &claimed).is_empty());
    }
    if behind > 0 {
        println!("{PAGE} says less than what was seen of {behind} commands: `cargo xtask conformance` writes it anew");
    }
    println!("{} commands on the page, {} claims that do not hold", claims.len(), wrong.len());
    for line in &wrong {
        println!("  {line}");
    }
    let judged = judge(&sections, &measured);
    if wrong.is_empty() { judged } else { Err(format!("{PAGE} claims what was not seen")) }
}

/// What is claimed and was not seen.
fn too_much(claimed: &Facts, seen: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    if claimed.implemented && !seen.implemented {
        found.push("is there".into());
    }
    if claimed.success && !seen.success {
        found.push("succeeds in a test".into());
    }
    found.extend(claimed.errors.difference(&seen.errors).map(|rc| format!("is refused with {rc} in a test")));
    found.extend(claimed.peers.difference(&seen.peers).map(|peer| format!("is used by {peer}")));
    found
}

/// What no test shows yet; anything else that is missing fails.
const KNOWN_GAPS: &[&str] = &[];

/// What has to hold whatever the page says: each command that is there has tests of both kinds, and each of its error
/// conditions is shown, but for [`KNOWN_GAPS`].
fn judge(sections: &[rows::Section], measured: &Measured) -> Result {
    let mut missing = Vec::new();
    let is_there = |code: u32| code == 0 || measured.commands.get(&code).is_some_and(|facts| facts.implemented);
    for section in sections.iter().filter(|section| is_there(section.code)) {
        if let Some(facts) = measured.commands.get(&section.code).filter(|_| section.code != 0) {
            if !facts.success {
                missing.push(format!("{}: no test in which it succeeds", section.name));
            }
            if facts.errors.is_empty() {
                missing.push(format!("{}: no test in which it is refused", section.name));
            }
        }
        for row in section.rows.iter().filter(|row| row.never.is_none()) {
            if page::shown(measured, section, row).is_none() {
                missing.push(format!("{}: no test shows {}: {}", section.name, row.rc, row.condition));
            }
        }
    }
    for line in &missing {
        println!("  {line}");
    }
    let unknown = missing.iter().filter(|line| !KNOWN_GAPS.contains(&line.as_str())).count();
    println!("{} tests are missing, {unknown} of them unexpectedly", missing.len());
    if unknown == 0 { Ok(()) } else { Err(format!("{unknown} tests are missing that are no known gaps")) }
}
