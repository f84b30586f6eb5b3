//! What a command's action works on.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use ironroot_crypto::Provider;
use ironroot_platform::{AttachedComponent, Cancellation, Firmware};
use ironroot_wire::{HandleKind, Tpm2bAuth, Tpm2bName, TpmHandle, TpmRc, TpmiAlgHash, Wire};
use zeroize::Zeroizing;

use crate::{
    profile::Profile,
    rules::{limited, self_test::SelfTests},
    state::{
        administration::Administration,
        clock::Clock,
        commits::Commits,
        generator::Generator,
        hierarchy::{Base, Hierarchy, SEED_SIZE, Seeds, VolatileHierarchies, authority},
        lockout::LockoutTimers,
        nonvolatile::NonVolatile,
        nv_index::NvIndex,
        objects::{Object, Objects, Slot},
        pcr::{self, Pcrs},
        sessions::Sessions,
    },
};

/// What the TPM accepts (Part 1, clause 12.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Between `_TPM_Init` and `TPM2_Startup`: nothing but `TPM2_Startup`.
    Initialized,
    /// Commands.
    Operational,
    /// A self-test failed: nothing but `TPM2_GetCapability` and `TPM2_GetTestResult`.
    Failure,
}

/// The state of a TPM that is powered and started: what commands see and change.
pub struct Core {
    /// What the TPM has.
    pub profile: Profile,
    /// Public-key primitives.
    pub provider: &'static dyn Provider,
    /// The bases of the primary seeds.
    pub seeds: Seeds,
    /// The firmware that runs, and its secrets.
    pub firmware: Box<dyn Firmware>,
    /// Whether somebody wants the command to end.
    pub cancellation: Box<dyn Cancellation>,
    /// Random numbers.
    pub random: Generator,
    /// Non-volatile state.
    pub nv: NonVolatile,
    /// Transient objects and sequences.
    pub objects: Objects,
    /// Sessions.
    pub sessions: Sessions,
    /// PCR.
    pub pcrs: Pcrs,
    /// Time.
    pub clock: Clock,
    /// Timers of dictionary-attack protection.
    pub lockout_timers: LockoutTimers,
    /// What lives until the next TPM Reset.
    pub hierarchies: VolatileHierarchies,
    /// Read-Only mode, audit, PCR authorization, timers.
    pub administration: Administration,
    /// Split operations.
    pub commits: Commits,
    /// Attached components, in the order of their handles.
    pub components: Vec<Box<dyn AttachedComponent>>,
    /// Whether the platform asserts physical presence; the host says so.
    pub physical_presence: bool,
    /// The number of the next saved object context.
    pub object_context_id: u64,
    /// The locality of the current command.
    pub locality: u8,
    /// The locality of `TPM2_Startup`.
    pub startup_locality: u8,
    /// Whether the TPM was shut down in order before the last `TPM2_Startup`.
    pub orderly_start: bool,
    /// What the TPM accepts.
    pub mode: Mode,
    /// What has been tested since power-on.
    pub self_tests: SelfTests,
    /// Whether `TPM2_PCR_Allocate` has run since `_TPM_Init`, so that no state can be saved.
    pub pcr_reconfigured: bool,
    /// What an H-CRTM sequence measured before `TPM2_Startup`: a digest for each bank.
    pub hcrtm: Option<Vec<(TpmiAlgHash, Vec<u8>)>>,
}

impl Core {
    /// The object with a transient or persistent handle.
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if there is none; `TPM_RC_TYPE` if the handle is a sequence's. The pipeline has checked that the
    /// handles of a command exist, so actions see the first only for handles that are parameters.
    pub fn object(&self, handle: impl Into<TpmHandle>) -> Result<Arc<Object>, TpmRc> {
        let handle = handle.into();
        match handle.kind() {
            HandleKind::Persistent => self.nv.persistent(handle).cloned().ok_or(TpmRc::HANDLE),
            _ => match self.objects.get(handle) {
                Some(Slot::Object(object)) => Ok(Arc::clone(object)),
                Some(Slot::Sequence(_)) => Err(TpmRc::TYPE),
                None => Err(TpmRc::HANDLE),
            },
        }
    }

    /// The NV index with this handle.
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if it is not defined.
    pub fn nv_index(&self, handle: impl Into<TpmHandle>) -> Result<Arc<NvIndex>, TpmRc> {
        self.nv.index(handle.into()).cloned().ok_or(TpmRc::HANDLE)
    }

    /// The primary seed of a hierarchy (Part 1, clauses 13.3 and 41.6): the base from the anchor, mixed with the stored
    /// value, and limited.
    ///
    /// # Errors
    /// As [`limited::check`].
    pub fn primary_seed(&self, hierarchy: Hierarchy) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
        let permanent = self.nv.permanent();
        let (base, mix) = match hierarchy.base {
            Base::Owner => (&self.seeds.owner, &permanent.owner_mix),
            Base::Endorsement => (&self.seeds.endorsement, &permanent.endorsement_mix),
            Base::Platform => (&self.seeds.platform, &permanent.platform_mix),
            Base::Null => return limited::seed(&*self.firmware, hierarchy.limit, &self.hierarchies.null_seed),
        };
        limited::seed(&*self.firmware, hierarchy.limit, &mixed_seed(base, mix))
    }

    /// The proof of a hierarchy (Part 1, clauses 13.4 and 41.6).
    ///
    /// # Errors
    /// As [`limited::check`].
    pub fn proof(&self, hierarchy: Hierarchy) -> Result<Zeroizing<Vec<u8>>, TpmRc> {
        limited::proof(&*self.firmware, hierarchy.limit, self.base_proof(hierarchy.base))
    }

    /// The proof of a hierarchy without a limit.
    #[must_use]
    pub fn base_proof(&self, base: Base) -> &[u8] {
        let permanent = self.nv.permanent();
        match base {
            Base::Owner => &permanent.owner_proof,
            Base::Endorsement => &permanent.endorsement_proof,
            Base::Platform => &permanent.platform_proof,
            Base::Null => &self.hierarchies.null_proof,
        }
    }

    /// Whether a hierarchy can be used: its secret is there, and its base is enabled.
    ///
    /// # Errors
    /// As [`limited::check`]; `TPM_RC_HIERARCHY` if it is disabled.
    pub fn require_hierarchy(&self, hierarchy: Hierarchy) -> Result<(), TpmRc> {
        limited::check(&*self.firmware, hierarchy.limit)?;
        if self.hierarchies.is_enabled(hierarchy) { Ok(()) } else { Err(TpmRc::HIERARCHY) }
    }

    /// The name of an entity (Part 1, clause 15): of an object or NV index a digest, of anything else its handle.
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if the entity does not exist.
    pub fn entity_name(&self, handle: TpmHandle) -> Result<Tpm2bName, TpmRc> {
        match handle.kind() {
            HandleKind::Transient | HandleKind::Persistent => match self.objects.get(handle) {
                Some(Slot::Sequence(_)) => Ok(Tpm2bName::default()),
                _ => Ok(self.object(handle)?.name.clone()),
            },
            HandleKind::NvIndex => crate::rules::names::nv_name(&self.nv_index(handle)?.public),
            _ => Tpm2bName::from_slice(&handle.to_bytes()),
        }
    }

    /// The auth value of an entity, without trailing zeros (Part 1, clause 16.6.4.3).
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if the entity does not exist; `TPM_RC_AUTH_UNAVAILABLE` if only its public area is loaded.
    pub fn auth_value(&self, handle: TpmHandle) -> Result<Tpm2bAuth, TpmRc> {
        let permanent = self.nv.permanent();
        Ok(match authority(handle) {
            TpmHandle::OWNER => permanent.owner_auth.clone(),
            TpmHandle::ENDORSEMENT => permanent.endorsement_auth.clone(),
            TpmHandle::LOCKOUT => permanent.lockout_auth.clone(),
            TpmHandle::PLATFORM => self.hierarchies.platform_auth.clone(),
            TpmHandle::NULL => Tpm2bAuth::default(),
            _ => match handle.kind() {
                HandleKind::Pcr if pcr::has_authorization(handle.0) => self.administration.pcr_auth.clone(),
                HandleKind::Pcr => Tpm2bAuth::default(),
                // The authValue of a timer is the platform's (Part 1, 40.2).
                HandleKind::Permanent => self.hierarchies.platform_auth.clone(),
                HandleKind::NvIndex => self.nv_index(handle)?.auth.clone(),
                _ => match self.objects.get(handle) {
                    Some(Slot::Sequence(sequence)) => sequence.auth.clone(),
                    _ => self.object(handle)?.sensitive()?.auth_value.clone(),
                },
            },
        })
    }
}

/// Mixes the base of a seed with a stored value. An empty value leaves a seed that depends on the base alone, so that a
/// TPM that is manufactured again on the same device has the same endorsement and platform keys.
#[must_use]
pub fn mixed_seed(base: &[u8; SEED_SIZE], mix: &[u8]) -> Zeroizing<Vec<u8>> {
    ironroot_crypto::kdf::kdfa(TpmiAlgHash::Sha512, base, b"SEED", mix, &[], 512)
}
