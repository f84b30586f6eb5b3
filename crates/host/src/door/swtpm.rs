//! Serving swtpm's data channel; the control channel is in [`control`].

mod control;

pub(super) use control::serve_control;

use zeroize::Zeroizing;

use super::hall::Guest;
use super::incoming::{Fill, Incoming};
use super::mssim::LONGEST_SKIP;
use super::{Hall, wipe};
use crate::protocol::mssim::{ENVELOPE, SIZE_PLACE, seal_response};
use crate::protocol::swtpm::{Data, parse_data};
use crate::protocol::{HEADER, Parse, TPM_RC_COMMAND_SIZE, TPM_RC_FAILURE, error_response};

/// The data channel.
pub(super) fn serve_data(hall: &Hall, guest: &Guest) {
    let maximum = hall.machine.maximum_command();
    let mut incoming = Incoming::new(maximum.saturating_add(ENVELOPE), hall.limits.frame_timeout);
    let mut answer = Zeroizing::new(Vec::with_capacity(maximum.saturating_add(16)));
    while !hall.signal.is_raised() {
        let (frame, length) = match parse_data(incoming.bytes(), maximum) {
            Parse::Complete { frame, length } => (frame, length),
            Parse::Incomplete { .. } => match incoming.fill(&guest.stream) {
                Fill::More => continue,
                Fill::Closed | Fill::Expired => return tell_truncated(guest, &incoming),
            },
        };
        hall.begin(guest);
        let mut stay = true;
        let surplus = incoming.bytes().len() > length;
        match frame {
            // As in swtpm, a message is what came together: bytes behind a command make its size a wrong one.
            Data::Command(_) | Data::Enveloped { .. } if surplus => {
                refuse(&mut answer, matches!(frame, Data::Enveloped { .. }));
                incoming.clear();
            }
            Data::Command(command) => {
                execute(hall, hall.machine.locality(), command, &mut answer);
                incoming.consume(length);
            }
            Data::Enveloped { locality, command } => {
                // A rejected one is refused with the command itself.
                let _ = hall.machine.set_locality(locality);
                answer.extend_from_slice(&[0; SIZE_PLACE]);
                execute(hall, locality, command, &mut answer);
                seal_response(&mut answer);
                incoming.consume(length);
            }
            // Where the next command begins is unknown: what came with this one is thrown away.
            Data::TooShort => {
                refuse(&mut answer, false);
                incoming.clear();
            }
            Data::TooLong { rest, enveloped } => {
                refuse(&mut answer, enveloped);
                incoming.consume(length);
                hall.end(guest);
                stay = rest <= LONGEST_SKIP && incoming.stream_body(&guest.stream, rest, |_| ());
            }
        }
        hall.end(guest);
        let sent = guest.stream.write_all(&answer).is_ok();
        wipe(&mut answer);
        if !sent || !stay || hall.policy.hang_up_after_command {
            return;
        }
    }
}

fn execute(hall: &Hall, locality: u8, command: &[u8], answer: &mut Vec<u8>) {
    if !hall.machine.execute(locality, command, answer) {
        answer.extend_from_slice(&error_response(TPM_RC_FAILURE));
    }
}

fn refuse(answer: &mut Vec<u8>, enveloped: bool) {
    if enveloped {
        answer.extend_from_slice(&[0; SIZE_PLACE]);
    }
    answer.extend_from_slice(&error_response(TPM_RC_COMMAND_SIZE));
    if enveloped {
        seal_response(answer);
    }
}

/// A client that sent a whole header and then stopped learns why it gets nothing more.
fn tell_truncated(guest: &Guest, incoming: &Incoming) {
    if incoming.bytes().len() >= HEADER {
        let _ = guest.stream.write_all(&error_response(TPM_RC_COMMAND_SIZE));
    }
}
