//! The parameters of the curves (SP 800-186, 3.2.1), for `TPM2_ECC_Parameters()` and for arithmetic that is not a
//! provider's business.

use ironroot_wire::TpmEccCurve;

/// A short-Weierstrass curve over a prime field: `y^2 = x^3 + a x + b`. Numbers are big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurveParameters {
    /// The field's prime.
    pub p: &'static [u8],
    /// The coefficient `a`.
    pub a: &'static [u8],
    /// The coefficient `b`.
    pub b: &'static [u8],
    /// The base point's x coordinate.
    pub gx: &'static [u8],
    /// The base point's y coordinate.
    pub gy: &'static [u8],
    /// The base point's order.
    pub n: &'static [u8],
    /// The cofactor.
    pub h: &'static [u8],
}

/// A curve's parameters.
#[must_use]
pub fn parameters(curve: TpmEccCurve) -> &'static CurveParameters {
    match curve {
        TpmEccCurve::NistP256 => &P256,
        TpmEccCurve::NistP384 => &P384,
        TpmEccCurve::NistP521 => &P521,
    }
}

/// The size of a coordinate, in bytes.
#[must_use]
pub fn field_size(curve: TpmEccCurve) -> usize {
    parameters(curve).p.len()
}

/// The size of the order, and so of a scalar and of each half of a signature, in bytes.
#[must_use]
pub fn order_size(curve: TpmEccCurve) -> usize {
    parameters(curve).n.len()
}

/// The size of the order (and, on these curves, of the field) in bits.
#[must_use]
pub fn order_bits(curve: TpmEccCurve) -> u32 {
    match curve {
        TpmEccCurve::NistP256 => 256,
        TpmEccCurve::NistP384 => 384,
        TpmEccCurve::NistP521 => 521,
    }
}

static P256: CurveParameters = CurveParameters {
    p: &hex::<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
    a: &hex::<32>("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"),
    b: &hex::<32>("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
    gx: &hex::<32>("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
    gy: &hex::<32>("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    n: &hex::<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    h: &[1],
};

static P384: CurveParameters = CurveParameters {
    p: &hex::<48>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff"),
    a: &hex::<48>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc"),
    b: &hex::<48>("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"),
    gx: &hex::<48>("aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"),
    gy: &hex::<48>("3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"),
    n: &hex::<48>("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"),
    h: &[1],
};

static P521: CurveParameters = CurveParameters {
    p: &hex::<66>(
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         ffffffffffffffffffffffffff",
    ),
    a: &hex::<66>(
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         fffffffffffffffffffffffffc",
    ),
    b: &hex::<66>(
        "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df\
         883d2c34f1ef451fd46b503f00",
    ),
    gx: &hex::<66>(
        "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3\
         c1856a429bf97e7e31c2e5bd66",
    ),
    gy: &hex::<66>(
        "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c70\
         86a272c24088be94769fd16650",
    ),
    n: &hex::<66>(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9\
         b8899c47aebb6fb71e91386409",
    ),
    h: &[1],
};

/// Reads a constant's digits while the crate is compiled: a wrong constant stops the build, never a running program.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
const fn hex<const N: usize>(digits: &str) -> [u8; N] {
    const fn nibble(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N);
    let (mut bytes, mut at) = ([0u8; N], 0);
    while at < N {
        bytes[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}
