//! Whether the fields of a public area agree with each other and with the parent (Part 1, clause 24; Part 2, clauses 8.3
//! and 12.2; Part 3, clauses 12.1 to 12.3). Where several rules are broken, the first one here is reported, in the order
//! of the Reference Code.

use ironroot_wire::{
    PublicKind, TpmRc, TpmaObject, TpmiAlgKdf, TpmiAlgSymMode, TpmtEccScheme, TpmtKeyedhashScheme, TpmtPublic,
    TpmtRsaScheme, TpmtSymDefObject,
};

use super::{edwards, kem};
use crate::state::{hierarchy::Limit, objects::Object};

/// The parent that an object is created, loaded or imported under.
#[derive(Clone, Copy)]
pub enum Parent<'a> {
    /// A primary seed: it counts as fixedTPM, and as what its hierarchy is limited to.
    Seed(Limit),
    /// None: the object is external, or validated on its own. Counts as fixedTPM.
    None,
    /// A storage or derivation parent.
    Object(&'a Object),
}

impl<'a> Parent<'a> {
    const fn object(self) -> Option<&'a Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Seed(_) | Self::None => None,
        }
    }
}

impl Parent<'_> {
    /// Which of firmwareLimited and svnLimited the parent has (Part 2, 8.3.3.8 and 8.3.3.9).
    fn limits(self) -> TpmaObject {
        match self {
            Self::Object(object) => object.public.object_attributes,
            Self::Seed(Limit::Firmware) => TpmaObject::FIRMWARE_LIMITED,
            Self::Seed(Limit::Svn(_)) => TpmaObject::SVN_LIMITED,
            Self::Seed(Limit::None) | Self::None => TpmaObject::NONE,
        }
    }
}

/// What encrypts the children of a storage parent: the cipher of its public area; `None` if it names none.
#[must_use]
pub const fn symmetric(public: &TpmtPublic) -> Option<&TpmtSymDefObject> {
    match &public.kind {
        PublicKind::Rsa(parms, _) => parms.symmetric.as_ref(),
        PublicKind::Ecc(parms, _) => parms.symmetric.as_ref(),
        PublicKind::Symcipher(parms, _) => Some(&parms.sym),
        PublicKind::Mlkem(parms, _) => parms.symmetric.as_ref(),
        PublicKind::Keyedhash(..) | PublicKind::Mldsa(..) | PublicKind::HashMldsa(..) => None,
    }
}

/// What is checked when an object is created from a template, with `data_size` bytes of data from the caller.
///
/// # Errors
/// `TPM_RC_ATTRIBUTES` if sensitiveDataOrigin does not fit the data or the type; otherwise as [`check_public`].
pub fn check_creation(parent: Parent<'_>, public: &TpmtPublic, data_size: usize) -> Result<(), TpmRc> {
    let attributes = public.object_attributes;
    let generated = attributes.contains(TpmaObject::SENSITIVE_DATA_ORIGIN);
    if !generated && data_size == 0 {
        return Err(TpmRc::ATTRIBUTES);
    }
    // The data of a primary object may also be there to make its key another one.
    if generated && data_size != 0 && parent.object().is_some() {
        return Err(TpmRc::ATTRIBUTES);
    }
    let bad_origin = match public.kind {
        PublicKind::Keyedhash(..) | PublicKind::Symcipher(..) => {
            let is_data = !attributes.intersects(TpmaObject::SIGN_ENCRYPT | TpmaObject::DECRYPT)
                && matches!(public.kind, PublicKind::Keyedhash(..));
            // A restricted symmetric key that cannot be duplicated must not be known outside of the TPM.
            let restricted_from_outside = attributes.contains(TpmaObject::RESTRICTED)
                && !generated
                && attributes.intersects(TpmaObject::FIXED_PARENT | TpmaObject::FIXED_TPM);
            (is_data && generated) || restricted_from_outside
        }
        PublicKind::Rsa(..)
        | PublicKind::Ecc(..)
        | PublicKind::Mlkem(..)
        | PublicKind::Mldsa(..)
        | PublicKind::HashMldsa(..) => !generated,
    };
    if bad_origin {
        return Err(TpmRc::ATTRIBUTES);
    }
    check_public(parent, public)
}

/// What is checked whenever a public area comes with its sensitive area: created, loaded, imported.
///
/// # Errors
/// `TPM_RC_HASH`, `TPM_RC_SIZE`, `TPM_RC_ATTRIBUTES`, and as [`check_schemes`].
pub fn check_public(parent: Parent<'_>, public: &TpmtPublic) -> Result<(), TpmRc> {
    if public.name_alg.is_none() {
        return Err(TpmRc::HASH);
    }
    check_policy_size(public)?;
    check_duplication(parent, public)?;
    check_use(public)?;
    check_inheritance(parent, public)?;
    check_schemes(parent, public)
}

/// An authPolicy is empty or a digest of the name algorithm.
///
/// # Errors
/// `TPM_RC_SIZE` if it is neither.
pub fn check_policy_size(public: &TpmtPublic) -> Result<(), TpmRc> {
    let digest_size = public.name_alg.map_or(0, |alg| alg.digest_size());
    if public.auth_policy.is_empty() || public.auth_policy.len() == digest_size { Ok(()) } else { Err(TpmRc::SIZE) }
}

/// fixedTPM and fixedParent (Part 2, 8.3.3.2 and 8.3.3.4).
fn check_duplication(parent: Parent<'_>, public: &TpmtPublic) -> Result<(), TpmRc> {
    let fixed_tpm = public.object_attributes.contains(TpmaObject::FIXED_TPM);
    let fixed_parent = public.object_attributes.contains(TpmaObject::FIXED_PARENT);
    let parent_fixed = parent.object().is_none_or(|parent| parent.has(TpmaObject::FIXED_TPM));
    let consistent = if parent_fixed { fixed_parent == fixed_tpm } else { !fixed_tpm };
    if consistent { Ok(()) } else { Err(TpmRc::ATTRIBUTES) }
}

/// restricted, decrypt, sign and x509sign (Part 2, 8.3.3.12 to 8.3.3.15).
fn check_use(public: &TpmtPublic) -> Result<(), TpmRc> {
    let attributes = public.object_attributes;
    let sign = attributes.contains(TpmaObject::SIGN_ENCRYPT);
    let decrypt = attributes.contains(TpmaObject::DECRYPT);
    let asymmetric = !matches!(public.kind, PublicKind::Keyedhash(..) | PublicKind::Symcipher(..));
    if sign == decrypt && attributes.contains(TpmaObject::RESTRICTED) {
        return Err(TpmRc::ATTRIBUTES);
    }
    // Only a data object is for neither.
    if !sign && !decrypt && !matches!(public.kind, PublicKind::Keyedhash(..)) {
        return Err(TpmRc::ATTRIBUTES);
    }
    if attributes.contains(TpmaObject::X509_SIGN) && !(sign && asymmetric) {
        return Err(TpmRc::ATTRIBUTES);
    }
    check_single_use(public)
}

/// ML-KEM only decrypts; ML-DSA and HashML-DSA only sign (Part 2, 12.2.3.9).
fn check_single_use(public: &TpmtPublic) -> Result<(), TpmRc> {
    let excluded = match public.kind {
        PublicKind::Mlkem(..) => TpmaObject::SIGN_ENCRYPT,
        PublicKind::Mldsa(..) | PublicKind::HashMldsa(..) => TpmaObject::DECRYPT,
        _ => return Ok(()),
    };
    if public.object_attributes.intersects(excluded) { Err(TpmRc::ATTRIBUTES) } else { Ok(()) }
}

/// What depends on the attributes of the parent beyond fixedTPM (Part 2, 8.3.3.8, 8.3.3.9 and 8.3.3.11; Part 1, 25.3).
fn check_inheritance(parent: Parent<'_>, public: &TpmtPublic) -> Result<(), TpmRc> {
    let attributes = public.object_attributes;
    let encrypted = attributes.contains(TpmaObject::ENCRYPTED_DUPLICATION);
    let fixed_tpm = attributes.contains(TpmaObject::FIXED_TPM);
    if fixed_tpm && encrypted {
        return Err(TpmRc::ATTRIBUTES);
    }
    let limits = parent.limits();
    for limited in [TpmaObject::FIRMWARE_LIMITED, TpmaObject::SVN_LIMITED] {
        if attributes.contains(limited) && !(fixed_tpm && limits.contains(limited)) {
            return Err(TpmRc::ATTRIBUTES);
        }
    }
    let Some(parent) = parent.object() else { return Ok(()) };
    let parent_fixed = parent.has(TpmaObject::FIXED_TPM);
    if !parent_fixed && encrypted != parent.has(TpmaObject::ENCRYPTED_DUPLICATION) {
        return Err(TpmRc::ATTRIBUTES);
    }
    let derived = matches!(parent.public.kind, PublicKind::Keyedhash(..));
    if derived && (fixed_tpm != parent_fixed || !attributes.contains(TpmaObject::FIXED_PARENT)) {
        return Err(TpmRc::ATTRIBUTES);
    }
    Ok(())
}

/// Whether scheme, cipher and key derivation suit the attributes. The only check of an object without a sensitive area or
/// a name.
///
/// # Errors
/// `TPM_RC_SCHEME`, `TPM_RC_SYMMETRIC`, `TPM_RC_KDF`; `TPM_RC_HASH` or `TPM_RC_SYMMETRIC` if a storage key that cannot
/// leave its parent protects its children otherwise than the parent does.
pub fn check_schemes(parent: Parent<'_>, public: &TpmtPublic) -> Result<(), TpmRc> {
    let attributes = public.object_attributes;
    let restricted_decrypt = attributes.contains(TpmaObject::RESTRICTED | TpmaObject::DECRYPT);
    match &public.kind {
        // What decrypts is in a mode that encrypts, or in none.
        PublicKind::Symcipher(parms, _) => {
            if attributes.contains(TpmaObject::DECRYPT) && parms.sym.mode == Some(TpmiAlgSymMode::Cmac) {
                return Err(TpmRc::SCHEME);
            }
        }
        PublicKind::Keyedhash(parms, _) => check_keyedhash(attributes, parms.scheme.as_ref())?,
        PublicKind::Rsa(parms, _) => {
            check_asymmetric(attributes, parms.scheme.as_ref().map(rsa_use))?;
            check_no_cipher(restricted_decrypt, parms.symmetric.as_ref())?;
        }
        PublicKind::Ecc(parms, _) => {
            check_asymmetric(attributes, parms.scheme.as_ref().map(ecc_use))?;
            edwards::check_scheme(parms, restricted_decrypt)?;
            check_no_cipher(restricted_decrypt, parms.symmetric.as_ref())?;
            kem::check_kdf(parms, attributes)?;
        }
        PublicKind::Mlkem(parms, _) => check_no_cipher(restricted_decrypt, parms.symmetric.as_ref())?,
        PublicKind::Mldsa(..) | PublicKind::HashMldsa(..) => {}
    }
    if restricted_decrypt && !matches!(public.kind, PublicKind::Keyedhash(..)) {
        check_storage_key(parent, public)?;
    }
    Ok(())
}

fn check_keyedhash(attributes: TpmaObject, scheme: Option<&TpmtKeyedhashScheme>) -> Result<(), TpmRc> {
    let sign = attributes.contains(TpmaObject::SIGN_ENCRYPT);
    let decrypt = attributes.contains(TpmaObject::DECRYPT);
    let suits = match (sign, decrypt) {
        (true, true) | (false, false) => scheme.is_none(),
        (true, false) => matches!(scheme, Some(TpmtKeyedhashScheme::Hmac(_))),
        (false, true) => match scheme {
            // A derivation parent derives with KDFa, the only function that there is.
            Some(TpmtKeyedhashScheme::Xor(xor)) => {
                !attributes.contains(TpmaObject::RESTRICTED) || xor.kdf == Some(TpmiAlgKdf::Kdf1Sp800_108)
            }
            _ => false,
        },
    };
    if suits { Ok(()) } else { Err(TpmRc::SCHEME) }
}

/// What an asymmetric scheme is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SchemeUse {
    Sign,
    Decrypt,
    /// SM2 is a signature and a key exchange.
    Either,
}

impl SchemeUse {
    const fn signs(self) -> bool {
        matches!(self, Self::Sign | Self::Either)
    }

    const fn decrypts(self) -> bool {
        matches!(self, Self::Decrypt | Self::Either)
    }
}

const fn rsa_use(scheme: &TpmtRsaScheme) -> SchemeUse {
    match scheme {
        TpmtRsaScheme::Rsassa(_) | TpmtRsaScheme::Rsapss(_) => SchemeUse::Sign,
        TpmtRsaScheme::Rsaes(()) | TpmtRsaScheme::Oaep(_) => SchemeUse::Decrypt,
    }
}

const fn ecc_use(scheme: &TpmtEccScheme) -> SchemeUse {
    match scheme {
        TpmtEccScheme::Ecdsa(_)
        | TpmtEccScheme::Ecdaa(_)
        | TpmtEccScheme::Ecschnorr(_)
        | TpmtEccScheme::Eddsa(())
        | TpmtEccScheme::HashEddsa(()) => SchemeUse::Sign,
        TpmtEccScheme::Ecdh(_) | TpmtEccScheme::Ecmqv(_) => SchemeUse::Decrypt,
        TpmtEccScheme::Sm2(_) => SchemeUse::Either,
    }
}

fn check_asymmetric(attributes: TpmaObject, scheme: Option<SchemeUse>) -> Result<(), TpmRc> {
    let restricted = attributes.contains(TpmaObject::RESTRICTED);
    let sign = attributes.contains(TpmaObject::SIGN_ENCRYPT);
    let decrypt = attributes.contains(TpmaObject::DECRYPT);
    let suits = match (sign, decrypt) {
        // No scheme is for both.
        (true, true) | (false, false) => scheme.is_none(),
        // A restricted signing key is bound to its scheme; the scheme of a parent is fixed by the protocols.
        (true, false) => scheme.map_or(!restricted, SchemeUse::signs),
        (false, true) => scheme.is_none_or(|scheme| scheme.decrypts() && !restricted),
    };
    if suits { Ok(()) } else { Err(TpmRc::SCHEME) }
}

/// A key that is no parent has no cipher for children.
fn check_no_cipher(is_parent: bool, cipher: Option<&TpmtSymDefObject>) -> Result<(), TpmRc> {
    if is_parent || cipher.is_none() { Ok(()) } else { Err(TpmRc::SYMMETRIC) }
}

/// A storage key has a cipher; one that cannot leave its parent protects as the parent does.
fn check_storage_key(parent: Parent<'_>, public: &TpmtPublic) -> Result<(), TpmRc> {
    let cipher = symmetric(public).ok_or(TpmRc::SYMMETRIC)?;
    if let (Some(parent), true) = (parent.object(), public.object_attributes.contains(TpmaObject::FIXED_PARENT)) {
        if public.name_alg != parent.public.name_alg {
            return Err(TpmRc::HASH);
        }
        if Some(cipher) != symmetric(&parent.public) {
            return Err(TpmRc::SYMMETRIC);
        }
    }
    Ok(())
}
