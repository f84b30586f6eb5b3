//! What a command's action works on.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use ironroot_crypto::Provider;
use ironroot_platform::AttachedComponent;
use ironroot_wire::{HandleKind, Tpm2bAuth, Tpm2bName, TpmHandle, TpmRc, TpmiAlgHash, Wire};
use zeroize::Zeroizing;

use crate::{
    profile::Profile,
    rules::self_test::SelfTests,
    state::{
        administration::Administration,
        clock::Clock,
        commits::Commits,
        generator::Generator,
        hierarchy::{Hierarchy, SEED_SIZE, Seeds, VolatileHierarchies},
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

    /// The primary seed of a hierarchy (Part 1, clause 13.3): the base from the anchor, mixed with the stored value.
    #[must_use]
    pub fn primary_seed(&self, hierarchy: Hierarchy) -> Zeroizing<Vec<u8>> {
        let permanent = self.nv.permanent();
        let (base, mix) = match hierarchy {
            Hierarchy::Owner => (&self.seeds.owner, &permanent.owner_mix),
            Hierarchy::Endorsement => (&self.seeds.endorsement, &permanent.endorsement_mix),
            Hierarchy::Platform => (&self.seeds.platform, &permanent.platform_mix),
            Hierarchy::Null => return self.hierarchies.null_seed.clone(),
        };
        mixed_seed(base, mix)
    }

    /// The proof of a hierarchy (Part 1, clause 13.4).
    #[must_use]
    pub fn proof(&self, hierarchy: Hierarchy) -> &[u8] {
        let permanent = self.nv.permanent();
        match hierarchy {
            Hierarchy::Owner => &permanent.owner_proof,
            Hierarchy::Endorsement => &permanent.endorsement_proof,
            Hierarchy::Platform => &permanent.platform_proof,
            Hierarchy::Null => &self.hierarchies.null_proof,
        }
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
        Ok(match handle {
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
