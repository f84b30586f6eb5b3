//! DHKEM on every provider: the published vectors, equality between providers, and what must be refused.

use alloc::vec::Vec;

use ironroot_wire::{TpmEccCurve as Curve, TpmiAlgHash as Hash};

use super::{decapsulate, encapsulate, encapsulate_with, serialized_public};
use crate::{
    CryptoError, Drbg, Provider,
    conformance::{Checks, Failure},
    ecc::generate_scalar,
    vectors::{hex, rows},
};

const PAIRS: [(Curve, Hash); 5] = [
    (Curve::NistP256, Hash::Sha256),
    (Curve::NistP384, Hash::Sha384),
    (Curve::NistP521, Hash::Sha512),
    (Curve::Curve25519, Hash::Sha256),
    (Curve::Curve448, Hash::Sha512),
];

pub(crate) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for row in rows(include_str!("../../vectors/dhkem.txt")) {
        let what = format_args!("{row:?}");
        let [curve, ephemeral, private, public, encapsulation, shared] = row[..] else {
            return checks.equal(what, row.len(), 6);
        };
        let pair = match curve {
            "p256" => PAIRS[0],
            "p384" => PAIRS[1],
            "p521" => PAIRS[2],
            "x25519" => PAIRS[3],
            _ => PAIRS[4],
        };
        let (public, encapsulation, shared) = (hex(public), hex(encapsulation), hex(shared));
        checks.equal(what, serialized_public(provider, pair.0, &hex(private)), Ok(public.clone()))?;
        let found = encapsulate_with(provider, pair, &public, &hex(ephemeral));
        let found = found.map(|(secret, sent)| (secret.to_vec(), sent));
        checks.equal(what, found, Ok((shared.clone(), encapsulation.clone())))?;
        let found = decapsulate(provider, pair, &hex(private), &public, &encapsulation);
        checks.equal(what, found.map(|secret| secret.to_vec()), Ok(shared))?;
    }
    PAIRS.into_iter().try_for_each(|pair| refusals(provider, pair, checks))
}

/// A key pair of the curve, the same each time.
fn key(provider: &dyn Provider, curve: Curve, random: &mut Drbg) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
    let mut private = generate_scalar(curve, random).to_vec();
    private.resize(curve.field_size(), 1);
    let public = serialized_public(provider, curve, &private)?;
    Ok((private, public))
}

/// Both sides agree; another encapsulation gives another secret; what is no point is refused.
fn refusals(provider: &dyn Provider, pair: (Curve, Hash), checks: &mut Checks) -> Result<(), Failure> {
    let what = format_args!("DHKEM on {:?}", pair.0);
    let mut random = Drbg::from_seed(b"dhkem", &[]);
    let (private, public) = checks.succeeds(what, key(provider, pair.0, &mut random))?;
    let (secret, sent) = checks.succeeds(what, encapsulate(provider, pair, &public, &mut random))?;
    checks.equal(what, secret.len(), pair.1.digest_size())?;
    let same = decapsulate(provider, pair, &private, &public, &sent).is_ok_and(|found| found == secret);
    checks.equal(what, same, true)?;
    let mut other = sent.to_vec();
    if let Some(last) = other.last_mut() {
        *last ^= 1;
    }
    let same = decapsulate(provider, pair, &private, &public, &other).is_ok_and(|found| found == secret);
    checks.equal(what, same, false)?;
    let zeros = alloc::vec![0; sent.len()];
    let long = [&sent[..], &[0]].concat();
    for wrong in [sent.get(1..).unwrap_or_default(), &long, &zeros, &[]] {
        let found = decapsulate(provider, pair, &private, &public, wrong).err();
        checks.equal(what, found, Some(CryptoError::Point))?;
        let found = encapsulate(provider, pair, wrong, &mut random).err();
        checks.equal(what, found, Some(CryptoError::Point))?;
    }
    Ok(())
}

/// What one provider encapsulates, the other decapsulates, and both encapsulate the same with the same random numbers.
pub(crate) fn compare(
    one: &dyn Provider,
    other: &dyn Provider,
    rounds: u32,
    checks: &mut Checks,
) -> Result<(), Failure> {
    for pair in PAIRS {
        for round in 0..rounds {
            let what = format_args!("DHKEM on {:?}, {} and {}, round {round}", pair.0, one.name(), other.name());
            let drawn = || Drbg::from_seed(b"dhkem", &[&round.to_be_bytes()]);
            let (private, public) = checks.succeeds(what, key(one, pair.0, &mut drawn()))?;
            let (secret, sent) = checks.succeeds(what, encapsulate(one, pair, &public, &mut drawn()))?;
            let (same, again) = checks.succeeds(what, encapsulate(other, pair, &public, &mut drawn()))?;
            checks.equal(what, (same == secret, again), (true, sent.clone()))?;
            let found = decapsulate(other, pair, &private, &public, &sent).is_ok_and(|found| found == secret);
            checks.equal(what, found, true)?;
        }
    }
    Ok(())
}
