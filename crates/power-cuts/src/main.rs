//! `power-cuts [--seconds N | --workloads N] [--seed S] [--commands N] [--jobs N]`: the proof, with its counts.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ironroot_power_cuts::{backend::Backend, report::Report, round_on};

/// What is asked for.
struct Options {
    seconds: Option<u64>,
    workloads: Option<u64>,
    seed: u64,
    commands: usize,
    jobs: u64,
}

fn options() -> Result<Options, String> {
    let jobs = std::thread::available_parallelism().map_or(1, |jobs| jobs.get() as u64);
    let mut options = Options { seconds: None, workloads: None, seed: 1, commands: 400, jobs };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (word.clone(), words.next().unwrap_or_default()),
        };
        let number: u64 = value.parse().map_err(|_| format!("{name}: {value:?} is not a number"))?;
        match name.as_str() {
            "--seconds" => options.seconds = Some(number),
            "--workloads" => options.workloads = Some(number),
            "--seed" => options.seed = number,
            "--commands" => options.commands = usize::try_from(number).unwrap_or(usize::MAX),
            "--jobs" => options.jobs = number.max(1),
            _ => return Err(format!("{name} is not an option")),
        }
    }
    Ok(options)
}

/// The stores that must lose nothing, by turns: most of the time the one that hosts have.
const TURNS: [Backend; 9] = [
    Backend::File,
    Backend::NorFlash,
    Backend::BlockDevice,
    Backend::Counted,
    Backend::RelaxedFile,
    Backend::File,
    Backend::CountedBySession,
    Backend::NorFlash,
    Backend::Counted,
];

fn run(options: &Options) -> Result<Report, String> {
    let (total, next, stop) = (Mutex::new(Report::default()), AtomicU64::new(0), AtomicBool::new(false));
    let wrong = Mutex::new(None);
    let start = Instant::now();
    let work = || {
        let mut report = Report::default();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let enough = options.workloads.map_or_else(
                || start.elapsed() >= Duration::from_secs(options.seconds.unwrap_or(30)),
                |workloads| turn >= workloads,
            );
            if enough || stop.load(Ordering::Relaxed) {
                break;
            }
            let backend = TURNS.get((turn % TURNS.len() as u64) as usize).copied().unwrap_or(Backend::File);
            // Every other time the disk fails now and then.
            let failing = turn % 2 == 1;
            let seed = options.seed.wrapping_add(turn);
            if let Err(why) = round_on(backend, failing, seed, options.commands, &mut report) {
                stop.store(true, Ordering::Relaxed);
                if let Ok(mut wrong) = wrong.lock() {
                    wrong.get_or_insert(why);
                }
                break;
            }
        }
        if let Ok(mut total) = total.lock() {
            total.add(&report);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(work);
        }
    });
    match wrong.into_inner() {
        Ok(Some(why)) => Err(why),
        _ => total.into_inner().map_err(|_| "a thread panicked".into()),
    }
}

/// With so many commands every one that can change non-volatile state must have succeeded.
const COVERING: u64 = 2000;

fn main() -> ExitCode {
    let start = Instant::now();
    match options().and_then(|options| Ok((run(&options)?, options.seed))) {
        Ok((report, seed)) => {
            println!("{report}");
            let missing = report.missing();
            if report.commands >= COVERING && !missing.is_empty() {
                eprintln!("power-cuts: these commands did not succeed once: {}", missing.join(" "));
                return ExitCode::FAILURE;
            }
            println!("seed {seed}, {:.1} s: 0 losses", start.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("power-cuts: {why}");
            ExitCode::FAILURE
        }
    }
}
