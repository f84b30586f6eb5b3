//! The TPM as a whole: startup, random bytes, capabilities, hierarchies.

use ironroot_wire::{
    Clear, GetCapability, GetRandom, Hash, HashSequenceStart, HierarchyChangeAuth, SequenceComplete, SequenceUpdate,
    Shutdown, Startup, Tpm2bAuth, Tpm2bDigest, Tpm2bMaxBuffer, TpmCap, TpmHandle, TpmPt, TpmRc, TpmSu, TpmiAlgHash,
    TpmiDhObject, TpmiRhClear, TpmiRhHierarchy, TpmiRhHierarchyAuth, TpmsCapabilityData, TpmtTkHashcheck,
};

use super::fits;
use crate::{ClientError, Tpm};

impl Tpm {
    /// Starts the TPM after a power cycle (`TPM2_Startup`). One that was started already is no error.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn startup(&mut self, startup_type: TpmSu) -> Result<(), ClientError> {
        match self.run(&Startup { startup_type }) {
            Err(error) if error.is(TpmRc::INITIALIZE) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Prepares the TPM for a loss of power (`TPM2_Shutdown`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn shutdown(&mut self, shutdown_type: TpmSu) -> Result<(), ClientError> {
        self.run(&Shutdown { shutdown_type }).map(|_| ())
    }

    /// Random bytes from the TPM, in as many commands as it takes (`TPM2_GetRandom`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn get_random(&mut self, count: usize) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let bytes_requested = u16::try_from((count - bytes.len()).min(Tpm2bDigest::MAX)).unwrap_or(u16::MAX);
            let response = self.run(&GetRandom { bytes_requested })?;
            if response.random_bytes.is_empty() {
                return Err(ClientError::Untrusted("TPM2_GetRandom returned nothing".into()));
            }
            bytes.extend_from_slice(&response.random_bytes);
        }
        bytes.truncate(count);
        Ok(bytes)
    }

    /// One piece of a capability, and whether there is more behind it (`TPM2_GetCapability`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn get_capability(
        &mut self,
        capability: TpmCap,
        property: u32,
        count: u32,
    ) -> Result<(TpmsCapabilityData, bool), ClientError> {
        let response = self.run(&GetCapability { capability, property, property_count: count })?;
        Ok((response.capability_data, response.more_data.0))
    }

    /// One property of the TPM, if it has it.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn property(&mut self, property: TpmPt) -> Result<Option<u32>, ClientError> {
        match self.get_capability(TpmCap::TpmProperties, property.0, 1)?.0 {
            TpmsCapabilityData::TpmProperties(list) => {
                Ok(list.iter().find(|entry| entry.property == property).map(|entry| entry.value))
            }
            _ => Err(ClientError::Untrusted("TPM2_GetCapability answered with another capability".into())),
        }
    }

    /// The curves that the TPM has, by `TPM_ECC_CURVE`; also those that this crate does not know, which
    /// [`Tpm::get_capability`] refuses to unmarshal.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn ecc_curves(&mut self) -> Result<Vec<u16>, ClientError> {
        let command = GetCapability { capability: TpmCap::EccCurves, property: 0, property_count: 256 };
        let answer = self.answer(&command, &mut [])?;
        // Whether there is more (there are not so many curves), which capability, how many, and the curves.
        let list =
            answer.parameters.get(1..).and_then(|rest| rest.strip_prefix(&TpmCap::EccCurves.value().to_be_bytes()));
        let curves = list.and_then(|list| list.get(4..)).unwrap_or_default().as_chunks().0;
        Ok(curves.iter().map(|curve| u16::from_be_bytes(*curve)).collect())
    }

    /// Every handle in use from `first` to the end of its kind.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn handles(&mut self, first: TpmHandle) -> Result<Vec<TpmHandle>, ClientError> {
        let mut handles: Vec<TpmHandle> = Vec::new();
        let mut next = first.0;
        loop {
            let (data, more) = self.get_capability(TpmCap::Handles, next, 64)?;
            let TpmsCapabilityData::Handles(list) = data else {
                return Err(ClientError::Untrusted("TPM2_GetCapability answered with another capability".into()));
            };
            handles.extend(list.iter().filter(|handle| handle.kind() == first.kind()));
            match handles.last() {
                Some(last) if more && last.0 >= next && !list.is_empty() => next = last.0.saturating_add(1),
                _ => return Ok(handles),
            }
        }
    }

    /// Changes the auth value of a hierarchy or of lockout, and makes it known (`TPM2_HierarchyChangeAuth`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn hierarchy_change_auth(&mut self, hierarchy: TpmHandle, auth: &[u8]) -> Result<(), ClientError> {
        self.run(&HierarchyChangeAuth {
            auth_handle: TpmiRhHierarchyAuth(hierarchy.0),
            new_auth: fits("the auth value", Tpm2bAuth::from_slice(auth))?,
        })?;
        Ok(())
    }

    /// Removes everything that the owner put into the TPM (`TPM2_Clear`), authorized by lockout or platform.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn clear(&mut self, authority: TpmHandle) -> Result<(), ClientError> {
        self.run(&Clear { auth_handle: TpmiRhClear(authority.0) })?;
        Ok(())
    }

    /// Hashes a message in the TPM (`TPM2_Hash`, or a hash sequence if it is long); the ticket lets a restricted key of
    /// this hierarchy sign the digest.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn hash(
        &mut self,
        message: &[u8],
        hash_alg: TpmiAlgHash,
        hierarchy: TpmHandle,
    ) -> Result<(Tpm2bDigest, TpmtTkHashcheck), ClientError> {
        let hierarchy = TpmiRhHierarchy(hierarchy.0);
        if let Ok(data) = Tpm2bMaxBuffer::from_slice(message) {
            let response = self.run(&Hash { data, hash_alg, hierarchy })?;
            return Ok((response.out_hash, response.validation));
        }
        let start = HashSequenceStart { auth: Tpm2bAuth::default(), hash_alg: Some(hash_alg) };
        let sequence_handle = self.run(&start)?.sequence_handle;
        let result = self.hash_sequence(sequence_handle, message, hierarchy);
        if result.is_err() {
            let _ = self.flush(sequence_handle); // The first error counts.
        }
        result
    }

    fn hash_sequence(
        &mut self,
        sequence_handle: TpmiDhObject,
        message: &[u8],
        hierarchy: TpmiRhHierarchy,
    ) -> Result<(Tpm2bDigest, TpmtTkHashcheck), ClientError> {
        for piece in message.chunks(Tpm2bMaxBuffer::MAX) {
            let buffer = fits("the data to hash", Tpm2bMaxBuffer::from_slice(piece))?;
            self.run(&SequenceUpdate { sequence_handle, buffer })?;
        }
        let end = SequenceComplete { sequence_handle, buffer: Tpm2bMaxBuffer::default(), hierarchy };
        let response = self.run(&end)?;
        Ok((response.result, response.validation))
    }
}
