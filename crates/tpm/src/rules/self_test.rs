//! Self-tests (Part 3, clause 10): each algorithm is held to known answers before a command returns what depends on it.
//! The first failure puts the TPM into failure mode, where it stays until the next `_TPM_Init`.
//!
//! Symmetric algorithms, hashes and the generator cost microseconds and are tested before the first command; public-key
//! algorithms cost milliseconds, and each type of key is tested before the first one of that type is made, loaded or used
//! ([`before_key`]), each curve on its own, or when `TPM2_SelfTest` or `TPM2_IncrementalSelfTest` asks for it.

use alloc::vec::Vec;

use ironroot_crypto::Provider;
use ironroot_wire::{PublicKind, TpmAlgId, TpmCc, TpmEccCurve, TpmHandle, TpmRc, TpmtPublic, rules::AlgorithmSet};

use crate::{
    core_state::{Core, Mode},
    profile::Profile,
};

mod curves;
mod edwards;
mod lattice;
mod rsa;
mod symmetric;
mod vectors;

/// What has been tested since power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfTests {
    passed: AlgorithmSet,
    /// Curves that have been tested in all of the profile's schemes, one bit for each `TPM_ECC_CURVE`.
    curves: u128,
    failed: Option<TpmAlgId>,
    basics: bool,
    all: bool,
}

impl SelfTests {
    /// Nothing.
    pub const NONE: Self = Self { passed: AlgorithmSet::NONE, curves: 0, failed: None, basics: false, all: false };

    /// The algorithm that failed, if one did.
    #[must_use]
    pub const fn failed(&self) -> Option<TpmAlgId> {
        self.failed
    }

    /// The algorithms of a profile that have not been tested, in ascending order.
    #[must_use]
    pub fn remaining(&self, profile: &Profile) -> Vec<TpmAlgId> {
        testable(profile).filter(|alg| !self.passed.contains(alg.0)).collect()
    }
}

/// What is tested before the first command.
const BASICS: &[TpmAlgId] = &[
    TpmAlgId::SHA1,
    TpmAlgId::HMAC,
    TpmAlgId::AES,
    TpmAlgId::MGF1,
    TpmAlgId::XOR,
    TpmAlgId::SHA256,
    TpmAlgId::SHA384,
    TpmAlgId::SHA512,
    TpmAlgId::SM3_256,
    TpmAlgId::KDF1_SP800_56A,
    TpmAlgId::KDF1_SP800_108,
    TpmAlgId::SHA3_256,
    TpmAlgId::SHA3_384,
    TpmAlgId::SHA3_512,
    TpmAlgId::CTR,
    TpmAlgId::OFB,
    TpmAlgId::CBC,
    TpmAlgId::CFB,
    TpmAlgId::ECB,
    TpmAlgId::TDES,
    TpmAlgId::SM4,
    TpmAlgId::HKDF,
    TpmAlgId::KDF2,
    TpmAlgId::CAMELLIA,
    TpmAlgId::CMAC,
];

/// What is tested before the first key of its type.
const ASYMMETRIC: &[TpmAlgId] = &[
    TpmAlgId::RSA,
    TpmAlgId::RSASSA,
    TpmAlgId::RSAES,
    TpmAlgId::RSAPSS,
    TpmAlgId::OAEP,
    TpmAlgId::ECDSA,
    TpmAlgId::ECDH,
    TpmAlgId::ECDAA,
    TpmAlgId::SM2,
    TpmAlgId::ECSCHNORR,
    TpmAlgId::ECMQV,
    TpmAlgId::ECC,
    TpmAlgId::EDDSA,
    TpmAlgId::HASH_EDDSA,
    TpmAlgId::MLKEM,
    TpmAlgId::MLDSA,
    TpmAlgId::HASH_MLDSA,
];

/// The schemes of elliptic curves that are tested once, on one curve: they add hashes and numbers to what is tested on each.
const CURVE_SCHEMES: &[TpmAlgId] = &[TpmAlgId::ECDAA, TpmAlgId::SM2, TpmAlgId::ECSCHNORR, TpmAlgId::ECMQV];

/// All schemes of elliptic curves.
const EVERY_ECC_SCHEME: &[TpmAlgId] = &[
    TpmAlgId::ECDSA,
    TpmAlgId::ECDH,
    TpmAlgId::ECDAA,
    TpmAlgId::SM2,
    TpmAlgId::ECSCHNORR,
    TpmAlgId::ECMQV,
    TpmAlgId::EDDSA,
    TpmAlgId::HASH_EDDSA,
];

/// Commands that tell about the TPM or its tests and depend on no algorithm.
const FREE: &[TpmCc] = &[
    TpmCc(0x0142), // IncrementalSelfTest
    TpmCc(0x0143), // SelfTest
    TpmCc(0x0144), // Startup
    TpmCc(0x017A), // GetCapability
    TpmCc(0x017C), // GetTestResult
];

fn testable(profile: &Profile) -> impl Iterator<Item = TpmAlgId> {
    let algorithms = profile.rules.algorithms;
    let mut all: Vec<TpmAlgId> = BASICS.iter().chain(ASYMMETRIC).copied().collect();
    all.sort_unstable();
    all.into_iter().filter(move |alg| algorithms.contains(alg.0))
}

/// Tests what a command depends on and has not been tested.
///
/// # Errors
/// `TPM_RC_FAILURE` if a test fails; the TPM is then in failure mode.
pub fn before_command(tpm: &mut Core, code: TpmCc) -> Result<(), TpmRc> {
    if tpm.self_tests.all || FREE.contains(&code) {
        return Ok(());
    }
    if !tpm.self_tests.basics {
        run(tpm, BASICS)?;
        tpm.self_tests.basics = true;
    }
    Ok(())
}

/// Tests what the keys with these handles depend on and has not been tested.
///
/// # Errors
/// As [`before_command`].
pub fn before_handles(tpm: &mut Core, handles: &[u32]) -> Result<(), TpmRc> {
    if tpm.self_tests.all {
        return Ok(());
    }
    for &handle in handles {
        if let Ok(object) = tpm.object(TpmHandle(handle)) {
            before_key(tpm, &object.public)?;
        }
    }
    Ok(())
}

/// Tests what a key like this one depends on and has not been tested: its type, or its curve. Called before a key is generated or loaded; for keys
/// that are loaded already, [`before_handles`] does it.
///
/// # Errors
/// As [`before_command`].
pub fn before_key(tpm: &mut Core, public: &TpmtPublic) -> Result<(), TpmRc> {
    let alg = TpmAlgId(public.alg().value());
    if let PublicKind::Ecc(parms, _) = &public.kind {
        return before_curve(tpm, parms.curve_id);
    }
    if tpm.self_tests.all || tpm.self_tests.passed.contains(alg.0) || !ASYMMETRIC.contains(&alg) {
        return Ok(());
    }
    // The parts first: a type whose own identifier has passed has passed as a whole.
    run(tpm, parts(alg))?;
    run(tpm, &[alg])
}

/// Tests a curve in all of its schemes, and once those that are built on any curve. With the last curve of the profile, the
/// algorithms have passed.
///
/// # Errors
/// As [`before_command`].
pub fn before_curve(tpm: &mut Core, curve: TpmEccCurve) -> Result<(), TpmRc> {
    let bit = 1_u128 << (curve.value() & 127);
    if tpm.self_tests.all || tpm.self_tests.curves & bit != 0 || tpm.self_tests.passed.contains(TpmAlgId::ECC.0) {
        return Ok(());
    }
    curves::test_curve(tpm.provider, curve).map_err(|alg| fail(tpm, alg))?;
    run(tpm, CURVE_SCHEMES)?;
    tpm.self_tests.curves |= bit;
    if tpm.self_tests.curves & tpm.profile.rules.curves == tpm.profile.rules.curves {
        let all = parts(TpmAlgId::ECC).iter().chain(&[TpmAlgId::ECC]);
        let had = all.filter(|alg| tpm.profile.rules.algorithms.contains(alg.0));
        tpm.self_tests.passed = had.fold(tpm.self_tests.passed, |passed, alg| passed.with(alg.0));
    }
    Ok(())
}

/// What `TPM2_GetTestResult` names where not an algorithm has failed, but the entropy source: `TPM_ALG_ERROR`.
pub const ENTROPY: TpmAlgId = TpmAlgId(0x0000);

/// That entropy was there whenever it was due. A TPM in failure mode already has said why.
///
/// # Errors
/// As [`before_command`].
pub const fn require_entropy(tpm: &mut Core) -> Result<(), TpmRc> {
    if tpm.random.has_failed() && !matches!(tpm.mode, Mode::Failure) { Err(fail(tpm, ENTROPY)) } else { Ok(()) }
}

/// A test has failed.
const fn fail(tpm: &mut Core, alg: TpmAlgId) -> TpmRc {
    tpm.self_tests.failed = Some(alg);
    tpm.mode = Mode::Failure;
    TpmRc::FAILURE
}

/// Tests these algorithms, as far as the profile has them and they have not been tested.
///
/// # Errors
/// As [`before_command`].
pub fn run(tpm: &mut Core, algorithms: &[TpmAlgId]) -> Result<(), TpmRc> {
    let remaining = tpm.self_tests.remaining(&tpm.profile).into_iter();
    let wanted = |alg: &TpmAlgId| algorithms.iter().any(|whole| whole == alg || parts(*whole).contains(alg));
    for alg in remaining.filter(wanted).collect::<Vec<_>>() {
        if !passes(tpm, alg) {
            return Err(fail(tpm, alg));
        }
        tpm.self_tests.passed = tpm.self_tests.passed.with(alg.0);
    }
    Ok(())
}

/// Tests everything that the profile has; again, too, what has been tested, if `full`.
///
/// # Errors
/// As [`before_command`].
pub fn run_all(tpm: &mut Core, full: bool) -> Result<(), TpmRc> {
    if full {
        tpm.self_tests = SelfTests::NONE;
    }
    let all: Vec<TpmAlgId> = testable(&tpm.profile).collect();
    run(tpm, &all)?;
    tpm.self_tests.all = true;
    Ok(())
}

/// What is tested with an algorithm: a cipher in all of its modes, a type of key in all of its schemes.
const fn parts(alg: TpmAlgId) -> &'static [TpmAlgId] {
    match alg {
        TpmAlgId::RSA => &[TpmAlgId::RSASSA, TpmAlgId::RSAES, TpmAlgId::RSAPSS, TpmAlgId::OAEP],
        TpmAlgId::ECC => EVERY_ECC_SCHEME,
        TpmAlgId::AES | TpmAlgId::CAMELLIA | TpmAlgId::SM4 | TpmAlgId::TDES => {
            &[TpmAlgId::CMAC, TpmAlgId::CTR, TpmAlgId::OFB, TpmAlgId::CBC, TpmAlgId::CFB, TpmAlgId::ECB]
        }
        _ => &[],
    }
}

/// The test of one algorithm, without its parts.
fn passes(tpm: &Core, alg: TpmAlgId) -> bool {
    test(tpm.provider, &tpm.profile, alg).is_none_or(|passed| passed)
}

fn test(provider: &dyn Provider, profile: &Profile, alg: TpmAlgId) -> Option<bool> {
    symmetric::test(alg)
        .or_else(|| rsa::test(provider, alg))
        .or_else(|| curves::test(provider, profile, alg))
        .or_else(|| lattice::test(provider, profile, alg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_testable_algorithm_has_a_test_that_passes() {
        let provider = &ironroot_crypto::PORTABLE;
        for &alg in BASICS.iter().chain(ASYMMETRIC) {
            assert_eq!(test(provider, &Profile::HOST, alg), Some(true), "{:#06x}", alg.0);
        }
        for &curve in TpmEccCurve::EVERY {
            assert_eq!(curves::test_curve(provider, curve), Ok(()), "{curve:?}");
        }
    }
}
