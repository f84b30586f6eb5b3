//! What keeps a device from going back: an NV counter of its TPM (Part 1, 37.2.4), which only ever goes up. Not even its owner can set
//! it back: whoever removes the index and makes it again gets a counter that begins above every value that a counter of this TPM has had.

use ironroot_client::nv_name;
use ironroot_client::{
    Tpm,
    wire::{
        NvIncrement, Tpm2bDigest, Tpm2bName, TpmHandle, TpmNt, TpmRc, TpmaNv, TpmiAlgHash, TpmiRhNvAuth, TpmiRhNvIndex,
        TpmsNvPublic,
    },
};
use ironroot_keys::{KeyError, SharedTpm};

use crate::error::ImageError;

/// How far a counter is raised at once. Each step writes the TPM's NV memory.
pub(crate) const LONGEST_STEP: u64 = 4096;
/// The owner counts, everybody reads, and no lockout keeps a device from its updates.
const ATTRIBUTES: TpmaNv =
    TpmaNv::OWNERWRITE.with(TpmaNv::OWNERREAD).with(TpmaNv::AUTHREAD).with(TpmaNv::NO_DA).with_nt(TpmNt::Counter);

/// An NV counter.
#[derive(Debug, Clone)]
pub struct VersionCounter {
    tpm: SharedTpm,
    index: TpmHandle,
}

/// What the TPM has at the index.
enum Found {
    Nothing,
    /// It was made, and the power went before it counted for the first time.
    Unwritten,
    Counter(Tpm2bName, u64),
}

impl VersionCounter {
    /// The counter at this index (0x01000000 to 0x01ffffff).
    #[must_use]
    pub fn new(tpm: &SharedTpm, index: TpmHandle) -> Self {
        Self { tpm: tpm.clone(), index }
    }

    /// Its index.
    #[must_use]
    pub const fn index(&self) -> TpmHandle {
        self.index
    }

    /// Makes the counter if it is not there. Gives its name and its value.
    ///
    /// # Errors
    /// [`ImageError::State`] if the index is something else; what the TPM may answer.
    pub fn prepare(&self) -> Result<(Tpm2bName, u64), ImageError> {
        let mut tpm = self.tpm.lock()?;
        match self.look(&mut tpm)? {
            Found::Counter(name, value) => return Ok((name, value)),
            Found::Unwritten => {}
            Found::Nothing => {
                let public = TpmsNvPublic {
                    nv_index: TpmiRhNvIndex(self.index.0),
                    name_alg: TpmiAlgHash::Sha256,
                    attributes: ATTRIBUTES,
                    auth_policy: Tpm2bDigest::default(),
                    data_size: 8,
                };
                tpm.nv_define(TpmHandle::OWNER, &public, b"").map_err(KeyError::from)?;
            }
        }
        self.increment(&mut tpm)?;
        match self.look(&mut tpm)? {
            Found::Counter(name, value) => Ok((name, value)),
            _ => Err(self.missing()),
        }
    }

    /// Its value.
    ///
    /// # Errors
    /// [`ImageError::State`] if it is not there, or something else is; what the TPM may answer.
    pub fn value(&self) -> Result<u64, ImageError> {
        match self.look(&mut *self.tpm.lock()?)? {
            Found::Counter(_, value) => Ok(value),
            _ => Err(self.missing()),
        }
    }

    /// Raises it to this value, if it is not there or beyond. It is durable when this returns; after an interruption, calling it again
    /// goes on.
    ///
    /// # Errors
    /// As [`VersionCounter::value`]; [`ImageError::State`] for a value that is more than 4,096 away.
    pub fn raise(&self, to: u64) -> Result<(), ImageError> {
        let mut tpm = self.tpm.lock()?;
        let Found::Counter(_, mut value) = self.look(&mut tpm)? else { return Err(self.missing()) };
        if to.saturating_sub(value) > LONGEST_STEP {
            let reason =
                format!("the counter {:#010x} is at {value}, and {to} is more than {LONGEST_STEP} away", self.index.0);
            return Err(ImageError::State(reason));
        }
        while value < to {
            self.increment(&mut tpm)?;
            value = value.saturating_add(1);
        }
        Ok(())
    }

    fn increment(&self, tpm: &mut Tpm) -> Result<(), ImageError> {
        let command =
            NvIncrement { auth_handle: TpmiRhNvAuth(TpmHandle::OWNER.0), nv_index: TpmiRhNvIndex(self.index.0) };
        tpm.run(&command).map_err(KeyError::from)?;
        Ok(())
    }

    fn look(&self, tpm: &mut Tpm) -> Result<Found, ImageError> {
        let public = match tpm.nv_read_public(self.index) {
            Ok(public) => public,
            Err(error) if error.is(TpmRc::HANDLE) => return Ok(Found::Nothing),
            Err(error) => return Err(KeyError::from(error).into()),
        };
        if public.data_size != 8 || public.attributes.without(TpmaNv::WRITTEN) != ATTRIBUTES {
            return Err(ImageError::State(format!(
                "NV index {:#010x} is something else than a counter of versions: name a free one in the configuration",
                self.index.0
            )));
        }
        if !public.attributes.contains(TpmaNv::WRITTEN) {
            return Ok(Found::Unwritten);
        }
        let bytes = tpm.nv_read(self.index, self.index).map_err(KeyError::from)?;
        let value = bytes.try_into().map(u64::from_be_bytes).map_err(|_| self.missing())?;
        Ok(Found::Counter(nv_name(&public), value))
    }

    fn missing(&self) -> ImageError {
        ImageError::State(format!(
            "the TPM has no counter of versions at {:#010x} (TPM2_Clear removes it): make one with ironroot agent prepare, and have a \
             blob made for what it prints",
            self.index.0
        ))
    }
}
