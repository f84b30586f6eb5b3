//! What a profile lacks, through bytes: algorithm, curve, key size, command, sizes.

use crate::common::{self, TestTpm, frame, rc};
use crate::templates::*;
use ironroot_crypto_host::HOST;
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{CommandSet, OpenError, Profile, ProfileName, Tpm};
use ironroot_wire::{rules::KeySizes, *};

fn capability(tpm: &mut TestTpm, capability: TpmCap) -> TpmsCapabilityData {
    let property = if capability == TpmCap::Handles { 0x8000_0000 } else { 0 };
    tpm.run(&GetCapability { capability, property, property_count: 1000 }).unwrap().capability_data
}

fn property(tpm: &mut TestTpm, property: TpmPt) -> u32 {
    let command = GetCapability { capability: TpmCap::TpmProperties, property: property.0, property_count: 1 };
    match tpm.run(&command).unwrap().capability_data {
        TpmsCapabilityData::TpmProperties(list) => list[0].value,
        other => panic!("{other:?}"),
    }
}

fn create(tpm: &mut TestTpm, template: TpmtPublic) -> TpmRc {
    tpm.run_auth(&create_primary(PLATFORM, template)).map_or_else(|rc| rc, |_| TpmRc::SUCCESS)
}

#[test]
fn every_named_profile_is_valid_and_starts() {
    for profile in Profile::NAMED {
        profile.validate().unwrap();
        assert_eq!(Profile::named(profile.name.as_str()), Some(*profile));
        let mut tpm = TestTpm::with_profile(*profile);
        assert_eq!(create(&mut tpm, ecc_srk()), TpmRc::SUCCESS, "{}", profile.name);
        assert_eq!(property(&mut tpm, TpmPt::HR_TRANSIENT_MIN) as usize, profile.loaded_objects);
        assert_eq!(property(&mut tpm, TpmPt::HR_LOADED_MIN) as usize, profile.loaded_sessions);
        assert_eq!(property(&mut tpm, TpmPt::ACTIVE_SESSIONS_MAX) as usize, profile.active_sessions);
        assert_eq!(property(&mut tpm, TpmPt::HR_PERSISTENT_MIN) as usize, profile.persistent_objects);
        assert_eq!(property(&mut tpm, TpmPt::NV_INDEX_MAX), u32::from(profile.nv_index_max));
        assert_eq!(property(&mut tpm, TpmPt::MAX_COMMAND_SIZE) as usize, profile.max_command_size());
        assert_eq!(property(&mut tpm, TpmPt::MAX_RESPONSE_SIZE) as usize, profile.max_command_size());
    }
    assert_eq!(Profile::named("nothing"), None);
}

#[test]
fn capabilities_list_what_the_profile_has() {
    let mut tpm = TestTpm::with_profile(Profile::SMALL_ECC);
    let TpmsCapabilityData::Algorithms(algorithms) = capability(&mut tpm, TpmCap::Algs) else { panic!() };
    let listed: Vec<u16> = algorithms.iter().map(|entry| entry.alg.0).collect();
    assert_eq!(listed, Profile::SMALL_ECC.rules.algorithms.iter().collect::<Vec<_>>());
    assert!(listed.contains(&0x0023) && !listed.contains(&0x0001));
    let TpmsCapabilityData::EccCurves(curves) = capability(&mut tpm, TpmCap::EccCurves) else { panic!() };
    assert_eq!(curves.to_vec(), [TpmEccCurve::NistP256]);
    let TpmsCapabilityData::AssignedPcr(banks) = capability(&mut tpm, TpmCap::Pcrs) else { panic!() };
    assert_eq!(banks.iter().map(|bank| bank.hash).collect::<Vec<_>>(), [TpmiAlgHash::Sha256]);
}

#[test]
fn a_missing_algorithm_is_refused_as_an_unknown_one() {
    let mut tpm = TestTpm::with_profile(Profile::SMALL_ECC);
    assert_eq!(create(&mut tpm, rsa_srk()), TpmRc::TYPE.parameter(2));
    let hash = |hash_alg| Hash { data: Tpm2bMaxBuffer::default(), hash_alg, hierarchy: TpmiRhHierarchy(NULL) };
    assert_eq!(tpm.run(&hash(TpmiAlgHash::Sha1)).unwrap_err(), TpmRc::HASH.parameter(2));
    tpm.run(&hash(TpmiAlgHash::Sha256)).unwrap();
    let ecdaa = Profile {
        rules: Rules { algorithms: Profile::HOST.rules.algorithms.without(0x18), ..Profile::HOST.rules },
        ..Profile::HOST
    };
    let mut tpm = TestTpm::with_profile(ecdaa);
    assert_eq!(create(&mut tpm, ecdsa(OWN)), TpmRc::SCHEME.parameter(2));
    // The banks of PCR, too.
    let mut tpm = TestTpm::with_profile(Profile::FIPS);
    let selection =
        TpmlPcrSelection::new(vec![TpmsPcrSelection { hash: TpmiAlgHash::Sha1, pcr_select: TpmsPcrSelect::of(&[0]) }]);
    assert_eq!(tpm.run(&PcrRead { pcr_selection_in: selection }).unwrap_err(), TpmRc::HASH.parameter(1));
}

#[test]
fn a_missing_curve_or_key_size_is_refused() {
    let mut tpm = TestTpm::with_profile(Profile::SMALL_ECC);
    let mut p384 = ecc_srk();
    let PublicKind::Ecc(parms, _) = &mut p384.kind else { panic!() };
    parms.curve_id = TpmEccCurve::NistP384;
    assert_eq!(create(&mut tpm, p384.clone()), TpmRc::CURVE.parameter(2));
    let parameters = TpmtPublicParms::Ecc(TpmsEccParms {
        symmetric: None,
        scheme: None,
        curve_id: TpmEccCurve::NistP384,
        kdf: None,
    });
    assert_eq!(tpm.run(&TestParms { parameters }).unwrap_err(), TpmRc::CURVE.parameter(1));
    assert_eq!(create(&mut TestTpm::with_profile(Profile::PC_CLIENT), p384), TpmRc::SUCCESS);
    let mut aes256 = ecc_srk();
    let PublicKind::Ecc(parms, _) = &mut aes256.kind else { panic!() };
    parms.symmetric = aes(TpmiSymKeyBits::Bits256);
    assert_eq!(create(&mut tpm, aes256), TpmRc::VALUE.parameter(2));
    let rsa_bits = |bits| {
        let mut template = rsassa(OWN);
        let PublicKind::Rsa(parms, _) = &mut template.kind else { panic!() };
        parms.key_bits = TpmiRsaKeyBits::new(bits);
        template
    };
    let mut host = TestTpm::with_profile(Profile::HOST);
    assert_eq!(create(&mut host, rsa_bits(1024)), TpmRc::VALUE.parameter(2));
    let mut compatible = TestTpm::with_profile(Profile::COMPATIBLE);
    assert_eq!(create(&mut compatible, rsa_bits(1024)), TpmRc::SUCCESS);
    let only_3072 = Rules { rsa_key_bits: KeySizes::of(&[3072]), ..Profile::HOST.rules };
    let mut large = TestTpm::with_profile(Profile { rules: only_3072, ..Profile::HOST });
    assert_eq!(create(&mut large, rsa_bits(2048)), TpmRc::VALUE.parameter(2));
}

#[test]
fn a_disabled_command_is_unknown_and_not_listed() {
    let get_random = GetRandom { bytes_requested: 4 };
    let code = GetRandom::INFO.code;
    let mut tpm = TestTpm::with_profile(Profile { commands: CommandSet::ALL.without(code), ..Profile::HOST });
    assert_eq!(tpm.run(&get_random).unwrap_err(), TpmRc::COMMAND_CODE);
    let TpmsCapabilityData::Commands(listed) = capability(&mut tpm, TpmCap::Commands) else { panic!() };
    let mut host = TestTpm::started();
    host.run(&get_random).unwrap();
    let TpmsCapabilityData::Commands(all) = capability(&mut host, TpmCap::Commands) else { panic!() };
    let without: Vec<_> = all.iter().copied().filter(|cca| cca.0 & 0xFFFF != code.0).collect();
    assert_eq!(listed.to_vec(), without);
    assert_eq!(without.len() + 1, all.len());
    let total = property(&mut host, TpmPt::TOTAL_COMMANDS);
    assert_eq!(property(&mut tpm, TpmPt::TOTAL_COMMANDS) + 1, total);
}

#[test]
fn nv_indices_are_as_large_as_the_profile_says() {
    let define = |size| NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::default(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(0x0100_0000),
            name_alg: TpmiAlgHash::Sha256,
            attributes: TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::NO_DA,
            auth_policy: Tpm2bDigest::default(),
            data_size: size,
        }),
    };
    let mut tpm = TestTpm::with_profile(Profile { nv_index_max: 100, nv_space: 1024, ..Profile::HOST });
    assert_eq!(tpm.run_auth(&define(101)).unwrap_err(), TpmRc::SIZE.parameter(2));
    tpm.run_auth(&define(100)).unwrap();
    let mut tpm = TestTpm::with_profile(Profile { nv_space: 1024, ..Profile::HOST });
    assert_eq!(tpm.run_auth(&define(2048)).unwrap_err(), TpmRc::NV_SPACE);
    tpm.run_auth(&define(512)).unwrap();
}

#[test]
fn objects_and_sessions_are_as_many_as_the_profile_says() {
    let mut tpm = TestTpm::with_profile(Profile::PC_CLIENT);
    for _ in 0..3 {
        assert_eq!(create(&mut tpm, ecc_srk()), TpmRc::SUCCESS);
    }
    assert_eq!(create(&mut tpm, ecc_srk()), TpmRc::OBJECT_MEMORY);
}

#[test]
fn a_command_larger_than_the_buffer_is_refused() {
    let mut classical = Profile::HOST;
    classical.rules.ml_parameter_sets = TpmaMlParameterSet::NONE;
    let quantum = Profile {
        rules: Rules { ml_parameter_sets: TpmaMlParameterSet::ML_KEM_768, ..Profile::HOST.rules },
        ..Profile::HOST
    };
    for (profile, buffer) in [(classical, 4096), (quantum, 8192)] {
        let mut tpm = TestTpm::with_profile(profile);
        assert_eq!(property(&mut tpm, TpmPt::MAX_COMMAND_SIZE), buffer);
        let get_random = GetRandom::INFO.code.0;
        let fitting = frame(TpmSt::NoSessions, get_random, &vec![0; buffer as usize - 10]);
        assert_eq!(rc(&tpm.raw(&fitting)), TpmRc::SIZE);
        let long = frame(TpmSt::NoSessions, get_random, &vec![0; buffer as usize - 9]);
        assert_eq!(rc(&tpm.raw(&long)), TpmRc::COMMAND_SIZE);
    }
}

#[test]
fn a_tpm_keeps_its_profile_for_life() {
    let storage = MemoryStorage::new();
    let entropy = || Box::new(TestEntropy::new(9));
    let small = Profile::SMALL_ECC;
    Tpm::manufacture(Box::new(storage.clone()), entropy(), &HOST, small, common::seeds()).unwrap();
    let open = |profile: Option<Profile>| {
        Tpm::open(Box::new(storage.clone()), entropy(), &HOST, profile, common::seeds()).map(|tpm| *tpm.profile())
    };
    assert_eq!(open(None).unwrap(), small);
    assert_eq!(open(Some(small)).unwrap(), small);
    let (has, wanted) = (small.name, Profile::HOST.name);
    assert_eq!(open(Some(Profile::HOST)).unwrap_err(), OpenError::OtherProfile { has, wanted });
    let changed = Profile { loaded_objects: 9, ..small };
    assert_eq!(open(Some(changed)).unwrap_err(), OpenError::OtherProfile { has, wanted: has });
    // A built-in profile that has grown since is still the one of that name; the TPM stays as it is.
    let older = Profile { loaded_objects: 32, ..Profile::HOST };
    let storage = MemoryStorage::new();
    Tpm::manufacture(Box::new(storage.clone()), entropy(), &HOST, older, common::seeds()).unwrap();
    let tpm = Tpm::open(Box::new(storage), entropy(), &HOST, Profile::HOST, common::seeds()).unwrap();
    assert_eq!(*tpm.profile(), older);
}

#[test]
fn a_profile_that_no_tpm_can_have_is_refused() {
    let profile = Profile { name: ProfileName::new("tiny").unwrap(), loaded_objects: 1, ..Profile::HOST };
    let storage = MemoryStorage::new();
    let made =
        Tpm::manufacture(Box::new(storage.clone()), Box::new(TestEntropy::new(9)), &HOST, profile, common::seeds());
    assert!(matches!(made, Err(OpenError::Profile(error)) if error.field == "loadedObjects"));
    assert!(
        Tpm::manufacture(Box::new(storage), Box::new(TestEntropy::new(9)), &HOST, Profile::HOST, common::seeds())
            .is_ok()
    );
}

#[test]
fn a_missing_parameter_set_is_refused() {
    let rules = Rules { ml_parameter_sets: TpmaMlParameterSet::ML_KEM_768, ..Profile::HOST.rules };
    let mut tpm = TestTpm::with_profile(Profile { rules, ..Profile::HOST });
    let test = |parameters: TpmiMlkemParms| TestParms {
        parameters: TpmtPublicParms::Mlkem(TpmsMlkemParms { symmetric: None, parameter_set: parameters }),
    };
    tpm.run(&test(TpmiMlkemParms::MlKem768)).unwrap();
    assert_eq!(tpm.run(&test(TpmiMlkemParms::MlKem1024)).unwrap_err(), TpmRc::PARMS.parameter(1));
    assert_eq!(property(&mut tpm, TpmPt::ML_PARAMETER_SETS), TpmaMlParameterSet::ML_KEM_768.0);
    TestTpm::started().run(&test(TpmiMlkemParms::MlKem1024)).unwrap();
}
