//! `TPM2_Certify` (Part 3, 18.2).

use ironroot_wire::{Certify, CertifyResponse, TpmRc, TpmsCertifyInfo, TpmuAttest};

use crate::{
    commands::Action,
    core_state::Core,
    rules::attestation::{Place, Signer},
};

impl Action for Certify {
    fn run(self, tpm: &mut Core) -> Result<CertifyResponse, TpmRc> {
        let signer = Signer::new(tpm, self.sign_handle, self.in_scheme, Place { handle: 2, scheme: 2 })?;
        // The authorization has shown that the sensitive area is loaded, too.
        let object = tpm.object(self.object_handle).map_err(|rc| rc.handle(1))?;
        let attested = TpmuAttest::Certify(TpmsCertifyInfo {
            name: object.name.clone(),
            qualified_name: object.qualified_name.clone(),
        });
        let (certify_info, signature) = signer.attest(tpm, self.qualifying_data, attested)?;
        Ok(CertifyResponse { certify_info, signature })
    }
}
