//! Debian's swtpm as a TPM of somebody else's make, driven with tpm2-tools as a user would.
#![allow(dead_code)]

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A running swtpm with certificates of its own little CA in NV.
pub struct Swtpm {
    folder: TempDir,
    process: Child,
    tcti: String,
}

impl Swtpm {
    /// Manufactures and starts a TPM.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        manufacture(folder.path());
        let port = free_port_pair();
        let process = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", folder.path().join("state").display()))
            .arg("--server")
            .arg(format!("type=tcp,port={port}"))
            .arg("--ctrl")
            .arg(format!("type=tcp,port={}", port + 1))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("swtpm is not there: apt install swtpm swtpm-tools tpm2-tools");
        let tpm = Self { folder, process, tcti: format!("swtpm:host=127.0.0.1,port={port}") };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !tpm.command("tpm2_getrandom", &["--hex", "4"]).status.success() {
            assert!(Instant::now() < deadline, "swtpm does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        tpm
    }

    /// The TCTI string.
    pub fn tcti(&self) -> &str {
        &self.tcti
    }

    /// The folder in which tools run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a tool, which must succeed; returns what it printed.
    pub fn run(&self, tool: &str, arguments: &[&str]) -> String {
        let output = self.command(tool, arguments);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{tool} {arguments:?}: {text}");
        self.flush();
        text
    }

    /// Runs a tool.
    pub fn command(&self, tool: &str, arguments: &[&str]) -> std::process::Output {
        Command::new(tool)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TPM2TOOLS_TCTI", &self.tcti)
            .env("TSS2_LOG", "all+NONE")
            .output()
            .unwrap_or_else(|error| panic!("{tool}: {error}: apt install tpm2-tools"))
    }

    /// Flushes what a tool left loaded: swtpm has three slots, and the context files hold what is needed.
    fn flush(&self) {
        assert!(self.command("tpm2_flushcontext", &["-t"]).status.success());
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(file)).unwrap()
    }

    pub fn write(&self, file: &str, contents: &[u8]) {
        fs::write(self.folder.path().join(file), contents).unwrap();
    }

    /// The certificates of the CA that made this TPM's endorsement certificates: root, issuer (PEM).
    pub fn authorities(&self) -> [String; 2] {
        ["ca/swtpm-localca-rootca-cert.pem", "ca/issuercert.pem"]
            .map(|file| fs::read_to_string(self.folder.path().join(file)).unwrap())
    }

    /// Has the TPM open a credential with the keys in `ek.ctx` and `ik.ctx`; `None` if it refuses.
    pub fn activate(&self, credential_blob: &[u8], secret: &[u8], by_policy: bool) -> Option<Vec<u8>> {
        let header = [&0xbadc_c0de_u32.to_be_bytes()[..], &1u32.to_be_bytes()].concat();
        self.write("credential", &[&header, credential_blob, secret].concat());
        let _ = fs::remove_file(self.folder.path().join("activated"));
        let mut arguments = vec!["-c", "ik.ctx", "-C", "ek.ctx", "-i", "credential", "-o", "activated"];
        if by_policy {
            self.run("tpm2_startauthsession", &["--policy-session", "-S", "session"]);
            self.run("tpm2_policysecret", &["-S", "session", "-c", "e"]);
            arguments.extend(["-P", "session:session"]);
        }
        let success = self.command("tpm2_activatecredential", &arguments).status.success();
        self.flush();
        if by_policy {
            self.run("tpm2_flushcontext", &["session"]);
        }
        success.then(|| self.read("activated"))
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn manufacture(folder: &Path) {
    for name in ["state", "ca"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    let path = |name: &str| -> String { folder.join(name).display().to_string() };
    let write = |name: &str, lines: &[String]| fs::write(folder.join(name), lines.join("\n") + "\n").unwrap();
    write(
        "setup.conf",
        &[
            "create_certs_tool = /usr/bin/swtpm_localca".into(),
            format!("create_certs_tool_config = {}", path("localca.conf")),
            format!("create_certs_tool_options = {}", path("options.conf")),
        ],
    );
    write(
        "localca.conf",
        &[
            format!("statedir = {}", path("ca")),
            format!("signingkey = {}", path("ca/signkey.pem")),
            format!("issuercert = {}", path("ca/issuercert.pem")),
            format!("certserial = {}", path("ca/certserial")),
        ],
    );
    write(
        "options.conf",
        &["--platform-manufacturer Peer".into(), "--platform-version 1".into(), "--platform-model test".into()],
    );
    let output = Command::new("swtpm_setup")
        .args(["--tpm2", "--create-ek-cert", "--overwrite", "--tpmstate", &path("state"), "--config"])
        .arg(path("setup.conf"))
        .output()
        .expect("swtpm_setup is not there: apt install swtpm-tools gnutls-bin");
    assert!(output.status.success(), "swtpm_setup: {}", String::from_utf8_lossy(&output.stdout));
}

/// A port whose successor is free too (tpm2-tss takes it for the control channel), below those that the system hands out
/// to outgoing connections.
fn free_port_pair() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 4000).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 21_000 + (start + step) % 5000 * 2;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
