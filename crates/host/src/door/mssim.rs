//! Serving the Microsoft simulator protocol.

use super::hall::Guest;
use super::incoming::{Fill, Incoming};
use super::{Hall, wipe};
use crate::engine::EngineError;
use crate::protocol::mssim::{
    CommandPort, ENVELOPE, PlatformPort, SERVER_OFFERS, SERVER_VERSION, SIZE_PLACE, parse_command_port,
    parse_platform_port, seal_response,
};
use crate::protocol::{Parse, TPM_RC_COMMAND_SIZE, error_response};

use zeroize::Zeroizing;

/// Bytes that are read and thrown away to keep in step with a client that sent too much; beyond, it is cut off.
pub(super) const LONGEST_SKIP: u32 = 1 << 20;

/// The longest event of an H-CRTM sequence that is taken in one piece, larger than any firmware.
pub(super) const LONGEST_HASH: u32 = 64 << 20;

/// What becomes of a connection after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Send what is in the buffer.
    Answer,
    /// Close without an answer.
    Leave,
    /// Send what is in the buffer, then close.
    AnswerAndLeave,
}

/// The command port.
pub(super) fn serve_commands(hall: &Hall, guest: &Guest) {
    let maximum = hall.machine.maximum_command();
    let mut incoming = Incoming::new(maximum.saturating_add(ENVELOPE), hall.limits.frame_timeout);
    let mut answer = Zeroizing::new(Vec::with_capacity(maximum.saturating_add(16)));
    while !hall.signal.is_raised() {
        let (frame, length) = match parse_command_port(incoming.bytes(), maximum) {
            Parse::Complete { frame, length } => (frame, length),
            Parse::Incomplete { .. } => match incoming.fill(&guest.stream) {
                Fill::More => continue,
                Fill::Closed | Fill::Expired => return,
            },
        };
        hall.begin(guest);
        let next = match frame {
            CommandPort::Send { locality, command } => {
                answer.extend_from_slice(&[0; SIZE_PLACE]);
                // A TPM without power answers nothing, not even an error, as in the reference simulator.
                let _ = hall.machine.execute(locality, command, &mut answer);
                seal_response(&mut answer);
                incoming.consume(length);
                Next::Answer
            }
            CommandPort::SendTooLong { length: body } => {
                incoming.consume(length);
                answer.extend_from_slice(&[0; SIZE_PLACE]);
                answer.extend_from_slice(&error_response(TPM_RC_COMMAND_SIZE));
                seal_response(&mut answer);
                hall.end(guest);
                let kept_up = body <= LONGEST_SKIP && incoming.stream_body(&guest.stream, body, |_| ());
                if kept_up { Next::Answer } else { Next::AnswerAndLeave }
            }
            CommandPort::HashData { length: body } => {
                incoming.consume(length);
                hall.end(guest);
                let mut hash = |piece: &[u8]| {
                    let _ = hall.machine.with_running(|engine| engine.hash_data(piece));
                };
                let whole = body <= LONGEST_HASH && incoming.stream_body(&guest.stream, body, &mut hash);
                acknowledge(&mut answer, whole)
            }
            other => {
                let next = serve_small(hall, other, &mut answer);
                incoming.consume(length);
                next
            }
        };
        hall.end(guest);
        let sent = next == Next::Leave || guest.stream.write_all(&answer).is_ok();
        wipe(&mut answer);
        if !sent || next != Next::Answer {
            return;
        }
    }
}

fn acknowledge(answer: &mut Vec<u8>, done: bool) -> Next {
    answer.extend_from_slice(&[0; 4]);
    if done { Next::Answer } else { Next::Leave }
}

fn serve_small(hall: &Hall, frame: CommandPort<'_>, answer: &mut Vec<u8>) -> Next {
    match frame {
        CommandPort::HashStart => {
            let _ = hall.machine.with_running(|engine| engine.hash_start());
        }
        CommandPort::HashEnd => {
            let _ = hall.machine.with_running(|engine| engine.hash_end());
        }
        CommandPort::Handshake { version: 0 } => return Next::Leave,
        CommandPort::Handshake { .. } => {
            answer.extend_from_slice(&SERVER_VERSION.to_be_bytes());
            answer.extend_from_slice(&SERVER_OFFERS.to_be_bytes());
        }
        CommandPort::SetAlternativeResult => {}
        CommandPort::Stop => {
            hall.stop_requested();
            return Next::Leave;
        }
        CommandPort::Unknown(code) => {
            tracing::info!(code, "unknown request on the simulator command port");
            return Next::Leave;
        }
        // The others never come here.
        _ => return Next::Leave,
    }
    acknowledge(answer, true)
}

/// The platform port.
pub(super) fn serve_platform(hall: &Hall, guest: &Guest) {
    let mut incoming = Incoming::new(64, hall.limits.frame_timeout);
    let mut answer = Vec::with_capacity(32);
    while !hall.signal.is_raised() {
        let (frame, length) = match parse_platform_port(incoming.bytes()) {
            Parse::Complete { frame, length } => (frame, length),
            Parse::Incomplete { .. } => match incoming.fill(&guest.stream) {
                Fill::More => continue,
                Fill::Closed | Fill::Expired => return,
            },
        };
        incoming.consume(length);
        hall.begin(guest);
        answer.clear();
        let next = serve_signal(hall, frame, &mut answer);
        hall.end(guest);
        let sent = next == Next::Leave || guest.stream.write_all(&answer).is_ok();
        if !sent || next != Next::Answer {
            return;
        }
    }
}

fn serve_signal(hall: &Hall, frame: PlatformPort, answer: &mut Vec<u8>) -> Next {
    let machine = &hall.machine;
    let mut done: Result<(), EngineError> = Ok(());
    match frame {
        PlatformPort::PowerOn => done = machine.power_on(),
        PlatformPort::PowerOff => machine.power_off(),
        PlatformPort::Reset => done = machine.reset(),
        PlatformPort::PhysicalPresence(asserted) => {
            let _ = machine.with_running(|engine| engine.set_physical_presence(asserted));
        }
        PlatformPort::Cancel(on) => machine.hold_cancel(on),
        PlatformPort::NvAvailable(available) => {
            let _ = machine.with_running(|engine| engine.set_nv_available(available));
        }
        PlatformPort::TestFailureMode => {
            let _ = machine.with_running(|engine| engine.force_failure_mode());
        }
        PlatformPort::ActGetSignaled(act) => {
            let signaled = machine.with_running(|engine| engine.act_signaled(act)).unwrap_or(false);
            answer.extend_from_slice(&u32::from(signaled).to_be_bytes());
        }
        PlatformPort::GetCommandResponseSizes => {
            // The reference simulator sends a C structure: sizes as its processor has them, codes as on the wire.
            let [command, command_code, response, response_code] = machine.take_largest();
            answer.extend_from_slice(&16u32.to_be_bytes());
            answer.extend_from_slice(&command.to_le_bytes());
            answer.extend_from_slice(&command_code.to_be_bytes());
            answer.extend_from_slice(&response.to_le_bytes());
            answer.extend_from_slice(&response_code.to_be_bytes());
        }
        PlatformPort::KeyCache(_) | PlatformPort::Restart => {}
        PlatformPort::SessionEnd => return Next::Leave,
        PlatformPort::Stop => {
            hall.stop_requested();
            return Next::Leave;
        }
        PlatformPort::Unknown(code) => {
            tracing::info!(code, "unknown request on the simulator platform port");
            answer.extend_from_slice(&1u32.to_be_bytes());
            return Next::AnswerAndLeave;
        }
    }
    answer.extend_from_slice(&u32::from(done.is_err()).to_be_bytes());
    Next::Answer
}
