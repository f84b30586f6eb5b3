//! The NV commands through bytes: each beside libtpms, and what only power cycles and clears can show.

use crate::common::{TestTpm, password};
use crate::peer::Both;
use ironroot_wire::*;

const INDEX: u32 = 0x0150_0001;
const OTHER: u32 = 0x0150_0002;
const OWNER: u32 = TpmHandle::OWNER.0;
const PLATFORM: u32 = TpmHandle::PLATFORM.0;

/// Readable and writable with the auth value of the index and by the owner.
const OPEN: TpmaNv =
    TpmaNv::OWNERREAD.with(TpmaNv::OWNERWRITE).with(TpmaNv::AUTHREAD).with(TpmaNv::AUTHWRITE).with(TpmaNv::NO_DA);

fn public(index: u32, attributes: TpmaNv, data_size: u16) -> TpmsNvPublic {
    TpmsNvPublic {
        nv_index: TpmiRhNvIndex(index),
        name_alg: TpmiAlgHash::Sha256,
        attributes,
        auth_policy: Tpm2bDigest::default(),
        data_size,
    }
}

fn define_with(auth_handle: u32, auth: &[u8], public: TpmsNvPublic) -> NvDefineSpace {
    NvDefineSpace {
        auth_handle: TpmiRhProvision(auth_handle),
        auth: Tpm2bAuth::from_slice(auth).unwrap(),
        public_info: Tpm2b(public),
    }
}

fn define(index: u32, attributes: TpmaNv, data_size: u16) -> NvDefineSpace {
    define_with(OWNER, b"pin", public(index, attributes, data_size))
}

fn undefine(index: u32) -> NvUndefineSpace {
    NvUndefineSpace { auth_handle: TpmiRhProvision(OWNER), nv_index: TpmiRhNvIndex(index) }
}

fn write_as(auth_handle: u32, index: u32, data: &[u8], offset: u16) -> NvWrite {
    NvWrite {
        auth_handle: TpmiRhNvAuth(auth_handle),
        nv_index: TpmiRhNvIndex(index),
        data: Tpm2bMaxNvBuffer::from_slice(data).unwrap(),
        offset,
    }
}

fn write(index: u32, data: &[u8], offset: u16) -> NvWrite {
    write_as(index, index, data, offset)
}

fn read_as(auth_handle: u32, index: u32, size: u16, offset: u16) -> NvRead {
    NvRead { auth_handle: TpmiRhNvAuth(auth_handle), nv_index: TpmiRhNvIndex(index), size, offset }
}

fn read(index: u32, size: u16, offset: u16) -> NvRead {
    read_as(index, index, size, offset)
}

fn read_public(index: u32) -> NvReadPublic {
    NvReadPublic { nv_index: TpmiRhNvIndex(index) }
}

fn increment(index: u32) -> NvIncrement {
    NvIncrement { auth_handle: TpmiRhNvAuth(index), nv_index: TpmiRhNvIndex(index) }
}

fn extend(index: u32, data: &[u8]) -> NvExtend {
    NvExtend {
        auth_handle: TpmiRhNvAuth(index),
        nv_index: TpmiRhNvIndex(index),
        data: Tpm2bMaxNvBuffer::from_slice(data).unwrap(),
    }
}

fn set_bits(index: u32, bits: u64) -> NvSetBits {
    NvSetBits { auth_handle: TpmiRhNvAuth(index), nv_index: TpmiRhNvIndex(index), bits }
}

fn write_lock(auth_handle: u32, index: u32) -> NvWriteLock {
    NvWriteLock { auth_handle: TpmiRhNvAuth(auth_handle), nv_index: TpmiRhNvIndex(index) }
}

fn read_lock(auth_handle: u32, index: u32) -> NvReadLock {
    NvReadLock { auth_handle: TpmiRhNvAuth(auth_handle), nv_index: TpmiRhNvIndex(index) }
}

fn pin() -> [TpmsAuthCommand; 1] {
    [password(b"pin")]
}

fn empty() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

#[test]
fn definitions_are_accepted_and_refused_as_by_libtpms() {
    const TYPES: [TpmNt; 6] =
        [TpmNt::Ordinary, TpmNt::Counter, TpmNt::Bits, TpmNt::Extend, TpmNt::PinFail, TpmNt::PinPass];
    const EXTRA: [TpmaNv; 17] = [
        TpmaNv::NONE,
        TpmaNv::WRITTEN,
        TpmaNv::WRITELOCKED,
        TpmaNv::READLOCKED,
        TpmaNv::WRITEALL,
        TpmaNv::WRITEDEFINE,
        TpmaNv::WRITE_STCLEAR,
        TpmaNv::READ_STCLEAR,
        TpmaNv::GLOBALLOCK,
        TpmaNv::CLEAR_STCLEAR,
        TpmaNv::CLEAR_STCLEAR.with(TpmaNv::WRITEDEFINE),
        TpmaNv::NO_DA,
        TpmaNv::AUTHWRITE,
        TpmaNv::NO_DA.with(TpmaNv::AUTHWRITE),
        TpmaNv::PLATFORMCREATE,
        TpmaNv::OWNERREAD,
        TpmaNv::ORDERLY,
    ];
    let mut tpms = Both::started();
    let mut accepted = 0;
    for access in [
        TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE,
        TpmaNv::OWNERREAD,
        TpmaNv::POLICYWRITE,
        TpmaNv::PPREAD | TpmaNv::POLICYWRITE,
    ] {
        for extra in EXTRA {
            for nt in TYPES {
                for size in [0, 8, 32, 1025, 2048] {
                    let attributes = (access | extra).with_nt(nt);
                    if size > 1024 && attributes.contains(TpmaNv::ORDERLY) {
                        // Orderly indices are in memory that libtpms has less of.
                        continue;
                    }
                    if tpms.same(&define(INDEX, attributes, size), &empty()).is_ok() {
                        accepted += 1;
                        assert_eq!(
                            tpms.same(&define(INDEX, attributes, size), &empty()).unwrap_err(),
                            TpmRc::NV_DEFINED
                        );
                        tpms.same(&read_public(INDEX), &[]).unwrap();
                        tpms.same(&undefine(INDEX), &empty()).unwrap();
                    }
                }
            }
        }
    }
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn definitions_with_odd_parameters_are_refused_as_by_libtpms() {
    let mut tpms = Both::started();
    let mut refused = |command: &NvDefineSpace, expected: TpmRc| {
        assert_eq!(tpms.same(command, &empty()).unwrap_err(), expected);
    };
    let open = public(INDEX, OPEN, 8);
    for size in [1, 31, 33, 64] {
        let auth_policy = Tpm2bDigest::from_slice(&vec![1; size]).unwrap();
        refused(&define_with(OWNER, b"", TpmsNvPublic { auth_policy, ..open.clone() }), TpmRc::SIZE.parameter(2));
    }
    refused(&define_with(OWNER, &[1; 33], open.clone()), TpmRc::SIZE.parameter(1));
    refused(&define_with(PLATFORM, b"", open.clone()), TpmRc::ATTRIBUTES.handle(1));
    let platform = OPEN | TpmaNv::PLATFORMCREATE;
    refused(&define_with(OWNER, b"", public(INDEX, platform, 8)), TpmRc::ATTRIBUTES.handle(1));
    refused(&define_with(OWNER, b"", public(INDEX, OPEN | TpmaNv::POLICY_DELETE, 8)), TpmRc::ATTRIBUTES.parameter(2));
    for nt in [3, 5, 6, 7, 10, 15] {
        let attributes = TpmaNv(OPEN.0 | nt << 4);
        refused(&define_with(OWNER, b"", public(INDEX, attributes, 8)), TpmRc::ATTRIBUTES.parameter(2));
    }
    // Each has its own largest size.
    let large = |data_size| define_with(OWNER, b"", TpmsNvPublic { data_size, ..open.clone() });
    assert_eq!(tpms.theirs.run(&large(2049), &empty()), Err(TpmRc::SIZE.parameter(2)));
    assert_eq!(tpms.ours.run_auth(&large(16 * 1024 + 1)), Err(TpmRc::SIZE.parameter(2)));
    // Zeros at the end of an auth value do not count.
    let mut long = [0; 40];
    long[0] = 1;
    tpms.same(&define_with(OWNER, &long, open), &empty()).unwrap();
    tpms.same(&write(INDEX, b"x", 0), &[password(&[1])]).unwrap();
}

#[test]
fn platform_indices_need_ph_enable_nv_and_only_the_platform_deletes_them() {
    let mut tpms = Both::started();
    let attributes = OPEN | TpmaNv::PLATFORMCREATE | TpmaNv::PPREAD | TpmaNv::PPWRITE;
    let command = define_with(PLATFORM, b"pin", public(INDEX, attributes, 8));
    tpms.same(&command, &empty()).unwrap();
    assert_eq!(tpms.same(&undefine(INDEX), &empty()).unwrap_err(), TpmRc::NV_AUTHORIZATION);
    let disable = HierarchyControl {
        auth_handle: TpmiRhBaseHierarchy(PLATFORM),
        enable: TpmiRhEnables(TpmHandle::PLATFORM_NV.0),
        state: TpmiYesNo(false),
    };
    tpms.same(&disable, &empty()).unwrap();
    assert_eq!(tpms.same(&read_public(INDEX), &[]).unwrap_err(), TpmRc::HANDLE.handle(1));
    let other = define_with(PLATFORM, b"pin", public(OTHER, attributes, 8));
    assert_eq!(tpms.same(&other, &empty()).unwrap_err(), TpmRc::HIERARCHY.handle(1));
    tpms.same(&HierarchyControl { state: TpmiYesNo(true), ..disable }, &empty()).unwrap();
    let by_platform = NvUndefineSpace { auth_handle: TpmiRhProvision(PLATFORM), nv_index: TpmiRhNvIndex(INDEX) };
    tpms.same(&by_platform, &empty()).unwrap();
    assert_eq!(tpms.same(&by_platform, &empty()).unwrap_err(), TpmRc::HANDLE.handle(2));
    // The platform may delete the owner's indices.
    tpms.same(&define(INDEX, OPEN, 8), &empty()).unwrap();
    tpms.same(&by_platform, &empty()).unwrap();
}

#[test]
fn ordinary_indices_read_what_was_written() {
    let mut tpms = Both::started();
    tpms.same(&define(INDEX, OPEN, 16), &empty()).unwrap();
    let before = tpms.same(&read_public(INDEX), &[]).unwrap();
    assert_eq!(tpms.same(&read(INDEX, 0, 0), &pin()).unwrap_err(), TpmRc::NV_UNINITIALIZED);
    tpms.same(&write(INDEX, b"0123456789abcdef", 0), &pin()).unwrap();
    let after = tpms.same(&read_public(INDEX), &[]).unwrap();
    assert_ne!(before.nv_name, after.nv_name, "WRITTEN is part of the name");
    assert!(after.nv_public.0.attributes.contains(TpmaNv::WRITTEN));
    tpms.same(&write(INDEX, b"ZZ", 3), &pin()).unwrap();
    tpms.same(&write(INDEX, b"", 16), &pin()).unwrap();
    let data = tpms.same(&read(INDEX, 16, 0), &pin()).unwrap().data;
    assert_eq!(&*data, b"012ZZ56789abcdef");
    assert_eq!(&*tpms.same(&read(INDEX, 2, 14), &pin()).unwrap().data, b"ef");
    assert_eq!(tpms.same(&read(INDEX, 0, 16), &pin()).unwrap().data.len(), 0);

    assert_eq!(tpms.same(&write(INDEX, b"x", 17), &pin()).unwrap_err(), TpmRc::VALUE.parameter(2));
    assert_eq!(tpms.same(&write(INDEX, b"x", 16), &pin()).unwrap_err(), TpmRc::NV_RANGE);
    assert_eq!(tpms.same(&write(INDEX, &[1; 17], 0), &pin()).unwrap_err(), TpmRc::NV_RANGE);
    assert_eq!(tpms.same(&write(INDEX, b"x", 0xFFFF), &pin()).unwrap_err(), TpmRc::VALUE.parameter(2));
    assert_eq!(tpms.same(&read(INDEX, 17, 0), &pin()).unwrap_err(), TpmRc::NV_RANGE);
    assert_eq!(tpms.same(&read(INDEX, 1, 16), &pin()).unwrap_err(), TpmRc::NV_RANGE);
    assert_eq!(tpms.same(&read(INDEX, 0, 17), &pin()).unwrap_err(), TpmRc::VALUE.parameter(2));
    assert_eq!(tpms.same(&read(INDEX, 1025, 0), &pin()).unwrap_err(), TpmRc::VALUE.parameter(1));
}

#[test]
fn what_a_first_write_leaves_out_is_erased() {
    let mut tpms = Both::started();
    tpms.same(&define(INDEX, OPEN, 4), &empty()).unwrap();
    tpms.same(&write(INDEX, &[0x55], 1), &pin()).unwrap();
    assert_eq!(&*tpms.same(&read(INDEX, 4, 0), &pin()).unwrap().data, [0xFF, 0x55, 0xFF, 0xFF]);
    // A PIN's limit is not what was never written (Part 1, 34.2.6.6; libtpms erases it, too).
    let attributes = OPEN.without(TpmaNv::AUTHWRITE).with_nt(TpmNt::PinPass);
    tpms.ours.run_auth(&define(OTHER, attributes, 8)).unwrap();
    tpms.ours.run_auth(&write_as(OWNER, OTHER, &[0x55], 3)).unwrap();
    let data = tpms.ours.run_auth(&read_as(OWNER, OTHER, 8, 0)).unwrap().data;
    assert_eq!(&*data, [0, 0, 0, 0x55, 0, 0, 0, 0]);
}

#[test]
fn large_indices_are_written_and_read_in_pieces() {
    let mut tpms = Both::started();
    tpms.same(&define(INDEX, OPEN, 2048), &empty()).unwrap();
    let data: Vec<u8> = (0..2048u32).map(|i| (i * 7) as u8).collect();
    for (offset, piece) in [0u16, 1024].into_iter().zip(data.chunks(1024)) {
        tpms.same(&write(INDEX, piece, offset), &pin()).unwrap();
    }
    let found: Vec<u8> =
        [0, 1024].iter().flat_map(|&at| tpms.same(&read(INDEX, 1024, at), &pin()).unwrap().data.to_vec()).collect();
    assert_eq!(found, data);
}

#[test]
fn the_largest_index_survives_a_loss_of_power() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(INDEX, OPEN, 16 * 1024)).unwrap();
    let data: Vec<u8> = (0..16 * 1024u32).map(|i| (i * 7 + (i >> 8)) as u8).collect();
    for (at, piece) in (0..).step_by(1024).zip(data.chunks(1024)) {
        tpm.run_with(&write(INDEX, piece, at), &pin()).unwrap();
    }
    tpm.power_cycle();
    let piece = |tpm: &mut TestTpm, at| tpm.run_with(&read(INDEX, 1024, at), &pin()).unwrap().data.to_vec();
    let found: Vec<u8> = (0..16).flat_map(|number| piece(&mut tpm, number * 1024)).collect();
    assert_eq!(found, data);
}

#[test]
fn write_all_takes_whole_writes_only() {
    let mut tpms = Both::started();
    tpms.same(&define(INDEX, OPEN | TpmaNv::WRITEALL, 4), &empty()).unwrap();
    assert_eq!(tpms.same(&write(INDEX, b"abc", 0), &pin()).unwrap_err(), TpmRc::NV_RANGE);
    assert_eq!(tpms.same(&write(INDEX, b"abc", 1), &pin()).unwrap_err(), TpmRc::NV_RANGE);
    tpms.same(&write(INDEX, b"abcd", 0), &pin()).unwrap();
}

#[test]
fn each_attribute_allows_its_own_authorization() {
    const READERS: [TpmaNv; 3] = [TpmaNv::OWNERREAD, TpmaNv::PPREAD, TpmaNv::AUTHREAD];
    const WRITERS: [TpmaNv; 3] = [TpmaNv::OWNERWRITE, TpmaNv::PPWRITE, TpmaNv::AUTHWRITE];
    let mut tpms = Both::started();
    tpms.same(&define(OTHER, OPEN, 4), &empty()).unwrap();
    let sessions = |handle: u32| if handle == OWNER || handle == PLATFORM { empty() } else { pin() };
    for reader in READERS {
        for writer in WRITERS {
            tpms.same(&define(INDEX, reader | writer | TpmaNv::NO_DA, 4), &empty()).unwrap();
            let mut written = 0;
            for handle in [OWNER, PLATFORM, INDEX, OTHER] {
                written += u32::from(tpms.same(&write_as(handle, INDEX, b"abcd", 0), &sessions(handle)).is_ok());
            }
            assert_eq!(written, 1, "{reader:?} {writer:?}");
            let mut read = 0;
            for handle in [OWNER, PLATFORM, INDEX, OTHER] {
                read += u32::from(tpms.same(&read_as(handle, INDEX, 4, 0), &sessions(handle)).is_ok());
            }
            assert_eq!(read, 1, "{reader:?} {writer:?}");
            tpms.same(&undefine(INDEX), &empty()).unwrap();
        }
    }
    assert_eq!(
        tpms.same(&read_as(OTHER, INDEX, 4, 0), &pin()).unwrap_err(),
        TpmRc::HANDLE.handle(2),
        "the index is gone"
    );
    tpms.same(&define(INDEX, OPEN, 4), &empty()).unwrap();
    assert_eq!(tpms.same(&write_as(OTHER, INDEX, b"a", 0), &pin()).unwrap_err(), TpmRc::NV_AUTHORIZATION);
}

#[test]
fn a_wrong_auth_value_counts_only_under_dictionary_attack_protection() {
    let mut tpms = Both::started();
    tpms.same(&define(INDEX, OPEN, 4), &empty()).unwrap();
    tpms.same(&define(OTHER, OPEN.without(TpmaNv::NO_DA), 4), &empty()).unwrap();
    let wrong = [password(b"nip")];
    assert_eq!(tpms.same(&write(INDEX, b"x", 0), &wrong).unwrap_err(), TpmRc::BAD_AUTH.session(1));
    assert_eq!(tpms.same(&write(OTHER, b"x", 0), &wrong).unwrap_err(), TpmRc::AUTH_FAIL.session(1));
}

#[test]
fn counters_only_count() {
    let mut tpms = Both::started();
    let counter = OPEN.with_nt(TpmNt::Counter);
    tpms.same(&define(INDEX, counter, 8), &empty()).unwrap();
    assert_eq!(tpms.same(&read(INDEX, 8, 0), &pin()).unwrap_err(), TpmRc::NV_UNINITIALIZED);
    assert_eq!(tpms.same(&write(INDEX, &[0; 8], 0), &pin()).unwrap_err(), TpmRc::ATTRIBUTES);
    assert_eq!(tpms.same(&extend(INDEX, &[0; 8]), &pin()).unwrap_err(), TpmRc::ATTRIBUTES.handle(2));
    assert_eq!(tpms.same(&set_bits(INDEX, 1), &pin()).unwrap_err(), TpmRc::ATTRIBUTES.handle(2));
    for value in 1..=3u64 {
        tpms.same(&increment(INDEX), &pin()).unwrap();
        assert_eq!(&*tpms.same(&read(INDEX, 8, 0), &pin()).unwrap().data, value.to_be_bytes());
    }
    // A new one starts after the largest that there is, and after the largest that there was.
    tpms.same(&define(OTHER, counter, 8), &empty()).unwrap();
    tpms.ours.run_with(&increment(OTHER), &pin()).unwrap();
    let value = tpms.ours.run_with(&read(OTHER, 8, 0), &pin()).unwrap().data;
    assert_eq!(&*value, 4u64.to_be_bytes());
    for index in [INDEX, OTHER] {
        tpms.ours.run_auth(&undefine(index)).unwrap();
    }
    tpms.ours.run_auth(&define(INDEX, counter, 8)).unwrap();
    tpms.ours.run_with(&increment(INDEX), &pin()).unwrap();
    assert_eq!(&*tpms.ours.run_with(&read(INDEX, 8, 0), &pin()).unwrap().data, 5u64.to_be_bytes());
}

#[test]
fn a_counter_that_clear_deleted_does_not_come_back_lower() {
    let mut tpm = TestTpm::started();
    let counter = define(INDEX, OPEN.with_nt(TpmNt::Counter), 8);
    tpm.run_auth(&counter).unwrap();
    for _ in 0..3 {
        tpm.run_with(&increment(INDEX), &pin()).unwrap();
    }
    tpm.run_auth(&Clear { auth_handle: TpmiRhClear(PLATFORM) }).unwrap();
    assert_eq!(tpm.run(&read_public(INDEX)), Err(TpmRc::HANDLE.handle(1)));
    tpm.power_cycle();
    tpm.run_auth(&counter).unwrap();
    tpm.run_with(&increment(INDEX), &pin()).unwrap();
    assert_eq!(&*tpm.run_with(&read(INDEX, 8, 0), &pin()).unwrap().data, 4u64.to_be_bytes());
}

#[test]
fn bits_are_only_set() {
    let mut tpms = Both::started();
    tpms.same(&define(INDEX, OPEN.with_nt(TpmNt::Bits), 8), &empty()).unwrap();
    assert_eq!(tpms.same(&increment(INDEX), &pin()).unwrap_err(), TpmRc::ATTRIBUTES.handle(2));
    assert_eq!(tpms.same(&write(INDEX, &[0; 8], 0), &pin()).unwrap_err(), TpmRc::ATTRIBUTES);
    tpms.same(&set_bits(INDEX, 0), &pin()).unwrap();
    assert_eq!(&*tpms.same(&read(INDEX, 8, 0), &pin()).unwrap().data, [0; 8]);
    tpms.same(&set_bits(INDEX, 0x8000_0000_0000_0101), &pin()).unwrap();
    tpms.same(&set_bits(INDEX, 0x0F), &pin()).unwrap();
    tpms.same(&set_bits(INDEX, 0x01), &pin()).unwrap();
    let bits = tpms.same(&read(INDEX, 8, 0), &pin()).unwrap().data;
    assert_eq!(&*bits, 0x8000_0000_0000_010Fu64.to_be_bytes());
    assert_eq!(&*tpms.same(&read(INDEX, 1, 7), &pin()).unwrap().data, [0x0F]);
}

#[test]
fn extend_indices_extend_with_their_name_algorithm() {
    let mut tpms = Both::started();
    for name_alg in [TpmiAlgHash::Sha1, TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512] {
        let size = name_alg.digest_size() as u16;
        let public = TpmsNvPublic { name_alg, ..public(INDEX, OPEN.with_nt(TpmNt::Extend), size) };
        let wrong = TpmsNvPublic { data_size: size + 1, ..public.clone() };
        assert_eq!(tpms.same(&define_with(OWNER, b"pin", wrong), &empty()).unwrap_err(), TpmRc::SIZE.parameter(2));
        tpms.same(&define_with(OWNER, b"pin", public), &empty()).unwrap();
        assert_eq!(tpms.same(&write(INDEX, &[0; 8], 0), &pin()).unwrap_err(), TpmRc::ATTRIBUTES);
        let mut expected = vec![0; usize::from(size)];
        for data in [b"first".as_slice(), b"", &[7; 1024]] {
            tpms.same(&extend(INDEX, data), &pin()).unwrap();
            expected = ironroot_crypto::hash::digest(name_alg, &[&expected, data]).to_vec();
            assert_eq!(&*tpms.same(&read(INDEX, size, 0), &pin()).unwrap().data, expected);
        }
        tpms.same(&undefine(INDEX), &empty()).unwrap();
    }
}

#[test]
fn locks_lock() {
    let mut tpms = Both::started();
    tpms.same(&define(INDEX, OPEN, 4), &empty()).unwrap();
    tpms.same(&write(INDEX, b"abcd", 0), &pin()).unwrap();
    assert_eq!(tpms.same(&write_lock(INDEX, INDEX), &pin()).unwrap_err(), TpmRc::ATTRIBUTES.handle(2));
    assert_eq!(tpms.same(&read_lock(INDEX, INDEX), &pin()).unwrap_err(), TpmRc::ATTRIBUTES.handle(2));
    for lock in [TpmaNv::WRITE_STCLEAR, TpmaNv::WRITEDEFINE] {
        tpms.same(&define(OTHER, OPEN | lock | TpmaNv::READ_STCLEAR, 4), &empty()).unwrap();
        tpms.same(&read_lock(OTHER, OTHER), &pin()).unwrap();
        tpms.same(&read_lock(OWNER, OTHER), &empty()).unwrap();
        assert_eq!(tpms.same(&read(OTHER, 4, 0), &pin()).unwrap_err(), TpmRc::NV_LOCKED);
        tpms.same(&write(OTHER, b"abcd", 0), &pin()).unwrap();
        assert_eq!(tpms.same(&write_lock(PLATFORM, OTHER), &empty()).unwrap_err(), TpmRc::NV_AUTHORIZATION);
        tpms.same(&write_lock(OTHER, OTHER), &pin()).unwrap();
        tpms.same(&write_lock(PLATFORM, OTHER), &empty()).unwrap();
        assert_eq!(tpms.same(&write(OTHER, b"abcd", 0), &pin()).unwrap_err(), TpmRc::NV_LOCKED);
        tpms.same(&read_public(OTHER), &[]).unwrap();
        tpms.same(&undefine(OTHER), &empty()).unwrap();
    }
}

#[test]
fn start_up_opens_the_locks_that_are_not_for_ever() {
    let mut tpm = TestTpm::started();
    let stclear = OPEN | TpmaNv::WRITE_STCLEAR | TpmaNv::READ_STCLEAR;
    tpm.run_auth(&define(INDEX, stclear, 4)).unwrap();
    tpm.run_auth(&define(OTHER, OPEN | TpmaNv::WRITEDEFINE, 4)).unwrap();
    let never_written = 0x0150_0003;
    tpm.run_auth(&define(never_written, OPEN | TpmaNv::WRITEDEFINE, 4)).unwrap();
    for index in [INDEX, OTHER] {
        tpm.run_with(&write(index, b"abcd", 0), &pin()).unwrap();
    }
    for index in [INDEX, OTHER, never_written] {
        tpm.run_with(&write_lock(index, index), &pin()).unwrap();
    }
    tpm.run_with(&read_lock(INDEX, INDEX), &pin()).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::State).unwrap();
    assert_eq!(tpm.run_with(&read(INDEX, 4, 0), &pin()), Err(TpmRc::NV_LOCKED), "a Resume keeps locks");
    tpm.power_cycle();
    assert_eq!(&*tpm.run_with(&read(INDEX, 4, 0), &pin()).unwrap().data, b"abcd");
    tpm.run_with(&write(INDEX, b"efgh", 0), &pin()).unwrap();
    assert_eq!(tpm.run_with(&write(OTHER, b"efgh", 0), &pin()), Err(TpmRc::NV_LOCKED));
    tpm.run_with(&write(never_written, b"efgh", 0), &pin()).unwrap();
}

#[test]
fn acknowledged_writes_survive_a_power_cut_and_st_clear_indices_start_empty() {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(INDEX, OPEN, 4)).unwrap();
    tpm.run_auth(&define(OTHER, OPEN | TpmaNv::CLEAR_STCLEAR, 4)).unwrap();
    for index in [INDEX, OTHER] {
        tpm.run_with(&write(index, b"abcd", 0), &pin()).unwrap();
    }
    tpm.power_cycle();
    assert_eq!(&*tpm.run_with(&read(INDEX, 4, 0), &pin()).unwrap().data, b"abcd");
    assert_eq!(tpm.run_with(&read(OTHER, 4, 0), &pin()), Err(TpmRc::NV_UNINITIALIZED));
    tpm.run_with(&write(OTHER, b"x", 3), &pin()).unwrap();
    assert_eq!(
        &*tpm.run_with(&read(OTHER, 4, 0), &pin()).unwrap().data,
        b"\xFF\xFF\xFFx",
        "nothing of the old contents"
    );
}

#[test]
fn nv_space_runs_out_and_comes_back() {
    let mut tpm = TestTpm::started();
    let last = (0x0150_1000..)
        .find(|&index| match tpm.run_auth(&define(index, OPEN, 2048)) {
            Ok(_) => false,
            Err(rc) => {
                assert_eq!(rc, TpmRc::NV_SPACE);
                true
            }
        })
        .unwrap();
    assert!(last - 0x0150_1000 > 100);
    assert_eq!(tpm.run(&read_public(last)), Err(TpmRc::HANDLE.handle(1)), "a refused index is not there");
    tpm.run_auth(&undefine(0x0150_1000)).unwrap();
    tpm.run_auth(&define(last, OPEN, 2048)).unwrap();
}
