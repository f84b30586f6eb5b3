//! EdDSA signatures (Part 1, 44.3.2; Part 3, 17.5, 17.6 and clause 20): of a message as a whole, because RFC 8032 hashes it
//! twice, of its hash, and their verification, for which the message may come in parts.
//!
//! The TPM gives EdDSA no context (Part 2, 11.3.7).

use alloc::vec::Vec;

use ironroot_crypto::{
    CryptoError,
    ecc::eddsa::{self, Domain, Prehash},
};
use ironroot_wire::{
    PublicKind, Reader, Tpm2bSignatureEddsa, TpmEccCurve, TpmRc, TpmtSignature, TpmuSensitiveComposite, Wire,
};

use super::edwards::Form;
use crate::{
    core_state::Core,
    state::{objects::Object, saved::Bytes},
};

/// The curve and the point of a key of EdDSA.
fn public(key: &Object) -> Result<(TpmEccCurve, &[u8]), TpmRc> {
    match &key.public.kind {
        PublicKind::Ecc(parms, point) => match Form::of(parms) {
            Some(Form::Signature(curve)) => Ok((curve, &point.x)),
            _ => Err(TpmRc::SCHEME),
        },
        _ => Err(TpmRc::SCHEME),
    }
}

/// The curve of a key of EdDSA.
///
/// # Errors
/// `TPM_RC_SCHEME` if the key is another one.
pub fn curve(key: &Object) -> Result<TpmEccCurve, TpmRc> {
    public(key).map(|(curve, _)| curve)
}

fn sign(tpm: &Core, key: &Object, domain: Domain<'_>, message: &[u8]) -> Result<Tpm2bSignatureEddsa, TpmRc> {
    let (curve, point) = public(key)?;
    let TpmuSensitiveComposite::Ecc(private) = &key.sensitive()?.sensitive else { return Err(TpmRc::SCHEME) };
    let signature = tpm.provider.eddsa_sign(curve, private, domain, message).map_err(|_| TpmRc::FAILURE)?;
    // Nothing random is in it: a right and a faulty signature of one message would give the private key away.
    tpm.provider.eddsa_verify(curve, point, domain, message, &signature).map_err(|_| TpmRc::FAILURE)?;
    Tpm2bSignatureEddsa::from_slice(&signature)
}

/// Signs a message.
///
/// # Errors
/// `TPM_RC_SCHEME` if the key is not one of EdDSA; `TPM_RC_AUTH_UNAVAILABLE` if only its public area is loaded.
pub fn sign_message(tpm: &Core, key: &Object, message: &[u8]) -> Result<TpmtSignature, TpmRc> {
    sign(tpm, key, Domain::PURE, message).map(TpmtSignature::Eddsa)
}

/// Signs the hash of a message.
///
/// # Errors
/// As [`sign_message`]; `TPM_RC_SIZE` if the hash has not [`eddsa::PREHASH_SIZE`] bytes.
pub fn sign_hash(tpm: &Core, key: &Object, hash: &[u8]) -> Result<TpmtSignature, TpmRc> {
    if hash.len() != eddsa::PREHASH_SIZE {
        return Err(TpmRc::SIZE);
    }
    sign(tpm, key, Domain::PREHASHED, hash).map(TpmtSignature::HashEddsa)
}

/// Verifies the signature of the hash of a message.
///
/// # Errors
/// `TPM_RC_SCHEME` if key or signature are not of HashEdDSA; `TPM_RC_SIGNATURE` if the signature is wrong.
pub fn verify_hash(tpm: &Core, key: &Object, hash: &[u8], signature: &TpmtSignature) -> Result<(), TpmRc> {
    let (curve, point) = public(key)?;
    let TpmtSignature::HashEddsa(signature) = signature else { return Err(TpmRc::SCHEME) };
    let verified = tpm.provider.eddsa_verify(curve, point, Domain::PREHASHED, hash, signature);
    verified.map_err(|_| TpmRc::SIGNATURE)
}

/// A message that is to be signed as a whole.
#[derive(Clone, Default)]
pub struct Whole {
    /// Whether it was begun before its last part came, and so cannot be signed any more (Part 3, 20.6).
    pub begun: bool,
    /// What is there of it.
    pub message: Vec<u8>,
}

impl Whole {
    /// Appends the record of a message, of which there is nothing yet: what was begun is not kept.
    pub fn save(&self, out: &mut Vec<u8>) {
        u8::from(self.begun).marshal(out);
    }

    /// The message of a record.
    ///
    /// # Errors
    /// The bytes are not such a record.
    pub fn restore(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        Ok(Self { begun: u8::unmarshal(reader)? != 0, message: Vec::new() })
    }
}

/// The running hash of a message for HashEdDSA.
#[derive(Clone)]
pub struct Hashing {
    curve: TpmEccCurve,
    hash: Prehash,
}

impl Hashing {
    /// Starts, for a key.
    ///
    /// # Errors
    /// `TPM_RC_SCHEME` if the key is not one of EdDSA.
    pub fn new(key: &Object) -> Result<Self, TpmRc> {
        let curve = curve(key)?;
        Ok(Self { curve, hash: Prehash::new(curve).map_err(|_| TpmRc::SCHEME)? })
    }

    /// Adds a part of the message.
    pub fn update(&mut self, part: &[u8]) {
        self.hash.update(part);
    }

    /// The hash.
    #[must_use]
    pub fn finish(self) -> [u8; eddsa::PREHASH_SIZE] {
        self.hash.finish()
    }

    /// Appends the record.
    pub fn save(&self, out: &mut Vec<u8>) {
        self.curve.marshal(out);
        Bytes(self.hash.save()).marshal(out);
    }

    /// The hash of a record.
    ///
    /// # Errors
    /// The bytes are not such a record.
    pub fn restore(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let curve = TpmEccCurve::unmarshal(reader)?;
        let hash = Prehash::restore(curve, &Bytes::unmarshal(reader)?.0).map_err(|_| TpmRc::VALUE)?;
        Ok(Self { curve, hash })
    }
}

/// The running verification of the signature of a message that comes in parts. The signature's R goes into the hash before
/// the message, so it comes first, as a hint (Part 2, 11.3.9).
#[derive(Clone)]
pub struct Verification {
    curve: TpmEccCurve,
    hint: Vec<u8>,
    hash: eddsa::Verification,
}

impl Verification {
    /// Starts, for a key and the R of the signature to come.
    ///
    /// # Errors
    /// `TPM_RC_SCHEME` if the key is not one of EdDSA; `TPM_RC_SIZE` if the hint is not as long as R.
    pub fn new(key: &Object, hint: &[u8]) -> Result<Self, TpmRc> {
        let (curve, point) = public(key)?;
        let hash = eddsa::Verification::new(curve, point, Domain::PURE, hint).map_err(|error| match error {
            CryptoError::Value => TpmRc::SIZE,
            _ => TpmRc::SCHEME,
        })?;
        Ok(Self { curve, hint: hint.to_vec(), hash })
    }

    /// Adds a part of the message.
    pub fn update(&mut self, part: &[u8]) {
        self.hash.update(part);
    }

    /// Verifies the signature with the key that the verification was started with.
    ///
    /// # Errors
    /// `TPM_RC_SCHEME` if key or signature are not of EdDSA; `TPM_RC_SIGNATURE` if the signature is wrong, or its R is not the
    /// hint.
    pub fn finish(self, key: &Object, signature: &TpmtSignature) -> Result<(), TpmRc> {
        let (_, point) = public(key)?;
        let TpmtSignature::Eddsa(signature) = signature else { return Err(TpmRc::SCHEME) };
        if !signature.starts_with(&self.hint) {
            return Err(TpmRc::SIGNATURE);
        }
        self.hash.finish(point, signature).map_err(|_| TpmRc::SIGNATURE)
    }

    /// Appends the record.
    pub fn save(&self, out: &mut Vec<u8>) {
        self.curve.marshal(out);
        Bytes(self.hint.clone().into()).marshal(out);
        Bytes(self.hash.save()).marshal(out);
    }

    /// The verification of a record.
    ///
    /// # Errors
    /// The bytes are not such a record.
    pub fn restore(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let curve = TpmEccCurve::unmarshal(reader)?;
        let hint = Bytes::unmarshal(reader)?.0.to_vec();
        let hash = eddsa::Verification::restore(curve, &Bytes::unmarshal(reader)?.0).map_err(|_| TpmRc::VALUE)?;
        Ok(Self { curve, hint, hash })
    }
}

/// Bytes of R.
///
/// # Errors
/// `TPM_RC_SCHEME` if the key is not one of EdDSA.
pub fn r_size(key: &Object) -> Result<usize, TpmRc> {
    curve(key).and_then(|curve| eddsa::key_size(curve).map_err(|_| TpmRc::SCHEME))
}

/// The R of a signature; of one that is too short, what there is.
#[must_use]
pub fn hint(key: &Object, signature: &TpmtSignature) -> Vec<u8> {
    let size = r_size(key).unwrap_or(0);
    match signature {
        TpmtSignature::Eddsa(signature) => signature.iter().take(size).copied().collect(),
        _ => Vec::new(),
    }
}
