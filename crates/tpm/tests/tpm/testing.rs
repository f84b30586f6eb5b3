//! Self-tests through bytes, with a provider that computes wrongly.

use crate::common::{TestTpm, encode, frame, password, rc, rows};
use crate::faulty::{Faulty, Wrong};
use crate::templates::*;
use ironroot_crypto::Provider;
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::Profile;
use ironroot_wire::*;

fn test_result(tpm: &mut TestTpm) -> (Vec<u8>, TpmRc) {
    let result = tpm.run(&GetTestResult {}).unwrap();
    (result.out_data.to_vec(), TpmRc(result.test_result))
}

fn to_do(tpm: &mut TestTpm, to_test: &[TpmAlgId]) -> Vec<TpmAlgId> {
    tpm.run(&IncrementalSelfTest { to_test: TpmlAlg::new(to_test.to_vec()) }).unwrap().to_do_list.to_vec()
}

#[test]
fn the_to_do_list_shrinks_as_algorithms_are_tested() {
    let mut tpm = TestTpm::started();
    let all = to_do(&mut tpm, &[]);
    for alg in [TpmAlgId::RSA, TpmAlgId::SHA256, TpmAlgId::AES, TpmAlgId::ECDSA, TpmAlgId::KDF1_SP800_108] {
        assert!(all.contains(&alg));
    }
    assert!(all.is_sorted());
    assert_eq!(to_do(&mut tpm, &[]), all, "asking tests nothing");
    assert_eq!(test_result(&mut tpm), (vec![], TpmRc::NEEDS_TEST));

    let after = to_do(&mut tpm, &[TpmAlgId::SHA256, TpmAlgId::CTR, TpmAlgId(0x7FFF)]);
    assert_eq!(after.len(), all.len() - 2);
    assert!(after.contains(&TpmAlgId::AES), "a cipher is tested with all of its modes");
    let after = to_do(&mut tpm, &[TpmAlgId::AES]);
    let modes = [TpmAlgId::AES, TpmAlgId::CTR, TpmAlgId::OFB, TpmAlgId::CBC, TpmAlgId::CFB, TpmAlgId::ECB];
    assert!(!after.iter().any(|alg| modes.contains(alg)));
    let after = to_do(&mut tpm, &all);
    assert_eq!(after, []);
    assert_eq!(test_result(&mut tpm), (vec![], TpmRc::SUCCESS));
    tpm.power_cycle();
    assert_eq!(to_do(&mut tpm, &[]), all);
}

#[test]
fn self_test_tests_everything() {
    for full_test in [false, true] {
        let mut tpm = TestTpm::started();
        for _ in 0..2 {
            tpm.run(&SelfTest { full_test: TpmiYesNo(full_test) }).unwrap();
            assert_eq!(test_result(&mut tpm), (vec![], TpmRc::SUCCESS));
            assert_eq!(to_do(&mut tpm, &[]), []);
        }
    }
    let mut tpm = TestTpm::started();
    assert_eq!(rc(&tpm.raw(&frame(TpmSt::NoSessions, 0x143, &[2]))), TpmRc::VALUE.parameter(1));
    assert_eq!(rc(&tpm.raw(&frame(TpmSt::NoSessions, 0x142, &[0, 0, 1, 0]))), TpmRc::SIZE.parameter(1));
}

#[test]
fn a_command_tests_what_it_depends_on() {
    let mut tpm = TestTpm::started();
    tpm.run(&GetRandom { bytes_requested: 1 }).unwrap();
    let left = to_do(&mut tpm, &[]);
    assert!(!left.contains(&TpmAlgId::HMAC) && !left.contains(&TpmAlgId::SHA256));
    assert!(left.contains(&TpmAlgId::RSA) && left.contains(&TpmAlgId::ECC));
    // Each curve is tested before its first key, and the algorithms are when every curve is.
    let curves = TpmEccCurve::EVERY.iter().filter(|curve| Profile::HOST.rules.has_curve(curve.value()));
    for &curve in curves {
        let left = to_do(&mut tpm, &[]);
        assert!(left.contains(&TpmAlgId::ECC) && left.contains(&TpmAlgId::ECDSA) && left.contains(&TpmAlgId::EDDSA));
        let mut template = ecc_srk();
        let PublicKind::Ecc(parms, _) = &mut template.kind else { panic!() };
        parms.curve_id = curve;
        let made = tpm.run_auth(&create_primary(OWNER, template)).unwrap().object_handle;
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(made.0) }).unwrap();
    }
    let left = to_do(&mut tpm, &[]);
    assert!(!left.contains(&TpmAlgId::ECC) && !left.contains(&TpmAlgId::ECDSA) && !left.contains(&TpmAlgId::ECDH));
    assert!(!left.contains(&TpmAlgId::EDDSA) && !left.contains(&TpmAlgId::HASH_EDDSA));
    assert!(!left.contains(&TpmAlgId::ECSCHNORR) && !left.contains(&TpmAlgId::ECMQV));
    assert!(left.contains(&TpmAlgId::RSA) && left.contains(&TpmAlgId::MLKEM) && left.contains(&TpmAlgId::MLDSA));
}

/// Elliptic curves and lattices go wrong.
const MISTAKES: &[Wrong] = &[Wrong::EccMultiply, Wrong::EddsaSign, Wrong::KemSecret, Wrong::DsaVerify];

fn on(provider: &'static dyn Provider) -> TestTpm {
    let storage = MemoryStorage::new();
    let entropy = Box::new(TestEntropy::new(9));
    let mut tpm = TestTpm::made_of(Box::new(storage.clone()), storage, entropy, provider, Profile::HOST);
    tpm.startup(TpmSu::Clear).unwrap();
    tpm
}

#[test]
fn a_curve_is_tested_before_its_first_key_and_no_other() {
    for curve in [TpmEccCurve::Curve25519, TpmEccCurve::Curve448] {
        let provider = Faulty::whole(MISTAKES);
        let mut tpm = on(provider);
        tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
        provider.breaks();
        // P-256 has passed.
        tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
        let mut template = ecc_srk();
        let PublicKind::Ecc(parms, _) = &mut template.kind else { panic!() };
        parms.curve_id = curve;
        assert_eq!(tpm.run_auth(&create_primary(OWNER, template)).err(), Some(TpmRc::FAILURE));
        assert_eq!(test_result(&mut tpm), (vec![0x00, 0x60], TpmRc::FAILURE), "TPM_ALG_EDDSA");
    }
}

#[test]
fn a_failed_test_ends_in_failure_mode_until_power_is_lost() {
    let by: [fn(&mut TestTpm) -> TpmRc; 4] = [
        |tpm| tpm.run(&SelfTest { full_test: TpmiYesNo(true) }).unwrap_err(),
        |tpm| tpm.run(&SelfTest { full_test: TpmiYesNo(false) }).unwrap_err(),
        |tpm| tpm.run(&IncrementalSelfTest { to_test: TpmlAlg::new(vec![TpmAlgId::ECC]) }).unwrap_err(),
        |tpm| tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap_err(),
    ];
    for fails in by {
        let provider = Faulty::make(MISTAKES, 0);
        let mut tpm = on(provider);
        tpm.run(&GetRandom { bytes_requested: 1 }).unwrap();
        let failed = fails(&mut tpm);
        rows::holds(SelfTest::INFO.code.0, "a test fails", TpmRc::FAILURE, Some(failed));
        let after = tpm.run(&GetRandom { bytes_requested: 1 }).err();
        let condition = "in failure mode, another command than TPM2_GetTestResult and TPM2_GetCapability";
        rows::holds(0, condition, TpmRc::FAILURE, after);
        assert_eq!(tpm.run(&SelfTest { full_test: TpmiYesNo(true) }), Err(TpmRc::FAILURE));
        assert_eq!(test_result(&mut tpm), (vec![0x00, 0x19], TpmRc::FAILURE), "TPM_ALG_ECDH");
        let capability = GetCapability { capability: TpmCap::TpmProperties, property: 0x100, property_count: 1 };
        for with_session in [encode(&GetTestResult {}, &[password(b"")]), encode(&capability, &[password(b"")])] {
            let refused = Some(rc(&tpm.raw(&with_session)));
            rows::holds(0, "in failure mode, a permitted command with sessions", TpmRc::FAILURE, refused);
            let code = u32::from_be_bytes(with_session[6..10].try_into().unwrap());
            rows::holds(code, "in failure mode, with sessions", TpmRc::FAILURE, refused);
        }
        assert!(tpm.run(&capability).is_ok());

        provider.is_mended();
        assert_eq!(tpm.run(&SelfTest { full_test: TpmiYesNo(true) }), Err(TpmRc::FAILURE), "no way back but power");
        tpm.tpm.power_on(tpm.now);
        tpm.startup(TpmSu::Clear).unwrap();
        tpm.run(&SelfTest { full_test: TpmiYesNo(true) }).unwrap();
        assert_eq!(test_result(&mut tpm), (vec![], TpmRc::SUCCESS));
    }
}
