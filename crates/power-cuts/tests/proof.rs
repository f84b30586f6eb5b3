//! The proof holds for the real store, and fails for stores that are known to be bad.
#![allow(clippy::unwrap_used, clippy::panic)]

use ironroot_power_cuts::{backend::Backend, report::Report, round, round_on};

#[test]
fn the_state_file_loses_nothing() {
    for backend in [Backend::File, Backend::BlockDevice, Backend::RelaxedFile, Backend::NorFlash] {
        let mut report = Report::default();
        round(backend, 11, 120, &mut report).unwrap();
        println!("{backend:?}: {report}");
        // A flash keeps the order.
        let others = if backend == Backend::NorFlash { report.torn } else { report.reordered };
        assert!(report.asked > 100 && others > 100 && report.second > 100, "{report}");
    }
}

/// One of a few short workloads is enough to catch it, and it is caught for a loss.
#[track_caller]
fn is_caught(backend: Backend, wanted: &str) {
    let found = (0..4).find_map(|seed| round(backend, seed, 120, &mut Report::default()).err());
    let why = found.unwrap_or_else(|| panic!("{backend:?} was not caught"));
    println!("{why}");
    let words = ["LOST", "ROLLED BACK", "expected"];
    assert!(words.iter().any(|word| why.contains(word)) && why.contains(wanted), "{why}");
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

/// EIO once and for ever after, a full disk, a read-only one, at any call: commands are refused with the code that Part 3 has
/// for it, what was acknowledged stays, and the same commands succeed when the disk is well again. And the power may be cut
/// at any time meanwhile.
#[test]
fn a_failing_disk_loses_nothing_and_life_goes_on() {
    let mut report = Report::default();
    for (seed, backend) in
        [Backend::File, Backend::BlockDevice, Backend::NorFlash, Backend::File].into_iter().enumerate()
    {
        round_on(backend, true, seed as u64, 200, &mut report).unwrap();
    }
    println!("{report}");
    assert!(report.refused > 30 && report.asked > 500, "{report}");
    for call in ["write", "set_len", "sync", "program"] {
        assert!(report.met.keys().any(|(met, _)| *met == call), "no {call} has failed: {:?}", report.met);
    }
}

/// State and counter move together: no cut makes an old copy of an honest TPM's state, and no copy that is older than what was
/// acknowledged is accepted, but where the counter is advanced by session and the copy is from the running one.
#[test]
fn a_state_and_its_counter_move_together() {
    for backend in [Backend::Counted, Backend::CountedBySession] {
        let mut report = Report::default();
        round(backend, 21, 120, &mut report).unwrap();
        round_on(backend, true, 22, 120, &mut report).unwrap();
        println!("{backend:?}: {report}");
        assert!(report.asked > 100 && report.second > 100 && report.refused_copies > 20, "{report}");
        let refused_calls = report.met.keys().filter(|(call, _)| *call == "count").count();
        assert!(backend == Backend::CountedBySession || refused_calls > 0, "the counter failed, too");
    }
}

#[test]
fn a_counter_that_goes_first_is_caught() {
    is_caught(Backend::CountsFirst, "an old copy of the state was put back");
}

#[test]
fn a_counter_that_does_not_count_is_caught() {
    is_caught(Backend::NeverCounts, "ROLLED BACK");
}

/// The store keeps all that it is given; what the TPM has forgotten to give shows in what it answers.
#[test]
fn a_record_that_is_not_staged_is_caught() {
    is_caught(Backend::Forgets, "expected");
}
