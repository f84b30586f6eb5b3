//! Serving swtpm's control channel.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::io::retry_on_intr;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use zeroize::Zeroizing;

use super::super::hall::Guest;
use super::super::incoming::{Fill, Incoming};
use super::super::mssim::LONGEST_HASH;
use super::super::{Door, Hall, Stream, wipe};
use crate::engine::EngineError;
use crate::protocol::swtpm::{BlobType, Control, capability, parse_control, reply, result};
use crate::protocol::{Parse, to_usize};

/// The longest state blob that is taken; one comes at a time.
const LONGEST_BLOB: u32 = 16 << 20;

/// The longest message that is looked at in one piece; bodies are streamed.
const BUFFER: usize = 4096 + 64;

/// One control connection.
struct Session<'a> {
    hall: &'a Arc<Hall>,
    guest: &'a Guest,
    incoming: Incoming,
    answer: Zeroizing<Vec<u8>>,
    /// A socket that came along with the bytes and was not asked for yet.
    passed: Option<OwnedFd>,
}

/// The control channel.
pub(in crate::door) fn serve_control(hall: &Arc<Hall>, guest: &Guest) {
    let incoming = Incoming::new(BUFFER, hall.limits.frame_timeout);
    let mut session = Session { hall, guest, incoming, answer: Zeroizing::new(Vec::new()), passed: None };
    while !hall.signal.is_raised() && session.serve_one() {}
}

impl Session<'_> {
    /// Serves one message. False when the connection is to be closed.
    fn serve_one(&mut self) -> bool {
        let (frame, length) = loop {
            match parse_control(self.incoming.bytes()) {
                Parse::Complete { frame, length } => break (frame, length),
                Parse::Incomplete { .. } => {}
            }
            let passed = &mut self.passed;
            let guest = self.guest;
            match self.incoming.fill_with(&guest.stream, |stream, place| receive(stream, place, passed)) {
                Fill::More => {}
                Fill::Closed | Fill::Expired => return false,
            }
        };
        self.hall.begin(self.guest);
        let came = self.incoming.bytes().len();
        self.incoming.consume(length);
        let stay = if frame.has_body() {
            self.serve_body(frame)
        } else {
            // As in swtpm, a message is what came together: bytes behind a request never begin another.
            self.incoming.clear();
            if frame.is_exact() && came > length {
                reply::result_only(&mut self.answer, result::BAD_PARAMETER);
            } else {
                self.serve_plain(frame);
            }
            !is_foreign(frame)
        };
        // A socket that came with any other request is closed here.
        self.passed = None;
        self.hall.end(self.guest);
        let sent = self.answer.is_empty() || self.guest.stream.write_all(&self.answer).is_ok();
        let done = self.answer.as_slice() == [0; 4];
        wipe(&mut self.answer);
        if frame == Control::Shutdown && done {
            self.hall.stop_requested();
        }
        sent && stay
    }

    fn serve_body(&mut self, frame: Control) -> bool {
        let (outcome, stay) = match frame {
            Control::HashData { length } => self.hash_data(length),
            Control::SetStateBlob { flags: _, blob, length } => self.set_state_blob(blob, length),
            _ => (result::BAD_ORDINAL, false),
        };
        reply::result_only(&mut self.answer, outcome);
        if stay {
            self.incoming.clear();
        }
        stay
    }

    fn hash_data(&mut self, length: u32) -> (u32, bool) {
        let Self { hall, guest, incoming, .. } = self;
        if !hall.machine.is_on() || !hall.machine.features().hashing {
            return (result::BAD_ORDINAL, true);
        }
        if incoming.bytes().len() > to_usize(length) {
            return (result::BAD_PARAMETER, true);
        }
        if length > LONGEST_HASH {
            return (result::BAD_PARAMETER, false);
        }
        hall.end(guest);
        let whole = incoming.stream_body(&guest.stream, length, |piece| {
            let _ = hall.machine.with_running(|engine| engine.hash_data(piece));
        });
        if whole { (result::SUCCESS, true) } else { (result::IO_ERROR, false) }
    }

    fn set_state_blob(&mut self, blob: BlobType, length: u32) -> (u32, bool) {
        let Self { hall, guest, incoming, .. } = self;
        if hall.machine.is_on() {
            return (result::BAD_ORDINAL, true);
        }
        if incoming.bytes().len() > to_usize(length) {
            return (result::BAD_PARAMETER, true);
        }
        if length > LONGEST_BLOB {
            return (result::BAD_PARAMETER, false);
        }
        if hall.receiving.swap(true, Ordering::AcqRel) {
            return (result::FAIL, false);
        }
        let _receiving = Receiving(hall);
        hall.end(guest);
        // As long as it will be, so that nothing of it is left behind where it grew. Untouched memory costs nothing.
        let mut state = Zeroizing::new(Vec::with_capacity(to_usize(length)));
        if !incoming.stream_body(&guest.stream, length, |piece| state.extend_from_slice(piece)) {
            return (result::BAD_PARAMETER, false);
        }
        let outcome = match blob {
            BlobType::Volatile => of(hall.machine.set_volatile_state(state)),
            BlobType::Permanent => {
                let set = hall.machine.with_engine(|engine| engine.set_permanent_state(&state));
                set.map_or(result::FAIL, of)
            }
            BlobType::Savestate => result::BAD_ORDINAL,
            BlobType::Unknown(_) => result::BAD_PARAMETER,
        };
        (outcome, true)
    }

    fn serve_plain(&mut self, frame: Control) {
        let hall = self.hall;
        let machine = &hall.machine;
        let features = machine.features();
        let answer = &mut *self.answer;
        let outcome = match frame {
            Control::GetCapability => return reply::values(answer, &[capabilities(hall, self.guest)]),
            Control::Init { flags } => of(machine.init(flags & 1 != 0)),
            Control::Stop => {
                machine.halt();
                result::SUCCESS
            }
            Control::Shutdown if !hall.policy.clients_may_stop => result::BAD_ORDINAL,
            Control::Shutdown => {
                machine.stop();
                result::SUCCESS
            }
            Control::SetLocality(locality) => self.set_locality(locality),
            Control::GetConfig => return reply::values(answer, &[u32::from(hall.policy.state_is_encrypted)]),
            Control::SetDataFd => self.set_data_fd(),
            Control::SetBufferSize(size) => return self.set_buffer_size(size),
            Control::GetInfo { flags, offset } => return self.info(flags, offset),
            Control::LockStorage { retries } => {
                machine.with_engine(|engine| engine.lock_storage(retries)).map_or(result::FAIL, of)
            }
            _ if !machine.is_on() => result::BAD_ORDINAL,
            Control::GetTpmEstablished if features.established => {
                match machine.with_running(|engine| engine.established()) {
                    Some(established) => return reply::established(answer, established),
                    None => result::FAIL,
                }
            }
            Control::ResetTpmEstablished(5..) if features.established => result::BAD_LOCALITY,
            Control::ResetTpmEstablished(locality) if features.established => {
                machine.with_running(|engine| engine.reset_established(locality)).unwrap_or(result::FAIL)
            }
            Control::HashStart if features.hashing => done(machine.with_running(|engine| engine.hash_start())),
            Control::HashEnd if features.hashing => done(machine.with_running(|engine| engine.hash_end())),
            Control::CancelTpmCommand if machine.cancel_once() => result::SUCCESS,
            Control::StoreVolatile => of(machine.store_volatile()),
            Control::GetStateBlob { flags: _, blob, offset } => return self.state_blob(blob, offset),
            _ => result::BAD_ORDINAL,
        };
        reply::result_only(&mut self.answer, outcome);
    }

    fn set_locality(&self, locality: u8) -> u32 {
        let set = locality <= 4 && self.hall.machine.set_locality(locality);
        if set { result::SUCCESS } else { result::BAD_LOCALITY }
    }

    fn set_buffer_size(&mut self, size: u32) {
        let machine = &self.hall.machine;
        if size > 0 {
            if machine.is_on() {
                return reply::result_only(&mut self.answer, result::BAD_ORDINAL);
            }
            let _ = machine.with_engine(|engine| engine.set_buffer_size(size));
        }
        let sizes = machine.buffer_sizes();
        reply::values(&mut self.answer, &[sizes.current, sizes.minimum, sizes.maximum]);
    }

    fn info(&mut self, flags: u64, offset: u32) {
        if !self.hall.machine.features().info {
            return reply::result_only(&mut self.answer, result::BAD_ORDINAL);
        }
        let Some(Some(text)) = self.hall.machine.with_engine(|engine| engine.info(flags)) else {
            return reply::result_only(&mut self.answer, result::FAIL);
        };
        if reply::info(&mut self.answer, &text, offset).is_none() {
            reply::result_only(&mut self.answer, result::BAD_PARAMETER);
        }
    }

    fn state_blob(&mut self, blob: BlobType, offset: u32) {
        let machine = &self.hall.machine;
        let state = match blob {
            BlobType::Permanent => machine
                .with_engine(|engine| engine.permanent_state())
                .unwrap_or_else(|| Err(EngineError::Failed("the TPM has failed".to_owned()))),
            BlobType::Volatile => machine.volatile_state(),
            // "There is none", which callers take for an empty one.
            BlobType::Savestate | BlobType::Unknown(_) => {
                return reply::state_blob(&mut self.answer, result::RETRY, 0, &[], 0);
            }
        };
        match state {
            Ok(state) => {
                // With room for all of it: growing would leave parts of it behind.
                self.answer = Zeroizing::new(Vec::with_capacity(state.len().saturating_add(64)));
                reply::state_blob(&mut self.answer, result::SUCCESS, 0, &state, offset);
            }
            Err(error) => reply::state_blob(&mut self.answer, of(Err(error)), 0, &[], 0),
        }
    }

    /// Serves the socket that came with this message as a data channel.
    fn set_data_fd(&mut self) -> u32 {
        let Some(fd) = self.passed.take() else { return result::BAD_PARAMETER };
        let Some(stream) = Stream::from_passed(fd) else { return result::BAD_PARAMETER };
        if self.hall.passed.swap(true, Ordering::AcqRel) {
            return result::IO_ERROR;
        }
        let leave = |hall: &Hall| hall.passed.store(false, Ordering::Release);
        match self.hall.admit(Door::SwtpmData, stream, leave) {
            Ok(()) => result::SUCCESS,
            Err(error) => {
                tracing::warn!(%error, "the passed data channel cannot be served");
                self.hall.passed.store(false, Ordering::Release);
                result::IO_ERROR
            }
        }
    }
}

/// Makes way for the next state blob, however this one ended.
struct Receiving<'a>(&'a Hall);

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        self.0.receiving.store(false, Ordering::Release);
    }
}

/// Reads bytes, and a descriptor if one comes with them. Of several descriptors the last is kept, the others closed.
fn receive(stream: &Stream, place: &mut [u8], passed: &mut Option<OwnedFd>) -> io::Result<usize> {
    if !stream.is_unix() {
        return stream.read(place);
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(place)];
    let received = retry_on_intr(|| recvmsg(stream, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC))?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            for descriptor in descriptors {
                *passed = Some(descriptor);
            }
        }
    }
    Ok(received.bytes)
}

/// Whether something that never speaks this protocol is talking, a browser on the same machine for instance. What it
/// says first is no request, but what it says next might be one: it gets no second word.
fn is_foreign(frame: Control) -> bool {
    matches!(frame, Control::Unknown(0x1_0000..))
}

fn capabilities(hall: &Hall, guest: &Guest) -> u32 {
    use capability::*;
    let features = hall.machine.features();
    let optional = [
        (hall.policy.clients_may_stop, SHUTDOWN),
        (features.established, GET_TPMESTABLISHED | RESET_TPMESTABLISHED),
        (features.hashing, HASHING),
        (hall.machine.can_cancel(), CANCEL_TPM_CMD),
        (features.volatile_state, STORE_VOLATILE),
        (features.permanent_state && features.volatile_state, GET_STATEBLOB | SET_STATEBLOB),
        (guest.stream.is_unix(), SET_DATAFD),
        (features.info, GET_INFO),
        (features.storage_lock, LOCK_STORAGE),
    ];
    let always = INIT | SET_LOCALITY | STOP | GET_CONFIG | SET_BUFFERSIZE | SEND_COMMAND_HEADER;
    optional.into_iter().filter(|(has, _)| *has).fold(always, |all, (_, bits)| all | bits)
}

/// An engine's outcome as a result: what it does not support is answered as what does not exist.
fn of(outcome: Result<(), EngineError>) -> u32 {
    match outcome {
        Ok(()) => result::SUCCESS,
        Err(EngineError::Unsupported(_)) => result::BAD_ORDINAL,
        Err(error) => {
            tracing::warn!(%error, "a request on the control channel failed");
            result::FAIL
        }
    }
}

fn done(outcome: Option<()>) -> u32 {
    outcome.map_or(result::FAIL, |()| result::SUCCESS)
}
