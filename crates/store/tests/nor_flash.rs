//! The state on a NOR flash that is as strict as can be: power cuts in the middle of each erasing and programming, cells that read
//! differently at each start after that, faults, wear, and what is not ours or went bad.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use common::*;
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Records, Storage, StorageError};
use ironroot_store::FileStore;
use ironroot_store::medium::Medium;
use ironroot_store::nor_flash::FlashMedium;
use ironroot_store::simulated_flash::{FlashError, FlashFault, SimulatedFlash};

type Store<const R: usize, const W: usize, const E: usize> = FileStore<FlashMedium<SimulatedFlash<R, W, E>>>;

fn open<const R: usize, const W: usize, const E: usize>(
    flash: &SimulatedFlash<R, W, E>,
    seed: u64,
) -> Result<Store<R, W, E>, StorageError> {
    let medium = FlashMedium::new(flash.clone(), "flash").map_err(|error| StorageError::Io(error.to_string()))?;
    FileStore::open_on(medium, &KEY, POWER, Box::new(TestEntropy::new(seed)))
}

fn create<const R: usize, const W: usize, const E: usize>(
    flash: &SimulatedFlash<R, W, E>,
) -> Result<Store<R, W, E>, StorageError> {
    let medium = FlashMedium::new(flash.clone(), "flash").map_err(|error| StorageError::Io(error.to_string()))?;
    FileStore::create_on(medium, &KEY, POWER, Box::new(TestEntropy::new(1)))
}

/// Small commits, of which some take two blocks.
fn small_commit(random: &mut TestEntropy) -> Vec<ironroot_platform::Change> {
    let size = if random.next_word().is_multiple_of(5) { 700 } else { 100 };
    vec![put(random.next_word() % 5, &vec![random.next_word() as u8; size])]
}

/// Commits until something fails: what was acknowledged, and that with the commit that failed.
fn work<const R: usize, const W: usize, const E: usize>(
    flash: &SimulatedFlash<R, W, E>,
    before: &Records,
    seed: u64,
    commits: usize,
) -> (Records, Records) {
    let mut random = TestEntropy::new(seed);
    let Ok(mut store) = open(flash, seed) else { return (before.clone(), before.clone()) };
    assert_eq!(store.load().unwrap(), *before, "what was found before has changed");
    commit_until_failure(&mut store, before.clone(), commits, || small_commit(&mut random))
}

/// Cuts at every operation, and up to three more cuts while life goes on, on flash that reads differently each time.
fn cuts<const R: usize, const W: usize, const E: usize>(sectors: usize, commits: usize) -> u64 {
    let begun = SimulatedFlash::<R, W, E>::new(sectors);
    drop(create(&begun).unwrap());
    let whole = begun.copy();
    work(&whole, &Records::new(), 7, commits);
    let erased: u64 = whole.erases().iter().sum();
    assert!(erased > 3 * sectors as u64 / 2, "the workload compacts");
    let mut tried = 0;
    for cut in 1..=whole.operations() - begun.operations() {
        let flash = begun.copy();
        flash.fail_nth(cut, FlashFault::PowerCut);
        let (acknowledged, with_the_last) = work(&flash, &Records::new(), 7, commits);
        for luck in 0..4 {
            let mut flash = flash.after_power_cut(cut * 31 + luck);
            let (mut acknowledged, mut with_the_last) = (acknowledged.clone(), with_the_last.clone());
            for again in 0..4 {
                let at = format!("{R}/{W}/{E}: cut {cut}, luck {luck}, {again} more");
                let found = open(&flash, 3).and_then(|mut store| store.load()).unwrap_or_else(|e| panic!("{at}: {e}"));
                assert!(found == acknowledged || found == with_the_last, "{at}: lost");
                tried += 1;
                // What was found once must be found for ever, whatever weak cells read as next.
                flash.fail_nth(1 + (cut * 7 + luck * 3 + again) % 9, FlashFault::PowerCut);
                (acknowledged, with_the_last) = work(&flash, &found, cut + luck + again, 5);
                flash = flash.after_power_cut(cut + luck * 17 + again);
            }
        }
    }
    tried
}

#[test]
fn power_cuts_in_every_erasing_and_programming() {
    let bytes = cuts::<1, 1, 4096>(8, 60);
    let words = cuts::<4, 8, 2048>(16, 60);
    let pages = cuts::<1, 256, 4096>(16, 60);
    let blocks = cuts::<1, 512, 8192>(12, 60);
    println!("power cuts: {bytes} by the byte, {words} by 8 bytes, {pages} by pages of 256, {blocks} by 512");
    assert!(bytes + words + pages + blocks > 5_000);
}

/// While the state is made there is nothing to lose; but it must be possible to make it afterwards.
#[test]
fn power_cuts_while_the_state_is_made() {
    for cut in 1..40 {
        for luck in 0..8 {
            let flash = SimulatedFlash::<1, 4, 4096>::new(16);
            flash.fail_nth(cut, FlashFault::PowerCut);
            let made = create(&flash).is_ok();
            let flash = flash.after_power_cut(luck);
            match open(&flash, 2) {
                Ok(mut store) => assert_eq!(store.load().unwrap(), Records::new()),
                Err(error) => {
                    assert!(!made, "{error}");
                    drop(create(&flash).unwrap());
                }
            }
        }
    }
}

#[test]
fn one_fault_at_every_operation_loses_nothing() {
    for fault in [FlashFault::Error, FlashFault::Broken] {
        let mut failures = 0;
        for at in 1..250 {
            let flash = SimulatedFlash::<1, 4, 4096>::new(16);
            let mut store = create(&flash).unwrap();
            flash.fail_nth(at, fault);
            let mut random = TestEntropy::new(at);
            let next = || small_commit(&mut random);
            let (records, failed) = commit_despite_failures(&mut store, at, 120, next, || flash.repair());
            failures += failed;
            flash.repair();
            drop(store);
            assert_eq!(open(&flash.after_power_cut(at), 2).unwrap().load().unwrap(), records);
        }
        assert!(failures >= 200, "{failures}");
    }
}

/// What one commit costs, and so how long a flash lives; docs/state-cost.md has these figures.
#[test]
fn wear_is_counted_and_even() {
    println!(
        "{:>8} {:>7} {:>9} {:>11} {:>14} {:>16}",
        "flash", "unit", "commits", "erasings", "commits/erase", "100,000 cycles"
    );
    fn measure<const W: usize>(sectors: usize) {
        let flash = SimulatedFlash::<1, W, 4096>::new(sectors);
        let mut store = create(&flash).unwrap();
        // A TPM's worth of records, of which one changes.
        for n in 0..20 {
            store.commit(&[put(100 + n, &[n as u8; 200])]).unwrap();
        }
        let commits = 4000;
        for n in 0..commits {
            store.commit(&[put(n % 8, &[n as u8; 64])]).unwrap();
        }
        let wear = store.medium().wear();
        // What the medium counts is what happened.
        let [first, second] = wear.erases;
        let sector = |index: usize| flash.erases()[index];
        assert_eq!((sector(0), sector(sectors / 2)), (first, second));
        assert!(flash.erases()[..sectors / 2].iter().all(|count| *count == first), "{:?}", flash.erases());
        assert!(first.abs_diff(second) <= 1, "the areas wear evenly: {first}, {second}");
        drop(store);
        assert_eq!(
            FlashMedium::new(flash.clone(), "flash").unwrap().wear().erases,
            wear.erases,
            "the count outlives the process"
        );
        let each = commits as f64 / first.max(1) as f64;
        println!("{:>5} KiB {W:>7} {commits:>9} {first:>11} {each:>14.0} {:>16.0}", sectors * 4, each * 100_000.0);
    }
    measure::<1>(16);
    measure::<1>(32);
    measure::<4>(64);
    measure::<256>(64);
    measure::<4>(128);
}

/// Starts that change nothing wear nothing.
#[test]
fn opening_programs_nothing() {
    let flash = SimulatedFlash::<1, 4, 4096>::new(16);
    let mut store = create(&flash).unwrap();
    store.commit(&[put(1, b"one")]).unwrap();
    drop(store);
    let before = flash.operations();
    for _ in 0..50 {
        drop(open(&flash, 2).unwrap());
    }
    assert_eq!(flash.operations(), before);
}

/// A flash that is full says so, does not erase itself to death, and lets things be deleted.
#[test]
fn a_full_flash_says_so_and_does_not_wear_itself_out() {
    let flash = SimulatedFlash::<1, 4, 4096>::new(16);
    let mut store = create(&flash).unwrap();
    let mut records = Records::new();
    let mut full = 0;
    for n in 0..200 {
        let changes = [put(n, &[n as u8; 400])];
        match store.commit(&changes) {
            Ok(()) => apply(&mut records, &changes),
            Err(StorageError::Full(_)) => full += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(full > 100 && records.len() > 20, "{full} refused, {} kept", records.len());
    let erased = store.medium().wear().erases;
    for n in 1000..1200 {
        store.commit(&[put(n, &[1; 400])]).unwrap_err();
    }
    assert_eq!(store.medium().wear().erases, erased, "what cannot help is not tried");
    let mut changed = 0;
    for n in 0..300_u64 {
        let key = n % 10;
        let changes = [put(key, &[n as u8; 400])];
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
        changed += 1;
    }
    let now = store.medium().wear().erases;
    assert!(now[0] + now[1] - erased[0] - erased[1] <= changed / 2, "{erased:?} {now:?}");
    for n in 0..10 {
        let changes = [ironroot_platform::Change::Delete(ironroot_platform::RecordKey(n))];
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
    }
    store.commit(&[put(5000, &[5; 400])]).unwrap();
    apply(&mut records, &[put(5000, &[5; 400])]);
    drop(store);
    assert_eq!(open(&flash, 2).unwrap().load().unwrap(), records);
}

/// Every byte that was acknowledged: a changed bit of it is refused, or changes nothing; never another state.
#[test]
fn what_went_bad_is_refused() {
    let flash = SimulatedFlash::<1, 4, 4096>::new(16);
    let mut store = create(&flash).unwrap();
    let mut records = Records::new();
    for n in 0..6 {
        let changes = [put(n, &[n as u8; 40])];
        store.commit(&changes).unwrap();
        apply(&mut records, &changes);
    }
    drop(store);
    let image = flash.image();
    let (mut refused, mut harmless) = (0, 0);
    for at in (0..image.len()).filter(|at| image[*at] != 0xFF) {
        let bad = flash.copy();
        bad.corrupt(at, |byte| *byte ^= 1 << (at % 8));
        let before = bad.image();
        match open(&bad, 2).and_then(|mut store| store.load()) {
            Ok(found) => {
                assert_eq!(found, records, "byte {at}: another state");
                harmless += 1;
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("went bad") || text.contains("damaged"), "byte {at}: {text}");
                assert_eq!(bad.image(), before, "byte {at}: refused and written");
                refused += 1;
            }
        }
    }
    println!("{refused} bytes refused, {harmless} without consequence");
    assert!(refused > 3000 && harmless < 1000, "{refused} {harmless}");
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let flash = SimulatedFlash::<1, 4, 4096>::new(16);
    for at in 0..16 * 4096 {
        flash.corrupt(at, |byte| *byte = 0x5A);
    }
    assert_eq!(FlashMedium::new(flash, "flash").err().unwrap().kind(), std::io::ErrorKind::InvalidData);
    let small = SimulatedFlash::<1, 4, 4096>::new(4);
    assert_eq!(FlashMedium::new(small, "flash").err().unwrap().kind(), std::io::ErrorKind::StorageFull);
    let odd = SimulatedFlash::<1, 1024, 4096>::new(64);
    assert_eq!(FlashMedium::new(odd, "flash").err().unwrap().kind(), std::io::ErrorKind::Unsupported);
    let mut medium = FlashMedium::new(SimulatedFlash::<1, 4, 4096>::new(16), "flash").unwrap();
    assert!(!medium.exists().unwrap());
}

/// The double is as strict as it says.
#[test]
fn the_flash_refuses_what_flash_refuses() {
    let mut flash = SimulatedFlash::<2, 4, 4096>::new(2);
    flash.write(8, &[0xF0; 4]).unwrap();
    assert_eq!(flash.write(8, &[0x00; 4]), Err(FlashError::NotErased(8)));
    assert_eq!(flash.write(4, &[0xFF; 8]), Err(FlashError::NotErased(8)));
    assert_eq!(flash.write(2, &[0; 4]), Err(FlashError::NotAligned));
    assert_eq!(flash.write(4, &[0; 3]), Err(FlashError::NotAligned));
    assert_eq!(flash.write(8192, &[0; 4]), Err(FlashError::OutOfBounds));
    assert_eq!(flash.erase(0, 100), Err(FlashError::NotAligned));
    assert_eq!(flash.read(1, &mut [0; 2]), Err(FlashError::NotAligned));
    flash.erase(0, 4096).unwrap();
    flash.write(8, &[0x00; 4]).unwrap();
    assert_eq!(flash.erases(), [1, 0]);
}
