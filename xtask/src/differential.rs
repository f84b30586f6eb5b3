//! `cargo xtask differential`: Ironroot and libtpms side by side, command by command.
//!
//! The program is a workspace of its own (`differential/`), because it links libtpms; it is built into the same target
//! folder, with the same profile, so that what both need is compiled once.

use crate::args::Args;
use crate::packages;
use crate::run::{Result, cargo, cmd, output, root, run, target_dir};

/// What stands in docs/conformance.md as its last section.
pub const EXPLAINED: &str = "differential/explained.md";
/// The workspace.
pub const MANIFEST: &str = "differential/Cargo.toml";

/// The task: `[--commands N] [--seed S] [--minutes M] [--jobs N]`, or `--docs`, which writes the list of explained
/// divergences.
pub fn differential(mut args: Args) -> Result {
    let docs = args.flag("--docs");
    packages::need(packages::DIFFERENTIAL)?;
    run(cargo()
        .args(["build", "--locked", "--quiet", "--manifest-path", MANIFEST])
        .env("CARGO_TARGET_DIR", target_dir()))?;
    let program = target_dir().join("debug/ironroot-differential");
    let explained = output(cmd(&program).arg("--docs"))?;
    let path = root().join(EXPLAINED);
    if docs {
        args.finish()?;
        return std::fs::write(&path, explained).map_err(|e| format!("{EXPLAINED}: {e}"));
    }
    if std::fs::read_to_string(&path).unwrap_or_default() != explained {
        return Err(format!("{EXPLAINED} is not what the rules say: run `cargo xtask differential --docs`"));
    }
    run(cmd(&program).args(args.rest()))
}
