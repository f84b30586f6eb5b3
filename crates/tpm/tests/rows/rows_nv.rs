//! The error conditions that Part 3 names for the commands of clause 31 (error_rows.txt).

use crate::common::{TestTpm, password};
use crate::outside::{load_external, with, with_ecc_scheme};
use crate::templates::{NULL, OWNER, PLATFORM, keys::*};
use ironroot_wire::*;

const INDEX: u32 = 0x0150_0001;
const PLATFORM_INDEX: u32 = 0x0140_0001;
/// The owner may do everything.
const OPEN: TpmaNv = TpmaNv::OWNERREAD.with(TpmaNv::OWNERWRITE);

fn define_as(auth_handle: u32, index: u32, attributes: TpmaNv, data_size: u16) -> NvDefineSpace {
    NvDefineSpace {
        auth_handle: TpmiRhProvision(auth_handle),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(index),
            name_alg: TpmiAlgHash::Sha256,
            attributes,
            auth_policy: Tpm2bDigest::default(),
            data_size,
        }),
    }
}

fn define(attributes: TpmaNv, data_size: u16) -> NvDefineSpace {
    define_as(OWNER, INDEX, attributes, data_size)
}

/// A TPM with an index.
fn defined(attributes: TpmaNv, data_size: u16) -> TestTpm {
    let mut tpm = TestTpm::started();
    tpm.run_auth(&define(attributes, data_size)).unwrap();
    tpm
}

const AUTH: TpmiRhNvAuth = TpmiRhNvAuth(OWNER);
const NV_INDEX: TpmiRhNvIndex = TpmiRhNvIndex(INDEX);

fn write(data: &[u8], offset: u16) -> NvWrite {
    NvWrite { auth_handle: AUTH, nv_index: NV_INDEX, data: Tpm2bMaxNvBuffer::from_slice(data).unwrap(), offset }
}

fn read(size: u16, offset: u16) -> NvRead {
    NvRead { auth_handle: AUTH, nv_index: NV_INDEX, size, offset }
}

fn increment() -> NvIncrement {
    NvIncrement { auth_handle: AUTH, nv_index: NV_INDEX }
}

fn extend(data: &[u8]) -> NvExtend {
    NvExtend { auth_handle: AUTH, nv_index: NV_INDEX, data: Tpm2bMaxNvBuffer::from_slice(data).unwrap() }
}

fn lock(tpm: &mut TestTpm) {
    tpm.run_auth(&NvWriteLock { auth_handle: AUTH, nv_index: NV_INDEX }).unwrap();
}

fn define_rows() -> Vec<(&'static str, NvDefineSpace, TpmRc)> {
    let attributes = TpmRc::ATTRIBUTES.parameter(2);
    let size = TpmRc::SIZE.parameter(2);
    let with_nt = |nt| OPEN.with_nt(nt);
    let pin = TpmaNv::PPWRITE.with(TpmaNv::OWNERREAD);
    vec![
        ("an Index type that does not exist", define(TpmaNv(OPEN.0 | 0x30), 8), attributes),
        ("written, readLocked or writeLocked", define(OPEN | TpmaNv::WRITTEN, 8), attributes),
        ("written, readLocked or writeLocked", define(OPEN | TpmaNv::READLOCKED, 8), attributes),
        ("written, readLocked or writeLocked", define(OPEN | TpmaNv::WRITELOCKED, 8), attributes),
        ("a counter, bits or PIN Index that is not 8 bytes long", define(with_nt(TpmNt::Counter), 9), size),
        ("a counter, bits or PIN Index that is not 8 bytes long", define(with_nt(TpmNt::Bits), 7), size),
        ("a counter, bits or PIN Index that is not 8 bytes long", define(pin.with_nt(TpmNt::PinPass), 4), size),
        ("an extend Index that is not as long as its digest", define(with_nt(TpmNt::Extend), 20), size),
        ("an ordinary Index that is too large", define(OPEN, u16::MAX), size),
        ("writeAll, and larger than a command's data can be", define(OPEN | TpmaNv::WRITEALL, 2048), size),
        ("nobody may read", define(TpmaNv::OWNERWRITE, 8), attributes),
        ("nobody may write", define(TpmaNv::OWNERREAD, 8), attributes),
        ("a counter with clearStClear", define(with_nt(TpmNt::Counter) | TpmaNv::CLEAR_STCLEAR, 8), attributes),
        ("the owner defines an Index of the platform", define(OPEN | TpmaNv::PLATFORMCREATE, 8), ATTRIBUTES_1),
        ("the platform defines an Index of the owner", define_as(PLATFORM, INDEX, OPEN, 8), ATTRIBUTES_1),
        ("the owner defines an Index with policyDelete", define(OPEN | TpmaNv::POLICY_DELETE, 8), attributes),
        ("a PIN fail Index without noDa", define(pin.with_nt(TpmNt::PinFail), 8), attributes),
        ("a PIN Index that nobody may write", define(TpmaNv::OWNERREAD.with_nt(TpmNt::PinPass), 8), attributes),
        (
            "a PIN Index that its own authorization may write",
            define((pin | TpmaNv::AUTHWRITE).with_nt(TpmNt::PinPass), 8),
            attributes,
        ),
    ]
}

/// The hierarchy and the index do not fit: the reference, too, counts it to the first handle.
const ATTRIBUTES_1: TpmRc = TpmRc::ATTRIBUTES.handle(1);

#[test]
fn define_space() {
    let mut tpm = TestTpm::started();
    for (condition, command, rc) in define_rows() {
        tpm.row(condition, &command, rc);
    }
    let mut long = define(OPEN, 8);
    long.auth = Tpm2bAuth::from_slice(&[1; 33]).unwrap();
    tpm.row("an authorization value that is larger than the digest of nameAlg", &long, TpmRc::SIZE.parameter(1));
    tpm.run_auth(&define(OPEN, 8)).unwrap();
    tpm.row("the Index exists", &define(OPEN, 8), TpmRc::NV_DEFINED);
}

#[test]
fn space_ends() {
    let mut tpm = TestTpm::started();
    let mut index = INDEX;
    while tpm.run_auth(&define_as(OWNER, index, OPEN, 2048)).is_ok() {
        index += 1;
    }
    tpm.row("no space is left", &define_as(OWNER, index, OPEN, 2048), TpmRc::NV_SPACE);
}

#[test]
fn undefine_space() {
    let mut tpm = TestTpm::started();
    let undefine = |index| NvUndefineSpace { auth_handle: TpmiRhProvision(OWNER), nv_index: TpmiRhNvIndex(index) };
    tpm.row("the Index does not exist", &undefine(INDEX), TpmRc::HANDLE.handle(2));
    let attributes = TpmaNv::PPREAD | TpmaNv::PPWRITE | TpmaNv::PLATFORMCREATE;
    tpm.run_auth(&define_as(PLATFORM, PLATFORM_INDEX, attributes, 8)).unwrap();
    tpm.row("the owner removes an Index of the platform", &undefine(PLATFORM_INDEX), TpmRc::NV_AUTHORIZATION);
}

#[test]
fn write_command() {
    let locks = OPEN | TpmaNv::WRITE_STCLEAR;
    let mut tpm = defined(locks, 8);
    tpm.row("offset and size go beyond the Index", &write(&[1; 8], 1), TpmRc::NV_RANGE);
    tpm.row("the offset alone goes beyond the Index", &write(&[1; 1], 9), TpmRc::VALUE.parameter(2));
    lock(&mut tpm);
    tpm.row("the Index is locked for writing", &write(&[1; 1], 0), TpmRc::NV_LOCKED);
    for nt in [TpmNt::Counter, TpmNt::Bits, TpmNt::Extend] {
        let mut tpm = defined(OPEN.with_nt(nt), if nt == TpmNt::Extend { 32 } else { 8 });
        tpm.row("a counter, bits or extend Index", &write(&[1; 8], 0), TpmRc::ATTRIBUTES);
    }
    let mut tpm = defined(OPEN | TpmaNv::WRITEALL, 8);
    tpm.row("writeAll, and not the whole Index", &write(&[1; 7], 0), TpmRc::NV_RANGE);
}

#[test]
fn commands_of_one_type() {
    let mut tpm = defined(OPEN, 8);
    let attributes = TpmRc::ATTRIBUTES.handle(2);
    tpm.row("not a counter", &increment(), attributes);
    tpm.row("not an extend Index", &extend(b"x"), attributes);
    tpm.row("not a bits Index", &NvSetBits { auth_handle: AUTH, nv_index: NV_INDEX, bits: 1 }, attributes);
    let write_lock = NvWriteLock { auth_handle: AUTH, nv_index: NV_INDEX };
    tpm.row("neither writeDefine nor writeStClear", &write_lock, attributes);
    tpm.run_auth(&write(&[1; 8], 0)).unwrap();
    tpm.row("no readStClear", &NvReadLock { auth_handle: AUTH, nv_index: NV_INDEX }, attributes);

    let mut tpm = defined((OPEN | TpmaNv::WRITE_STCLEAR).with_nt(TpmNt::Counter), 8);
    lock(&mut tpm);
    tpm.row("the Index is locked for writing", &increment(), TpmRc::NV_LOCKED);
    let mut tpm = defined((OPEN | TpmaNv::WRITE_STCLEAR).with_nt(TpmNt::Extend), 32);
    lock(&mut tpm);
    tpm.row("the Index is locked for writing", &extend(b"x"), TpmRc::NV_LOCKED);
}

#[test]
fn read_command() {
    let mut tpm = defined(OPEN | TpmaNv::READ_STCLEAR, 8);
    tpm.row("the Index was never written", &read(0, 0), TpmRc::NV_UNINITIALIZED);
    tpm.run_auth(&write(&[1; 8], 0)).unwrap();
    tpm.row("offset and size go beyond the Index", &read(8, 1), TpmRc::NV_RANGE);
    tpm.row("the offset alone goes beyond the Index", &read(1, 9), TpmRc::VALUE.parameter(2));
    tpm.run_auth(&NvReadLock { auth_handle: AUTH, nv_index: NV_INDEX }).unwrap();
    tpm.row("the Index is locked for reading", &read(1, 0), TpmRc::NV_LOCKED);
}

#[test]
fn certify_command() {
    let mut tpm = defined(OPEN, 8);
    let load = |tpm: &mut TestTpm, public| {
        TpmiDhObject(tpm.run(&load_external(public, Some(ec_private()), NULL)).unwrap().object_handle.0)
    };
    let key = load(&mut tpm, ec_public());
    let silent = with_ecc_scheme(with(ec_public(), TpmaObject::USER_WITH_AUTH | TpmaObject::DECRYPT), None);
    let silent = load(&mut tpm, silent);
    let certify = |sign: Option<TpmiDhObject>, size, offset| NvCertify {
        sign_handle: sign,
        auth_handle: AUTH,
        nv_index: NV_INDEX,
        qualifying_data: Tpm2bData::default(),
        in_scheme: None,
        size,
        offset,
    };
    let both = [password(b""), password(b"")];
    tpm.row_with("the Index was never written", &certify(Some(key), 0, 0), &both, TpmRc::NV_UNINITIALIZED);
    tpm.run_auth(&write(&[1; 8], 0)).unwrap();
    tpm.row_with("a key that does not sign", &certify(Some(silent), 8, 0), &both, TpmRc::KEY.handle(1));
    tpm.row_with("offset and size go beyond the Index", &certify(Some(key), 8, 1), &both, TpmRc::NV_RANGE);
    let beyond = "the offset alone goes beyond the Index";
    tpm.row_with(beyond, &certify(Some(key), 1, 9), &both, TpmRc::NV_RANGE);
    let keyless = "the digest form, without a key and without a hash";
    tpm.row_with(keyless, &certify(None, 0, 0), &both, TpmRc::SCHEME.parameter(2));
}
