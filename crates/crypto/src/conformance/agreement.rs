//! Two providers give the same answers.

use ironroot_wire::TpmEccCurve;

use super::{Checks, Failure};
use crate::{
    Drbg, Provider, Random,
    ecc::{base_point, generate, generate_scalar, is_weierstrass},
};

pub(super) fn run(one: &dyn Provider, other: &dyn Provider, rounds: u32, checks: &mut Checks) -> Result<(), Failure> {
    for curve in TpmEccCurve::EVERY.iter().copied().filter(|curve| is_weierstrass(*curve)) {
        for round in 0..rounds {
            let what = format_args!("{} and {}, {curve:?}, round {round}", one.name(), other.name());
            let random = || Drbg::from_seed(b"agreement", &[&curve.value().to_be_bytes(), &round.to_be_bytes()]);

            let (scalar, public) = checks.succeeds(what, generate(one, curve, &mut random()))?;
            let same = checks.succeeds(what, generate(other, curve, &mut random()))?;
            checks.equal(what, (&same.0[..], &same.1), (&scalar[..], &public))?;

            let mut digest = [0; 64];
            let mut generator = random();
            generator.fill(&mut digest);
            let digest = digest.get(..16_usize.saturating_mul(usize::try_from(round % 5).unwrap_or(0)));
            let digest = digest.unwrap_or_default();
            let ours = one.ecdsa_sign(curve, &scalar, digest, &mut random());
            let theirs = other.ecdsa_sign(curve, &scalar, digest, &mut random());
            checks.equal(what, &theirs, &ours)?;
            let (r, s) = checks.succeeds(what, ours)?;
            checks.equal(what, one.ecdsa_verify(curve, &public, digest, &r, &s), Ok(()))?;
            checks.equal(what, other.ecdsa_verify(curve, &public, digest, &r, &s), Ok(()))?;

            let secret = generate_scalar(curve, &mut generator);
            let ours = checks.succeeds(what, one.ecc_multiply(curve, &secret, &public))?;
            let theirs = checks.succeeds(what, other.ecc_multiply(curve, &secret, &public))?;
            checks.equal(what, (&theirs.x, &theirs.y), (&ours.x, &ours.y))?;

            let base = base_point(curve);
            let terms = [(&secret[..], &public), (&scalar[..], &base)];
            let ours = checks.succeeds(what, one.ecc_combine(curve, terms))?;
            checks.equal(what, other.ecc_combine(curve, terms), Ok(ours))?;
        }
    }
    Ok(())
}
