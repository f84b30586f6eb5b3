//! Attestation (Part 3, clause 18): quotes.

use ironroot_wire::{
    Quote, Tpm2bAttest, Tpm2bData, TpmHandle, TpmiDhObject, TpmlPcrSelection, TpmsAttest, TpmtSigScheme, TpmtSignature,
    TpmuAttest, Wire,
};

use super::fits;
use crate::{ClientError, Tpm};

/// A quote: what was signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// The signed bytes, a `TPMS_ATTEST`.
    pub attest: Tpm2bAttest,
    /// The signature over them.
    pub signature: TpmtSignature,
}

impl Tpm {
    /// Quotes PCRs with a signing key (`TPM2_Quote`); `qualifying_data` is the verifier's nonce. A scheme is needed only
    /// for a key that has none of its own.
    ///
    /// The structure is checked to be a quote with that nonce and that selection; the signature is for the verifier.
    ///
    /// # Errors
    /// As [`Tpm::run`]; [`ClientError::Untrusted`] if the structure is not the one that was asked for.
    pub fn quote(
        &mut self,
        key: TpmHandle,
        qualifying_data: &[u8],
        scheme: Option<TpmtSigScheme>,
        pcrs: &TpmlPcrSelection,
    ) -> Result<Quoted, ClientError> {
        let response = self.run(&Quote {
            sign_handle: Some(TpmiDhObject(key.0)),
            qualifying_data: fits("the qualifying data", Tpm2bData::from_slice(qualifying_data))?,
            in_scheme: scheme,
            pcr_select: pcrs.clone(),
        })?;
        let attest = fits("the quote", TpmsAttest::from_bytes(&response.quoted))?;
        match &attest.attested {
            TpmuAttest::Quote(quote) if quote.pcr_select == *pcrs && *attest.extra_data == *qualifying_data => {
                let unsigned = || ClientError::Untrusted("the quote is not signed".into());
                Ok(Quoted { attest: response.quoted, signature: response.signature.ok_or_else(unsigned)? })
            }
            _ => Err(ClientError::Untrusted("the quote is not over what was asked".into())),
        }
    }
}
