//! Attributes: what an object says of itself. Public values of keys cost a question to the TPM the first time, so they are apart.

use cryptoki_sys::*;
use der::{Encode as _, asn1::OctetStringRef};
use ironroot_keys::KeyReference;

use crate::{
    error::{Result, Rv},
    mechanisms,
    objects::{Certificate, Key, Object},
    public::{self, PublicKey, PublicKind},
};

/// What a program asks for, or wants: a type and a value.
pub(crate) type Attribute = (CK_ATTRIBUTE_TYPE, Vec<u8>);

/// What is known of an attribute without the TPM.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Value(Vec<u8>),
    /// It is in the public key.
    InPublicKey,
}

/// A number as an attribute's value.
pub(crate) fn number(value: CK_ULONG) -> Vec<u8> {
    value.to_ne_bytes().to_vec()
}

/// The number in an attribute's value.
pub(crate) fn to_number(value: &[u8]) -> Option<CK_ULONG> {
    value.try_into().ok().map(CK_ULONG::from_ne_bytes)
}

fn yes(value: bool) -> Known {
    Known::Value(vec![if value { CK_TRUE } else { CK_FALSE }])
}

/// A key's `CKA_KEY_TYPE`.
pub(crate) const fn key_type(key: &Key) -> CK_KEY_TYPE {
    match (public::bits(key.algorithm), public::curve(key.algorithm)) {
        (Some(_), _) => CKK_RSA,
        (None, Some(_)) => CKK_EC,
        (None, None) => CKK_EC_EDWARDS,
    }
}

/// One attribute of an object; `login` says whether the user has to log in for the private ones.
pub(crate) fn of(object: &Object, login: bool, kind: CK_ATTRIBUTE_TYPE) -> Result<Known> {
    let value = |bytes: &[u8]| Ok(Known::Value(bytes.to_vec()));
    match kind {
        CKA_CLASS => Ok(Known::Value(number(object.class()))),
        CKA_TOKEN => Ok(yes(true)),
        CKA_PRIVATE => Ok(yes(login && object.class() == CKO_PRIVATE_KEY)),
        CKA_MODIFIABLE | CKA_COPYABLE => Ok(yes(false)),
        CKA_DESTROYABLE => Ok(yes(matches!(object, Object::Private(Key { reference: KeyReference::Name(_), .. })))),
        CKA_START_DATE | CKA_END_DATE => value(&[]),
        _ => match object {
            Object::Private(key) => of_private(key, kind),
            Object::Public(key) => of_public(key, kind),
            Object::Certificate(certificate) => of_certificate(certificate, kind),
        },
    }
}

fn of_private(key: &Key, kind: CK_ATTRIBUTE_TYPE) -> Result<Known> {
    match kind {
        CKA_SENSITIVE | CKA_SIGN => Ok(yes(true)),
        // What was brought in was outside before, for all we know.
        CKA_ALWAYS_SENSITIVE | CKA_NEVER_EXTRACTABLE => Ok(yes(key.made_in_the_tpm)),
        CKA_EXTRACTABLE
        | CKA_DECRYPT
        | CKA_SIGN_RECOVER
        | CKA_UNWRAP
        | CKA_WRAP_WITH_TRUSTED
        | CKA_ALWAYS_AUTHENTICATE => Ok(yes(false)),
        CKA_VALUE | CKA_PRIVATE_EXPONENT | CKA_PRIME_1 | CKA_PRIME_2 | CKA_EXPONENT_1 | CKA_EXPONENT_2
        | CKA_COEFFICIENT => Err(Rv(CKR_ATTRIBUTE_SENSITIVE)),
        CKA_MODULUS_BITS => Err(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
        _ => of_key(key, kind),
    }
}

fn of_public(key: &Key, kind: CK_ATTRIBUTE_TYPE) -> Result<Known> {
    match kind {
        CKA_VERIFY => Ok(yes(true)),
        CKA_ENCRYPT | CKA_VERIFY_RECOVER | CKA_WRAP | CKA_TRUSTED => Ok(yes(false)),
        _ => of_key(key, kind),
    }
}

/// What both halves of a key have.
fn of_key(key: &Key, kind: CK_ATTRIBUTE_TYPE) -> Result<Known> {
    let is_rsa = key_type(key) == CKK_RSA;
    match kind {
        CKA_LABEL => Ok(Known::Value(key.name.as_bytes().to_vec())),
        CKA_ID => Ok(Known::Value(key.id.clone())),
        CKA_SUBJECT => Ok(Known::Value(key.subject.clone())),
        CKA_KEY_TYPE => Ok(Known::Value(number(key_type(key)))),
        CKA_DERIVE => Ok(yes(false)),
        CKA_LOCAL => Ok(yes(key.made_in_the_tpm)),
        CKA_KEY_GEN_MECHANISM if !key.made_in_the_tpm => Ok(Known::Value(number(CK_UNAVAILABLE_INFORMATION))),
        CKA_KEY_GEN_MECHANISM => Ok(Known::Value(number(match key_type(key) {
            CKK_RSA => CKM_RSA_PKCS_KEY_PAIR_GEN,
            CKK_EC => CKM_EC_KEY_PAIR_GEN,
            _ => CKM_EC_EDWARDS_KEY_PAIR_GEN,
        }))),
        CKA_ALLOWED_MECHANISMS => {
            Ok(Known::Value(mechanisms::list_for(key_type(key)).into_iter().flat_map(CK_ULONG::to_ne_bytes).collect()))
        }
        CKA_EC_PARAMS => public::ec_params(key.algorithm).map(Known::Value).ok_or(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
        CKA_MODULUS_BITS => public::bits(key.algorithm)
            .map(|bits| Known::Value(number(bits.into())))
            .ok_or(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
        CKA_MODULUS | CKA_PUBLIC_EXPONENT if is_rsa => Ok(Known::InPublicKey),
        CKA_EC_POINT if !is_rsa => Ok(Known::InPublicKey),
        CKA_PUBLIC_KEY_INFO => Ok(Known::InPublicKey),
        _ => Err(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
    }
}

fn of_certificate(certificate: &Certificate, kind: CK_ATTRIBUTE_TYPE) -> Result<Known> {
    let listed = &certificate.listed;
    Ok(match kind {
        CKA_LABEL => Known::Value(listed.label.as_bytes().to_vec()),
        CKA_ID => Known::Value(certificate.id.clone()),
        CKA_CERTIFICATE_TYPE => Known::Value(number(CKC_X_509)),
        CKA_CERTIFICATE_CATEGORY => Known::Value(number(0)),
        CKA_TRUSTED => yes(false),
        CKA_VALUE => Known::Value(listed.der.clone()),
        CKA_SUBJECT => Known::Value(listed.subject.clone()),
        CKA_ISSUER => Known::Value(listed.issuer.clone()),
        CKA_SERIAL_NUMBER => Known::Value(listed.serial.clone()),
        CKA_PUBLIC_KEY_INFO => Known::Value(listed.public.spki.clone()),
        CKA_URL | CKA_HASH_OF_SUBJECT_PUBLIC_KEY | CKA_HASH_OF_ISSUER_PUBLIC_KEY => Known::Value(Vec::new()),
        _ => return Err(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
    })
}

/// An attribute that is in the public key.
pub(crate) fn in_public_key(key: &PublicKey, kind: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
    let wrapped = |bytes: &[u8]| {
        OctetStringRef::new(bytes).and_then(|string| string.to_der()).map_err(|_| Rv(CKR_FUNCTION_FAILED))
    };
    match (kind, &key.kind) {
        (CKA_PUBLIC_KEY_INFO, _) => Ok(key.spki.clone()),
        (CKA_MODULUS, PublicKind::Rsa { n, .. }) => Ok(n.clone()),
        (CKA_PUBLIC_EXPONENT, PublicKind::Rsa { e, .. }) => Ok(e.clone()),
        (CKA_EC_POINT, PublicKind::Ec { point, .. } | PublicKind::Ed25519(point)) => wrapped(point),
        _ => Err(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
    }
}
