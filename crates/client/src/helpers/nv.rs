//! NV indices (Part 3, clause 31): defining them, and reading and writing of any length in pieces that the TPM takes.

use ironroot_wire::{
    NvDefineSpace, NvRead, NvReadPublic, NvUndefineSpace, NvWrite, Tpm2b, Tpm2bAuth, Tpm2bMaxNvBuffer, TpmHandle,
    TpmPt, TpmiRhNvAuth, TpmiRhNvIndex, TpmiRhProvision, TpmsNvPublic,
};

use super::fits;
use crate::{ClientError, Tpm, nv_name};

impl Tpm {
    /// Defines an NV index (`TPM2_NV_DefineSpace`), and makes its auth value known.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn nv_define(&mut self, hierarchy: TpmHandle, public: &TpmsNvPublic, auth: &[u8]) -> Result<(), ClientError> {
        self.run(&NvDefineSpace {
            auth_handle: TpmiRhProvision(hierarchy.0),
            auth: fits("the auth value", Tpm2bAuth::from_slice(auth))?,
            public_info: Tpm2b(public.clone()),
        })?;
        self.set_name(public.nv_index, &nv_name(public));
        self.set_auth(public.nv_index, auth);
        Ok(())
    }

    /// Removes an NV index (`TPM2_NV_UndefineSpace`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn nv_undefine(&mut self, hierarchy: TpmHandle, index: TpmHandle) -> Result<(), ClientError> {
        self.run(&NvUndefineSpace { auth_handle: TpmiRhProvision(hierarchy.0), nv_index: TpmiRhNvIndex(index.0) })?;
        Ok(())
    }

    /// The public area of an NV index (`TPM2_NV_ReadPublic`).
    ///
    /// # Errors
    /// As [`Tpm::run`]; [`ClientError::Untrusted`] if the returned name is not that of the returned public area.
    pub fn nv_read_public(&mut self, index: TpmHandle) -> Result<TpmsNvPublic, ClientError> {
        let response = self.run(&NvReadPublic { nv_index: TpmiRhNvIndex(index.0) })?;
        let public = response.nv_public.0;
        if nv_name(&public) != response.nv_name {
            return Err(ClientError::Untrusted("an NV index's name is not that of its public area".into()));
        }
        Ok(public)
    }

    /// Writes data from the start of an NV index (`TPM2_NV_Write`). `authority` is the owner, the platform or the index.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn nv_write(&mut self, authority: TpmHandle, index: TpmHandle, data: &[u8]) -> Result<(), ClientError> {
        let mut offset = 0;
        for piece in data.chunks(self.nv_buffer_max()?) {
            self.run(&NvWrite {
                auth_handle: TpmiRhNvAuth(authority.0),
                nv_index: TpmiRhNvIndex(index.0),
                data: fits("the data", Tpm2bMaxNvBuffer::from_slice(piece))?,
                offset: position(offset)?,
            })?;
            offset += piece.len();
        }
        Ok(())
    }

    /// Reads the whole of an NV index (`TPM2_NV_Read`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn nv_read(&mut self, authority: TpmHandle, index: TpmHandle) -> Result<Vec<u8>, ClientError> {
        let size = usize::from(self.nv_read_public(index)?.data_size);
        let most = self.nv_buffer_max()?;
        let mut data = Vec::with_capacity(size);
        while data.len() < size {
            let response = self.run(&NvRead {
                auth_handle: TpmiRhNvAuth(authority.0),
                nv_index: TpmiRhNvIndex(index.0),
                size: position((size - data.len()).min(most))?,
                offset: position(data.len())?,
            })?;
            if response.data.is_empty() {
                return Err(ClientError::Untrusted("TPM2_NV_Read returned nothing".into()));
            }
            data.extend_from_slice(&response.data);
        }
        Ok(data)
    }

    /// How much one command reads or writes: asked once.
    fn nv_buffer_max(&mut self) -> Result<usize, ClientError> {
        if let Some(known) = self.nv_buffer_max {
            return Ok(known);
        }
        let value = self.property(TpmPt::NV_BUFFER_MAX)?.and_then(|value| usize::try_from(value).ok());
        let most = value.unwrap_or(512).clamp(1, Tpm2bMaxNvBuffer::MAX);
        self.nv_buffer_max = Some(most);
        Ok(most)
    }
}

fn position(value: usize) -> Result<u16, ClientError> {
    u16::try_from(value).map_err(|_| ClientError::usage("NV indices hold 65,535 bytes at most"))
}
