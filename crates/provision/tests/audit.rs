//! The audit, on SQLite and on PostgreSQL: whatever is changed in its tables, or taken out of them, is found.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{path::Path, process::Command};

use ironroot_provision::{
    Service, ServiceConfig,
    store::{AuditFault, Checkpoint, Location, Store},
};
use support::{Factory, audit_key, code, config, postgres::Postgres, start};

fn sqlite(file: &Path, statement: &str) {
    let output = Command::new("sqlite3")
        .args(["-cmd", ".timeout 10000"])
        .arg(file)
        .arg(statement)
        .output()
        .expect("apt install sqlite3");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A change, and whether the service itself sees it when it starts (it looks at the end only).
const CHANGES: &[(&str, bool)] = &[
    ("UPDATE events SET number = -number WHERE number = 1", false),
    ("UPDATE events SET number = 99 WHERE number = 2", true),
    ("UPDATE events SET at = at + 1 WHERE number = 1", false),
    ("UPDATE events SET kind = 'repeated' WHERE number = 2", false),
    ("UPDATE events SET device = NULL WHERE number = 2", false),
    ("UPDATE events SET device = '' WHERE number = 1", false),
    ("UPDATE events SET device = replace(device, '000b', '000c') WHERE number = 3", false),
    ("UPDATE events SET detail = replace(detail, 'CN=pump', 'CN=pumq') WHERE number = 2", false),
    ("UPDATE events SET detail = detail || ' ' WHERE number = 4", false),
    ("UPDATE events SET hash = replace(hash, '0', '1') WHERE number = 2", false),
    ("UPDATE events SET hash = upper(hash) WHERE number = 4", true),
    ("DELETE FROM events WHERE number = 1", false),
    ("DELETE FROM events WHERE number = 3", false),
    ("DELETE FROM events WHERE number = 4", true),
    ("DELETE FROM events WHERE number >= 3", true),
    ("DELETE FROM events", true),
    ("DELETE FROM audit_head", true),
    ("INSERT INTO events SELECT 5, at, kind, device, detail, hash FROM events WHERE number = 4", true),
    ("UPDATE audit_head SET number = 3", true),
    ("UPDATE audit_head SET hash = upper(hash)", true),
    ("UPDATE audit_head SET at = at + 1", true),
    ("UPDATE audit_head SET signature = ''", true),
    ("UPDATE audit_head SET signature = replace(signature, 'A', 'B')", true),
    // The last event taken off, and the end made to look like it: without the audit's key that is not signed.
    (
        "DELETE FROM events WHERE number = 4; UPDATE audit_head SET number = 3, \
         hash = (SELECT hash FROM events WHERE number = 3), at = (SELECT at FROM events WHERE number = 3)",
        true,
    ),
];
const SAVE: &str =
    "CREATE TABLE saved_events AS SELECT * FROM events; CREATE TABLE saved_head AS SELECT * FROM audit_head";
const RESTORE: &str = "DELETE FROM events; INSERT INTO events SELECT * FROM saved_events; \
                       DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM saved_head";

fn every_change_is_found(location: &Location, sql: &dyn Fn(&str)) {
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let config = ServiceConfig { database: Some(location.clone()), ..config(folder.path(), &factory) };
    let (service, client) = start(config.clone());
    let mut tpm = factory.make_tpm(1);
    let parameters = tpm.parameters("CN=pump");
    let answer = tpm.answer(&client, &parameters);
    client.certificate(&answer).unwrap();
    client.certificate(&answer).unwrap();
    let mut forged = answer;
    forged.issued_at += 1;
    assert_eq!(code(client.certificate(&forged)), "ticket_wrong");
    service.stop();

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let with = |outside: &[Checkpoint]| {
        runtime.block_on(async {
            let store = Store::open_unchecked(location, audit_key(folder.path()), None).await.unwrap();
            let result = store.verify_audit(outside).await.unwrap().map(|report| report.events);
            let checkpoint = store.checkpoint().await.unwrap();
            store.close().await;
            (result, checkpoint)
        })
    };
    let (verdict, checkpoint) = with(&[]);
    assert_eq!(verdict, Ok(4));
    let checkpoint = checkpoint.unwrap();
    assert_eq!(with(std::slice::from_ref(&checkpoint)).0, Ok(4));
    sql(SAVE);
    for (change, at_start) in CHANGES {
        sql(change);
        let verdict = with(&[]).0;
        assert!(verdict.is_err(), "{change}");
        match Service::start_thread(config.clone()) {
            Ok(service) => {
                service.stop();
                assert!(!at_start, "{change}: the service started");
            }
            Err(error) => assert!(*at_start && error.to_string().contains("audit"), "{change}: {error}"),
        }
        sql(RESTORE);
        assert_eq!(with(&[]).0, Ok(4), "after {change}");
    }

    // An older copy of everything, signed end and all, is found with what was kept outside, and only so.
    let (service, _) = start(config);
    service.stop();
    let (verdict, newer) = with(std::slice::from_ref(&checkpoint));
    assert_eq!(verdict, Ok(5));
    let newer = newer.unwrap();
    sql(RESTORE);
    assert_eq!(with(&[]).0, Ok(4));
    assert_eq!(with(std::slice::from_ref(&newer)).0, Err(AuditFault::Checkpoint(5)));
    let forged = Checkpoint { number: 4, ..newer };
    assert_eq!(with(&[forged]).0, Err(AuditFault::CheckpointSignature(4)));
}

#[test]
fn every_change_in_sqlite_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("provision.sqlite");
    every_change_is_found(&Location::File(file.clone()), &|statement| sqlite(&file, statement));
}

#[test]
fn every_change_in_postgresql_is_found() {
    let postgres = Postgres::start();
    every_change_is_found(&postgres.location(), &|statement| {
        postgres.psql(statement);
    });
}
