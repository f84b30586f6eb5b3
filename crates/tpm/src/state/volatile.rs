//! Everything that a power cycle loses, in one value: what a failed commit puts back, and what moves with a running TPM
//! to another process ([`crate::Tpm::save_volatile`]).

use alloc::{sync::Arc, vec::Vec};

use ironroot_crypto::{Provider, hash::Hasher};
use ironroot_platform::Firmware;
use ironroot_wire::{Reader, TpmRc, TpmiAlgHash, TpmiYesNo, Wire};
use zeroize::Zeroizing;

use super::{
    administration::Administration,
    clock::Clock,
    commits::Commits,
    hierarchy::{Limit, VolatileHierarchies},
    lockout::LockoutTimers,
    objects::{Objects, Slot},
    pcr::Pcrs,
    saved::Bytes,
    sessions::Sessions,
};
use crate::{
    core_state::{Core, Mode},
    profile::Profile,
    rules::{limited, object_record, sequence_record},
};

/// Enough for every object, so that a growing vector leaves no copy of a secret behind.
const SLOT_CAPACITY: usize = 4096;

/// The digests of an H-CRTM sequence: one for each bank.
type Hcrtm = Option<Vec<(TpmiAlgHash, Vec<u8>)>>;

/// The volatile state of a TPM.
#[derive(Clone)]
pub struct Volatile {
    objects: Objects,
    sessions: Sessions,
    pcrs: Pcrs,
    clock: Clock,
    lockout_timers: LockoutTimers,
    hierarchies: VolatileHierarchies,
    administration: Administration,
    commits: Commits,
    object_context_id: u64,
    startup_locality: u8,
    orderly_start: bool,
    mode: Mode,
    pcr_reconfigured: bool,
    hcrtm: Hcrtm,
}

impl Volatile {
    /// A copy of a TPM's volatile state.
    #[must_use]
    pub fn capture(core: &Core) -> Self {
        // Every field by name: a new one must be sorted into one of the two groups before this compiles.
        let Core {
            objects,
            sessions,
            pcrs,
            clock,
            lockout_timers,
            hierarchies,
            administration,
            commits,
            object_context_id,
            startup_locality,
            orderly_start,
            mode,
            pcr_reconfigured,
            hcrtm,
            profile: _,
            provider: _,
            firmware: _,
            cancellation: _,
            seeds: _,
            random: _,
            nv: _,
            locality: _,
            physical_presence: _,
            components: _,
            // A test that has passed or failed has done so whatever becomes of the command.
            self_tests: _,
        } = core;
        Self {
            objects: objects.clone(),
            sessions: sessions.clone(),
            pcrs: pcrs.clone(),
            clock: clock.clone(),
            lockout_timers: lockout_timers.clone(),
            hierarchies: hierarchies.clone(),
            administration: administration.clone(),
            commits: commits.clone(),
            object_context_id: *object_context_id,
            startup_locality: *startup_locality,
            orderly_start: *orderly_start,
            mode: *mode,
            pcr_reconfigured: *pcr_reconfigured,
            hcrtm: hcrtm.clone(),
        }
    }

    /// Makes this the volatile state of a TPM.
    pub fn apply(self, core: &mut Core) {
        core.objects = self.objects;
        core.sessions = self.sessions;
        core.pcrs = self.pcrs;
        core.clock = self.clock;
        core.lockout_timers = self.lockout_timers;
        core.hierarchies = self.hierarchies;
        core.administration = self.administration;
        core.commits = self.commits;
        core.object_context_id = self.object_context_id;
        core.startup_locality = self.startup_locality;
        core.orderly_start = self.orderly_start;
        core.mode = if core.self_tests.failed().is_some() { Mode::Failure } else { self.mode };
        core.pcr_reconfigured = self.pcr_reconfigured;
        core.hcrtm = self.hcrtm;
    }

    /// What the TPM accepts.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Time and Clock.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Starts to count from the platform's time `now`: the time between saving and restoring does not pass.
    pub fn continue_at(&mut self, now: u64) {
        self.clock.continue_at(now);
    }

    /// Lets go of what the firmware that takes over must not have: objects of limited hierarchies whose secret it lacks,
    /// and, unless it is the `same` firmware, sequences, which may hold the key of such an object.
    pub fn change_firmware(&mut self, firmware: &dyn Firmware, same: bool) {
        let lacks = |limit| limit == Limit::Firmware && !same || limited::check(firmware, limit).is_err();
        self.objects.flush_if(|slot| match slot {
            Slot::Object(object) => lacks(object.hierarchy.limit),
            Slot::Sequence(_) => !same,
        });
    }

    /// Read-Only mode, audit, PCR authorization, timers: not part of [`Volatile::save`].
    pub const fn administration_mut(&mut self) -> &mut Administration {
        &mut self.administration
    }

    /// Split operations: as administration.
    pub const fn commits_mut(&mut self) -> &mut Commits {
        &mut self.commits
    }

    /// The record, without administration and split operations, with room for `more` bytes behind it.
    #[must_use]
    pub fn save(&self, more: usize) -> Zeroizing<Vec<u8>> {
        let slots = self.objects.handles().count().saturating_add(self.sessions.active_count());
        let size = slots.saturating_add(4).saturating_mul(SLOT_CAPACITY).saturating_add(more);
        let mut record = Zeroizing::new(Vec::with_capacity(size));
        let out: &mut Vec<u8> = &mut record;
        (self.mode as u8).marshal(out);
        self.startup_locality.marshal(out);
        TpmiYesNo(self.orderly_start).marshal(out);
        TpmiYesNo(self.pcr_reconfigured).marshal(out);
        self.object_context_id.marshal(out);
        self.clock.marshal(out);
        self.lockout_timers.marshal(out);
        self.hierarchies.marshal(out);
        self.pcrs.marshal(out);
        marshal_hcrtm(&self.hcrtm, out);
        self.sessions.marshal(out);
        marshal_objects(&self.objects, out);
        record
    }

    /// The state of a record.
    ///
    /// # Errors
    /// The bytes are not such a record, or hold more than the profile has.
    pub fn restore(reader: &mut Reader<'_>, profile: &Profile, provider: &dyn Provider) -> Result<Self, TpmRc> {
        Ok(Self {
            mode: take_mode(reader)?,
            startup_locality: Wire::unmarshal(reader)?,
            orderly_start: TpmiYesNo::unmarshal(reader)?.0,
            pcr_reconfigured: TpmiYesNo::unmarshal(reader)?.0,
            object_context_id: Wire::unmarshal(reader)?,
            clock: Wire::unmarshal(reader)?,
            lockout_timers: Wire::unmarshal(reader)?,
            hierarchies: Wire::unmarshal(reader)?,
            administration: Administration::reset(profile.timers),
            commits: Commits::none(),
            pcrs: take_pcrs(reader, profile)?,
            hcrtm: take_hcrtm(reader)?,
            sessions: Sessions::unmarshal(reader, profile.loaded_sessions, profile.active_sessions)?,
            objects: take_objects(reader, profile, provider)?,
        })
    }
}

fn take_mode(reader: &mut Reader<'_>) -> Result<Mode, TpmRc> {
    let value = u8::unmarshal(reader)?;
    [Mode::Initialized, Mode::Operational, Mode::Failure]
        .into_iter()
        .find(|&mode| mode as u8 == value)
        .ok_or(TpmRc::VALUE)
}

fn take_pcrs(reader: &mut Reader<'_>, profile: &Profile) -> Result<Pcrs, TpmRc> {
    let pcrs = Pcrs::unmarshal(reader)?;
    if pcrs.banks().all(|bank| profile.has_bank(bank)) { Ok(pcrs) } else { Err(TpmRc::HASH) }
}

fn marshal_hcrtm(hcrtm: &Hcrtm, out: &mut Vec<u8>) {
    TpmiYesNo(hcrtm.is_some()).marshal(out);
    let digests = hcrtm.as_deref().unwrap_or_default();
    u8::try_from(digests.len()).unwrap_or(u8::MAX).marshal(out);
    for (bank, digest) in digests {
        bank.marshal(out);
        out.extend_from_slice(digest);
    }
}

fn take_hcrtm(reader: &mut Reader<'_>) -> Result<Hcrtm, TpmRc> {
    let present = TpmiYesNo::unmarshal(reader)?.0;
    let count = u8::unmarshal(reader)?;
    let mut digests = Vec::new();
    for _ in 0..count {
        let bank = TpmiAlgHash::unmarshal(reader)?;
        digests.push((bank, reader.take(bank.digest_size())?.to_vec()));
    }
    Ok(present.then_some(digests))
}

/// The slots in use: each with its number, so that handles stay, and behind its length.
fn marshal_objects(objects: &Objects, out: &mut Vec<u8>) {
    u32::try_from(objects.handles().count()).unwrap_or(u32::MAX).marshal(out);
    for handle in objects.handles() {
        let Some(slot) = objects.get(handle) else { continue };
        let mut record = Zeroizing::new(Vec::with_capacity(SLOT_CAPACITY));
        let kind: u8 = match slot {
            Slot::Object(object) => {
                object_record::save(object, &mut record);
                1
            }
            Slot::Sequence(sequence) => {
                sequence_record::save(sequence, &mut record);
                2
            }
        };
        handle.marshal(out);
        kind.marshal(out);
        Bytes(record).marshal(out);
    }
}

fn take_objects(reader: &mut Reader<'_>, profile: &Profile, provider: &dyn Provider) -> Result<Objects, TpmRc> {
    let mut objects = Objects::new(profile.loaded_objects);
    for _ in 0..u32::unmarshal(reader)? {
        let handle = Wire::unmarshal(reader)?;
        let kind = u8::unmarshal(reader)?;
        let record = Bytes::unmarshal(reader)?;
        let slot = match kind {
            1 => Slot::Object(Arc::new(object_record::restore(&record.0, provider)?)),
            2 => Slot::Sequence(sequence_record::restore(&record.0)?),
            _ => return Err(TpmRc::VALUE),
        };
        objects.insert_at(handle, slot)?;
    }
    Ok(objects)
}

/// Appends the running hashes of an H-CRTM or D-RTM sequence.
pub fn marshal_measurement(measurement: Option<&[Hasher]>, out: &mut Vec<u8>) {
    TpmiYesNo(measurement.is_some()).marshal(out);
    let hashers = measurement.unwrap_or_default();
    u8::try_from(hashers.len()).unwrap_or(u8::MAX).marshal(out);
    for hasher in hashers {
        hasher.algorithm().marshal(out);
        Bytes(hasher.save()).marshal(out);
    }
}

/// Takes what [`marshal_measurement`] appended.
///
/// # Errors
/// The bytes are no such thing.
pub fn take_measurement(reader: &mut Reader<'_>) -> Result<Option<Vec<Hasher>>, TpmRc> {
    let present = TpmiYesNo::unmarshal(reader)?.0;
    let count = u8::unmarshal(reader)?;
    let mut hashers = Vec::new();
    for _ in 0..count {
        let algorithm = TpmiAlgHash::unmarshal(reader)?;
        let saved = Bytes::unmarshal(reader)?;
        hashers.push(Hasher::restore(algorithm, &saved.0).map_err(|_| TpmRc::VALUE)?);
    }
    Ok(present.then_some(hashers))
}
