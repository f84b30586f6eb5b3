//! Authorizations by a key, by a secret, by a ticket, and policies that a key has approved: beside libtpms.

use crate::common::{TestTpm, password};
use crate::peer::{Both, agree};
use crate::policies::*;
use crate::templates::keys;
use ironroot_crypto::{
    Drbg, EccProvider, Hmac, RsaProvider,
    hash::digest as hash,
    rsa::{self, RsaCrt, SignatureScheme},
};
use ironroot_crypto_host::HOST;
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const HMAC_KEY: &[u8] = b"a key of the authorizing entity ";

/// A key that authorizes, with the private half on our side.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Key {
    Rsassa,
    Rsapss,
    Ecdsa,
    Hmac,
}

const KEYS: [Key; 4] = [Key::Rsassa, Key::Rsapss, Key::Ecdsa, Key::Hmac];

impl Key {
    fn load(self) -> LoadExternal {
        let (public, private, hierarchy) = match self {
            Self::Rsassa | Self::Rsapss => {
                let mut public = keys::rsa_public();
                let PublicKind::Rsa(parms, _) = &mut public.kind else { panic!() };
                parms.scheme = None;
                (public, None, OWNER)
            }
            Self::Ecdsa => {
                let mut public = keys::ec_public();
                let PublicKind::Ecc(parms, _) = &mut public.kind else { panic!() };
                parms.scheme = None;
                (public, None, OWNER)
            }
            Self::Hmac => {
                let (public, sensitive) = keys::hmac_pair(HMAC_KEY);
                (public, Some(sensitive), NULL)
            }
        };
        LoadExternal {
            in_private: Tpm2bOption(private),
            in_public: Tpm2b(TpmtPublicPlus(public)),
            hierarchy: TpmiRhHierarchy(hierarchy),
        }
    }

    fn sign(self, alg: TpmiAlgHash, message: &[u8]) -> TpmtSignature {
        let digest = hash(alg, &[message]);
        let mut random = Drbg::new(&[1; 32], &[2; 16], b"test");
        match self {
            Self::Rsassa | Self::Rsapss => {
                let crt = RsaCrt::from_prime(&keys::bytes(keys::RSA_N), 65_537, &keys::bytes(keys::RSA_P)).unwrap();
                let key = HOST.rsa_load(&crt).unwrap();
                let pkcs1 = self == Self::Rsassa;
                let scheme = if pkcs1 { SignatureScheme::Pkcs1(alg) } else { SignatureScheme::Pss(alg) };
                let sig = bytes(&rsa::sign(key.as_ref(), scheme, &digest, &mut random).unwrap());
                let signature = TpmsSignatureRsa { hash: alg, sig };
                if pkcs1 { TpmtSignature::Rsassa(signature) } else { TpmtSignature::Rsapss(signature) }
            }
            Self::Ecdsa => {
                let scalar = keys::bytes(keys::EC_D);
                let (r, s) = HOST.ecdsa_sign(TpmEccCurve::NistP256, &scalar, &digest, &mut random).unwrap();
                TpmtSignature::Ecdsa(TpmsSignatureEcc { hash: alg, signature_r: bytes(&r), signature_s: bytes(&s) })
            }
            Self::Hmac => {
                let mut hmac = Hmac::new(alg, HMAC_KEY);
                hmac.update(&digest);
                TpmtSignature::Hmac(TpmtHa::new(alg, &hmac.finish()).unwrap())
            }
        }
    }

    /// A signed authorization for a session.
    fn authorize(self, object: u32, session: &PolicySession, with: &Qualifiers) -> PolicySigned {
        let nonce_tpm = if with.nonce { session.nonce_tpm.clone() } else { Tpm2bNonce::default() };
        let message =
            [&*nonce_tpm, &with.expiration.to_be_bytes(), with.cp_hash.as_slice(), with.policy_ref.as_slice()].concat();
        PolicySigned {
            auth_object: TpmiDhObject(object),
            policy_session: session.handle,
            nonce_tpm,
            cp_hash_a: bytes(&with.cp_hash),
            policy_ref: bytes(&with.policy_ref),
            expiration: with.expiration,
            auth: self.sign(SHA256, &message),
        }
    }
}

/// What an authorization is limited to.
#[derive(Debug, Clone, Default)]
struct Qualifiers {
    nonce: bool,
    expiration: i32,
    cp_hash: Vec<u8>,
    policy_ref: Vec<u8>,
}

fn load(tpms: &mut Both, key: Key) -> (u32, Tpm2bName) {
    let response = tpms.same(&key.load(), &[]).unwrap();
    (response.object_handle.0, response.name)
}

fn flush_object(tpms: &mut Both, handle: u32) {
    tpms.same(&FlushContext { flush_handle: TpmiDhContext(handle) }, &[]).unwrap();
}

/// Sends each TPM its own form of a command and compares what they say.
#[track_caller]
fn each<C: Command>(tpms: &mut Both, ours: &C, theirs: &C) -> Result<(C::Response, C::Response), TpmRc> {
    let sessions = vec![password(b""); C::INFO.authorized_handles()];
    let ours = tpms.ours.run_with(ours, &sessions);
    let theirs = tpms.theirs.run(theirs, &sessions);
    let (own, their) = (ours.as_ref().err().copied(), theirs.as_ref().err().copied());
    assert!(agree(C::INFO.code.0, own, their), "ours, theirs: {own:?} {their:?}");
    Ok((ours?, theirs?))
}

#[test]
fn signatures_of_every_scheme_authorize() {
    let mut tpms = Both::started();
    for key in KEYS {
        let (object, _) = load(&mut tpms, key);
        for with in [
            Qualifiers::default(),
            Qualifiers { nonce: true, expiration: 60, ..Default::default() },
            Qualifiers { expiration: -1_000_000_000, policy_ref: b"reference".to_vec(), ..Default::default() },
            Qualifiers { nonce: true, expiration: -60, cp_hash: vec![7; 32], policy_ref: vec![1; 32] },
        ] {
            let (ours, theirs) = start_both(&mut tpms, TpmSe::Policy, SHA256);
            let (ours, theirs) = (key.authorize(object, &ours, &with), key.authorize(object, &theirs, &with));
            let (response, reference) = each(&mut tpms, &ours, &theirs).unwrap();
            assert_eq!(response.policy_ticket.tag, reference.policy_ticket.tag);
            assert_eq!(response.policy_ticket.hierarchy, reference.policy_ticket.hierarchy);
            assert_eq!(response.policy_ticket.digest.is_empty(), with.expiration >= 0);
            assert_eq!(response.timeout.len(), reference.timeout.len());
            let authorized = digest(&mut tpms, ours.policy_session);
            // A trial arrives at the same digest with any signature, and gets no ticket.
            let (trial, _) = start_both(&mut tpms, TpmSe::Trial, SHA256);
            let pretended =
                PolicySigned { policy_session: trial.handle, auth: Key::Hmac.sign(SHA256, b"nothing"), ..ours.clone() };
            let response = tpms.same(&pretended, &[]).unwrap();
            assert!(response.policy_ticket.digest.is_empty() && response.timeout.is_empty());
            assert_eq!(digest(&mut tpms, trial.handle), authorized);
            for session in [ours.policy_session, trial.handle] {
                tpms.same(&flush(session), &[]).unwrap();
            }
        }
        flush_object(&mut tpms, object);
    }
}

#[test]
fn a_signature_is_over_every_qualifier() {
    let mut tpms = Both::started();
    for key in KEYS {
        let (object, _) = load(&mut tpms, key);
        let (ours, theirs) = start_both(&mut tpms, TpmSe::Policy, SHA256);
        let with = Qualifiers { nonce: true, expiration: -60, cp_hash: vec![7; 32], policy_ref: b"ref".to_vec() };
        let ours = key.authorize(object, &ours, &with);
        let theirs = key.authorize(object, &theirs, &with);
        let mut refused = |change: &dyn Fn(&mut PolicySigned), expected: TpmRc| {
            let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
            change(&mut ours);
            change(&mut theirs);
            assert_eq!(each(&mut tpms, &ours, &theirs).unwrap_err(), expected, "{key:?}");
            assert_eq!(*digest(&mut tpms, ours.policy_session), [0; 32]);
        };
        let bad = TpmRc::POLICY_FAIL.parameter(5);
        refused(&|c| c.nonce_tpm = Tpm2bNonce::default(), bad);
        refused(&|c| c.expiration = -61, bad);
        refused(&|c| c.expiration = 60, bad);
        refused(&|c| c.cp_hash_a = Tpm2bDigest::default(), bad);
        refused(&|c| c.cp_hash_a = bytes(&[8; 32]), bad);
        refused(&|c| c.policy_ref = bytes(b"reg"), bad);
        refused(&|c| c.nonce_tpm = bytes(&[1; 16]), TpmRc::VALUE.parameter(1));
        refused(&|c| c.nonce_tpm = bytes(&c.nonce_tpm[..15]), TpmRc::VALUE.parameter(1));
        refused(&|c| c.cp_hash_a = bytes(&[7; 31]), TpmRc::SIZE.parameter(2));
        refused(&|c| c.auth = key.sign(SHA256, b"something else"), bad);
        let other = if key == Key::Hmac { Key::Ecdsa } else { Key::Hmac };
        refused(&|c| c.auth = other.sign(SHA256, b"something else"), TpmRc::SCHEME.parameter(5));
        each(&mut tpms, &ours, &theirs).unwrap();
        tpms.same(&flush(ours.policy_session), &[]).unwrap();
        flush_object(&mut tpms, object);
    }
}

#[test]
fn an_authorization_that_is_over_is_refused() {
    let mut tpm = TestTpm::started();
    let object = tpm.run(&Key::Hmac.load()).unwrap().object_handle.0;
    tpm.now += 10_000;
    let session = start(&mut tpm, TpmSe::Policy, SHA256);
    let bound = Key::Hmac.authorize(object, &session, &Qualifiers { nonce: true, expiration: 5, ..Default::default() });
    let absolute = Key::Hmac.authorize(object, &session, &Qualifiers { expiration: 12, ..Default::default() });
    let past = Key::Hmac.authorize(object, &session, &Qualifiers { expiration: 9, ..Default::default() });
    assert_eq!(tpm.run(&past), Err(TpmRc::EXPIRED.parameter(4)), "without a nonce it is a time, not a duration");
    tpm.run(&bound).unwrap();
    tpm.run(&absolute).unwrap();
    tpm.now += 5_000;
    assert_eq!(tpm.run(&bound), Err(TpmRc::EXPIRED.parameter(4)));
    assert_eq!(tpm.run(&absolute), Err(TpmRc::EXPIRED.parameter(4)));
    let smallest = Qualifiers { nonce: true, expiration: i32::MIN, ..Default::default() };
    let response = tpm.run(&Key::Hmac.authorize(object, &session, &smallest)).unwrap();
    assert!(!response.policy_ticket.digest.is_empty());
}

fn secret(session: &PolicySession, entity: u32, with: &Qualifiers) -> PolicySecret {
    PolicySecret {
        auth_handle: TpmiDhEntity(entity),
        policy_session: session.handle,
        nonce_tpm: if with.nonce { session.nonce_tpm.clone() } else { Tpm2bNonce::default() },
        cp_hash_a: bytes(&with.cp_hash),
        policy_ref: bytes(&with.policy_ref),
        expiration: with.expiration,
    }
}

#[test]
fn every_entity_s_secret_authorizes_and_makes_tickets_of_its_hierarchy() {
    let mut tpms = Both::started();
    let (object, _) = load(&mut tpms, Key::Hmac);
    let index = 0x0150_0001;
    for (at, auth_handle, extra) in [(index, OWNER, TpmaNv::NONE), (index + 1, PLATFORM, TpmaNv::PLATFORMCREATE)] {
        let public = TpmsNvPublic {
            nv_index: TpmiRhNvIndex(at),
            name_alg: SHA256,
            attributes: TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::NO_DA | extra,
            auth_policy: Tpm2bDigest::default(),
            data_size: 4,
        };
        let define = NvDefineSpace {
            auth_handle: TpmiRhProvision(auth_handle),
            auth: Tpm2bAuth::default(),
            public_info: Tpm2b(public),
        };
        tpms.same(&define, &[password(b"")]).unwrap();
    }
    // Not PCR: libtpms has one more bank of them, but that makes no difference to a handle.
    for entity in [OWNER, ENDORSEMENT, PLATFORM, TpmHandle::LOCKOUT.0, object, index, index + 1, 16] {
        let with = Qualifiers { nonce: true, expiration: -60, cp_hash: vec![7; 32], policy_ref: b"ref".to_vec() };
        let (ours, theirs) = start_both(&mut tpms, TpmSe::Policy, SHA256);
        let (ours, theirs) = (secret(&ours, entity, &with), secret(&theirs, entity, &with));
        let (response, reference) = each(&mut tpms, &ours, &theirs).unwrap();
        assert_eq!(response.policy_ticket.tag, reference.policy_ticket.tag);
        assert_eq!(response.policy_ticket.hierarchy, reference.policy_ticket.hierarchy, "{entity:#x}");
        let authorized = digest(&mut tpms, ours.policy_session);
        let (trial, _) = start_both(&mut tpms, TpmSe::Trial, SHA256);
        let in_trial = PolicySecret { policy_session: trial.handle, ..ours.clone() };
        assert!(tpms.same(&in_trial, &[password(b"")]).unwrap().policy_ticket.digest.is_empty());
        assert_eq!(digest(&mut tpms, trial.handle), authorized);
        // Even a trial wants the secret.
        let wrong = tpms.same(&in_trial, &[password(b"wrong")]).unwrap_err();
        assert!(matches!(wrong.base(), TpmRc::BAD_AUTH | TpmRc::AUTH_FAIL), "{entity:#x} {wrong}");
        if entity == TpmHandle::LOCKOUT.0 {
            assert_eq!(tpms.same(&in_trial, &[password(b"")]).unwrap_err(), TpmRc::LOCKOUT);
        }
        for session in [ours.policy_session, trial.handle] {
            tpms.same(&flush(session), &[]).unwrap();
        }
    }
    let (ours, theirs) = start_both(&mut tpms, TpmSe::Policy, SHA256);
    let with = Qualifiers { nonce: true, ..Default::default() };
    let mut ours = secret(&ours, OWNER, &with);
    let theirs = secret(&theirs, OWNER, &with);
    ours.nonce_tpm = theirs.nonce_tpm.clone();
    assert_eq!(tpms.ours.run_auth(&ours), Err(TpmRc::VALUE.parameter(1)));
}

/// A command with a ticket for a session: what a caller does later with the response of `granted`.
fn ticket(
    session: &PolicySession,
    granted: &PolicySecret,
    response: &PolicySecretResponse,
    name: &[u8],
) -> PolicyTicket {
    PolicyTicket {
        policy_session: session.handle,
        timeout: response.timeout.clone(),
        cp_hash_a: granted.cp_hash_a.clone(),
        policy_ref: granted.policy_ref.clone(),
        auth_name: bytes(name),
        ticket: response.policy_ticket.clone(),
    }
}

#[test]
fn tickets_stand_for_their_authorization_and_nothing_else() {
    let mut tpms = Both::started();
    let name = OWNER.to_be_bytes();
    for nonce in [true, false] {
        let with = Qualifiers { nonce, expiration: -3600, cp_hash: vec![7; 32], policy_ref: b"ref".to_vec() };
        let (ours, theirs) = start_both(&mut tpms, TpmSe::Policy, SHA256);
        let (our_grant, their_grant) = (secret(&ours, OWNER, &with), secret(&theirs, OWNER, &with));
        let (our_response, their_response) = each(&mut tpms, &our_grant, &their_grant).unwrap();
        let authorized = digest(&mut tpms, ours.handle);
        tpms.same(&flush(ours.handle), &[]).unwrap();

        let (ours, theirs) = start_both(&mut tpms, TpmSe::Policy, SHA256);
        let ours = ticket(&ours, &our_grant, &our_response, &name);
        let theirs = ticket(&theirs, &their_grant, &their_response, &name);
        let mut refused = |change: &dyn Fn(&mut PolicyTicket), expected: TpmRc| {
            let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
            change(&mut ours);
            change(&mut theirs);
            assert_eq!(each(&mut tpms, &ours, &theirs).unwrap_err(), expected);
            assert_eq!(*digest(&mut tpms, ours.policy_session), [0; 32]);
        };
        let bad = TpmRc::TICKET.parameter(5);
        let later = |c: &mut PolicyTicket| {
            let mut timeout = c.timeout.to_vec();
            timeout[2] ^= 1;
            c.timeout = bytes(&timeout);
        };
        let flag = |c: &mut PolicyTicket| {
            let mut timeout = c.timeout.to_vec();
            timeout[0] ^= 0x80;
            c.timeout = bytes(&timeout);
        };
        refused(&later, bad);
        refused(&flag, bad);
        refused(&|c| c.timeout = bytes(&[0; 8]), bad);
        refused(&|c| c.timeout = bytes(&[0x7F; 7]), TpmRc::SIZE.parameter(1));
        refused(&|c| c.timeout = Tpm2bTimeout::default(), TpmRc::SIZE.parameter(1));
        refused(&|c| c.timeout = bytes(&[0, 0, 0, 0, 0, 0, 0, 1]), TpmRc::EXPIRED.parameter(1));
        refused(&|c| c.cp_hash_a = Tpm2bDigest::default(), bad);
        refused(&|c| c.cp_hash_a = bytes(&[7; 31]), TpmRc::SIZE.parameter(2));
        refused(&|c| c.policy_ref = bytes(b"reg"), bad);
        refused(&|c| c.auth_name = bytes(&PLATFORM.to_be_bytes()), bad);
        refused(&|c| c.ticket.tag = TpmSt::AuthSigned, bad);
        refused(&|c| c.ticket.hierarchy = TpmiRhHierarchy(PLATFORM), bad);
        refused(&|c| c.ticket.digest = Tpm2bDigest::default(), bad);
        // The border between policyRef and authName does not move.
        let moved = |c: &mut PolicyTicket| {
            let (first, rest) = c.auth_name.split_first().unwrap();
            let (rest, policy_ref) = (rest.to_vec(), [&*c.policy_ref, &[*first]].concat());
            c.policy_ref = bytes(&policy_ref);
            c.auth_name = bytes(&rest);
        };
        // (libtpms lets it move.)
        let mut shifted = ours.clone();
        moved(&mut shifted);
        assert_eq!(tpms.ours.run(&shifted), Err(bad));

        let (our_trial, _) = start_both(&mut tpms, TpmSe::Trial, SHA256);
        let in_trial = PolicyTicket { policy_session: our_trial.handle, ..ours.clone() };
        assert_eq!(tpms.same(&in_trial, &[]).unwrap_err(), TpmRc::ATTRIBUTES.handle(1));
        each(&mut tpms, &ours, &theirs).unwrap();
        assert_eq!(digest(&mut tpms, ours.policy_session), authorized);
        for session in [ours.policy_session, our_trial.handle] {
            tpms.same(&flush(session), &[]).unwrap();
        }
    }
}

#[test]
fn a_ticket_ends_with_its_time_and_with_a_reset() {
    let mut tpm = TestTpm::started();
    let name = OWNER.to_be_bytes();
    let session = start(&mut tpm, TpmSe::Policy, SHA256);
    let with = Qualifiers { nonce: true, expiration: -10, ..Default::default() };
    let grant = secret(&session, OWNER, &with);
    let response = tpm.run_auth(&grant).unwrap();
    tpm.run(&flush(session.handle)).unwrap();
    tpm.now += 9_000;
    let session = start(&mut tpm, TpmSe::Policy, SHA256);
    let command = ticket(&session, &grant, &response, &name);
    tpm.run(&command).unwrap();
    tpm.now += 2_000;
    assert_eq!(tpm.run(&command), Err(TpmRc::EXPIRED.parameter(1)));
    tpm.now = 1;
    tpm.power_cycle();
    let session = start(&mut tpm, TpmSe::Policy, SHA256);
    let command = ticket(&session, &grant, &response, &name);
    assert_eq!(tpm.run(&command), Err(TpmRc::TICKET.parameter(5)), "Time started anew");
}

#[test]
fn approved_policies_replace_the_digest() {
    let mut tpms = Both::started();
    for key in [Key::Rsassa, Key::Ecdsa] {
        let (object, key_sign) = load(&mut tpms, key);
        let (session, _) = start_both(&mut tpms, TpmSe::Policy, SHA256);
        let policy_session = session.handle;
        tpms.same(&PolicyAuthValue { policy_session }, &[]).unwrap();
        let approved_policy = digest(&mut tpms, policy_session);
        let message = [&*approved_policy, b"ref"].concat();
        let verify = VerifySignature {
            key_handle: TpmiDhObject(object),
            digest: bytes(&hash(SHA256, &[&message])),
            signature: key.sign(SHA256, &message),
        };
        let (ours, theirs) = tpms.both(&verify, &[]);
        let authorize = |check_ticket| PolicyAuthorize {
            policy_session,
            approved_policy: approved_policy.clone(),
            policy_ref: bytes(b"ref"),
            key_sign: key_sign.clone(),
            check_ticket,
        };
        let (ours, theirs) = (authorize(ours.unwrap().validation), authorize(theirs.unwrap().validation));
        let mut refused = |change: &dyn Fn(&mut PolicyAuthorize), expected: TpmRc| {
            let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
            change(&mut ours);
            change(&mut theirs);
            assert_eq!(each(&mut tpms, &ours, &theirs).unwrap_err(), expected);
            assert_eq!(digest(&mut tpms, policy_session), approved_policy);
        };
        let bad = TpmRc::POLICY;
        refused(&|c| c.approved_policy = bytes(&[1; 32]), TpmRc::VALUE.parameter(1));
        refused(&|c| c.policy_ref = bytes(b"reg"), bad);
        refused(&|c| c.key_sign = name(SHA256, 1), bad);
        refused(&|c| c.key_sign = name(TpmiAlgHash::Sha1, 1), bad);
        refused(&|c| c.key_sign = bytes(&[0, 0x10]), TpmRc::HASH.parameter(3));
        refused(&|c| c.key_sign = bytes(&[0x40, 0, 0, 1]), TpmRc::HASH.parameter(3));
        refused(&|c| c.key_sign = bytes(&c.key_sign[..33]), TpmRc::SIZE.parameter(3));
        refused(&|c| c.check_ticket = null_verified(), bad);
        refused(&|c| c.check_ticket.hierarchy = TpmiRhHierarchy(PLATFORM), bad);
        refused(&|c| c.check_ticket.hmac = bytes(&[0; 64]), bad);
        // In a trial session anything goes and leads to the same digest.
        let (trial, _) = start_both(&mut tpms, TpmSe::Trial, SHA256);
        let in_trial = PolicyAuthorize {
            policy_session: trial.handle,
            approved_policy: Tpm2bDigest::default(),
            check_ticket: null_verified(),
            ..ours.clone()
        };
        tpms.same(&in_trial, &[]).unwrap();
        each(&mut tpms, &ours, &theirs).unwrap();
        assert_eq!(digest(&mut tpms, policy_session), digest(&mut tpms, trial.handle));
        for session in [policy_session, trial.handle] {
            tpms.same(&flush(session), &[]).unwrap();
        }
        flush_object(&mut tpms, object);
    }
}
