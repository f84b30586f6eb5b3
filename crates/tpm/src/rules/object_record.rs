//! An object as a record: what is stored of a persistent object, and what a saved context of an object holds.

use alloc::vec::Vec;

use ironroot_crypto::{Provider, rsa::RsaCrt};
use ironroot_wire::{
    PublicKind, Reader, Rules, Tpm2bName, Tpm2bPrivateKeyRsa, TpmHandle, TpmRc, TpmiYesNo, TpmsHashMldsaParms,
    TpmsMldsaParms, TpmtPublic, TpmtPublicPlus, TpmtSensitive, TpmuSensitiveComposite, Wire,
};

use crate::state::{
    hierarchy::Hierarchy,
    objects::{Object, Prepared},
};

/// Appends the record of an object.
pub fn save(object: &Object, out: &mut Vec<u8>) {
    object.hierarchy.handle().marshal(out);
    TpmiYesNo(object.external).marshal(out);
    TpmiYesNo(object.primary).marshal(out);
    TpmiYesNo(object.st_clear).marshal(out);
    object.name.marshal(out);
    object.qualified_name.marshal(out);
    object.public.marshal(out);
    TpmiYesNo(object.sensitive.is_some()).marshal(out);
    if let Some(sensitive) = &object.sensitive {
        sensitive.marshal(out);
    }
}

/// The object of a record.
///
/// # Errors
/// The bytes are not such a record.
pub fn restore(record: &[u8], provider: &dyn Provider) -> Result<Object, TpmRc> {
    let mut reader = Reader::new(record, &Rules::ALL);
    let reader = &mut reader;
    let hierarchy = Hierarchy::from_handle(TpmHandle::unmarshal(reader)?).ok_or(TpmRc::HIERARCHY)?;
    let external = TpmiYesNo::unmarshal(reader)?.0;
    let primary = TpmiYesNo::unmarshal(reader)?.0;
    let st_clear = TpmiYesNo::unmarshal(reader)?.0;
    let name = Tpm2bName::unmarshal(reader)?;
    let qualified_name = Tpm2bName::unmarshal(reader)?;
    let public = TpmtPublicPlus::unmarshal(reader)?.0;
    let has_sensitive = TpmiYesNo::unmarshal(reader)?.0;
    let sensitive = if has_sensitive { Some(TpmtSensitive::unmarshal(reader)?) } else { None };
    if !reader.is_empty() {
        return Err(TpmRc::SIZE);
    }
    let prepared = match &sensitive {
        Some(sensitive) => prepare(&public, sensitive, provider)?,
        None => Prepared::None,
    };
    Ok(Object { public, sensitive, name, qualified_name, hierarchy, external, primary, st_clear, prepared })
}

/// Prepares a private key. Those of elliptic curves and of symmetric objects need no preparation.
///
/// # Errors
/// `TPM_RC_BINDING` if the private value does not belong to the public one; `TPM_RC_TYPE` if the areas differ in type.
pub fn prepare(public: &TpmtPublic, sensitive: &TpmtSensitive, provider: &dyn Provider) -> Result<Prepared, TpmRc> {
    match (&public.kind, &sensitive.sensitive) {
        (PublicKind::Rsa(parms, modulus), TpmuSensitiveComposite::Rsa(private)) => {
            let exponent = if parms.exponent == 0 { 65_537 } else { parms.exponent };
            let key = crt_values(modulus, exponent, private)?;
            provider.rsa_load(&key).map(Prepared::Rsa).map_err(|_| TpmRc::BINDING)
        }
        (PublicKind::Mlkem(parms, public), TpmuSensitiveComposite::Mlkem(seed)) => {
            let key = provider.ml_kem_load(parms.parameter_set, seed).map_err(|_| TpmRc::KEY_SIZE)?;
            if key.public() == public.as_slice() { Ok(Prepared::Mlkem(key)) } else { Err(TpmRc::BINDING) }
        }
        (PublicKind::Mldsa(TpmsMldsaParms { parameter_set, .. }, public), TpmuSensitiveComposite::Mldsa(seed))
        | (
            PublicKind::HashMldsa(TpmsHashMldsaParms { parameter_set, .. }, public),
            TpmuSensitiveComposite::HashMldsa(seed),
        ) => {
            let key = provider.ml_dsa_load(*parameter_set, seed).map_err(|_| TpmRc::KEY_SIZE)?;
            if key.public() == public.as_slice() { Ok(Prepared::Mldsa(key)) } else { Err(TpmRc::BINDING) }
        }
        _ if public.alg() == sensitive.alg() => Ok(Prepared::None),
        _ => Err(TpmRc::TYPE),
    }
}

/// The values of an RSA private key: the sensitive area holds either one prime, as Part 2 has it, or, in this
/// implementation's own private areas, p, q, dP, dQ and qInv, so that loading a key computes nothing.
///
/// # Errors
/// `TPM_RC_KEY_SIZE` if it is neither; `TPM_RC_BINDING` if the prime does not divide the modulus.
pub fn crt_values(modulus: &[u8], exponent: u32, private: &[u8]) -> Result<RsaCrt, TpmRc> {
    let half = modulus.len() / 2;
    if private.len() == half {
        return RsaCrt::from_prime(modulus, exponent, private).map_err(|_| TpmRc::BINDING);
    }
    if half == 0 || private.len() != half.saturating_mul(5) {
        return Err(TpmRc::KEY_SIZE);
    }
    let mut parts = private.chunks_exact(half).map(|part| zeroize::Zeroizing::new(part.to_vec()));
    let mut next = || parts.next().ok_or(TpmRc::KEY_SIZE);
    Ok(RsaCrt { n: modulus.into(), e: exponent, p: next()?, q: next()?, dp: next()?, dq: next()?, qinv: next()? })
}

/// The sensitive value of an RSA key with all of its values.
///
/// # Errors
/// `TPM_RC_SIZE` if the key is larger than this implementation has.
pub fn crt_sensitive(key: &RsaCrt) -> Result<Tpm2bPrivateKeyRsa, TpmRc> {
    let mut all = zeroize::Zeroizing::new(Vec::with_capacity(key.p.len().saturating_mul(5)));
    for part in [&key.p, &key.q, &key.dp, &key.dq, &key.qinv] {
        all.extend_from_slice(part);
    }
    Tpm2bPrivateKeyRsa::from_slice(&all)
}
