//! Debian packages that a task needs: installed when we may, named when we may not.

use crate::run::{Result, cmd, has, output, run};

/// What the tests of unmodified programs need.
pub const PEERS: &[&str] = &[
    "swtpm",
    "swtpm-tools",
    "tpm2-tools",
    "tpm2-openssl",
    "tpm2-abrmd",
    "libtss2-tcti-tabrmd0",
    "dbus",
    "openssl",
    "xxd",
    "curl",
    "nginx-light",
    "python3-requests",
    "gcc",
    "libssl-dev",
    "tss2",
    "python3-tpm2-pytss",
    "python3-cryptography",
    "python3-jwt",
    "libtpm2-pkcs11-1",
    "opensc",
    "softhsm2",
    "gnutls-bin",
    "libnss3-tools",
    "openssh-server",
    "openvpn",
    "g++",
    "binutils",
    "pkg-config",
    "valgrind",
    "python3-pytest",
    "python3-venv",
    "lua5.4",
    "lua-socket",
];
/// What the provisioning service's tests keep its data in.
pub const DATABASES: &[&str] = &["postgresql", "sqlite3"];
/// What building core and alloc for bare metal needs: a compiler whose standard library comes with its source.
pub const FIRMWARE: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];
/// What libFuzzer needs.
pub const FUZZ: &[&str] = &["g++"];
/// What the differential runner links.
pub const DIFFERENTIAL: &[&str] = &["libtpms-dev"];
/// What the host's provider needs.
pub const BUILD: &[&str] = &["gcc", "libc6-dev"];
/// What counting system calls needs: the peer, and strace.
pub const COST: &[&str] = &["swtpm", "strace"];
/// What the measurements need: the peer, and taskset.
pub const BENCH: &[&str] = &["swtpm", "util-linux"];
/// What marks secrets.
pub const TAINT: &[&str] = &["gcc", "libc6-dev", "valgrind"];
/// What pins the timing test to a core.
pub const TIMING: &[&str] = &["gcc", "libc6-dev", "util-linux"];

/// Makes sure that the packages are there.
pub fn need(packages: &[&str]) -> Result {
    if !has("dpkg-query") {
        return Err(format!("not Debian: install what these packages bring: {}", packages.join(" ")));
    }
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if output(cmd("id").arg("-u"))?.trim() != "0" {
        return Err(format!("missing packages; install them with: sudo apt-get install {list}"));
    }
    println!("installing {list}");
    let install = || {
        run(cmd("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--yes", "--quiet", "--quiet", "--no-install-recommends"])
            .args(&missing))
    };
    // The lists of a fresh machine are empty or old: refresh them if the first try fails.
    install().or_else(|_| run(cmd("apt-get").args(["update", "--quiet", "--quiet"])).and_then(|()| install()))
}

fn installed(package: &str) -> bool {
    let status = output(cmd("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]));
    // Of a package for several architectures, dpkg-query prints one word for each.
    status.is_ok_and(|status| status.contains("installed") && !status.contains("not-installed"))
}
