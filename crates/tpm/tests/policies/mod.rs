//! Policy sessions for tests.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use ironroot_crypto::hash;
use ironroot_wire::*;

use crate::{common::TestTpm, peer::Both};

pub const OWNER: u32 = TpmHandle::OWNER.0;
pub const ENDORSEMENT: u32 = TpmHandle::ENDORSEMENT.0;
pub const PLATFORM: u32 = TpmHandle::PLATFORM.0;
pub const NULL: u32 = TpmHandle::NULL.0;

/// The hashes that both our TPM and libtpms have.
pub const HASHES: [TpmiAlgHash; 4] = [TpmiAlgHash::Sha1, TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512];

/// A policy session.
#[derive(Debug, Clone)]
pub struct PolicySession {
    pub handle: TpmiShPolicy,
    pub nonce_tpm: Tpm2bNonce,
}

pub fn start_command(session_type: TpmSe, auth_hash: TpmiAlgHash) -> StartAuthSession {
    StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[0xA5; 16]).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type,
        symmetric: None,
        auth_hash,
    }
}

fn session(response: StartAuthSessionResponse) -> PolicySession {
    assert_eq!(response.nonce_tpm.len(), 16, "the caller's nonce sets the size");
    PolicySession { handle: TpmiShPolicy(response.session_handle.0), nonce_tpm: response.nonce_tpm }
}

/// Starts a session on our TPM.
pub fn start(tpm: &mut TestTpm, session_type: TpmSe, hash: TpmiAlgHash) -> PolicySession {
    session(tpm.run(&start_command(session_type, hash)).unwrap())
}

/// The policy that allows `TPM2_Duplicate` and nothing else (Part 3, 23.11).
pub fn duplication_policy() -> Tpm2bDigest {
    let parts: [&[u8]; 3] = [&[0; 32], &PolicyCommandCode::INFO.code.to_bytes(), &Duplicate::INFO.code.to_bytes()];
    bytes(&hash::digest(TpmiAlgHash::Sha256, &parts))
}

/// What makes a session meet it.
pub const fn duplication(policy_session: TpmiShPolicy) -> PolicyCommandCode {
    PolicyCommandCode { policy_session, code: Duplicate::INFO.code }
}

/// A session of our TPM that has met it.
pub fn duplication_session(tpm: &mut TestTpm) -> u32 {
    let session = start(tpm, TpmSe::Policy, TpmiAlgHash::Sha256).handle;
    tpm.run(&duplication(session)).unwrap();
    session.0
}

/// Starts a session on both TPMs. It has the same handle there.
pub fn start_both(tpms: &mut Both, session_type: TpmSe, hash: TpmiAlgHash) -> (PolicySession, PolicySession) {
    let (ours, theirs) = tpms.both(&start_command(session_type, hash), &[]);
    let (ours, theirs) = (session(ours.unwrap()), session(theirs.unwrap()));
    assert_eq!(ours.handle, theirs.handle);
    (ours, theirs)
}

pub fn flush(handle: TpmiShPolicy) -> FlushContext {
    FlushContext { flush_handle: TpmiDhContext(handle.0) }
}

/// The digest of a session, which must be the same on both TPMs.
#[track_caller]
pub fn digest(tpms: &mut Both, policy_session: TpmiShPolicy) -> Tpm2bDigest {
    tpms.same(&PolicyGetDigest { policy_session }, &[]).unwrap().policy_digest
}

/// The digest of a session on our TPM.
pub fn digest_of(tpm: &mut TestTpm, policy_session: TpmiShPolicy) -> Tpm2bDigest {
    tpm.run(&PolicyGetDigest { policy_session }).unwrap().policy_digest
}

pub fn bytes<T: for<'a> TryFrom<&'a [u8], Error = TpmRc>>(bytes: &[u8]) -> T {
    T::try_from(bytes).unwrap()
}

pub fn name(hash: TpmiAlgHash, filler: u8) -> Tpm2bName {
    let mut name = hash.to_bytes();
    name.resize(2 + hash.digest_size(), filler);
    bytes(&name)
}

pub fn pcrs(bank: TpmiAlgHash, pcrs: &[u32]) -> TpmlPcrSelection {
    TpmlPcrSelection::new(vec![TpmsPcrSelection { hash: bank, pcr_select: TpmsPcrSelect::of(pcrs) }])
}

pub fn null_verified() -> TpmtTkVerified {
    TpmtTkVerified {
        hierarchy: TpmiRhHierarchy(NULL),
        metadata: TpmuTkVerifiedMeta::Verified,
        hmac: Tpm2bDigest::default(),
    }
}
