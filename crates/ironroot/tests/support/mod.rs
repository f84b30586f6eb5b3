//! What the tests of the program share: a daemon of one's own, in a folder that is removed afterwards.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod search;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use ironroot_client::{Tcti, Tpm};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ironroot");

/// A folder of a test's own.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ironroot-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `ironroot tpm`, on both protocols.
pub struct Daemon {
    child: Child,
    /// What it printed.
    pub says: serde_json::Value,
    log: Option<JoinHandle<String>>,
}

impl Daemon {
    /// Starts one on `folder/state`, with UNIX sockets at `folder/s`, as verbose as it can be.
    pub fn start(folder: &Folder, options: &[&str]) -> Self {
        Self::try_start(folder, options).unwrap_or_else(|said| panic!("the daemon did not start: {said}"))
    }

    /// As [`Daemon::start`], but silent.
    pub fn quiet(folder: &Folder) -> Self {
        Self::spawn(folder, &[], &[]).unwrap_or_else(|said| panic!("the daemon did not start: {said}"))
    }

    pub fn try_start(folder: &Folder, options: &[&str]) -> Result<Self, String> {
        Self::spawn(folder, &["-vv"], options)
    }

    fn spawn(folder: &Folder, verbosity: &[&str], options: &[&str]) -> Result<Self, String> {
        let mut child = Command::new(PROGRAM)
            .args(verbosity)
            .args(["tpm", "--json", "--mssim", "127.0.0.1:0", "--state"])
            .arg(folder.join("state"))
            .arg("--swtpm")
            .arg(format!("unix:{}", folder.join("s").display()))
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = child.stderr.take().map(|stderr| std::thread::spawn(|| all_of(stderr)));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        match serde_json::from_str(&line) {
            Ok(says) => Ok(Self { child, says, log }),
            Err(_) => {
                let status = child.wait().unwrap();
                Err(format!("{status}: {}", log.map(|log| log.join().unwrap()).unwrap_or_default()))
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client over TCP and the simulator's protocol.
    pub fn mssim(&self) -> Tpm {
        let tcti = self.says["tcti"][0].as_str().unwrap();
        assert!(tcti.starts_with("mssim:"), "{tcti}");
        Tpm::connect(&Tcti::parse(tcti).unwrap()).unwrap()
    }

    /// A client over UNIX sockets and swtpm's protocol.
    pub fn swtpm(&self) -> Tpm {
        let tcti = self.says["tcti"][1].as_str().unwrap();
        assert!(tcti.starts_with("swtpm:path="), "{tcti}");
        Tpm::connect(&Tcti::parse(tcti).unwrap()).unwrap()
    }

    /// A field of `/proc/PID/status`.
    pub fn status(&self, field: &str) -> String {
        field_of(&format!("/proc/{}/status", self.pid()), field)
    }

    /// A field of every thread's status.
    pub fn threads(&self, field: &str) -> Vec<String> {
        let folder = format!("/proc/{}/task", self.pid());
        let threads = fs::read_dir(folder).unwrap();
        threads.map(|thread| field_of(thread.unwrap().path().join("status").to_str().unwrap(), field)).collect()
    }

    /// Sends a signal (through kill(1): std has none but SIGKILL), and waits for the end: how, and what the log says.
    pub fn end(mut self, signal: &str) -> (ExitStatus, String) {
        let killed = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status().unwrap();
        assert!(killed.success());
        self.wait()
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "the daemon does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        (status, self.log.take().map(|log| log.join().unwrap()).unwrap_or_default())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn field_of(file: &str, field: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field} in {file}")).trim().to_owned()
}

fn all_of(mut stderr: ChildStderr) -> String {
    let mut bytes = Vec::new();
    stderr.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A command and its response on swtpm's data channel.
pub fn exchange(stream: &mut UnixStream, command: &[u8]) -> Vec<u8> {
    stream.write_all(command).unwrap();
    let mut response = vec![0; 10];
    stream.read_exact(&mut response).unwrap();
    let size = u32::from_be_bytes(response[2..6].try_into().unwrap()) as usize;
    response.resize(size, 0);
    stream.read_exact(&mut response[10..]).unwrap();
    response
}

/// Whether the tests may do what only root may.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
