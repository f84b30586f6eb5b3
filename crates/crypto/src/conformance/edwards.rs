//! X25519, X448, Ed25519 and Ed448: the vectors of RFC 7748 and RFC 8032, edge values, and equality between providers.

use alloc::{vec, vec::Vec};
use ironroot_wire::TpmEccCurve;

use super::{Checks, Failure};
use crate::{
    CryptoError, Drbg, Provider, Random,
    ecc::eddsa::{self, Domain, Verification},
    vectors::{hex, rows},
};

const CURVES: [(TpmEccCurve, usize, usize); 2] = [(TpmEccCurve::Curve25519, 32, 32), (TpmEccCurve::Curve448, 56, 57)];

pub(super) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    x_vectors(provider, checks)?;
    x_iterated(provider, checks)?;
    x_edges(provider, checks)?;
    signatures(provider, checks)?;
    signature_edges(provider, checks)?;
    other_curves(provider, checks)
}

/// Keys, agreements and signatures of random keys are the same on both.
pub(super) fn compare(
    one: &dyn Provider,
    other: &dyn Provider,
    rounds: u32,
    checks: &mut Checks,
) -> Result<(), Failure> {
    for (curve, x_size, ed_size) in CURVES {
        for round in 0..rounds {
            let what = format_args!("{} and {}, {curve:?}, round {round}", one.name(), other.name());
            let mut random = Drbg::from_seed(b"agreement", &[&curve.value().to_be_bytes(), &round.to_be_bytes()]);
            let mut drawn = |size: usize| {
                let mut bytes = vec![0; size];
                random.fill(&mut bytes);
                bytes
            };
            let (key, peer) = (drawn(x_size), drawn(x_size));
            let public = one.x_public(curve, &peer);
            checks.equal(what, &other.x_public(curve, &peer), &public)?;
            let public = checks.succeeds(what, public)?;
            let ours = checks.succeeds(what, one.x_multiply(curve, &key, &public))?;
            let theirs = checks.succeeds(what, other.x_multiply(curve, &key, &public))?;
            checks.equal(what, &theirs, &ours)?;

            let (key, message) = (drawn(ed_size), drawn(64));
            let context = drawn(usize::try_from(round).unwrap_or(0));
            let public = one.eddsa_public(curve, &key);
            checks.equal(what, &other.eddsa_public(curve, &key), &public)?;
            let public = checks.succeeds(what, public)?;
            for prehashed in [false, true] {
                let domain = Domain { prehashed, context: &context };
                let signature = one.eddsa_sign(curve, &key, domain, &message);
                checks.equal(what, &other.eddsa_sign(curve, &key, domain, &message), &signature)?;
                let signature = checks.succeeds(what, signature)?;
                for provider in [one, other] {
                    checks.equal(what, provider.eddsa_verify(curve, &public, domain, &message, &signature), Ok(()))?;
                }
            }
        }
    }
    Ok(())
}

/// RFC 7748, 5.2.
fn x_vectors(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/x.txt")) {
        let [curve, private, point, product] = row[..] else { return Err(malformed(&row)) };
        let curve = if curve == "448" { TpmEccCurve::Curve448 } else { TpmEccCurve::Curve25519 };
        let found = provider.x_multiply(curve, &hex(private), &hex(point));
        checks.equal(format_args!("{row:?}"), found.map(|found| found.to_vec()), Ok(hex(product)))?;
    }
    Ok(())
}

/// RFC 7748, 5.2: a thousand multiplications, each with the last one's operands.
fn x_iterated(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for (curve, base, size, once, often) in [
        (
            TpmEccCurve::Curve25519,
            9,
            32,
            "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
            "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
        ),
        (
            TpmEccCurve::Curve448,
            5,
            56,
            "3f482c8a9f19b01e6c46ee9711d9dc14fd4bf67af30765c2ae2b846a4d23a8cd0db897086239492caf350b51f833868b9bc2b3bca9cf4113",
            "aa3b4749d55b9daf1e5b00288826c467274ce3ebbdd5c17b975e09d4af6c67cf10d087202db88286e2b79fceea3ec353ef54faa26e219f38",
        ),
    ] {
        let mut private = vec![0; size];
        if let Some(first) = private.first_mut() {
            *first = base;
        }
        let what = format_args!("{curve:?} iterated");
        let mut point = private.clone();
        let public = provider.x_public(curve, &private);
        checks.equal(what, public, Ok(hex(once)))?;
        for round in 0..1000 {
            let product = checks.succeeds(what, provider.x_multiply(curve, &private, &point))?.to_vec();
            if round == 0 {
                checks.equal(what, &product, &hex(once))?;
            }
            point = core::mem::replace(&mut private, product);
        }
        checks.equal(what, private, hex(often))?;
    }
    Ok(())
}

/// Lengths, points of small order, coordinates above the prime.
fn x_edges(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for (curve, size, _) in CURVES {
        let what = format_args!("{curve:?}");
        let (key, point) = (vec![7; size], vec![9; size]);
        for wrong in [short(&key), &[], &long(&key)[..]] {
            checks.equal(what, provider.x_public(curve, wrong), Err(CryptoError::Value))?;
            checks.equal(what, provider.x_multiply(curve, wrong, &point).err(), Some(CryptoError::Value))?;
            checks.equal(what, provider.x_multiply(curve, &key, wrong).err(), Some(CryptoError::Point))?;
        }
        let number = |low: u8, rest: u8| {
            let mut bytes = vec![rest; size];
            if let Some(first) = bytes.first_mut() {
                *first = low;
            }
            bytes
        };
        for small in [number(0, 0), number(1, 0)] {
            checks.equal(what, provider.x_multiply(curve, &key, &small).err(), Some(CryptoError::Point))?;
        }
        // The largest number of that length is above the prime: 2^255 - 1 = p + 18, 2^448 - 1 = p + 2^224.
        let mut residue = number(18, 0);
        if curve == TpmEccCurve::Curve448 {
            residue = vec![0; size];
            if let Some(middle) = residue.get_mut(28) {
                *middle = 1;
            }
        }
        let expected = checks.succeeds(what, provider.x_multiply(curve, &key, &residue))?;
        let found = checks.succeeds(what, provider.x_multiply(curve, &key, &number(0xff, 0xff)))?;
        checks.equal(what, found, expected)?;
    }
    Ok(())
}

/// RFC 8032, 7.
fn signatures(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/eddsa.txt")) {
        let [instance, private, public, message, context, signature] = row[..] else { return Err(malformed(&row)) };
        let what = format_args!("{row:?}");
        let curve = if instance.starts_with("ed448") { TpmEccCurve::Curve448 } else { TpmEccCurve::Curve25519 };
        let (private, public, mut message) = (hex(private), hex(public), hex(message));
        let (context, signature) = (hex(context), hex(signature));
        let domain = Domain { prehashed: instance.ends_with("ph"), context: &context };
        if domain.prehashed {
            message = checks.succeeds(what, eddsa::prehash(curve, &message))?.to_vec();
        }
        checks.equal(what, provider.eddsa_public(curve, &private), Ok(public.clone()))?;
        checks.equal(what, provider.eddsa_check_public(curve, &public), Ok(()))?;
        checks.equal(what, provider.eddsa_sign(curve, &private, domain, &message), Ok(signature.clone()))?;
        checks.equal(what, provider.eddsa_verify(curve, &public, domain, &message, &signature), Ok(()))?;
        in_parts(curve, &public, domain, (&message, &signature), checks)?;
    }
    Ok(())
}

/// A verification that is saved and restored between the parts of its message.
fn in_parts(
    curve: TpmEccCurve,
    public: &[u8],
    domain: Domain<'_>,
    (message, signature): (&[u8], &[u8]),
    checks: &mut Checks,
) -> Result<(), Failure> {
    let what = format_args!("{curve:?} in parts");
    let r = signature.get(..public.len()).unwrap_or_default();
    let mut running = checks.succeeds(what, Verification::new(curve, public, domain, r))?;
    for byte in message {
        running = checks.succeeds(what, Verification::restore(curve, &running.save()))?;
        running.update(&[*byte]);
    }
    checks.equal(what, running.clone().finish(public, signature), Ok(()))?;
    running.update(&[0]);
    checks.equal(what, running.finish(public, signature), Err(CryptoError::Invalid))
}

/// Every part of a signature counts; malformed values are refused.
fn signature_edges(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for (curve, _, size) in CURVES {
        let what = format_args!("{curve:?}");
        let key = vec![3; size];
        let public = checks.succeeds(what, provider.eddsa_public(curve, &key))?;
        let message = [0x5a; 64];
        let too_long = [0; 256];
        for prehashed in [false, true] {
            let domain = Domain { prehashed, context: b"c" };
            let signature = checks.succeeds(what, provider.eddsa_sign(curve, &key, domain, &message))?;
            checks.equal(what, signature.len(), size.saturating_mul(2))?;
            let verify = |public: &[u8], domain, message: &[u8], signature: &[u8]| {
                provider.eddsa_verify(curve, public, domain, message, signature)
            };
            checks.equal(what, verify(&public, domain, &message, &signature), Ok(()))?;
            for at in (0..signature.len()).step_by(5) {
                let mut changed = signature.clone();
                changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
                checks.equal(what, verify(&public, domain, &message, &changed), Err(CryptoError::Invalid))?;
            }
            for wrong in [&[][..], short(&signature), &long(&signature)[..]] {
                checks.equal(what, verify(&public, domain, &message, wrong), Err(CryptoError::Invalid))?;
            }
            checks.equal(what, verify(&public, domain, &[0x5b; 64], &signature), Err(CryptoError::Invalid))?;
            for other in [Domain { prehashed: !prehashed, ..domain }, Domain { context: b"d", ..domain }] {
                checks.equal(what, verify(&public, other, &message, &signature), Err(CryptoError::Invalid))?;
            }
            let with_long = Domain { context: &too_long, ..domain };
            checks.equal(what, verify(&public, with_long, &message, &signature), Err(CryptoError::Value))?;
            checks.equal(what, provider.eddsa_sign(curve, &key, with_long, &message), Err(CryptoError::Value))?;
            for wrong in bad_points(curve, &public) {
                let what = format_args!("{curve:?} {wrong:02x?}");
                checks.equal(what, provider.eddsa_check_public(curve, &wrong), Err(CryptoError::Point))?;
                checks.equal(what, verify(&wrong, domain, &message, &signature), Err(CryptoError::Point))?;
            }
        }
        let signature = provider.eddsa_sign(curve, &key, Domain::PREHASHED, short(&message));
        checks.equal(what, signature, Err(CryptoError::Value))?;
        for wrong in [short(&key), &long(&key)[..]] {
            checks.equal(what, provider.eddsa_public(curve, wrong), Err(CryptoError::Value))?;
            checks.equal(what, provider.eddsa_sign(curve, wrong, Domain::PURE, &message), Err(CryptoError::Value))?;
        }
    }
    Ok(())
}

/// Wrong lengths, a y coordinate without a point, one above the prime, and a negative zero.
fn bad_points(curve: TpmEccCurve, public: &[u8]) -> Vec<Vec<u8>> {
    let mut points = vec![Vec::new(), long(public), short(public).to_vec()];
    let encoded = |low: u8, rest: u8, last: u8| {
        let mut bytes = vec![rest; public.len()];
        if let Some(first) = bytes.first_mut() {
            *first = low;
        }
        if let Some(end) = bytes.last_mut() {
            *end = last;
        }
        bytes
    };
    match curve {
        // p + 1 (whose residue 1 is the neutral point's), -0, and y = 2.
        TpmEccCurve::Curve25519 => points.extend([encoded(0xee, 0xff, 0x7f), encoded(1, 0, 0x80), encoded(2, 0, 0)]),
        _ => points.extend([encoded(0xff, 0xff, 0), encoded(1, 0, 0x80), encoded(2, 0, 0), encoded(1, 0, 1)]),
    }
    points
}

fn other_curves(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    let (what, curve) = (format_args!("another curve"), TpmEccCurve::NistP256);
    let refused = Some(CryptoError::Unsupported);
    checks.equal(what, provider.x_public(curve, &[1; 32]).err(), refused)?;
    checks.equal(what, provider.x_multiply(curve, &[1; 32], &[9; 32]).err(), refused)?;
    checks.equal(what, provider.eddsa_public(curve, &[1; 32]).err(), refused)?;
    checks.equal(what, provider.eddsa_check_public(curve, &[1; 32]).err(), refused)?;
    checks.equal(what, provider.eddsa_sign(curve, &[1; 32], Domain::PURE, &[]).err(), refused)?;
    checks.equal(what, provider.eddsa_verify(curve, &[1; 32], Domain::PURE, &[], &[0; 64]).err(), refused)
}

/// A byte less.
fn short(bytes: &[u8]) -> &[u8] {
    bytes.split_last().map_or(&[], |(_, rest)| rest)
}

/// A byte more.
fn long(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

fn malformed(row: &[&str]) -> Failure {
    Failure(alloc::format!("a malformed vector: {:?}", Vec::from(row)))
}
