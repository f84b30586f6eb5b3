//! `cargo xtask peers`: tpm2-tools, OpenSSL, IBM's utilities, tpm2-pytss and tpm2-pkcs11, unmodified, against our daemon.

use crate::args::Args;
use crate::run::{Result, cargo, cmd, run, target_dir};
use crate::tpm::daemon::Program;
use crate::{install_c, install_lua, packages};

/// The task: `[--tpm ironroot|swtpm|PATH] [--protocol mssim|swtpm|both] [SCRIPT…]`.
pub fn peers(mut args: Args) -> Result {
    packages::need(packages::PEERS)?;
    let program = Program::from_option(&args.value("--tpm")?.unwrap_or_else(|| "ironroot".into()))?;
    let mut command = cmd("bash");
    command.arg("tests/run-peers").arg("--tpm");
    match &program {
        Program::Swtpm => command.arg("swtpm"),
        Program::Ironroot(binary) => command.arg(binary),
    };
    if let Program::Ironroot(_) = &program {
        // Built here, so that no script waits for the compiler; as the unit tests are, so that most of it is there already.
        let examples = ["--example", "pq-walk", "--example", "mutual-tls"];
        run(cargo().args(["build", "--quiet", "--locked", "--workspace", "--lib"]).args(examples))?;
        command.env("PEER_PQ_WALK", target_dir().join("debug/examples/pq-walk"));
        command.env("PEER_MUTUAL_TLS", target_dir().join("debug/examples/mutual-tls"));
        command.env("IRONROOT_PKCS11_MODULE", target_dir().join("debug/libironroot_pkcs11.so"));
        command.env("IRONROOT_C", install_c::built()?);
        command.env("IRONROOT_LUA", install_lua::built()?);
        command.env("IRONROOT_PYTHON", target_dir().join("debug/libironroot_python.so"));
    }
    run(command.args(args.rest()))
}
