//! `cargo xtask timing`: the statistical test of times (`crates/side-channels`), pinned to one core.

use crate::args::Args;
use crate::packages;
use crate::run::{Result, cmd, show};
use crate::taint;
use std::process::Stdio;

const BEGIN: &str = "<!-- timing: begin -->";
const END: &str = "<!-- timing: end -->";

/// The task: `[--samples N] [--only WORD] [--core N] [--docs]`.
pub fn timing(mut args: Args) -> Result {
    let samples = args.value("--samples")?;
    let only = args.value("--only")?;
    let core: u32 = args.parsed("--core", 0)?;
    let docs = args.flag("--docs");
    args.finish()?;
    packages::need(packages::TIMING)?;
    let binary = taint::built("timing")?;
    let mut command = cmd("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(binary).stderr(Stdio::inherit());
    for (name, value) in [("--samples", samples), ("--only", only)] {
        if let Some(value) = value {
            command.args([name, &value]);
        }
    }
    let result = command.output().map_err(|e| format!("cannot start `{}`: {e}", show(&command)))?;
    let table = String::from_utf8_lossy(&result.stdout);
    println!("{table}");
    if docs {
        taint::write_section("docs/side-channels.md", BEGIN, END, &table)?;
    }
    if result.status.success() {
        Ok(())
    } else {
        Err("times differ where they may not, or a control was not found".into())
    }
}
