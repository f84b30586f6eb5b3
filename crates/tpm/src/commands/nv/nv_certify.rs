//! `TPM2_NV_Certify` (Part 3, 31.16).

use ironroot_crypto::hash;
use ironroot_wire::{
    NvCertify, NvCertifyResponse, Tpm2bDigest, Tpm2bMaxNvBuffer, TpmRc, TpmsNvCertifyInfo, TpmsNvDigestCertifyInfo,
    TpmuAttest,
};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        attestation::{Place, Signer},
        names, nv_access,
    },
};

impl Action for NvCertify {
    fn run(self, tpm: &mut Core) -> Result<NvCertifyResponse, TpmRc> {
        let signer = Signer::new(tpm, self.sign_handle, self.in_scheme, Place { handle: 1, scheme: 2 })?;
        let index = tpm.nv_index(self.nv_index)?;
        nv_access::check_read(self.auth_handle, &index)?;
        let index_name = names::nv_name(&index.public)?;
        let attested = if self.size == 0 && self.offset == 0 {
            let hash = signer.hash().ok_or(TpmRc::SCHEME.parameter(2))?;
            let nv_digest = Tpm2bDigest::from_slice(&hash::digest(hash, &[&index.data]))?;
            TpmuAttest::NvDigest(TpmsNvDigestCertifyInfo { index_name, nv_digest })
        } else {
            let size = usize::from(self.size);
            if size > Tpm2bMaxNvBuffer::MAX {
                return Err(TpmRc::VALUE.parameter(3));
            }
            let start = usize::from(self.offset);
            let contents = index.data.get(start..start.saturating_add(size)).ok_or(TpmRc::NV_RANGE)?;
            let nv_contents = Tpm2bMaxNvBuffer::from_slice(contents)?;
            TpmuAttest::Nv(TpmsNvCertifyInfo { index_name, offset: self.offset, nv_contents })
        };
        let (certify_info, signature) = signer.attest(tpm, self.qualifying_data, attested)?;
        Ok(NvCertifyResponse { certify_info, signature })
    }
}
