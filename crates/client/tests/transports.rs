//! What the transports put on the wire, and what they make of a peer that misbehaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
    time::Duration,
};

use ironroot_client::{ClientError, Endpoint, InProcess, Tcti, Timeouts, Tpm, wire::TpmRc};

/// Two neighbouring ports, below those that the system hands out by itself.
fn listeners() -> (TcpListener, TcpListener, u16) {
    for number in 0.. {
        let port = 10_001 + (std::process::id() * 37 + number) as u16 % 11_000 * 2;
        if let (Ok(first), Ok(second)) =
            (TcpListener::bind(("127.0.0.1", port)), TcpListener::bind(("127.0.0.1", port + 1)))
        {
            return (first, second, port);
        }
    }
    panic!("no ports")
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint::Tcp { host: "127.0.0.1".into(), port }
}

const QUICK: Timeouts = Timeouts { connect: Duration::from_secs(5), response: Duration::from_millis(200) };

/// The response to TPM2_GetRandom with these bytes.
fn random_response(bytes: &[u8]) -> Vec<u8> {
    let mut response = vec![0x80, 0x01, 0, 0, 0, 12 + bytes.len() as u8, 0, 0, 0, 0, 0, bytes.len() as u8];
    response.extend_from_slice(bytes);
    response
}

#[test]
fn mssim_frames_commands_as_the_simulator_expects() {
    let (commands, platform, port) = listeners();
    let peer: JoinHandle<(Vec<u8>, Vec<u8>)> = std::thread::spawn(move || {
        let (mut commands, mut platform) = (commands.accept().unwrap().0, platform.accept().unwrap().0);
        let mut codes = vec![0; 8];
        for code in codes.chunks_mut(4) {
            platform.read_exact(code).unwrap();
            platform.write_all(&[0; 4]).unwrap();
        }
        // One write for a whole command: one read has it all, the socket being local and the command short.
        let mut command = vec![0; 100];
        let size = commands.read(&mut command).unwrap();
        command.truncate(size);
        // The answer in crumbs, as a slow network may deliver it.
        let response = random_response(&[7; 8]);
        let size = (response.len() as u32).to_be_bytes();
        for byte in size.iter().chain(&response).chain(&[0; 4]) {
            commands.write_all(&[*byte]).unwrap();
        }
        let mut goodbye = Vec::new();
        commands.read_to_end(&mut goodbye).unwrap();
        assert_eq!(goodbye, [0, 0, 0, 20]);
        (codes, command)
    });
    let mut tpm = Tpm::connect(&Tcti::Mssim(endpoint(port))).unwrap();
    tpm.transport().set_locality(3).unwrap();
    assert_eq!(tpm.get_random(8).unwrap(), [7; 8]);
    drop(tpm);
    let (codes, command) = peer.join().unwrap();
    assert_eq!(codes, [0, 0, 0, 1, 0, 0, 0, 11], "POWER_ON and NV_ON");
    let expected = [0, 0, 0, 8, 3, 0, 0, 0, 12, 0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 8];
    assert_eq!(command, expected);
}

/// What a client makes of a swtpm that answers every command with these bytes and then closes or falls silent.
fn answered(answer: &'static [u8], close: bool) -> ClientError {
    let (data, _control, port) = listeners();
    let peer = std::thread::spawn(move || {
        let mut stream: TcpStream = data.accept().unwrap().0;
        let mut command = [0; 100];
        let _ = stream.read(&mut command).unwrap();
        stream.write_all(answer).unwrap();
        if !close {
            let _ = stream.read(&mut command); // Until the client has had enough.
        }
    });
    let mut tpm = Tpm::new(Tcti::Swtpm(endpoint(port)).connect(QUICK).unwrap());
    let error = tpm.get_random(8).unwrap_err();
    drop(tpm);
    peer.join().unwrap();
    error
}

#[test]
fn broken_answers_are_told_apart() {
    assert!(matches!(answered(b"", true), ClientError::Io { .. }));
    assert!(matches!(answered(b"\x80\x01\0\0\0\x14", true), ClientError::Io { .. }), "cut short");
    assert!(matches!(answered(b"", false), ClientError::Timeout { .. }));
    assert!(matches!(answered(b"\x80\x01\0\0\0\x14\0\0\0\0", false), ClientError::Timeout { .. }));
    // Sizes below the header and above anything a TPM says; bytes behind the response; an HTTP server.
    assert!(matches!(answered(b"\x80\x01\0\0\0\x09\0\0\0\0", true), ClientError::Protocol { .. }));
    assert!(matches!(answered(b"\x80\x01\xff\xff\xff\xff\0\0\0\0", true), ClientError::Protocol { .. }));
    assert!(matches!(answered(b"\x80\x01\0\0\0\x0a\0\0\x01\x01\0", true), ClientError::Protocol { .. }));
    assert!(matches!(answered(b"HTTP/1.1 400 Bad Request\r\n\r\n", true), ClientError::Protocol { .. }));
    // A tag that does not belong to a command without sessions; parameters that do not unmarshal.
    assert!(matches!(answered(b"\x80\x02\0\0\0\x0c\0\0\0\0\0\0", true), ClientError::Protocol { .. }));
    assert!(matches!(answered(b"\x80\x01\0\0\0\x0c\0\0\0\0\xff\xff", true), ClientError::Malformed { .. }));
    assert!(answered(b"\x80\x01\0\0\0\x0a\0\0\x01\x01", true).is(TpmRc::FAILURE));
}

#[test]
fn an_answer_that_came_too_late_is_not_taken_for_the_next_one() {
    let (commands, platform, port) = listeners();
    let peer = std::thread::spawn(move || {
        for late in [true, false] {
            let (mut commands, mut platform) = (commands.accept().unwrap().0, platform.accept().unwrap().0);
            for _ in 0..2 {
                platform.read_exact(&mut [0; 4]).unwrap();
                platform.write_all(&[0; 4]).unwrap();
            }
            commands.read_exact(&mut [0; 21]).unwrap();
            if late {
                std::thread::sleep(QUICK.response * 2);
            }
            let response = random_response(&[u8::from(late); 8]);
            let framed = [&(response.len() as u32).to_be_bytes(), &response[..], &[0; 4]].concat();
            let _ = commands.write_all(&framed); // Nobody may be there any more.
        }
    });
    let mut tpm = Tpm::new(Tcti::Mssim(endpoint(port)).connect(QUICK).unwrap());
    assert!(matches!(tpm.get_random(8).unwrap_err(), ClientError::Timeout { .. }));
    std::thread::sleep(QUICK.response * 3);
    assert_eq!(tpm.get_random(8).unwrap(), [0; 8], "the late answer was taken for this one");
    peer.join().unwrap();
}

#[test]
fn a_tpm_in_this_process_is_a_transport() {
    let mut tpm = Tpm::new(InProcess(|command: &[u8]| {
        assert_eq!(command.len(), 12);
        random_response(&[1, 2, 3])
    }));
    assert_eq!(tpm.get_random(3).unwrap(), [1, 2, 3]);
}

#[test]
fn commands_that_the_tpm_could_not_start_are_sent_again() {
    let mut refusals = 3;
    let mut tpm = Tpm::new(InProcess(move |_: &[u8]| {
        if refusals > 0 {
            refusals -= 1;
            return b"\x80\x01\0\0\0\x0a\0\0\x09\x22".to_vec();
        }
        random_response(&[5])
    }));
    assert_eq!(tpm.get_random(1).unwrap(), [5]);
    let mut tpm = Tpm::new(InProcess(|_: &[u8]| b"\x80\x01\0\0\0\x0a\0\0\x09\x22".to_vec()));
    assert!(tpm.get_random(1).unwrap_err().is(TpmRc::RETRY));
}
