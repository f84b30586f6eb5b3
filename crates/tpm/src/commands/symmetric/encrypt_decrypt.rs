//! `TPM2_EncryptDecrypt` (Part 3, 15.2), and what it has in common with `TPM2_EncryptDecrypt2`.

use alloc::vec::Vec;

use ironroot_crypto::symmetric::{BlockCipher, iv_size, needs_whole_blocks};
use ironroot_wire::{
    EncryptDecrypt, EncryptDecryptResponse, PublicKind, Tpm2bIv, Tpm2bMaxBuffer, TpmRc, TpmaObject, TpmiAlgCipherMode,
    TpmiDhObject, TpmuSensitiveComposite,
};
use zeroize::Zeroizing;

use crate::{commands::Action, core_state::Core};

impl Action for EncryptDecrypt {
    fn run(self, tpm: &mut Core) -> Result<EncryptDecryptResponse, TpmRc> {
        let request = Request {
            key: self.key_handle,
            decrypt: self.decrypt.0,
            mode: self.mode,
            iv: &self.iv_in,
            data: &self.in_data,
            positions: Positions { mode: 2, iv: 3, data: 4 },
        };
        let (data, iv) = request.run(tpm)?;
        Ok(EncryptDecryptResponse { out_data: Tpm2bMaxBuffer::from_slice(&data)?, iv_out: Tpm2bIv::from_slice(&iv)? })
    }
}

/// Which parameters of the command these are.
pub struct Positions {
    /// mode.
    pub mode: u32,
    /// ivIn.
    pub iv: u32,
    /// inData.
    pub data: u32,
}

/// What either command asks for.
pub struct Request<'a> {
    /// The key.
    pub key: TpmiDhObject,
    /// Whether to decrypt.
    pub decrypt: bool,
    /// The mode; NULL is that of the key.
    pub mode: Option<TpmiAlgCipherMode>,
    /// The initialization vector.
    pub iv: &'a [u8],
    /// The data.
    pub data: &'a [u8],
    /// Where they stand, for errors.
    pub positions: Positions,
}

type Secret = Zeroizing<Vec<u8>>;

impl Request<'_> {
    /// The data encrypted or decrypted, and the chaining value.
    ///
    /// # Errors
    /// `TPM_RC_KEY` if the key is not a symmetric cipher key, `TPM_RC_ATTRIBUTES` if it is restricted or not for this
    /// direction, `TPM_RC_MODE` (of the key) if it makes message authentication codes; `TPM_RC_MODE` (of the parameter)
    /// if neither or both name a mode and they differ; `TPM_RC_SIZE` for the initialization vector or the data.
    pub fn run(&self, tpm: &Core) -> Result<(Secret, Secret), TpmRc> {
        let key = tpm.object(self.key).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Symcipher(parms, _) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        let needed = if self.decrypt { TpmaObject::DECRYPT } else { TpmaObject::SIGN_ENCRYPT };
        if key.has(TpmaObject::RESTRICTED) || !key.has(needed) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        let own = match parms.sym.mode {
            None => None,
            Some(own) => Some(own.cipher_mode().ok_or(TpmRc::MODE.handle(1))?),
        };
        let mode = match (own, self.mode) {
            (Some(own), None) => own,
            (Some(own), Some(mode)) if own == mode => own,
            (None, Some(mode)) => mode,
            _ => return Err(TpmRc::MODE.parameter(self.positions.mode)),
        };
        let algorithm = parms.sym.algorithm;
        if self.iv.len() != iv_size(algorithm, mode) {
            return Err(TpmRc::SIZE.parameter(self.positions.iv));
        }
        if needs_whole_blocks(mode) && !self.data.len().is_multiple_of(algorithm.block_size()) {
            return Err(TpmRc::SIZE.parameter(self.positions.data));
        }
        let TpmuSensitiveComposite::Sym(secret) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::KEY.handle(1));
        };
        let cipher = BlockCipher::new(algorithm, secret).map_err(|_| TpmRc::KEY.handle(1))?;
        let (mut iv, mut data) = (Zeroizing::new(self.iv.to_vec()), Zeroizing::new(self.data.to_vec()));
        let done = if self.decrypt {
            cipher.decrypt(mode, &mut iv, &mut data)
        } else {
            cipher.encrypt(mode, &mut iv, &mut data)
        };
        done.map_err(|_| TpmRc::FAILURE)?;
        Ok((data, iv))
    }
}
