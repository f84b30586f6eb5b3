//! Reads the published test vectors under `vectors/`: one test a line, fields between spaces, numbers in hexadecimal,
//! `#` before remarks.

use alloc::vec::Vec;

/// The lines' fields.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_ascii_whitespace().collect())
}

/// The bytes of hexadecimal digits; "-" is nothing. Anything but digits reads as zero, and the test that uses it fails.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| core::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0))
        .collect()
}

/// A hash's name in the vectors.
#[cfg(test)]
pub(crate) fn algorithm(name: &str) -> ironroot_wire::TpmiAlgHash {
    use ironroot_wire::TpmiAlgHash as A;
    let names = ["sha1", "sha256", "sha384", "sha512", "sm3", "sha3_256", "sha3_384", "sha3_512"];
    let all = [A::Sha1, A::Sha256, A::Sha384, A::Sha512, A::Sm3_256, A::Sha3_256, A::Sha3_384, A::Sha3_512];
    all[names.iter().position(|known| *known == name).unwrap()]
}
