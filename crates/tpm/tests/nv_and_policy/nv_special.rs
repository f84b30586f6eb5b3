//! The NV commands for the platform and for expanded public areas, through bytes.

use crate::common::{TestTpm, password};
use crate::peer::Both;
use ironroot_crypto::hash::digest;
use ironroot_wire::*;

const INDEX: u32 = 0x0150_0001;
const OTHER: u32 = 0x0150_0002;
const OWNER: u32 = TpmHandle::OWNER.0;
const PLATFORM: u32 = TpmHandle::PLATFORM.0;
const OPEN: TpmaNv = TpmaNv::OWNERREAD.with(TpmaNv::OWNERWRITE).with(TpmaNv::NO_DA);

fn public(index: u32, attributes: TpmaNv, auth_policy: &[u8]) -> TpmsNvPublic {
    TpmsNvPublic {
        nv_index: TpmiRhNvIndex(index),
        name_alg: TpmiAlgHash::Sha256,
        attributes,
        auth_policy: Tpm2bDigest::from_slice(auth_policy).unwrap(),
        data_size: 8,
    }
}

fn define(by: u32, public: TpmsNvPublic) -> NvDefineSpace {
    NvDefineSpace { auth_handle: TpmiRhProvision(by), auth: Tpm2bAuth::default(), public_info: Tpm2b(public) }
}

fn write(index: u32) -> NvWrite {
    NvWrite {
        auth_handle: TpmiRhNvAuth(OWNER),
        nv_index: TpmiRhNvIndex(index),
        data: Tpm2bMaxNvBuffer::from_slice(&[7; 8]).unwrap(),
        offset: 0,
    }
}

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

#[test]
fn the_global_lock_locks_what_has_the_attribute() {
    let mut both = Both::started();
    both.same(&define(OWNER, public(INDEX, OPEN | TpmaNv::GLOBALLOCK, b"")), &auth()).unwrap();
    both.same(&define(OWNER, public(OTHER, OPEN, b"")), &auth()).unwrap();
    both.same(&write(INDEX), &auth()).unwrap();
    for by in [OWNER, PLATFORM] {
        both.same(&NvGlobalWriteLock { auth_handle: TpmiRhProvision(by) }, &auth()).unwrap();
        assert_eq!(both.same(&write(INDEX), &auth()), Err(TpmRc::NV_LOCKED));
        both.same(&write(OTHER), &auth()).unwrap();
    }
    let wrong = [password(b"wrong")];
    let lock = NvGlobalWriteLock { auth_handle: TpmiRhProvision(OWNER) };
    assert_eq!(both.same(&lock, &wrong), Err(TpmRc::BAD_AUTH.session(1)));
    let read = NvReadPublic { nv_index: TpmiRhNvIndex(INDEX) };
    assert!(both.same(&read, &[]).unwrap().nv_public.0.attributes.contains(TpmaNv::WRITELOCKED));
    // Without WRITEDEFINE, until the next start with CLEAR.
    both.ours.power_cycle();
    both.ours.run_auth(&write(INDEX)).unwrap();
}

#[test]
fn the_expanded_forms_are_the_old_ones_for_an_ordinary_index() {
    let mut tpm = TestTpm::started();
    let area = public(INDEX, OPEN, b"");
    let define2 = |public_info| NvDefineSpace2 {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(public_info),
    };
    tpm.run_auth(&define2(TpmtNvPublic2::NvIndex(area.clone()))).unwrap();
    tpm.run_auth(&write(INDEX)).unwrap();
    let read = tpm.run(&NvReadPublic2 { nv_index: TpmiRhNvIndex(INDEX) }).unwrap();
    let old = tpm.run(&NvReadPublic { nv_index: TpmiRhNvIndex(INDEX) }).unwrap();
    assert_eq!(read.nv_name, old.nv_name);
    assert_eq!(read.nv_public.0, TpmtNvPublic2::NvIndex(old.nv_public.0));
    // The same checks, and no index outside of the TPM.
    let twice = tpm.run_auth(&define2(TpmtNvPublic2::NvIndex(area.clone())));
    assert_eq!(twice.err(), Some(TpmRc::NV_DEFINED));
    let outside = TpmtNvPublic2::ExternalNv(TpmsNvPublicExpAttr {
        nv_index: TpmiRhNvExpIndex(0x1100_0001),
        name_alg: TpmiAlgHash::Sha256,
        attributes: TpmaNvExp::default().with_base(OPEN),
        auth_policy: Tpm2bDigest::default(),
        data_size: 8,
    });
    for no in [outside, TpmtNvPublic2::PermanentNv(area)] {
        assert_eq!(tpm.run_auth(&define2(no)).err(), Some(TpmRc::VALUE.parameter(2)));
    }
    assert_eq!(tpm.run(&NvReadPublic2 { nv_index: TpmiRhNvIndex(OTHER) }).err(), Some(TpmRc::HANDLE.handle(1)));
}

/// The policy that allows `TPM2_NV_UndefineSpaceSpecial` and nothing else.
fn deletion_policy() -> Vec<u8> {
    let code = [0_u32.to_be_bytes().as_slice(), &0x16C_u32.to_be_bytes(), &0x11F_u32.to_be_bytes()].concat();
    digest(TpmiAlgHash::Sha256, &[&[0; 32], &code[4..]]).to_vec()
}

fn policy_session(both: &mut Both) -> TpmsAuthCommand {
    let start = StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[3; 16]).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type: TpmSe::Policy,
        symmetric: None,
        auth_hash: TpmiAlgHash::Sha256,
    };
    let (ours, theirs) = both.both(&start, &[]);
    let (ours, theirs) = (ours.unwrap().session_handle, theirs.unwrap().session_handle);
    assert_eq!(ours, theirs);
    let policy_session = TpmiShPolicy(TpmHandle::from(ours).0);
    both.same(&PolicyCommandCode { policy_session, code: TpmCc(0x11F) }, &[]).unwrap();
    TpmsAuthCommand {
        session_handle: TpmiShAuthSession(policy_session.0),
        nonce: Tpm2bNonce::default(),
        session_attributes: TpmaSession::NONE,
        hmac: Tpm2bAuth::default(),
    }
}

#[test]
fn an_index_with_policy_delete_is_deleted_with_its_policy() {
    const DELETE: TpmaNv =
        TpmaNv::POLICY_DELETE.with(TpmaNv::PLATFORMCREATE).with(TpmaNv::PPREAD).with(TpmaNv::PPWRITE);
    let mut both = Both::started();
    let special =
        |index| NvUndefineSpaceSpecial { nv_index: TpmiRhNvDefinedIndex(index), platform: TpmiRhPlatform(PLATFORM) };
    // The owner cannot make one.
    let by_owner = public(INDEX, OPEN | TpmaNv::POLICY_DELETE, &deletion_policy());
    assert_eq!(both.same(&define(OWNER, by_owner), &auth()), Err(TpmRc::ATTRIBUTES.parameter(2)));
    both.same(&define(PLATFORM, public(INDEX, DELETE, &deletion_policy())), &auth()).unwrap();
    let ordinary = NvUndefineSpace { auth_handle: TpmiRhProvision(PLATFORM), nv_index: TpmiRhNvIndex(INDEX) };
    assert_eq!(both.same(&ordinary, &auth()), Err(TpmRc::ATTRIBUTES.handle(2)));
    both.ours.row("an Index with policyDelete", &ordinary, TpmRc::ATTRIBUTES.handle(2));
    let two = [password(b""), password(b"")];
    assert_eq!(both.same(&special(INDEX), &two), Err(TpmRc::AUTH_TYPE));
    let session = policy_session(&mut both);
    both.same(&special(INDEX), &[session, password(b"")]).unwrap();
    assert_eq!(both.same(&NvReadPublic { nv_index: TpmiRhNvIndex(INDEX) }, &[]), Err(TpmRc::HANDLE.handle(1)));
    both.ours.row_with("the Index does not exist", &special(INDEX), &two, TpmRc::HANDLE.handle(1));
    // One without the attribute.
    both.same(&define(OWNER, public(OTHER, OPEN, &deletion_policy())), &auth()).unwrap();
    let session = policy_session(&mut both);
    let sessions = [session, password(b"")];
    assert_eq!(both.theirs.run(&special(OTHER), &sessions), Err(TpmRc::ATTRIBUTES.handle(1)));
    let row = "an Index without platformCreate or policyDelete";
    both.ours.row_with(row, &special(OTHER), &sessions, TpmRc::ATTRIBUTES.handle(1));
}
