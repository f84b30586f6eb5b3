//! `TPM2_GetTime` (Part 3, 18.7).

use ironroot_wire::{GetTime, GetTimeResponse, TpmRc, TpmsTimeAttestInfo, TpmuAttest};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attestation::{Place, Signer},
        version,
    },
};

impl Action for GetTime {
    fn run(self, tpm: &mut Core) -> Result<GetTimeResponse, TpmRc> {
        let signer = Signer::new(tpm, self.sign_handle, self.in_scheme, Place { handle: 2, scheme: 2 })?;
        // In the clear, beside what the signing key's hierarchy may have obfuscated: the privacy administrator has agreed.
        let time = tpm.clock.info(tpm.nv.permanent());
        let attested = TpmuAttest::Time(TpmsTimeAttestInfo { time, firmware_version: version::FIRMWARE });
        let (time_info, signature) = signer.attest(tpm, self.qualifying_data, attested)?;
        Ok(GetTimeResponse { time_info, signature })
    }
}
