//! Unit volume control, on SQLite and on PostgreSQL: exactly as many units as a batch has, whoever asks at the same time.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod support;

use std::{path::Path, thread};

use ironroot_provision::{
    ServiceConfig,
    agent::{HttpClient, HttpError},
    protocol::CertificateResponse,
    revocation::{self, RevocationError},
    store::{Actor, BatchError, Location, NewBatch, Selection, Store},
};
use support::{Factory, SoftwareTpm, TestClock, audit_key, code, config, postgres::Postgres, start};

const ENGINEER: Actor<'_> = Actor { role: "engineer", name: "Ada" };

/// The database of a service, for those who run it.
struct Office {
    store: Store,
    runtime: tokio::runtime::Runtime,
}

impl Office {
    fn open(location: &Location, folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(Store::open(location, audit_key(folder), None)).unwrap();
        Self { store, runtime }
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn create(&self, batch: NewBatch) {
        self.run(self.store.create_batch(&batch, ENGINEER, support::now() as i64)).unwrap();
    }

    /// Used and scrapped units.
    fn units(&self, batch: &str) -> (i64, i64) {
        let batch = self.run(self.store.batch(batch)).unwrap().unwrap();
        (batch.used, batch.scrapped)
    }
}

fn batch(name: &str, units: i64) -> NewBatch {
    NewBatch { name: name.into(), product: "pump".into(), units, ..NewBatch::default() }
}

fn enrol(
    tpm: &mut SoftwareTpm,
    service: &HttpClient,
    subject: &str,
    batch: &str,
) -> Result<CertificateResponse, HttpError> {
    let mut parameters = tpm.parameters(subject);
    parameters.batch = Some(batch.into());
    // A refusal at the challenge is one, too.
    service.challenge(&parameters)?;
    let answer = tpm.answer(service, &parameters);
    service.certificate(&answer)
}

/// 64 devices at once for 20 units, over these nodes.
fn exactly_the_units(location: Location, nodes: usize) {
    const DEVICES: u8 = 64;
    const UNITS: usize = 20;
    let (folder, factory) = (tempfile::tempdir().unwrap(), Factory::new("maker"));
    let one = || start(ServiceConfig { database: Some(location.clone()), ..config(folder.path(), &factory) });
    let nodes: Vec<_> = (0..nodes).map(|_| one()).collect();
    let office = Office::open(&location, folder.path());
    office.create(batch("b1", UNITS as i64));
    // All of them have answered their challenge before the first asks for its certificate.
    let answers: Vec<_> = (0..DEVICES)
        .map(|number| {
            let mut tpm = factory.make_tpm(number);
            let mut parameters = tpm.parameters(&format!("CN=pump-{number}"));
            parameters.batch = Some("b1".into());
            tpm.answer(&nodes[0].1, &parameters)
        })
        .collect();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let ask = |(number, answer): (usize, _)| {
            let client: &HttpClient = &nodes[number % nodes.len()].1;
            scope.spawn(move || client.certificate(answer))
        };
        let asking: Vec<_> = answers.iter().enumerate().map(ask).collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let issued = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes.iter().filter(|o| o.as_ref().is_err_and(|e| e.code() == Some("batch_exhausted"))).count();
    assert_eq!((issued, refused), (UNITS, usize::from(DEVICES) - UNITS), "{outcomes:?}");
    assert_eq!(office.units("b1"), (UNITS as i64, 0));

    // Those that have a unit get the same certificate again, on any node; nobody else gets any.
    for (number, (answer, outcome)) in answers.iter().zip(&outcomes).enumerate() {
        let again = nodes[(number + 1) % nodes.len()].1.certificate(answer);
        match outcome {
            Ok(certificate) => assert_eq!(again.unwrap(), *certificate),
            Err(_) => assert_eq!(code(again), "batch_exhausted"),
        }
    }
    assert_eq!(office.units("b1"), (UNITS as i64, 0));
    let counts = office.run(office.store.counts(support::now() as i64)).unwrap();
    assert_eq!((counts.devices, counts.certificates), (UNITS as i64, UNITS as i64));
    assert!(office.run(office.store.verify_audit(&[])).unwrap().is_ok());
    office.run(office.store.close());
    nodes.into_iter().for_each(|(node, _)| node.stop());
}

#[test]
fn sqlite_gives_exactly_the_units() {
    let folder = tempfile::tempdir().unwrap();
    exactly_the_units(Location::File(folder.path().join("provision.sqlite")), 2);
}

#[test]
fn postgresql_gives_exactly_the_units() {
    let postgres = Postgres::start();
    exactly_the_units(postgres.location(), 3);
}

/// Everything that a batch refuses, rework, scrap.
fn the_rules(location: Location) {
    let (folder, factory, clock) = (tempfile::tempdir().unwrap(), Factory::new("maker"), TestClock::new());
    let mut config = ServiceConfig { database: Some(location.clone()), ..config(folder.path(), &factory) };
    clock.install(&mut config);
    let (service, client) = start(config.clone());
    let office = Office::open(&location, folder.path());
    let now = support::now() as i64;
    let mut tpms: Vec<SoftwareTpm> = (0..6).map(|number| factory.make_tpm(number)).collect();
    let name = |tpm: &SoftwareTpm| support::hex(&ironroot_attest::object_name(&tpm.ek));
    let [a, b, c, d, e, f] = tpms.as_mut_slice() else { panic!("six") };

    assert_eq!(code(enrol(a, &client, "CN=a", "none")), "batch_unknown");
    assert_eq!(code(enrol(a, &client, "CN=a", "")), "batch_unknown");
    office.create(batch("two", 2));
    let first = enrol(a, &client, "CN=a", "two").unwrap();
    // Rework costs nothing: the same certificate, another key, another profile's turn, without naming the batch.
    let answer = {
        let mut p = a.parameters("CN=a");
        p.batch = Some("two".into());
        a.answer(&client, &p)
    };
    assert_eq!(client.certificate(&answer).unwrap(), first);
    a.renew_ik();
    assert_ne!(enrol(a, &client, "CN=a", "two").unwrap().serial, first.serial);
    let unnamed = a.parameters("CN=a");
    let answer = a.answer(&client, &unnamed);
    client.certificate(&answer).unwrap();
    assert_eq!(office.units("two"), (1, 0));
    // The batch is in the ticket: an answer for one is none for another, or for none.
    let mut moved = answer.clone();
    moved.parameters.batch = Some("two".into());
    assert_eq!(code(client.certificate(&moved)), "ticket_wrong");

    enrol(b, &client, "CN=b", "two").unwrap();
    assert_eq!(code(enrol(c, &client, "CN=c", "two")), "batch_exhausted");
    // Scrap gives the unit to another device, and takes it from this one for ever, with its certificate: a unit that two
    // devices can use is no unit.
    let b_name = name(b);
    let revoked = office.run(revocation::scrap(&office.store, "two", &b_name, ENGINEER, now)).unwrap();
    assert_eq!(revoked.len(), 1);
    let selection = Selection { ek_name: Some(b_name.clone()), ..Selection::default() };
    let certificates = office.run(office.store.certificates(&selection)).unwrap();
    assert!(certificates.iter().all(|certificate| certificate.revoked == Some((now, 5))), "{certificates:?}");
    assert_eq!(office.run(office.store.decommissioned(&b_name)).unwrap(), Some(now), "it could renew");
    assert_eq!(office.units("two"), (1, 1));
    let again = office.run(revocation::scrap(&office.store, "two", &b_name, ENGINEER, now));
    assert!(matches!(again, Err(RevocationError::Batch(BatchError::NoUnit(_)))), "{again:?}");
    assert_eq!(code(enrol(b, &client, "CN=b", "two")), "unit_scrapped");
    assert_eq!(code(client.challenge(&b.parameters("CN=b"))), "unit_scrapped");
    enrol(c, &client, "CN=c", "two").unwrap();
    assert_eq!(code(enrol(d, &client, "CN=d", "two")), "batch_exhausted");
    assert_eq!(office.units("two"), (2, 1));

    // A device counts in one batch.
    office.create(batch("other", 9));
    assert_eq!(code(enrol(a, &client, "CN=a", "other")), "batch_other");

    // Lists, profiles, expiry, closing.
    office.create(NewBatch { listed_only: true, ..batch("listed", 9) });
    assert_eq!(code(enrol(d, &client, "CN=d", "listed")), "batch_ek_not_listed");
    let listed = [name(d), name(d), name(e)];
    assert_eq!(office.run(office.store.allow_keys("listed", &listed, ENGINEER, now)).unwrap(), 2);
    assert!(office.run(office.store.ek_allowed("listed", &name(d))).unwrap());
    assert!(!office.run(office.store.ek_allowed("two", &name(d))).unwrap());
    enrol(d, &client, "CN=d", "listed").unwrap();
    office.create(NewBatch { profiles: vec!["something-else".into()], ..batch("profiled", 9) });
    assert_eq!(code(enrol(e, &client, "CN=e", "profiled")), "batch_profile");
    office.create(NewBatch { expires_at: Some(now + 1000), ..batch("short", 9) });
    enrol(e, &client, "CN=e", "short").unwrap();
    clock.advance(2000);
    assert_eq!(code(enrol(f, &client, "CN=f", "short")), "batch_expired");
    enrol(e, &client, "CN=e", "short").unwrap();
    office.run(office.store.close_batch("other", ENGINEER, now)).unwrap();
    assert_eq!(code(enrol(f, &client, "CN=f", "other")), "batch_closed");
    service.stop();

    // A service that demands a batch.
    let (service, client) = start(ServiceConfig { batch_required: true, ..config });
    assert_eq!(code(client.challenge(&f.parameters("CN=f"))), "batch_required");
    client.challenge(&a.parameters("CN=a")).unwrap();
    service.stop();

    // What cannot be a batch.
    let try_to = |new: NewBatch| office.run(office.store.create_batch(&new, ENGINEER, now));
    assert!(matches!(try_to(batch("two", 1)), Err(BatchError::Exists(_))));
    assert!(matches!(try_to(batch("", 1)), Err(BatchError::Name(_))));
    assert!(matches!(try_to(batch("a b", 1)), Err(BatchError::Name(_))));
    assert!(matches!(try_to(batch("none", 0)), Err(BatchError::NoUnits)));
    let events = office.run(office.store.newest_events(1000)).unwrap();
    for (kind, detail) in [
        ("batch_created", "batch two, 2 units of pump, by Ada (engineer)"),
        ("unit_scrapped", "batch two, by Ada (engineer)"),
        ("keys_allowed", "batch listed, 2 endorsement keys, by Ada (engineer)"),
        ("batch_closed", "batch other, 0 of 9 units used, by Ada (engineer)"),
    ] {
        assert!(events.iter().any(|event| event.kind == kind && event.detail == detail), "{kind}: {events:?}");
    }
    assert!(office.run(office.store.verify_audit(&[])).unwrap().is_ok());
    office.run(office.store.close());
}

#[test]
fn sqlite_keeps_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    the_rules(Location::File(folder.path().join("provision.sqlite")));
}

#[test]
fn postgresql_keeps_the_rules() {
    let postgres = Postgres::start();
    the_rules(postgres.location());
}
