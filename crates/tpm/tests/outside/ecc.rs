//! Keys of elliptic curves for OpenSSL, and its SM2.

use ironroot_crypto::EccPoint;
use ironroot_wire::{TpmEccCurve, TpmsEccPoint, TpmsSignatureEcc};

use super::{Scratch, integer, openssl};
use crate::templates::keys::{bytes, ec_point};

/// id-ecPublicKey.
const EC_PUBLIC_KEY: &str = "06072a8648ce3d0201";

/// A DER value.
pub fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = match contents.len() {
        length @ ..0x80 => vec![length as u8],
        length @ ..0x100 => vec![0x81, length as u8],
        length => vec![0x82, (length >> 8) as u8, length as u8],
    };
    [&[tag], &length[..], contents].concat()
}

/// The object identifier of a curve.
fn curve_id(curve: TpmEccCurve) -> Vec<u8> {
    bytes(match curve {
        TpmEccCurve::NistP192 => "06082a8648ce3d030101",
        TpmEccCurve::NistP224 => "06052b81040021",
        TpmEccCurve::NistP256 => "06082a8648ce3d030107",
        TpmEccCurve::NistP384 => "06052b81040022",
        TpmEccCurve::NistP521 => "06052b81040023",
        TpmEccCurve::Sm2P256 => "06082a811ccf5501822d",
        TpmEccCurve::BpP256R1 => "06092b2403030208010107",
        TpmEccCurve::BpP384R1 => "06092b240303020801010b",
        TpmEccCurve::BpP512R1 => "06092b240303020801010d",
        _ => panic!("OpenSSL does not have {curve:?}"),
    })
}

fn point_bits(x: &[u8], y: &[u8]) -> Vec<u8> {
    der(0x03, &[&[0, 4], x, y].concat())
}

/// The SubjectPublicKeyInfo of a public key.
pub fn spki(curve: TpmEccCurve, x: &[u8], y: &[u8]) -> Vec<u8> {
    let algorithm = der(0x30, &[bytes(EC_PUBLIC_KEY), curve_id(curve)].concat());
    der(0x30, &[algorithm, point_bits(x, y)].concat())
}

/// The ECPrivateKey (RFC 5915) of an SM2 key pair.
fn sm2_key(scalar: &[u8], point: &EccPoint) -> Vec<u8> {
    let parts = [
        bytes("020101"),
        der(0x04, scalar),
        der(0xA0, &curve_id(TpmEccCurve::Sm2P256)),
        der(0xA1, &point_bits(&point.x, &point.y)),
    ];
    der(0x30, &parts.concat())
}

/// What OpenSSL decrypts with an SM2 key.
pub fn sm2_decrypt(scalar: &[u8], point: &EccPoint, (c1, c2, c3): (&TpmsEccPoint, &[u8], &[u8])) -> Vec<u8> {
    let parts = [integer(&c1.x), integer(&c1.y), der(0x04, c3), der(0x04, c2)];
    let key = Scratch::new(&sm2_key(scalar, point));
    let arguments = ["pkeyutl", "-decrypt", "-inkey", key.path(), "-keyform", "DER", "-pkeyopt", "digest:sm3"];
    let (done, message) = openssl(&arguments, &der(0x30, &parts.concat()));
    assert!(done);
    message
}

/// What OpenSSL encrypts to an SM2 key.
pub fn sm2_encrypt(point: &EccPoint, message: &[u8]) -> (TpmsEccPoint, Vec<u8>, Vec<u8>) {
    let key = Scratch::new(&spki(TpmEccCurve::Sm2P256, &point.x, &point.y));
    let arguments =
        ["pkeyutl", "-encrypt", "-pubin", "-inkey", key.path(), "-keyform", "DER", "-pkeyopt", "digest:sm3"];
    let (done, encrypted) = openssl(&arguments, message);
    assert!(done);
    let (whole, rest) = contents(&encrypted);
    assert!(rest.is_empty());
    let (x, rest) = contents(whole);
    let (y, rest) = contents(rest);
    let (c3, rest) = contents(rest);
    let (c2, _) = contents(rest);
    let digits = |number: &[u8]| {
        let digits: Vec<u8> = number.iter().copied().skip_while(|digit| *digit == 0).collect();
        [vec![0; 32 - digits.len()], digits].concat()
    };
    (ec_point(&digits(x), &digits(y)), c2.to_vec(), c3.to_vec())
}

/// The contents of the first value, and what follows it.
fn contents(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, length) = match der[1] {
        0x81 => (3, usize::from(der[2])),
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        short => (2, usize::from(short)),
    };
    der[start..].split_at(length)
}

/// Whether OpenSSL accepts the SM2 signature (with SM3) of a message by an identity.
pub fn sm2_verifies(point: &EccPoint, identity: &[u8], message: &[u8], signature: &TpmsSignatureEcc) -> bool {
    let both = [integer(&signature.signature_r), integer(&signature.signature_s)].concat();
    let key = Scratch::new(&spki(TpmEccCurve::Sm2P256, &point.x, &point.y));
    let signature = Scratch::new(&der(0x30, &both));
    let option = format!("distid:{}", std::str::from_utf8(identity).unwrap());
    let arguments =
        ["dgst", "-sm3", "-keyform", "DER", "-verify", key.path(), "-signature", signature.path(), "-sigopt", &option];
    openssl(&arguments, message).0
}
