//! The loading of objects (Part 1, clause 26): whether the two areas of an object belong together and make a usable key,
//! and what the TPM keeps of a loaded object.

use ironroot_crypto::{
    CryptoError, Provider,
    ecc::{self, fixed_size, order_size},
    symmetric,
};
use ironroot_wire::{
    PublicKind, Tpm2bEccPrivate, Tpm2bName, TpmRc, TpmaObject, TpmiAlgHash, TpmsEccParms, TpmsEccPoint,
    TpmsHashMldsaParms, TpmsKeyedhashParms, TpmsMldsaParms, TpmsRsaParms, TpmsSymcipherParms, TpmtKeyedhashScheme,
    TpmtPublic, TpmtSensitive, TpmuSensitiveComposite, Wire,
};

use super::{creation, edwards::Form, names, object_record, secret_sharing::fixed_point};
use crate::{
    core_state::Core,
    state::{
        hierarchy::Hierarchy,
        objects::{Object, Prepared},
    },
};

/// The parameters of the command that the areas came in, for the positions of errors.
#[derive(Clone, Copy)]
pub struct Parameters {
    /// That of the public area.
    pub public: u32,
    /// That of the sensitive area.
    pub sensitive: u32,
}

/// Under what an object is loaded.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// A primary seed.
    Seed(Hierarchy),
    /// A storage or derivation parent.
    Parent(&'a Object),
    /// `TPM2_LoadExternal`.
    External(Hierarchy),
}

/// Puts a loaded object together: name, qualified name, hierarchy, stClear and the prepared key. `sensitive` has been
/// checked, or comes from this TPM.
///
/// # Errors
/// `TPM_RC_BINDING` or `TPM_RC_TYPE` if the areas do not belong together after all.
pub fn object(
    tpm: &Core,
    place: Place<'_>,
    public: TpmtPublic,
    sensitive: Option<TpmtSensitive>,
    name: Tpm2bName,
) -> Result<Object, TpmRc> {
    let own_st_clear = public.object_attributes.contains(TpmaObject::ST_CLEAR);
    let (hierarchy, qualified_name, st_clear) = match place {
        Place::Seed(hierarchy) => {
            let seed = hierarchy.handle().to_bytes();
            (hierarchy, names::qualified_name(&seed, public.name_alg, &name)?, own_st_clear)
        }
        Place::Parent(parent) => {
            let qualified = names::qualified_name(&parent.qualified_name, public.name_alg, &name)?;
            (parent.hierarchy, qualified, own_st_clear || parent.st_clear)
        }
        Place::External(hierarchy) => (hierarchy, name.clone(), own_st_clear),
    };
    let prepared = match &sensitive {
        Some(sensitive) => object_record::prepare(&public, sensitive, tpm.provider)?,
        None => Prepared::None,
    };
    Ok(Object {
        public,
        sensitive,
        name,
        qualified_name,
        hierarchy,
        external: matches!(place, Place::External(_)),
        primary: matches!(place, Place::Seed(_)),
        st_clear,
        prepared,
    })
}

/// Checks a public area that comes alone.
///
/// # Errors
/// `TPM_RC_KEY` if the unique value has not the size of the parameters; `TPM_RC_VALUE` for an exponent that no key has;
/// `TPM_RC_ECC_POINT` if the point is not on the curve.
pub fn check_public_key(provider: &dyn Provider, public: &TpmtPublic) -> Result<(), TpmRc> {
    match &public.kind {
        PublicKind::Rsa(parms, modulus) => check_modulus(parms, modulus),
        PublicKind::Ecc(parms, point) => {
            if let Some(form) = Form::of(parms) {
                return form.check_public(provider, point);
            }
            let size = ecc::field_size(parms.curve_id);
            if point.x.len() != size || point.y.len() != size {
                return Err(TpmRc::KEY);
            }
            let point = fixed_point(parms, point).map_err(|_| TpmRc::KEY)?;
            provider.ecc_check_point(parms.curve_id, &point).map_err(|_| TpmRc::ECC_POINT)
        }
        PublicKind::Keyedhash(_, unique) | PublicKind::Symcipher(_, unique) => {
            let size = public.name_alg.map_or(0, TpmiAlgHash::digest_size);
            if unique.len() == size { Ok(()) } else { Err(TpmRc::KEY) }
        }
        PublicKind::Mlkem(parms, public) => {
            provider.ml_kem_check_public(parms.parameter_set, public).map_err(|_| TpmRc::KEY)
        }
        PublicKind::Mldsa(TpmsMldsaParms { parameter_set, .. }, public)
        | PublicKind::HashMldsa(TpmsHashMldsaParms { parameter_set, .. }, public) => {
            provider.ml_dsa_check_public(*parameter_set, public).map_err(|_| TpmRc::KEY)
        }
    }
}

/// A modulus has all of its bits; a public exponent is odd and not tiny.
fn check_modulus(parms: &TpmsRsaParms, modulus: &[u8]) -> Result<(), TpmRc> {
    if modulus.len() != parms.key_bits.bytes() || modulus.first().is_none_or(|&top| top < 0x80) {
        return Err(TpmRc::KEY);
    }
    match parms.exponent {
        0 => Ok(()),
        exponent if exponent >= 7 && exponent & 1 == 1 => Ok(()),
        _ => Err(TpmRc::VALUE),
    }
}

/// Checks a sensitive area that comes from outside of this TPM against its public area, and returns it in the form that
/// the TPM keeps: auth values without trailing zeros, RSA keys with all values, scalars at full length. Without a name
/// algorithm, the areas are not bound to each other, and only the key itself is checked.
///
/// # Errors
/// With the position of the area: `TPM_RC_TYPE`, `TPM_RC_SIZE` and `TPM_RC_KEY_SIZE` for the sensitive area, and as
/// [`check_public_key`]. Without: `TPM_RC_BINDING` if the areas do not belong together.
pub fn check_pair(
    provider: &dyn Provider,
    public: &TpmtPublic,
    sensitive: TpmtSensitive,
    position: Parameters,
) -> Result<TpmtSensitive, TpmRc> {
    let in_public = |rc: TpmRc| rc.parameter(position.public);
    let in_sensitive = |rc: TpmRc| rc.parameter(position.sensitive);
    let auth_value = creation::auth(&sensitive.auth_value, public.name_alg).map_err(in_sensitive)?;
    let private = match (&public.kind, &sensitive.sensitive) {
        (PublicKind::Rsa(parms, modulus), TpmuSensitiveComposite::Rsa(prime)) => {
            check_modulus(parms, modulus).map_err(in_public)?;
            let exponent = creation::exponent(parms).map_err(in_public)?;
            if prime.len() != modulus.len() / 2 || prime.first().is_none_or(|&top| top < 0x80) {
                return Err(in_sensitive(TpmRc::KEY_SIZE));
            }
            let key = object_record::crt_values(modulus, exponent, prime)?;
            TpmuSensitiveComposite::Rsa(object_record::crt_sensitive(&key)?)
        }
        (PublicKind::Ecc(parms, point), TpmuSensitiveComposite::Ecc(scalar)) => {
            let bound_to = public.name_alg.map(|_| point);
            TpmuSensitiveComposite::Ecc(check_scalar(provider, parms, bound_to, scalar).map_err(|rc| match rc {
                TpmRc::BINDING => rc,
                rc => in_sensitive(rc),
            })?)
        }
        (PublicKind::Symcipher(parms, unique), TpmuSensitiveComposite::Sym(key)) => {
            check_cipher_key(parms, key).map_err(in_sensitive)?;
            check_symmetric_binding(public, &sensitive, unique, key, position)?;
            sensitive.sensitive.clone()
        }
        (PublicKind::Keyedhash(parms, unique), TpmuSensitiveComposite::Bits(bits)) => {
            check_keyedhash_size(parms, bits).map_err(in_sensitive)?;
            check_symmetric_binding(public, &sensitive, unique, bits, position)?;
            sensitive.sensitive.clone()
        }
        (PublicKind::Mlkem(..), TpmuSensitiveComposite::Mlkem(_))
        | (PublicKind::Mldsa(..), TpmuSensitiveComposite::Mldsa(_))
        | (PublicKind::HashMldsa(..), TpmuSensitiveComposite::HashMldsa(_)) => {
            check_public_key(provider, public).map_err(in_public)?;
            object_record::prepare(public, &sensitive, provider).map_err(|rc| match rc {
                TpmRc::BINDING => rc,
                rc => in_sensitive(rc),
            })?;
            sensitive.sensitive.clone()
        }
        _ => return Err(in_sensitive(TpmRc::TYPE)),
    };
    check_parent_seed(public, &sensitive.seed_value).map_err(in_sensitive)?;
    Ok(TpmtSensitive { auth_value, sensitive: private, ..sensitive })
}

/// A scalar is between 0 and the order, and gives the point that it is bound to. (On Curve25519 and Curve448 it is a string
/// of the right size.)
fn check_scalar(
    provider: &dyn Provider,
    parms: &TpmsEccParms,
    bound_to: Option<&TpmsEccPoint>,
    scalar: &[u8],
) -> Result<Tpm2bEccPrivate, TpmRc> {
    if let Some(form) = Form::of(parms) {
        return form.check_private(provider, scalar, bound_to);
    }
    let curve = parms.curve_id;
    let scalar = fixed_size(scalar, order_size(curve)).map_err(|_| TpmRc::KEY_SIZE)?;
    let own = provider.ecc_base_multiply(curve, &scalar).map_err(|error| match error {
        CryptoError::Value => TpmRc::KEY_SIZE,
        _ => TpmRc::FAILURE,
    })?;
    if let Some(point) = bound_to {
        let point = fixed_point(parms, point).map_err(|_| TpmRc::BINDING)?;
        if point != own {
            return Err(TpmRc::BINDING);
        }
    }
    Tpm2bEccPrivate::from_slice(&scalar)
}

/// The key has the size of its public area and is not weak (Part 1, 8.4.10.4).
fn check_cipher_key(parms: &TpmsSymcipherParms, key: &[u8]) -> Result<(), TpmRc> {
    if key.len() != parms.sym.key_size() {
        return Err(TpmRc::KEY_SIZE);
    }
    symmetric::check_key(parms.sym.algorithm, key).map_err(|_| TpmRc::KEY)
}

/// An HMAC or XOR key is not longer than the block of its hash; data is limited by its buffer.
fn check_keyedhash_size(parms: &TpmsKeyedhashParms, bits: &[u8]) -> Result<(), TpmRc> {
    let max = match &parms.scheme {
        Some(TpmtKeyedhashScheme::Hmac(hash)) => hash.block_size(),
        Some(TpmtKeyedhashScheme::Xor(xor)) => xor.hash_alg.block_size(),
        None => usize::MAX,
    };
    if bits.len() <= max { Ok(()) } else { Err(TpmRc::KEY_SIZE) }
}

/// The unique value of a symmetric object binds it to its sensitive area.
fn check_symmetric_binding(
    public: &TpmtPublic,
    sensitive: &TpmtSensitive,
    unique: &[u8],
    secret: &[u8],
    position: Parameters,
) -> Result<(), TpmRc> {
    let Some(name_alg) = public.name_alg else { return Ok(()) };
    if sensitive.seed_value.len() != name_alg.digest_size() {
        return Err(TpmRc::KEY_SIZE.parameter(position.sensitive));
    }
    let (specified, reference) =
        creation::symmetric_bindings(name_alg, public.object_attributes, &sensitive.seed_value, secret);
    if *specified == *unique || reference.is_some_and(|reference| *reference == *unique) {
        Ok(())
    } else {
        Err(TpmRc::BINDING)
    }
}

/// The seed of a parent has at least half the size of a digest (Part 1, 24.7.4), and no seed is larger than one.
fn check_parent_seed(public: &TpmtPublic, seed_value: &[u8]) -> Result<(), TpmRc> {
    let Some(name_alg) = public.name_alg else { return Ok(()) };
    let is_parent = public.object_attributes.contains(TpmaObject::RESTRICTED | TpmaObject::DECRYPT);
    let size = name_alg.digest_size();
    if seed_value.len() > size || (is_parent && seed_value.len() < size / 2) { Err(TpmRc::SIZE) } else { Ok(()) }
}
