//! Power cuts, failing disks and full disks at every operation: what comes up is what was acknowledged, or that and
//! the one commit that was under way.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use ironroot_platform::{Records, Storage, StorageError, memory::TestEntropy};
use ironroot_store::simulated::{DiskFault, SimulatedDisk};

/// Commits until something fails: what was acknowledged, and that with the commit that failed.
fn work(disk: &SimulatedDisk, seed: u64, commits: usize) -> (Records, Records) {
    let mut random = TestEntropy::new(seed);
    let Ok(mut store) = ironroot_store::FileStore::open_on(disk.clone(), &KEY, POWER, Box::new(TestEntropy::new(seed)))
    else {
        return (Records::new(), Records::new());
    };
    let records = store.load().unwrap();
    commit_until_failure(&mut store, records, commits, || random_commit(&mut random))
}

#[test]
fn power_cuts_at_every_operation() {
    // Enough commits for several compactions.
    const COMMITS: usize = 160;
    let count = |seed| {
        let disk = SimulatedDisk::new();
        drop(create(&disk, POWER));
        work(&disk, seed, COMMITS);
        (disk.operations(), open(&disk, POWER).unwrap().generation())
    };
    let mut cuts = 0;
    for seed in 0..4 {
        let (operations, generation) = count(seed);
        assert!(generation > 2, "the workload compacts");
        for cut in 1..operations {
            let disk = SimulatedDisk::new();
            drop(create(&disk, POWER));
            disk.fail_nth(cut, DiskFault::PowerCut);
            let (acknowledged, with_the_last) = work(&disk, seed, COMMITS);
            for luck in 0..6 {
                let after = disk.after_power_cut(cut * 100 + luck);
                let found =
                    contents(&after).unwrap_or_else(|error| panic!("seed {seed} cut {cut} luck {luck}: {error}"));
                assert!(found == acknowledged || found == with_the_last, "seed {seed}, cut {cut}, luck {luck}");
                cuts += 1;
                if luck == 0 {
                    // Life goes on, through a second cut.
                    after.fail_nth(1 + cut % 23, DiskFault::PowerCut);
                    let (acknowledged, with_the_last) = match work(&after, seed + 50, 30) {
                        (a, b) if a.is_empty() && b.is_empty() => (found.clone(), found),
                        other => other,
                    };
                    let found = contents(&after.after_power_cut(cut)).unwrap();
                    assert!(found == acknowledged || found == with_the_last, "second cut after {cut}");
                }
            }
        }
    }
    println!("{cuts} power cuts");
    assert!(cuts > 5_000);
}

#[test]
fn power_cuts_while_the_state_is_made() {
    for cut in 1..=6 {
        for luck in 0..8 {
            let disk = SimulatedDisk::new();
            disk.fail_nth(cut, DiskFault::PowerCut);
            let made =
                ironroot_store::FileStore::create_on(disk.clone(), &KEY, POWER, Box::new(TestEntropy::new(1))).is_ok();
            assert_eq!(made, cut > 5);
            let after = disk.after_power_cut(luck);
            match after.state() {
                None => drop(create(&after, POWER)),
                Some(_) => assert_eq!(contents(&after).unwrap(), Records::new()),
            }
        }
    }
}

#[test]
fn one_error_at_every_operation_loses_nothing() {
    for fault in [DiskFault::Error, DiskFault::Broken] {
        let mut failures = 0;
        for at in 1..330 {
            let disk = SimulatedDisk::new();
            let mut store = create(&disk, POWER);
            disk.fail_nth(at, fault);
            let mut random = TestEntropy::new(at);
            let next = || random_commit(&mut random);
            let (records, failed) = commit_despite_failures(&mut store, at, 150, next, || disk.repair());
            failures += failed;
            disk.repair();
            assert_eq!(contents(&disk).unwrap(), records);
        }
        // Errors during a compaction are no failures: it is tried again later.
        assert!(failures >= 300, "{failures}");
    }
}

#[test]
fn a_full_disk_loses_nothing_and_works_again() {
    for capacity in (65_000..140_000).step_by(1_777) {
        let disk = SimulatedDisk::new();
        let mut store = create(&disk, POWER);
        disk.set_capacity(Some(capacity.max(65_536)));
        let mut records = Records::new();
        let mut full = 0;
        for n in 0..400_u64 {
            let changes = [put(n, &[n as u8; 700])];
            match store.commit(&changes) {
                Ok(()) => apply(&mut records, &changes),
                Err(StorageError::Full(text)) => {
                    assert!(text.contains("free some space"), "{text}");
                    full += 1;
                    assert_eq!(store.load().unwrap(), records);
                    // The space that the state has is still its own.
                    assert!(disk.state().unwrap().len() >= 65_536);
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(full > 0);
        assert_eq!(contents(&disk).unwrap(), records);
        disk.set_capacity(None);
        let changes = [put(9_999, &[1; 700])];
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        assert_eq!(contents(&disk).unwrap(), records);
    }
}

#[test]
fn a_relaxed_state_survives_the_process_and_comes_up_after_a_power_cut() {
    for seed in 0..200 {
        let disk = SimulatedDisk::new();
        let mut store = create(&disk, PROCESS);
        let mut random = TestEntropy::new(seed);
        let mut states = vec![Records::new()];
        for _ in 0..40 {
            let changes = random_commit(&mut random);
            store.commit(&changes).unwrap();
            let mut records = states.last().unwrap().clone();
            apply(&mut records, &changes);
            states.push(records);
        }
        // A power cut brings an earlier state, never a mixture and never a refusal.
        let found = contents(&disk.after_power_cut(seed)).unwrap();
        assert!(states.contains(&found), "seed {seed}");
        // A killed process loses nothing.
        assert_eq!(contents(&disk).unwrap(), *states.last().unwrap());
        // A strict commit makes all that was before it durable.
        let mut store = open(&disk, POWER).unwrap();
        store.commit(&[put(77, b"strict")]).unwrap();
        let found = contents(&disk.after_power_cut(seed)).unwrap();
        assert_eq!(found.len(), states.last().unwrap().len() + 1);
    }
}
