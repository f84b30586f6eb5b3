//! Secrets by name: unique ones, which differ on each device, and global ones, which are equal on all devices of a product.
//!
//! Both are HKDF-Expand with SHA-256 (RFC 5869) whose HMACs the TPM computes with a *base*, a key that stays in it. Byte-exact in
//! docs/derivations.md, "Named secrets": nothing here may ever change for version 1.

use ironroot_client::{
    Tpm,
    wire::{
        Hmac, PublicKind, Tpm2bDigest, Tpm2bMaxBuffer, TpmHandle, TpmRc, TpmaObject, TpmiAlgHash, TpmiDhObject,
        TpmsKeyedhashParms, TpmtKeyedhashScheme, TpmtPublic,
    },
};
use ironroot_crypto::hkdf_expand;
use zeroize::Zeroizing;

use super::{
    NamedKeys, explained,
    template::{ATTRIBUTES, Use, name_digest, use_digest},
};
use crate::{KeyError, private_channel::in_private};

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const LABEL: &[u8] = b"ironroot/named-secret/v1\0";
/// The longest secret: 255 blocks.
pub const MAX_SECRET: usize = 8160;
/// Bytes of the base of global secrets.
pub const GLOBAL_BASE_SIZE: usize = 32;
/// Where a TPM keeps the base of global secrets: the platform's place, which TPM2_Clear leaves alone, and the owner's.
pub const GLOBAL_BASE_HANDLES: [TpmHandle; 2] = [TpmHandle(0x8180_4952), TpmHandle(0x8100_4952)];

impl NamedKeys {
    /// The secret with this name, of 1 to 8,160 bytes: the same on this device for ever, another on each device. The length is part of
    /// what chooses it.
    ///
    /// # Errors
    /// As [`NamedKeys::key`].
    pub fn unique_secret(&self, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let info = info(name, length)?;
        let mut tpm = self.tpm().lock()?;
        let template = base_template(true)?;
        let base = crate::key::create_primary(&mut tpm, TpmHandle::ENDORSEMENT, &template, b"")
            .map_err(|error| explained(error.into(), name, "HMAC with SHA-256"))?;
        let result = in_private(&mut tpm, |tpm| expand_in_tpm(tpm, base.handle, &info, length));
        let flushed = tpm.flush(base.handle);
        let secret = result?;
        flushed?;
        Ok(secret)
    }

    /// The secret with this name that all devices of the product share, from the base that [`NamedKeys::provision_global`] has put
    /// into the TPM.
    ///
    /// # Errors
    /// [`KeyError::NoGlobalBase`] if the TPM has none; what the TPM may answer.
    pub fn global_secret(&self, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let info = info(name, length)?;
        let mut tpm = self.tpm().lock()?;
        let base = find_global_base(&mut tpm)?.ok_or(KeyError::NoGlobalBase)?;
        in_private(&mut tpm, |tpm| expand_in_tpm(tpm, base, &info, length))
    }

    /// Puts the base of global secrets into the TPM, to stay: in the platform hierarchy, where it survives TPM2_Clear, or in the
    /// owner's. One that is there already is replaced. The base comes from the product's global master
    /// (docs/derivations.md), and travels encrypted.
    ///
    /// # Errors
    /// [`KeyError::Handle`] if something else is at the place; what the TPM may answer.
    pub fn provision_global(&self, base: &[u8; GLOBAL_BASE_SIZE], platform: bool) -> Result<TpmHandle, KeyError> {
        let (hierarchy, handle) = match (platform, GLOBAL_BASE_HANDLES) {
            (true, [handle, _]) => (TpmHandle::PLATFORM, handle),
            (false, [_, handle]) => (TpmHandle::OWNER, handle),
        };
        let mut tpm = self.tpm().lock()?;
        let there = base_at(&mut tpm, handle)?;
        let template = base_template(false)?;
        let made = in_private(&mut tpm, |tpm| Ok(tpm.create_primary_of(hierarchy, &template, b"", base)?))
            .map_err(|error| closed(error, platform))?;
        let kept = (|| {
            if there {
                tpm.evict_control(hierarchy, handle, handle)?;
            }
            tpm.evict_control(hierarchy, made.handle, handle)
        })();
        let flushed = tpm.flush(made.handle);
        kept.map_err(|error| closed(error.into(), platform))?;
        flushed?;
        Ok(handle)
    }
}

/// A global secret computed outside of a TPM, from the base: equal to [`NamedKeys::global_secret`].
///
/// # Errors
/// [`KeyError::Name`] and [`KeyError::Length`].
pub fn global_secret_from(
    base: &[u8; GLOBAL_BASE_SIZE],
    name: &str,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let info = info(name, length)?;
    hkdf_expand(SHA256, base, &[&info], length).map_err(|_| KeyError::Length)
}

fn info(name: &str, length: usize) -> Result<Vec<u8>, KeyError> {
    name_digest(Use::Sign, name)?; // The same names as keys have.
    if length == 0 || length > MAX_SECRET {
        return Err(KeyError::Length);
    }
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    Ok([LABEL, &size(name.len()), name.as_bytes(), &size(length)].concat())
}

/// HKDF-Expand (RFC 5869, 2.3), each HMAC a command.
fn expand_in_tpm(tpm: &mut Tpm, base: TpmHandle, info: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut secret = Zeroizing::new(Vec::with_capacity(length.next_multiple_of(32)));
    let mut last = Zeroizing::new(Vec::new());
    for counter in 1..=u8::MAX {
        let message = Zeroizing::new([last.as_slice(), info, &[counter]].concat());
        let buffer = Tpm2bMaxBuffer::from_slice(&message).map_err(|_| KeyError::Length)?;
        let command = Hmac { handle: TpmiDhObject(base.0), buffer, hash_alg: Some(SHA256) };
        last = Zeroizing::new(tpm.run(&command)?.out_hmac.to_vec());
        if last.len() != 32 {
            return Err(KeyError::unsuitable("the TPM's HMAC is not one of SHA-256"));
        }
        secret.extend_from_slice(&last);
        if secret.len() >= length {
            secret.truncate(length);
            return Ok(secret);
        }
    }
    Err(KeyError::Length)
}

/// An HMAC key: the device's own, or one that comes from outside.
fn base_template(own: bool) -> Result<TpmtPublic, KeyError> {
    let attributes = ATTRIBUTES.with(TpmaObject::SIGN_ENCRYPT);
    let unique = if own { use_digest(b"secrets").to_vec() } else { Vec::new() };
    Ok(TpmtPublic {
        name_alg: Some(SHA256),
        object_attributes: if own { attributes } else { attributes.without(TpmaObject::SENSITIVE_DATA_ORIGIN) },
        auth_policy: Tpm2bDigest::default(),
        kind: PublicKind::Keyedhash(
            TpmsKeyedhashParms { scheme: Some(TpmtKeyedhashScheme::Hmac(SHA256)) },
            Tpm2bDigest::from_slice(&unique).unwrap_or_default(),
        ),
    })
}

fn find_global_base(tpm: &mut Tpm) -> Result<Option<TpmHandle>, KeyError> {
    for handle in GLOBAL_BASE_HANDLES {
        if base_at(tpm, handle)? {
            return Ok(Some(handle));
        }
    }
    Ok(None)
}

/// Whether the base of global secrets is there.
fn base_at(tpm: &mut Tpm, handle: TpmHandle) -> Result<bool, KeyError> {
    let public = match tpm.read_public(handle) {
        Ok(there) => there.public,
        Err(error) if error.is(TpmRc::HANDLE) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let template = base_template(false)?;
    let alike = match (&public.kind, &template.kind) {
        (PublicKind::Keyedhash(there, _), PublicKind::Keyedhash(wanted, _)) => there == wanted,
        _ => false,
    };
    if alike && public.object_attributes == template.object_attributes {
        return Ok(true);
    }
    let reason =
        "another object is where the base of global secrets belongs; remove it first, or use the other hierarchy";
    Err(KeyError::Handle { handle, reason: reason.into() })
}

/// A hierarchy that does not let us in.
fn closed(error: KeyError, platform: bool) -> KeyError {
    let KeyError::Client(error) = error else { return error };
    if ![TpmRc::BAD_AUTH, TpmRc::AUTH_FAIL, TpmRc::HIERARCHY].iter().any(|rc| error.is(*rc)) {
        return KeyError::Client(error);
    }
    let reason = if platform {
        "the platform hierarchy is closed, as firmware leaves it on most machines: use the owner's (--hierarchy owner), and provision \
         again after each TPM2_Clear"
    } else {
        "the owner hierarchy has an auth value: give it with --owner-auth (Tpm::set_auth)"
    };
    KeyError::Named { name: "the base of global secrets".into(), reason: reason.into(), source: error }
}
