//! Moving a running TPM: its volatile state as one blob, for a daemon that is replaced, a virtual machine that is
//! suspended or moved.
//!
//! ```text
//! "IRVS"  version (1 byte)  tag (32 bytes)  encrypted record
//! ```
//! The record is encrypted with AES-256-CFB and authenticated under keys that only this TPM's permanent state has: they
//! come from the proofs of its hierarchies and from its counts of starts. The blob of another TPM, of an earlier power
//! cycle or from before a `TPM2_Clear` therefore fails the check. The tag is the HMAC of the record itself and also the
//! nonce of its encryption, so saving needs no random numbers, and saving twice reveals only whether anything changed.
//!
//! What the blob cannot tell is whether the same power cycle went on after it was saved without a change of non-volatile
//! state: whoever holds the TPM's store and its blobs is trusted not to go back in time, as with swtpm.

use alloc::vec::Vec;
use core::fmt;

use ironroot_crypto::{hmac::hmac, kdf::kdfa, symmetric};
use ironroot_platform::Milliseconds;
use ironroot_wire::{Reader, Rules, TpmRc, TpmiAlgHash, TpmiAlgSymObject, Wire};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    core_state::{Core, Mode},
    rules::limited,
    state::{
        administration::Administration,
        commits::Commits,
        hierarchy::Base,
        nonvolatile::NonVolatile,
        nv_index::NvIndex,
        volatile::{Volatile, marshal_measurement, take_measurement},
    },
    tpm::Tpm,
};

const MAGIC: &[u8; 4] = b"IRVS";
const VERSION: u8 = 5;
const TAG_SIZE: usize = 32;
const KEY_SIZE: usize = 32;
const IV_BITS: u32 = 128;

/// Why a saved volatile state was refused. The TPM is then as it was after power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolatileError {
    /// The TPM has been started already: restoring comes between power-on and `TPM2_Startup`.
    Started,
    /// This is no volatile state of an Ironroot TPM.
    Unknown,
    /// The volatile state has a version that this release does not read.
    Version(u8),
    /// The volatile state is damaged, or belongs to another TPM, or to an earlier start of this one.
    Foreign,
    /// The TPM's non-volatile state has changed since the volatile state was saved.
    Stale,
    /// The volatile state does not fit this TPM: the profile has fewer slots or other algorithms.
    Profile,
}

impl fmt::Display for VolatileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("volatile state can be restored only before TPM2_Startup"),
            Self::Unknown => f.write_str("this is not the volatile state of an Ironroot TPM"),
            Self::Version(version) => {
                write!(f, "the volatile state has version {version}; this release reads version {VERSION}")
            }
            Self::Foreign => f.write_str(
                "the volatile state is damaged, or belongs to another TPM or to an earlier start of this one",
            ),
            Self::Stale => f.write_str("the non-volatile state has changed since the volatile state was saved"),
            Self::Profile => f.write_str("the volatile state does not fit the TPM's profile"),
        }
    }
}

impl core::error::Error for VolatileError {}

impl Tpm {
    /// Everything that a power cycle would lose, for [`Tpm::restore_volatile`] of the same TPM: loaded objects and
    /// sequences, sessions, PCR, time, the NULL hierarchy, and whether `TPM2_Startup` has been done.
    #[must_use]
    pub fn save_volatile(&self) -> Zeroizing<Vec<u8>> {
        let indices = self.core.nv.unsaved().fold(0usize, |size, index| size.saturating_add(index.size()));
        let mut record = Volatile::capture(&self.core).save(indices);
        marshal_measurement(self.measurement.as_deref(), &mut record);
        self.core.administration.marshal(&mut record);
        marshal_indices(&self.core.nv, &mut record);
        self.core.commits.marshal(&mut record);
        record.extend_from_slice(&limited::fingerprint(&*self.core.firmware));
        seal(&self.core, record)
    }

    /// A blob around any record: a test's or a fuzzer's, whose bytes would otherwise all end at the tag.
    #[cfg(any(test, fuzzing))]
    #[must_use]
    pub fn volatile_blob(&self, record: &[u8]) -> Zeroizing<Vec<u8>> {
        seal(&self.core, Zeroizing::new(record.to_vec()))
    }

    /// The record inside a blob of this TPM.
    #[cfg(any(test, fuzzing))]
    #[must_use]
    pub fn volatile_record(&self, blob: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.core, blob).ok()
    }

    /// Takes over what [`Tpm::save_volatile`] saved, at the platform's time `now`. The time in between does not count as
    /// time with power.
    ///
    /// # Errors
    /// [`VolatileError`]; the TPM stays as it was after power-on.
    pub fn restore_volatile(&mut self, now: Milliseconds, blob: &[u8]) -> Result<(), VolatileError> {
        if self.core.mode != Mode::Initialized {
            return Err(VolatileError::Started);
        }
        let record = open(&self.core, blob)?;
        let mut reader = Reader::new(&record, &Rules::ALL);
        let misfit = |_| VolatileError::Profile;
        let mut volatile = Volatile::restore(&mut reader, &self.core.profile, self.core.provider).map_err(misfit)?;
        let measurement = take_measurement(&mut reader).map_err(misfit)?;
        let administration = Administration::unmarshal(&mut reader).map_err(misfit)?;
        let timers = administration.timers.clone().fit(self.core.profile.timers);
        *volatile.administration_mut() = Administration { timers, ..administration };
        let indices = take_indices(&mut reader).map_err(misfit)?;
        *volatile.commits_mut() = Commits::unmarshal(&mut reader).map_err(misfit)?;
        let fingerprint = reader.take(limited::FINGERPRINT_SIZE).map_err(misfit)?;
        let same = *fingerprint == limited::fingerprint(&*self.core.firmware);
        volatile.change_firmware(&*self.core.firmware, same);
        if !reader.is_empty() {
            return Err(VolatileError::Profile);
        }
        // Each change of the permanent data records Clock, so a Clock that is behind the record was saved before it.
        if volatile.mode() == Mode::Operational && volatile.clock().clock() < self.core.nv.permanent().clock {
            return Err(VolatileError::Stale);
        }
        self.core.nv.set_unsaved(indices).map_err(|_| VolatileError::Stale)?;
        volatile.continue_at(now);
        volatile.apply(&mut self.core);
        self.measurement = measurement;
        Ok(())
    }
}

/// The orderly NV indices that are ahead of what is stored, each as it is.
fn marshal_indices(nv: &NonVolatile, out: &mut Vec<u8>) {
    u32::try_from(nv.unsaved().count()).unwrap_or(u32::MAX).marshal(out);
    for index in nv.unsaved() {
        index.marshal(out);
    }
}

fn take_indices(reader: &mut Reader<'_>) -> Result<Vec<NvIndex>, TpmRc> {
    (0..u32::unmarshal(reader)?).map(|_| NvIndex::unmarshal(reader)).collect()
}

/// The blob of a record.
fn seal(core: &Core, mut record: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let tag = tag(core, &record);
    crypt(core, &tag, &mut record, symmetric::cfb_encrypt);
    let size = record.len().saturating_add(MAGIC.len()).saturating_add(TAG_SIZE).saturating_add(1);
    let mut blob = Zeroizing::new(Vec::with_capacity(size));
    blob.extend_from_slice(MAGIC);
    blob.push(VERSION);
    blob.extend_from_slice(&tag);
    blob.extend_from_slice(&record);
    blob
}

/// The authentic record of a blob.
fn open(core: &Core, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, VolatileError> {
    let (&version, rest) = blob.strip_prefix(MAGIC).and_then(<[u8]>::split_first).ok_or(VolatileError::Unknown)?;
    if version != VERSION {
        return Err(VolatileError::Version(version));
    }
    let (found, encrypted) = rest.split_first_chunk::<TAG_SIZE>().ok_or(VolatileError::Foreign)?;
    let mut record = Zeroizing::new(encrypted.to_vec());
    crypt(core, found, &mut record, symmetric::cfb_decrypt);
    if bool::from(found.as_slice().ct_eq(&tag(core, &record))) { Ok(record) } else { Err(VolatileError::Foreign) }
}

/// A key for `purpose` and `nonce`, from all that makes this TPM in this power cycle.
fn key(core: &Core, purpose: &[u8], nonce: &[u8], bits: u32) -> Zeroizing<Vec<u8>> {
    let permanent = core.nv.permanent();
    let mut proofs = Zeroizing::new(Vec::with_capacity(256));
    for base in [Base::Owner, Base::Endorsement, Base::Platform] {
        proofs.extend_from_slice(core.base_proof(base));
    }
    let mut starts = Vec::new();
    starts.extend_from_slice(&permanent.total_reset_count.to_be_bytes());
    starts.extend_from_slice(&permanent.restart_count.to_be_bytes());
    starts.extend_from_slice(&permanent.clear_count.to_be_bytes());
    kdfa(TpmiAlgHash::Sha512, &proofs, purpose, &starts, nonce, bits)
}

fn tag(core: &Core, record: &[u8]) -> Vec<u8> {
    let key = key(core, b"VOLATILE INTEGRITY", &[VERSION], 256);
    hmac(TpmiAlgHash::Sha256, &key, &[record]).to_vec()
}

type Cfb = fn(TpmiAlgSymObject, &[u8], &[u8], &mut [u8]) -> Result<(), ironroot_crypto::CryptoError>;

fn crypt(core: &Core, tag: &[u8], record: &mut [u8], cfb: Cfb) {
    let derived = key(core, b"VOLATILE STORAGE", tag, 256u32.saturating_add(IV_BITS));
    if let Some((key, iv)) = derived.split_at_checked(KEY_SIZE) {
        // Only a key or IV of another size can be refused, and these sizes are constants. If it ever were, nothing secret
        // may go out.
        if cfb(TpmiAlgSymObject::Aes, key, iv, record).is_err() {
            record.fill(0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ironroot_platform::memory::{MemoryStorage, TestEntropy};

    use super::*;
    use crate::{Profile, SEED_SIZE, Seeds};

    fn tpm(storage: &MemoryStorage) -> Tpm {
        let base = |byte| Zeroizing::new([byte; SEED_SIZE]);
        let seeds = || Seeds { owner: base(1), endorsement: base(2), platform: base(3) };
        let provider = &ironroot_crypto_host::HOST;
        let entropy = || alloc::boxed::Box::new(TestEntropy::new(7));
        let store = || alloc::boxed::Box::new(storage.clone());
        Tpm::open(store(), entropy(), provider, Profile::HOST, seeds())
            .or_else(|_| Tpm::manufacture(store(), entropy(), provider, Profile::HOST, seeds()))
            .unwrap()
    }

    /// CVE-2021-3623, CVE-2021-3746, libtpms 614: blobs were read by the sizes that stand in them. The tag keeps such blobs out
    /// here; behind a right tag, too, nothing is read that is not there, and the TPM stays one that can be used.
    #[test]
    fn cve_2021_3623_and_cve_2021_3746_a_record_may_be_cut_anywhere() {
        const STARTUP: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0];
        let storage = MemoryStorage::new();
        let mut old = tpm(&storage);
        old.execute(0, 1, &STARTUP);
        let record = old.volatile_record(&old.save_volatile()).unwrap();
        let mut new = tpm(&storage);
        for length in 0..record.len() {
            let mut changed = record.to_vec();
            changed.iter_mut().skip(length).take(2).for_each(|byte| *byte = 0xFF);
            let blob = new.volatile_blob(&changed);
            let _ = new.restore_volatile(2, &blob);
            new = tpm(&storage);
            let cut = new.volatile_blob(record.get(..length).unwrap());
            assert_eq!(new.restore_volatile(2, &cut), Err(VolatileError::Profile), "{length} bytes");
            assert!(new.restore_volatile(2, cut.get(..length.min(cut.len())).unwrap()).is_err());
        }
        assert_eq!(new.execute(0, 3, &STARTUP).get(6..10), Some(&[0; 4][..]));
    }
}
