//! Persistent objects (Part 3, 28.5): public areas alone, and what `TPM2_Clear` and new seeds leave.

use crate::common::{TestTpm, password};
use crate::outside::load_external;
use crate::templates::{keys::*, *};
use ironroot_crypto::hash::digest;
use ironroot_tpm::Profile;
use ironroot_wire::*;

const HERE: u32 = 0x8100_0001;
const PLATFORMS: u32 = 0x8180_0001;

fn evict(auth: u32, object: u32, persistent: u32) -> EvictControl {
    EvictControl {
        auth: TpmiRhProvision(auth),
        object_handle: TpmiDhObject(object),
        persistent_handle: TpmiDhPersistent(persistent),
    }
}

fn flush(tpm: &mut TestTpm, handle: u32) {
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle) }).unwrap();
}

fn keep(tpm: &mut TestTpm, hierarchy: u32, persistent: u32) {
    let auth = if hierarchy == PLATFORM { PLATFORM } else { OWNER };
    let key = tpm.run_auth(&create_primary(hierarchy, ecdsa(OWN))).unwrap().object_handle.0;
    tpm.run_auth(&evict(auth, key, persistent)).unwrap();
    flush(tpm, key);
}

fn external(tpm: &mut TestTpm, public: TpmtPublic, hierarchy: u32) -> u32 {
    tpm.run(&load_external(public, None, hierarchy)).unwrap().object_handle.0
}

fn persistent(tpm: &mut TestTpm) -> Vec<u32> {
    let get = GetCapability { capability: TpmCap::Handles, property: 0x8100_0000, property_count: 100 };
    match tpm.run(&get).unwrap().capability_data {
        TpmsCapabilityData::Handles(handles) => handles.iter().map(|handle| handle.0).collect(),
        other => panic!("{other:?}"),
    }
}

/// A signature of a key, and the key's public area.
fn signature(tpm: &mut TestTpm, message: &[u8]) -> (TpmtPublic, Tpm2bDigest, TpmtSignature) {
    let made = tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).unwrap();
    let digest = Tpm2bDigest::from_slice(&digest(TpmiAlgHash::Sha256, &[message])).unwrap();
    let sign = Sign {
        key_handle: TpmiDhObject(made.object_handle.0),
        digest: digest.clone(),
        in_scheme: None,
        validation: TpmtTkHashcheck {
            tag: TpmSt::Hashcheck,
            hierarchy: TpmiRhHierarchy(NULL),
            digest: Tpm2bDigest::default(),
        },
    };
    let signature = tpm.run_auth(&sign).unwrap().signature;
    flush(tpm, made.object_handle.0);
    (made.out_public.0, digest, signature)
}

#[test]
fn a_public_area_alone_becomes_persistent_and_verifies() {
    let mut tpm = TestTpm::started();
    let (public, digest, signature) = signature(&mut tpm, b"message");
    let key = external(&mut tpm, public.clone(), OWNER);
    tpm.run_auth(&evict(OWNER, key, HERE)).unwrap();
    let name = tpm.run(&ReadPublic { object_handle: TpmiDhObject(key) }).unwrap().name;
    // After a power cycle it is what it was, and has no private part.
    tpm.power_cycle();
    let read = tpm.run(&ReadPublic { object_handle: TpmiDhObject(HERE) }).unwrap();
    assert_eq!((read.name, read.out_public.0.0), (name, public));
    let verify =
        VerifySignature { key_handle: TpmiDhObject(HERE), digest: digest.clone(), signature: signature.clone() };
    let ticket = tpm.run(&verify).unwrap().validation;
    assert_eq!(ticket.hierarchy, TpmiRhHierarchy(OWNER));
    let other = Tpm2bDigest::from_slice(&[1; 32]).unwrap();
    let wrong = VerifySignature { digest: other.clone(), ..verify };
    assert_eq!(tpm.run(&wrong), Err(TpmRc::SIGNATURE.parameter(2)));
    let sign = Sign { key_handle: TpmiDhObject(HERE), digest: other, in_scheme: None, validation: null_ticket() };
    assert_eq!(tpm.run_auth(&sign), Err(TpmRc::AUTH_UNAVAILABLE));
    tpm.run_auth(&evict(OWNER, HERE, HERE)).unwrap();
    assert!(persistent(&mut tpm).is_empty());
}

fn null_ticket() -> TpmtTkHashcheck {
    TpmtTkHashcheck { tag: TpmSt::Hashcheck, hierarchy: TpmiRhHierarchy(NULL), digest: Tpm2bDigest::default() }
}

#[test]
fn a_public_area_is_persistent_where_its_hierarchy_allows() {
    let mut tpm = TestTpm::started();
    let refused = |tpm: &mut TestTpm, command: EvictControl, rc: TpmRc| assert_eq!(tpm.run_auth(&command), Err(rc));
    let nobodys = external(&mut tpm, ec_public(), NULL);
    refused(&mut tpm, evict(OWNER, nobodys, HERE), TpmRc::ATTRIBUTES.handle(2));
    let platforms = external(&mut tpm, ec_public(), PLATFORM);
    refused(&mut tpm, evict(OWNER, platforms, HERE), TpmRc::HIERARCHY.handle(2));
    refused(&mut tpm, evict(PLATFORM, platforms, HERE), TpmRc::RANGE.parameter(1));
    tpm.run_auth(&evict(PLATFORM, platforms, PLATFORMS)).unwrap();
    let endorsement = external(&mut tpm, ec_public(), ENDORSEMENT);
    refused(&mut tpm, evict(PLATFORM, endorsement, PLATFORMS + 1), TpmRc::HIERARCHY.handle(2));
    tpm.run_auth(&evict(OWNER, endorsement, HERE)).unwrap();
    let owners = external(&mut tpm, ec_public(), OWNER);
    refused(&mut tpm, evict(OWNER, owners, HERE), TpmRc::NV_DEFINED);
    // An external key with its private part is nobody's.
    let (public, private) = (ec_public(), Some(ec_private()));
    let both = tpm.run(&load_external(public, private, NULL)).unwrap().object_handle.0;
    refused(&mut tpm, evict(OWNER, both, HERE + 1), TpmRc::ATTRIBUTES.handle(2));
}

#[test]
fn clear_leaves_no_object_of_the_owner_or_the_privacy_administrator() {
    let mut tpm = TestTpm::started();
    keep(&mut tpm, OWNER, HERE);
    keep(&mut tpm, ENDORSEMENT, HERE + 1);
    keep(&mut tpm, PLATFORM, PLATFORMS);
    for (hierarchy, handle) in [(OWNER, HERE + 2), (ENDORSEMENT, HERE + 3)] {
        let key = external(&mut tpm, ec_public(), hierarchy);
        tpm.run_auth(&evict(OWNER, key, handle)).unwrap();
        flush(&mut tpm, key);
    }
    let contexts = [OWNER, ENDORSEMENT, PLATFORM].map(|hierarchy| {
        let key = tpm.run_auth(&create_primary(hierarchy, ecdsa(OWN))).unwrap().object_handle.0;
        let context = tpm.run(&ContextSave { save_handle: TpmiDhContext(key) }).unwrap().context;
        (key, context)
    });
    assert_eq!(persistent(&mut tpm).len(), 5);
    tpm.run_auth(&Clear { auth_handle: TpmiRhClear(PLATFORM) }).unwrap();
    for restarted in [false, true] {
        assert_eq!(persistent(&mut tpm), [PLATFORMS], "{restarted}");
        for handle in HERE..HERE + 4 {
            let read = ReadPublic { object_handle: TpmiDhObject(handle) };
            assert_eq!(tpm.run(&read).err(), Some(TpmRc::HANDLE.handle(1)));
        }
        tpm.run(&ReadPublic { object_handle: TpmiDhObject(PLATFORMS) }).unwrap();
        if !restarted {
            // Neither loaded nor saved.
            for (number, (key, context)) in contexts.iter().enumerate() {
                let loaded = tpm.run(&ReadPublic { object_handle: TpmiDhObject(*key) }).is_ok();
                let restored = tpm.run(&ContextLoad { context: context.clone() }).err();
                let expected = (number < 2).then_some(TpmRc::INTEGRITY.parameter(1));
                assert_eq!((loaded, restored), (number == 2, expected));
            }
            tpm.power_cycle();
        }
    }
}

/// `TPM_PT_MEMORY` says that each kind has memory of its own.
#[test]
fn neither_full_slots_nor_full_nv_keep_persistent_objects_away() {
    let mut tpm = TestTpm::with_profile(Profile::PC_CLIENT);
    let get =
        |property: TpmPt| GetCapability { capability: TpmCap::TpmProperties, property: property.0, property_count: 1 };
    let value = |tpm: &mut TestTpm, property| match tpm.run(&get(property)).unwrap().capability_data {
        TpmsCapabilityData::TpmProperties(list) => list[0].value,
        other => panic!("{other:?}"),
    };
    assert_eq!(value(&mut tpm, TpmPt::MEMORY), 0);
    assert!(value(&mut tpm, TpmPt::MAX_OBJECT_CONTEXT) < value(&mut tpm, TpmPt::MAX_RESPONSE_SIZE));
    // NV is full of an index that leaves no room for another.
    let mut index = 0x0150_0000;
    let define = |index, data_size| NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(index),
            name_alg: TpmiAlgHash::Sha256,
            attributes: TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE,
            auth_policy: Tpm2bDigest::default(),
            data_size,
        }),
    };
    for size in [2048, 256, 16, 0] {
        while tpm.run_auth(&define(index, size)).is_ok() {
            index += 1;
        }
    }
    assert_eq!(tpm.run_auth(&define(index, 0)), Err(TpmRc::NV_SPACE));
    keep(&mut tpm, OWNER, HERE);
    // The slots are full, too.
    while tpm.run_auth(&create_primary(OWNER, ecdsa(OWN))).is_ok() {}
    let digest = Tpm2bDigest::from_slice(&[1; 32]).unwrap();
    let sign = Sign { key_handle: TpmiDhObject(HERE), digest, in_scheme: None, validation: null_ticket() };
    tpm.run_auth(&sign).unwrap();
}

#[test]
fn a_new_seed_takes_its_objects_along() {
    let mut tpm = TestTpm::started();
    keep(&mut tpm, OWNER, HERE);
    keep(&mut tpm, ENDORSEMENT, HERE + 1);
    keep(&mut tpm, PLATFORM, PLATFORMS);
    let key = external(&mut tpm, ec_public(), PLATFORM);
    tpm.run_auth(&evict(PLATFORM, key, PLATFORMS + 1)).unwrap();
    tpm.run_with(&ChangeEps { auth_handle: TpmiRhPlatform(PLATFORM) }, &[password(b"")]).unwrap();
    assert_eq!(persistent(&mut tpm), [HERE, PLATFORMS, PLATFORMS + 1]);
    tpm.run_with(&ChangePps { auth_handle: TpmiRhPlatform(PLATFORM) }, &[password(b"")]).unwrap();
    assert_eq!(persistent(&mut tpm), [HERE]);
    tpm.power_cycle();
    assert_eq!(persistent(&mut tpm), [HERE]);
}
