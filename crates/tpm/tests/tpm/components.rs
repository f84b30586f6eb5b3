//! Attached components (Part 3, clause 32): what is known of one, and objects that are sent to it.

use std::sync::{Arc, Mutex};

use crate::common::{TestTpm, password, policy};
use crate::outside::load_external;
use crate::policies::{OWNER, PLATFORM, digest_of, start};
use crate::templates::keys::hmac_pair;
use ironroot_platform::{AttachedComponent, ComponentValue, SentObject};
use ironroot_wire::*;

const AC: TpmiRhAc = TpmiRhAc(0x9000_0000);
const ALIAS: u32 = 0x01D0_0000;
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

/// What has been received: public area, sensitive area, data.
type Received = Arc<Mutex<Vec<[Vec<u8>; 3]>>>;

struct Component(Received);

impl AttachedComponent for Component {
    fn capabilities(&self) -> Vec<ComponentValue> {
        (2..6).map(|tag| ComponentValue { tag, data: tag * 10 }).collect()
    }

    fn receive(&mut self, object: &SentObject<'_>) -> ComponentValue {
        self.0.lock().unwrap().push([object.public, object.sensitive, object.data].map(<[u8]>::to_vec));
        ComponentValue { tag: 0x8000_0001, data: 7 }
    }
}

fn with_component() -> (TestTpm, Received) {
    let (mut tpm, received) = (TestTpm::started(), Received::default());
    tpm.tpm.attach(Box::new(Component(Arc::clone(&received))));
    (tpm, received)
}

#[test]
fn what_is_known_of_a_component() {
    let (mut tpm, _) = with_component();
    let get = |capability, count| AcGetCapability { ac: AC, capability: TpmAt(capability), count };
    let values = |response: &AcGetCapabilityResponse| -> Vec<(u32, u32)> {
        response.capabilities_data.iter().map(|value| (value.tag.0, value.data)).collect()
    };
    let all = tpm.run(&get(0, 100)).unwrap();
    assert_eq!((values(&all).len(), all.more_data.0), (4, false));
    let some = tpm.run(&get(3, 2)).unwrap();
    assert_eq!((values(&some), some.more_data.0), (vec![(3, 30), (4, 40)], true));
    let none = tpm.run(&get(9, 2)).unwrap();
    assert_eq!((values(&none), none.more_data.0), (vec![], false));
    let other = AcGetCapability { ac: TpmiRhAc(0x9000_0001), ..get(0, 1) };
    assert_eq!(tpm.run(&other), Err(TpmRc::VALUE.handle(1)));
    assert_eq!(tpm.run(&AcGetCapability { ac: TpmiRhAc(OWNER), ..get(0, 1) }), Err(TpmRc::VALUE.handle(1)));
}

/// A key that a policy for AC_Send opens.
fn key(tpm: &mut TestTpm, attributes: TpmaObject) -> (TpmiDhObject, TpmtPublic, TpmtSensitive) {
    let trial = start(tpm, TpmSe::Trial, SHA256).handle;
    tpm.run(&PolicyCommandCode { policy_session: trial, code: AcSend::INFO.code }).unwrap();
    let (mut public, private) = hmac_pair(b"key");
    public.auth_policy = digest_of(tpm, trial);
    public.object_attributes = public.object_attributes | attributes;
    let handle =
        tpm.run(&load_external(public.clone(), Some(private.clone()), TpmHandle::NULL.0)).unwrap().object_handle;
    (TpmiDhObject(handle.0), public, private)
}

fn send(send_object: TpmiDhObject, auth: u32) -> AcSend {
    let ac_data_in = Tpm2bMaxBuffer::from_slice(b"for you").unwrap();
    AcSend { send_object, auth_handle: TpmiRhNvAuth(auth), ac: AC, ac_data_in }
}

fn sessions(tpm: &mut TestTpm, code: TpmCc) -> [TpmsAuthCommand; 2] {
    let session = start(tpm, TpmSe::Policy, SHA256).handle;
    tpm.run(&PolicyCommandCode { policy_session: session, code }).unwrap();
    [policy(session.0), password(b"")]
}

#[test]
fn an_object_is_sent() {
    let (mut tpm, received) = with_component();
    let (handle, public, private) = key(&mut tpm, TpmaObject(0));
    for auth in [OWNER, PLATFORM] {
        let both = sessions(&mut tpm, AcSend::INFO.code);
        let answer = tpm.run_with(&send(handle, auth), &both).unwrap().ac_data_out;
        assert_eq!((answer.tag.0, answer.data), (0x8000_0001, 7));
    }
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0], [public.to_bytes(), private.to_bytes(), b"for you".to_vec()]);
}

fn define_alias(tpm: &mut TestTpm, attributes: TpmaNv) {
    let public = TpmsNvPublic {
        nv_index: TpmiRhNvIndex(ALIAS),
        name_alg: SHA256,
        attributes,
        auth_policy: Tpm2bDigest::default(),
        data_size: 8,
    };
    let define =
        NvDefineSpace { auth_handle: TpmiRhProvision(OWNER), auth: Tpm2bAuth::default(), public_info: Tpm2b(public) };
    tpm.run_auth(&define).unwrap();
}

#[test]
fn who_may_send() {
    let (mut tpm, received) = with_component();
    let (handle, ..) = key(&mut tpm, TpmaObject(0));
    let condition = "neither the owner nor the platform authorizes, and there is no NV alias";
    let other = NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(0x0100_0001),
            name_alg: SHA256,
            attributes: TpmaNv::AUTHWRITE | TpmaNv::AUTHREAD,
            auth_policy: Tpm2bDigest::default(),
            data_size: 8,
        }),
    };
    tpm.run_auth(&other).unwrap();
    let both = sessions(&mut tpm, AcSend::INFO.code);
    tpm.row_with(condition, &send(handle, 0x0100_0001), &both, TpmRc::HANDLE.handle(2));

    define_alias(&mut tpm, TpmaNv::AUTHWRITE | TpmaNv::AUTHREAD | TpmaNv::PPWRITE);
    let both = sessions(&mut tpm, AcSend::INFO.code);
    let not_allowed = TpmRc::NV_AUTHORIZATION;
    tpm.row_with("the NV alias does not allow it", &send(handle, OWNER), &both, not_allowed);
    let both = sessions(&mut tpm, AcSend::INFO.code);
    tpm.row_with("the NV alias does not allow it", &send(handle, 0x0100_0001), &both, not_allowed);
    for auth in [ALIAS, PLATFORM] {
        let both = sessions(&mut tpm, AcSend::INFO.code);
        tpm.run_with(&send(handle, auth), &both).unwrap();
    }
    assert_eq!(received.lock().unwrap().len(), 2);
}

#[test]
fn what_may_not_be_sent() {
    let (mut tpm, received) = with_component();
    let condition = "an object with fixedTPM, fixedParent or encryptedDuplication";
    let (handle, ..) = key(&mut tpm, TpmaObject::ENCRYPTED_DUPLICATION);
    let both = sessions(&mut tpm, AcSend::INFO.code);
    tpm.row_with(condition, &send(handle, OWNER), &both, TpmRc::ATTRIBUTES.handle(1));
    // A policy that any command satisfies does not satisfy the role.
    let (mut public, private) = hmac_pair(b"key");
    public.auth_policy = Tpm2bDigest::from_slice(&[0; 32]).unwrap();
    let handle = tpm.run(&load_external(public, Some(private), TpmHandle::NULL.0)).unwrap().object_handle;
    let session = start(&mut tpm, TpmSe::Policy, SHA256).handle;
    let condition = "a policy that does not name the command";
    let both = [policy(session.0), password(b"")];
    tpm.row_with(condition, &send(TpmiDhObject(handle.0), OWNER), &both, TpmRc::POLICY_FAIL.session(1));
    assert!(received.lock().unwrap().is_empty());
}
