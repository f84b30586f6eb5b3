//! swtpm's data and control channel, through real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use ironroot_host::{AtStart, Builder, Daemon, Features};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use support::*;

const OK: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0];
const FAILURE: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0, 0, 1, 1];
const COMMAND_SIZE: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0x42];

fn builder() -> (Builder, Arc<Log>) {
    let (mut double, log) = double();
    double.features = ALL;
    (quick(Daemon::builder(double)), log)
}

fn running() -> (Daemon, Arc<Log>) {
    let (builder, log) = builder();
    let daemon = builder.swtpm(any()).at_start(AtStart::PowerOn).start().unwrap();
    log.take();
    (daemon, log)
}

#[test]
fn commands_are_refused_until_init() {
    let (builder, log) = builder();
    let daemon = builder.swtpm(any()).start().unwrap();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    assert_eq!(data.command(&STARTUP), FAILURE);
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(control.ask(&[2, 0]), 0, "INIT");
    assert_eq!(data.command(&STARTUP), OK);
    assert_eq!(data.command(&GET_RANDOM).len(), 20);
    assert_eq!(control.ask(&[14]), 0, "STOP");
    assert_eq!(data.command(&GET_RANDOM), FAILURE);
    assert_eq!(log.take(), ["power on", "startup 0", "shutdown 1", "power off"]);
}

#[test]
fn start_options() {
    for (at_start, events) in [
        (AtStart::Off, &[][..]),
        (AtStart::PowerOn, &["power on"]),
        (AtStart::StartupClear, &["power on", "startup 0"]),
        (AtStart::StartupState, &["power on", "startup 1"]),
    ] {
        let (builder, log) = builder();
        let daemon = builder.swtpm(any()).at_start(at_start).start().unwrap();
        assert_eq!(log.take(), events);
        drop(daemon);
    }
}

#[test]
fn shutdown_is_sent_once_and_only_if_nobody_did() {
    let (daemon, log) = running();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.command(&STARTUP);
    data.command(&SHUTDOWN);
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(control.ask(&[2, 0]), 0, "INIT");
    assert_eq!(log.take(), ["startup 0", "shutdown 0", "power off", "power on"]);
    daemon.stop().unwrap();
    assert_eq!(log.take(), ["shutdown 1", "power off"]);

    let (builder, log) = builder();
    let daemon = builder.swtpm(any()).auto_shutdown(false).at_start(AtStart::StartupClear).start().unwrap();
    assert_eq!(connect(tcp(&daemon, SWTPM_CONTROL)).ask(&[14]), 0, "STOP");
    daemon.stop().unwrap();
    assert_eq!(log.take(), ["power on", "startup 0", "power off"]);
}

#[test]
fn one_message_is_one_command() {
    let (daemon, log) = running();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    // As in swtpm: more bytes than the header says make the command a wrong one, and none of them is another command.
    assert_eq!(data.command(&[STARTUP, GET_RANDOM].concat()), COMMAND_SIZE);
    assert_eq!(data.command(&[&STARTUP[..], b"x"].concat()), COMMAND_SIZE);
    data.send(&[&[0, 0, 0, 8, 0, 0, 0, 0, 12], &STARTUP[..], b"x"].concat());
    assert_eq!(data.enveloped_response(), COMMAND_SIZE);
    assert_eq!(log.take(), [""; 0]);
    // One command may come in any number of pieces.
    for byte in STARTUP {
        data.send(&[byte]);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(data.response(), OK);
}

#[test]
fn envelopes_set_the_locality_for_good() {
    let (daemon, _log) = running();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    assert_eq!(data.command(&LOCALITY)[10], 0);
    assert_eq!(data.simulator(3, &LOCALITY)[10], 3);
    assert_eq!(data.command(&LOCALITY)[10], 3);
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    for (locality, rc) in [(4u8, 0), (5, 0x3d), (255, 0x3d), (2, 0)] {
        control.send(&[0, 0, 0, 5, locality]);
        assert_eq!(control.word(), rc, "{locality}");
    }
    assert_eq!(data.command(&LOCALITY)[10], 2);
}

#[test]
fn locality_4_can_be_rejected_at_every_door() {
    let (builder, _log) = builder();
    let daemon = builder.swtpm(any()).mssim(any()).reject_locality_4(true).at_start(AtStart::PowerOn).start().unwrap();
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    control.send(&[0, 0, 0, 5, 4]);
    assert_eq!(control.word(), 0x3d);
    let refused = [0x80, 1, 0, 0, 0, 10, 0, 0, 9, 7];
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    assert_eq!(data.simulator(4, &LOCALITY), refused);
    assert_eq!(data.command(&LOCALITY)[10], 0);
    assert_eq!(connect(tcp(&daemon, MSSIM_COMMAND)).simulator(4, &LOCALITY), refused);
}

#[test]
fn capabilities_are_what_there_is() {
    let folder = Folder::new();
    let always = 0b1010_1100_0000_1001;
    for (features, more) in [
        (Features::default(), 0),
        (Features { hashing: true, ..Features::default() }, 1 << 4),
        (Features { established: true, ..Features::default() }, (1 << 2) | (1 << 7)),
        (Features { volatile_state: true, ..Features::default() }, 1 << 6),
        (Features { volatile_state: true, permanent_state: true, ..Features::default() }, (1 << 6) | (3 << 8)),
        (Features { info: true, ..Features::default() }, 1 << 14),
        (Features { storage_lock: true, ..Features::default() }, 1 << 16),
    ] {
        let (mut double, _log) = double();
        double.features = features;
        let daemon =
            Daemon::builder(double).swtpm(any()).swtpm_unix(folder.join("s")).clients_may_stop(false).start().unwrap();
        let cancel = 1 << 5;
        let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
        control.words(&[1]);
        assert_eq!([control.word(), control.word()], [0, always | cancel | more], "{features:?}");
        let mut control = connect_unix(&folder.join("s.ctrl"));
        control.words(&[1]);
        let data_fd = 1 << 12;
        assert_eq!([control.word(), control.word()], [0, always | cancel | data_fd | more], "{features:?}");
    }
}

#[test]
fn what_the_engine_cannot_do_is_answered_as_unknown() {
    let (double, _log) = double();
    let daemon = Daemon::builder(double).swtpm(any()).at_start(AtStart::PowerOn).start().unwrap();
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    for (request, what) in [
        (&[4][..], "GET_TPMESTABLISHED"),
        (&[6], "HASH_START"),
        (&[7, 0], "HASH_DATA"),
        (&[8], "HASH_END"),
        (&[18, 0, 1, 0, 0], "GET_INFO"),
        (&[19, 1], "LOCK_STORAGE"),
        (&[20], "nothing"),
        (&[0], "nothing"),
    ] {
        assert_eq!(control.ask(request), 0x0a, "{what}");
    }
}

#[test]
fn h_crtm_and_established() {
    let (daemon, log) = running();
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    control.words(&[4]);
    assert_eq!(control.take(8), [0, 0, 0, 0, 1, 0, 0, 0]);
    for (locality, rc) in [(3u8, 0), (4, 0), (2, 0x3d), (5, 0x3d)] {
        control.send(&[0, 0, 0, 0x0b, locality]);
        assert_eq!(control.word(), rc, "{locality}");
    }
    assert_eq!(control.ask(&[6]), 0);
    control.words(&[7, 10_000]);
    control.send(&vec![1; 10_000]);
    assert_eq!(control.word(), 0);
    assert_eq!(control.ask(&[7, 0]), 0);
    assert_eq!(control.ask(&[8]), 0);
    assert_eq!(log.take(), ["hash start", "hash data 10000", "hash end"]);
    control.send(b"\0\0\0\x07\0\0\0\x02abc");
    assert_eq!(control.word(), 3, "more bytes than were said");
    assert_eq!(control.ask(&[6]), 0, "and the channel is still in step");
}

#[test]
fn cancel_ends_the_command_in_progress_and_no_other() {
    let (daemon, log) = running();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.send(&SLOW);
    log.wait_executed(1);
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(control.ask(&[9]), 0);
    assert_eq!(data.response()[6..], [0, 0, 9, 9]);
    assert_eq!(data.command(&STARTUP), OK);
    assert!(!log.cancel.load(std::sync::atomic::Ordering::SeqCst), "the next command is not cancelled");
}

#[test]
fn volatile_state_survives_init() {
    let (daemon, log) = running();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.command(&STARTUP);
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(control.ask(&[10]), 0, "STORE_VOLATILE");
    log.take();
    assert_eq!(control.ask(&[2, 0]), 0, "INIT keeps it");
    assert_eq!(data.command(&GET_RANDOM).len(), 20, "no Startup was needed");
    assert_eq!(control.ask(&[2, 1]), 0, "INIT uses it up");
    assert_eq!(data.command(&GET_RANDOM).len(), 20);
    assert_eq!(control.ask(&[2, 0]), 0, "there is none");
    assert_eq!(data.command(&GET_RANDOM)[6..], [0, 0, 1, 0]);
    let loads = log.take().into_iter().filter(|event| event.starts_with("load")).count();
    assert_eq!(loads, 2);
}

#[test]
fn state_blobs_move_a_tpm_from_one_daemon_to_another() {
    let (from, _log) = running();
    connect(tcp(&from, SWTPM_DATA)).command(&STARTUP);
    let mut control = connect(tcp(&from, SWTPM_CONTROL));
    let mut get = |kind: u32, offset: u32| {
        control.words(&[12, 0, kind, offset]);
        let [result, flags, total, length] = [0; 4].map(|_| control.word());
        assert_eq!((flags, total), (0, length));
        (result, control.take(length as usize))
    };
    assert_eq!(get(1, 0), (0, b"permanent".to_vec()));
    assert_eq!(get(1, 4), (0, b"anent".to_vec()));
    assert_eq!(get(1, 99), (0, vec![]));
    let (result, volatile) = get(2, 0);
    assert_eq!((result, volatile.len()), (0, 5000));
    assert_eq!(get(3, 0), (0x800, vec![]), "a TPM 2.0 has no savestate");
    assert_eq!(get(9, 0), (0x800, vec![]));

    let (builder, log) = builder();
    let to = builder.swtpm(any()).start().unwrap();
    let mut control = connect(tcp(&to, SWTPM_CONTROL));
    assert_eq!(control.ask(&[12, 0, 1, 0]), 0x0a, "no blob without power");
    let mut set = |kind: u32, state: &[u8]| {
        let mut message: Vec<u8> = [13, 0, kind, state.len() as u32].map(u32::to_be_bytes).concat();
        message.extend_from_slice(state);
        control.send(&message);
        control.word()
    };
    assert_eq!(set(1, b"new permanent"), 0);
    assert_eq!(set(2, &volatile), 0);
    assert_eq!(set(9, b"x"), 3);
    let mut control = connect(tcp(&to, SWTPM_CONTROL));
    assert_eq!(control.ask(&[2, 0]), 0);
    assert_eq!(connect(tcp(&to, SWTPM_DATA)).command(&GET_RANDOM).len(), 20);
    assert_eq!(log.take(), ["power on", "load volatile 5000"]);
    control.words(&[13, 0, 1, 2]);
    assert_eq!(control.word(), 0x0a, "not while power is on");
    control.words(&[12, 0, 1, 0]);
    let [_, _, _, length] = [0; 4].map(|_| control.word());
    assert_eq!(control.take(length as usize), b"new permanent");
}

#[test]
fn a_volatile_state_that_does_not_load_leaves_the_tpm_off() {
    let (builder, log) = builder();
    let daemon = builder.swtpm(any()).start().unwrap();
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    control.send(&[&[13u32, 0, 2, 1].map(u32::to_be_bytes).concat()[..], &[9]].concat());
    assert_eq!(control.word(), 0);
    assert_eq!(control.ask(&[2, 0]), 9, "TPM_FAIL");
    assert_eq!(log.take(), ["power on", "load volatile 1", "power off"]);
    assert_eq!(connect(tcp(&daemon, SWTPM_DATA)).command(&STARTUP), FAILURE);
}

#[test]
fn buffer_size_and_config_and_info() {
    let (builder, _log) = builder();
    let daemon = builder.swtpm(any()).state_is_encrypted(true).start().unwrap();
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    for (wanted, current) in [(0, 4096), (3000, 3000), (1, 2048), (u32::MAX, 4096), (0, 4096)] {
        control.words(&[17, wanted]);
        assert_eq!([0; 4].map(|_| control.word()), [0, current, 2048, 4096]);
    }
    control.words(&[15]);
    assert_eq!([control.word(), control.word()], [0, 1]);
    control.words(&[18, 1, 2, 0, 0]);
    assert_eq!([control.word(), control.word(), control.word()], [0, 21, 21]);
    assert_eq!(control.take(21), b"{\"flags\":4294967298}\0");
    assert_eq!(control.ask(&[18, 0, 1, 99, 0]), 3, "an offset behind the text");
    assert_eq!(control.ask(&[2, 0]), 0);
    assert_eq!(control.ask(&[17, 3000]), 0x0a, "not while power is on");
    control.words(&[17, 0]);
    assert_eq!([0; 4].map(|_| control.word()), [0, 4096, 2048, 4096]);
}

#[test]
fn a_message_that_is_too_long_is_refused_whole() {
    let (daemon, log) = running();
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    for request in [3u32, 4, 6, 8, 9, 10, 14, 15] {
        control.send(&[&request.to_be_bytes()[..], b"x"].concat());
        assert_eq!(control.word(), 3, "{request}");
    }
    control.send(b"\0\0\0\x02\0\0\0\0x");
    assert_eq!(control.word(), 3, "INIT");
    assert_eq!(log.take(), [""; 0], "and not done");
}

#[test]
fn shutdown_ends_the_daemon_and_is_answered() {
    let (daemon, log) = running();
    connect(tcp(&daemon, SWTPM_DATA)).command(&STARTUP);
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(control.ask(&[3]), 0);
    daemon.wait().unwrap();
    assert!(control.is_closed());
    assert_eq!(log.take(), ["startup 0", "shutdown 1", "power off"]);
}

#[test]
fn terminate_with_the_last_client() {
    let (builder1, _log) = builder();
    let daemon = builder1.swtpm(any()).stop_after_data_client(true).start().unwrap();
    drop(connect(tcp(&daemon, SWTPM_DATA)));
    daemon.wait().unwrap();
    let (builder2, _log) = builder();
    let daemon = builder2.swtpm(any()).stop_after_control_client(true).start().unwrap();
    drop(connect(tcp(&daemon, SWTPM_CONTROL)));
    daemon.wait().unwrap();
}

/// Sends a control message with descriptors beside it.
fn send_with(control: &UnixStream, bytes: &[u8], descriptors: &[std::os::fd::BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
    assert_eq!(sendmsg(control, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty()).unwrap(), bytes.len());
}

#[test]
fn a_data_channel_can_be_passed_through_the_control_channel() {
    let folder = Folder::new();
    let (builder, log) = builder();
    let daemon = builder.swtpm_control(folder.join("c")).at_start(AtStart::PowerOn).start().unwrap();
    let mut control = connect_unix(&folder.join("c"));
    assert_eq!(control.ask(&[16]), 3, "no descriptor came along");
    let file = std::fs::File::open("/dev/null").unwrap();
    send_with(&control, &[0, 0, 0, 16], &[file.as_fd()]);
    assert_eq!(control.word(), 3, "that is not a socket");
    let (alone, _other) = (std::net::TcpListener::bind(any()).unwrap(), ());
    send_with(&control, &[0, 0, 0, 16], &[alone.as_fd()]);
    assert_eq!(control.word(), 3, "that is not a connected socket");

    let (mut data, passed) = UnixStream::pair().unwrap();
    data.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    send_with(&control, &[0, 0, 0, 16], &[passed.as_fd()]);
    drop(passed);
    assert_eq!(control.word(), 0);
    assert_eq!(data.command(&STARTUP), OK);
    let (_another, passed) = UnixStream::pair().unwrap();
    send_with(&control, &[0, 0, 0, 16], &[passed.as_fd()]);
    assert_eq!(control.word(), 0x1f, "one at a time");
    drop(data);

    // When the first has gone there is room for another.
    let begin = std::time::Instant::now();
    let mut data = loop {
        let (data, passed) = UnixStream::pair().unwrap();
        send_with(&control, &[0, 0, 0, 16], &[passed.as_fd()]);
        if control.word() == 0 {
            break data;
        }
        assert!(begin.elapsed().as_secs() < 5);
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert_eq!(data.command(&GET_RANDOM).len(), 20);
    drop(daemon);
    assert!(data.is_closed());
    assert_eq!(log.take(), ["power on", "startup 0", "shutdown 1", "power off"]);
}

#[test]
fn descriptors_that_nobody_asked_for_are_closed() {
    let folder = Folder::new();
    let (builder, _log) = builder();
    let _daemon = builder.swtpm_control(folder.join("c")).start().unwrap();
    let mut control = connect_unix(&folder.join("c"));
    let mut kept = Vec::new();
    for _ in 0..20 {
        let (mine, passed) = UnixStream::pair().unwrap();
        send_with(&control, &[0, 0, 0, 1], &[passed.as_fd(), passed.as_fd(), passed.as_fd()]);
        assert_eq!([control.word(), control.word()][0], 0);
        mine.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        kept.push(mine);
    }
    assert!(kept.iter_mut().all(|mine| mine.is_closed()));
}

#[test]
fn sizes_that_cannot_be_get_an_error_and_the_next_command_its_answer() {
    let (daemon, _log) = running();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.command(&STARTUP);
    for size in [0u8, 9] {
        let mut command = GET_RANDOM;
        command[5] = size;
        assert_eq!(data.command(&command), COMMAND_SIZE, "{size}");
    }
    for size in [4097u32, 5000, 65_536] {
        let mut command = vec![0; size as usize];
        command[..10].copy_from_slice(&GET_RANDOM[..10]);
        command[2..6].copy_from_slice(&size.to_be_bytes());
        assert_eq!(data.command(&command), COMMAND_SIZE, "{size}");
    }
    let mut largest = vec![0; 4096];
    largest[..10].copy_from_slice(&GET_RANDOM[..10]);
    largest[4] = 0x10;
    largest[5] = 0;
    assert_eq!(data.command(&largest).len(), 20);
}
