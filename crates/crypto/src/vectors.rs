//! Reads the published test vectors under `vectors/`: one test a line, fields between spaces, numbers in hexadecimal,
//! `#` before remarks.

use alloc::vec::Vec;
use ironroot_wire::TpmiAlgHash;

/// The lines' fields.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_ascii_whitespace().collect())
}

/// The bytes of hexadecimal digits; "-" is nothing. Anything but digits reads as zero, and the test that uses it fails.
#[must_use]
pub fn hex(digits: &str) -> Vec<u8> {
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| core::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0))
        .collect()
}

/// A hash's name in the vectors.
#[must_use]
pub fn algorithm(name: &str) -> TpmiAlgHash {
    match name {
        "sha1" => TpmiAlgHash::Sha1,
        "sha256" => TpmiAlgHash::Sha256,
        "sha384" => TpmiAlgHash::Sha384,
        "sha512" => TpmiAlgHash::Sha512,
        "sm3" => TpmiAlgHash::Sm3_256,
        "sha3_256" => TpmiAlgHash::Sha3_256,
        "sha3_384" => TpmiAlgHash::Sha3_384,
        _ => TpmiAlgHash::Sha3_512,
    }
}
