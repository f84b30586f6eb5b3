//! Headers, modes, handles and session areas, through bytes.

use crate::common::{TestTpm, frame, rc};
use ironroot_wire::{GetRandom, Shutdown, TpmRc, TpmSt, TpmSu};

#[test]
fn a_bad_tag_is_answered_as_tpm_1_2_would() {
    let mut tpm = TestTpm::started();
    let response = tpm.raw(&[0x00, 0xC1, 0, 0, 0, 10, 0, 0, 1, 0x7B]);
    assert_eq!(response, [0x00, 0xC4, 0, 0, 0, 10, 0, 0, 0, 0x1E]);
}

#[test]
fn every_truncation_of_a_command_is_refused() {
    let mut tpm = TestTpm::started();
    let command = frame(TpmSt::NoSessions, 0x17B, &[0, 8]);
    for length in 0..command.len() {
        let response = tpm.raw(&command[..length]);
        let code = rc(&response);
        assert!(matches!(code, TpmRc::COMMAND_SIZE), "{length}: {code}");
    }
    assert_eq!(rc(&tpm.raw(&command)), TpmRc::SUCCESS);
}

#[test]
fn parameters_may_not_be_short_or_long() {
    let mut tpm = TestTpm::started();
    assert_eq!(rc(&tpm.raw(&frame(TpmSt::NoSessions, 0x17B, &[0]))), TpmRc::INSUFFICIENT.parameter(1));
    assert_eq!(rc(&tpm.raw(&frame(TpmSt::NoSessions, 0x17B, &[0, 1, 2]))), TpmRc::SIZE);
    assert_eq!(rc(&tpm.raw(&frame(TpmSt::NoSessions, 0x11E, &[]))), TpmRc::COMMAND_CODE);
    assert_eq!(rc(&tpm.raw(&frame(TpmSt::NoSessions, 0x2000_0000, &[]))), TpmRc::COMMAND_CODE);
}

#[test]
fn nothing_works_before_startup_and_startup_works_once() {
    let mut tpm = TestTpm::manufactured();
    assert_eq!(tpm.run(&GetRandom { bytes_requested: 8 }), Err(TpmRc::INITIALIZE));
    assert_eq!(tpm.startup(TpmSu::State), Err(TpmRc::VALUE.parameter(1)));
    assert_eq!(tpm.startup(TpmSu::Clear), Ok(()));
    assert_eq!(tpm.startup(TpmSu::Clear), Err(TpmRc::INITIALIZE));
    assert_eq!(tpm.run(&GetRandom { bytes_requested: 8 }).unwrap().random_bytes.len(), 8);
    assert_eq!(tpm.run(&GetRandom { bytes_requested: 800 }).unwrap().random_bytes.len(), 64);
}

#[test]
fn a_saved_state_is_good_for_one_start() {
    let mut tpm = TestTpm::started();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    assert_eq!(tpm.startup(TpmSu::State), Ok(()));
    tpm.reopen();
    assert_eq!(tpm.startup(TpmSu::State), Err(TpmRc::VALUE.parameter(1)));
}
