//! `TPM2_ECC_Encrypt` (Part 3, 14.8; Part 1, 45.2.4).

use ironroot_crypto::{
    CryptoError,
    ecc::{is_weierstrass, sm2},
};
use ironroot_wire::{
    EccEncrypt, EccEncryptResponse, PublicKind, Tpm2b, Tpm2bDigest, Tpm2bMaxBuffer, TpmRc, TpmiAlgHash, TpmsEccParms,
    TpmtKdfScheme,
};

use crate::{
    commands::Action,
    core_state::Core,
    rules::secret_sharing::{fixed_point, wire_point},
};

impl Action for EccEncrypt {
    fn run(self, tpm: &mut Core) -> Result<EccEncryptResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Ecc(parms, point) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        if !is_weierstrass(parms.curve_id) {
            return Err(TpmRc::KEY.handle(1));
        }
        let hash = scheme_hash(parms, self.in_scheme).map_err(|rc| rc.parameter(2))?;
        let public = fixed_point(parms, point).map_err(|_| TpmRc::KEY.handle(1))?;
        let scheme = (parms.curve_id, hash);
        let encrypted = sm2::encrypt(tpm.provider, scheme, &public, &self.plain_text, &mut tpm.random);
        let encrypted = encrypted.map_err(|error| match error {
            CryptoError::Internal => TpmRc::NO_RESULT,
            _ => TpmRc::KEY.handle(1),
        })?;
        Ok(EccEncryptResponse {
            c1: Tpm2b(wire_point(&encrypted.c1)?),
            c2: Tpm2bMaxBuffer::from_slice(&encrypted.c2)?,
            c3: Tpm2bDigest::from_slice(&encrypted.c3)?,
        })
    }
}

/// The hash of the encryption: the key's key derivation, or the caller's where the key has none. KDF2 is the only one for
/// this encryption.
///
/// # Errors
/// `TPM_RC_SCHEME` if neither names one, if they differ, or if it is another.
pub fn scheme_hash(parms: &TpmsEccParms, requested: Option<TpmtKdfScheme>) -> Result<TpmiAlgHash, TpmRc> {
    let scheme = match (&parms.kdf, requested) {
        (Some(own), None) => own.clone(),
        (Some(own), Some(requested)) if *own == requested => requested,
        (None, Some(requested)) => requested,
        _ => return Err(TpmRc::SCHEME),
    };
    match scheme {
        TpmtKdfScheme::Kdf2(hash) => Ok(hash),
        _ => Err(TpmRc::SCHEME),
    }
}
