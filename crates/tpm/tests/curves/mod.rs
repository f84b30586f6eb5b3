//! Keys on Curve25519 and Curve448, and OpenSSL's view of them.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use ironroot_wire::*;

use crate::{
    outside::{Scratch, openssl},
    templates::{keys::bytes, *},
};

pub const CURVES: [TpmEccCurve; 2] = [TpmEccCurve::Curve25519, TpmEccCurve::Curve448];

/// Bytes of a key of X25519 or X448.
pub fn x_size(curve: TpmEccCurve) -> usize {
    if curve == TpmEccCurve::Curve25519 { 32 } else { 56 }
}

/// Bytes of a key of Ed25519 or Ed448.
pub fn ed_size(curve: TpmEccCurve) -> usize {
    if curve == TpmEccCurve::Curve25519 { 32 } else { 57 }
}

/// An ECC key on another curve.
pub fn on(curve: TpmEccCurve, mut public: TpmtPublic) -> TpmtPublic {
    let PublicKind::Ecc(parms, _) = &mut public.kind else { panic!("{public:?}") };
    parms.curve_id = curve;
    public
}

/// The same with another point.
pub fn at(x: &[u8], y: &[u8], mut public: TpmtPublic) -> TpmtPublic {
    let PublicKind::Ecc(_, point) = &mut public.kind else { panic!("{public:?}") };
    *point = keys::ec_point(x, y);
    public
}

/// The coordinate of a key, which is all that its point has.
pub fn coordinate(public: &TpmtPublic) -> Vec<u8> {
    let PublicKind::Ecc(_, point) = &public.kind else { panic!("{public:?}") };
    assert!(point.y.is_empty());
    point.x.to_vec()
}

pub fn is_hash(scheme: &TpmtEccScheme) -> bool {
    *scheme == TpmtEccScheme::HashEddsa(())
}

pub fn eddsa(curve: TpmEccCurve, attributes: A) -> TpmtPublic {
    on(curve, ecc(attributes | SIGN, None, Some(TpmtEccScheme::Eddsa(()))))
}

pub fn hash_eddsa(curve: TpmEccCurve, attributes: A) -> TpmtPublic {
    on(curve, ecc(attributes | SIGN, None, Some(TpmtEccScheme::HashEddsa(()))))
}

/// A key of X25519 or X448.
pub fn x_key(curve: TpmEccCurve, attributes: A) -> TpmtPublic {
    on(curve, ecc(attributes | A::DECRYPT, None, Some(TpmtEccScheme::Ecdh(TpmiAlgHash::Sha256))))
}

/// The same as a storage key.
pub fn storage(curve: TpmEccCurve) -> TpmtPublic {
    on(curve, ecc_srk())
}

pub fn every_kind() -> Vec<TpmtPublic> {
    let of = |&curve: &TpmEccCurve| {
        [
            eddsa(curve, OWN),
            eddsa(curve, OWN | A::RESTRICTED),
            hash_eddsa(curve, OWN),
            hash_eddsa(curve, OWN | A::RESTRICTED),
            x_key(curve, OWN),
            storage(curve),
        ]
    };
    CURVES.iter().flat_map(of).collect()
}

pub fn private(value: &[u8]) -> TpmtSensitive {
    keys::sensitive(TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(value).unwrap()))
}

/// The last byte of the object identifier (RFC 8410, 3).
fn identifier(public: &TpmtPublic) -> (u8, usize) {
    let PublicKind::Ecc(parms, _) = &public.kind else { panic!("{public:?}") };
    let signs = matches!(parms.scheme, Some(TpmtEccScheme::Eddsa(()) | TpmtEccScheme::HashEddsa(())));
    match (parms.curve_id, signs) {
        (TpmEccCurve::Curve25519, false) => (0x6e, 32),
        (TpmEccCurve::Curve448, false) => (0x6f, 56),
        (TpmEccCurve::Curve25519, true) => (0x70, 32),
        (TpmEccCurve::Curve448, true) => (0x71, 57),
        _ => panic!("{public:?}"),
    }
}

/// The SubjectPublicKeyInfo (RFC 8410, 4).
pub fn spki(public: &TpmtPublic) -> Vec<u8> {
    let (last, size) = identifier(public);
    let size = size as u8;
    [&[0x30, size + 10, 0x30, 5, 6, 3, 0x2b, 0x65, last, 3, size + 1, 0][..], &coordinate(public)].concat()
}

/// The PrivateKeyInfo (RFC 8410, 7) of a key of this kind.
fn pkcs8(public: &TpmtPublic, private: &[u8]) -> Vec<u8> {
    let (last, size) = identifier(public);
    assert_eq!(private.len(), size);
    let size = size as u8;
    [&[0x30, size + 14, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, last, 4, size + 2, 4, size][..], private].concat()
}

/// The public key that OpenSSL computes from a private one.
pub fn openssl_public(template: &TpmtPublic, private: &[u8]) -> Vec<u8> {
    let key = Scratch::new(&pkcs8(template, private));
    let (done, der) = openssl(&["pkey", "-inform", "DER", "-in", key.path(), "-pubout", "-outform", "DER"], &[]);
    assert!(done, "openssl takes the private key");
    der[12..].to_vec()
}

/// What OpenSSL agrees on with a key.
pub fn openssl_agrees(public: &TpmtPublic, private: &[u8]) -> Vec<u8> {
    let (own, peer) = (Scratch::new(&pkcs8(public, private)), Scratch::new(&spki(public)));
    let arguments =
        ["pkeyutl", "-derive", "-keyform", "DER", "-inkey", own.path(), "-peerform", "DER", "-peerkey", peer.path()];
    let (done, shared) = openssl(&arguments, &[]);
    assert!(done, "openssl agrees");
    shared
}

/// Whether OpenSSL accepts the signature of a message (PureEdDSA).
pub fn openssl_verifies(public: &TpmtPublic, message: &[u8], signature: &[u8]) -> bool {
    let (key, message, signature) = (Scratch::new(&spki(public)), Scratch::new(message), Scratch::new(signature));
    let arguments = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key.path(), "-rawin"];
    openssl(&[&arguments[..], &["-in", message.path(), "-sigfile", signature.path()]].concat(), &[]).0
}

/// A signature that OpenSSL makes (PureEdDSA).
pub fn openssl_signs(template: &TpmtPublic, private: &[u8], message: &[u8]) -> Vec<u8> {
    let (key, message) = (Scratch::new(&pkcs8(template, private)), Scratch::new(message));
    let arguments = ["pkeyutl", "-sign", "-keyform", "DER", "-inkey", key.path(), "-rawin", "-in", message.path()];
    let (done, signature) = openssl(&arguments, &[]);
    assert!(done, "openssl signs");
    signature
}

/// The public and the private half of a key that was made outside of the TPM, by OpenSSL.
pub fn outside_key(template: TpmtPublic, secret: &[u8]) -> (TpmtPublic, TpmtSensitive) {
    let point = openssl_public(&template, secret);
    (at(&point, &[], template), private(secret))
}

/// Points of small order on the two curves, as X25519 and X448 have them.
pub fn of_small_order(curve: TpmEccCurve) -> Vec<Vec<u8>> {
    let size = x_size(curve);
    let one = [&[1][..], &vec![0; size - 1]].concat();
    let mut all = vec![vec![0; size], one];
    if curve == TpmEccCurve::Curve25519 {
        all.push(bytes("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"));
        all.push(bytes("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"));
    }
    all
}
