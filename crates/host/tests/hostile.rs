//! Clients that idle, lie, stop in mid-command, vanish, or come in crowds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ironroot_host::{AtStart, Builder, Daemon};
use support::*;

const COMMAND_SIZE: [u8; 10] = [0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0x42];

fn builder() -> (Builder, Arc<Log>) {
    let (mut double, log) = double();
    double.features = ALL;
    (quick(Daemon::builder(double)).mssim(any()).swtpm(any()).at_start(AtStart::StartupClear), log)
}

fn daemon() -> Daemon {
    builder().0.start().unwrap()
}

/// The daemon serves newcomers on every channel, promptly.
fn assert_well(daemon: &Daemon) {
    let begin = Instant::now();
    assert_eq!(connect(tcp(daemon, SWTPM_DATA)).command(&GET_RANDOM).len(), 20);
    assert_eq!(connect(tcp(daemon, MSSIM_COMMAND)).simulator(0, &GET_RANDOM).len(), 20);
    assert_eq!(connect(tcp(daemon, MSSIM_PLATFORM)).ask(&[1]), 0);
    connect(tcp(daemon, SWTPM_CONTROL)).ask(&[1]);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

/// A daemon whose patience is longer than a test's, where something has to happen without waiting for it.
fn patient() -> Daemon {
    builder().0.frame_timeout(Duration::from_secs(8)).start().unwrap()
}

#[test]
fn idle_clients_hold_up_nobody() {
    let daemon = daemon();
    let channels = [SWTPM_DATA, SWTPM_CONTROL, MSSIM_COMMAND, MSSIM_PLATFORM];
    let mut idle: Vec<_> = channels.iter().flat_map(|channel| [0; 5].map(|_| connect(tcp(&daemon, channel)))).collect();
    assert_well(&daemon);
    // Longer than a frame may take: waiting for a frame to begin is no offence.
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(idle[0].command(&GET_RANDOM).len(), 20);
}

#[test]
fn a_frame_that_never_ends_is_given_up() {
    let daemon = daemon();
    let beginnings: [(&str, &[u8]); 12] = [
        (MSSIM_COMMAND, &[0]),
        (MSSIM_COMMAND, &[0, 0, 0, 8]),
        (MSSIM_COMMAND, &[0, 0, 0, 8, 0, 0, 0, 0, 12]),
        (MSSIM_COMMAND, &[0, 0, 0, 8, 0, 0, 0, 0, 12, 0x80, 1, 0, 0]),
        (MSSIM_COMMAND, &[0, 0, 0, 6, 0, 0, 0, 12, 1, 2]),
        (MSSIM_COMMAND, &[0, 0, 0, 15, 0]),
        (MSSIM_PLATFORM, &[0, 0]),
        (MSSIM_PLATFORM, &[0, 0, 0, 26, 1]),
        (SWTPM_DATA, &GET_RANDOM[..9]),
        (SWTPM_CONTROL, &[0, 0, 0]),
        (SWTPM_CONTROL, &[0, 0, 0, 2, 0]),
        (SWTPM_CONTROL, &[0, 0, 0, 5]),
    ];
    let mut clients: Vec<_> = beginnings
        .iter()
        .map(|(channel, bytes)| {
            let mut client = connect(tcp(&daemon, channel));
            client.send(bytes);
            client
        })
        .collect();
    assert_well(&daemon);
    let begin = Instant::now();
    for (client, (channel, bytes)) in clients.iter_mut().zip(beginnings) {
        assert!(client.is_closed(), "{channel} {bytes:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(4));
}

#[test]
fn bodies_that_never_end_are_given_up_and_answered() {
    let daemon = daemon();
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    control.words(&[7, 100]);
    control.send(b"abc");
    assert_eq!(control.word(), 0x1f, "HASH_DATA: TPM_IOERROR");
    assert!(control.is_closed());
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(control.ask(&[14]), 0);
    control.words(&[13, 0, 1, 100]);
    assert_eq!(control.word(), 3, "SET_STATEBLOB: TPM_BAD_PARAMETER");
    assert!(control.is_closed());
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    control.words(&[13, 0, 1, u32::MAX]);
    assert_eq!(control.word(), 3, "no such blob, and no memory for it");
    assert!(control.is_closed());
}

#[test]
fn a_truncated_command_is_told_so() {
    let daemon = daemon();
    // By time.
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.send(&GET_RANDOM[..11]);
    assert_eq!(data.response(), COMMAND_SIZE);
    assert!(data.is_closed());
    // By the end of what the client sends.
    let daemon = patient();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.send(&GET_RANDOM[..11]);
    data.shutdown(Shutdown::Write).unwrap();
    let begin = Instant::now();
    assert_eq!(data.response(), COMMAND_SIZE);
    assert!(begin.elapsed() < Duration::from_secs(4));
    // A last command before the end is served.
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.send(&GET_RANDOM);
    data.shutdown(Shutdown::Write).unwrap();
    assert_eq!(data.response().len(), 20);
    assert!(data.is_closed());
}

#[test]
fn a_claimed_size_of_4_gib_is_refused_at_once() {
    let daemon = patient();
    let begin = Instant::now();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.send(&[0x80, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0x7b]);
    assert_eq!(data.response(), COMMAND_SIZE);
    assert!(data.is_closed());
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    command.send(&[0, 0, 0, 8, 0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(command.enveloped_response(), COMMAND_SIZE);
    assert!(command.is_closed());
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.send(&[0, 0, 0, 8, 0, 0xff, 0xff, 0xff, 0xff, 0]);
    assert_eq!(data.enveloped_response(), COMMAND_SIZE);
    assert!(data.is_closed());
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

#[test]
fn an_oversized_command_in_the_simulators_framing_is_skipped() {
    let daemon = daemon();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    assert_eq!(command.simulator(0, &vec![1; 4097]), COMMAND_SIZE);
    assert_eq!(command.simulator(0, &vec![1; 1 << 20]), COMMAND_SIZE);
    assert_eq!(command.simulator(0, &GET_RANDOM).len(), 20, "and the connection is in step");
    for short in 0..10 {
        assert_eq!(command.simulator(0, &GET_RANDOM[..short]), COMMAND_SIZE, "{short} bytes are no command");
    }
}

#[test]
fn clients_that_vanish_in_mid_command_harm_nobody() {
    let daemon = daemon();
    for round in 0..200 {
        let mut data = connect(tcp(&daemon, SWTPM_DATA));
        data.send(&GET_RANDOM[..round % 13]);
        // Every third resets the connection instead of closing it.
        if round % 3 == 0 {
            rustix::net::sockopt::set_socket_linger(&data, Some(Duration::ZERO)).unwrap();
        }
        drop(data);
        let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
        command.send(&[0, 0, 0, 8, 0, 0, 0, 0, 12, 0x80, 1][..1 + round % 11]);
    }
    assert_well(&daemon);
}

#[test]
fn a_client_that_vanishes_while_its_command_runs() {
    let (builder, log) = builder();
    let daemon = builder.start().unwrap();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    let before = log.executed.load(std::sync::atomic::Ordering::SeqCst);
    data.send(&SLOW);
    log.wait_executed(before + 1);
    rustix::net::sockopt::set_socket_linger(&data, Some(Duration::ZERO)).unwrap();
    drop(data);
    assert_eq!(connect(tcp(&daemon, SWTPM_CONTROL)).ask(&[9]), 0, "cancel");
    assert_well(&daemon);
}

#[test]
fn a_client_that_takes_no_responses_is_dropped_and_holds_up_nobody() {
    let folder = Folder::new();
    let (builder, _log) = builder();
    let daemon = builder.swtpm_unix(folder.join("s")).start().unwrap();
    let greedy = connect_unix(&folder.join("s"));
    greedy.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let flood = GET_RANDOM.repeat(1000);
    while std::io::Write::write_all(&mut &greedy, &flood).is_ok() {}
    assert_well(&daemon);
}

#[test]
fn ten_thousand_short_connections() {
    let folder = Folder::new();
    let (builder, _log) = builder();
    let daemon = builder.swtpm_unix(folder.join("s")).start().unwrap();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let path = folder.join("s");
            std::thread::spawn(move || {
                for _ in 0..2500 {
                    assert_eq!(connect_unix(&path).command(&GET_RANDOM).len(), 20);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    // Fewer over TCP, where each keeps a port of this machine busy for a minute.
    for _ in 0..500 {
        assert_eq!(connect(tcp(&daemon, SWTPM_DATA)).command(&GET_RANDOM).len(), 20);
    }
    assert_well(&daemon);
}

#[test]
fn many_clients_get_each_its_own_responses() {
    let daemon = daemon();
    let address = tcp(&daemon, MSSIM_COMMAND);
    let clients: Vec<_> = (0..16u8)
        .map(|locality| {
            std::thread::spawn(move || {
                let mut client = connect(address);
                for _ in 0..500 {
                    assert_eq!(client.simulator(locality, &LOCALITY)[10], locality);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn when_the_hall_is_full_the_one_that_idled_longest_goes() {
    let (builder, _log) = builder();
    let daemon = builder.connections(4).start().unwrap();
    let address = tcp(&daemon, SWTPM_DATA);
    let mut clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = connect(address);
            client.command(&GET_RANDOM);
            client
        })
        .collect();
    clients[0].command(&GET_RANDOM);
    assert_eq!(connect(address).command(&GET_RANDOM).len(), 20);
    assert!(clients[1].is_closed(), "the second has been idle longest");
    for other in [0, 2, 3] {
        assert_eq!(clients[other].command(&GET_RANDOM).len(), 20, "{other}");
    }
}

#[test]
fn a_panic_in_the_tpm_is_a_failed_tpm_and_not_a_dead_daemon() {
    let daemon = daemon();
    let failure = [0x80, 1, 0, 0, 0, 10, 0, 0, 1, 1];
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    assert_eq!(data.command(&PANIC), failure);
    assert_eq!(data.command(&GET_RANDOM), failure, "until power goes off and on");
    assert_eq!(connect(tcp(&daemon, MSSIM_COMMAND)).simulator(0, &GET_RANDOM), failure);
    assert_eq!(connect(tcp(&daemon, SWTPM_CONTROL)).ask(&[2, 0]), 0, "INIT");
    data.command(&STARTUP);
    assert_well(&daemon);
    assert_eq!(data.command(&SILENT), failure, "no response is a failure too");
    assert_well(&daemon);
}

#[test]
fn noise_on_every_channel() {
    let daemon = daemon();
    let mut state = 0x1234_5678_9abc_def0u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..150 {
        for channel in [SWTPM_DATA, SWTPM_CONTROL, MSSIM_COMMAND, MSSIM_PLATFORM] {
            let mut bytes: Vec<u8> = (0..next() % 40).map(|_| next() as u8).collect();
            // Half of it begins like a request. Not with those that end the daemon, or reset the TPM.
            if bytes.len() > 4 && next() % 2 == 0 {
                bytes[..3].fill(0);
                bytes[3] %= 31;
            }
            if bytes.len() >= 4 && bytes[..3] == [0; 3] && matches!(bytes[3], 2 | 3 | 14 | 17 | 21) {
                continue;
            }
            let mut client = connect(tcp(&daemon, channel));
            let _ = std::io::Write::write_all(&mut client, &bytes);
        }
    }
    assert_well(&daemon);
}

#[test]
fn an_error_arrives_though_the_client_is_still_sending() {
    let daemon = daemon();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    data.send(&[0x80, 1, 0xff, 0, 0, 0, 0, 0, 1, 0x7b]);
    for _ in 0..10 {
        data.send(&[0; 10_000]);
        std::thread::sleep(Duration::from_millis(3));
    }
    assert_eq!(data.response(), COMMAND_SIZE);
}

#[test]
fn a_browser_gets_no_second_word() {
    let daemon = daemon();
    for channel in [SWTPM_DATA, SWTPM_CONTROL, MSSIM_COMMAND, MSSIM_PLATFORM] {
        let mut client = connect(tcp(&daemon, channel));
        client.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n");
        let mut said = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client, &mut said);
        assert!(said.len() <= 10, "{channel} {said:?}");
        // The body, a request to end the daemon, comes too late.
        let _ = std::io::Write::write_all(&mut client, &[0, 0, 0, if channel == SWTPM_CONTROL { 3 } else { 21 }]);
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_well(&daemon);
}

#[test]
fn those_who_never_asked_for_anything_go_before_those_who_did() {
    let (builder, _log) = builder();
    let daemon = builder.connections(4).start().unwrap();
    let address = tcp(&daemon, SWTPM_DATA);
    let mut customer = connect(address);
    customer.command(&GET_RANDOM);
    // A crowd, each of which came after the customer was served last, and one in the middle of its first frame.
    let mut crowd: Vec<_> = (0..20).map(|_| connect(address)).collect();
    crowd[19].send(&GET_RANDOM[..5]);
    assert_eq!(connect(address).command(&GET_RANDOM).len(), 20, "a newcomer is served");
    assert_eq!(customer.command(&GET_RANDOM).len(), 20, "the customer was not sent away");
    assert!(crowd[0].is_closed(), "of the crowd, who came first went first");
}

#[test]
fn who_waits_for_the_rest_of_a_body_holds_no_place() {
    let (builder, _log) = builder();
    let daemon = builder.connections(4).frame_timeout(Duration::from_secs(8)).start().unwrap();
    let mut holders: Vec<_> = (0..4).map(|_| connect(tcp(&daemon, MSSIM_COMMAND))).collect();
    for holder in &mut holders {
        holder.words(&[6, 60 << 20]);
        // Each has a thread of its own: without a pause the second may come before the first.
        std::thread::sleep(Duration::from_millis(100));
    }
    let begin = Instant::now();
    assert_eq!(connect(tcp(&daemon, SWTPM_DATA)).command(&GET_RANDOM).len(), 20);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert!(holders[0].is_closed());
}

#[test]
fn a_newcomer_is_turned_away_while_the_tpm_works_for_as_many_as_there_may_be() {
    let (builder, log) = builder();
    let daemon = builder.connections(1).start().unwrap();
    let mut busy = connect(tcp(&daemon, SWTPM_DATA));
    let before = log.executed.load(std::sync::atomic::Ordering::SeqCst);
    busy.send(&SLOW);
    log.wait_executed(before + 1);
    let begin = Instant::now();
    assert!(connect(tcp(&daemon, SWTPM_DATA)).is_closed());
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    log.cancel.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(busy.response()[6..], [0, 0, 9, 9], "who was there is served");
    assert_eq!(connect(tcp(&daemon, SWTPM_DATA)).command(&GET_RANDOM).len(), 20, "and there is a place again");
}

#[test]
fn one_state_blob_comes_at_a_time() {
    let daemon = patient();
    let mut first = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(first.ask(&[14]), 0, "STOP");
    first.words(&[13, 0, 2, 1000]);
    first.send(b"the beginning");
    std::thread::sleep(Duration::from_millis(100));
    let mut second = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(second.ask(&[13, 0, 2, 1000]), 9, "TPM_FAIL");
    assert!(second.is_closed());
    first.send(&[0; 987]);
    assert_eq!(first.word(), 0, "the first one's came whole");
    let mut third = connect(tcp(&daemon, SWTPM_CONTROL));
    third.words(&[13, 0, 2, 4]);
    third.send(b"next");
    assert_eq!(third.word(), 0, "and then the next one's");
}

#[test]
fn longer_measurements_than_any_firmware_are_refused_at_once() {
    let daemon = patient();
    let begin = Instant::now();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    command.words(&[6, (64 << 20) + 1]);
    assert!(command.is_closed());
    let mut control = connect(tcp(&daemon, SWTPM_CONTROL));
    assert_eq!(control.ask(&[7, (64 << 20) + 1]), 3, "TPM_BAD_PARAMETER");
    assert!(control.is_closed());
    assert!(begin.elapsed() < Duration::from_secs(4));
}
