//! The service's face towards the network: garbage in, clear words out, nothing lost.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use ironroot_crypto::{Drbg, Random as _};
use ironroot_provision::{
    protocol::{ErrorResponse, to_base64},
    service::ServiceConfig,
};
use support::{Factory, config, start};

/// Sends raw bytes and returns the answer's status and body.
fn send(address: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The service may answer, and close, before it has read everything.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned());
    (status, body)
}

fn post(address: SocketAddr, path: &str, body: &[u8]) -> (u16, String) {
    let header =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    send(address, &[header.as_bytes(), body].concat())
}

fn get(address: SocketAddr, path: &str) -> (u16, String) {
    send(address, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
}

/// The code of an error, which must come with a sentence and a next step.
fn error_code(body: &str) -> String {
    let error = serde_json::from_str::<ErrorResponse>(body).unwrap_or_else(|e| panic!("{e}: {body}")).error;
    assert!(!error.message.is_empty() && !error.hint.is_empty(), "{body}");
    error.code
}

#[test]
fn every_malformed_request_gets_its_word() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, _client) = start(config(folder.path(), &factory));
    let address = service.address();
    let mut tpm = factory.make_tpm(1);
    let genuine = serde_json::to_value(tpm.parameters("CN=pump")).unwrap();
    let with = |field: &str, value: &str| {
        let mut forged = genuine.clone();
        forged[field] = value.into();
        let (status, body) = post(address, "/v1/challenge", forged.to_string().as_bytes());
        (status, error_code(&body))
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());
    for field in ["csr", "ik_public", "ek_public", "ek_certificate"] {
        assert_eq!(with(field, "not base64!"), refused(400, "malformed_base64"));
        assert_eq!(with(field, ""), refused(400, "malformed_base64"));
    }
    for garbage in [&b"\0"[..], b"0\x82\xff\xff", &[0x30, 0x80], &[0; 300], b"-----BEGIN CERTIFICATE-----"] {
        assert_eq!(with("csr", &to_base64(garbage)), refused(400, "malformed_csr"));
        assert_eq!(with("ik_public", &to_base64(garbage)), refused(400, "malformed_ik_public"));
        assert_eq!(with("ek_public", &to_base64(garbage)), refused(400, "malformed_ek_public"));
        assert_eq!(with("ek_certificate", &to_base64(garbage)), refused(400, "malformed_ek_certificate"));
    }

    let bad = |path: &str, body: &[u8]| {
        let (status, body) = post(address, path, body);
        (status, error_code(&body))
    };
    for path in ["/v1/challenge", "/v1/certificate"] {
        for body in [&b""[..], b"{", b"[]", b"null", b"{\"csr\":1}", b"\xff\xfe", &[b'['; 100_000]] {
            assert_eq!(bad(path, body), refused(400, "malformed_json"));
        }
        assert_eq!(bad(path, &vec![b' '; 200_000]), refused(413, "body_too_large"));
    }
    assert_eq!(bad("/v1/certificate", genuine.to_string().as_bytes()), refused(400, "malformed_json"));
    assert_eq!(bad("/v2", b""), refused(404, "not_found"));
    let (status, body) = get(address, "/v1/challenge");
    assert_eq!((status, error_code(&body)), refused(405, "method_not_allowed"));

    // A body that is announced and does not come.
    let (status, body) = send(address, b"POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{}");
    assert!(status == 0 || (status == 400 && error_code(&body) == "incomplete_body"), "{status} {body}");
    assert_eq!(get(address, "/healthz"), (200, "{\"status\":\"ok\"}".into()));
}

/// Truncations and random changes of a genuine request: always an answer, never a fault of the service's.
#[test]
fn changed_requests_never_hurt_the_service() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(config(folder.path(), &factory));
    let mut tpm = factory.make_tpm(2);
    let parameters = tpm.parameters("CN=pump");
    let genuine = serde_json::to_vec(&parameters).unwrap();
    let mut random = Drbg::new(&[1; 32], b"", b"changes");
    let mut draw = |below: usize| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % u64::try_from(below).unwrap()).unwrap()
    };
    for round in 0..400 {
        let mut body = genuine.clone();
        if round % 4 == 0 {
            body.truncate(draw(body.len()));
        }
        for _ in 0..round % 5 {
            if !body.is_empty() {
                let place = draw(body.len());
                body[place] = b"ABCDwxyz0189+/=\"{}\0\xff"[draw(20)];
            }
        }
        let (status, answer) = post(service.address(), "/v1/challenge", &body);
        assert!(matches!(status, 200 | 400 | 403 | 409), "round {round}: {status} {answer}");
        if status != 200 {
            error_code(&answer);
        }
    }
    for _ in 0..100 {
        let garbage: Vec<u8> = (0..draw(600)).map(|_| u8::try_from(draw(256)).unwrap()).collect();
        let (status, _) = send(service.address(), &garbage);
        assert!(matches!(status, 0 | 400 | 408 | 414 | 431), "{status}");
    }
    client.challenge(&parameters).unwrap();
}

#[test]
fn slow_and_silent_clients_hold_nobody_up() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(config(folder.path(), &factory));
    let mut tpm = factory.make_tpm(3);
    let parameters = tpm.parameters("CN=pump");
    // More than the service takes at a time; each sends half a header.
    let idle: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(service.address()).unwrap();
            stream.write_all(b"POST /v1/challenge HT").unwrap();
            stream
        })
        .collect();
    let before = Instant::now();
    client.challenge(&parameters).unwrap();
    assert!(before.elapsed() < Duration::from_secs(5));
    // They are dropped after the header's time.
    let mut first = &idle[0];
    first.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = Vec::new();
    let _ = first.read_to_end(&mut answer);
    assert!(before.elapsed() < Duration::from_secs(19), "still open");
}

#[test]
fn a_crowd_that_says_nothing_keeps_nobody_out() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(ServiceConfig { connections: 16, ..config(folder.path(), &factory) });
    let mut tpm = factory.make_tpm(6);
    let parameters = tpm.parameters("CN=pump");
    // Headers that do not end, bodies that do not come, and silence: each would have ten or thirty seconds.
    let beginnings: [&[u8]; 3] =
        [b"POST /v1/ch", b"POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{", b""];
    let mut crowd: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = TcpStream::connect(service.address()).unwrap();
            let _ = stream.write_all(beginnings[number % 3]);
            stream
        })
        .collect();
    let before = Instant::now();
    client.challenge(&parameters).unwrap();
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    // Who came first went first.
    let first = &mut crowd[0];
    first.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(matches!(first.read(&mut [0; 1]), Ok(0)) || first.peer_addr().is_err());
    assert!(before.elapsed() < Duration::from_secs(8), "{:?}", before.elapsed());
    // And a header that is too long is refused.
    let (status, _) = send(service.address(), &[b"GET / HTTP/1.1\r\nx: ".as_slice(), &[b'a'; 64 << 10]].concat());
    assert!(matches!(status, 0 | 431), "{status}");
}

#[test]
fn a_stop_lets_running_requests_end_and_takes_no_more() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(config(folder.path(), &factory));
    let address = service.address();
    let mut tpm = factory.make_tpm(4);
    let parameters = tpm.parameters("CN=pump");
    let body = serde_json::to_vec(&parameters).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let header = format!(
        "POST /v1/challenge HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(header.as_bytes()).unwrap();
    stream.write_all(&body[..100]).unwrap();
    thread::sleep(Duration::from_millis(300));
    let stopper = thread::spawn(move || service.stop());
    thread::sleep(Duration::from_millis(300));
    stream.write_all(&body[100..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopper.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
    assert!(client.challenge(&parameters).unwrap_err().is_transient());
}

#[test]
fn the_page_and_the_authority_are_readable() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(config(folder.path(), &factory));
    let mut tpm = factory.make_tpm(5);
    let parameters = tpm.parameters("CN=<script>alert(1)</script>");
    let answer = tpm.answer(&client, &parameters);
    client.certificate(&answer).unwrap();
    let (status, page) = get(service.address(), "/");
    assert_eq!(status, 200);
    assert!(page.contains("<dt>Devices</dt><dd>1</dd>"), "{page}");
    assert!(page.contains("&lt;script\\&gt;") && !page.contains("<script"), "{page}");
    assert_eq!(get(service.address(), "/v1/ca"), (200, service.authority_pem().to_owned()));
}

#[test]
fn those_who_run_it_see_how_it_does() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(config(folder.path(), &factory));
    let address = service.address();
    assert_eq!(get(address, "/readyz"), (200, "{\"status\":\"ready\"}".into()));
    let mut tpm = factory.make_tpm(6);
    let parameters = tpm.parameters("CN=pump");
    let answer = tpm.answer(&client, &parameters);
    client.certificate(&answer).unwrap();
    let mut named = parameters;
    named.batch = Some("none".into());
    assert!(client.challenge(&named).is_err());
    get(address, "/somewhere/nobody/chose");
    let (status, page) = get(address, "/metrics");
    assert_eq!(status, 200);
    for line in [
        "ironroot_requests_total{route=\"/v1/challenge\",status=\"200\"} 1",
        "ironroot_requests_total{route=\"/v1/challenge\",status=\"403\"} 1",
        "ironroot_requests_total{route=\"none\",status=\"404\"} 1",
        "ironroot_request_seconds_bucket{route=\"/v1/certificate\",le=\"+Inf\"} 1",
        "ironroot_request_seconds_count{route=\"/v1/certificate\"} 1",
        "ironroot_refusals_total{code=\"batch_unknown\"} 1",
        "ironroot_requests_in_flight 1",
        "ironroot_audit_events 3",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}:\n{page}");
    }
    // Every line is a comment or a sample, and every family is announced once.
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok() && name.starts_with("ironroot_"), "{line}");
    }
    let families: Vec<&str> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let distinct: std::collections::BTreeSet<&str> = families.iter().copied().collect();
    assert_eq!(families.len(), distinct.len());

    service.stop();
}
