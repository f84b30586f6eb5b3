//! The Microsoft simulator protocol, through real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use ironroot_host::{AtStart, Daemon};
use support::*;

fn daemon() -> (Daemon, std::sync::Arc<Log>) {
    let (double, log) = double();
    let daemon = quick(Daemon::builder(double)).mssim(any()).start().unwrap();
    (daemon, log)
}

#[test]
fn a_session_as_tpm2_tss_has_it() {
    let (daemon, log) = daemon();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
    assert_eq!(platform.ask(&[1]), 0, "power on");
    assert_eq!(platform.ask(&[11]), 0, "NV on");
    assert_eq!(command.simulator(0, &GET_RANDOM)[6..10], [0, 0, 1, 0], "TPM_RC_INITIALIZE");
    assert_eq!(command.simulator(0, &STARTUP), [0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0]);
    let random = command.simulator(0, &GET_RANDOM);
    assert_eq!(random[..12], [0x80, 1, 0, 0, 0, 20, 0, 0, 0, 0, 0, 8]);
    command.words(&[20]);
    assert!(command.is_closed(), "session end");
    platform.words(&[20]);
    assert!(platform.is_closed(), "session end");

    // The next client's power-on does not disturb a TPM that is on.
    let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
    assert_eq!(platform.ask(&[1]), 0);
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    assert_eq!(command.simulator(0, &GET_RANDOM), random);
    assert_eq!(log.take(), ["power on", "nv true", "startup 0"]);
}

#[test]
fn a_tpm_without_power_answers_nothing() {
    let (daemon, log) = daemon();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    assert_eq!(command.simulator(0, &GET_RANDOM), []);
    let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
    // Signals to a TPM without power are acknowledged and change nothing.
    for signal in [2, 3, 4, 11, 12, 17, 30] {
        assert_eq!(platform.ask(&[signal]), 0, "{signal}");
    }
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn every_platform_signal_reaches_the_engine() {
    let (daemon, log) = daemon();
    let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
    for (signal, event) in [
        (1, "power on"),
        (3, "presence true"),
        (4, "presence false"),
        (11, "nv true"),
        (12, "nv false"),
        (30, "failure mode"),
        (2, "power off"),
    ] {
        assert_eq!(platform.ask(&[signal]), 0, "{signal}");
        assert_eq!(log.take(), [event]);
    }
    assert_eq!(platform.ask(&[1]), 0);
    log.take();
    assert_eq!(platform.ask(&[17]), 0, "reset");
    assert_eq!(log.take(), ["power off", "power on"]);
    for signal in [13, 14, 18] {
        assert_eq!(platform.ask(&[signal]), 0, "{signal} is acknowledged");
    }
    platform.words(&[26, 0x4000_0111]);
    assert_eq!([platform.word(), platform.word()], [1, 0], "that ACT is signaled");
    platform.words(&[26, 0x4000_0110]);
    assert_eq!([platform.word(), platform.word()], [0, 0], "this one is not");
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_tpm_that_does_not_power_on_is_not_acknowledged_as_if_it_did() {
    let (mut double, _log) = double();
    double.refuse_power = true;
    let daemon = Daemon::builder(double).mssim(any()).start().unwrap();
    let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
    assert_eq!(platform.ask(&[1]), 1);
    assert_eq!(connect(tcp(&daemon, MSSIM_COMMAND)).simulator(0, &GET_RANDOM), []);
}

#[test]
fn h_crtm_sequence() {
    let (daemon, log) = daemon();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    assert_eq!(command.ask(&[5]), 0);
    assert_eq!(log.take(), [""; 0], "no power, no sequence");
    assert_eq!(connect(tcp(&daemon, MSSIM_PLATFORM)).ask(&[1]), 0);
    assert_eq!(command.ask(&[5]), 0);
    command.words(&[6, 100_000]);
    command.send(&vec![7; 100_000]);
    assert_eq!(command.word(), 0);
    command.words(&[6, 0]);
    assert_eq!(command.word(), 0);
    assert_eq!(command.ask(&[7]), 0);
    assert_eq!(log.take(), ["power on", "hash start", "hash data 100000", "hash end"]);
}

#[test]
fn handshake_and_alternative_result() {
    let (daemon, _log) = daemon();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    command.words(&[15, 1]);
    assert_eq!([command.word(), command.word(), command.word()], [1, 0x0d, 0]);
    assert_eq!(command.ask(&[16, 5]), 0);
    command.words(&[15, 0]);
    assert!(command.is_closed(), "version 0 is none");
}

#[test]
fn locality_travels_with_each_command() {
    let (double, _log) = double();
    let daemon = Daemon::builder(double).mssim(any()).at_start(AtStart::PowerOn).start().unwrap();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    for locality in [0, 3, 4, 5, 31, 32, 255] {
        assert_eq!(command.simulator(locality, &LOCALITY)[10], locality);
    }
}

#[test]
fn the_largest_command_and_response_are_remembered() {
    let (double, _log) = double();
    let daemon = Daemon::builder(double).mssim(any()).at_start(AtStart::StartupClear).start().unwrap();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    command.simulator(0, &LOCALITY);
    command.simulator(0, &GET_RANDOM);
    let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
    platform.words(&[25]);
    assert_eq!(platform.word(), 16);
    assert_eq!(platform.take(16), [12, 0, 0, 0, 0, 0, 1, 0x7b, 20, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(platform.word(), 0);
}

#[test]
fn unknown_requests_end_the_connection_and_nothing_else() {
    let (daemon, _log) = daemon();
    for request in [0, 19, 22, 99, u32::MAX] {
        let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
        command.words(&[request]);
        assert!(command.is_closed(), "{request}");
        let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
        assert_eq!(platform.ask(&[request]), 1, "{request}");
        assert!(platform.is_closed(), "{request}");
    }
    assert_eq!(connect(tcp(&daemon, MSSIM_PLATFORM)).ask(&[1]), 0);
}

#[test]
fn stop_ends_the_daemon_in_order() {
    for channel in [MSSIM_COMMAND, MSSIM_PLATFORM] {
        let (double, log) = double();
        let daemon = Daemon::builder(double).mssim(any()).at_start(AtStart::StartupClear).start().unwrap();
        let address = tcp(&daemon, channel);
        let mut client = connect(address);
        client.words(&[21]);
        daemon.wait().unwrap();
        assert!(client.is_closed());
        assert!(std::net::TcpStream::connect(address).is_err());
        assert_eq!(log.take(), ["power on", "startup 0", "shutdown 1", "power off"]);
    }
}

#[test]
fn stop_can_be_forbidden() {
    let (double, _log) = double();
    let daemon = Daemon::builder(double).mssim(any()).clients_may_stop(false).start().unwrap();
    connect(tcp(&daemon, MSSIM_COMMAND)).words(&[21]);
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(connect(tcp(&daemon, MSSIM_PLATFORM)).ask(&[1]), 0);
}

#[test]
fn cancel_reaches_a_command_in_progress() {
    let (double, log) = double();
    let daemon = Daemon::builder(double).mssim(any()).at_start(AtStart::PowerOn).start().unwrap();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    command.send(&[0, 0, 0, 8, 0, 0, 0, 0, 10]);
    command.send(&SLOW);
    log.wait_executed(1);
    let mut platform = connect(tcp(&daemon, MSSIM_PLATFORM));
    assert_eq!(platform.ask(&[9]), 0);
    assert_eq!(command.enveloped_response()[6..], [0, 0, 9, 9], "TPM_RC_CANCELED");
    assert_eq!(command.simulator(0, &SLOW)[6..], [0, 0, 9, 9], "cancelling holds until it is called off");
    assert_eq!(platform.ask(&[10]), 0);
    assert!(!log.cancel.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn a_client_that_writes_in_two_pieces_under_nagle_does_not_wait_for_our_acknowledgement() {
    let (double, _log) = double();
    let daemon = Daemon::builder(double).mssim(any()).at_start(AtStart::StartupClear).start().unwrap();
    let mut command = connect(tcp(&daemon, MSSIM_COMMAND));
    command.set_nodelay(false).unwrap();
    let begin = std::time::Instant::now();
    for _ in 0..200 {
        command.send(&[0, 0, 0, 8, 0, 0, 0, 0, 12]);
        command.send(&GET_RANDOM);
        assert_eq!(command.enveloped_response().len(), 20);
    }
    assert!(begin.elapsed().as_secs() < 4, "{:?}: a delayed acknowledgement takes 40 ms", begin.elapsed());
}
