//! Times two classes of inputs and tests whether their times differ: `timing [--samples N] [--only WORD]`. Prints a table;
//! ends with 1 if a difference shows where none may, or if none shows in a control.
//! `cargo xtask timing` builds it, pins it to a core and runs it.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::{process::ExitCode, time::Instant};

use ironroot_side_channels::{
    counter,
    timed::{self, Kind, Timed},
    welch::{CALIBRATION, Tests},
};

/// Above this a difference is taken to be there (dudect, TVLA).
const LIMIT: f64 = 4.5;

fn main() -> ExitCode {
    let (mut samples, mut only) = (None, String::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--samples", Some(number)) if number.parse::<u64>().is_ok() => samples = number.parse().ok(),
            ("--only", Some(part)) => only = part.to_lowercase(),
            _ => {
                eprintln!("timing [--samples N] [--only WORD]");
                return ExitCode::from(2);
            }
        }
    }
    println!("| what is compared | samples | mean, ticks | t | largest t | verdict | load |");
    println!("|---|---|---|---|---|---|---|");
    let mut good = true;
    for test in timed::all().iter().filter(|test| test.name.to_lowercase().contains(&only)) {
        good &= run(test, samples.unwrap_or(test.samples));
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(test: &Timed, samples: u64) -> bool {
    let start = Instant::now();
    let (mut time, mut tests, mut coin) = ((test.prepare)(), Tests::new(), 0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..samples + CALIBRATION as u64 {
        // xorshift: which class is next must not follow from the time.
        coin ^= coin << 13;
        coin ^= coin >> 7;
        coin ^= coin << 17;
        let second = coin >> 40 & 1 == 1;
        tests.add(second, time(second));
    }
    let outcome = tests.outcome();
    let differs = outcome.largest.abs() >= LIMIT;
    let (verdict, good) = match (test.kind, differs) {
        (Kind::Equal, false) => ("no difference", true),
        (Kind::Equal, true) => ("**DIFFERS**", false),
        (Kind::Control, true) => ("found, as it must be", true),
        (Kind::Control, false) => ("**CONTROL NOT FOUND**", false),
        (Kind::Told, true) => ("differs; the caller is told anyway", true),
        (Kind::Told, false) => ("no difference", true),
    };
    println!(
        "| {} | {} | {:.0} | {:.2} | {:.2} ({:.1} ticks) | {verdict} | {} |",
        test.name,
        outcome.samples,
        outcome.mean,
        outcome.plain,
        outcome.largest,
        outcome.ticks,
        load()
    );
    eprintln!("{}: {:.0} s", test.name, start.elapsed().as_secs_f64());
    // The counter is read once more so that a machine whose counter stands still cannot pass.
    good && counter::now() > 0 && outcome.mean > 0.0
}

/// The machine's load over the last minute: how many programs wanted a core.
fn load() -> String {
    let all = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split(' ').next().unwrap_or("?").to_owned()
}
