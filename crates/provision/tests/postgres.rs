//! The service on PostgreSQL: the same statements, several nodes, a server that goes away and comes back.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{collections::BTreeSet, fs, net::TcpListener, path::Path, thread};

use ironroot_provision::{
    Service, ServiceConfig,
    agent::HttpError,
    protocol::CertificateResponse,
    store::{AuditFault, Store, StoreError},
};
use support::{Factory, audit_key, code, config, postgres::Postgres, start};

fn on(postgres: &Postgres, folder: &Path, factory: &Factory) -> ServiceConfig {
    ServiceConfig { database: Some(postgres.location()), ..config(folder, factory) }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn verify(postgres: &Postgres, folder: &Path) -> Result<i64, AuditFault> {
    run(async {
        let store = Store::open_unchecked(&postgres.location(), audit_key(folder), None).await.unwrap();
        let result = store.verify_audit(&[]).await.unwrap();
        store.close().await;
        result.map(|report| report.events)
    })
}

#[test]
fn nodes_share_a_database() {
    let postgres = Postgres::start();
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    // Started at the same time on an empty database: the tables are made once.
    let nodes: Vec<_> = thread::scope(|scope| {
        let start_one = || start(on(&postgres, folder.path(), &factory));
        let starting: Vec<_> = (0..3).map(|_| scope.spawn(start_one)).collect();
        starting.into_iter().map(|node| node.join().unwrap()).collect()
    });
    assert!(!folder.path().join("provision.sqlite").exists());

    // One node's challenge is another's certificate, and whoever asks at the same time gets the same one.
    let mut tpm = factory.make_tpm(1);
    let parameters = tpm.parameters("CN=pump-1");
    let answer = tpm.answer(&nodes[0].1, &parameters);
    let issued: Vec<Result<CertificateResponse, HttpError>> = thread::scope(|scope| {
        let ask = |number: usize| {
            let (client, answer) = (&nodes[number % 3].1, &answer);
            scope.spawn(move || client.certificate(answer))
        };
        let asking: Vec<_> = (0..12).map(ask).collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let serials: BTreeSet<String> = issued.into_iter().map(|issued| issued.unwrap().serial).collect();
    assert_eq!(serials.len(), 1);
    assert_eq!(postgres.psql("SELECT COUNT(*) FROM certificates").trim(), "1");

    // A subject is one device's on every node.
    let mut other = factory.make_tpm(2);
    assert_eq!(code(nodes[2].1.challenge(&other.parameters("CN=pump-1"))), "subject_taken");
    let kinds = postgres.psql("SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY kind");
    assert_eq!(kinds, "issued|1\nrefused|1\nrepeated|11\nstarted|3\n");
    assert_eq!(verify(&postgres, folder.path()), Ok(16));
    for (node, _) in nodes {
        node.stop();
    }
}

#[test]
fn a_server_that_goes_away_is_said_and_found_again() {
    let mut postgres = Postgres::start();
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let (service, client) = start(on(&postgres, folder.path(), &factory));
    let mut tpm = factory.make_tpm(1);
    let parameters = tpm.parameters("CN=pump");
    let answer = tpm.answer(&client, &parameters);
    postgres.restart();
    // The connections of before are gone; a retry makes new ones.
    let issued = (0..10).find_map(|_| client.certificate(&answer).ok()).expect("no certificate after ten tries");
    assert_eq!(client.certificate(&answer).unwrap(), issued);
    assert_eq!(postgres.psql("SELECT COUNT(*) FROM certificates").trim(), "1");
    assert!(verify(&postgres, folder.path()).is_ok());

    // A database that may not be written refuses in clear words.
    postgres.psql("ALTER SYSTEM SET default_transaction_read_only = on");
    postgres.psql("SELECT pg_reload_conf()");
    let mut second = factory.make_tpm(2);
    let refused = loop {
        let parameters = second.parameters("CN=valve");
        let answer = second.answer(&client, &parameters);
        match client.certificate(&answer) {
            Ok(_) => thread::sleep(std::time::Duration::from_millis(50)),
            Err(error) => break error,
        }
        second.renew_ik();
    };
    assert_eq!(refused.code(), Some("storage_read_only"));
    assert!(refused.is_transient());
    service.stop();
}

#[test]
fn what_keeps_the_service_from_its_database_is_said_without_the_password() {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [
        format!("postgres://me:hunter2@{closed}/fleet"),
        format!("postgres://me:hunter2@{closed}/fleet?sslmode=require&password=hunter2"),
    ] {
        let mut config = config(folder.path(), &factory);
        config.database = Some(url.parse().unwrap());
        let error = Service::start_thread(config).err().expect("it started");
        let (text, debug) = (error.to_string(), format!("{error:?}"));
        assert!(text.contains(&format!("postgres://me@{closed}/fleet")) && text.contains("server runs"), "{text}");
        assert!(!text.contains("hunter2") && !debug.contains("hunter2"), "{debug}");
    }
    for file in fs::read_dir(folder.path()).unwrap().flatten() {
        let contents = fs::read(file.path()).unwrap();
        assert!(!contents.windows(7).any(|window| window == b"hunter2"), "{}", file.path().display());
    }
    // The wrong database, of a server that is there.
    let postgres = Postgres::start();
    let missing = postgres.url().replace("/postgres", "/nothing");
    let error = run(Store::open(&missing.parse().unwrap(), audit_key(folder.path()), None)).unwrap_err();
    assert!(matches!(&error, StoreError::Unreachable(why) if why.contains("nothing")), "{error:?}");
}
