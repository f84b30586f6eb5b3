//! `cargo xtask firmware`: the TPM's crates for bare metal, with the portable provider.
//!
//! A toolchain without the targets' standard library builds core and alloc itself, from the source that Debian ships
//! for its own compiler; so the compiler has to be Debian's too. Building the standard library is an unstable feature
//! of cargo, which RUSTC_BOOTSTRAP lets this one build use; our own crates stay on stable Rust.

use crate::args::Args;
use crate::packages;
use crate::run::{Result, cmd, run, target_dir};

const TARGETS: &[&str] = &["thumbv8m.main-none-eabi", "aarch64-unknown-none"];
const CRATES: &[&str] = &["ironroot-wire", "ironroot-platform", "ironroot-crypto", "ironroot-tpm"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// The task: `[TARGET…]`.
pub fn firmware(mut args: Args) -> Result {
    let mut targets = Vec::new();
    while let Some(target) = args.word() {
        targets.push(target);
    }
    args.finish()?;
    if targets.is_empty() {
        targets.extend(TARGETS.iter().map(|target| (*target).to_owned()));
    }
    packages::need(packages::FIRMWARE)?;
    for target in &targets {
        // One crate at a time: together, cargo would give each the features that any of them asks for.
        for package in CRATES {
            let mut build = cmd(DEBIAN_CARGO);
            // The caller's toolchain must not leak in.
            for variable in ["RUSTC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_BUILD_RUSTC", "RUSTC_WRAPPER", "CARGO"] {
                build.env_remove(variable);
            }
            build
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_DIR", target_dir().join("firmware"))
                .args(["build", "--release", "--locked", "--quiet", "--package", package, "--no-default-features"])
                .args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem", "--target", target]);
            run(&mut build)?;
        }
    }
    println!("built for {}", targets.join(", "));
    Ok(())
}
