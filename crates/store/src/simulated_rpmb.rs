//! A replay-protected memory block in memory that is as exact as JESD84-B51 (6.6.22): it checks MACs, write counters, addresses and the
//! order of requests, and answers with the standard's result codes. Its transport fails and loses power when a test says so.

use crate::rpmb::{Frame, Kind, RpmbKey, Transport, mac};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const DATA: usize = 256;
const EXPIRED: u16 = 0x80;
const AUTHENTICATION: u16 = 2;
const COUNTER: u16 = 3;
const ADDRESS: u16 = 4;
const WRITE: u16 = 5;
const NO_KEY: u16 = 7;

/// How an exchange goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RpmbFault {
    /// The device does not get the request.
    Before,
    /// The device carries it out, and the answer is lost.
    After,
    /// The device does not get this request nor any later one: the power goes.
    PowerBefore,
    /// The device carries it out, and then the power goes.
    PowerAfter,
}

#[derive(Clone, Default)]
struct Device {
    key: Option<RpmbKey>,
    blocks: Vec<u8>,
    writes: u32,
    /// The answer to the next request for a result.
    result: Option<Frame>,
    /// Frames on their way to the host.
    answer: Vec<Frame>,
    requests: u64,
    fault: Option<(u64, RpmbFault)>,
}

/// A device. Clones are handles of the same.
#[derive(Clone, Default)]
pub struct SimulatedRpmb(Arc<Mutex<Device>>);

impl SimulatedRpmb {
    /// A device without a key, of so many blocks of 256 bytes.
    #[must_use]
    pub fn new(blocks: usize) -> Self {
        let device = Device { blocks: vec![0; blocks.saturating_mul(DATA)], ..Device::default() };
        Self(Arc::new(Mutex::new(device)))
    }

    /// Lets the `n`-th request that changes something from now (1 is the next) go wrong.
    pub fn fail_nth(&self, n: u64, fault: RpmbFault) {
        let mut device = self.lock();
        device.fault = Some((device.requests.saturating_add(n), fault));
    }

    /// How many requests to change something have come.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// The write counter.
    #[must_use]
    pub fn writes(&self) -> u32 {
        self.lock().writes
    }

    /// Sets the write counter, as if it had been written so often.
    pub fn set_writes(&self, writes: u32) {
        self.lock().writes = writes;
    }

    /// The same device after its power came back.
    #[must_use]
    pub fn after_power_cut(&self) -> Self {
        let device = self.lock().clone();
        Self(Arc::new(Mutex::new(Device { answer: Vec::new(), result: None, fault: None, ..device })))
    }

    fn lock(&self) -> MutexGuard<'_, Device> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device {
    /// An answer with its MAC, which counts for all frames.
    fn sign(&self, mut frames: Vec<Frame>) -> Vec<Frame> {
        if let Some(key) = &self.key {
            let mac = mac(key, &frames);
            if let Some(last) = frames.last_mut() {
                last.set_mac(&mac);
            }
        }
        frames
    }

    fn status(&self, code: u16) -> u16 {
        if self.key.is_none() {
            NO_KEY
        } else if self.writes == u32::MAX {
            code | EXPIRED
        } else {
            code
        }
    }

    fn request(&mut self, frames: &[Frame], reliable: bool) -> io::Result<()> {
        let [first, ..] = frames else { return Err(io::ErrorKind::InvalidInput.into()) };
        let kind = first.kind();
        let changes = kind == Kind::ProgramKey as u16 || kind == Kind::Write as u16;
        if changes != reliable || (kind != Kind::Write as u16 && frames.len() != 1) {
            // The device does not take it at all.
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.answer.clear();
        match kind {
            1 => self.program(first),
            2 => {
                let mut answer = Frame::response(Kind::ReadCounter, self.status(0));
                answer.set_nonce(&first.nonce());
                answer.set_counter(self.writes);
                self.answer = self.sign(vec![answer]);
            }
            3 => {
                let answer = self.write(frames);
                self.result = self.sign(vec![answer]).pop();
            }
            4 => self.answer = vec![first.clone()],
            5 => self.answer = self.result.take().into_iter().collect(),
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        }
        Ok(())
    }

    fn program(&mut self, frame: &Frame) {
        let code = if self.key.is_some() { WRITE } else { 0 };
        if code == 0 {
            self.key = frame.mac().first_chunk().copied();
        }
        self.result = Some(Frame::response(Kind::ProgramKey, code));
    }

    fn write(&mut self, frames: &[Frame]) -> Frame {
        let answer = |device: &Self, code: u16, address: u16| {
            let mut frame = Frame::response(Kind::Write, device.status(code));
            frame.set_counter(device.writes);
            frame.set_address(address);
            frame
        };
        let address = frames.last().map_or(0, Frame::address);
        let (Some(key), Some(last)) = (&self.key, frames.last()) else { return answer(self, 0, address) };
        let start = usize::from(address).saturating_mul(DATA);
        let end = start.saturating_add(frames.len().saturating_mul(DATA));
        if self.writes == u32::MAX {
            return answer(self, WRITE, address);
        }
        if end > self.blocks.len() || ![1, 2, 32].contains(&frames.len()) {
            return answer(self, ADDRESS, address);
        }
        if last.mac() != mac(key, frames) {
            return answer(self, AUTHENTICATION, address);
        }
        let alike = frames.iter().all(|frame| {
            (frame.address(), usize::from(frame.count()), frame.kind()) == (address, frames.len(), Kind::Write as u16)
        });
        if !alike {
            return answer(self, ADDRESS, address);
        }
        if last.counter() != self.writes {
            return answer(self, COUNTER, address);
        }
        for (to, frame) in self.blocks.get_mut(start..end).unwrap_or_default().chunks_mut(DATA).zip(frames) {
            to.copy_from_slice(frame.data());
        }
        self.writes = self.writes.saturating_add(1);
        answer(self, 0, address)
    }

    /// The answer to a request to read, of which the host says how much only now.
    fn read(&self, request: &Frame, count: usize) -> Vec<Frame> {
        let start = usize::from(request.address()).saturating_mul(DATA);
        let blocks = self.blocks.get(start..start.saturating_add(count.saturating_mul(DATA)));
        let frames = (0..count).map(|at| {
            let code = if blocks.is_some() { 0 } else { ADDRESS };
            let mut frame = Frame::response(Kind::Read, self.status(code));
            frame.set_nonce(&request.nonce());
            frame.set_address(request.address());
            frame.set_count(u16::try_from(count).unwrap_or(u16::MAX));
            let block = blocks.and_then(|blocks| blocks.chunks(DATA).nth(at));
            frame.set_data(block.unwrap_or_default());
            frame
        });
        self.sign(frames.collect())
    }
}

fn lost() -> io::Error {
    io::Error::other("simulated loss")
}

impl Transport for SimulatedRpmb {
    fn name(&self) -> String {
        "simulated/rpmb".into()
    }

    fn size(&self) -> u32 {
        u32::try_from(self.lock().blocks.len() / DATA).unwrap_or(u32::MAX)
    }

    fn send(&mut self, frames: &[Frame], reliable: bool) -> io::Result<()> {
        let mut device = self.lock();
        let fault = device.fault;
        if reliable {
            device.requests = device.requests.saturating_add(1);
        } else if matches!(fault, Some((at, RpmbFault::PowerBefore | RpmbFault::PowerAfter)) if device.requests >= at) {
            return Err(lost());
        }
        match fault {
            Some((at, RpmbFault::Before)) if reliable && device.requests == at => Err(lost()),
            Some((at, RpmbFault::PowerBefore)) if device.requests >= at => Err(lost()),
            Some((at, RpmbFault::PowerAfter)) if device.requests > at => Err(lost()),
            Some((at, RpmbFault::After | RpmbFault::PowerAfter)) if reliable && device.requests == at => {
                device.request(frames, reliable)?;
                Err(lost())
            }
            _ => device.request(frames, reliable),
        }
    }

    fn receive(&mut self, frames: &mut [Frame]) -> io::Result<()> {
        let device = self.lock();
        let answer = match device.answer.as_slice() {
            [request] if request.kind() == Kind::Read as u16 => device.read(request, frames.len()),
            other => other.to_vec(),
        };
        if answer.len() != frames.len() {
            return Err(io::Error::other("the device has nothing to say"));
        }
        frames.clone_from_slice(&answer);
        Ok(())
    }
}
