//! `cargo xtask wheel`: the Python wheel.

use crate::args::Args;
use crate::run::{Result, cmd, run, target_dir};

/// The task: `[--output DIR]`.
pub fn task(mut args: Args) -> Result {
    let output = args.value("--output")?.unwrap_or_else(|| target_dir().join("wheels").display().to_string());
    args.finish()?;
    // A relative folder is the caller's, not the repository's.
    let output = std::path::absolute(&output).map_err(|error| format!("{output}: {error}"))?;
    std::fs::create_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    run(cmd("python3").arg("crates/python/backend.py").arg(output))
}
