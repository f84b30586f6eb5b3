//! Orderly NV indices (Part 1, 34.2.4): what they hold is in memory, and stored when the TPM is shut down. Each beside
//! libtpms through power cycles of every kind.

use crate::common::{TestTpm, password};
use crate::peer::Both;
use ironroot_platform::memory::Fault;
use ironroot_tpm::VolatileError;
use ironroot_wire::*;

const INDEX: u32 = 0x0150_0001;
const OTHER: u32 = 0x0150_0002;
const OWNER: u32 = TpmHandle::OWNER.0;
const OPEN: TpmaNv = TpmaNv::OWNERREAD
    .with(TpmaNv::OWNERWRITE)
    .with(TpmaNv::AUTHREAD)
    .with(TpmaNv::POLICYWRITE)
    .with(TpmaNv::NO_DA)
    .with(TpmaNv::ORDERLY);

fn define(index: u32, attributes: TpmaNv, data_size: u16) -> NvDefineSpace {
    NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::from_slice(b"pin").unwrap(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(index),
            name_alg: TpmiAlgHash::Sha256,
            attributes,
            auth_policy: Tpm2bDigest::default(),
            data_size,
        }),
    }
}

fn undefine(index: u32) -> NvUndefineSpace {
    NvUndefineSpace { auth_handle: TpmiRhProvision(OWNER), nv_index: TpmiRhNvIndex(index) }
}

fn read(index: u32, size: u16) -> NvRead {
    NvRead { auth_handle: TpmiRhNvAuth(OWNER), nv_index: TpmiRhNvIndex(index), size, offset: 0 }
}

fn write(index: u32, data: &[u8]) -> NvWrite {
    NvWrite {
        auth_handle: TpmiRhNvAuth(OWNER),
        nv_index: TpmiRhNvIndex(index),
        data: Tpm2bMaxNvBuffer::from_slice(data).unwrap(),
        offset: 0,
    }
}

fn increment(index: u32) -> NvIncrement {
    NvIncrement { auth_handle: TpmiRhNvAuth(OWNER), nv_index: TpmiRhNvIndex(index) }
}

fn attributes(tpms: &mut Both) -> TpmaNv {
    let public = tpms.same(&NvReadPublic { nv_index: TpmiRhNvIndex(INDEX) }, &[]).unwrap();
    public.nv_public.0.attributes
}

fn empty() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

fn counted(tpms: &mut Both, index: u32) -> u64 {
    let data = tpms.same(&read(index, 8), &empty()).unwrap().data;
    u64::from_be_bytes((*data).try_into().unwrap())
}

/// Changes an index of any type; a counter by one.
fn change(tpms: &mut Both, nt: TpmNt) {
    let (auth_handle, nv_index) = (TpmiRhNvAuth(OWNER), TpmiRhNvIndex(INDEX));
    let data = Tpm2bMaxNvBuffer::from_slice(b"data").unwrap();
    match nt {
        TpmNt::Counter => tpms.same(&increment(INDEX), &empty()).map(drop),
        TpmNt::Bits => tpms.same(&NvSetBits { auth_handle, nv_index, bits: 5 }, &empty()).map(drop),
        TpmNt::Extend => tpms.same(&NvExtend { auth_handle, nv_index, data }, &empty()).map(drop),
        TpmNt::Ordinary | TpmNt::PinFail | TpmNt::PinPass => {
            tpms.same(&write(INDEX, &[0, 0, 0, 0, 0, 0, 0, 9]), &empty()).map(drop)
        }
    }
    .unwrap();
}

#[test]
fn every_type_through_every_kind_of_power_cycle() {
    use TpmSu::{Clear, State};
    let mut tpms = Both::started();
    for (shutdown, startup) in [(None, Clear), (Some(Clear), Clear), (Some(State), Clear), (Some(State), State)] {
        for nt in [TpmNt::Ordinary, TpmNt::Counter, TpmNt::Bits, TpmNt::Extend, TpmNt::PinFail, TpmNt::PinPass] {
            for extra in [TpmaNv::NONE, TpmaNv::CLEAR_STCLEAR, TpmaNv::WRITEDEFINE, TpmaNv::WRITE_STCLEAR] {
                let size = if nt == TpmNt::Extend { 32 } else { 8 };
                if tpms.same(&define(INDEX, (OPEN | extra).with_nt(nt), size), &empty()).is_err() {
                    continue;
                }
                change(&mut tpms, nt);
                change(&mut tpms, nt);
                tpms.power_cycle(shutdown, startup);
                // A reset empties all but counters, a restart what says so, a resume nothing.
                let kept = nt == TpmNt::Counter
                    || shutdown == Some(State) && (startup == State || !extra.contains(TpmaNv::CLEAR_STCLEAR));
                let found = tpms.same(&read(INDEX, size), &empty());
                assert_eq!(found.is_ok(), kept, "{nt:?} {extra:?} {shutdown:?} {startup:?}");
                assert_eq!(attributes(&mut tpms).contains(TpmaNv::WRITTEN), kept);
                change(&mut tpms, nt);
                tpms.same(&read(INDEX, size), &empty()).unwrap();
                tpms.same(&undefine(INDEX), &empty()).unwrap();
            }
        }
    }
}

#[test]
fn a_counter_never_goes_back_and_never_misses_an_increment() {
    let mut tpms = Both::started();
    let get = GetCapability { capability: TpmCap::TpmProperties, property: TpmPt::ORDERLY_COUNT.0, property_count: 1 };
    tpms.same(&get, &[]).unwrap();
    tpms.same(&define(INDEX, OPEN.with_nt(TpmNt::Counter), 8), &empty()).unwrap();
    for _ in 0..3 {
        tpms.same(&increment(INDEX), &empty()).unwrap();
    }
    assert_eq!(counted(&mut tpms, INDEX), 3);
    // In order: it goes on.
    tpms.power_cycle(Some(TpmSu::Clear), TpmSu::Clear);
    assert_eq!(counted(&mut tpms, INDEX), 3);
    // Not in order: it is what it can have been at most, and stays that as long as nobody counts.
    tpms.same(&increment(INDEX), &empty()).unwrap();
    for _ in 0..3 {
        tpms.power_cycle(None, TpmSu::Clear);
        assert_eq!(counted(&mut tpms, INDEX), 0xFF);
    }
    tpms.same(&increment(INDEX), &empty()).unwrap();
    assert_eq!(counted(&mut tpms, INDEX), 0x100);
    tpms.power_cycle(None, TpmSu::Clear);
    assert_eq!(counted(&mut tpms, INDEX), 0x1FF);
    // What is counted after a shutdown undoes it.
    tpms.same(&Shutdown { shutdown_type: TpmSu::State }, &[]).unwrap();
    tpms.same(&increment(INDEX), &empty()).unwrap();
    assert_eq!(counted(&mut tpms, INDEX), 0x200);
    tpms.same(&increment(INDEX), &empty()).unwrap();
    tpms.power_cycle(None, TpmSu::Clear);
    assert_eq!(counted(&mut tpms, INDEX), 0x2FF);
    // A deleted counter leaves its last value, which was only in memory. (libtpms begins above the deleted ones, this TPM
    // above all of them.)
    tpms.same(&define(OTHER, OPEN.with_nt(TpmNt::Counter), 8), &empty()).unwrap();
    for _ in 0..5 {
        tpms.same(&increment(OTHER), &empty()).unwrap();
    }
    let value = |tpm: &mut TestTpm| *tpm.run_auth(&read(OTHER, 8)).unwrap().data.last_chunk::<2>().unwrap();
    assert_eq!(value(&mut tpms.ours), [0x03, 0x04]);
    tpms.same(&undefine(OTHER), &empty()).unwrap();
    tpms.power_cycle(None, TpmSu::Clear);
    tpms.same(&define(OTHER, OPEN.with_nt(TpmNt::Counter), 8), &empty()).unwrap();
    tpms.same(&increment(OTHER), &empty()).unwrap();
    assert_eq!(value(&mut tpms.ours), [0x03, 0x05]);
}

#[test]
fn only_a_rollover_and_a_shutdown_write() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(INDEX, OPEN.with_nt(TpmNt::Counter), 8)).unwrap();
    tpm.run_auth(&define(OTHER, OPEN, 1000)).unwrap();
    tpm.run_auth(&increment(INDEX)).unwrap();
    let mut stored = tpm.storage.records();
    let mut writes = 0;
    for value in 2..=600u64 {
        tpm.run_auth(&increment(INDEX)).unwrap();
        tpm.run_auth(&write(OTHER, &value.to_be_bytes())).unwrap();
        if tpm.storage.records() != stored {
            writes += 1;
            assert_eq!(value & 0xFF, 0, "{value}");
            stored = tpm.storage.records();
        }
    }
    assert_eq!(writes, 2);
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::State).unwrap();
    assert_eq!(*tpm.run_auth(&read(INDEX, 8)).unwrap().data, 600u64.to_be_bytes());
    assert_eq!(*tpm.run_auth(&read(OTHER, 8)).unwrap().data, 600u64.to_be_bytes());
}

#[test]
fn a_power_cycle_within_one_process_loses_as_much() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(INDEX, OPEN.with_nt(TpmNt::Counter), 8)).unwrap();
    tpm.run_auth(&define(OTHER, OPEN, 8)).unwrap();
    tpm.run_auth(&increment(INDEX)).unwrap();
    tpm.run_auth(&write(OTHER, b"contents")).unwrap();
    tpm.tpm.power_on(tpm.now);
    tpm.startup(TpmSu::Clear).unwrap();
    assert_eq!(*tpm.run_auth(&read(INDEX, 8)).unwrap().data, 0xFFu64.to_be_bytes());
    assert_eq!(tpm.run_auth(&read(OTHER, 8)), Err(TpmRc::NV_UNINITIALIZED));
}

#[test]
fn what_must_not_be_lost_is_not() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(INDEX, (OPEN | TpmaNv::WRITEDEFINE).with_nt(TpmNt::Counter), 8)).unwrap();
    tpm.run_auth(&increment(INDEX)).unwrap();
    let lock = NvWriteLock { auth_handle: TpmiRhNvAuth(OWNER), nv_index: TpmiRhNvIndex(INDEX) };
    tpm.run_auth(&lock).unwrap();
    tpm.power_cycle();
    assert_eq!(tpm.run_auth(&increment(INDEX)), Err(TpmRc::NV_LOCKED), "a lock for good");
}

/// Found by a random walk beside libtpms: such an index was empty and locked after a TPM Reset.
#[test]
fn an_index_that_a_reset_empties_is_not_locked_any_more() {
    let mut tpms = Both::started();
    for shutdown in [None, Some(TpmSu::Clear)] {
        tpms.same(&define(INDEX, OPEN | TpmaNv::WRITEDEFINE, 8), &empty()).unwrap();
        change(&mut tpms, TpmNt::Ordinary);
        let lock = NvWriteLock { auth_handle: TpmiRhNvAuth(OWNER), nv_index: TpmiRhNvIndex(INDEX) };
        tpms.same(&lock, &empty()).unwrap();
        assert_eq!(tpms.same(&write(INDEX, b"contents"), &empty()), Err(TpmRc::NV_LOCKED));
        tpms.power_cycle(shutdown, TpmSu::Clear);
        assert!(!attributes(&mut tpms).intersects(TpmaNv::WRITTEN | TpmaNv::WRITELOCKED));
        change(&mut tpms, TpmNt::Ordinary);
        tpms.same(&undefine(INDEX), &empty()).unwrap();
    }
}

/// A guess at a PIN fails before the command is one that undoes a shutdown.
#[test]
fn a_wrong_pin_after_a_shutdown_still_counts() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(INDEX, OPEN.with_nt(TpmNt::PinFail), 8)).unwrap();
    tpm.run_auth(&write(INDEX, &[0, 0, 0, 0, 0, 0, 0, 9])).unwrap();
    for failures in 1..=3u64 {
        tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
        let guess = NvRead { auth_handle: TpmiRhNvAuth(INDEX), ..read(INDEX, 8) };
        assert_eq!(tpm.run_with(&guess, &[password(b"nip")]), Err(TpmRc::BAD_AUTH.session(1)));
        tpm.reopen();
        if tpm.startup(TpmSu::State).is_err() {
            tpm.startup(TpmSu::Clear).unwrap();
        }
        let number = tpm.run_auth(&read(INDEX, 8)).map(|read| u64::from_be_bytes((*read.data).try_into().unwrap()));
        assert!(number == Ok(failures << 32 | 9) || number == Err(TpmRc::NV_UNINITIALIZED), "{number:?}");
    }
}

#[test]
fn a_store_that_fails_does_not_hold_up_what_is_in_memory() {
    let (mut tpm, faults) = TestTpm::faulty();
    tpm.run_auth(&define(INDEX, OPEN, 8)).unwrap();
    faults.fail_every(Fault::Io);
    tpm.run_auth(&write(INDEX, b"contents")).unwrap();
    assert_eq!(*tpm.run_auth(&read(INDEX, 8)).unwrap().data, *b"contents");
    assert_eq!(tpm.run(&Shutdown { shutdown_type: TpmSu::State }), Err(TpmRc::NV_UNAVAILABLE));
    assert_eq!(*tpm.run_auth(&read(INDEX, 8)).unwrap().data, *b"contents");
}

#[test]
fn a_tpm_that_moves_takes_them_along() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(INDEX, OPEN.with_nt(TpmNt::Counter), 8)).unwrap();
    tpm.run_auth(&define(OTHER, OPEN, 16)).unwrap();
    tpm.run_auth(&increment(INDEX)).unwrap();
    tpm.run_auth(&increment(INDEX)).unwrap();
    tpm.run_auth(&write(OTHER, b"contents")).unwrap();
    let blob = tpm.tpm.save_volatile();
    tpm.reopen();
    tpm.tpm.restore_volatile(tpm.now, &blob).unwrap();
    assert_eq!(*tpm.run_auth(&read(INDEX, 8)).unwrap().data, 2u64.to_be_bytes());
    assert_eq!(*tpm.run_auth(&read(OTHER, 8)).unwrap().data, *b"contents");
    // What was saved before an index went is not its state.
    let blob = tpm.tpm.save_volatile();
    tpm.run_auth(&undefine(OTHER)).unwrap();
    tpm.reopen();
    assert_eq!(tpm.tpm.restore_volatile(tpm.now, &blob), Err(VolatileError::Stale));
    tpm.startup(TpmSu::Clear).unwrap();
    assert_eq!(*tpm.run_auth(&read(INDEX, 8)).unwrap().data, 0xFFu64.to_be_bytes());
}
