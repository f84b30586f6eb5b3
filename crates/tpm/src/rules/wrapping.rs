//! The protections that take a secret out of the TPM and back (Part 1, clauses 19, 20.3 and 21): encryption in CFB mode and
//! an HMAC over the ciphertext and the name of what is protected, with keys from a seed.
//!
//! The HMAC is compared before anything is decrypted, so that nobody learns from responses to changed blobs.

use alloc::vec::Vec;

use ironroot_crypto::{Hmac, cfb_decrypt, cfb_encrypt, hash, kdfa};
use ironroot_wire::{
    Reader, Rules, Tpm2bDigest, Tpm2bIv, TpmRc, TpmiAlgHash, TpmtSymDefObject, Wire, limits::MAX_SYM_BLOCK,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What the protection keys are made of.
#[derive(Clone, Copy)]
pub struct Protection<'a> {
    /// The name algorithm of the protector: the parent, the new parent or the credential's key.
    pub hash: TpmiAlgHash,
    /// The cipher of the protector.
    pub symmetric: &'a TpmtSymDefObject,
    /// The protector's seedValue, or a secret that was shared with its holder.
    pub seed: &'a [u8],
    /// The name of what is protected.
    pub name: &'a [u8],
}

impl Protection<'_> {
    fn key(&self) -> Zeroizing<Vec<u8>> {
        let bits = u32::from(self.symmetric.key_bits.value());
        kdfa(self.hash, self.seed, b"STORAGE", self.name, &[], bits)
    }

    fn mac(&self, protected: &[u8]) -> Hmac {
        let bits = u32::try_from(self.hash.digest_size().saturating_mul(8)).unwrap_or(u32::MAX);
        let key = kdfa(self.hash, self.seed, b"INTEGRITY", &[], &[], bits);
        let mut hmac = Hmac::new(self.hash, &key);
        hmac.update(protected);
        hmac.update(self.name);
        hmac
    }

    /// Encrypts `secret` in place and puts the integrity value in front, and between them the IV if there is one.
    /// Without an IV the keys must never be used for anything else.
    ///
    /// # Errors
    /// `TPM_RC_SYMMETRIC` if the key that comes out is a weak one, which does not happen.
    pub fn wrap(&self, iv: Option<&Tpm2bIv>, mut secret: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, TpmRc> {
        let start = iv.map_or(zero_iv(self.symmetric), |iv| iv.as_slice());
        cfb_encrypt(self.symmetric.algorithm, &self.key(), start, &mut secret).map_err(|_| TpmRc::SYMMETRIC)?;
        let mut protected = iv.map(Wire::to_bytes).unwrap_or_default();
        protected.extend_from_slice(&secret);
        let mut out = Tpm2bDigest::from_slice(&self.mac(&protected).finish())?.to_bytes();
        out.extend_from_slice(&protected);
        Ok(out)
    }

    /// Checks the integrity value and decrypts what [`Protection::wrap`] made.
    ///
    /// # Errors
    /// `TPM_RC_INTEGRITY` if the blob, the name or the seed is another one; `TPM_RC_SIZE` or `TPM_RC_INSUFFICIENT` if the
    /// integrity value or the IV is malformed; `TPM_RC_VALUE` if the IV is not a block.
    pub fn unwrap(&self, with_iv: bool, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
        let mut reader = Reader::new(blob, &Rules::ALL);
        let integrity = Tpm2bDigest::unmarshal(&mut reader)?;
        self.mac(reader.rest()).verify(&integrity).map_err(|_| TpmRc::INTEGRITY)?;
        let iv = if with_iv { Tpm2bIv::unmarshal(&mut reader)? } else { Tpm2bIv::from_slice(zero_iv(self.symmetric))? };
        if iv.len() != self.symmetric.algorithm.block_size() {
            return Err(TpmRc::VALUE);
        }
        let mut secret = Zeroizing::new(reader.rest().to_vec());
        cfb_decrypt(self.symmetric.algorithm, &self.key(), &iv, &mut secret).map_err(|_| TpmRc::SYMMETRIC)?;
        Ok(secret)
    }
}

/// The initialization vector of keys that are used once.
fn zero_iv(cipher: &TpmtSymDefObject) -> &'static [u8] {
    const ZEROS: &[u8] = &[0; MAX_SYM_BLOCK];
    ZEROS.get(..cipher.algorithm.block_size()).unwrap_or_default()
}

/// The inner wrapper of a duplicate (Part 1, 20.3.2.2): a digest of the sensitive area and the name in front, encrypted
/// with a key that the caller or the TPM chose for this one object.
///
/// # Errors
/// `TPM_RC_SIZE` if the key is not one of the cipher's.
pub fn wrap_inner(
    hash: TpmiAlgHash,
    cipher: &TpmtSymDefObject,
    key: &[u8],
    name: &[u8],
    sensitive: &[u8],
) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    let integrity = Tpm2bDigest::from_slice(&hash::digest(hash, &[sensitive, name]))?;
    let mut inner = Zeroizing::new(Vec::with_capacity(sensitive.len().saturating_add(Tpm2bDigest::MAX + 2)));
    integrity.marshal(&mut inner);
    inner.extend_from_slice(sensitive);
    cfb_encrypt(cipher.algorithm, key, zero_iv(cipher), &mut inner).map_err(|_| TpmRc::SIZE)?;
    Ok(inner)
}

/// Undoes [`wrap_inner`].
///
/// # Errors
/// `TPM_RC_SIZE` if the key is not one of the cipher's, or the integrity value is malformed (`TPM_RC_INSUFFICIENT`,
/// too); `TPM_RC_INTEGRITY` if the blob, the name or the key is another one.
pub fn unwrap_inner(
    hash: TpmiAlgHash,
    cipher: &TpmtSymDefObject,
    key: &[u8],
    name: &[u8],
    mut inner: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
    cfb_decrypt(cipher.algorithm, key, zero_iv(cipher), &mut inner).map_err(|_| TpmRc::SIZE)?;
    let mut reader = Reader::new(&inner, &Rules::ALL);
    let integrity = Tpm2bDigest::unmarshal(&mut reader)?;
    let expected = hash::digest(hash, &[reader.rest(), name]);
    if !bool::from((*expected).ct_eq(integrity.as_slice())) {
        return Err(TpmRc::INTEGRITY);
    }
    Ok(Zeroizing::new(reader.rest().to_vec()))
}
