//! `TPM2_RSA_Encrypt` (Part 3, 14.2).

use ironroot_crypto::rsa::{self, EncryptionScheme, RsaPublic};
use ironroot_wire::{PublicKind, RsaEncrypt, RsaEncryptResponse, Tpm2bPublicKeyRsa, TpmRc, TpmtRsaDecrypt};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{schemes, signatures::exponent},
};

impl Action for RsaEncrypt {
    fn run(self, tpm: &mut Core) -> Result<RsaEncryptResponse, TpmRc> {
        let key = tpm.object(self.key_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        // Attributes are not checked: whoever loads a public area can set them at will.
        let PublicKind::Rsa(parms, modulus) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        check_label(&self.label)?;
        let scheme = schemes::rsa_encryption(parms.scheme.as_ref(), self.in_scheme).map_err(|rc| rc.parameter(2))?;
        let public = RsaPublic { n: modulus, e: exponent(parms) };
        let out = rsa::encrypt(tpm.provider, public, padding(scheme, &self.label), &self.message, &mut tpm.random)
            .map_err(|_| TpmRc::VALUE.parameter(1))?;
        Ok(RsaEncryptResponse { out_data: Tpm2bPublicKeyRsa::from_slice(&out)? })
    }
}

/// A label is empty or ends in a zero octet, even if the scheme has no use for it.
///
/// # Errors
/// `TPM_RC_VALUE` for the third parameter if it is neither.
pub fn check_label(label: &[u8]) -> Result<(), TpmRc> {
    if matches!(label.last(), None | Some(0)) { Ok(()) } else { Err(TpmRc::VALUE.parameter(3)) }
}

/// The scheme as the RSA functions have it.
pub const fn padding(scheme: Option<TpmtRsaDecrypt>, label: &[u8]) -> EncryptionScheme<'_> {
    match scheme {
        None => EncryptionScheme::Raw,
        Some(TpmtRsaDecrypt::Rsaes(())) => EncryptionScheme::Pkcs1,
        Some(TpmtRsaDecrypt::Oaep(hash)) => EncryptionScheme::Oaep { hash, label },
    }
}
