//! For tests: a real TPM to talk to. A swtpm of one's own, in a folder that is removed afterwards, or the TPM that the
//! environment variable `IRONROOT_TEST_TCTI` names (then run the tests one after another: they share it).

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use crate::{
    ClientError, Endpoint, Tcti, Tpm,
    wire::{TpmHandle, TpmSu},
};

/// The variable that names another TPM to test against.
pub const VARIABLE: &str = "IRONROOT_TEST_TCTI";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A TPM for one test.
#[derive(Debug)]
pub struct TestTpm {
    tcti: Tcti,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    folder: PathBuf,
}

impl TestTpm {
    /// The TPM that [`VARIABLE`] names, or else a new swtpm on UNIX sockets.
    ///
    /// # Errors
    /// A message for people: swtpm is missing or does not start, the variable cannot be understood.
    pub fn start() -> Result<Self, String> {
        match Self::from_variable()? {
            Some(tpm) => Ok(tpm),
            None => {
                let folder = new_folder()?;
                let path = folder.join("tpm.sock");
                let data = format!("type=unixio,path={}", path.display());
                let control = format!("type=unixio,path={}.ctrl", path.display());
                Self::spawn(folder, &data, &control, Tcti::Swtpm(Endpoint::Unix(path)))
            }
        }
    }

    /// As [`TestTpm::start`], with a swtpm on free TCP ports.
    ///
    /// # Errors
    /// As [`TestTpm::start`].
    pub fn start_tcp() -> Result<Self, String> {
        match Self::from_variable()? {
            Some(tpm) => Ok(tpm),
            None => Self::swtpm_tcp(),
        }
    }

    /// Whether the TPM is a swtpm that this test has started.
    #[must_use]
    pub const fn is_own_swtpm(&self) -> bool {
        self.process.is_some()
    }

    /// How to reach it; its `Display` is what the TSS takes.
    #[must_use]
    pub const fn tcti(&self) -> &Tcti {
        &self.tcti
    }

    /// Connects, and clears away what an earlier test may have left in a shared TPM's memory.
    ///
    /// # Errors
    /// As [`Tpm::connect`].
    pub fn connect(&self) -> Result<Tpm, ClientError> {
        let mut tpm = Tpm::connect(&self.tcti)?;
        tpm.startup(TpmSu::Clear)?;
        if self.process.is_none() {
            for first in [TpmHandle::TRANSIENT_FIRST, TpmHandle::HMAC_SESSION_FIRST, TpmHandle::POLICY_SESSION_FIRST] {
                for handle in tpm.handles(first)? {
                    tpm.flush(handle)?;
                }
            }
        }
        Ok(tpm)
    }

    /// Stops a swtpm that this test has started, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    fn from_variable() -> Result<Option<Self>, String> {
        match env::var(VARIABLE) {
            Ok(value) if !value.is_empty() => {
                let tcti = Tcti::parse(&value).map_err(|error| format!("{VARIABLE}: {error}"))?;
                Ok(Some(Self { tcti, process: None }))
            }
            _ => Ok(None),
        }
    }

    fn swtpm_tcp() -> Result<Self, String> {
        let mut last = String::new();
        // Between finding free ports and swtpm's taking them somebody else may: try again then.
        for _ in 0..5 {
            let port = two_free_ports()?;
            let tcti = Tcti::Swtpm(Endpoint::Tcp { host: "127.0.0.1".into(), port });
            let data = format!("type=tcp,port={port}");
            let control = format!("type=tcp,port={}", port + 1);
            match Self::spawn(new_folder()?, &data, &control, tcti) {
                Ok(tpm) => return Ok(tpm),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn spawn(folder: PathBuf, data: &str, control: &str, tcti: Tcti) -> Result<Self, String> {
        let state = format!("dir={}", folder.display());
        let log = folder.join("swtpm.log");
        let arguments =
            ["socket", "--tpm2", "--tpmstate", &state, "--server", data, "--ctrl", control, "--flags", FLAGS];
        let child = Command::new("swtpm")
            .args(arguments)
            .arg("--log")
            .arg(format!("file={},level=1", log.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("cannot start swtpm ({error}): install it (apt-get install swtpm), or set {VARIABLE}")
            })?;
        let mut tpm = Self { tcti, process: Some(Process { child, folder }) };
        tpm.wait_until_ready(&log)?;
        Ok(tpm)
    }

    fn wait_until_ready(&mut self, log: &Path) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let error = match self.connect() {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let ended = self.process.as_mut().and_then(|process| process.child.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("swtpm does not answer: {error}; its log says: {log}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

const FLAGS: &str = "not-need-init,startup-clear";

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to be told: what cannot be removed stays in the temporary folder.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn new_folder() -> Result<PathBuf, String> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("ironroot-test-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

/// A free TCP port whose next one is free too, below those that the system hands out by itself.
fn two_free_ports() -> Result<u16, String> {
    for _ in 0..1000 {
        let number = std::process::id().wrapping_mul(31).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + number % 11_000 * 2).unwrap_or(10_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    Err("no two neighbouring TCP ports are free".into())
}
