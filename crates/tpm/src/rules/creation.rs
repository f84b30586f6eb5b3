//! The creation of objects (Part 1, clause 24; Part 3, 12.1): the sensitive area, the unique value that is bound to it, and
//! the data that says where and how the object came to be.

use alloc::vec::Vec;

use ironroot_crypto::{
    CryptoError, Digest, Provider, Random, ecc, hash, hmac, mldsa, mlkem, rsa, rsa::RsaCrt, symmetric,
};
use ironroot_platform::Cancellation;
use ironroot_wire::{
    PublicKind, SeedValue, Tpm2bAuth, Tpm2bData, Tpm2bDigest, Tpm2bEccPrivate, Tpm2bName, Tpm2bPrivateKeyMldsa,
    Tpm2bPrivateKeyMlkem, Tpm2bPublicKeyMldsa, Tpm2bSensitiveData, Tpm2bSymKey, TpmAlgId, TpmRc, TpmaLocality,
    TpmaObject, TpmiAlgHash, TpmiMldsaParms, TpmlPcrSelection, TpmsCreationData, TpmsEccParms, TpmsEccPoint,
    TpmsRsaParms, TpmtKeyedhashScheme, TpmtPublic, TpmtSensitive, TpmtSymDefObject, TpmtTkCreation,
    TpmuSensitiveComposite, Wire,
};

use zeroize::Zeroizing;

use super::{auth_value, edwards::Form, names, object_record, secret_sharing::wire_point, tickets};
use crate::{core_state::Core, state::hierarchy::Hierarchy};

/// How often a random string may be a weak key before something else is wrong: one in 2^50 is.
const CIPHER_KEY_TRIES: usize = 8;

/// An object that has just been created.
pub struct New {
    /// The public area: the template with its own unique value.
    pub public: TpmtPublic,
    /// The sensitive area.
    pub sensitive: TpmtSensitive,
    /// The name.
    pub name: Tpm2bName,
}

/// An auth value as it is kept: without trailing zeros.
///
/// # Errors
/// `TPM_RC_SIZE` if it is longer than a digest of the name algorithm, and for an object without one than any digest.
pub fn auth(auth: &[u8], name_alg: Option<TpmiAlgHash>) -> Result<Tpm2bAuth, TpmRc> {
    let trimmed = auth_value::trimmed(auth);
    if trimmed.len() > name_alg.map_or(Tpm2bAuth::MAX, TpmiAlgHash::digest_size) {
        return Err(TpmRc::SIZE);
    }
    Tpm2bAuth::from_slice(trimmed)
}

/// The private value of a new object, and the public value where that follows from it alone.
pub struct Secret {
    kind: PublicKind,
    sensitive: TpmuSensitiveComposite,
}

/// Takes the private value from `data` (symmetric objects only) or generates it from `random`.
///
/// # Errors
/// `TPM_RC_RANGE` if the exponent of an RSA key is not a prime above 2^16; `TPM_RC_SIZE` if a symmetric key is
/// longer than its public area says (Part 3, 12.1.1), or a keyed hash's key than the hash's block; `TPM_RC_KEY_SIZE` if a
/// symmetric key is shorter; `TPM_RC_KEY` if it is weak; `TPM_RC_CANCELED` if the search for an RSA key was cancelled.
pub fn secret(
    provider: &dyn Provider,
    template: &TpmtPublic,
    data: Option<&[u8]>,
    random: &mut dyn Random,
    cancellation: &dyn Cancellation,
) -> Result<Secret, TpmRc> {
    let (kind, sensitive) = match &template.kind {
        PublicKind::Rsa(parms, _) => {
            let exponent = exponent(parms)?;
            let cancelled = || cancellation.is_requested();
            let key = RsaCrt::generate(provider, random, parms.key_bits.bits(), exponent, &cancelled);
            let key = key.map_err(|error| match error {
                CryptoError::Cancelled => TpmRc::CANCELED,
                _ => TpmRc::FAILURE,
            })?;
            let modulus = key.n.as_slice().try_into()?;
            let sensitive = TpmuSensitiveComposite::Rsa(object_record::crt_sensitive(&key)?);
            (PublicKind::Rsa(parms.clone(), modulus), sensitive)
        }
        PublicKind::Ecc(parms, _) => {
            let (private, point) = ecc_pair(provider, parms, random)?;
            (PublicKind::Ecc(parms.clone(), point), TpmuSensitiveComposite::Ecc(private))
        }
        PublicKind::Symcipher(parms, _) => {
            let size = parms.sym.key_size();
            let key = match data {
                Some(key) if key.len() > size => return Err(TpmRc::SIZE),
                Some(key) if key.len() < size => return Err(TpmRc::KEY_SIZE),
                Some(key) if symmetric::check_key(parms.sym.algorithm, key).is_err() => return Err(TpmRc::KEY),
                Some(key) => Tpm2bSymKey::from_slice(key)?,
                None => Tpm2bSymKey::from_slice(&cipher_key(&parms.sym, random)?)?,
            };
            (template.kind.clone(), TpmuSensitiveComposite::Sym(key))
        }
        PublicKind::Keyedhash(parms, _) => {
            let hash = limiting_hash(template, parms.scheme.as_ref())?;
            let is_key = template.object_attributes.intersects(TpmaObject::SIGN_ENCRYPT | TpmaObject::DECRYPT);
            let bits = match data {
                // A longer key would be hashed by HMAC, and so be weaker than its owner thinks.
                Some(key) if is_key && key.len() > hash.block_size() => return Err(TpmRc::SIZE),
                Some(key) => Tpm2bSensitiveData::from_slice(key)?,
                None => Tpm2bSensitiveData::from_slice(&generated(random, hash.digest_size()))?,
            };
            (template.kind.clone(), TpmuSensitiveComposite::Bits(bits))
        }
        PublicKind::Mlkem(parms, _) => {
            let seed = generated(random, mlkem::SEED_SIZE);
            let key = provider.ml_kem_load(parms.parameter_set, &seed).map_err(|_| TpmRc::FAILURE)?;
            let public = PublicKind::Mlkem(*parms, key.public().try_into()?);
            (public, TpmuSensitiveComposite::Mlkem(Tpm2bPrivateKeyMlkem::from_slice(&seed)?))
        }
        PublicKind::Mldsa(parms, _) => {
            let (public, seed) = ml_dsa(provider, parms.parameter_set, random)?;
            (PublicKind::Mldsa(*parms, public), TpmuSensitiveComposite::Mldsa(seed))
        }
        PublicKind::HashMldsa(parms, _) => {
            let (public, seed) = ml_dsa(provider, parms.parameter_set, random)?;
            (PublicKind::HashMldsa(*parms, public), TpmuSensitiveComposite::HashMldsa(seed))
        }
    };
    Ok(Secret { kind, sensitive })
}

/// A new key of a block cipher: weak ones are thrown away and another is taken (Part 1, 8.4.10.4).
///
/// # Errors
/// `TPM_RC_NO_RESULT` if `random` gives nothing but weak keys, as a derivation stream does that has run out.
pub fn cipher_key(cipher: &TpmtSymDefObject, random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    for _ in 0..CIPHER_KEY_TRIES {
        let mut key = generated(random, cipher.key_size());
        if symmetric::finish_key(cipher.algorithm, &mut key).is_ok() {
            return Ok(key);
        }
    }
    Err(TpmRc::NO_RESULT)
}

/// A key pair on an elliptic curve.
fn ecc_pair(
    provider: &dyn Provider,
    parms: &TpmsEccParms,
    random: &mut dyn Random,
) -> Result<(Tpm2bEccPrivate, TpmsEccPoint), TpmRc> {
    if let Some(form) = Form::of(parms) {
        return form.generate(provider, random);
    }
    let (scalar, point) = ecc::generate(provider, parms.curve_id, random).map_err(|_| TpmRc::FAILURE)?;
    Ok((Tpm2bEccPrivate::from_slice(&scalar)?, wire_point(&point)?))
}

/// A key pair of ML-DSA or HashML-DSA, which have the same keys.
fn ml_dsa(
    provider: &dyn Provider,
    set: TpmiMldsaParms,
    random: &mut dyn Random,
) -> Result<(Tpm2bPublicKeyMldsa, Tpm2bPrivateKeyMldsa), TpmRc> {
    let seed = generated(random, mldsa::SEED_SIZE);
    let key = provider.ml_dsa_load(set, &seed).map_err(|_| TpmRc::FAILURE)?;
    Ok((key.public().try_into()?, Tpm2bPrivateKeyMldsa::from_slice(&seed)?))
}

/// Whether the caller provides the private value of an object with this template.
#[must_use]
pub const fn is_provided(template: &TpmtPublic) -> bool {
    !template.object_attributes.contains(TpmaObject::SENSITIVE_DATA_ORIGIN)
}

/// The public exponent.
///
/// # Errors
/// `TPM_RC_RANGE` if it is not a prime above 2^16.
pub fn exponent(parms: &TpmsRsaParms) -> Result<u32, TpmRc> {
    match parms.exponent {
        0 => Ok(rsa::DEFAULT_EXPONENT),
        exponent if rsa::is_valid_exponent(exponent) => Ok(exponent),
        _ => Err(TpmRc::RANGE),
    }
}

/// The hash that limits the size of a keyed hash's key, and gives a generated one its size: the scheme's, or the name
/// algorithm (as the Reference Code has it, because derived keys must be the same on all TPMs).
fn limiting_hash(public: &TpmtPublic, scheme: Option<&TpmtKeyedhashScheme>) -> Result<TpmiAlgHash, TpmRc> {
    match scheme {
        Some(TpmtKeyedhashScheme::Hmac(hash)) => Ok(*hash),
        Some(TpmtKeyedhashScheme::Xor(xor)) => Ok(xor.hash_alg),
        None => public.name_alg.ok_or(TpmRc::HASH),
    }
}

fn generated(random: &mut dyn Random, size: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(alloc::vec![0; size]);
    random.fill(&mut bytes);
    bytes
}

/// Completes an object with a seedValue from `random` (Part 1, 24.7.4), the unique value of symmetric objects, and its
/// name. `auth_value` comes from [`auth`].
///
/// # Errors
/// `TPM_RC_HASH` if the template has no name algorithm, which the checks of creation exclude.
pub fn complete(
    template: TpmtPublic,
    secret: Secret,
    auth_value: Tpm2bAuth,
    random: &mut dyn Random,
) -> Result<New, TpmRc> {
    let name_alg = template.name_alg.ok_or(TpmRc::HASH)?;
    let seed_value = SeedValue::from_slice(&generated(random, name_alg.digest_size()))?;
    let mut public = TpmtPublic { kind: secret.kind, ..template };
    let mut sensitive = TpmtSensitive { auth_value, seed_value, sensitive: secret.sensitive };
    let is_storage_key = public.object_attributes.contains(TpmaObject::RESTRICTED)
        && !public.object_attributes.contains(TpmaObject::SIGN_ENCRYPT);
    match (&mut public.kind, &sensitive.sensitive) {
        (PublicKind::Keyedhash(_, unique), TpmuSensitiveComposite::Bits(bits)) => {
            *unique = symmetric_unique(name_alg, &sensitive.seed_value, bits)?;
        }
        (PublicKind::Symcipher(_, unique), TpmuSensitiveComposite::Sym(key)) => {
            *unique = symmetric_unique(name_alg, &sensitive.seed_value, key)?;
        }
        // An asymmetric key that is no parent protects nobody.
        _ if !is_storage_key => sensitive.seed_value = SeedValue::default(),
        _ => {}
    }
    let name = names::object_name(&public)?;
    Ok(New { public, sensitive, name })
}

/// The unique value of a symmetric object (Part 2, 12.2.3.1).
fn symmetric_unique(name_alg: TpmiAlgHash, seed_value: &[u8], secret: &[u8]) -> Result<Tpm2bDigest, TpmRc> {
    Tpm2bDigest::from_slice(&hash::digest(name_alg, &[seed_value, secret]))
}

/// The values that bind the public area of a symmetric object to its sensitive area: that of the specification, and for
/// parents the HMAC that the Reference Code has instead, so that its objects can be imported.
#[must_use]
pub fn symmetric_bindings(
    name_alg: TpmiAlgHash,
    attributes: TpmaObject,
    seed_value: &[u8],
    secret: &[u8],
) -> (Digest, Option<Digest>) {
    let is_parent = attributes.contains(TpmaObject::RESTRICTED | TpmaObject::DECRYPT);
    let reference = is_parent.then(|| hmac::hmac(name_alg, seed_value, &[secret]));
    (hash::digest(name_alg, &[seed_value, secret]), reference)
}

/// Where an object was created: what the creation data says of its parent.
#[derive(Clone, Copy)]
pub struct Birthplace<'a> {
    /// The hierarchy.
    pub hierarchy: Hierarchy,
    /// The parent; `None` for a primary object.
    pub parent: Option<&'a crate::state::objects::Object>,
}

/// Creation data, its digest and the ticket for both (Part 1, 24.8).
///
/// # Errors
/// None for what unmarshalling lets through.
pub fn creation_data(
    tpm: &Core,
    birthplace: Birthplace<'_>,
    new: &New,
    pcrs: &TpmlPcrSelection,
    outside_info: Tpm2bData,
) -> Result<(TpmsCreationData, Tpm2bDigest, TpmtTkCreation), TpmRc> {
    let name_alg = new.public.name_alg.ok_or(TpmRc::HASH)?;
    let (pcr_digest, pcr_select) = tpm.pcrs.composite(name_alg, pcrs);
    let seed_name = Tpm2bName::from_slice(&birthplace.hierarchy.handle().to_bytes())?;
    let (parent_name_alg, parent_name, parent_qualified_name) = match birthplace.parent {
        Some(parent) => (TpmAlgId(parent.name_alg()?.value()), parent.name.clone(), parent.qualified_name.clone()),
        None => (TpmAlgId::NULL, seed_name.clone(), seed_name),
    };
    let data = TpmsCreationData {
        pcr_select,
        pcr_digest: Tpm2bDigest::from_slice(&pcr_digest)?,
        locality: locality(tpm.locality),
        parent_name_alg,
        parent_name,
        parent_qualified_name,
        outside_info,
    };
    let creation_hash = Tpm2bDigest::from_slice(&hash::digest(name_alg, &[&data.to_bytes()]))?;
    let ticket = tickets::creation(tpm, birthplace.hierarchy, &new.name, &creation_hash)?;
    Ok((data, creation_hash, ticket))
}

/// A locality as an attribute: a bit for 0 to 4, the number itself from 32 on (Part 2, 8.5).
fn locality(locality: u8) -> TpmaLocality {
    match locality {
        0..=4 => TpmaLocality(1_u8.checked_shl(u32::from(locality)).unwrap_or(0)),
        other => TpmaLocality(other),
    }
}
