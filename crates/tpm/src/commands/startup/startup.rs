//! `TPM2_Startup` (Part 3, 9.3).

use ironroot_wire::{Startup, StartupResponse, TpmRc, TpmSu, TpmaNv, TpmsPcrSelection};

use crate::{
    commands::Action,
    core_state::{Core, Mode},
    rules::nv_access,
    state::{
        administration::Administration,
        commits::Commits,
        hierarchy::VolatileHierarchies,
        nv_index::MAX_ORDERLY_COUNT,
        pcr::{HCRTM_PCR, Pcrs},
        permanent::Shutdown,
        saved::SavedState,
    },
};

/// What a start-up is, from how the TPM was shut down and how it is started (Part 3, 9.3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing of the last power cycle's volatile state is left.
    Reset,
    /// The state of `TPM2_Shutdown(STATE)` is left but for the PCR.
    Restart,
    /// The state of `TPM2_Shutdown(STATE)` is left with the PCR.
    Resume,
}

impl Action for Startup {
    fn run(self, tpm: &mut Core) -> Result<StartupResponse, TpmRc> {
        if tpm.mode == Mode::Operational {
            return Err(TpmRc::INITIALIZE);
        }
        // Only localities 0 and 3 start a TPM; locality 4 shows itself by an H-CRTM sequence.
        if !matches!(tpm.locality, 0 | 3) {
            return Err(TpmRc::LOCALITY);
        }
        let shutdown = tpm.nv.permanent().shutdown;
        let saved = tpm.nv.saved_state().cloned().filter(|_| shutdown.is_state());
        let (kind, saved) = match (self.startup_type, saved) {
            (TpmSu::State, Some(saved)) => (Kind::Resume, Some(saved)),
            (TpmSu::State, None) => return Err(TpmRc::VALUE.parameter(1)),
            (TpmSu::Clear, Some(saved)) => (Kind::Restart, Some(saved)),
            (TpmSu::Clear, None) => (Kind::Reset, None),
        };
        if kind == Kind::Resume && saved.as_ref().is_some_and(|saved| saved.startup_locality != tpm.locality) {
            // A Resume must start where the TPM started (Part 3, 9.3.1).
            return Err(TpmRc::LOCALITY);
        }
        start(tpm, kind, saved, shutdown)?;
        Ok(StartupResponse {})
    }
}

fn start(tpm: &mut Core, kind: Kind, saved: Option<SavedState>, shutdown: Shutdown) -> Result<(), TpmRc> {
    let orderly = shutdown.is_orderly();
    // The first start of all has no Clock to repeat.
    let clock_safe = shutdown.is_clock_safe() || tpm.nv.permanent().total_reset_count == 0;
    count(tpm, kind, orderly)?;
    start_nv(tpm, kind, orderly)?;
    if let Some(saved) = &saved {
        restore(tpm, kind, saved)?;
    }
    tpm.commits = match saved.as_ref().map(|saved| &saved.commits) {
        Some(commits) if commits.is_begun() => commits.clone(),
        _ => Commits::reset(&mut tpm.random)?,
    };
    let permanent = tpm.nv.permanent();
    tpm.clock.start(permanent, clock_safe);
    start_pcrs(tpm, kind, saved.as_ref())?;
    tpm.mode = Mode::Operational;
    tpm.startup_locality = tpm.locality;
    tpm.orderly_start = orderly;
    Ok(())
}

/// Counts the start-up and takes note that nothing has been shut down since.
fn count(tpm: &mut Core, kind: Kind, orderly: bool) -> Result<(), TpmRc> {
    let permanent = tpm.nv.permanent_mut();
    // Power may have been cut before a failure was recorded (Part 1, 16.8.6): it counts, whether or not there was one.
    if permanent.shutdown == Shutdown::NoneAfterUse && permanent.recovery_time != 0 {
        permanent.failed_tries = permanent.failed_tries.saturating_add(1).min(permanent.max_tries);
    }
    permanent.shutdown = Shutdown::None;
    if kind == Kind::Reset {
        permanent.reset_count = permanent.reset_count.wrapping_add(1);
        permanent.restart_count = 0;
        permanent.total_reset_count = permanent.total_reset_count.checked_add(1).ok_or(TpmRc::FAILURE)?;
    } else {
        permanent.restart_count = permanent.restart_count.wrapping_add(1);
    }
    if kind == Kind::Restart {
        permanent.clear_count = permanent.clear_count.wrapping_add(1);
    }
    // With lockoutRecovery 0, lockoutAuth works again (Part 1, 16.8.5).
    if permanent.lockout_recovery == 0 {
        permanent.lockout_auth_enabled = ironroot_wire::TpmiYesNo(true);
    }
    if tpm.nv.saved_state().is_some() || !orderly {
        tpm.nv.set_saved_state(None);
    }
    Ok(())
}

/// What a start-up does to NV indices (Part 3, 9.3.1 and Part 2, 13.4).
fn start_nv(tpm: &mut Core, kind: Kind, orderly: bool) -> Result<(), TpmRc> {
    tpm.nv.save_orderly();
    let indices: alloc::vec::Vec<_> = tpm.nv.indices().cloned().collect();
    for index in indices {
        let mut attributes = index.public.attributes;
        let is_orderly = attributes.contains(TpmaNv::ORDERLY);
        let emptied = match kind {
            Kind::Reset => attributes.contains(TpmaNv::CLEAR_STCLEAR) || is_orderly && !index.is_counter(),
            Kind::Restart => attributes.contains(TpmaNv::CLEAR_STCLEAR),
            Kind::Resume => false,
        };
        if emptied {
            attributes = attributes.without(TpmaNv::WRITTEN);
        }
        if kind != Kind::Resume {
            attributes = attributes.without(TpmaNv::READLOCKED);
            // What has become unwritten has become writable, too.
            if !attributes.contains(TpmaNv::WRITEDEFINE | TpmaNv::WRITTEN) {
                attributes = attributes.without(TpmaNv::WRITELOCKED);
            }
        }
        if attributes != index.public.attributes {
            tpm.nv.index_mut(index.handle())?.public.attributes = attributes;
        }
        if !orderly && is_orderly && index.is_counter() && index.has(TpmaNv::WRITTEN) {
            // It may have come so far before power was lost, and no further (Part 1, 34.2.4.3).
            let number = index.number() | MAX_ORDERLY_COUNT;
            nv_access::replace(tpm.nv.index_mut(index.handle())?, &number.to_be_bytes())?;
        }
    }
    Ok(())
}

/// Takes over what `TPM2_Shutdown(STATE)` saved. A Restart keeps saved sessions and contexts, a Resume all of it.
fn restore(tpm: &mut Core, kind: Kind, saved: &SavedState) -> Result<(), TpmRc> {
    let fresh = VolatileHierarchies::reset(
        zeroize::Zeroizing::new(saved.null_seed.to_vec()),
        zeroize::Zeroizing::new(saved.null_proof.to_vec()),
    );
    tpm.hierarchies = fresh;
    tpm.object_context_id = saved.object_context_id;
    tpm.sessions.restore_list(&saved.sessions.0).map_err(|_| TpmRc::FAILURE)?;
    // The audit digest is lost with a TPM Reset only, the rest with a Restart, too.
    tpm.administration.audit_digest = saved.administration.audit_digest.clone();
    if kind == Kind::Resume {
        let timers = saved.administration.timers.resumed(tpm.clock.time()).fit(tpm.profile.timers);
        tpm.administration = Administration { timers, ..saved.administration.clone() };
        tpm.hierarchies.owner_enabled = saved.owner_enabled.0;
        tpm.hierarchies.endorsement_enabled = saved.endorsement_enabled.0;
        tpm.hierarchies.platform_nv_enabled = saved.platform_nv_enabled.0;
        tpm.hierarchies.platform_auth = saved.platform_auth.clone();
        tpm.hierarchies.platform_policy = saved.platform_policy.clone();
    }
    Ok(())
}

/// PCR after start-up (Part 3, 9.3.1; PC Client Platform TPM Profile): their defaults, the saved ones after a Resume, and
/// in PCR 0 how the measurement started: the H-CRTM's digest, or the locality.
fn start_pcrs(tpm: &mut Core, kind: Kind, saved: Option<&SavedState>) -> Result<(), TpmRc> {
    let allocation: alloc::vec::Vec<TpmsPcrSelection> = tpm.nv.permanent().pcr_allocation.to_vec();
    tpm.pcrs = Pcrs::new(&ironroot_wire::TpmlPcrSelection::new(allocation));
    tpm.pcrs.update_counter = saved.map_or(0, |saved| saved.pcr_update_counter);
    let hcrtm = tpm.hcrtm.take();
    if let (Kind::Resume, Some(saved)) = (kind, saved) {
        tpm.pcrs.restore(&saved.pcrs.0).map_err(|_| TpmRc::FAILURE)?;
        return Ok(());
    }
    match hcrtm {
        Some(digests) => {
            tpm.pcrs.set_last_byte(HCRTM_PCR, 4);
            for (bank, digest) in &digests {
                tpm.pcrs.extend(*bank, HCRTM_PCR, digest);
            }
            tpm.pcrs.count_update(HCRTM_PCR);
        }
        None => tpm.pcrs.set_last_byte(HCRTM_PCR, tpm.locality),
    }
    Ok(())
}
