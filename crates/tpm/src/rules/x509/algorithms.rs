//! Public keys and signature algorithms as X.509 names them (RFC 3279, 4055, 5480, 5639, 8410, 8692).

use alloc::{vec, vec::Vec};

use der::{
    Encode, Tag, TagNumber,
    asn1::{Null, ObjectIdentifier, UintRef},
};
use ironroot_crypto::rsa::pss::salt_size;
use ironroot_wire::{PublicKind, TpmEccCurve, TpmiAlgHash, TpmtPublic, TpmtSigScheme};

use super::value;
use crate::rules::{edwards::Form, signatures::exponent};

const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
const MGF1: &str = "1.2.840.113549.1.1.8";
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";

/// The SubjectPublicKeyInfo of a public area; `None` if X.509 has no form for it.
#[must_use]
pub fn subject_public_key_info(public: &TpmtPublic) -> Option<Vec<u8>> {
    match &public.kind {
        PublicKind::Rsa(parms, modulus) => {
            let exponent = exponent(parms).to_be_bytes();
            let numbers = [UintRef::new(modulus).ok()?.to_der().ok()?, UintRef::new(&exponent).ok()?.to_der().ok()?];
            let key = value(Tag::Sequence, &[&numbers[0], &numbers[1]]).ok()?;
            key_info(&with_null(RSA_ENCRYPTION)?, &[&key])
        }
        PublicKind::Ecc(parms, point) if Form::of(parms).is_some() => {
            let algorithm = value(Tag::Sequence, &[&oid(form(Form::of(parms)?)?)?]).ok()?;
            key_info(&algorithm, &[&point.x])
        }
        PublicKind::Ecc(parms, point) => {
            let curve = oid(curve(parms.curve_id)?)?;
            let algorithm = value(Tag::Sequence, &[&oid(EC_PUBLIC_KEY)?, &curve]).ok()?;
            key_info(&algorithm, &[&[4], &point.x, &point.y])
        }
        _ => None,
    }
}

fn key_info(algorithm: &[u8], key: &[&[u8]]) -> Option<Vec<u8>> {
    // A BIT STRING starts with the number of its unused bits.
    let bits = value(Tag::BitString, &[&[&[0_u8][..]], key].concat()).ok()?;
    value(Tag::Sequence, &[algorithm, &bits]).ok()
}

/// RFC 8410, 3.
const fn form(form: Form) -> Option<&'static str> {
    Some(match form {
        Form::Agreement(TpmEccCurve::Curve25519) => "1.3.101.110",
        Form::Agreement(TpmEccCurve::Curve448) => "1.3.101.111",
        Form::Signature(TpmEccCurve::Curve25519) => "1.3.101.112",
        Form::Signature(TpmEccCurve::Curve448) => "1.3.101.113",
        _ => return None,
    })
}

const fn curve(curve: TpmEccCurve) -> Option<&'static str> {
    Some(match curve {
        TpmEccCurve::NistP192 => "1.2.840.10045.3.1.1",
        TpmEccCurve::NistP224 => "1.3.132.0.33",
        TpmEccCurve::NistP256 => "1.2.840.10045.3.1.7",
        TpmEccCurve::NistP384 => "1.3.132.0.34",
        TpmEccCurve::NistP521 => "1.3.132.0.35",
        TpmEccCurve::Sm2P256 => "1.2.156.10197.1.301",
        TpmEccCurve::BpP256R1 => "1.3.36.3.3.2.8.1.1.7",
        TpmEccCurve::BpP384R1 => "1.3.36.3.3.2.8.1.1.11",
        TpmEccCurve::BpP512R1 => "1.3.36.3.3.2.8.1.1.13",
        _ => return None,
    })
}

/// The AlgorithmIdentifier of signatures of a key of `size` bytes; `None` if X.509 has none for the scheme.
#[must_use]
pub fn signature_algorithm(scheme: &TpmtSigScheme, size: usize) -> Option<Vec<u8>> {
    match scheme {
        TpmtSigScheme::Rsassa(hash) => with_null(match hash {
            TpmiAlgHash::Sha1 => "1.2.840.113549.1.1.5",
            TpmiAlgHash::Sha256 => "1.2.840.113549.1.1.11",
            TpmiAlgHash::Sha384 => "1.2.840.113549.1.1.12",
            TpmiAlgHash::Sha512 => "1.2.840.113549.1.1.13",
            TpmiAlgHash::Sha3_256 => "2.16.840.1.101.3.4.3.14",
            TpmiAlgHash::Sha3_384 => "2.16.840.1.101.3.4.3.15",
            TpmiAlgHash::Sha3_512 => "2.16.840.1.101.3.4.3.16",
            TpmiAlgHash::Sm3_256 => return None,
        }),
        TpmtSigScheme::Rsapss(hash) => pss(*hash, size),
        TpmtSigScheme::Ecdsa(hash) => alone(match hash {
            TpmiAlgHash::Sha1 => "1.2.840.10045.4.1",
            TpmiAlgHash::Sha256 => "1.2.840.10045.4.3.2",
            TpmiAlgHash::Sha384 => "1.2.840.10045.4.3.3",
            TpmiAlgHash::Sha512 => "1.2.840.10045.4.3.4",
            TpmiAlgHash::Sha3_256 => "2.16.840.1.101.3.4.3.10",
            TpmiAlgHash::Sha3_384 => "2.16.840.1.101.3.4.3.11",
            TpmiAlgHash::Sha3_512 => "2.16.840.1.101.3.4.3.12",
            TpmiAlgHash::Sm3_256 => return None,
        }),
        TpmtSigScheme::Sm2(TpmiAlgHash::Sm3_256) => alone("1.2.156.10197.1.501"),
        _ => None,
    }
}

/// RSASSA-PSS-params (RFC 4055, 3.1), every field stated; DER leaves out those that are SHA-1's.
fn pss(hash: TpmiAlgHash, size: usize) -> Option<Vec<u8>> {
    let digest = with_null(match hash {
        TpmiAlgHash::Sha1 => "1.3.14.3.2.26",
        TpmiAlgHash::Sha256 => "2.16.840.1.101.3.4.2.1",
        TpmiAlgHash::Sha384 => "2.16.840.1.101.3.4.2.2",
        TpmiAlgHash::Sha512 => "2.16.840.1.101.3.4.2.3",
        TpmiAlgHash::Sha3_256 => "2.16.840.1.101.3.4.2.8",
        TpmiAlgHash::Sha3_384 => "2.16.840.1.101.3.4.2.9",
        TpmiAlgHash::Sha3_512 => "2.16.840.1.101.3.4.2.10",
        TpmiAlgHash::Sm3_256 => return None,
    })?;
    let mask = value(Tag::Sequence, &[&oid(MGF1)?, &digest]).ok()?;
    let salt = u32::try_from(salt_size(hash, size).ok()?).ok()?;
    let mut fields = vec![];
    if hash != TpmiAlgHash::Sha1 {
        fields.push(field(0, &digest)?);
        fields.push(field(1, &mask)?);
    }
    if salt != 20 {
        fields.push(field(2, &salt.to_der().ok()?)?);
    }
    let parameters = value(Tag::Sequence, &[&fields.concat()]).ok()?;
    value(Tag::Sequence, &[&oid(RSASSA_PSS)?, &parameters]).ok()
}

fn field(number: u32, contents: &[u8]) -> Option<Vec<u8>> {
    value(Tag::ContextSpecific { constructed: true, number: TagNumber(number) }, &[contents]).ok()
}

fn with_null(algorithm: &str) -> Option<Vec<u8>> {
    value(Tag::Sequence, &[&oid(algorithm)?, &Null.to_der().ok()?]).ok()
}

fn alone(algorithm: &str) -> Option<Vec<u8>> {
    value(Tag::Sequence, &[&oid(algorithm)?]).ok()
}

fn oid(dotted: &str) -> Option<Vec<u8>> {
    ObjectIdentifier::new(dotted).ok()?.to_der().ok()
}
