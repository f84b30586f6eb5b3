//! A real TPM as an engine: Debian's swtpm in a process of its own. With it behind our doors, real programs can be
//! driven through them, and the doors compared with swtpm's.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ironroot_host::{BufferSizes, Engine, EngineError, Features};
use zeroize::Zeroizing;

use super::{Client, Folder};

pub struct Swtpm {
    child: Child,
    folder: Folder,
    /// Another name of the folder would not do: swtpm serves one data client and one control client at a time.
    data: Option<UnixStream>,
    control: Option<UnixStream>,
    locality: u8,
}

impl Swtpm {
    /// Starts swtpm on UNIX sockets, with nobody connected.
    pub fn start(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let option = |kind: &str, name: &str| format!("type=unixio,path={}{kind}", folder.join(name).display());
        let child = Command::new("swtpm")
            .args(["socket", "--tpm2", "--tpmstate", &format!("dir={}", folder.0.display())])
            .args(["--server", &option("", "data"), "--ctrl", &option("", "data.ctrl")])
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's package swtpm is needed");
        let this = Self { child, folder, data: None, control: None, locality: 0 };
        let begin = Instant::now();
        while UnixStream::connect(this.control_path()).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(5), "swtpm does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        this
    }

    /// Starts swtpm and connects to it, to be an engine.
    pub fn engine() -> Self {
        let mut this = Self::start(&[]);
        this.data = Some(super::connect_unix(&this.folder.join("data")));
        this.control = Some(super::connect_unix(&this.control_path()));
        this
    }

    pub fn data_path(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn control_path(&self) -> PathBuf {
        self.folder.join("data.ctrl")
    }

    fn control(&mut self) -> &mut UnixStream {
        self.control.as_mut().expect("connected as an engine")
    }

    fn expect(&mut self, words: &[u32], what: &str) -> Result<(), EngineError> {
        match self.control().ask(words) {
            0 => Ok(()),
            rc => Err(EngineError::Failed(format!("swtpm {what}: {rc:#x}"))),
        }
    }

    fn blob(&mut self, kind: u32) -> Zeroizing<Vec<u8>> {
        let [rc, _flags, _total, length] = {
            self.control().words(&[12, 0, kind, 0]);
            [0; 4].map(|_| self.control().word())
        };
        assert_eq!(rc, 0, "swtpm's blob {kind}");
        Zeroizing::new(self.control().take(length as usize))
    }

    fn set_blob(&mut self, kind: u32, state: &[u8]) -> Result<(), EngineError> {
        let length = state.len() as u32;
        let mut message: Vec<u8> = [13, 0, kind, length].iter().flat_map(|word| u32::to_be_bytes(*word)).collect();
        message.extend_from_slice(state);
        self.control().send(&message);
        match self.control().word() {
            0 => Ok(()),
            rc => Err(EngineError::Failed(format!("swtpm refuses blob {kind}: {rc:#x}"))),
        }
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Engine for Swtpm {
    fn features(&self) -> Features {
        super::ALL
    }
    fn power_on(&mut self) -> Result<(), EngineError> {
        self.expect(&[2, 1], "INIT")
    }
    fn power_off(&mut self) {
        let _ = self.expect(&[14], "STOP");
    }
    fn execute(&mut self, locality: u8, command: &[u8], response: &mut Vec<u8>) {
        if locality != self.locality {
            let mut message = vec![0, 0, 0, 5];
            message.push(locality);
            self.control().send(&message);
            assert_eq!(self.control().word(), 0, "locality {locality}");
            self.locality = locality;
        }
        response.extend(self.data.as_mut().expect("connected as an engine").command(command));
    }
    fn hash_start(&mut self) {
        let _ = self.expect(&[6], "HASH_START");
    }
    fn hash_data(&mut self, data: &[u8]) {
        let length = data.len() as u32;
        let message = [&[0, 0, 0, 7], &length.to_be_bytes()[..], data].concat();
        self.control().send(&message);
        let _ = self.control().word();
    }
    fn hash_end(&mut self) {
        let _ = self.expect(&[8], "HASH_END");
    }
    fn save_volatile(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Ok(self.blob(2))
    }
    fn load_volatile(&mut self, state: Option<&[u8]>) -> Result<(), EngineError> {
        let Some(state) = state else { return Ok(()) };
        self.expect(&[14], "STOP")?;
        self.set_blob(2, state)?;
        self.expect(&[2, 1], "INIT")
    }
    fn permanent_state(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Ok(self.blob(1))
    }
    fn set_permanent_state(&mut self, state: &[u8]) -> Result<(), EngineError> {
        self.set_blob(1, state)
    }
    /// Nobody looks at it: that a cancel is accepted is all that can be compared.
    fn canceller(&self) -> Option<Arc<AtomicBool>> {
        Some(Arc::default())
    }
    fn buffer_sizes(&self) -> BufferSizes {
        let mut control = self.control.as_ref().and_then(|control| control.try_clone().ok()).expect("connected");
        control.words(&[17, 0]);
        let [_rc, current, minimum, maximum] = [0; 4].map(|_| control.word());
        BufferSizes { current, minimum, maximum }
    }
    fn set_buffer_size(&mut self, wanted: u32) {
        self.control().words(&[17, wanted]);
        let [_rc, _current, _minimum, _maximum] = [0; 4].map(|_| self.control().word());
    }
    fn info(&self, flags: u64) -> Option<String> {
        let mut control = self.control.as_ref()?.try_clone().ok()?;
        control.words(&[18, (flags >> 32) as u32, flags as u32, 0, 0]);
        let [_rc, total, length] = [0; 3].map(|_| control.word());
        assert_eq!(total, length, "one piece is enough");
        let text = control.take(length as usize);
        Some(String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned())
    }
}
