//! `ironroot factory simulate`: stations make devices and enrol them, nodes die, and in the end everything is counted.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ironroot_provision::{
    administration::Administration,
    agent::{EnrolError, EnrolmentRequest, HttpClient, Step, enroll, tpm::TpmDevice},
    authority::Authority,
    store::{Actor, NewBatch},
};
use serde::Serialize;
use serde_json::json;

use super::{
    device,
    nodes::{Node, PATIENCE, Settings, root_file},
    progress::{PERIOD, Progress},
};
use crate::{
    cli::factory::FactorySimulate,
    commands::batch::database,
    device::create_folder,
    failure::{Failure, Result},
    plant::{Plant, shared_provider},
};

const BATCH: &str = "simulated";
/// The pause before a device tries another node.
const PAUSE: Duration = Duration::from_millis(50);

/// What came of it.
#[derive(Debug, Serialize)]
struct Outcome {
    units: u32,
    devices: u32,
    stations: u32,
    nodes: u32,
    database: &'static str,
    kills: u32,
    retries: u64,
    issued: usize,
    refused: usize,
    seconds: f64,
    units_per_second: f64,
    /// Of the service's two answers together, without the device's own work.
    service_p50_ms: f64,
    service_p99_ms: f64,
    /// Of a whole enrolment: keys read, request signed, credential activated, retries.
    enrolment_p50_ms: f64,
    enrolment_p99_ms: f64,
    events: i64,
}

/// One device's end.
struct Finished {
    serial: Option<String>,
    service: Duration,
    whole: Duration,
}

/// What the stations share.
struct Line<'a> {
    factory: &'a Authority,
    urls: Vec<String>,
    devices: u32,
    next: AtomicU32,
    retries: AtomicU64,
    finished: Mutex<Vec<Finished>>,
    /// The first thing that went wrong; the line stops.
    broken: Mutex<Option<Failure>>,
    progress: Progress,
}

/// Runs the factory.
///
/// # Errors
/// Something did not start, or the count is not exact.
pub fn run(arguments: &FactorySimulate) -> Result {
    let (folder, kept) = match &arguments.state {
        Some(folder) => (folder.clone(), true),
        None => (std::env::temp_dir().join(format!("ironroot-factory-{}", std::process::id())), false),
    };
    if folder.exists() {
        return Err(Failure::new(format!("{} is there already: choose a new folder", folder.display())));
    }
    create_folder(&folder)?;
    let outcome = in_folder(arguments, &folder);
    if !kept {
        fs::remove_dir_all(&folder)?;
    }
    let outcome = outcome?;
    if arguments.json {
        println!("{}", json!(outcome));
    } else {
        print(&outcome);
    }
    Ok(())
}

fn in_folder(arguments: &FactorySimulate, folder: &Path) -> Result<Outcome> {
    let location = database(arguments.database.as_deref())?;
    let factory = Plant::at(folder, None).factory()?;
    let state = folder.join("service");
    let settings = Settings { folder: state.clone(), root: root_file(folder), database: arguments.database.clone() };
    let mut nodes = Vec::new();
    for _ in 0..arguments.nodes {
        nodes.push(Node::start(&settings, "127.0.0.1:0")?);
    }
    let office = Administration::open(&state, location, shared_provider())?;
    let batch = NewBatch {
        name: BATCH.into(),
        product: "simulated device".into(),
        units: i64::from(arguments.units),
        ..NewBatch::default()
    };
    let actor = Actor { role: "engineer", name: "factory simulate" };
    office.wait(office.store().create_batch(&batch, actor, Administration::now()))?;

    let devices = arguments.units.saturating_add(arguments.surplus);
    let line = Line {
        factory: &factory,
        urls: nodes.iter().map(|node| node.url.clone()).collect(),
        devices,
        next: AtomicU32::new(0),
        retries: AtomicU64::new(0),
        finished: Mutex::default(),
        broken: Mutex::default(),
        progress: Progress::new(u64::from(devices)),
    };
    let started = Instant::now();
    let kills = run_line(&line, arguments, &settings, &mut nodes)?;
    let seconds = started.elapsed().as_secs_f64();
    if let Some(broken) = lock(&line.broken).take() {
        return Err(broken);
    }
    let finished = std::mem::take(&mut *lock(&line.finished));
    let serials = count(&office, arguments, &finished)?;
    for node in nodes {
        node.stop()?;
    }
    let checkpoints: Vec<_> = office.kept_checkpoint()?.into_iter().collect();
    let report = office.wait(office.store().verify_audit(&checkpoints))?;
    let report = report.map_err(|fault| Failure::new(format!("the audit does not hold: {fault}")))?;
    let issued: Vec<&Finished> = finished.iter().filter(|device| device.serial.is_some()).collect();
    let service = Quantiles::of(issued.iter().map(|device| device.service));
    let whole = Quantiles::of(issued.iter().map(|device| device.whole));
    Ok(Outcome {
        units: arguments.units,
        devices,
        stations: arguments.stations,
        nodes: arguments.nodes,
        database: if arguments.database.is_some() { "PostgreSQL" } else { "SQLite" },
        kills,
        retries: line.retries.load(Ordering::Relaxed),
        issued: serials,
        refused: finished.len().saturating_sub(serials),
        seconds,
        units_per_second: f64::from(devices) / seconds,
        service_p50_ms: service.at(50),
        service_p99_ms: service.at(99),
        enrolment_p50_ms: whole.at(50),
        enrolment_p99_ms: whole.at(99),
        events: report.events,
    })
}

/// Runs stations, and whoever kills nodes, until all devices are done. Returns the number of kills.
fn run_line(line: &Line<'_>, arguments: &FactorySimulate, settings: &Settings, nodes: &mut [Node]) -> Result<u32> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let stations: Vec<_> =
            (0..arguments.stations).map(|number| scope.spawn(move || station(line, number as usize))).collect();
        let killer = arguments.kill_every.map(|period| {
            let (done, period) = (&done, Duration::from_secs_f64(period.clamp(0.1, 3600.0)));
            scope.spawn(move || kill_in_turn(nodes, settings, period, done))
        });
        while !stations.iter().all(|station| station.is_finished()) {
            line.progress.draw();
            thread::sleep(PERIOD);
        }
        line.progress.clear();
        done.store(true, Ordering::Relaxed);
        let stopped = |_| Failure::new("a thread of the simulation ended badly");
        for station in stations {
            station.join().map_err(stopped)?;
        }
        killer.map_or(Ok(0), |killer| killer.join().map_err(stopped)?)
    })
}

fn kill_in_turn(nodes: &mut [Node], settings: &Settings, period: Duration, done: &AtomicBool) -> Result<u32> {
    let mut kills = 0u32;
    let mut last = Instant::now();
    let count = nodes.len().max(1);
    while !done.load(Ordering::Relaxed) {
        if last.elapsed() < period {
            thread::sleep(PAUSE);
            continue;
        }
        last = Instant::now();
        if let Some(node) = nodes.get_mut(kills as usize % count) {
            node.kill_and_restart(settings)?;
        }
        kills = kills.saturating_add(1);
    }
    Ok(kills)
}

/// A station makes devices and enrols them, until all are made.
fn station(line: &Line<'_>, number: usize) {
    let clients: Vec<HttpClient> = line.urls.iter().map(|url| HttpClient::new(url).with_retries(0)).collect();
    loop {
        let device = line.next.fetch_add(1, Ordering::Relaxed);
        if device >= line.devices || lock(&line.broken).is_some() {
            return;
        }
        let made = device::make(line.factory).and_then(|mut tpm| {
            enrol(line, &clients, number.wrapping_add(device as usize), &mut tpm, &format!("CN=unit-{device:06}"))
        });
        match made {
            Ok(finished) => lock(&line.finished).push(finished),
            Err(failure) => {
                lock(&line.broken).get_or_insert(failure);
                return;
            }
        }
        line.progress.advance();
    }
}

/// Enrols a device with whichever node answers. What a node began, another may finish.
fn enrol(
    line: &Line<'_>,
    clients: &[HttpClient],
    first: usize,
    tpm: &mut TpmDevice,
    subject: &str,
) -> Result<Finished> {
    let request =
        EnrolmentRequest { subject: subject.into(), batch: Some(BATCH.into()), ..EnrolmentRequest::default() };
    let started = Instant::now();
    for client in clients.iter().cycle().skip(first % clients.len().max(1)) {
        let mut service = Duration::ZERO;
        let mut add = |step: Step, taken: Duration| {
            if matches!(step, Step::Challenge | Step::Certificate) {
                service = service.saturating_add(taken);
            }
        };
        let result = enroll(tpm, client, &request, &mut add);
        let end = |serial| Finished { serial, service, whole: started.elapsed() };
        match result {
            Ok(enrolled) => return Ok(end(Some(enrolled.serial))),
            Err(EnrolError::Service(error)) if error.code() == Some("batch_exhausted") => return Ok(end(None)),
            Err(EnrolError::Service(error)) if error.is_transient() && started.elapsed() < PATIENCE => {
                line.retries.fetch_add(1, Ordering::Relaxed);
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(Failure::during(subject, error)),
        }
    }
    Err(Failure::new("there is no node"))
}

/// Counts what devices hold against what the database says: no certificate lost, none double, not one unit too many.
fn count(office: &Administration, arguments: &FactorySimulate, finished: &[Finished]) -> Result<usize> {
    let held: Vec<&str> = finished.iter().filter_map(|device| device.serial.as_deref()).collect();
    let distinct: BTreeSet<&str> = held.iter().copied().collect();
    let recorded = office.wait(office.store().serials())?;
    let recorded: BTreeSet<&str> = recorded.iter().map(String::as_str).collect();
    let batch = office.wait(office.store().batch(BATCH))?.ok_or_else(|| Failure::new("the batch is gone"))?;
    let units = arguments.units as usize;
    let refused = finished.len().saturating_sub(held.len());
    let wrong = |what: String| Err(Failure::new(format!("the count is not exact: {what}")));
    if held.len() != distinct.len() {
        return wrong(format!("{} devices hold {} different certificates", held.len(), distinct.len()));
    }
    if distinct != recorded {
        return wrong(format!("devices hold {} certificates, the database has {}", distinct.len(), recorded.len()));
    }
    if held.len() != units || batch.used != i64::from(arguments.units) || refused != arguments.surplus as usize {
        return wrong(format!("{units} units, {} certificates, {} counted, {refused} refused", held.len(), batch.used));
    }
    Ok(held.len())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Times in order.
struct Quantiles(Vec<Duration>);

impl Quantiles {
    fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.collect();
        times.sort_unstable();
        Self(times)
    }

    /// The smallest time that is not below so many percent of them, in milliseconds.
    fn at(&self, percent: usize) -> f64 {
        let rank = self.0.len().saturating_mul(percent).div_ceil(100).max(1);
        self.0.get(rank.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

fn print(outcome: &Outcome) {
    let Outcome { issued, refused, devices, stations, nodes, database, kills, retries, seconds, .. } = outcome;
    println!(
        "{devices} devices on {stations} stations, {nodes} nodes on {database}: {seconds:.1} s, {:.1} a second",
        outcome.units_per_second
    );
    println!("{issued} certificates for {} units, {refused} devices refused beyond them: exact", outcome.units);
    println!("{kills} nodes killed, {retries} tries repeated: no certificate lost, none double");
    println!("service: {:.1} ms (p50), {:.1} ms (p99)", outcome.service_p50_ms, outcome.service_p99_ms);
    println!("enrolment: {:.1} ms (p50), {:.1} ms (p99)", outcome.enrolment_p50_ms, outcome.enrolment_p99_ms);
    println!("the audit holds: {} events", outcome.events);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let hundred = Quantiles::of((1..=100).rev().map(Duration::from_millis));
        assert_eq!((hundred.at(50), hundred.at(99), hundred.at(100)), (50.0, 99.0, 100.0));
        assert_eq!(Quantiles::of([Duration::from_millis(7)].into_iter()).at(99), 7.0);
        assert_eq!(Quantiles::of(std::iter::empty()).at(50), 0.0);
    }
}
