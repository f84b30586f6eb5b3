//! Policy digests and the error rows of the policy commands, beside libtpms.

use crate::common::{TestTpm, password};
use crate::peer::Both;
use crate::policies::*;
use ironroot_wire::*;

const INDEX: u32 = 0x0150_0001;

/// Runs a command in a session on both TPMs and compares what it makes of the digest.
#[track_caller]
fn step<C>(tpms: &mut Both, session: TpmiShPolicy, command: &C, sessions: &[TpmsAuthCommand])
where
    C: Command + core::fmt::Debug,
{
    let before = digest(tpms, session);
    let (ours, _) = tpms.same_code(command, sessions);
    assert!(ours.is_ok(), "{command:?}: {:?}", ours.err());
    assert_ne!(digest(tpms, session), before, "{command:?} changes the digest");
}

fn counter_timer(policy_session: TpmiShPolicy, operand: &[u8], offset: u16, operation: TpmEo) -> PolicyCounterTimer {
    PolicyCounterTimer { policy_session, operand_b: bytes(operand), offset, operation }
}

fn nv(policy_session: TpmiShPolicy, operand: &[u8], offset: u16, operation: TpmEo) -> PolicyNv {
    PolicyNv {
        auth_handle: TpmiRhNvAuth(INDEX),
        nv_index: TpmiRhNvIndex(INDEX),
        policy_session,
        operand_b: bytes(operand),
        offset,
        operation,
    }
}

/// An index with contents and an empty auth value, on both TPMs.
fn index(tpms: &mut Both, size: u16, contents: &[u8]) {
    let public = TpmsNvPublic {
        nv_index: TpmiRhNvIndex(INDEX),
        name_alg: TpmiAlgHash::Sha256,
        attributes: TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::NO_DA | TpmaNv::READ_STCLEAR,
        auth_policy: Tpm2bDigest::default(),
        data_size: size,
    };
    let define =
        NvDefineSpace { auth_handle: TpmiRhProvision(OWNER), auth: Tpm2bAuth::default(), public_info: Tpm2b(public) };
    tpms.same(&define, &[password(b"")]).unwrap();
    if !contents.is_empty() {
        let write = NvWrite {
            auth_handle: TpmiRhNvAuth(INDEX),
            nv_index: TpmiRhNvIndex(INDEX),
            data: bytes(contents),
            offset: 0,
        };
        tpms.same(&write, &[password(b"")]).unwrap();
    }
}

/// Every assertion that needs no key, one after the other in one session.
fn assertions(tpms: &mut Both, kind: TpmSe, hash: TpmiAlgHash) {
    let (session, _) = start_both(tpms, kind, hash);
    let policy_session = session.handle;
    let s = policy_session;
    assert_eq!(*digest(tpms, s), vec![0; hash.digest_size()]);

    step(tpms, s, &PolicyAuthValue { policy_session }, &[]);
    step(tpms, s, &PolicyPassword { policy_session }, &[]);
    step(tpms, s, &PolicyLocality { policy_session, locality: TpmaLocality(0x0D) }, &[]);
    step(tpms, s, &PolicyNvWritten { policy_session, written_set: TpmiYesNo(true) }, &[]);
    step(tpms, s, &PolicyNvWritten { policy_session, written_set: TpmiYesNo(true) }, &[]);
    for pcrs in [
        pcrs(TpmiAlgHash::Sha256, &[0, 7, 23]),
        pcrs(TpmiAlgHash::Sha512, &[17]),
        TpmlPcrSelection::default(),
        TpmlPcrSelection::new(
            [TpmiAlgHash::Sha384, TpmiAlgHash::Sha256]
                .map(|hash| TpmsPcrSelection { hash, pcr_select: TpmsPcrSelect::of(&[1, 16]) })
                .to_vec(),
        ),
    ] {
        step(tpms, s, &PolicyPcr { policy_session, pcr_digest: Tpm2bDigest::default(), pcrs }, &[]);
    }
    let values = [[0; 32], [0; 32], [0xFF; 32]].concat();
    let pcr_digest = bytes(&ironroot_crypto::hash::digest(hash, &[&values]));
    step(tpms, s, &PolicyPcr { policy_session, pcr_digest, pcrs: pcrs(TpmiAlgHash::Sha256, &[0, 7, 17]) }, &[]);
    step(tpms, s, &counter_timer(s, &[0; 8], 8, TpmEo::UnsignedGe), &[]);
    step(tpms, s, &counter_timer(s, &[0; 4], 20, TpmEo::Eq), &[]);
    step(tpms, s, &counter_timer(s, &[], 25, TpmEo::Bitset), &[]);
    for (operand, offset, operation) in [
        (b"3".as_slice(), 3, TpmEo::Eq),
        (b"0123456789", 0, TpmEo::UnsignedLe),
        (b"", 10, TpmEo::Bitclear),
        (b"\x80", 0, TpmEo::SignedGt),
    ] {
        step(tpms, s, &nv(s, operand, offset, operation), &[password(b"")]);
    }
    step(
        tpms,
        s,
        &PolicySecret {
            auth_handle: TpmiDhEntity(ENDORSEMENT),
            policy_session,
            nonce_tpm: Tpm2bNonce::default(),
            cp_hash_a: Tpm2bDigest::default(),
            policy_ref: bytes(b"reference"),
            expiration: 0,
        },
        &[password(b"")],
    );
    let current = digest(tpms, s);
    let p_hash_list = TpmlDigest::new(vec![bytes(&[1; 20]), current, Tpm2bDigest::default()]);
    step(tpms, s, &PolicyOr { policy_session, p_hash_list }, &[]);
    step(tpms, s, &PolicyCommandCode { policy_session, code: TpmCc(0x0153) }, &[]);
    step(tpms, s, &PolicyCommandCode { policy_session, code: TpmCc(0x0153) }, &[]);
    let template_hash: Tpm2bDigest = bytes(&vec![7; hash.digest_size()]);
    step(tpms, s, &PolicyTemplate { policy_session, template_hash: template_hash.clone() }, &[]);
    step(tpms, s, &PolicyTemplate { policy_session, template_hash }, &[]);
    tpms.same(&PolicyRestart { session_handle: s }, &[]).unwrap();
    assert_eq!(*digest(tpms, s), vec![0; hash.digest_size()]);
    let cp_hash_a: Tpm2bDigest = bytes(&vec![8; hash.digest_size()]);
    step(tpms, s, &PolicyCpHash { policy_session, cp_hash_a: cp_hash_a.clone() }, &[]);
    step(tpms, s, &PolicyCpHash { policy_session, cp_hash_a }, &[]);
    tpms.same(&PolicyRestart { session_handle: s }, &[]).unwrap();
    step(tpms, s, &PolicyNameHash { policy_session, name_hash: bytes(&vec![9; hash.digest_size()]) }, &[]);
    for include in [true, false] {
        tpms.same(&PolicyRestart { session_handle: s }, &[]).unwrap();
        let select = PolicyDuplicationSelect {
            policy_session,
            object_name: name(TpmiAlgHash::Sha256, 1),
            new_parent_name: name(TpmiAlgHash::Sha1, 2),
            include_object: TpmiYesNo(include),
        };
        step(tpms, s, &select, &[]);
    }
    tpms.same(&flush(s), &[]).unwrap();
}

#[test]
fn digests_are_those_of_libtpms() {
    let mut tpms = Both::started();
    index(&mut tpms, 10, b"0123456789");
    for hash in HASHES {
        for kind in [TpmSe::Trial, TpmSe::Policy] {
            assertions(&mut tpms, kind, hash);
        }
    }
}

#[test]
fn a_trial_computes_what_it_cannot_check() {
    let mut tpms = Both::started();
    index(&mut tpms, 10, b"");
    for hash in HASHES {
        let (session, _) = start_both(&mut tpms, TpmSe::Trial, hash);
        let policy_session = session.handle;
        let s = policy_session;
        let size = hash.digest_size();
        let pcr_digest: Tpm2bDigest = bytes(&vec![3; size]);
        step(&mut tpms, s, &PolicyPcr { policy_session, pcr_digest, pcrs: pcrs(TpmiAlgHash::Sha256, &[4]) }, &[]);
        step(&mut tpms, s, &counter_timer(s, &[0xFF; 8], 8, TpmEo::UnsignedGe), &[]);
        step(&mut tpms, s, &nv(s, b"never", 900, TpmEo::Eq), &[password(b"")]);
        let authorize_nv =
            PolicyAuthorizeNv { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), policy_session };
        step(&mut tpms, s, &authorize_nv, &[password(b"")]);
        let p_hash_list = TpmlDigest::new(vec![bytes(&[1; 20]), bytes(&[2; 32])]);
        step(&mut tpms, s, &PolicyOr { policy_session, p_hash_list }, &[]);
        let authorize = PolicyAuthorize {
            policy_session,
            approved_policy: bytes(&[1; 5]),
            policy_ref: bytes(b"ref"),
            key_sign: name(TpmiAlgHash::Sha384, 6),
            check_ticket: null_verified(),
        };
        step(&mut tpms, s, &authorize, &[]);
        tpms.same(&flush(s), &[]).unwrap();
    }
}

#[test]
fn a_trial_takes_foreign_pcr_as_they_are() {
    // Bank SHA-1 is not allocated here; the policy may be for a TPM that has it (Part 3, 23.7).
    let mut tpm = TestTpm::started();
    let session = start(&mut tpm, TpmSe::Trial, TpmiAlgHash::Sha256);
    let selection = pcrs(TpmiAlgHash::Sha1, &[0, 1]);
    let pcr_digest: Tpm2bDigest = bytes(&[5; 32]);
    let command = PolicyPcr { policy_session: session.handle, pcr_digest: pcr_digest.clone(), pcrs: selection.clone() };
    tpm.run(&command).unwrap();
    let code = 0x017Fu32.to_be_bytes();
    let expected =
        ironroot_crypto::hash::digest(TpmiAlgHash::Sha256, &[&[0; 32], &code, &selection.to_bytes(), &pcr_digest]);
    assert_eq!(*digest_of(&mut tpm, session.handle), *expected);
    // Without a digest it takes that of the PCR that are there, but still the selection as it came.
    let nothing = ironroot_crypto::hash::digest(TpmiAlgHash::Sha256, &[]);
    let session = start(&mut tpm, TpmSe::Trial, TpmiAlgHash::Sha256);
    let pcr_digest = Tpm2bDigest::default();
    tpm.run(&PolicyPcr { policy_session: session.handle, pcr_digest, pcrs: selection.clone() }).unwrap();
    let expected =
        ironroot_crypto::hash::digest(TpmiAlgHash::Sha256, &[&[0; 32], &code, &selection.to_bytes(), &nothing]);
    assert_eq!(*digest_of(&mut tpm, session.handle), *expected);
    // A session that checks selects what is there: nothing of that bank.
    let session = start(&mut tpm, TpmSe::Policy, TpmiAlgHash::Sha256);
    let command = PolicyPcr { policy_session: session.handle, pcr_digest: Tpm2bDigest::default(), pcrs: selection };
    tpm.run(&command).unwrap();
    let empty = pcrs(TpmiAlgHash::Sha1, &[]).to_bytes();
    let expected = ironroot_crypto::hash::digest(TpmiAlgHash::Sha256, &[&[0; 32], &code, &empty, &nothing]);
    assert_eq!(*digest_of(&mut tpm, session.handle), *expected);
}

/// Runs a command on both TPMs, which must refuse it in the same way and leave the digest alone.
#[track_caller]
fn refused<C>(tpms: &mut Both, session: TpmiShPolicy, command: &C, sessions: &[TpmsAuthCommand], expected: TpmRc)
where
    C: Command + core::fmt::Debug,
{
    let before = digest(tpms, session);
    let (ours, _) = tpms.same_code(command, sessions);
    assert_eq!(ours.err(), Some(expected), "{command:?}");
    assert_eq!(digest(tpms, session), before);
}

#[test]
fn policy_or_wants_the_current_digest_among_at_least_two() {
    let mut tpms = Both::started();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let policy_session = session.handle;
    let or = |digests: &[&[u8]]| PolicyOr {
        policy_session,
        p_hash_list: TpmlDigest::new(digests.iter().map(|digest| bytes(digest)).collect()),
    };
    for list in [&[][..], &[&[0; 32][..]]] {
        refused(&mut tpms, policy_session, &or(list), &[], TpmRc::SIZE.parameter(1));
    }
    refused(&mut tpms, policy_session, &or(&[&[1; 32], &[0; 31], &[0; 33], &[]]), &[], TpmRc::VALUE.parameter(1));
    step(&mut tpms, policy_session, &or(&[&[0; 32][..]; 8]), &[]);
}

#[test]
fn localities_only_become_fewer() {
    let mut tpms = Both::started();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let policy_session = session.handle;
    let locality = |locality: u8| PolicyLocality { policy_session, locality: TpmaLocality(locality) };
    let bad = TpmRc::RANGE.parameter(1);
    refused(&mut tpms, policy_session, &locality(0), &[], bad);
    step(&mut tpms, policy_session, &locality(0b1_0110), &[]);
    step(&mut tpms, policy_session, &locality(0b1_0011), &[]);
    refused(&mut tpms, policy_session, &locality(0b0_0100), &[], bad);
    refused(&mut tpms, policy_session, &locality(0), &[], bad);
    refused(&mut tpms, policy_session, &locality(32), &[], bad);
    tpms.same(&PolicyRestart { session_handle: policy_session }, &[]).unwrap();
    step(&mut tpms, policy_session, &locality(200), &[]);
    step(&mut tpms, policy_session, &locality(200), &[]);
    refused(&mut tpms, policy_session, &locality(201), &[], bad);
    refused(&mut tpms, policy_session, &locality(1), &[], bad);
}

#[test]
fn pcr_digests_must_be_right_and_stay_right() {
    let mut tpms = Both::started();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let policy_session = session.handle;
    let selection = pcrs(TpmiAlgHash::Sha256, &[0]);
    for wrong in [&[1; 32][..], &[0; 31]] {
        let command = PolicyPcr { policy_session, pcr_digest: bytes(wrong), pcrs: selection.clone() };
        refused(&mut tpms, policy_session, &command, &[], TpmRc::VALUE.parameter(1));
    }
    let command = PolicyPcr { policy_session, pcr_digest: Tpm2bDigest::default(), pcrs: selection };
    step(&mut tpms, policy_session, &command, &[]);
    step(&mut tpms, policy_session, &command, &[]);
    let extend = |pcr| PcrExtend {
        pcr_handle: Some(TpmiDhPcr(pcr)),
        digests: TpmlDigestValues::new(vec![TpmtHa::new(TpmiAlgHash::Sha256, &[1; 32]).unwrap()]),
    };
    // PCR 16 does not count as a change.
    tpms.same(&extend(16), &[password(b"")]).unwrap();
    step(&mut tpms, policy_session, &command, &[]);
    tpms.same(&extend(5), &[password(b"")]).unwrap();
    refused(&mut tpms, policy_session, &command, &[], TpmRc::PCR_CHANGED);
    tpms.same(&PolicyRestart { session_handle: policy_session }, &[]).unwrap();
    step(&mut tpms, policy_session, &command, &[]);
}

#[test]
fn policy_nv_reads_as_nv_read_does() {
    let mut tpms = Both::started();
    index(&mut tpms, 4, b"");
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let s = session.handle;
    let auth = [password(b"")];
    refused(&mut tpms, s, &nv(s, b"", 0, TpmEo::Eq), &auth, TpmRc::NV_UNINITIALIZED);
    let write = NvWrite {
        auth_handle: TpmiRhNvAuth(INDEX),
        nv_index: TpmiRhNvIndex(INDEX),
        data: bytes(&[0x00, 0x80, 0x7F, 0xFF]),
        offset: 0,
    };
    tpms.same(&write, &auth).unwrap();
    refused(&mut tpms, s, &nv(s, b"a", 5, TpmEo::Eq), &auth, TpmRc::VALUE.parameter(2));
    refused(&mut tpms, s, &nv(s, b"a", 4, TpmEo::Eq), &auth, TpmRc::NV_RANGE);
    refused(&mut tpms, s, &nv(s, b"abcde", 0, TpmEo::Neq), &auth, TpmRc::NV_RANGE);
    for by in [OWNER, PLATFORM] {
        let command = PolicyNv { auth_handle: TpmiRhNvAuth(by), ..nv(s, b"", 0, TpmEo::Eq) };
        refused(&mut tpms, s, &command, &auth, TpmRc::NV_AUTHORIZATION);
    }
    refused(&mut tpms, s, &nv(s, b"", 0, TpmEo::Eq), &[password(b"x")], TpmRc::BAD_AUTH.session(1));
    // Every operation, at signs that differ. (libtpms up to 0.9 compares two negative numbers the wrong way round, which
    // version 1.83 of the specification put right; src/rules/policy_operand.rs tests those.)
    let mut held = 0;
    for &operation in TpmEo::EVERY {
        for (offset, operand) in
            [(0, 0x00), (0, 0x01), (1, 0x80), (1, 0x01), (2, 0x7F), (2, 0x80), (3, 0x00), (3, 0xFF)]
        {
            let command = nv(s, &[operand], offset, operation);
            let (ours, _) = tpms.same_code(&command, &auth);
            held += u32::from(ours.is_ok());
            assert!(matches!(ours.err(), None | Some(TpmRc::POLICY)));
            digest(&mut tpms, s);
        }
    }
    assert!(held > 30, "{held}");
    let lock = NvReadLock { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX) };
    tpms.same(&lock, &auth).unwrap();
    refused(&mut tpms, s, &nv(s, b"", 0, TpmEo::Eq), &auth, TpmRc::NV_LOCKED);
}

#[test]
fn counter_timer_stays_inside_the_structure() {
    let mut tpms = Both::started();
    for kind in [TpmSe::Policy, TpmSe::Trial] {
        let (session, _) = start_both(&mut tpms, kind, TpmiAlgHash::Sha256);
        let s = session.handle;
        refused(&mut tpms, s, &counter_timer(s, b"a", 26, TpmEo::Eq), &[], TpmRc::VALUE.parameter(2));
        refused(&mut tpms, s, &counter_timer(s, b"a", 25, TpmEo::Eq), &[], TpmRc::RANGE);
        refused(&mut tpms, s, &counter_timer(s, &[0; 26], 0, TpmEo::Eq), &[], TpmRc::RANGE);
        tpms.same(&flush(s), &[]).unwrap();
    }
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let s = session.handle;
    refused(&mut tpms, s, &counter_timer(s, &[0xFF; 8], 8, TpmEo::UnsignedGt), &[], TpmRc::POLICY);
    // The safe flag is set.
    step(&mut tpms, s, &counter_timer(s, &[1], 24, TpmEo::Eq), &[]);
}

#[test]
fn less_than_time_limits_the_life_of_the_session() {
    let mut tpm = TestTpm::started();
    tpm.now += 1_000_000;
    let session = start(&mut tpm, TpmSe::Policy, TpmiAlgHash::Sha256);
    let s = session.handle;
    let limit = counter_timer(s, &5u64.to_be_bytes(), 0, TpmEo::UnsignedLt);
    tpm.run(&limit).unwrap();
    tpm.now += 5_000;
    assert_eq!(tpm.run(&limit), Err(TpmRc::EXPIRED));
    // A part of Time is compared as any other field.
    assert_eq!(tpm.run(&counter_timer(s, &[0; 4], 0, TpmEo::UnsignedLt)), Err(TpmRc::POLICY));
    tpm.run(&counter_timer(s, &[1; 4], 0, TpmEo::UnsignedLt)).unwrap();
}

#[test]
fn a_command_code_is_implemented_and_stays() {
    let mut tpms = Both::started();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let policy_session = session.handle;
    let code = |code| PolicyCommandCode { policy_session, code: TpmCc(code) };
    for unknown in [0, 0x0001, 0x011E, 0x0141, 0x1234_5678, 0x2000_0000] {
        refused(&mut tpms, policy_session, &code(unknown), &[], TpmRc::POLICY_CC.parameter(1));
    }
    step(&mut tpms, policy_session, &code(0x014B), &[]);
    refused(&mut tpms, policy_session, &code(0x0153), &[], TpmRc::VALUE.parameter(1));
    refused(&mut tpms, policy_session, &code(0), &[], TpmRc::VALUE.parameter(1));
}

#[test]
fn a_session_is_bound_to_one_thing_only() {
    let mut tpms = Both::started();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let policy_session = session.handle;
    let digest = |filler: u8, size: usize| bytes::<Tpm2bDigest>(&vec![filler; size]);
    let cp_hash = |filler, size| PolicyCpHash { policy_session, cp_hash_a: digest(filler, size) };
    let name_hash = |filler, size| PolicyNameHash { policy_session, name_hash: digest(filler, size) };
    let template = |filler, size| PolicyTemplate { policy_session, template_hash: digest(filler, size) };
    let select = PolicyDuplicationSelect {
        policy_session,
        object_name: name(TpmiAlgHash::Sha256, 1),
        new_parent_name: name(TpmiAlgHash::Sha256, 2),
        include_object: TpmiYesNo(true),
    };
    let s = policy_session;
    for size in [0, 20, 31, 33] {
        refused(&mut tpms, s, &cp_hash(1, size), &[], TpmRc::SIZE.parameter(1));
        refused(&mut tpms, s, &name_hash(1, size), &[], TpmRc::SIZE.parameter(1));
        refused(&mut tpms, s, &template(1, size), &[], TpmRc::SIZE.parameter(1));
    }
    let restart = PolicyRestart { session_handle: s };
    let secret = |cp_hash_a| PolicySecret {
        auth_handle: TpmiDhEntity(OWNER),
        policy_session,
        nonce_tpm: Tpm2bNonce::default(),
        cp_hash_a,
        policy_ref: Tpm2bNonce::default(),
        expiration: 0,
    };
    let auth = [password(b"")];

    step(&mut tpms, s, &cp_hash(1, 32), &[]);
    refused(&mut tpms, s, &cp_hash(2, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &name_hash(1, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &template(1, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &select, &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &secret(digest(2, 32)), &auth, TpmRc::CPHASH);
    refused(&mut tpms, s, &secret(digest(1, 31)), &auth, TpmRc::SIZE.parameter(2));
    step(&mut tpms, s, &secret(digest(1, 32)), &auth);
    tpms.same(&restart, &[]).unwrap();
    step(&mut tpms, s, &name_hash(1, 32), &[]);
    refused(&mut tpms, s, &name_hash(1, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &cp_hash(1, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &template(1, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &select, &[], TpmRc::CPHASH);
    tpms.same(&restart, &[]).unwrap();
    step(&mut tpms, s, &template(1, 32), &[]);
    refused(&mut tpms, s, &template(2, 32), &[], TpmRc::VALUE.parameter(1));
    refused(&mut tpms, s, &name_hash(1, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &cp_hash(1, 32), &[], TpmRc::CPHASH);
    refused(&mut tpms, s, &select, &[], TpmRc::CPHASH);
    tpms.same(&restart, &[]).unwrap();
    step(&mut tpms, s, &select, &[]);
    refused(&mut tpms, s, &select, &[], TpmRc::CPHASH);
    let code = PolicyCommandCode { policy_session, code: TpmCc(0x0153) };
    refused(&mut tpms, s, &code, &[], TpmRc::VALUE.parameter(1));
    tpms.same(&restart, &[]).unwrap();
    step(&mut tpms, s, &code, &[]);
    refused(&mut tpms, s, &select, &[], TpmRc::COMMAND_CODE);
    // An authorization that is limited to a command binds the session to it.
    tpms.same(&restart, &[]).unwrap();
    step(&mut tpms, s, &secret(digest(3, 32)), &auth);
    refused(&mut tpms, s, &cp_hash(2, 32), &[], TpmRc::CPHASH);
    step(&mut tpms, s, &cp_hash(3, 32), &[]);
}

#[test]
fn nv_written_cannot_be_wanted_both_ways() {
    let mut tpms = Both::started();
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let policy_session = session.handle;
    let written = |flag| PolicyNvWritten { policy_session, written_set: TpmiYesNo(flag) };
    step(&mut tpms, policy_session, &written(false), &[]);
    refused(&mut tpms, policy_session, &written(true), &[], TpmRc::VALUE.parameter(1));
}

#[test]
fn policy_authorize_nv_follows_the_policy_in_the_index() {
    let mut tpms = Both::started();
    index(&mut tpms, 40, b"");
    let auth = [password(b"")];
    let (session, _) = start_both(&mut tpms, TpmSe::Policy, TpmiAlgHash::Sha256);
    let policy_session = session.handle;
    let s = policy_session;
    let command =
        PolicyAuthorizeNv { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), policy_session };
    refused(&mut tpms, s, &command, &auth, TpmRc::NV_UNINITIALIZED);
    let by_owner = PolicyAuthorizeNv { auth_handle: TpmiRhNvAuth(OWNER), ..command.clone() };
    refused(&mut tpms, s, &by_owner, &auth, TpmRc::NV_AUTHORIZATION);
    let approve = |tpms: &mut Both, alg: u16, policy: &[u8]| {
        let data = bytes(&[&alg.to_be_bytes()[..], policy].concat());
        let write = NvWrite { auth_handle: TpmiRhNvAuth(INDEX), nv_index: TpmiRhNvIndex(INDEX), data, offset: 0 };
        tpms.same(&write, &auth).unwrap();
    };
    approve(&mut tpms, 0x0004, &[0; 20]);
    refused(&mut tpms, s, &command, &auth, TpmRc::HASH);
    approve(&mut tpms, 0x0010, &[0; 32]);
    refused(&mut tpms, s, &command, &auth, TpmRc::HASH);
    approve(&mut tpms, 0x000C, &[0; 38]);
    refused(&mut tpms, s, &command, &auth, TpmRc::INSUFFICIENT);
    approve(&mut tpms, 0x000B, &[1; 32]);
    refused(&mut tpms, s, &command, &auth, TpmRc::VALUE);
    step(&mut tpms, s, &PolicyAuthValue { policy_session }, &[]);
    let policy = digest(&mut tpms, s);
    approve(&mut tpms, 0x000B, &policy);
    step(&mut tpms, s, &command, &auth);
    refused(&mut tpms, s, &command, &auth, TpmRc::VALUE);
}

#[test]
fn policy_commands_want_a_policy_session() {
    let mut tpms = Both::started();
    let policy_session = TpmiShPolicy(0x0300_0007);
    let missing = tpms.same(&PolicyAuthValue { policy_session }, &[]).unwrap_err();
    assert_eq!(missing, TpmRc::REFERENCE_H0);
    let (hmac, _) = tpms.same_code(&start_command(TpmSe::Hmac, TpmiAlgHash::Sha256), &[]);
    let policy_session = TpmiShPolicy(hmac.unwrap().session_handle.0);
    assert_eq!(tpms.same(&PolicyAuthValue { policy_session }, &[]).unwrap_err(), TpmRc::VALUE.handle(1));
}
