//! `ironroot state inspect` and `verify`.

use ironroot_platform::CounterKind;
use ironroot_store::{Contents, CounterReport, Damage, HeaderReport, Report, inspect as read};
use serde_json::{Value, json};
use std::path::Path;

use super::{date, existing, shown};
use crate::{
    cli::StateReport,
    counter::{self, Asker},
    device::{Anchor, Place},
    failure::{Failure, Result},
};

/// Prints what there is to know, whole or not.
///
/// # Errors
/// There is no state, or the device's secrets cannot be read.
pub fn inspect(arguments: &StateReport) -> Result {
    let (place, report) = report(arguments)?;
    if arguments.json {
        println!("{}", as_json(&place.folder, &report));
    } else {
        print(&place.folder, &report);
    }
    Ok(())
}

/// Reads everything, and fails with the first damage.
///
/// # Errors
/// What is wrong with the state or its counter.
pub fn verify(arguments: &StateReport) -> Result {
    let (place, report) = report(arguments)?;
    let damage = match &report.contents {
        Err(damage) => Some(damage),
        Ok(contents) => contents.counter.as_ref().and_then(|counter| counter.number.as_ref().err()),
    };
    if arguments.json {
        println!(
            "{}",
            json!({ "state": shown(&place.folder), "whole": damage.is_none(), "damage": damage.map(damage_json) })
        );
    } else if let (None, Ok(contents)) = (damage, &report.contents) {
        println!(
            "{}: whole: {} records, sequence number {}",
            place.folder.display(),
            contents.records.len(),
            contents.sequence
        );
        println!("{}", rollback_words(&report));
    }
    match damage {
        None => Ok(()),
        Some(damage) => Err(Failure::during(place.folder.display(), &damage.text)),
    }
}

fn report(arguments: &StateReport) -> Result<(Place, Report)> {
    let (place, anchor) = existing(&arguments.place)?;
    let report = look(&place, &anchor)?;
    Ok((place, report))
}

fn look(place: &Place, anchor: &Anchor) -> Result<Report> {
    let mut access = place.access(anchor)?.with_counters(counter::connect(place.counter.clone(), Asker::Observer));
    Ok(read(&place.folder, &mut access)?)
}

/// What defends the state in a place against an old copy, in words, and what its witness says, if there is a state that opens.
pub fn rollback_defence(place: &Place) -> Vec<String> {
    let Some(report) = place.anchor().ok().and_then(|anchor| look(place, &anchor).ok()) else {
        return Vec::new();
    };
    let mut findings = vec![rollback_words(&report)];
    if let Some((CounterKind::Witness, _)) = report.header.as_ref().and_then(|header| header.counter)
        && let Ok(Contents { counter: Some(CounterReport { place, number: Ok(number) }), .. }) = &report.contents
    {
        let (address, key) = place.split_once(" signing with ").unwrap_or((place, ""));
        findings.push(format!("witness {address} answers: {number} for this state, signed with {key}"));
    }
    findings
}

/// What defends the state against an old copy, in words.
fn rollback_words(report: &Report) -> String {
    let Some((kind, policy)) = report.header.as_ref().and_then(|header| header.counter) else {
        return "rollback defence: none: an old copy of the folder that is put back goes unnoticed; \
                `ironroot state rekey --new-counter file=DIR` (or witness=HOST:PORT,key=FILE) gives the state a counter"
            .into();
    };
    format!("rollback defence: {kind} ({}); {}", kind.words(), policy.words())
}

fn damage_json(damage: &Damage) -> Value {
    json!({ "reason": damage.code, "byte": damage.offset, "text": damage.text })
}

fn as_json(folder: &Path, report: &Report) -> Value {
    let mut value = json!({ "state": shown(folder), "bytes": report.length });
    let mut set = |name: &str, part: Value| value[name] = part;
    if let Some(header) = &report.header {
        set("format", header.version.into());
        set("generation", header.generation.into());
        set("sealed_under", header.sealed_under.clone().into());
        set("instance", header.instance.clone().into());
        set(
            "counter",
            header.counter.map_or(
                Value::Null,
                |(kind, policy)| json!({ "kind": kind.to_string(), "advanced": policy.to_string() }),
            ),
        );
    }
    match &report.contents {
        Err(damage) => set("damage", damage_json(damage)),
        Ok(contents) => {
            set("sequence", contents.sequence.into());
            set("used", contents.end.into());
            set("wasted", contents.wasted.into());
            set("unfinished", contents.unfinished.into());
            let records = contents.records.iter();
            set("records", records.map(|(key, size)| json!({ "key": format!("{key:016x}"), "bytes": size })).collect());
            let history = contents.history.iter();
            set("history", history.map(|(time, what)| json!({ "time": time, "event": what })).collect());
            if let Some(counter) = &contents.counter {
                value["counter"]["place"] = counter.place.clone().into();
                match &counter.number {
                    Ok(number) => value["counter"]["number"] = (*number).into(),
                    Err(damage) => value["counter"]["damage"] = damage_json(damage),
                }
            }
        }
    }
    value
}

fn print(folder: &Path, report: &Report) {
    println!("state in {}: {} bytes", folder.display(), report.length);
    if let Some(header) = &report.header {
        print_header(header);
    }
    println!("  {}", rollback_words(report));
    match &report.contents {
        Ok(contents) => print_contents(contents),
        Err(damage) => println!("  REFUSED ({}): {}", damage.code, damage.text),
    }
}

fn print_header(header: &HeaderReport) {
    println!("  format version {}, generation {}", header.version, header.generation);
    println!("  sealed under {}", header.sealed_under);
    if !header.instance.is_empty() {
        println!("  instance {}", header.instance);
    }
}

fn print_contents(contents: &Contents) {
    println!("  sequence number {}", contents.sequence);
    if let Some(counter) = &contents.counter {
        match &counter.number {
            Ok(number) => println!("  counter in {}: {number}", counter.place),
            Err(damage) => println!("  counter in {}: REFUSED ({}): {}", counter.place, damage.code, damage.text),
        }
    }
    println!("  {} bytes used, {} of them older than the records", contents.end, contents.wasted);
    if contents.unfinished {
        println!("  a change that was never acknowledged lies behind the end; the next one overwrites it");
    }
    println!("  {} records:", contents.records.len());
    for (key, size) in &contents.records {
        println!("    {key:016x}  {size:6} bytes");
    }
    for (time, what) in &contents.history {
        println!("  {}  {what}", date(*time));
    }
}
