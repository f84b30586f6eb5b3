//! The proof holds for the real store, and fails for stores that are known to be bad.
#![allow(clippy::unwrap_used, clippy::panic)]

use ironroot_power_cuts::{backend::Backend, report::Report, round};

#[test]
fn the_state_file_loses_nothing() {
    for backend in [Backend::File, Backend::RelaxedFile] {
        let mut report = Report::default();
        round(backend, 11, 120, &mut report).unwrap();
        println!("{backend:?}: {report}");
        assert!(report.asked > 100 && report.reordered > 100 && report.second > 100, "{report}");
    }
}

/// One of a few short workloads is enough to catch it, and it is caught for a loss.
#[track_caller]
fn is_caught(backend: Backend, wanted: &str) {
    let found = (0..4).find_map(|seed| round(backend, seed, 120, &mut Report::default()).err());
    let why = found.unwrap_or_else(|| panic!("{backend:?} was not caught"));
    println!("{why}");
    assert!(why.contains("LOST") && why.contains(wanted), "{why}");
}

#[test]
fn a_store_that_acknowledges_before_the_flush_is_caught() {
    is_caught(Backend::EarlyAcknowledgement, "was acknowledged");
}

#[test]
fn a_store_that_writes_in_place_is_caught() {
    is_caught(Backend::InPlace, "LOST");
}

#[test]
fn a_store_that_renames_what_it_has_not_flushed_is_caught() {
    is_caught(Backend::RenameWithoutFlush, "LOST");
}

/// It keeps the order of nothing, so that a later commit may be there without an earlier one.
#[test]
fn a_journal_without_a_chain_is_caught() {
    is_caught(Backend::Unchained, "a mixture that never was");
}
