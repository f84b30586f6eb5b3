//! Another TPM beside ours: a swtpm (libtpms) that is sent the same bytes. What both answer must be equal.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    env,
    fmt::Debug,
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command as Process, Stdio, id},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::Duration,
};

use ironroot_tpm::Profile;
use ironroot_wire::{Command, Shutdown, Startup, TpmRc, TpmSu, TpmsAuthCommand};

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
        let (process, stream) = Self::launch(&folder, "not-need-init,startup-clear");
        Self { process, folder, stream }
    }

    fn launch(folder: &Path, flags: &str) -> (Child, UnixStream) {
        let socket = folder.join("tpm");
        let process = Process::new("swtpm")
            .args(["socket", "--tpm2", "--flags", flags])
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
        (process, stream)
    }

    /// Power is lost and comes again; the TPM waits for `TPM2_Startup`.
    pub fn lose_power(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        fs::remove_file(self.folder.join("tpm")).unwrap();
        (self.process, self.stream) = Self::launch(&self.folder, "not-need-init");
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

/// Where the words of Part 3 decide against what TPMs in the field answer: the command, our code, theirs.
const DECIDED: &[(u32, TpmRc, TpmRc)] = &[
    // 23.3.1: the signature is not valid.
    (0x160, TpmRc::POLICY_FAIL.parameter(5), TpmRc::SIGNATURE.parameter(5)),
    // 23.2.2, 1: another nonce.
    (0x160, TpmRc::VALUE.parameter(1), TpmRc::NONCE.parameter(1)),
    (0x151, TpmRc::VALUE.parameter(1), TpmRc::NONCE.parameter(1)),
    // 23.16.1: the ticket is not valid.
    (0x16A, TpmRc::POLICY, TpmRc::VALUE.parameter(4)),
    // 23.9.1: offset and size.
    (0x149, TpmRc::NV_RANGE, TpmRc::SIZE.parameter(1)),
    // 12.1.1: a key that is too long.
    (0x153, TpmRc::SIZE, TpmRc::KEY_SIZE),
    (0x131, TpmRc::SIZE, TpmRc::KEY_SIZE),
    // 31.1: not written comes before the auth value.
    (0x14E, TpmRc::NV_UNINITIALIZED, TpmRc::BAD_AUTH.session(1)),
    (0x14E, TpmRc::NV_UNINITIALIZED, TpmRc::AUTH_FAIL.session(1)),
];

/// Whether two answers to a command agree, or differ as Part 3 decides.
pub fn agree(code: u32, ours: Option<TpmRc>, theirs: Option<TpmRc>) -> bool {
    let decided = || DECIDED.iter().any(|&(command, a, b)| command == code && ours == Some(a) && theirs == Some(b));
    // 5.6, 7.1: an object that only its policy opens.
    let policy_only = || {
        ours.is_some_and(|rc| rc.base() == TpmRc::POLICY_FAIL && rc.session_number().is_some())
            && theirs == Some(TpmRc::AUTH_UNAVAILABLE)
    };
    ours == theirs || decided() || policy_only()
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

    /// Ours with TDES, which libtpms has.
    pub fn started_with_tdes() -> Self {
        Self { ours: TestTpm::with_profile(Profile::EVERYTHING), theirs: Swtpm::start() }
    }

    /// Both are shut down, or not, lose their power, and are started.
    pub fn power_cycle(&mut self, shutdown: Option<TpmSu>, startup_type: TpmSu) {
        if let Some(shutdown_type) = shutdown {
            self.same(&Shutdown { shutdown_type }, &[]).unwrap();
        }
        self.ours.reopen();
        self.theirs.lose_power();
        self.same(&Startup { startup_type }, &[]).unwrap();
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
        let differ = !agree(C::INFO.code.0, ours.as_ref().err().copied(), theirs.as_ref().err().copied());
        assert!(!differ && (ours.is_err() || ours == theirs), "ours, theirs: {command:?}: {ours:?} {theirs:?}");
        ours
    }

    /// Sends a command to both; both must succeed or give the same response code.
    #[track_caller]
    pub fn same_code<C: Command + Debug>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Pair<C> {
        let (ours, theirs) = self.both(command, sessions);
        let (own, their) = (ours.as_ref().err().copied(), theirs.as_ref().err().copied());
        assert!(agree(C::INFO.code.0, own, their), "ours, theirs: {command:?}: {own:?} {their:?}");
        (ours, theirs)
    }
}
