//! `cargo xtask install-c`: the C library, its header and its pkg-config file, as packages have them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::args::Args;
use crate::run::{Result, cargo, root, run, target_dir};

/// The number in the soname: another one for each release that breaks programs.
const ABI: &str = "0";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the static library needs of the system (`rustc --print native-static-libs`).
const STATIC: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

/// The task: `--prefix DIR [--destdir DIR] [--libdir DIR] [--dev]`.
pub fn task(mut args: Args) -> Result {
    let prefix: PathBuf = args.value("--prefix")?.unwrap_or_else(|| "/usr/local".into()).into();
    let libdir = args.value("--libdir")?.map_or_else(|| prefix.join("lib"), PathBuf::from);
    let destdir: PathBuf = args.value("--destdir")?.unwrap_or_default().into();
    let dev = args.flag("--dev");
    args.finish()?;
    for folder in [&prefix, &libdir] {
        if !folder.is_absolute() {
            return Err(format!("{}: name a whole path", folder.display()));
        }
    }
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked", "--package", "ironroot-capi"]);
    if !dev {
        build.arg("--release");
    }
    run(&mut build)?;
    install(&prefix, &libdir, &destdir, if dev { "debug" } else { "release" })?;
    println!("libironroot {VERSION} is in {}", libdir.display());
    Ok(())
}

/// What was built for tests, installed in the target folder for the tests.
pub fn built() -> Result<PathBuf> {
    let prefix = target_dir().join("c-api");
    install(&prefix, &prefix.join("lib"), Path::new(""), "debug")?;
    Ok(prefix)
}

fn install(prefix: &Path, libdir: &Path, destdir: &Path, profile: &str) -> Result {
    let built = target_dir().join(profile);
    let staged = |path: &Path| match destdir.as_os_str().is_empty() {
        true => path.to_path_buf(),
        false => destdir.join(path.strip_prefix("/").unwrap_or(path)),
    };
    let (lib, include) = (staged(libdir), staged(&prefix.join("include")));
    let pkgconfig = lib.join("pkgconfig");
    for folder in [&lib, &include, &pkgconfig] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let real = format!("libironroot.so.{VERSION}");
    copy(&built.join("libironroot_capi.so"), &lib.join(&real))?;
    copy(&built.join("libironroot_capi.a"), &lib.join("libironroot.a"))?;
    copy(&root().join("crates/capi/include/ironroot.h"), &include.join("ironroot.h"))?;
    link(&real, &lib.join(format!("libironroot.so.{ABI}")))?;
    link(&real, &lib.join("libironroot.so"))?;
    let file = pkgconfig.join("ironroot.pc");
    let text = format!(
        "prefix={}\nlibdir={}\nincludedir=${{prefix}}/include\n\nName: ironroot\nDescription: Keys, certificates, tokens and secrets of any TPM \
         2.0\nVersion: {VERSION}\nLibs: -L${{libdir}} -lironroot\nLibs.private: {STATIC}\nCflags: -I${{includedir}}\n",
        prefix.display(),
        libdir.display()
    );
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Removed first, so that a program that runs keeps the old one.
pub fn copy(from: &Path, to: &Path) -> Result {
    let _ = fs::remove_file(to);
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn link(target: &str, at: &Path) -> Result {
    let _ = fs::remove_file(at);
    std::os::unix::fs::symlink(target, at).map_err(|error| format!("{}: {error}", at.display()))
}
