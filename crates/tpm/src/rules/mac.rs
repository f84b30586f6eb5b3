//! Message authentication codes of keyed hash and symmetric cipher keys (Part 3, 15.5, 15.6, 17.2 and 17.3).

use alloc::vec::Vec;

use ironroot_crypto::{Cmac, Hmac};
use ironroot_wire::{
    PublicKind, TpmRc, TpmaObject, TpmiAlgHash, TpmiAlgMacScheme, TpmiAlgSymMode, TpmtKeyedhashScheme,
    TpmuSensitiveComposite,
};
use zeroize::Zeroizing;

use crate::state::objects::Object;

/// A running message authentication code. Erased when dropped.
#[derive(Clone)]
pub enum Mac {
    /// HMAC.
    Hmac(Hmac),
    /// CMAC.
    Cmac(Cmac),
}

impl Mac {
    /// Starts a code with a key that is the first handle of its command; the caller's choice of the scheme is the second
    /// parameter (Tables 79 and 82). Restricted keys are refused, because these commands take no ticket. Where several
    /// rules are broken, the order is that of the Reference Code.
    ///
    /// # Errors
    /// `TPM_RC_TYPE`, `TPM_RC_ATTRIBUTES` and `TPM_RC_KEY` if the key is not an unrestricted key for signing;
    /// `TPM_RC_VALUE` if the scheme does not fit the key, or neither names one; `TPM_RC_SCHEME` for a key in a mode that
    /// encrypts.
    pub fn start(key: &Object, requested: Option<TpmiAlgMacScheme>) -> Result<Self, TpmRc> {
        let scheme = scheme(key, requested)?;
        if key.has(TpmaObject::RESTRICTED) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        if !key.has(TpmaObject::SIGN_ENCRYPT) {
            return Err(TpmRc::KEY.handle(1));
        }
        match (&key.public.kind, &key.sensitive()?.sensitive, scheme) {
            (PublicKind::Keyedhash(..), TpmuSensitiveComposite::Bits(bits), Scheme::Hmac(hash)) => {
                Ok(Self::Hmac(Hmac::new(hash, bits)))
            }
            (PublicKind::Symcipher(parms, _), TpmuSensitiveComposite::Sym(bits), Scheme::Cmac) => {
                Cmac::new(parms.sym.algorithm, bits).map(Self::Cmac).map_err(|_| TpmRc::KEY.handle(1))
            }
            _ => Err(TpmRc::TYPE.handle(1)),
        }
    }

    /// Whether a key is one that `TPM2_HMAC` takes.
    ///
    /// # Errors
    /// `TPM_RC_TYPE` if it is not.
    pub fn require_hmac_key(key: &Object) -> Result<(), TpmRc> {
        if matches!(key.public.kind, PublicKind::Keyedhash(..)) { Ok(()) } else { Err(TpmRc::TYPE.handle(1)) }
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) {
        match self {
            Self::Hmac(hmac) => hmac.update(data),
            Self::Cmac(cmac) => cmac.update(data),
        }
    }

    /// Ends the code.
    #[must_use]
    pub fn finish(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Hmac(hmac) => hmac.finish().to_vec(),
            Self::Cmac(cmac) => cmac.finish(),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Hmac(TpmiAlgHash),
    Cmac,
}

impl From<TpmiAlgMacScheme> for Scheme {
    fn from(scheme: TpmiAlgMacScheme) -> Self {
        TpmiAlgHash::from_value(scheme.value()).map_or(Self::Cmac, Self::Hmac)
    }
}

/// The scheme: the key's, or the caller's for a key without one.
fn scheme(key: &Object, requested: Option<TpmiAlgMacScheme>) -> Result<Scheme, TpmRc> {
    let requested = requested.map(Scheme::from);
    let (own, suits) = match &key.public.kind {
        PublicKind::Keyedhash(parms, _) => {
            let own = match &parms.scheme {
                None => None,
                Some(TpmtKeyedhashScheme::Hmac(hash)) => Some(Scheme::Hmac(*hash)),
                // Such a key does not sign, which is said of the key.
                Some(TpmtKeyedhashScheme::Xor(xor)) => Some(Scheme::Hmac(xor.hash_alg)),
            };
            (own, matches!(requested, None | Some(Scheme::Hmac(_))))
        }
        PublicKind::Symcipher(parms, _) => {
            let own = match parms.sym.mode {
                None => None,
                Some(TpmiAlgSymMode::Cmac) => Some(Scheme::Cmac),
                Some(_) if requested.is_none() => return Err(TpmRc::SCHEME.parameter(2)),
                Some(_) => return Err(TpmRc::VALUE.parameter(2)),
            };
            (own, matches!(requested, None | Some(Scheme::Cmac)))
        }
        _ => return Err(TpmRc::TYPE.handle(1)),
    };
    match (own, requested) {
        (None, Some(scheme)) | (Some(scheme), None) if suits => Ok(scheme),
        (Some(own), Some(requested)) if own == requested => Ok(own),
        _ => Err(TpmRc::VALUE.parameter(2)),
    }
}
