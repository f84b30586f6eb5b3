//! Firmware-limited and SVN-limited hierarchies (Part 1, clause 41; Part 2, 8.3.3.8 and 8.3.3.9), through bytes.

use crate::common::{TestTpm, password};
use crate::templates::*;
use ironroot_crypto::hash::digest;
use ironroot_platform::{UnmeasuredFirmware, memory::TestFirmware};
use ironroot_tpm::FIRMWARE_VERSION;
use ironroot_wire::*;

const FW_OWNER: u32 = TpmHandle::FW_OWNER.0;
const FW_ENDORSEMENT: u32 = TpmHandle::FW_ENDORSEMENT.0;
const FW_PLATFORM: u32 = TpmHandle::FW_PLATFORM.0;
const FW_NULL: u32 = TpmHandle::FW_NULL.0;
const SVN_OWNER: u32 = TpmHandle::SVN_OWNER_BASE.0;
const SVN_NULL: u32 = TpmHandle::SVN_NULL_BASE.0;
const FIRMWARE: TestFirmware = TestFirmware { image: 1, svn: 4 };

fn measured(firmware: TestFirmware) -> TestTpm {
    let mut tpm = TestTpm::manufactured();
    tpm.tpm.set_firmware(Box::new(firmware));
    tpm.startup(TpmSu::Clear).unwrap();
    tpm
}

/// Another firmware is started on the device.
fn update(tpm: &mut TestTpm, firmware: TestFirmware) {
    tpm.reopen();
    tpm.tpm.set_firmware(Box::new(firmware));
    tpm.startup(TpmSu::Clear).unwrap();
}

fn primary(tpm: &mut TestTpm, hierarchy: u32, public: TpmtPublic) -> Result<CreatePrimaryResponse, TpmRc> {
    let made = tpm.run_auth(&create_primary(hierarchy, public))?;
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(made.object_handle.0) }).unwrap();
    Ok(made)
}

fn keep(tpm: &mut TestTpm, hierarchy: u32, public: TpmtPublic) -> u32 {
    tpm.run_auth(&create_primary(hierarchy, public)).unwrap().object_handle.0
}

fn key_of(tpm: &mut TestTpm, hierarchy: u32) -> Vec<u8> {
    primary(tpm, hierarchy, ecc_srk()).unwrap().out_public.to_bytes()
}

fn load(tpm: &mut TestTpm, parent: u32, made: &CreateResponse) -> Result<u32, TpmRc> {
    let (in_private, in_public) = (made.out_private.clone(), made.out_public.clone());
    let command = Load { parent_handle: TpmiDhObject(parent), in_private, in_public };
    tpm.run_auth(&command).map(|loaded| loaded.object_handle.0)
}

fn property(tpm: &mut TestTpm, property: TpmPt) -> u32 {
    let get = GetCapability { capability: TpmCap::TpmProperties, property: property.0, property_count: 1 };
    match tpm.run(&get).unwrap().capability_data {
        TpmsCapabilityData::TpmProperties(list) => list[0].value,
        other => panic!("{other:?}"),
    }
}

fn hash(hierarchy: u32) -> Hash {
    Hash {
        data: Tpm2bMaxBuffer::from_slice(b"message").unwrap(),
        hash_alg: TpmiAlgHash::Sha256,
        hierarchy: TpmiRhHierarchy(hierarchy),
    }
}

fn every_limited(svn: u32) -> [u32; 8] {
    [
        FW_OWNER,
        FW_ENDORSEMENT,
        FW_PLATFORM,
        FW_NULL,
        SVN_OWNER + svn,
        TpmHandle::SVN_ENDORSEMENT_BASE.0 + svn,
        TpmHandle::SVN_PLATFORM_BASE.0 + svn,
        SVN_NULL + svn,
    ]
}

#[test]
fn without_secrets_there_are_none() {
    let mut tpm = TestTpm::started();
    let (firmware, svn) = (TpmRc::FW_LIMITED, TpmRc::SVN_LIMITED);
    for (number, handle) in every_limited(0).into_iter().enumerate() {
        let code = if number < 4 { firmware } else { svn };
        assert_eq!(primary(&mut tpm, handle, ecc_srk()).err(), Some(code.handle(1)), "{handle:#x}");
        let create = CreateLoaded {
            parent_handle: TpmiDhParent(handle),
            in_sensitive: secret(b"", b""),
            in_public: Tpm2bTemplate::from_slice(&ecc_srk().to_bytes()).unwrap(),
        };
        assert_eq!(tpm.run_auth(&create).err(), Some(code.handle(1)), "{handle:#x}");
        assert_eq!(tpm.run(&hash(handle)).err(), Some(code), "{handle:#x}");
    }
    assert_eq!(property(&mut tpm, TpmPt::FIRMWARE_SVN), 0);
    // What is next to them is no handle at all.
    for handle in [FW_OWNER - 1, FW_NULL + 1, SVN_OWNER - 1, SVN_NULL + 0x1_0000] {
        assert_eq!(primary(&mut tpm, handle, ecc_srk()).err(), Some(TpmRc::VALUE.handle(1)), "{handle:#x}");
    }
}

#[test]
fn each_has_keys_of_its_own_that_come_again_with_its_firmware() {
    let mut tpm = measured(FIRMWARE);
    assert_eq!(property(&mut tpm, TpmPt::FIRMWARE_SVN), 4);
    assert_eq!(property(&mut tpm, TpmPt::FIRMWARE_MAX_SVN), 0xFFFF);
    let hierarchies: Vec<u32> =
        [OWNER, ENDORSEMENT, PLATFORM, NULL].into_iter().chain(every_limited(0)).chain(every_limited(4)).collect();
    let mut keys: Vec<Vec<u8>> = hierarchies.iter().map(|&handle| key_of(&mut tpm, handle)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 12 + 4, "the firmware-limited ones are in there twice");

    let all = |tpm: &mut TestTpm| [FW_OWNER, SVN_OWNER, SVN_OWNER + 4].map(|handle| key_of(tpm, handle));
    let before = all(&mut tpm);
    update(&mut tpm, FIRMWARE);
    assert_eq!(all(&mut tpm), before);
    // Another image of the same SVN, and of a higher one: its own key, and the same under the SVN.
    for svn in [4, 9] {
        update(&mut tpm, TestFirmware { image: 2, svn });
        let now = all(&mut tpm);
        assert_ne!(now[0], before[0]);
        assert_eq!(now[1..], before[1..]);
    }
    // A lower one does not reach it.
    update(&mut tpm, TestFirmware { image: 1, svn: 3 });
    assert_eq!(key_of(&mut tpm, FW_OWNER), before[0]);
    assert_eq!(key_of(&mut tpm, SVN_OWNER), before[1]);
    assert_eq!(primary(&mut tpm, SVN_OWNER + 4, ecc_srk()).err(), Some(TpmRc::SVN_LIMITED.handle(1)));
    update(&mut tpm, FIRMWARE);
    assert_eq!(all(&mut tpm), before, "and back again");
}

#[test]
fn the_attributes_say_what_is_limited() {
    const FW: A = A::FIRMWARE_LIMITED;
    const SVN: A = A::SVN_LIMITED;
    let mut tpm = measured(FIRMWARE);
    let attributes = Some(TpmRc::ATTRIBUTES.parameter(2));
    for (hierarchy, allowed) in [(OWNER, A::NONE), (FW_OWNER, FW), (SVN_OWNER + 1, SVN)] {
        for limit in [FW, SVN, FW | SVN] {
            let expected = if limit == allowed { None } else { attributes };
            assert_eq!(primary(&mut tpm, hierarchy, ecdsa(OWN | limit)).err(), expected, "{hierarchy:#x} {limit:?}");
        }
        // Of those that can be duplicated, none; and none is allowed to be neither.
        if allowed != A::NONE {
            assert_eq!(primary(&mut tpm, hierarchy, ecdsa(MOBILE | allowed)).err(), attributes);
        }
        primary(&mut tpm, hierarchy, ecdsa(OWN)).unwrap();
    }
    // A child has what its parent has, at most.
    let srk = |limit| ecc(OWN | STORAGE | limit, aes128(), None);
    for (hierarchy, limit) in [(FW_ENDORSEMENT, FW), (SVN_NULL + 4, SVN)] {
        let limited = keep(&mut tpm, hierarchy, srk(limit));
        let unlimited = keep(&mut tpm, hierarchy, srk(A::NONE));
        assert_eq!(tpm.run_auth(&create(unlimited, ecdsa(OWN | limit), b"", b"")).err(), attributes);
        for limit in [limit, A::NONE] {
            let made = tpm.run_auth(&create(limited, ecdsa(OWN | limit), b"", b"")).unwrap();
            load(&mut tpm, limited, &made).unwrap();
        }
    }
}

#[test]
fn what_was_made_under_one_firmware_does_not_load_under_another() {
    let mut tpm = measured(FIRMWARE);
    let parent = keep(&mut tpm, FW_OWNER, ecc_srk());
    let below = tpm.run_auth(&create(parent, sealed(), b"", b"secret")).unwrap();
    let svn_parent = keep(&mut tpm, SVN_OWNER + 4, ecc_srk());
    let svn_below = tpm.run_auth(&create(svn_parent, sealed(), b"", b"secret")).unwrap();
    let unseal = |tpm: &mut TestTpm, item| tpm.run_auth(&Unseal { item_handle: TpmiDhObject(item) }).unwrap().out_data;

    update(&mut tpm, TestFirmware { image: 2, svn: 5 });
    let parent = keep(&mut tpm, FW_OWNER, ecc_srk());
    assert_eq!(load(&mut tpm, parent, &below), Err(TpmRc::INTEGRITY.parameter(1)));
    let svn_parent = keep(&mut tpm, SVN_OWNER + 4, ecc_srk());
    let item = load(&mut tpm, svn_parent, &svn_below).unwrap();
    assert_eq!(*unseal(&mut tpm, item), *b"secret");
    assert_eq!(load(&mut tpm, svn_parent, &below), Err(TpmRc::INTEGRITY.parameter(1)));

    update(&mut tpm, FIRMWARE);
    let parent = keep(&mut tpm, FW_OWNER, ecc_srk());
    let item = load(&mut tpm, parent, &below).unwrap();
    assert_eq!(*unseal(&mut tpm, item), *b"secret");
}

#[test]
fn names_creation_data_and_tickets_say_the_hierarchy() {
    let mut tpm = measured(FIRMWARE);
    for hierarchy in [FW_OWNER, SVN_OWNER + 2] {
        let made = tpm.run_auth(&create_primary(hierarchy, ecdsa(OWN))).unwrap();
        let key = made.object_handle;
        let handle = hierarchy.to_be_bytes();
        assert_eq!(*made.creation_data.0.parent_name, handle);
        assert_eq!(*made.creation_data.0.parent_qualified_name, handle);
        assert_eq!(made.creation_ticket.hierarchy, TpmiRhHierarchy(hierarchy));
        let read = tpm.run(&ReadPublic { object_handle: TpmiDhObject(key.0) }).unwrap();
        let qualified = digest(TpmiAlgHash::Sha256, &[&handle, &read.name]);
        assert_eq!(read.qualified_name[2..], *qualified);

        let certify = CertifyCreation {
            sign_handle: Some(TpmiDhObject(key.0)),
            object_handle: TpmiDhObject(key.0),
            qualifying_data: Tpm2bData::default(),
            creation_hash: made.creation_hash.clone(),
            in_scheme: None,
            creation_ticket: made.creation_ticket.clone(),
        };
        tpm.run_auth(&certify).unwrap();
        // The tickets of one hierarchy are none of another, its own base included.
        for other in [OWNER, FW_ENDORSEMENT, SVN_OWNER, SVN_OWNER + 3, FW_NULL] {
            let creation_ticket =
                TpmtTkCreation { hierarchy: TpmiRhHierarchy(other), ..certify.creation_ticket.clone() };
            let refused = tpm.run_auth(&CertifyCreation { creation_ticket, ..certify.clone() }).err();
            assert_eq!(refused, Some(TpmRc::TICKET.parameter(4)), "{other:#x}");
        }
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(key.0) }).unwrap();
        let ticket = tpm.run(&hash(hierarchy)).unwrap().validation;
        assert_eq!(ticket.hierarchy, TpmiRhHierarchy(hierarchy));
        assert!(!ticket.digest.is_empty());
    }
    assert_eq!(tpm.run(&hash(SVN_OWNER + 5)).err(), Some(TpmRc::SVN_LIMITED));
}

#[test]
fn contexts_are_of_their_firmware() {
    let mut tpm = measured(FIRMWARE);
    for (hierarchy, other, code) in [
        (FW_OWNER, TestFirmware { image: 2, svn: 4 }, TpmRc::INTEGRITY),
        (FW_NULL, TestFirmware { image: 2, svn: 9 }, TpmRc::INTEGRITY),
        (SVN_OWNER + 4, TestFirmware { image: 1, svn: 3 }, TpmRc::SVN_LIMITED),
        (SVN_NULL + 1, TestFirmware { image: 1, svn: 0 }, TpmRc::SVN_LIMITED),
    ] {
        let key = keep(&mut tpm, hierarchy, ecdsa(OWN));
        let context = tpm.run(&ContextSave { save_handle: TpmiDhContext(key) }).unwrap().context;
        assert_eq!(context.hierarchy, TpmiRhHierarchy(hierarchy));
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(key) }).unwrap();
        tpm.tpm.set_firmware(Box::new(other));
        assert_eq!(tpm.run(&ContextLoad { context: context.clone() }).err(), Some(code.parameter(1)));
        tpm.tpm.set_firmware(Box::new(UnmeasuredFirmware));
        assert!(tpm.run(&ContextLoad { context: context.clone() }).is_err());
        tpm.tpm.set_firmware(Box::new(FIRMWARE));
        let again = tpm.run(&ContextLoad { context }).unwrap().loaded_handle;
        tpm.run(&FlushContext { flush_handle: again }).unwrap();
    }
}

#[test]
fn none_becomes_persistent() {
    let mut tpm = measured(FIRMWARE);
    let evict = |auth, object, persistent| EvictControl {
        auth: TpmiRhProvision(auth),
        object_handle: TpmiDhObject(object),
        persistent_handle: TpmiDhPersistent(persistent),
    };
    for hierarchy in every_limited(1) {
        let key = keep(&mut tpm, hierarchy, ecdsa(OWN));
        for (auth, persistent) in [(OWNER, 0x8100_0001), (PLATFORM, 0x8180_0001)] {
            let condition = "an object of a firmware-limited or SVN-limited hierarchy";
            tpm.row(condition, &evict(auth, key, persistent), TpmRc::ATTRIBUTES.handle(2));
        }
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(key) }).unwrap();
    }
}

#[test]
fn authorization_enables_and_seeds_are_those_of_the_base() {
    let mut tpm = measured(FIRMWARE);
    let before = [FW_OWNER, FW_ENDORSEMENT, FW_PLATFORM].map(|handle| key_of(&mut tpm, handle));
    let change = |handle: u32, auth: &[u8]| HierarchyChangeAuth {
        auth_handle: TpmiRhHierarchyAuth(handle),
        new_auth: Tpm2bAuth::from_slice(auth).unwrap(),
    };
    for (base, limited) in [(OWNER, FW_OWNER), (ENDORSEMENT, FW_ENDORSEMENT), (PLATFORM, FW_PLATFORM)] {
        tpm.run_auth(&change(base, b"auth")).unwrap();
        assert_eq!(primary(&mut tpm, limited, ecc_srk()).err(), Some(TpmRc::BAD_AUTH.session(1)), "{base:#x}");
        let key = tpm.run_with(&create_primary(limited, ecc_srk()), &[password(b"auth")]).unwrap().object_handle;
        tpm.run_with(&change(base, b""), &[password(b"auth")]).unwrap();
        if base == PLATFORM {
            tpm.run(&FlushContext { flush_handle: TpmiDhContext(key.0) }).unwrap();
            continue;
        }
        let control = |state| HierarchyControl {
            auth_handle: TpmiRhBaseHierarchy(PLATFORM),
            enable: TpmiRhEnables(base),
            state: TpmiYesNo(state),
        };
        tpm.run_auth(&control(false)).unwrap();
        assert_eq!(primary(&mut tpm, limited, ecc_srk()).err(), Some(TpmRc::HIERARCHY.handle(1)));
        let gone = ReadPublic { object_handle: TpmiDhObject(key.0) };
        assert_eq!(tpm.run(&gone).err(), Some(TpmRc::REFERENCE_H0), "its objects go with it");
        tpm.run_auth(&control(true)).unwrap();
    }
    // TPM2_Clear takes the owner's along; the endorsement and platform keys stay, as without a limit.
    let key = keep(&mut tpm, FW_OWNER, ecc_srk());
    tpm.run_auth(&Clear { auth_handle: TpmiRhClear(PLATFORM) }).unwrap();
    assert!(tpm.run(&ReadPublic { object_handle: TpmiDhObject(key) }).is_err());
    let after = [FW_OWNER, FW_ENDORSEMENT, FW_PLATFORM].map(|handle| key_of(&mut tpm, handle));
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1..], before[1..]);
    let key = keep(&mut tpm, FW_PLATFORM, ecc_srk());
    tpm.run_auth(&ChangePps { auth_handle: TpmiRhPlatform(PLATFORM) }).unwrap();
    assert!(tpm.run(&ReadPublic { object_handle: TpmiDhObject(key) }).is_err());
    assert_ne!(key_of(&mut tpm, FW_PLATFORM), before[2]);
}

#[test]
fn attestations_say_the_version_as_the_base_does() {
    let mut tpm = measured(FIRMWARE);
    for (hierarchy, plain) in [(FW_ENDORSEMENT, true), (SVN_OWNER, false), (FW_OWNER, false), (FW_PLATFORM, true)] {
        let key = keep(
            &mut tpm,
            hierarchy,
            ecc(OWN | SIGN | A::RESTRICTED, None, Some(TpmtEccScheme::Ecdsa(TpmiAlgHash::Sha256))),
        );
        let certify = Certify {
            object_handle: TpmiDhObject(key),
            sign_handle: Some(TpmiDhObject(key)),
            qualifying_data: Tpm2bData::default(),
            in_scheme: None,
        };
        let attest = tpm.run_auth(&certify).unwrap().certify_info;
        let attest = TpmsAttest::unmarshal(&mut Reader::new(&attest, &Rules::ALL)).unwrap();
        assert_eq!(attest.firmware_version == FIRMWARE_VERSION, plain, "{hierarchy:#x}");
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(key) }).unwrap();
    }
}

#[test]
fn a_tpm_that_moves_to_another_firmware_leaves_them_behind() {
    for (other, kept) in [
        (FIRMWARE, [true, true, true]),
        (TestFirmware { image: 2, svn: 4 }, [false, true, true]),
        (TestFirmware { image: 2, svn: 3 }, [false, false, true]),
    ] {
        let mut tpm = measured(FIRMWARE);
        let keys = [FW_OWNER, SVN_OWNER + 4, OWNER].map(|handle| keep(&mut tpm, handle, ecdsa(OWN)));
        let blob = tpm.tpm.save_volatile();
        tpm.reopen();
        tpm.tpm.set_firmware(Box::new(other));
        tpm.tpm.restore_volatile(tpm.now, &blob).unwrap();
        let there = keys.map(|key| tpm.run(&ReadPublic { object_handle: TpmiDhObject(key) }).is_ok());
        assert_eq!(there, kept, "{other:?}");
    }
}

/// A public area that says so may be loaded alone, so that a signature by such a key can be verified.
#[test]
fn public_areas_load_from_outside() {
    let mut tpm = measured(FIRMWARE);
    let made = primary(&mut tpm, FW_OWNER, ecdsa(OWN | A::FIRMWARE_LIMITED)).unwrap();
    let external = |hierarchy| LoadExternal {
        in_private: Tpm2bOption(None),
        in_public: Tpm2b(TpmtPublicPlus(made.out_public.0.clone())),
        hierarchy: TpmiRhHierarchy(hierarchy),
    };
    assert_eq!(tpm.run(&external(OWNER)).unwrap().name, made.name);
    assert_eq!(tpm.run(&external(SVN_OWNER + 4)).unwrap().name, made.name);
    assert_eq!(tpm.run(&external(SVN_OWNER + 5)).err(), Some(TpmRc::SVN_LIMITED.parameter(3)));
    tpm.tpm.set_firmware(Box::new(UnmeasuredFirmware));
    assert_eq!(tpm.run(&external(FW_OWNER)).err(), Some(TpmRc::FW_LIMITED.parameter(3)));
}
