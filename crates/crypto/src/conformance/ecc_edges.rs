//! Edge values of elliptic curves: what is just inside and just outside of each range.

use alloc::{vec, vec::Vec};
use ironroot_wire::TpmEccCurve;

use super::{Checks, Failure};
use crate::{
    CryptoError, Drbg, EccPoint, Provider,
    ecc::{CurveParameters, generate, is_weierstrass, order_size, parameters},
};

pub(super) fn run(provider: &dyn Provider, checks: &mut Checks) -> Result<(), Failure> {
    for curve in TpmEccCurve::EVERY.iter().copied().filter(|curve| is_weierstrass(*curve)) {
        let edges = Edges { provider, curve, numbers: parameters(curve) };
        edges.scalars(checks)?;
        edges.small_multiples(checks)?;
        edges.sums(checks)?;
        edges.points(checks)?;
        edges.signatures(checks)?;
        edges.signing(checks)?;
        edges.digests(checks)?;
    }
    Ok(())
}

struct Edges<'a> {
    provider: &'a dyn Provider,
    curve: TpmEccCurve,
    numbers: &'a CurveParameters,
}

impl Edges<'_> {
    fn base(&self) -> EccPoint {
        EccPoint { x: self.numbers.gx.to_vec(), y: self.numbers.gy.to_vec() }
    }

    /// A number as long as the order.
    fn scalar(&self, value: u8) -> Vec<u8> {
        let mut scalar = vec![0; order_size(self.curve)];
        if let Some(last) = scalar.last_mut() {
            *last = value;
        }
        scalar
    }

    fn scalars(&self, checks: &mut Checks) -> Result<(), Failure> {
        let (n, base) = (self.numbers.n, self.base());
        let opposite = EccPoint { x: base.x.clone(), y: subtract(self.numbers.p, &base.y) };
        let last = subtract(n, &self.scalar(1));
        let padded = [&[0, 0], &self.scalar(1)[..]].concat();
        for (scalar, point) in [(&self.scalar(1)[..], &base), (&last, &opposite), (&padded, &base), (&[1], &base)] {
            let what = format_args!("{:?} {scalar:02x?}", self.curve);
            let product = self.provider.ecc_base_multiply(self.curve, scalar);
            checks.equal(what, product, Ok(point.clone()))?;
            let product = self.provider.ecc_multiply(self.curve, scalar, &base);
            let product = checks.succeeds(what, product)?;
            checks.equal(what, (&product.x, &product.y), (&point.x, &point.y))?;
        }

        let above = add(n, &self.scalar(1));
        let ones = vec![0xff; n.len()];
        let long = [&[1], &self.scalar(1)[..]].concat();
        for scalar in [&self.scalar(0)[..], n, &above, &ones, &long, &[]] {
            let what = format_args!("{:?} {scalar:02x?}", self.curve);
            let product = self.provider.ecc_base_multiply(self.curve, scalar);
            checks.equal(what, product, Err(CryptoError::Value))?;
            let product = self.provider.ecc_multiply(self.curve, scalar, &base);
            checks.equal(what, product.err(), Some(CryptoError::Value))?;
            let mut random = Drbg::from_seed(b"edges", &[]);
            let signature = self.provider.ecdsa_sign(self.curve, scalar, &[7; 32], &mut random);
            checks.equal(what, signature, Err(CryptoError::Value))?;
        }
        Ok(())
    }

    /// `k * G` by each way, coordinates at full length (some begin with zeros), and `(n - k) * G` its opposite.
    fn small_multiples(&self, checks: &mut Checks) -> Result<(), Failure> {
        for value in 2..=40 {
            let what = format_args!("{:?} {value}", self.curve);
            let scalar = self.scalar(value);
            let point = self.provider.ecc_base_multiply(self.curve, &scalar);
            let point = checks.succeeds(what, point)?;
            checks.equal(what, (point.x.len(), point.y.len()), (self.numbers.p.len(), self.numbers.p.len()))?;
            checks.equal(what, self.provider.ecc_check_point(self.curve, &point), Ok(()))?;
            let product = self.provider.ecc_multiply(self.curve, &scalar, &self.base());
            let product = checks.succeeds(what, product)?;
            checks.equal(what, (&product.x, &product.y), (&point.x, &point.y))?;
            let opposite = self.provider.ecc_base_multiply(self.curve, &subtract(self.numbers.n, &scalar));
            let opposite = checks.succeeds(what, opposite)?;
            checks.equal(what, (&opposite.x, &add(&opposite.y, &point.y)), (&point.x, &self.numbers.p.to_vec()))?;
        }
        Ok(())
    }

    /// `a * G + b * G = (a + b) * G`, with zero and with infinity as the sum; a number as large as the order is refused.
    fn sums(&self, checks: &mut Checks) -> Result<(), Failure> {
        let (base, zero) = (self.base(), self.scalar(0));
        let sum = |a: &[u8], b: &[u8]| self.provider.ecc_combine(self.curve, [(a, &base), (b, &base)]);
        for (a, b) in [(0, 1), (1, 0), (1, 1), (2, 3), (7, 250)] {
            let what = format_args!("{:?} {a} + {b}", self.curve);
            let whole = add(&self.scalar(a), &self.scalar(b));
            let expected = checks.succeeds(what, self.provider.ecc_base_multiply(self.curve, &whole))?;
            checks.equal(what, sum(&self.scalar(a), &self.scalar(b)), Ok(expected))?;
        }
        let what = format_args!("{:?}", self.curve);
        let less_one = subtract(self.numbers.n, &self.scalar(1));
        checks.equal(what, sum(&self.scalar(1), &less_one), Err(CryptoError::Point))?;
        checks.equal(what, sum(&zero, &zero), Err(CryptoError::Point))?;
        checks.equal(what, sum(self.numbers.n, &self.scalar(1)), Err(CryptoError::Value))?;
        let nowhere = EccPoint { x: base.y.clone(), y: base.x.clone() };
        let mixed = self.provider.ecc_combine(self.curve, [(&self.scalar(1), &base), (&self.scalar(1), &nowhere)]);
        checks.equal(what, mixed, Err(CryptoError::Point))
    }

    fn points(&self, checks: &mut Checks) -> Result<(), Failure> {
        let (p, base) = (self.numbers.p, self.base());
        let zero = vec![0; p.len()];
        let one = subtract(p, &subtract(p, &self.scalar(1)));
        let invalid = [
            EccPoint { x: zero.clone(), y: zero.clone() },
            EccPoint { x: Vec::new(), y: Vec::new() },
            EccPoint { x: base.x.clone(), y: zero.clone() },
            EccPoint { x: base.x.clone(), y: add(&base.y, &one) },
            EccPoint { x: add(&base.x, &one), y: base.y.clone() },
            EccPoint { x: base.y.clone(), y: base.x.clone() },
            EccPoint { x: p.to_vec(), y: base.y.clone() },
            EccPoint { x: base.x.clone(), y: p.to_vec() },
            EccPoint { x: vec![0xff; p.len()], y: vec![0xff; p.len()] },
            EccPoint { x: [&[1], &base.x[..]].concat(), y: base.y.clone() },
            EccPoint { x: base.x.clone(), y: [&[1], &base.y[..]].concat() },
            // Not reduced: the same residue as the base point's x where there is room for it.
            EccPoint { x: add_wide(&base.x, p), y: base.y.clone() },
        ];
        for point in &invalid {
            let what = format_args!("{:?} {point:02x?}", self.curve);
            checks.equal(what, self.provider.ecc_check_point(self.curve, point), Err(CryptoError::Point))?;
            let product = self.provider.ecc_multiply(self.curve, &self.scalar(5), point);
            checks.equal(what, product.err(), Some(CryptoError::Point))?;
            let verified = self.provider.ecdsa_verify(self.curve, point, &[1; 32], &self.scalar(1), &self.scalar(1));
            checks.equal(what, verified, Err(CryptoError::Point))?;
        }
        let padded = EccPoint { x: [&[0], &base.x[..]].concat(), y: [&[0, 0], &base.y[..]].concat() };
        for point in [&base, &padded] {
            checks.equal(
                format_args!("{:?} {point:02x?}", self.curve),
                self.provider.ecc_check_point(self.curve, point),
                Ok(()),
            )?;
        }
        Ok(())
    }

    /// Halves of a signature that are zero, the order, above it, swapped, or changed; leading zeros change nothing.
    fn signatures(&self, checks: &mut Checks) -> Result<(), Failure> {
        let what = format_args!("{:?}", self.curve);
        let mut random = Drbg::from_seed(b"signatures", &[]);
        let (scalar, public) = checks.succeeds(what, generate(self.provider, self.curve, &mut random))?;
        let signature = self.provider.ecdsa_sign(self.curve, &scalar, &[9; 32], &mut random);
        let (r, s) = checks.succeeds(what, signature)?;
        let verify = |digest: &[u8], r: &[u8], s: &[u8]| self.provider.ecdsa_verify(self.curve, &public, digest, r, s);

        let n = self.numbers.n;
        let (zero, opposite) = (self.scalar(0), subtract(n, &s));
        let padded = [&[0, 0, 0], &r[..]].concat();
        for (r, s) in [(&r, &s), (&padded, &s), (&r, &opposite)] {
            checks.equal(what, verify(&[9; 32], r, s), Ok(()))?;
        }
        let (large_r, large_s, long) = (add_wide(&r, n), add_wide(&s, n), [&[1], &r[..]].concat());
        let (n, one) = (n.to_vec(), self.scalar(1));
        for (r, s) in [
            (&zero, &s),
            (&r, &zero),
            (&zero, &zero),
            (&n, &s),
            (&r, &n),
            (&large_r, &s),
            (&r, &large_s),
            (&long, &s),
            (&s, &r),
            (&one, &one),
            (&Vec::new(), &s),
            (&r, &Vec::new()),
        ] {
            let what = format_args!("{:?} {r:02x?} {s:02x?}", self.curve);
            checks.equal(what, verify(&[9; 32], r, s), Err(CryptoError::Invalid))?;
        }
        checks.equal(what, verify(&[8; 32], &r, &s), Err(CryptoError::Invalid))
    }

    /// A signature has full length, verifies, repeats with the same random bytes and not with others.
    fn signing(&self, checks: &mut Checks) -> Result<(), Failure> {
        let what = format_args!("{:?}", self.curve);
        let mut random = Drbg::from_seed(b"signing", &[]);
        let (scalar, _) = checks.succeeds(what, generate(self.provider, self.curve, &mut random))?;
        let last = subtract(self.numbers.n, &self.scalar(1));
        for scalar in [&scalar, &last, &self.scalar(1)] {
            let sign = |seed: &[u8], digest: &[u8]| {
                let mut random = Drbg::from_seed(seed, &[]);
                self.provider.ecdsa_sign(self.curve, scalar, digest, &mut random)
            };
            let (r, s) = checks.succeeds(what, sign(b"a", &[3; 48]))?;
            checks.equal(what, (r.len(), s.len()), (order_size(self.curve), order_size(self.curve)))?;
            let public = checks.succeeds(what, self.provider.ecc_base_multiply(self.curve, scalar))?;
            let verified = self.provider.ecdsa_verify(self.curve, &public, &[3; 48], &r, &s);
            checks.equal(what, verified, Ok(()))?;
            checks.equal(what, sign(b"a", &[3; 48]), Ok((r.clone(), s)))?;
            let (other, _) = checks.succeeds(what, sign(b"b", &[3; 48]))?;
            checks.holds(format_args!("{:?}: hedged", self.curve), other != r)?;
            let (other, _) = checks.succeeds(what, sign(b"a", &[4; 48]))?;
            checks.holds(format_args!("{:?}: never the same number for two digests", self.curve), other != r)?;
        }
        Ok(())
    }

    /// Digests of any length: the leftmost bits count, the rest does not.
    fn digests(&self, checks: &mut Checks) -> Result<(), Failure> {
        let what = format_args!("{:?}", self.curve);
        let mut random = Drbg::from_seed(b"digests", &[]);
        let (scalar, public) = checks.succeeds(what, generate(self.provider, self.curve, &mut random))?;
        let size = order_size(self.curve);
        for length in [0, 1, 20, 31, 32, 33, 47, 48, 49, 64, 65, 66, 67, 80, 200] {
            let digest: Vec<u8> = (0..length).map(|at: u8| at.wrapping_mul(41) ^ 0xa5).collect();
            let what = format_args!("{:?}, a digest of {length}", self.curve);
            let signature = self.provider.ecdsa_sign(self.curve, &scalar, &digest, &mut random);
            let (r, s) = checks.succeeds(what, signature)?;
            let verify = |digest: &[u8]| self.provider.ecdsa_verify(self.curve, &public, digest, &r, &s);
            checks.equal(what, verify(&digest), Ok(()))?;
            if let Some(cut) = digest.get(..size) {
                let longer = [cut, &[0xee; 9]].concat();
                checks.equal(what, verify(&longer), Ok(()))?;
            }
            if let Some((first, rest)) = digest.split_first() {
                let changed = [&[first ^ 0x80], rest].concat();
                checks.equal(what, verify(&changed), Err(CryptoError::Invalid))?;
            }
        }
        Ok(())
    }
}

/// `a - b` for `a >= b`, as long as `a`.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrowed = false;
    let mut difference: Vec<u8> = a
        .iter()
        .rev()
        .zip(b.iter().rev().chain(core::iter::repeat(&0)))
        .map(|(a, b)| {
            let (digit, first) = a.overflowing_sub(*b);
            let (digit, second) = digit.overflowing_sub(u8::from(borrowed));
            borrowed = first | second;
            digit
        })
        .collect();
    difference.reverse();
    difference
}

/// `a + b`, cut to the length of `a`.
fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carried = false;
    let mut sum: Vec<u8> = a
        .iter()
        .rev()
        .zip(b.iter().rev().chain(core::iter::repeat(&0)))
        .map(|(a, b)| {
            let (digit, first) = a.overflowing_add(*b);
            let (digit, second) = digit.overflowing_add(u8::from(carried));
            carried = first | second;
            digit
        })
        .collect();
    sum.reverse();
    sum
}

/// `a + b` with room for the carry; without a leading zero if it fits in the length of `a`.
fn add_wide(a: &[u8], b: &[u8]) -> Vec<u8> {
    let wide = add(&[&[0], a].concat(), b);
    match wide.split_first() {
        Some((0, rest)) => rest.to_vec(),
        _ => wide,
    }
}
