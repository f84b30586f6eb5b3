//! Signatures: what is gathered until one is made, and the way from PKCS #11's mechanisms to what a TPM signs.

use cryptoki_sys::{
    CKR_DATA_INVALID, CKR_DATA_LEN_RANGE, CKR_FUNCTION_FAILED, CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT,
    CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE,
};
use der::{
    Decode as _, Sequence,
    asn1::{Null, ObjectIdentifier, OctetStringRef},
};
use ironroot_client::wire::{TpmEccCurve, TpmiAlgHash, TpmtSigScheme, TpmtSignature};
use ironroot_crypto::{
    Hasher, PORTABLE, RsaProvider as _,
    rsa::{SignatureScheme, mgf},
};
use zeroize::Zeroizing;

use crate::{
    attributes::key_type,
    config::Config,
    error::{Result, Rv, refuse},
    mechanisms::Signing,
    objects::Key,
    public::{self, PublicKey, PublicKind},
    token::Token,
};

/// No more is gathered of a message that is not hashed here; a TPM takes less than that.
const MOST: usize = 1 << 16;

/// A signature that is being made or verified.
pub(crate) struct Operation {
    pub key: Key,
    pub signing: Signing,
    input: Input,
}

enum Input {
    Hash(Box<Hasher>),
    Bytes(Zeroizing<Vec<u8>>),
}

impl Operation {
    pub(crate) fn new(key: Key, signing: Signing) -> Result<Self> {
        if key_type(&key) != signing.key_type() {
            return refuse(CKR_KEY_TYPE_INCONSISTENT, format!("the key \"{}\" is of another kind", key.name));
        }
        let input = match signing.hash() {
            Some(hash) => Input::Hash(Box::new(Hasher::new(hash))),
            None => Input::Bytes(Zeroizing::default()),
        };
        Ok(Self { key, signing, input })
    }

    /// Adds a piece of the message.
    pub(crate) fn update(&mut self, data: &[u8]) -> Result<()> {
        match &mut self.input {
            Input::Hash(hasher) => hasher.update(data),
            Input::Bytes(bytes) if bytes.len().saturating_add(data.len()) <= MOST => bytes.extend_from_slice(data),
            Input::Bytes(_) => return Err(Rv(CKR_DATA_LEN_RANGE)),
        }
        Ok(())
    }

    /// How long the signature is.
    pub(crate) fn size(&self) -> usize {
        match (public::bits(self.key.algorithm), public::curve(self.key.algorithm)) {
            (Some(bits), _) => usize::from(bits) / 8,
            (None, Some(curve)) => 2 * curve.field_size(),
            (None, None) => 64,
        }
    }

    /// The digest, or what was gathered.
    fn message(input: Input) -> Zeroizing<Vec<u8>> {
        match input {
            Input::Hash(hasher) => Zeroizing::new(hasher.finish().to_vec()),
            Input::Bytes(bytes) => bytes,
        }
    }

    /// Makes the signature.
    pub(crate) fn sign(self, token: &mut Token, config: &Config) -> Result<Vec<u8>> {
        let (size, key) = (self.size(), &self.key.reference);
        let message = Self::message(self.input);
        let public = PublicKey::from_spki(&token.public(config, key)?.0).ok_or(Rv(CKR_FUNCTION_FAILED))?;
        if public.fingerprint() != self.key.fingerprint {
            return refuse(CKR_KEY_HANDLE_INVALID, format!("{key} is another key than before"));
        }
        let signature = match self.signing {
            Signing::Pkcs1(hash) => {
                let (hash, digest) = pkcs1_digest(hash, &message)?;
                token.sign_digest(config, key, &TpmtSigScheme::Rsassa(hash), &digest)?
            }
            Signing::Pss(hash, _) => {
                has_size(&message, hash)?;
                let signature = token.sign_digest(config, key, &TpmtSigScheme::Rsapss(hash), &message)?;
                check_salt(&public, hash, &signature)?;
                signature
            }
            Signing::Ecdsa(_) => {
                let curve = public::curve(self.key.algorithm).ok_or(Rv(CKR_KEY_TYPE_INCONSISTENT))?;
                let (hash, digest) = ecdsa_digest(curve, &message)?;
                token.sign_digest(config, key, &TpmtSigScheme::Ecdsa(hash), &digest)?
            }
            Signing::Eddsa => token.sign_message(config, key, &TpmtSigScheme::Eddsa(()), &message)?,
        };
        let bytes = signature_bytes(&signature, size).filter(|bytes| bytes.len() == size);
        bytes.ok_or(()).or_else(|()| refuse(CKR_FUNCTION_FAILED, "the TPM made a signature of another length"))
    }

    /// Whether a signature is this key's.
    pub(crate) fn verify(self, public: &PublicKey, signature: &[u8]) -> Result<()> {
        if signature.len() != self.size() {
            return Err(Rv(CKR_SIGNATURE_LEN_RANGE));
        }
        let message = Self::message(self.input);
        let verified = match self.signing {
            Signing::Pkcs1(hash) => {
                let (hash, digest) = pkcs1_digest(hash, &message)?;
                public.verifies_rsa(SignatureScheme::Pkcs1(hash), &digest, signature)
            }
            Signing::Pss(hash, _) => {
                has_size(&message, hash)?;
                public.verifies_rsa(SignatureScheme::Pss(hash), &message, signature)
            }
            Signing::Ecdsa(_) => public.verifies_ecdsa(&message, signature),
            Signing::Eddsa => public.verifies_eddsa(&message, signature),
        };
        match verified {
            Some(true) => Ok(()),
            Some(false) => Err(Rv(CKR_SIGNATURE_INVALID)),
            None => Err(Rv(CKR_KEY_TYPE_INCONSISTENT)),
        }
    }
}

fn has_size(digest: &[u8], hash: TpmiAlgHash) -> Result<()> {
    if digest.len() == hash.digest_size() { Ok(()) } else { Err(Rv(CKR_DATA_LEN_RANGE)) }
}

/// RFC 8017, A.2.4, with the NULL that everybody writes and a TPM signs.
#[derive(Sequence)]
struct DigestInfo<'a> {
    algorithm: HashAlgorithm,
    digest: &'a OctetStringRef,
}

#[derive(Sequence)]
struct HashAlgorithm {
    oid: ObjectIdentifier,
    parameters: Null,
}

/// The hash and the digest: that of the message, or the one in a `DigestInfo`. A TPM pads the digest itself, so it has to know the hash.
fn pkcs1_digest(hash: Option<TpmiAlgHash>, message: &[u8]) -> Result<(TpmiAlgHash, Vec<u8>)> {
    if let Some(hash) = hash {
        return Ok((hash, message.to_vec()));
    }
    let info = DigestInfo::from_der(message).ok();
    let found = info.and_then(|info| {
        let hash = match info.algorithm.oid.to_string().as_str() {
            "1.3.14.3.2.26" => TpmiAlgHash::Sha1,
            "2.16.840.1.101.3.4.2.1" => TpmiAlgHash::Sha256,
            "2.16.840.1.101.3.4.2.2" => TpmiAlgHash::Sha384,
            "2.16.840.1.101.3.4.2.3" => TpmiAlgHash::Sha512,
            _ => return None,
        };
        (info.digest.as_bytes().len() == hash.digest_size()).then(|| (hash, info.digest.as_bytes().to_vec()))
    });
    found.ok_or(()).or_else(|()| {
        refuse(
            CKR_DATA_INVALID,
            "a TPM signs with PKCS #1 v1.5 only a DigestInfo of SHA-1, SHA-256, SHA-384 or SHA-512",
        )
    })
}

/// ECDSA signs a number that is no longer than the curve's order: of a longer digest its first bits (FIPS 186-5, 6.4.1). A TPM
/// wants a digest as long as its hash, so zeros go in front of a shorter one, which leave the number as it is.
fn ecdsa_digest(curve: TpmEccCurve, digest: &[u8]) -> Result<(TpmiAlgHash, Vec<u8>)> {
    let hash = match curve {
        TpmEccCurve::NistP256 => TpmiAlgHash::Sha256,
        TpmEccCurve::NistP384 => TpmiAlgHash::Sha384,
        _ => TpmiAlgHash::Sha512,
    };
    let size = hash.digest_size();
    if digest.is_empty() || (size < curve.field_size() && digest.len() > size) {
        return refuse(CKR_DATA_LEN_RANGE, format!("{} bytes are no digest for this curve", digest.len()));
    }
    let first = digest.get(..digest.len().min(size)).unwrap_or_default();
    let mut padded = vec![0; size - first.len()];
    padded.extend_from_slice(first);
    Ok((hash, padded))
}

/// A signature as PKCS #11 has it.
fn signature_bytes(signature: &TpmtSignature, size: usize) -> Option<Vec<u8>> {
    match signature {
        TpmtSignature::Rsassa(rsa) | TpmtSignature::Rsapss(rsa) => Some(rsa.sig.to_vec()),
        TpmtSignature::Ecdsa(ecc) => {
            let padded = |number: &[u8]| Some([&vec![0; (size / 2).checked_sub(number.len())?], number].concat());
            Some([padded(&ecc.signature_r)?, padded(&ecc.signature_s)?].concat())
        }
        TpmtSignature::Eddsa(signature) => Some(signature.to_vec()),
        _ => None,
    }
}

/// A program that asks for a salt as long as the digest must not get another one: strict verifiers (TLS 1.3) would refuse the signature, and
/// older TPMs make the salt as long as the key allows.
fn check_salt(public: &PublicKey, hash: TpmiAlgHash, signature: &TpmtSignature) -> Result<()> {
    let (PublicKind::Rsa { n, .. }, TpmtSignature::Rsapss(rsa)) = (&public.kind, signature) else {
        return Err(Rv(CKR_FUNCTION_FAILED));
    };
    let encoded = PORTABLE.rsa_public(n, 65_537, &rsa.sig).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
    match salt_size(hash, &encoded) {
        Some(size) if size == hash.digest_size() => Ok(()),
        Some(size) => refuse(CKR_FUNCTION_FAILED, format!("this TPM makes PSS signatures with a salt of {size} bytes")),
        None => refuse(CKR_FUNCTION_FAILED, "the TPM's PSS signature is none"),
    }
}

/// The length of the salt in an encoded message (RFC 8017, 9.1.2).
fn salt_size(hash: TpmiAlgHash, encoded: &[u8]) -> Option<usize> {
    let (_, rest) = encoded.split_last()?;
    let (masked, h) = rest.split_at_checked(rest.len().checked_sub(hash.digest_size())?)?;
    let mut data = masked.to_vec();
    mgf::mask(hash, h, &mut data);
    *data.first_mut()? &= 0x7f;
    let one = data.iter().position(|byte| *byte != 0)?;
    Some(data.len() - one - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecdsa_takes_digests_of_other_lengths_as_the_same_number() {
        let curve = TpmEccCurve::NistP256;
        assert_eq!(ecdsa_digest(curve, &[7; 32]), Ok((TpmiAlgHash::Sha256, vec![7; 32])));
        assert_eq!(ecdsa_digest(curve, &[7; 48]), Ok((TpmiAlgHash::Sha256, vec![7; 32])));
        assert_eq!(ecdsa_digest(curve, &[7; 20]).unwrap().1, [vec![0; 12], vec![7; 20]].concat());
        assert_eq!(ecdsa_digest(TpmEccCurve::NistP521, &[7; 32]).unwrap().1.len(), 64);
        assert_eq!(ecdsa_digest(TpmEccCurve::NistP521, &[7; 65]), Err(Rv(CKR_DATA_LEN_RANGE)));
        assert_eq!(ecdsa_digest(curve, &[]), Err(Rv(CKR_DATA_LEN_RANGE)));
    }

    #[test]
    fn a_digest_info_says_which_hash() {
        let prefix = [0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
        let info = [prefix.as_slice(), &[9; 32]].concat();
        assert_eq!(pkcs1_digest(None, &info), Ok((TpmiAlgHash::Sha256, vec![9; 32])));
        for wrong in [&info[1..], &info[..50], &[9; 36], &[]] {
            assert_eq!(pkcs1_digest(None, wrong), Err(Rv(CKR_DATA_INVALID)));
        }
    }

    #[test]
    fn the_salt_of_pss_is_measured() {
        for size in [0, 20, 32, 222] {
            let salt = vec![5; size];
            let encoded = ironroot_crypto::rsa::pss::encode_with_salt(TpmiAlgHash::Sha256, &[1; 32], 256, &salt);
            assert_eq!(salt_size(TpmiAlgHash::Sha256, &encoded.unwrap()), Some(size));
        }
        assert_eq!(salt_size(TpmiAlgHash::Sha256, &[]), None);
    }
}
