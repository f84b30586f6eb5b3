//! `ironroot whitebox assess`: our own attacks, each on the tables, on tables without external encodings, and on a program
//! that has its key as a constant.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use ironroot_platform::host::OsEntropy;
use ironroot_whitebox::{
    External, Tables,
    attack::{Broken, Plain, algebra, dca, search},
    generate,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::memory::Holder;
use crate::{
    cli::WhiteboxAssess,
    failure::{Failure, Result},
};

/// The plain build is so much of this program with a key in its middle.
const CARRIER: usize = 256 * 1024;
/// A plain build needs no more traces.
const PLAIN_TRACES: usize = 256;

/// How an attack went.
struct Outcome {
    attack: &'static str,
    found: bool,
    traces: Option<usize>,
    taken: Duration,
    words: String,
}

/// What was attacked, and how that went.
struct Subject {
    name: &'static str,
    what: String,
    outcomes: Vec<Outcome>,
}

/// Attacks and reports.
///
/// # Errors
/// The file holds no tables, or there is no entropy.
pub fn run(arguments: &WhiteboxAssess) -> Result {
    let path = &arguments.tables;
    let file = fs::read(path).map_err(|error| Failure::during(path.display(), error))?;
    let tables = Tables::new(&file).map_err(|error| {
        Failure::new(format!("{}: {error}; make some with `ironroot whitebox generate --format data`", path.display()))
    })?;
    let traces = usize::from(arguments.traces);
    let what = match tables.external() {
        External::Affine => format!("{}: white-box tables", path.display()),
        External::None => format!("{}: white-box tables without external encodings", path.display()),
    };
    let subjects = [
        Subject { name: "tables", what, outcomes: on_tables(&file, &tables, Some(path), traces)? },
        without_externals(traces)?,
        plain()?,
    ];
    if arguments.json {
        print_json(&subjects);
    } else {
        print_text(&subjects);
    }
    Ok(())
}

fn timed<T>(action: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = action();
    (result, start.elapsed())
}

fn on_tables(file: &[u8], tables: &Tables<'_>, path: Option<&Path>, traces: usize) -> Result<Vec<Outcome>> {
    let (broken, taken) = timed(|| algebra::recover(tables));
    let algebra = by_algebra(broken.as_ref(), tables, taken)?;
    // What to look for is known only once the tables are broken; without that, schedules of any key are looked for.
    let key = broken.as_ref().map(Broken::key);
    let mut outcomes = vec![in_file(file, tables, key.as_ref())];
    if let Some(path) = path {
        outcomes.push(in_memory(Some(path), key.as_ref(), None));
    }
    outcomes.push(by_traces(tables, traces, key.as_ref())?);
    outcomes.push(algebra);
    Ok(outcomes)
}

fn by_algebra(broken: Option<&Broken>, tables: &Tables<'_>, taken: Duration) -> Result<Outcome> {
    let agrees = broken.map(|broken| broken.agrees(tables, &mut OsEntropy)).transpose()?;
    let words = match agrees {
        Some(true) => {
            "key and external encodings recovered: a program without the tables gives the same output for 256 random blocks"
        }
        Some(false) => "a key was recovered, and does not explain the tables",
        None => "the tables did not have the structure that the attack needs",
    };
    Ok(Outcome { attack: "table algebra", found: agrees == Some(true), traces: None, taken, words: words.into() })
}

fn in_file(file: &[u8], tables: &Tables<'_>, key: Option<&[u8; 16]>) -> Outcome {
    let ((blind, keys, schedules), taken) = timed(|| {
        // Who is given plain AES can try what he finds; behind external encodings there is nothing to try it on.
        let pair = (tables.external() == External::None).then(|| ([1; 16], tables.block(&[1; 16])));
        let blind = pair.map(|(input, output)| search::blind(file, &input, &output));
        (blind, key.map_or(0, |key| search::known(file, key).len()), search::schedules(file).len())
    });
    let found = keys + schedules > 0 || blind.as_ref().is_some_and(|blind| blind.found.is_some());
    let tried = blind.map_or(String::new(), |blind| format!(", {} candidates tried", blind.tried));
    let what = if key.is_some() { "key and round keys" } else { "(key unknown)" };
    let words = format!(
        "{what}: {keys} places; key schedules of any key: {schedules}; {:.0} % of the file looks like noise{tried}",
        100.0 * search::noise(file)
    );
    Outcome { attack: "search of the file", found, traces: None, taken, words }
}

fn in_memory(tables: Option<&Path>, key: Option<&[u8; 16]>, plain: Option<&[u8; 16]>) -> Outcome {
    let attack = "search of the memory";
    let Some(key) = key else {
        let words = "not done: no key is known that could be searched for".into();
        return Outcome { attack, found: false, traces: None, taken: Duration::ZERO, words };
    };
    let (result, taken) =
        timed(|| Holder::start(tables, plain).and_then(|holder| holder.search(key).map_err(Failure::from)));
    match result {
        Ok((keys, schedules, searched)) => Outcome {
            attack,
            found: keys + schedules > 0,
            traces: None,
            taken,
            words: format!(
                "{:.0} MiB of a process that has derived a key; key and round keys: {keys} places; schedules: {schedules}",
                searched as f64 / f64::from(1 << 20)
            ),
        },
        Err(error) => Outcome { attack, found: false, traces: None, taken, words: format!("not done: {error}") },
    }
}

fn by_traces(target: &dyn dca::Target, most: usize, key: Option<&[u8; 16]>) -> Result<Outcome> {
    let (analysis, taken) = timed(|| dca::attack(target, most, &mut OsEntropy));
    let analysis = analysis?;
    let words = if analysis.confirmed {
        "key recovered and confirmed".into()
    } else {
        let right = key.map_or(0, |key| key.iter().zip(&analysis.key).filter(|(byte, guess)| *byte == *guess).count());
        format!("no key; {right} of 16 bytes of the best guess are right")
    };
    Ok(Outcome { attack: "traces (DCA)", found: analysis.confirmed, traces: Some(analysis.traces), taken, words })
}

fn without_externals(traces: usize) -> Result<Subject> {
    let mut secret = Zeroizing::new([0; 32]);
    ironroot_platform::Entropy::fill(&mut OsEntropy, secret.as_mut_slice())?;
    let file = generate(&secret, External::None, &mut OsEntropy)?;
    let outcomes = on_tables(&file, &Tables::new(&file)?, None, traces)?;
    Ok(Subject {
        name: "tables-without-external-encodings",
        what: "for comparison: tables without external encodings, of a random key".into(),
        outcomes,
    })
}

fn plain() -> Result<Subject> {
    let plain = Plain::generate(&mut OsEntropy)?;
    let mut carrier = fs::read(std::env::current_exe()?)?;
    carrier.truncate(CARRIER);
    let file = plain.file(&carrier);
    let key = Zeroizing::new(plain.key());
    let (input, output) = ([1; 16], plain.block(&[1; 16]));
    let (blind, taken) = timed(|| search::blind(&file, &input, &output));
    let words = match &blind.found {
        Some((place, _)) => format!(
            "the key stands at offset {}; {} candidates tried; {:.0} % of the file looks like noise",
            place.offset,
            blind.tried,
            100.0 * search::noise(&file)
        ),
        None => format!("not found among {} candidates", blind.tried),
    };
    let outcomes = vec![
        Outcome { attack: "search of the file", found: blind.found.is_some(), traces: None, taken, words },
        in_memory(None, Some(&key), Some(&key)),
        by_traces(&plain, PLAIN_TRACES, Some(&key))?,
    ];
    Ok(Subject {
        name: "plain-constant",
        what: format!("for comparison: {} KiB of a program with a random key as a constant", CARRIER / 1024),
        outcomes,
    })
}

fn print_json(subjects: &[Subject]) {
    let subjects: Vec<_> = subjects
        .iter()
        .map(|subject| {
            let attacks: Vec<_> = subject
                .outcomes
                .iter()
                .map(|outcome| {
                    json!({
                        "attack": outcome.attack,
                        "found": outcome.found,
                        "traces": outcome.traces,
                        "seconds": outcome.taken.as_secs_f64(),
                        "words": outcome.words,
                    })
                })
                .collect();
            json!({ "subject": subject.name, "what": subject.what, "attacks": attacks })
        })
        .collect();
    println!("{}", json!({ "subjects": subjects }));
}

fn print_text(subjects: &[Subject]) {
    for subject in subjects {
        println!("{}", subject.what);
        for outcome in &subject.outcomes {
            let verdict = if outcome.found { "KEY FOUND" } else { "no key" };
            let traces = outcome.traces.map_or(String::new(), |traces| format!("{traces} traces"));
            println!(
                "  {:<21} {verdict:<10} {:>12} {:>9.3} s  {}",
                outcome.attack,
                traces,
                outcome.taken.as_secs_f64(),
                outcome.words
            );
        }
    }
    println!(
        "\nTables keep a secret from whoever searches files and memory, and external encodings from whoever records traces.\n\
         Whoever reads the published attacks has it in the time above. The device value and hardware are the defence."
    );
}
