//! `cargo xtask install-lua`: the Lua module under the name that `require "ironroot"` looks for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::args::Args;
use crate::install_c::copy;
use crate::run::{Result, cargo, run, target_dir};

/// The task: `[--output DIR]`.
pub fn task(mut args: Args) -> Result {
    let folder: PathBuf = args.value("--output")?.unwrap_or_else(|| "/usr/local/lib/lua/5.4".into()).into();
    args.finish()?;
    // A relative folder is the caller's, not the repository's.
    let folder = std::path::absolute(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    run(cargo().args(["build", "--quiet", "--locked", "--release", "--package", "ironroot-lua"]))?;
    install("release", &folder)?;
    println!("{}", folder.join("ironroot.so").display());
    Ok(())
}

/// What was built for tests: the folder for `package.cpath`.
pub fn built() -> Result<PathBuf> {
    let folder = target_dir().join("lua");
    install("debug", &folder)?;
    Ok(folder)
}

fn install(profile: &str, folder: &Path) -> Result {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    copy(&target_dir().join(profile).join("libironroot_lua.so"), &folder.join("ironroot.so"))
}
