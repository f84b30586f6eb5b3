//! The TPM of libtpms, in Debian's swtpm: a peer that the same bytes are sent to.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command as Process, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use ironroot_wire::{Command, Startup, TpmRc, TpmSu, TpmsAuthCommand};

use crate::common::{TestTpm, decode, encode, password, rc};

/// A TPM that commands are sent to.
pub trait Endpoint {
    fn raw(&mut self, command: &[u8]) -> Vec<u8>;

    fn name(&self) -> &'static str;

    fn run_with<C: Command>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Result<C::Response, TpmRc>
    where
        Self: Sized,
    {
        let response = self.raw(&encode(command, sessions));
        decode::<C>(&response).map(|(response, _)| response)
    }

    fn run<C: Command>(&mut self, command: &C) -> Result<C::Response, TpmRc>
    where
        Self: Sized,
    {
        self.run_with(command, &[])
    }

    fn run_auth<C: Command>(&mut self, command: &C) -> Result<C::Response, TpmRc>
    where
        Self: Sized,
    {
        self.run_with(command, &vec![password(b""); C::INFO.authorized_handles()])
    }
}

/// Ours or the peer, chosen at run time.
pub enum Any<'a> {
    Ours(&'a mut TestTpm),
    Peer(&'a mut Libtpms),
}

impl Endpoint for Any<'_> {
    fn raw(&mut self, command: &[u8]) -> Vec<u8> {
        match self {
            Self::Ours(tpm) => tpm.raw(command),
            Self::Peer(tpm) => tpm.raw(command),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => "ours",
            Self::Peer(_) => "libtpms",
        }
    }
}

/// A running swtpm with a state of its own; it ends with the test.
pub struct Libtpms {
    process: Child,
    stream: UnixStream,
    folder: PathBuf,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Libtpms {
    /// A new TPM after `TPM2_Startup(CLEAR)`.
    pub fn started() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ironroot-libtpms-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        let process = Process::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init"])
            .arg("--tpmstate")
            .arg(format!("dir={}", folder.display()))
            .arg("--server")
            .arg(format!("type=unixio,path={}", socket.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests compare with libtpms: the Debian package swtpm is needed");
        let stream = connect(&socket);
        let mut this = Self { process, stream, folder };
        this.run(&Startup { startup_type: TpmSu::Clear }).unwrap();
        this
    }
}

fn connect(socket: &std::path::Path) -> UnixStream {
    let start = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => {
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                return stream;
            }
            Err(error) if start.elapsed() > Duration::from_secs(20) => panic!("swtpm does not answer: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

impl Libtpms {
    fn exchange(&mut self, command: &[u8]) -> Vec<u8> {
        self.stream.write_all(command).unwrap();
        let mut response = vec![0; 10];
        self.stream.read_exact(&mut response).unwrap();
        let size = u32::from_be_bytes(response[2..6].try_into().unwrap()) as usize;
        response.resize(size, 0);
        self.stream.read_exact(&mut response[10..]).unwrap();
        response
    }
}

impl Endpoint for Libtpms {
    fn raw(&mut self, command: &[u8]) -> Vec<u8> {
        let response = self.exchange(command);
        // It writes its state first when the first protected object is used, and wants the command again.
        if rc(&response) == TpmRc::RETRY { self.exchange(command) } else { response }
    }

    fn name(&self) -> &'static str {
        "libtpms"
    }
}

impl Drop for Libtpms {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
