//! Another TPM beside ours: a swtpm (libtpms) that is sent the same bytes. What both answer must be equal.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    env,
    fmt::Debug,
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command as Process, Stdio, id},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::Duration,
};

use ironroot_wire::{Command, TpmRc, TpmsAuthCommand};

use crate::common::{TestTpm, decode, encode, rc};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running swtpm with a socket of its own, after `TPM2_Startup(CLEAR)`.
pub struct Swtpm {
    process: Child,
    folder: PathBuf,
    stream: UnixStream,
}

impl Swtpm {
    pub fn start() -> Self {
        let folder = env::temp_dir().join(format!("ironroot-peer-{}-{}", id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("tpm");
        let process = Process::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", folder.display()))
            .arg("--server")
            .arg(format!("type=unixio,path={}", socket.display()))
            .arg("--ctrl")
            .arg(format!("type=unixio,path={}.ctrl", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("swtpm is the reference of this test: apt-get install swtpm");
        let stream = (0..500)
            .find_map(|_| {
                sleep(Duration::from_millis(20));
                UnixStream::connect(&socket).ok()
            })
            .expect("swtpm opens its socket");
        Self { process, folder, stream }
    }

    /// Sends bytes, again if it answers that it has to prepare itself first (`TPM_RC_RETRY`).
    pub fn raw(&mut self, command: &[u8]) -> Vec<u8> {
        loop {
            let response = self.once(command);
            if rc(&response) != TpmRc::RETRY {
                return response;
            }
        }
    }

    fn once(&mut self, command: &[u8]) -> Vec<u8> {
        self.stream.write_all(command).unwrap();
        let mut response = vec![0; 10];
        self.stream.read_exact(&mut response).unwrap();
        let size = u32::from_be_bytes(response[2..6].try_into().unwrap()) as usize;
        response.resize(size, 0);
        self.stream.read_exact(&mut response[10..]).unwrap();
        response
    }

    pub fn run<C: Command>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Result<C::Response, TpmRc> {
        decode::<C>(&self.raw(&encode(command, sessions))).map(|(response, _)| response)
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Both TPMs.
pub struct Both {
    pub ours: TestTpm,
    pub theirs: Swtpm,
}

/// A command's result on both TPMs.
pub type Pair<C> = (Result<<C as Command>::Response, TpmRc>, Result<<C as Command>::Response, TpmRc>);

impl Both {
    pub fn started() -> Self {
        Self { ours: TestTpm::started(), theirs: Swtpm::start() }
    }

    /// Sends a command to both.
    pub fn both<C: Command>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Pair<C> {
        (self.ours.run_with(command, sessions), self.theirs.run(command, sessions))
    }

    /// Sends a command to both; both must answer the same.
    #[track_caller]
    pub fn same<C: Command + Debug>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Result<C::Response, TpmRc>
    where
        C::Response: PartialEq + Debug,
    {
        let (ours, theirs) = self.both(command, sessions);
        assert_eq!(ours, theirs, "ours, theirs: {command:?}");
        ours
    }

    /// Sends a command to both; both must succeed or give the same response code.
    #[track_caller]
    pub fn same_code<C: Command + Debug>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Pair<C> {
        let (ours, theirs) = self.both(command, sessions);
        assert_eq!(ours.as_ref().err(), theirs.as_ref().err(), "ours, theirs: {command:?}");
        (ours, theirs)
    }
}
