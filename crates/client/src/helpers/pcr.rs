//! PCRs (Part 3, clause 22).

use ironroot_wire::{
    PcrExtend, PcrRead, Tpm2bDigest, TpmiAlgHash, TpmiDhPcr, TpmlDigestValues, TpmlPcrSelection, TpmsPcrSelect,
    TpmsPcrSelection, TpmtHa,
};

use super::fits;
use crate::{ClientError, Tpm};

/// One PCR of one bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcrValue {
    /// The bank.
    pub hash: TpmiAlgHash,
    /// The PCR's number.
    pub pcr: u32,
    /// Its value.
    pub digest: Tpm2bDigest,
}

impl Tpm {
    /// Reads PCRs of one bank, in as many commands as it takes (`TPM2_PCR_Read`). PCRs that the TPM does not have are left
    /// out.
    ///
    /// # Errors
    /// As [`Tpm::run`]; [`ClientError::Untrusted`] if PCRs change all the while, so that no consistent reading is had.
    pub fn pcr_read(&mut self, hash: TpmiAlgHash, pcrs: &[u32]) -> Result<Vec<PcrValue>, ClientError> {
        for _ in 0..8 {
            if let Some(values) = self.pcr_read_once(hash, pcrs)? {
                return Ok(values);
            }
        }
        Err(ClientError::Untrusted("the PCRs kept changing while they were read".into()))
    }

    /// `None` if a PCR changed between two of the commands.
    fn pcr_read_once(&mut self, hash: TpmiAlgHash, pcrs: &[u32]) -> Result<Option<Vec<PcrValue>>, ClientError> {
        let mut wanted = TpmsPcrSelect::of(pcrs);
        let mut values = Vec::new();
        let mut counter = None;
        while !wanted.is_empty() {
            let selection = TpmlPcrSelection::new(vec![TpmsPcrSelection { hash, pcr_select: wanted }]);
            let response = self.run(&PcrRead { pcr_selection_in: selection })?;
            if counter.replace(response.pcr_update_counter).is_some_and(|old| old != response.pcr_update_counter) {
                return Ok(None);
            }
            let read: Vec<u32> = response.pcr_selection_out.iter().flat_map(|bank| bank.pcr_select.iter()).collect();
            if read.is_empty() {
                break;
            }
            for (pcr, digest) in read.into_iter().zip(response.pcr_values.iter()) {
                wanted.set(pcr, false);
                values.push(PcrValue { hash, pcr, digest: digest.clone() });
            }
        }
        Ok(Some(values))
    }

    /// Extends a PCR with a digest of one bank (`TPM2_PCR_Extend`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn pcr_extend(&mut self, pcr: u32, hash: TpmiAlgHash, digest: &[u8]) -> Result<(), ClientError> {
        let digest = fits("the digest", TpmtHa::new(hash, digest))?;
        self.run(&PcrExtend { pcr_handle: Some(TpmiDhPcr(pcr)), digests: TpmlDigestValues::new(vec![digest]) })?;
        Ok(())
    }
}

/// The selection of these PCRs in one bank.
#[must_use]
pub fn pcr_selection(hash: TpmiAlgHash, pcrs: &[u32]) -> TpmlPcrSelection {
    TpmlPcrSelection::new(vec![TpmsPcrSelection { hash, pcr_select: TpmsPcrSelect::of(pcrs) }])
}
