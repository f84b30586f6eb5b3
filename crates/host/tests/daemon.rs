//! Starting, addresses, and ending.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use ironroot_host::{AtStart, Daemon, DaemonError};
use support::*;

#[test]
fn port_0_gives_neighbouring_ports_and_lines_that_say_which() {
    let folder = Folder::new();
    let (double, _log) = double();
    let daemon = Daemon::builder(double).mssim(any()).swtpm(any()).swtpm_unix(folder.join("s")).start().unwrap();
    let [command, platform, data, control] =
        [MSSIM_COMMAND, MSSIM_PLATFORM, SWTPM_DATA, SWTPM_CONTROL].map(|channel| tcp(&daemon, channel).port());
    assert_eq!([platform, control], [command + 1, data + 1]);
    let expected = [
        format!("mssim:host=127.0.0.1,port={command}"),
        format!("swtpm:host=127.0.0.1,port={data}"),
        format!("swtpm:path={}", folder.join("s").display()),
    ];
    assert_eq!(daemon.tcti_lines(), expected);
    let names: Vec<_> = daemon.addresses().map(|(name, address)| format!("{name} {address}")).collect();
    assert_eq!(names[0], format!("simulator command port 127.0.0.1:{command}"));
    assert_eq!(names[5], format!("swtpm control channel {}.ctrl", folder.join("s").display()));
}

#[test]
fn lines_are_given_only_for_doors_that_tpm2_tss_can_open() {
    let folder = Folder::new();
    let (double, _log) = double();
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let daemon = Daemon::builder(double).swtpm_data(any()).swtpm_control(folder.join("c")).mssim(everywhere);
    let daemon = daemon.start().unwrap();
    let port = tcp(&daemon, MSSIM_COMMAND).port();
    assert_eq!(daemon.tcti_lines(), [format!("mssim:host=127.0.0.1,port={port}")]);
}

#[test]
fn a_taken_port_is_named_before_the_tpm_is_touched() {
    let taken = TcpListener::bind(any()).unwrap();
    let address = taken.local_addr().unwrap();
    let (double1, log) = double();
    let error = Daemon::builder(double1).mssim(address).at_start(AtStart::StartupClear).start().err().unwrap();
    let text = error.to_string();
    for part in [&address.to_string(), "simulator command port", "in use", &format!("sport = :{}", address.port())] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn the_neighbour_that_the_second_channel_needs_may_be_the_one_that_is_taken() {
    let (double1, _log) = double();
    let other = Daemon::builder(double1).mssim(any()).start().unwrap();
    let address = tcp(&other, MSSIM_COMMAND);
    let below = SocketAddr::new(address.ip(), address.port() - 1);
    let (double2, _log) = double();
    match Daemon::builder(double2).swtpm(below).start() {
        // Unless a test at the same time has the port below as well.
        Err(DaemonError::Listen { address: named, door, .. }) if named == below.to_string() => {
            assert_eq!(door, SWTPM_DATA);
        }
        Err(DaemonError::Listen { door, address: named, .. }) => {
            assert_eq!((door, named), (SWTPM_CONTROL, address.to_string()));
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("started on a taken port"),
    }
}

#[test]
fn addresses_that_cannot_be() {
    let (double1, _log) = double();
    assert!(matches!(Daemon::builder(double1).start(), Err(DaemonError::NoDoor)));
    let (double2, _log) = double();
    let last: SocketAddr = "127.0.0.1:65535".parse().unwrap();
    assert!(matches!(Daemon::builder(double2).mssim(last).start(), Err(DaemonError::NoNextPort { .. })));
    let (double3, _log) = double();
    let foreign: SocketAddr = "192.0.2.1:2321".parse().unwrap();
    let text = Daemon::builder(double3).mssim(foreign).start().err().unwrap().to_string();
    assert!(text.contains("no such address"), "{text}");
    let (double4, _log) = double();
    let text = Daemon::builder(double4).swtpm_unix("/nonexistent/folder/s").start().err().unwrap().to_string();
    assert!(text.contains("/nonexistent/folder/s") && text.contains("folder exists"), "{text}");
    let (double5, _log) = double();
    let long = std::env::temp_dir().join("x".repeat(150));
    let text = Daemon::builder(double5).swtpm_unix(long).start().err().unwrap().to_string();
    assert!(text.contains("shorter than 108"), "{text}");
}

#[test]
fn a_tpm_that_does_not_start_says_why_and_leaves_nothing() {
    let folder = Folder::new();
    let (mut double, _log) = double();
    double.refuse_power = true;
    let daemon = Daemon::builder(double).swtpm_unix(folder.join("s")).at_start(AtStart::PowerOn).start();
    let text = daemon.err().unwrap().to_string();
    assert!(text.contains("state.db is damaged at byte 7"), "{text}");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn unix_sockets_are_private_and_go_with_the_daemon() {
    let folder = Folder::new();
    let (double1, _log) = double();
    let daemon = Daemon::builder(double1).swtpm_unix(folder.join("s")).start().unwrap();
    for name in ["s", "s.ctrl"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let (double2, _log) = double();
    let second = Daemon::builder(double2).swtpm_unix(folder.join("s")).start();
    assert!(matches!(second, Err(DaemonError::SocketInUse { .. })));
    daemon.stop().unwrap();
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn a_stale_socket_is_replaced_and_other_files_are_not() {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.join("s")).unwrap());
    let (double1, _log) = double();
    let daemon = Daemon::builder(double1).swtpm_unix(folder.join("s")).unix_mode(0o660).start().unwrap();
    let mode = std::fs::metadata(folder.join("s")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    // Somebody replaced our socket: theirs stays.
    std::fs::remove_file(folder.join("s")).unwrap();
    std::fs::write(folder.join("s"), b"precious").unwrap();
    daemon.stop().unwrap();
    assert_eq!(std::fs::read(folder.join("s")).unwrap(), b"precious");
    let (double2, _log) = double();
    let error = Daemon::builder(double2).swtpm_unix(folder.join("s")).start();
    assert!(matches!(error, Err(DaemonError::NotASocket { .. })));
    assert_eq!(std::fs::read(folder.join("s")).unwrap(), b"precious");
}

#[test]
fn a_port_is_free_again_at_once() {
    let (double1, _log) = double();
    let daemon = Daemon::builder(double1).mssim(any()).start().unwrap();
    let address = tcp(&daemon, MSSIM_COMMAND);
    let client = connect(address);
    daemon.stop().unwrap();
    drop(client);
    let (double2, _log) = double();
    Daemon::builder(double2).mssim(address).start().unwrap().stop().unwrap();
}

#[test]
fn stopping_lets_a_command_finish_and_answers_it() {
    let (double, log) = double();
    let daemon = Daemon::builder(double).swtpm(any()).at_start(AtStart::StartupClear).start().unwrap();
    let mut data = connect(tcp(&daemon, SWTPM_DATA));
    let idle = connect(tcp(&daemon, SWTPM_DATA));
    let before = log.executed.load(std::sync::atomic::Ordering::SeqCst);
    data.send(&SLOW);
    log.wait_executed(before + 1);
    let begin = Instant::now();
    let stopper = daemon.stopper();
    std::thread::spawn(move || stopper.stop());
    let (flag, log2) = (log.cancel.clone(), log.clone());
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        flag.store(true, std::sync::atomic::Ordering::SeqCst);
        drop(log2);
    });
    daemon.wait().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(data.response()[6..], [0, 0, 9, 9]);
    assert!(data.is_closed());
    drop(idle);
    assert_eq!(log.take(), ["power on", "startup 0", "shutdown 1", "power off"]);
}

#[test]
fn dropping_a_daemon_ends_it_in_order() {
    let (double, log) = double();
    let daemon = Daemon::builder(double).swtpm(any()).mssim(any()).at_start(AtStart::StartupClear).start().unwrap();
    let address = tcp(&daemon, MSSIM_PLATFORM);
    let begin = Instant::now();
    drop(daemon);
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(log.take(), ["power on", "startup 0", "shutdown 1", "power off"]);
}

#[test]
fn doors_share_one_tpm() {
    let (double, _log) = double();
    let daemon = Daemon::builder(double).swtpm(any()).mssim(any()).start().unwrap();
    assert_eq!(connect(tcp(&daemon, SWTPM_CONTROL)).ask(&[2, 0]), 0, "INIT here");
    assert_eq!(connect(tcp(&daemon, MSSIM_COMMAND)).simulator(0, &STARTUP).len(), 10, "is power there");
    assert_eq!(connect(tcp(&daemon, SWTPM_DATA)).command(&GET_RANDOM).len(), 20, "and a start there counts here");
    assert_eq!(connect(tcp(&daemon, MSSIM_PLATFORM)).ask(&[2]), 0, "power off there");
    assert_eq!(connect(tcp(&daemon, SWTPM_DATA)).command(&GET_RANDOM)[6..], [0, 0, 1, 1], "is off here");
}

#[test]
fn a_tpm_in_the_same_process_needs_no_socket() {
    let (double, _log) = double();
    let daemon = Daemon::builder(double).mssim(any()).start().unwrap();
    let local = daemon.local();
    let mut response = b"kept".to_vec();
    local.execute(0, &STARTUP, &mut response);
    assert_eq!(response, b"kept\x80\x01\0\0\0\x0a\0\0\x01\x01");
    assert_eq!(connect(tcp(&daemon, MSSIM_PLATFORM)).ask(&[1]), 0);
    for (command, length) in [(&STARTUP[..], 10), (&GET_RANDOM, 20), (&[0x80], 10)] {
        response.clear();
        local.execute(0, command, &mut response);
        assert_eq!(response.len(), length);
    }
}
