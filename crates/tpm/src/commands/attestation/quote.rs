//! `TPM2_Quote` (Part 3, 18.4).

use ironroot_wire::{Quote, QuoteResponse, Tpm2bDigest, TpmRc, TpmsQuoteInfo, TpmuAttest};

use crate::{
    commands::Action,
    core_state::Core,
    rules::attestation::{Place, Signer},
};

impl Action for Quote {
    fn run(self, tpm: &mut Core) -> Result<QuoteResponse, TpmRc> {
        let signer = Signer::new(tpm, self.sign_handle, self.in_scheme, Place { handle: 1, scheme: 2 })?;
        let hash = signer.hash().ok_or(TpmRc::SCHEME.parameter(2))?;
        let (digest, pcr_select) = tpm.pcrs.composite(hash, &self.pcr_select);
        let attested = TpmuAttest::Quote(TpmsQuoteInfo { pcr_select, pcr_digest: Tpm2bDigest::from_slice(&digest)? });
        let (quoted, signature) = signer.attest(tpm, self.qualifying_data, attested)?;
        Ok(QuoteResponse { quoted, signature })
    }
}
