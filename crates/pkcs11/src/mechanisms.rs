//! The mechanisms: which there are, which keys they are for, and what their parameters may be.

use cryptoki_sys::*;
use ironroot_client::wire::TpmiAlgHash::{self, Sha1, Sha3_256, Sha3_384, Sha3_512, Sha256, Sha384, Sha512};

use crate::error::{Result, Rv, refuse};

/// What a program asks for: the mechanism, and its parameter as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub kind: CK_MECHANISM_TYPE,
    pub parameter: Vec<u8>,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    /// PKCS #1 v1.5 over a `DigestInfo`, or over what this hash makes of the message.
    Pkcs1(Option<TpmiAlgHash>),
    /// PSS: the parameter's hash; whether the message is hashed here.
    Pss(TpmiAlgHash, bool),
    /// ECDSA over a digest, or over what this hash makes of the message.
    Ecdsa(Option<TpmiAlgHash>),
    /// Ed25519.
    Eddsa,
}

impl Signing {
    /// The hash of the message, unless that comes hashed.
    pub(crate) const fn hash(self) -> Option<TpmiAlgHash> {
        match self {
            Self::Pkcs1(hash) | Self::Ecdsa(hash) => hash,
            Self::Pss(hash, true) => Some(hash),
            Self::Pss(_, false) | Self::Eddsa => None,
        }
    }

    /// The kind of key that it is for.
    pub(crate) const fn key_type(self) -> CK_KEY_TYPE {
        match self {
            Self::Pkcs1(_) | Self::Pss(..) => CKK_RSA,
            Self::Ecdsa(_) => CKK_EC,
            Self::Eddsa => CKK_EC_EDWARDS,
        }
    }
}

const DIGESTS: [(CK_MECHANISM_TYPE, TpmiAlgHash); 7] = [
    (CKM_SHA_1, Sha1),
    (CKM_SHA256, Sha256),
    (CKM_SHA384, Sha384),
    (CKM_SHA512, Sha512),
    (CKM_SHA3_256, Sha3_256),
    (CKM_SHA3_384, Sha3_384),
    (CKM_SHA3_512, Sha3_512),
];

const SIGNING: [(CK_MECHANISM_TYPE, Signing); 15] = [
    (CKM_RSA_PKCS, Signing::Pkcs1(None)),
    (CKM_SHA1_RSA_PKCS, Signing::Pkcs1(Some(Sha1))),
    (CKM_SHA256_RSA_PKCS, Signing::Pkcs1(Some(Sha256))),
    (CKM_SHA384_RSA_PKCS, Signing::Pkcs1(Some(Sha384))),
    (CKM_SHA512_RSA_PKCS, Signing::Pkcs1(Some(Sha512))),
    // The hash of the first of these is in its parameter.
    (CKM_RSA_PKCS_PSS, Signing::Pss(Sha256, false)),
    (CKM_SHA256_RSA_PKCS_PSS, Signing::Pss(Sha256, true)),
    (CKM_SHA384_RSA_PKCS_PSS, Signing::Pss(Sha384, true)),
    (CKM_SHA512_RSA_PKCS_PSS, Signing::Pss(Sha512, true)),
    (CKM_ECDSA, Signing::Ecdsa(None)),
    (CKM_ECDSA_SHA1, Signing::Ecdsa(Some(Sha1))),
    (CKM_ECDSA_SHA256, Signing::Ecdsa(Some(Sha256))),
    (CKM_ECDSA_SHA384, Signing::Ecdsa(Some(Sha384))),
    (CKM_ECDSA_SHA512, Signing::Ecdsa(Some(Sha512))),
    (CKM_EDDSA, Signing::Eddsa),
];

const GENERATION: [CK_MECHANISM_TYPE; 3] =
    [CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_EC_KEY_PAIR_GEN, CKM_EC_EDWARDS_KEY_PAIR_GEN];

/// All mechanisms.
pub(crate) fn list() -> Vec<CK_MECHANISM_TYPE> {
    let signing = SIGNING.iter().map(|(kind, _)| *kind);
    GENERATION.into_iter().chain(signing).chain(DIGESTS.iter().map(|(kind, _)| *kind)).collect()
}

/// Those that sign with a kind of key.
pub(crate) fn list_for(key_type: CK_KEY_TYPE) -> Vec<CK_MECHANISM_TYPE> {
    SIGNING.iter().filter(|(_, signing)| signing.key_type() == key_type).map(|(kind, _)| *kind).collect()
}

/// What there is to say of one.
pub(crate) fn info(kind: CK_MECHANISM_TYPE) -> Result<CK_MECHANISM_INFO> {
    const CURVES: CK_FLAGS = CKF_EC_F_P | CKF_EC_OID | CKF_EC_UNCOMPRESS;
    let of = |least, most, flags| Ok(CK_MECHANISM_INFO { ulMinKeySize: least, ulMaxKeySize: most, flags });
    if let Some((_, signing)) = SIGNING.iter().find(|(known, _)| *known == kind) {
        let flags = CKF_SIGN | CKF_VERIFY;
        return match signing {
            Signing::Pkcs1(_) | Signing::Pss(..) => of(2048, 4096, CKF_HW | flags),
            Signing::Ecdsa(_) => of(256, 521, CKF_HW | flags | CURVES),
            Signing::Eddsa => of(255, 255, CKF_HW | flags | CKF_EC_OID),
        };
    }
    match kind {
        CKM_RSA_PKCS_KEY_PAIR_GEN => of(2048, 4096, CKF_HW | CKF_GENERATE_KEY_PAIR),
        CKM_EC_KEY_PAIR_GEN => of(256, 521, CKF_HW | CKF_GENERATE_KEY_PAIR | CURVES),
        CKM_EC_EDWARDS_KEY_PAIR_GEN => of(255, 255, CKF_HW | CKF_GENERATE_KEY_PAIR | CKF_EC_OID | CKF_EC_CURVENAME),
        _ if DIGESTS.iter().any(|(known, _)| *known == kind) => of(0, 0, CKF_DIGEST),
        _ => Err(Rv(CKR_MECHANISM_INVALID)),
    }
}

/// The hash of a digest mechanism.
pub(crate) fn digest(request: &Request) -> Result<TpmiAlgHash> {
    let hash = hash(request.kind).ok_or(Rv(CKR_MECHANISM_INVALID))?;
    if request.parameter.is_empty() { Ok(hash) } else { Err(Rv(CKR_MECHANISM_PARAM_INVALID)) }
}

fn hash(kind: CK_MECHANISM_TYPE) -> Option<TpmiAlgHash> {
    DIGESTS.iter().find(|(known, _)| *known == kind).map(|(_, hash)| *hash)
}

/// The signature mechanism, its parameter checked.
pub(crate) fn signing(request: &Request) -> Result<Signing> {
    let signing = SIGNING.iter().find(|(known, _)| *known == request.kind).map(|(_, signing)| *signing);
    let Some(signing) = signing else {
        return refuse(CKR_MECHANISM_INVALID, format!("mechanism {:#x} is none to sign with", request.kind));
    };
    match signing {
        Signing::Pss(own, hashes) => pss(own, hashes, &request.parameter),
        Signing::Eddsa => eddsa(&request.parameter),
        signing if request.parameter.is_empty() => Ok(signing),
        _ => Err(Rv(CKR_MECHANISM_PARAM_INVALID)),
    }
}

/// `CK_RSA_PKCS_PSS_PARAMS`. A TPM has one hash for message and mask, and a salt as long as the digest.
fn pss(own: TpmiAlgHash, hashes: bool, parameter: &[u8]) -> Result<Signing> {
    let numbers: Vec<CK_ULONG> = parameter
        .chunks(size_of::<CK_ULONG>())
        .filter_map(|bytes| Some(CK_ULONG::from_ne_bytes(bytes.try_into().ok()?)))
        .collect();
    let (&[digest, mask, salt], true) = (numbers.as_slice(), parameter.len() == 3 * size_of::<CK_ULONG>()) else {
        return refuse(CKR_MECHANISM_PARAM_INVALID, "PSS needs a CK_RSA_PKCS_PSS_PARAMS");
    };
    let masks =
        [(CKG_MGF1_SHA1, Sha1), (CKG_MGF1_SHA256, Sha256), (CKG_MGF1_SHA384, Sha384), (CKG_MGF1_SHA512, Sha512)];
    let digest = hash(digest);
    let mask = masks.iter().find(|(known, _)| *known == mask).map(|(_, hash)| *hash);
    let Some(digest) = digest.filter(|_| digest == mask).filter(|digest| !hashes || *digest == own) else {
        return refuse(CKR_MECHANISM_PARAM_INVALID, "a TPM's PSS has one hash for the message and for MGF1");
    };
    if usize::try_from(salt) != Ok(digest.digest_size()) {
        let text = format!("a TPM's PSS salt is as long as the digest: {} bytes, not {salt}", digest.digest_size());
        return refuse(CKR_MECHANISM_PARAM_INVALID, text);
    }
    Ok(Signing::Pss(digest, hashes))
}

/// `CK_EDDSA_PARAMS`: none, or one that asks for neither a prehash nor a context.
fn eddsa(parameter: &[u8]) -> Result<Signing> {
    let context = std::mem::offset_of!(CK_EDDSA_PARAMS, ulContextDataLen);
    let is_plain = parameter.is_empty()
        || (parameter.len() == size_of::<CK_EDDSA_PARAMS>()
            && parameter.first() == Some(&CK_FALSE)
            && parameter.iter().skip(context).take(size_of::<CK_ULONG>()).all(|byte| *byte == 0));
    if is_plain {
        return Ok(Signing::Eddsa);
    }
    refuse(CKR_MECHANISM_PARAM_INVALID, "Ed25519 is the pure one here: no prehash, no context")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: CK_MECHANISM_TYPE, numbers: &[CK_ULONG]) -> Request {
        Request { kind, parameter: numbers.iter().flat_map(|number| number.to_ne_bytes()).collect() }
    }

    #[test]
    fn every_mechanism_that_is_listed_has_information_and_no_other_has() {
        let all = list();
        for kind in &all {
            assert_ne!(info(*kind).unwrap().flags, 0);
        }
        assert!((0..0x5000).filter(|kind| info(*kind).is_ok()).all(|kind| all.contains(&kind)));
        assert_eq!(all.len(), all.iter().collect::<std::collections::BTreeSet<_>>().len());
    }

    #[test]
    fn pss_is_what_a_tpm_does() {
        let sha256 = [CKM_SHA256, CKG_MGF1_SHA256, 32];
        assert_eq!(signing(&request(CKM_RSA_PKCS_PSS, &sha256)), Ok(Signing::Pss(Sha256, false)));
        assert_eq!(signing(&request(CKM_SHA256_RSA_PKCS_PSS, &sha256)), Ok(Signing::Pss(Sha256, true)));
        let wrong: [&[CK_ULONG]; 6] = [
            &[],
            &sha256[..2],
            &[CKM_SHA256, CKG_MGF1_SHA1, 32],
            &[CKM_SHA256, CKG_MGF1_SHA256, 222],
            &[CKM_SHA256, CKG_MGF1_SHA256, 32, 0],
            &[CKM_SHA224, CKG_MGF1_SHA224, 28],
        ];
        for numbers in wrong {
            assert_eq!(signing(&request(CKM_RSA_PKCS_PSS, numbers)), Err(Rv(CKR_MECHANISM_PARAM_INVALID)));
        }
        let other = request(CKM_SHA384_RSA_PKCS_PSS, &sha256);
        assert_eq!(signing(&other), Err(Rv(CKR_MECHANISM_PARAM_INVALID)));
    }

    #[test]
    fn eddsa_is_the_pure_one() {
        assert_eq!(signing(&request(CKM_EDDSA, &[])), Ok(Signing::Eddsa));
        assert_eq!(signing(&request(CKM_EDDSA, &[0, 0, 0])), Ok(Signing::Eddsa));
        assert!(signing(&request(CKM_EDDSA, &[1, 0, 0])).is_err());
        assert!(signing(&request(CKM_EDDSA, &[0, 3, 0])).is_err());
        assert!(signing(&request(CKM_EDDSA, &[0])).is_err());
        assert!(signing(&request(CKM_ECDSA, &[0])).is_err());
        assert_eq!(signing(&request(CKM_AES_CBC, &[])), Err(Rv(CKR_MECHANISM_INVALID)));
    }
}
