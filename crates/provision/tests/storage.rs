//! The service and its folder: what cannot be used is said, what was promised is kept.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use ironroot_attest::x509::TrustStore;
use ironroot_provision::{Service, ServiceConfig};
use support::{Factory, config, provider, start};

fn refused(config: ServiceConfig) -> String {
    match Service::start_thread(config) {
        Ok(_) => panic!("the service started"),
        Err(error) => error.to_string(),
    }
}

fn sqlite(folder: &Path, statement: &str) -> String {
    let output = Command::new("sqlite3")
        .arg(folder.join("provision.sqlite"))
        .arg(statement)
        .output()
        .expect("sqlite3 is not there: apt install sqlite3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_keeps_the_service_from_starting_is_said() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let path = folder.path();

    // A taken port, found before anything is written.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut with_port = config(&path.join("state"), &factory);
    with_port.listen = taken.local_addr().unwrap();
    let error = refused(with_port);
    assert!(error.contains(&taken.local_addr().unwrap().to_string()), "{error}");
    assert!(error.contains("another port"), "{error}");
    assert!(!path.join("state").exists());

    // A folder that cannot be one.
    fs::write(path.join("file"), b"").unwrap();
    let error = refused(config(&path.join("file/state"), &factory));
    assert!(error.contains("file/state") && error.contains("another folder"), "{error}");

    // A folder on a file system that takes no folders, whoever asks.
    let error = refused(config(Path::new("/proc/ironroot"), &factory));
    assert!(error.contains("/proc/ironroot"), "{error}");

    // Nobody to trust, nothing to issue.
    let error = refused(ServiceConfig::new(path.join("state"), provider(), TrustStore::new()));
    assert!(error.contains("root"), "{error}");
    let error = refused(ServiceConfig { profiles: Vec::new(), ..config(&path.join("state"), &factory) });
    assert!(error.contains("profile"), "{error}");

    // A database with no room.
    let error = refused(ServiceConfig { database_limit: Some(8192), ..config(&path.join("small"), &factory) });
    assert!(error.contains("provision.sqlite") && error.contains("full"), "{error}");
}

#[test]
fn damaged_or_exposed_secrets_are_refused_and_left_alone() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let state = folder.path().join("state");
    let (service, _) = start(config(&state, &factory));
    service.stop();
    for file in ["ca.key", "service.secret"] {
        assert_eq!(fs::metadata(state.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);

    for (file, contents) in [
        ("ca.key", &b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"[..]),
        ("ca.pem", b"not a certificate"),
        ("service.secret", b"short"),
        ("provision.sqlite", &[0x55; 8192]),
    ] {
        let genuine = fs::read(state.join(file)).unwrap();
        fs::write(state.join(file), contents).unwrap();
        let error = refused(config(&state, &factory));
        assert!(error.contains(file), "{file}: {error}");
        assert!(error.contains("backup"), "{file}: {error}");
        assert_eq!(fs::read(state.join(file)).unwrap(), contents, "{file} was touched");
        fs::write(state.join(file), genuine).unwrap();
    }

    // A certificate of another key.
    let other = folder.path().join("other");
    start(config(&other, &factory)).0.stop();
    let genuine = fs::read(state.join("ca.pem")).unwrap();
    fs::copy(other.join("ca.pem"), state.join("ca.pem")).unwrap();
    assert!(refused(config(&state, &factory)).contains("another key"));
    fs::write(state.join("ca.pem"), genuine).unwrap();

    fs::set_permissions(state.join("ca.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = refused(config(&state, &factory));
    assert!(error.contains("ca.key") && error.contains("chmod 600"), "{error}");
    fs::set_permissions(state.join("ca.key"), fs::Permissions::from_mode(0o600)).unwrap();
    start(config(&state, &factory)).0.stop();
}

#[test]
fn a_full_disk_refuses_in_clear_words_and_loses_nothing() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let limited = ServiceConfig { database_limit: Some(224 * 1024), ..config(folder.path(), &factory) };
    let (service, client) = start(limited);
    let mut issued = Vec::new();
    let refused = loop {
        let number = u8::try_from(issued.len()).unwrap();
        let mut tpm = factory.make_tpm(number);
        let parameters = tpm.parameters(&format!("CN=pump-{number}"));
        let answer = tpm.answer(&client, &parameters);
        match client.certificate(&answer) {
            Ok(certificate) => issued.push((answer, certificate)),
            Err(error) => {
                assert!(error.is_transient());
                assert_eq!(error.code(), Some("storage_full"));
                break answer;
            }
        }
        assert!(issued.len() < 200, "the limit does not hold");
    };
    assert!(!issued.is_empty());
    service.stop();

    // With room again everything that was issued is there, and the refused device gets its certificate.
    let (service, client) = start(config(folder.path(), &factory));
    for (answer, certificate) in &issued {
        assert_eq!(client.certificate(answer).unwrap(), *certificate);
    }
    client.certificate(&refused).unwrap();
    service.stop();
    assert_eq!(sqlite(folder.path(), "SELECT COUNT(*) FROM devices").trim(), (issued.len() + 1).to_string());
}
