//! What the tests share: a test double of an engine, and clients that speak through real sockets.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

pub mod peer;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ironroot_host::{Address, BufferSizes, Builder, Daemon, Engine, EngineError, Features};
use zeroize::Zeroizing;

pub const STARTUP: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0];
pub const SHUTDOWN: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x45, 0, 0];
pub const GET_RANDOM: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8];
/// A code that makes the double wait until it is cancelled.
pub const SLOW: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0x20, 0, 0, 1];
/// A code that makes the double panic.
pub const PANIC: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0x20, 0, 0, 2];
/// A code that makes the double answer nothing.
pub const SILENT: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0x20, 0, 0, 3];
/// A code that makes the double answer with the locality.
pub const LOCALITY: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0x20, 0, 0, 4];

/// What has happened to a double, seen from outside.
#[derive(Default)]
pub struct Log {
    pub events: Mutex<Vec<String>>,
    pub executed: AtomicU32,
    pub cancel: Arc<AtomicBool>,
}

impl Log {
    pub fn note(&self, event: impl Into<String>) {
        self.events.lock().unwrap().push(event.into());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    pub fn wait_executed(&self, count: u32) {
        let begin = Instant::now();
        while self.executed.load(Ordering::SeqCst) < count {
            assert!(begin.elapsed() < Duration::from_secs(5), "the engine was never called");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A test double: started or not, counts, and answers a few frames as a TPM would.
pub struct Double {
    pub log: Arc<Log>,
    pub features: Features,
    pub started: bool,
    pub refuse_power: bool,
    pub permanent: Vec<u8>,
    pub buffer: u32,
}

pub fn double() -> (Double, Arc<Log>) {
    let log = Arc::new(Log::default());
    let double = Double {
        log: log.clone(),
        features: Features::default(),
        started: false,
        refuse_power: false,
        permanent: b"permanent".to_vec(),
        buffer: 4096,
    };
    (double, log)
}

impl Engine for Double {
    fn features(&self) -> Features {
        self.features
    }
    fn power_on(&mut self) -> Result<(), EngineError> {
        self.log.note("power on");
        self.started = false;
        match self.refuse_power {
            true => Err(EngineError::Failed("state.db is damaged at byte 7; restore a backup".to_owned())),
            false => Ok(()),
        }
    }
    fn power_off(&mut self) {
        self.log.note("power off");
    }
    fn execute(&mut self, locality: u8, command: &[u8], response: &mut Vec<u8>) {
        self.log.executed.fetch_add(1, Ordering::SeqCst);
        let code = u32::from_be_bytes(command[6..10].try_into().unwrap());
        let size = u32::from_be_bytes(command[2..6].try_into().unwrap());
        let (rc, body): (u32, Vec<u8>) = match code {
            _ if size as usize != command.len() => (0x142, vec![]),
            0x144 if self.started => (0x100, vec![]),
            0x144 => {
                self.log.note(format!("startup {}", command[11]));
                self.started = true;
                (0, vec![])
            }
            0x145 => {
                self.log.note(format!("shutdown {}", command[11]));
                (0, vec![])
            }
            0x2000_0001 => {
                let begin = Instant::now();
                while !self.log.cancel.load(Ordering::SeqCst) && begin.elapsed() < Duration::from_secs(3) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                (if self.log.cancel.load(Ordering::SeqCst) { 0x909 } else { 0 }, vec![])
            }
            0x2000_0002 => panic!("the double panics as it was told to"),
            0x2000_0003 => return,
            0x2000_0004 => (0, vec![locality]),
            _ if !self.started => (0x100, vec![]),
            0x17b => (0, [&[0, 8][..], &[0x5a; 8]].concat()),
            _ => (0x143, vec![]),
        };
        response.extend_from_slice(&[0x80, 1]);
        response.extend_from_slice(&(10 + body.len() as u32).to_be_bytes());
        response.extend_from_slice(&rc.to_be_bytes());
        response.extend_from_slice(&body);
    }
    fn hash_start(&mut self) {
        self.log.note("hash start");
    }
    fn hash_data(&mut self, data: &[u8]) {
        let mut events = self.log.events.lock().unwrap();
        match events.last_mut() {
            Some(last) if last.starts_with("hash data ") => {
                let before: usize = last[10..].parse().unwrap();
                *last = format!("hash data {}", before + data.len());
            }
            _ => events.push(format!("hash data {}", data.len())),
        }
    }
    fn hash_end(&mut self) {
        self.log.note("hash end");
    }
    fn established(&self) -> bool {
        true
    }
    fn save_volatile(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Ok(Zeroizing::new(vec![if self.started { 1 } else { 0 }; 5000]))
    }
    fn load_volatile(&mut self, state: Option<&[u8]>) -> Result<(), EngineError> {
        let state = state.unwrap_or_default();
        self.log.note(format!("load volatile {}", state.len()));
        self.started = state.first() == Some(&1);
        match state.first() {
            Some(9) => Err(EngineError::Failed("the volatile state is damaged".to_owned())),
            _ => Ok(()),
        }
    }
    fn permanent_state(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Ok(Zeroizing::new(self.permanent.clone()))
    }
    fn set_permanent_state(&mut self, state: &[u8]) -> Result<(), EngineError> {
        self.permanent = state.to_vec();
        Ok(())
    }
    fn set_physical_presence(&mut self, asserted: bool) {
        self.log.note(format!("presence {asserted}"));
    }
    fn set_nv_available(&mut self, available: bool) {
        self.log.note(format!("nv {available}"));
    }
    fn force_failure_mode(&mut self) {
        self.log.note("failure mode");
    }
    fn canceller(&self) -> Option<Arc<AtomicBool>> {
        Some(self.log.cancel.clone())
    }
    fn buffer_sizes(&self) -> BufferSizes {
        BufferSizes { current: self.buffer, minimum: 2048, maximum: 4096 }
    }
    fn set_buffer_size(&mut self, wanted: u32) {
        self.buffer = wanted.clamp(2048, 4096);
    }
    fn info(&self, flags: u64) -> Option<String> {
        Some(format!("{{\"flags\":{flags}}}"))
    }
    fn act_signaled(&self, act: u32) -> bool {
        act == 0x4000_0111
    }
}

pub const ALL: Features = Features {
    hashing: true,
    established: true,
    volatile_state: true,
    permanent_state: true,
    info: true,
    storage_lock: false,
};

pub fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Adds short timeouts, so that tests of them do not take long.
pub fn quick(builder: Builder) -> Builder {
    builder.frame_timeout(Duration::from_millis(250))
}

pub fn tcp(daemon: &Daemon, channel: &str) -> SocketAddr {
    let found = daemon.addresses().find_map(|(name, address)| match address {
        Address::Tcp(address) if name == channel => Some(*address),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no TCP address for {channel}"))
}

pub const MSSIM_COMMAND: &str = "simulator command port";
pub const MSSIM_PLATFORM: &str = "simulator platform port";
pub const SWTPM_DATA: &str = "swtpm data channel";
pub const SWTPM_CONTROL: &str = "swtpm control channel";

/// A client with a timeout on everything: a test that hangs is a test that failed.
pub trait Client: Read + Write {
    fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).unwrap();
    }
    fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.read_exact(&mut bytes).unwrap_or_else(|error| panic!("wanted {count} bytes: {error}"));
        bytes
    }
    /// True if the server closed the connection (in whatever way) without sending anything more.
    fn is_closed(&mut self) -> bool {
        match self.read(&mut [0; 1]) {
            Ok(count) => count == 0,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => self.is_closed(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
    /// One raw command and its response.
    fn command(&mut self, command: &[u8]) -> Vec<u8> {
        self.send(command);
        self.response()
    }
    fn response(&mut self) -> Vec<u8> {
        let mut response = self.take(10);
        let size = u32::from_be_bytes(response[2..6].try_into().unwrap());
        response.extend(self.take(size as usize - 10));
        response
    }
    /// One command in the simulator's framing.
    fn simulator(&mut self, locality: u8, command: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 0, 0, 8, locality];
        frame.extend_from_slice(&(command.len() as u32).to_be_bytes());
        frame.extend_from_slice(command);
        self.send(&frame);
        self.enveloped_response()
    }
    fn enveloped_response(&mut self) -> Vec<u8> {
        let size = u32::from_be_bytes(self.take(4).try_into().unwrap());
        let response = self.take(size as usize);
        assert_eq!(self.take(4), [0; 4], "the closing word");
        response
    }
    fn words(&mut self, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        self.send(&bytes);
    }
    fn word(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }
    /// One request that is answered with one word.
    fn ask(&mut self, words: &[u32]) -> u32 {
        self.words(words);
        self.word()
    }
}

impl Client for TcpStream {}
impl Client for UnixStream {}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub fn connect_unix(path: &std::path::Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// A folder of a test's own, short enough for socket paths, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ironroot-host-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
