//! Sensitive areas outside of the TPM: the private areas that it makes for itself, and duplicates (Part 1, clauses 19 and
//! 20.3).
//!
//! An RSA key has all values for the Chinese remainder theorem in a private area that no other TPM can load (its parent has
//! fixedTPM), so that loading computes nothing. Everywhere else it has one prime, as Part 2 has it.

use alloc::vec::Vec;

use ironroot_wire::{
    PublicKind, Reader, Tpm2bAuth, Tpm2bIv, Tpm2bPrivate, Tpm2bPrivateKeyRsa, TpmRc, TpmaObject, TpmiAlgHash,
    TpmtPublic, TpmtSensitive, TpmuSensitiveComposite, Wire,
};
use zeroize::Zeroizing;

use super::{attributes, auth_value, wrapping::Protection};
use crate::{core_state::Core, state::objects::Object};

/// The protection that a storage parent gives to its child with this name.
///
/// # Errors
/// `TPM_RC_TYPE` if the object is not a storage parent.
fn protection<'a>(parent: &'a Object, name: &'a [u8]) -> Result<Protection<'a>, TpmRc> {
    Ok(Protection {
        hash: parent.name_alg()?,
        symmetric: attributes::symmetric(&parent.public).ok_or(TpmRc::TYPE)?,
        seed: &parent.sensitive()?.seed_value,
        name,
    })
}

/// The protection of what is sent to the holder of `key`, with a secret that was shared with it.
///
/// # Errors
/// `TPM_RC_TYPE` if the key has no cipher or no name.
pub fn sent_to<'a>(key: &'a Object, secret: &'a [u8], name: &'a [u8]) -> Result<Protection<'a>, TpmRc> {
    let symmetric = attributes::symmetric(&key.public).ok_or(TpmRc::TYPE)?;
    Ok(Protection { hash: key.name_alg()?, symmetric, seed: secret, name })
}

/// The private area of an object under a storage parent.
///
/// # Errors
/// `TPM_RC_TYPE` if the object is not a storage parent.
pub fn seal(
    tpm: &mut Core,
    parent: &Object,
    name: &[u8],
    public: &TpmtPublic,
    sensitive: &TpmtSensitive,
) -> Result<Tpm2bPrivate, TpmRc> {
    let protection = protection(parent, name)?;
    let iv = Tpm2bIv::from_slice(&tpm.random.bytes(protection.symmetric.algorithm.block_size()))?;
    let secret = if parent.has(TpmaObject::FIXED_TPM) {
        marshal_padded(public.name_alg, sensitive)?
    } else {
        portable_sensitive(public, sensitive)?
    };
    Tpm2bPrivate::from_slice(&protection.wrap(Some(&iv), secret)?)
}

/// The sensitive area in a private area, its auth value without the padding.
///
/// # Errors
/// `TPM_RC_INTEGRITY` if it was changed, belongs to another public area or is another parent's; `TPM_RC_SENSITIVE` if what
/// was protected is not a sensitive area; `TPM_RC_SIZE`, `TPM_RC_INSUFFICIENT` or `TPM_RC_VALUE` if the protection is
/// malformed.
pub fn open(tpm: &Core, parent: &Object, name: &[u8], private: &[u8]) -> Result<TpmtSensitive, TpmRc> {
    let plain = protection(parent, name)?.unwrap(true, private)?;
    let padded = unmarshal_sensitive(tpm, &plain).map_err(|_| TpmRc::SENSITIVE)?;
    Ok(TpmtSensitive { auth_value: Tpm2bAuth::from_slice(auth_value::trimmed(&padded.auth_value))?, ..padded })
}

/// A sensitive area behind its size, as a private area or a duplicate has it.
///
/// # Errors
/// `TPM_RC_SIZE` if bytes are left over or missing; otherwise what is wrong with the area.
pub fn unmarshal_sensitive(tpm: &Core, plain: &[u8]) -> Result<TpmtSensitive, TpmRc> {
    let mut reader = Reader::new(plain, &tpm.profile.rules);
    let size = u16::unmarshal(&mut reader)?;
    if usize::from(size) != reader.len() {
        return Err(TpmRc::SIZE);
    }
    let sensitive = TpmtSensitive::unmarshal(&mut reader)?;
    if reader.is_empty() { Ok(sensitive) } else { Err(TpmRc::SIZE) }
}

/// A sensitive area as every TPM reads it, behind its size: the auth value padded, of an RSA key one prime.
///
/// # Errors
/// `TPM_RC_SIZE` if the auth value does not fit, which loading has excluded.
pub fn portable_sensitive(public: &TpmtPublic, sensitive: &TpmtSensitive) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    let portable = match (&public.kind, &sensitive.sensitive) {
        (PublicKind::Rsa(parms, _), TpmuSensitiveComposite::Rsa(values)) => {
            let prime = values.get(..parms.key_bits.bytes() / 2).unwrap_or(values);
            TpmuSensitiveComposite::Rsa(Tpm2bPrivateKeyRsa::from_slice(prime)?)
        }
        (_, other) => other.clone(),
    };
    marshal_padded(public.name_alg, &TpmtSensitive { sensitive: portable, ..sensitive.clone() })
}

/// The auth value is padded with zeros to its largest size, so that the blob does not give its length away (Part 1,
/// 24.7.3).
fn marshal_padded(name_alg: Option<TpmiAlgHash>, sensitive: &TpmtSensitive) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    let size = name_alg.map_or(0, TpmiAlgHash::digest_size);
    let mut auth = Zeroizing::new(Vec::with_capacity(Tpm2bAuth::MAX));
    auth.extend_from_slice(auth_value::trimmed(&sensitive.auth_value));
    let padded_size = size.max(auth.len());
    auth.resize(padded_size, 0);
    let padded = TpmtSensitive { auth_value: Tpm2bAuth::from_slice(&auth)?, ..sensitive.clone() };
    let mut body = Zeroizing::new(Vec::with_capacity(Tpm2bPrivate::MAX));
    padded.marshal(&mut body);
    let mut out = Zeroizing::new(Vec::with_capacity(Tpm2bPrivate::MAX));
    u16::try_from(body.len()).map_err(|_| TpmRc::SIZE)?.marshal(&mut out);
    out.extend_from_slice(&body);
    Ok(out)
}
