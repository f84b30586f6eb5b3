//! `TPM2_CertifyCreation` (Part 3, 18.3).

use ironroot_wire::{CertifyCreation, CertifyCreationResponse, TpmRc, TpmsCreationInfo, TpmuAttest};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attestation::{Place, Signer},
        tickets,
    },
};

impl Action for CertifyCreation {
    fn run(self, tpm: &mut Core) -> Result<CertifyCreationResponse, TpmRc> {
        let signer = Signer::new(tpm, self.sign_handle, self.in_scheme, Place { handle: 1, scheme: 3 })?;
        let object = tpm.object(self.object_handle).map_err(|rc| rc.handle(2))?;
        tickets::check_creation(tpm, &self.creation_ticket, &object.name, &self.creation_hash)
            .map_err(|rc| rc.parameter(4))?;
        let attested = TpmuAttest::Creation(TpmsCreationInfo {
            object_name: object.name.clone(),
            creation_hash: self.creation_hash,
        });
        let (certify_info, signature) = signer.attest(tpm, self.qualifying_data, attested)?;
        Ok(CertifyCreationResponse { certify_info, signature })
    }
}
