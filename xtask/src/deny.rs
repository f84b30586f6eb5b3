//! `cargo xtask deny`: licences, duplicate and banned crates, sources, by cargo-deny.
//!
//! Known advisories are a separate wish: their database is a git repository that build machines without a network do
//! not reach. `--advisories` fetches it and fails if it cannot; without the option the output says that nobody looked.

use crate::args::Args;
use crate::run::{Result, cargo, cmd, has, run, target_dir};
use std::path::PathBuf;

const VERSION: &str = "0.20.2";

/// The task: `[--advisories]`.
pub fn deny(mut args: Args) -> Result {
    let advisories = args.flag("--advisories");
    args.finish()?;
    let tool = tool()?;
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let mut command = cmd(&tool);
        // Two versions of a crate are worth a warning to whoever asks cargo-deny directly, not a page in every test run.
        command.args(["--log-level", "error", "--manifest-path", manifest, "--locked", "--config", "deny.toml"]);
        command.args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
        if advisories {
            command.arg("advisories");
        }
        run(&mut command)?;
    }
    if !advisories {
        println!(
            "advisories: NOT checked (needs the RustSec database; `cargo xtask deny --advisories` with a network)"
        );
    }
    Ok(())
}

/// cargo-deny from PATH, or our own copy; built without optimization, which takes about a minute.
fn tool() -> Result<PathBuf> {
    if has("cargo-deny") {
        return Ok("cargo-deny".into());
    }
    let folder = target_dir().join("tools");
    let binary = folder.join("bin/cargo-deny");
    if !binary.is_file() {
        println!("building cargo-deny {VERSION} once, into {}", folder.display());
        run(cargo()
            .args(["install", "cargo-deny", "--version", VERSION, "--locked", "--quiet", "--no-default-features"])
            .args(["--profile", "dev", "--root"])
            .arg(&folder)
            .env("CARGO_TARGET_DIR", folder.join("build")))?;
        // Half a gigabyte that nobody needs again.
        let _ = std::fs::remove_dir_all(folder.join("build"));
    }
    Ok(binary)
}
