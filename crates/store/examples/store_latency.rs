//! How long a commit and an opening take: `cargo run --release -p ironroot-store --example store_latency [FOLDER]`.
//!
//! Run it on the file system that matters: the folder is made, used and removed.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use ironroot_platform::{Change, Durability, RecordKey, Storage};
use ironroot_store::{FileCounter, FileStore, NewCounter, Options, Policy};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const KEY: [u8; 32] = [1; 32];

fn times(n: u64, mut action: impl FnMut(u64)) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..n)
        .map(|i| {
            let start = Instant::now();
            action(i);
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

fn report(what: &str, times: &[Duration]) {
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let mean = times.iter().sum::<Duration>() / times.len() as u32;
    println!(
        "{what:<44} median {:8.1} us   mean {:8.1}   p99 {:8.1}   worst {:8.1}   (n = {})",
        us(times[times.len() / 2]),
        us(mean),
        us(times[times.len() * 99 / 100]),
        us(times[times.len() - 1]),
        times.len()
    );
}

fn commits(folder: &Path, durability: Durability, size: usize) {
    let _ = std::fs::remove_dir_all(folder);
    let mut store = FileStore::create(folder, &KEY, Options { durability }).unwrap();
    let commit = |i: u64| store.commit(&[Change::Put(RecordKey(i % 8), Zeroizing::new(vec![i as u8; size]))]).unwrap();
    report(&format!("commit of {size} B, {durability:?}"), &times(1000, commit));
}

/// With a counter's file beside the state, on the same disk: what the second flush costs.
fn counted(folder: &Path, policy: Policy) {
    let (state, counters) = (folder.join("state"), folder.join("counters"));
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(&counters).unwrap();
    let place = counters.to_str().unwrap().into();
    let counter = NewCounter { counter: Box::new(FileCounter::new(&counters)), place, policy };
    let mut store = FileStore::create_counted(&state, &KEY, Options::default(), counter).unwrap();
    let commit = |i: u64| store.commit(&[Change::Put(RecordKey(i % 8), Zeroizing::new(vec![i as u8; 64]))]).unwrap();
    report(&format!("commit of 64 B, counter: {policy}"), &times(1000, commit));
}

fn main() {
    let folder =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("ironroot-store-latency"), PathBuf::from);
    for durability in [Durability::Power, Durability::Process] {
        for size in [8, 64, 1024, 4096] {
            commits(&folder, durability, size);
        }
    }
    for policy in [Policy::EveryCommit, Policy::Sessions] {
        counted(&folder, policy);
    }
    for (records, size) in [(10, 200), (1000, 200), (1000, 1024)] {
        let _ = std::fs::remove_dir_all(&folder);
        let options = Options { durability: Durability::Process };
        let mut store = FileStore::create(&folder, &KEY, options).unwrap();
        for i in 0..records {
            store.commit(&[Change::Put(RecordKey(i), Zeroizing::new(vec![7; size]))]).unwrap();
        }
        drop(store);
        let open = |_| drop(FileStore::open(&folder, &KEY, Options::default()).unwrap().load().unwrap());
        report(&format!("open and load {records} records of {size} B"), &times(100, open));
    }
    let _ = std::fs::remove_dir_all(&folder);
}
