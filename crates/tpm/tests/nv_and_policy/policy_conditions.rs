//! The policies that ask for a capability, parameters, physical presence, a secure channel or an attached component
//! (Part 3, 23.12, 23.23 to 23.25 and 32.4).

use crate::common::{self, TestTpm, encode, policy, rc};
use crate::peer;
use crate::policies::{self, OWNER, PolicySession, bytes, digest_of, name, start};
use ironroot_crypto::hash::digest as hash;
use ironroot_wire::*;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

fn trial(tpm: &mut TestTpm) -> TpmiShPolicy {
    start(tpm, TpmSe::Trial, SHA256).handle
}

fn session(tpm: &mut TestTpm) -> TpmiShPolicy {
    let PolicySession { handle, .. } = start(tpm, TpmSe::Policy, SHA256);
    handle
}

/// policyDigest of the first assertion.
fn first(code: u32, arguments: &[u8]) -> Vec<u8> {
    hash(SHA256, &[&[0; 32], &code.to_be_bytes(), arguments]).to_vec()
}

/// Lets a policy authorize the owner.
fn owner_policy(tpm: &mut TestTpm, digest: &[u8]) {
    let set = SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(OWNER),
        auth_policy: bytes(digest),
        hash_alg: Some(SHA256),
    };
    tpm.run_auth(&set).unwrap();
}

fn change_auth(auth: &[u8]) -> HierarchyChangeAuth {
    HierarchyChangeAuth { auth_handle: TpmiRhHierarchyAuth(OWNER), new_auth: bytes(auth) }
}

#[test]
fn physical_presence_is_looked_at_when_the_policy_is_used() {
    let mut tpm = TestTpm::started();
    let session = session(&mut tpm);
    let assertion = PolicyPhysicalPresence { policy_session: session };
    tpm.run(&assertion).unwrap();
    let digest = digest_of(&mut tpm, session);
    assert_eq!(*digest, *first(0x187, &[]));
    owner_policy(&mut tpm, &digest);
    assert_eq!(tpm.run_with(&change_auth(b""), &[policy(session.0)]), Err(TpmRc::PP.session(1)));
    tpm.tpm.set_physical_presence(true);
    tpm.run_with(&change_auth(b""), &[policy(session.0)]).unwrap();
    // Not before TPM2_PolicyRestart does a session forget it.
    tpm.run(&assertion).unwrap();
    tpm.run(&PolicyRestart { session_handle: session }).unwrap();
    assert_eq!(*digest_of(&mut tpm, session), [0; 32]);
    assert_eq!(
        tpm.run(&PolicyPhysicalPresence { policy_session: TpmiShPolicy(0x0300_0055) }),
        Err(TpmRc::REFERENCE_H0)
    );
    let mut both = peer::Both::started();
    let (ours, _) = policies::start_both(&mut both, TpmSe::Policy, SHA256);
    both.same(&PolicyPhysicalPresence { policy_session: ours.handle }, &[]).unwrap();
    policies::digest(&mut both, ours.handle);
}

fn parameters<C: Command>(command: &C) -> Tpm2bDigest {
    let mut parameters = Vec::new();
    command.marshal_parameters(&mut parameters);
    bytes(&hash(SHA256, &[&C::INFO.code.to_bytes(), &parameters]))
}

#[test]
fn parameters_bind_a_policy_to_a_command_but_not_to_objects() {
    let mut tpm = TestTpm::started();
    let session = session(&mut tpm);
    let p_hash = parameters(&change_auth(b"good"));
    let assertion = PolicyParameters { policy_session: session, p_hash: p_hash.clone() };
    tpm.run(&assertion).unwrap();
    let digest = digest_of(&mut tpm, session);
    assert_eq!(*digest, *first(0x19C, &p_hash));
    owner_policy(&mut tpm, &digest);
    assert_eq!(tpm.run_with(&change_auth(b"bad"), &[policy(session.0)]), Err(TpmRc::POLICY_FAIL.session(1)));
    tpm.row("a cpHash or nameHash is set", &assertion, TpmRc::CPHASH);
    for refused in [
        tpm.run(&PolicyCpHash { policy_session: session, cp_hash_a: p_hash.clone() }).err(),
        tpm.run(&PolicyNameHash { policy_session: session, name_hash: p_hash.clone() }).err(),
        tpm.run(&PolicyTemplate { policy_session: session, template_hash: p_hash.clone() }).err(),
    ] {
        assert_eq!(refused, Some(TpmRc::CPHASH));
    }
    // Saved and loaded, it still demands the same.
    let saved = tpm.run(&ContextSave { save_handle: TpmiDhContext(session.0) }).unwrap();
    tpm.run(&ContextLoad { context: saved.context }).unwrap();
    assert_eq!(tpm.run_with(&change_auth(b"bad"), &[policy(session.0)]), Err(TpmRc::POLICY_FAIL.session(1)));
    tpm.run_with(&change_auth(b"good"), &[policy(session.0)]).unwrap();
    let short = PolicyParameters { policy_session: session, p_hash: bytes(&[1; 31]) };
    tpm.row("a pHash that is not as long as the policy digest", &short, TpmRc::SIZE.parameter(1));
}

fn capability(policy_session: TpmiShPolicy, capability: TpmCap, property: u32, operand_b: &[u8]) -> PolicyCapability {
    PolicyCapability {
        policy_session,
        operand_b: bytes(operand_b),
        offset: 0,
        operation: TpmEo::Eq,
        capability,
        property,
    }
}

#[test]
fn a_capability_is_compared_at_once() {
    let mut tpm = TestTpm::started();
    let session = session(&mut tpm);
    let family = 0x100u32;
    let good = PolicyCapability { offset: 4, ..capability(session, TpmCap::TpmProperties, family, b"2.0\0") };
    tpm.run(&good).unwrap();
    let arguments = hash(SHA256, &[b"2.0\0", &[0, 4], &[0, 0], &6u32.to_be_bytes(), &family.to_be_bytes()]);
    assert_eq!(*digest_of(&mut tpm, session), *first(0x19B, &arguments));

    let other = PolicyCapability { operand_b: bytes(b"1.2\0"), ..good.clone() };
    tpm.row("the comparison fails", &other, TpmRc::POLICY);
    let missing = PolicyCapability { property: 0x1FF, ..good.clone() };
    tpm.row("the property does not exist", &missing, TpmRc::POLICY);
    tpm.run(&PolicyCapability { operation: TpmEo::Neq, ..missing }).unwrap();
    let pcrs = PolicyCapability { capability: TpmCap::Pcrs, ..good.clone() };
    tpm.row("TPM_CAP_PCRS", &pcrs, TpmRc::VALUE.parameter(4));
    let mut unknown = encode(&good, &[]);
    let at = unknown.len() - 8;
    unknown[at..at + 4].copy_from_slice(&0x77u32.to_be_bytes());
    let refused = rc(&tpm.raw(&unknown));
    common::rows::holds(0x19B, "a capability that cannot be compared", TpmRc::VALUE.parameter(4), Some(refused));
    assert_eq!(tpm.run(&PolicyCapability { offset: 9, ..good.clone() }), Err(TpmRc::VALUE.parameter(2)));
    assert_eq!(tpm.run(&PolicyCapability { offset: 5, ..good.clone() }), Err(TpmRc::SIZE.parameter(1)));
    // A trial compares nothing.
    let trial = trial(&mut tpm);
    tpm.run(&PolicyCapability { policy_session: trial, ..other }).unwrap();
}

#[test]
fn every_capability_has_its_structures() {
    let mut tpm = TestTpm::started();
    let s = session(&mut tpm);
    let loaded = s.0;
    let cases: &[(TpmCap, u32, &[u8])] = &[
        (TpmCap::Algs, 0x000B, &[0x00, 0x0B]),
        (TpmCap::Handles, loaded, &loaded.to_be_bytes()),
        (TpmCap::Handles, 0x4000_0001, &[0x40, 0, 0, 1]),
        (TpmCap::Commands, 0x17B, &0x17Bu32.to_be_bytes()),
        (TpmCap::PpCommands, 0x12D, &0x12Du32.to_be_bytes()),
        (TpmCap::AuditCommands, 0x140, &0x140u32.to_be_bytes()),
        (TpmCap::PcrProperties, 0x13, &[0, 0, 0, 0x13, 3, 0, 0, 0x70]),
        (TpmCap::EccCurves, 3, &[0, 3]),
        (TpmCap::AuthPolicies, 0x4000_0001, &[0x40, 0, 0, 1, 0, 0x10]),
        (TpmCap::Act, 0x4000_0110, &[0x40, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for &(cap, property, operand) in cases {
        if property == loaded {
            // A loaded policy session is told with its own handle, and asked for as a loaded one.
            continue;
        }
        assert_eq!(tpm.run(&capability(s, cap, property, operand)).map(|_| ()), Ok(()), "{cap:?} {property:#x}");
    }
    for (cap, property) in [
        (TpmCap::Algs, 0x7FFF),
        (TpmCap::Commands, 0x7777),
        (TpmCap::AuditCommands, 0x17B),
        (TpmCap::Act, 0x4000_011F),
        (TpmCap::PubKeys, 0),
        (TpmCap::SpdmSessionInfo, 0),
        (TpmCap::VendorProperty, 0),
        (TpmCap::Handles, 0xFF00_0000),
    ] {
        assert_eq!(tpm.run(&capability(s, cap, property, &[])), Err(TpmRc::POLICY), "{cap:?} {property:#x}");
    }
}

fn channel(policy_session: TpmiShPolicy, req_key_name: Tpm2bName, tpm_key_name: Tpm2bName) -> PolicyTransportSpdm {
    PolicyTransportSpdm { policy_session, req_key_name, tpm_key_name }
}

#[test]
fn a_secure_channel_is_demanded_and_not_there() {
    let mut tpm = TestTpm::started();
    let s = session(&mut tpm);
    let any = channel(s, Tpm2bName::default(), Tpm2bName::default());
    tpm.run(&any).unwrap();
    let digest = digest_of(&mut tpm, s);
    assert_eq!(*digest, *first(0x1A1, &[]));
    tpm.row("the command was given before", &any, TpmRc::VALUE);
    owner_policy(&mut tpm, &digest);
    let used = tpm.run_with(&change_auth(b""), &[policy(s.0)]);
    common::rows::holds(0x1A1, "the policy is used without a secure channel", TpmRc::CHANNEL.session(1), used.err());
    let trial = trial(&mut tpm);
    let (requester, own) = (name(SHA256, 1), name(TpmiAlgHash::Sha384, 2));
    let mut wrong = requester.to_vec();
    wrong[0] = 0x77;
    let hash_row = "a key's name does not start with a hash";
    tpm.row(hash_row, &channel(trial, bytes(&wrong), own.clone()), TpmRc::HASH.parameter(1));
    let size_row = "a key's name is not as long as its hash says";
    tpm.row(size_row, &channel(trial, requester.clone(), bytes(&own[..49])), TpmRc::SIZE.parameter(2));
    tpm.run(&channel(trial, requester.clone(), own.clone())).unwrap();
    let names = hash(SHA256, &[&[0, 34], &requester, &[0, 50], &own]);
    assert_eq!(*digest_of(&mut tpm, trial), *first(0x1A1, &names));
}

#[test]
fn sending_to_an_attached_component_is_bound_to_three_names() {
    let mut tpm = TestTpm::started();
    let select = |policy_session, include| PolicyAcSendSelect {
        policy_session,
        object_name: name(SHA256, 1),
        auth_handle_name: bytes(&[0x40, 0, 0, 1]),
        ac_name: bytes(&[0x90, 0, 0, 0]),
        include_object: TpmiYesNo(include),
    };
    for include in [false, true] {
        let session = session(&mut tpm);
        tpm.run(&select(session, include)).unwrap();
        let mut arguments = if include { name(SHA256, 1).to_vec() } else { Vec::new() };
        arguments.extend_from_slice(&[0x40, 0, 0, 1, 0x90, 0, 0, 0, u8::from(include)]);
        assert_eq!(*digest_of(&mut tpm, session), *first(0x196, &arguments));
        tpm.row("a cpHash or nameHash is set", &select(session, include), TpmRc::CPHASH);
        let other = PolicyCommandCode { policy_session: session, code: TpmCc(0x17B) };
        assert_eq!(tpm.run(&other), Err(TpmRc::VALUE.parameter(1)), "it is for TPM2_AC_Send");
    }
}
