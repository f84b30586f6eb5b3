//! What this implementation has: no profile has more.

use ironroot_wire::{Rules, TpmEccCurve, TpmaMlParameterSet, rules::AlgorithmSet, rules::KeySizes};

/// The algorithms.
pub const ALGORITHMS: AlgorithmSet = AlgorithmSet::NONE.with_all(&[
    0x0001, 0x0003, 0x0004, 0x0005, 0x0006, 0x0007, 0x0008, 0x000A, 0x000B, 0x000C, 0x000D, 0x0012, 0x0013, 0x0014,
    0x0015, 0x0016, 0x0017, 0x0018, 0x0019, 0x001A, 0x001B, 0x001C, 0x001D, 0x001F, 0x0020, 0x0021, 0x0022, 0x0023,
    0x0025, 0x0026, 0x0027, 0x0028, 0x0029, 0x003F, 0x0040, 0x0041, 0x0042, 0x0043, 0x0044, 0x0060, 0x0061, 0x00A0,
    0x00A1, 0x00A2,
]);

/// The curves.
pub const CURVES: u128 = curves(&[
    TpmEccCurve::NistP192,
    TpmEccCurve::NistP224,
    TpmEccCurve::NistP256,
    TpmEccCurve::NistP384,
    TpmEccCurve::NistP521,
    TpmEccCurve::BnP256,
    TpmEccCurve::BnP638,
    TpmEccCurve::Sm2P256,
    TpmEccCurve::BpP256R1,
    TpmEccCurve::BpP384R1,
    TpmEccCurve::BpP512R1,
    TpmEccCurve::Curve25519,
    TpmEccCurve::Curve448,
]);

/// Everything that unmarshalling may let through.
pub const RULES: Rules = Rules {
    algorithms: ALGORITHMS,
    curves: CURVES,
    rsa_key_bits: KeySizes::of(&[1024, 2048, 3072, 4096]),
    aes_key_bits: KeySizes::of(&[128, 192, 256]),
    camellia_key_bits: KeySizes::of(&[128, 192, 256]),
    ml_parameter_sets: TpmaMlParameterSet::DEFINED,
};

/// The bits of some curves.
pub const fn curves(curves: &[TpmEccCurve]) -> u128 {
    let (mut set, mut rest) = (0, curves);
    while let [first, tail @ ..] = rest {
        set |= 1 << first.value();
        rest = tail;
    }
    set
}
