//! Published vectors of elliptic curves.

use alloc::vec::Vec;
use ironroot_wire::TpmEccCurve;

use super::{Checks, Failure};
use crate::{
    CryptoError, EccPoint, Provider,
    vectors::{hex, rows},
};

pub(super) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    points(provider, checks)?;
    diffie_hellman(provider, checks)?;
    key_pairs(provider, checks)?;
    verification(provider, checks)
}

/// NIST's public-key validation.
fn points(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/ecc_points.txt")) {
        let [curve, x, y, outcome] = row[..] else { return Err(malformed(&row)) };
        let point = EccPoint { x: hex(x), y: hex(y) };
        let expected = if outcome == "P" { Ok(()) } else { Err(CryptoError::Point) };
        checks.equal(format_args!("{row:?}"), provider.ecc_check_point(named(curve), &point), expected)?;
    }
    Ok(())
}

/// NIST's ECC CDH primitive.
fn diffie_hellman(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/ecdh.txt")) {
        let [curve, scalar, x, y, z, outcome] = row[..] else { return Err(malformed(&row)) };
        let point = EccPoint { x: hex(x), y: hex(y) };
        let product = provider.ecc_multiply(named(curve), &hex(scalar), &point);
        match outcome {
            "B" => checks.equal(format_args!("{row:?}"), product.err(), Some(CryptoError::Point))?,
            _ => {
                let product = checks.succeeds(format_args!("{row:?}"), product)?;
                checks.equal(format_args!("{row:?}"), product.x == hex(z), outcome == "P")?;
            }
        }
    }
    Ok(())
}

/// NIST's signature generation: the key pair, and that what is signed verifies.
fn key_pairs(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/ecdsa_sign.txt")) {
        let [curve, digest, scalar, number, r, s] = row[..] else { return Err(malformed(&row)) };
        let (curve, digest) = (named(curve), hex(digest));
        let public = provider.ecc_base_multiply(curve, &hex(scalar));
        let public = checks.succeeds(format_args!("{row:?}"), public)?;
        let verified = provider.ecdsa_verify(curve, &public, &digest, &hex(r), &hex(s));
        checks.equal(format_args!("{row:?}"), verified, Ok(()))?;
        // r is the x coordinate of k * G; no x of these vectors is above the order.
        let point = provider.ecc_base_multiply(curve, &hex(number));
        checks.equal(format_args!("{row:?}"), point.map(|point| point.x), Ok(hex(r)))?;
    }
    Ok(())
}

/// NIST's signature verification.
fn verification(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/ecdsa_verify.txt")) {
        let [curve, digest, x, y, r, s, outcome] = row[..] else { return Err(malformed(&row)) };
        let public = EccPoint { x: hex(x), y: hex(y) };
        let verified = provider.ecdsa_verify(named(curve), &public, &hex(digest), &hex(r), &hex(s));
        checks.equal(format_args!("{row:?}"), verified.is_ok(), outcome == "P")?;
    }
    Ok(())
}

fn named(curve: &str) -> TpmEccCurve {
    match curve {
        "P-256" => TpmEccCurve::NistP256,
        "P-384" => TpmEccCurve::NistP384,
        _ => TpmEccCurve::NistP521,
    }
}

fn malformed(row: &[&str]) -> Failure {
    Failure(alloc::format!("a malformed vector: {:?}", Vec::from(row)))
}
