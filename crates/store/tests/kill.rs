//! kill -9 of a process that commits as fast as it can: whatever it said was committed is there afterwards.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{Durability, RecordKey, Storage};
use ironroot_store::{FileCounter, FileStore, NewCounter, Options, Policy};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "IRONROOT_STORE_KILL_FOLDER";

/// The process that is killed: it writes a number into a record and then says it, for ever.
#[test]
#[ignore = "run by the test below"]
fn writer() {
    let folder = std::path::PathBuf::from(std::env::var(FOLDER).unwrap());
    let durability = if std::env::var("RELAXED").is_ok() { Durability::Process } else { Durability::Power };
    let mut store = FileStore::open(&folder, &KEY, Options { durability }).unwrap();
    let records = store.load().unwrap();
    let mut number = records.get(&RecordKey(0)).map_or(0, |value| u64::from_be_bytes(value[..8].try_into().unwrap()));
    let mut out = std::io::stdout();
    loop {
        number += 1;
        let mut value = number.to_be_bytes().to_vec();
        value.resize(8 + (number as usize * 37) % 2000, number as u8);
        store.commit(&[put(0, &value), put(1 + number % 5, &value)]).unwrap();
        writeln!(out, "committed {number}").unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_acknowledged() {
    let folder = TestFolder::new("kill");
    drop(FileStore::create(&folder.0, &KEY, POWER).unwrap());
    kills(&folder, true);
}

#[test]
fn a_killed_writer_is_never_older_than_its_counter() {
    for policy in [Policy::EveryCommit, Policy::Sessions] {
        let folder = TestFolder::new("kill-counted");
        let counters = folder.0.join("counters");
        std::fs::create_dir(&counters).unwrap();
        let place = counters.to_str().unwrap().into();
        let counter = NewCounter { counter: Box::new(FileCounter::new(&counters)), place, policy };
        drop(FileStore::create_counted(&folder.0, &KEY, POWER, counter).unwrap());
        kills(&folder, policy == Policy::Sessions);
    }
}

/// Thirty times: a writer that is killed, and what it leaves.
fn kills(folder: &TestFolder, relaxed_too: bool) {
    let mut last = 0;
    for round in 0..30_u64 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "writer"]).env(FOLDER, &folder.0).stdout(Stdio::piped());
        if relaxed_too && round % 2 == 1 {
            command.env("RELAXED", "1");
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = 0;
        let committed = |line: &str| line.strip_prefix("committed ").and_then(|number| number.parse::<u64>().ok());
        while said == 0 {
            said = committed(&lines.next().expect("the writer ended").unwrap()).unwrap_or(0);
        }
        std::thread::sleep(Duration::from_micros(round * 997 % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            said = committed(&line).unwrap_or(said);
        }
        let mut store = FileStore::open(&folder.0, &KEY, POWER).unwrap();
        let records = store.load().unwrap();
        let found = u64::from_be_bytes(records[&RecordKey(0)][..8].try_into().unwrap());
        assert!(found == said || found == said + 1, "round {round}: {said} was acknowledged, {found} is there");
        assert_eq!(records[&RecordKey(0)], records[&RecordKey(1 + found % 5)], "half of a commit");
        assert!(found > last);
        last = found;
    }
    println!("{last} commits, 30 kills");
}
