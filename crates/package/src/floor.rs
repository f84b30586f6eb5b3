//! The lowest version that may still be opened, in an NV index of the TPM: putting an older package back does not bring it back.

use ironroot_client::{
    Tpm,
    wire::{Tpm2bDigest, TpmHandle, TpmRc, TpmaNv, TpmiAlgHash, TpmiRhNvIndex, TpmsNvPublic},
};
use ironroot_keys::{KeyError, SharedTpm};

use crate::error::{PackageError, refused};

/// Eight bytes in the TPM, which belong to its owner: one index for each package. Threads that share a TPM take turns; two *programs*
/// that open versions of a package at the same time would have to be kept from doing so by whoever starts them.
#[derive(Debug, Clone)]
pub struct VersionFloor {
    tpm: SharedTpm,
    index: TpmHandle,
}

impl VersionFloor {
    /// The floor at this index (0x01000000 to 0x01ffffff), which is made when it is raised for the first time.
    #[must_use]
    pub fn new(tpm: &SharedTpm, index: TpmHandle) -> Self {
        Self { tpm: tpm.clone(), index }
    }

    /// The version; nothing if the floor was never raised.
    ///
    /// # Errors
    /// [`PackageError::Description`] if the index is somebody else's; what the TPM may answer.
    pub fn version(&self) -> Result<Option<u64>, PackageError> {
        Ok(self.read(&mut *self.tpm.lock()?)?.1)
    }

    /// Whether the index is there, and the version in it.
    fn read(&self, tpm: &mut Tpm) -> Result<(bool, Option<u64>), PackageError> {
        match tpm.nv_read_public(self.index) {
            Ok(public) if public.data_size == 8 && public.attributes == ATTRIBUTES.with(TpmaNv::WRITTEN) => {}
            // It was made, and the power went before it was written.
            Ok(public) if public.data_size == 8 && public.attributes == ATTRIBUTES => return Ok((true, None)),
            Ok(_) => return Err(self.somebody_elses()),
            Err(error) if error.is(TpmRc::HANDLE) => return Ok((false, None)),
            Err(error) => return Err(KeyError::from(error).into()),
        }
        let bytes = tpm.nv_read(TpmHandle::OWNER, self.index).map_err(KeyError::from)?;
        let version = bytes.try_into().map_err(|_| self.somebody_elses())?;
        Ok((true, Some(u64::from_be_bytes(version))))
    }

    fn somebody_elses(&self) -> PackageError {
        PackageError::Description(format!(
            "NV index {:#010x} is something else than a version: name one that is free, or one that was made by this command",
            self.index.0
        ))
    }

    /// Whether a version may be opened: it is not below the floor.
    ///
    /// # Errors
    /// [`PackageError::Refused`] if it is; as [`VersionFloor::version`].
    pub fn check(&self, version: u64) -> Result<(), PackageError> {
        self.compare(self.version()?, version)
    }

    fn compare(&self, floor: Option<u64>, version: u64) -> Result<(), PackageError> {
        match floor {
            Some(floor) if version < floor => refused(format!(
                "its version is {version}, and this device has had version {floor} already (NV index {:#010x})",
                self.index.0
            )),
            _ => Ok(()),
        }
    }

    /// Raises the floor to a version. It is durable when this returns.
    ///
    /// # Errors
    /// As [`VersionFloor::check`].
    pub fn raise(&self, version: u64) -> Result<(), PackageError> {
        let mut tpm = self.tpm.lock()?;
        let (is_there, floor) = self.read(&mut tpm)?;
        self.compare(floor, version)?;
        if floor == Some(version) {
            return Ok(());
        }
        if !is_there {
            let public = TpmsNvPublic {
                nv_index: TpmiRhNvIndex(self.index.0),
                name_alg: TpmiAlgHash::Sha256,
                attributes: ATTRIBUTES,
                auth_policy: Tpm2bDigest::default(),
                data_size: 8,
            };
            tpm.nv_define(TpmHandle::OWNER, &public, b"").map_err(KeyError::from)?;
        }
        tpm.nv_write(TpmHandle::OWNER, self.index, &version.to_be_bytes()).map_err(KeyError::from)?;
        Ok(())
    }
}

/// The owner reads and writes it, and no lockout keeps a device from its updates.
const ATTRIBUTES: TpmaNv = TpmaNv::OWNERWRITE.with(TpmaNv::OWNERREAD).with(TpmaNv::NO_DA);
