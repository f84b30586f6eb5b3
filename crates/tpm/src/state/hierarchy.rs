//! Hierarchies (Part 1, clause 13): their seeds, proofs, auth values and policies, and whether they are enabled.

use alloc::vec::Vec;

use ironroot_wire::{Tpm2bAuth, Tpm2bDigest, TpmHandle, TpmRc, TpmiAlgHash, TpmiRhHierarchy, TpmiYesNo, Wire};
use zeroize::Zeroizing;

/// One of the four hierarchies that have a seed and a proof of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// Storage: the owner's.
    Owner,
    /// Endorsement: the privacy administrator's.
    Endorsement,
    /// The platform firmware's.
    Platform,
    /// The ephemeral one.
    Null,
}

/// What a hierarchy is limited to (Part 1, clause 41).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Nothing.
    None,
    /// The firmware that runs.
    Firmware,
    /// Firmware of this security version and higher ones.
    Svn(u16),
}

/// A hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hierarchy {
    /// Whose authorization, enable and seed it has.
    pub base: Base,
    /// What it is limited to.
    pub limit: Limit,
}

/// The bits of an SVN-limited hierarchy's handle that are the SVN.
const SVN_MASK: u32 = 0xFFFF;

impl Base {
    /// The handle of the hierarchy without a limit.
    #[must_use]
    pub const fn handle(self) -> TpmHandle {
        match self {
            Self::Owner => TpmHandle::OWNER,
            Self::Endorsement => TpmHandle::ENDORSEMENT,
            Self::Platform => TpmHandle::PLATFORM,
            Self::Null => TpmHandle::NULL,
        }
    }

    const fn firmware_handle(self) -> TpmHandle {
        match self {
            Self::Owner => TpmHandle::FW_OWNER,
            Self::Endorsement => TpmHandle::FW_ENDORSEMENT,
            Self::Platform => TpmHandle::FW_PLATFORM,
            Self::Null => TpmHandle::FW_NULL,
        }
    }

    const fn svn_handle(self) -> TpmHandle {
        match self {
            Self::Owner => TpmHandle::SVN_OWNER_BASE,
            Self::Endorsement => TpmHandle::SVN_ENDORSEMENT_BASE,
            Self::Platform => TpmHandle::SVN_PLATFORM_BASE,
            Self::Null => TpmHandle::SVN_NULL_BASE,
        }
    }

    const EVERY: [Self; 4] = [Self::Owner, Self::Endorsement, Self::Platform, Self::Null];
}

impl Hierarchy {
    /// The storage hierarchy.
    pub const OWNER: Self = Self::unlimited(Base::Owner);
    /// The platform hierarchy.
    pub const PLATFORM: Self = Self::unlimited(Base::Platform);
    /// The NULL hierarchy.
    pub const NULL: Self = Self::unlimited(Base::Null);

    const fn unlimited(base: Base) -> Self {
        Self { base, limit: Limit::None }
    }

    /// The handle.
    #[must_use]
    pub const fn handle(self) -> TpmHandle {
        match self.limit {
            Limit::None => self.base.handle(),
            Limit::Firmware => self.base.firmware_handle(),
            Limit::Svn(svn) => TpmHandle(self.base.svn_handle().0 | svn as u32),
        }
    }

    /// The handle as a structure has it.
    #[must_use]
    pub const fn rh(self) -> TpmiRhHierarchy {
        TpmiRhHierarchy(self.handle().0)
    }

    /// The hierarchy with this handle.
    #[must_use]
    pub fn from_handle(handle: TpmHandle) -> Option<Self> {
        let svn = u16::try_from(handle.0 & SVN_MASK).unwrap_or_default();
        Base::EVERY
            .into_iter()
            .flat_map(|base| [Limit::None, Limit::Firmware, Limit::Svn(svn)].map(|limit| Self { base, limit }))
            .find(|hierarchy| hierarchy.handle() == handle)
    }

    /// Whether the hierarchy is limited to firmware, in one way or the other.
    #[must_use]
    pub fn is_limited(self) -> bool {
        self.limit != Limit::None
    }
}

impl From<TpmiRhHierarchy> for Hierarchy {
    fn from(handle: TpmiRhHierarchy) -> Self {
        Self::from_handle(handle.into()).unwrap_or(Self::NULL)
    }
}

/// The handle whose auth value, policy and enable a permanent handle uses: that of the base for a limited hierarchy, and
/// itself for everything else.
#[must_use]
pub fn authority(handle: TpmHandle) -> TpmHandle {
    Hierarchy::from_handle(handle).map_or(handle, |hierarchy| hierarchy.base.handle())
}

/// A policy with the hash that computes it; none if the digest is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthPolicy {
    /// The hash.
    pub alg: Option<TpmiAlgHash>,
    /// The digest.
    pub digest: Tpm2bDigest,
}

impl Wire for AuthPolicy {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.alg.marshal(out);
        self.digest.marshal(out);
    }
    fn unmarshal(reader: &mut ironroot_wire::Reader<'_>) -> Result<Self, TpmRc> {
        Ok(Self { alg: Wire::unmarshal(reader)?, digest: Wire::unmarshal(reader)? })
    }
}

/// Bytes of a primary seed, and of what the anchor supplies for it.
pub const SEED_SIZE: usize = 64;
/// Bytes of a proof (Part 1, clause 13.4): as large as the largest digest.
pub const PROOF_SIZE: usize = 64;

/// The bases of the primary seeds, from the trust anchor. They are handed in each time the TPM is opened and are never
/// stored; each seed is its base mixed with a value that is stored, so that replacing the value replaces the seed.
#[derive(Clone)]
pub struct Seeds {
    /// The base of the storage primary seed.
    pub owner: Zeroizing<[u8; SEED_SIZE]>,
    /// The base of the endorsement primary seed.
    pub endorsement: Zeroizing<[u8; SEED_SIZE]>,
    /// The base of the platform primary seed.
    pub platform: Zeroizing<[u8; SEED_SIZE]>,
}

impl core::fmt::Debug for Seeds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seeds")
    }
}

/// What lives until the next TPM Reset (Part 1, clause 12.2): enables, the platform's authorization, the NULL hierarchy.
#[derive(Clone)]
pub struct VolatileHierarchies {
    /// shEnable.
    pub owner_enabled: bool,
    /// ehEnable.
    pub endorsement_enabled: bool,
    /// phEnable.
    pub platform_enabled: bool,
    /// phEnableNV.
    pub platform_nv_enabled: bool,
    /// platformAuth.
    pub platform_auth: Tpm2bAuth,
    /// platformPolicy.
    pub platform_policy: AuthPolicy,
    /// The seed of the NULL hierarchy.
    pub null_seed: Zeroizing<Vec<u8>>,
    /// The proof of the NULL hierarchy.
    pub null_proof: Zeroizing<Vec<u8>>,
}

impl VolatileHierarchies {
    /// After a TPM Reset: everything enabled, no platform authorization, a fresh NULL hierarchy.
    #[must_use]
    pub fn reset(null_seed: Zeroizing<Vec<u8>>, null_proof: Zeroizing<Vec<u8>>) -> Self {
        Self {
            owner_enabled: true,
            endorsement_enabled: true,
            platform_enabled: true,
            platform_nv_enabled: true,
            platform_auth: Tpm2bAuth::default(),
            platform_policy: AuthPolicy::default(),
            null_seed,
            null_proof,
        }
    }

    /// Whether a hierarchy is enabled: whether its base is, and the NULL hierarchy always is.
    #[must_use]
    pub const fn is_enabled(&self, hierarchy: Hierarchy) -> bool {
        match hierarchy.base {
            Base::Owner => self.owner_enabled,
            Base::Endorsement => self.endorsement_enabled,
            Base::Platform => self.platform_enabled,
            Base::Null => true,
        }
    }
}

impl Wire for VolatileHierarchies {
    fn marshal(&self, out: &mut Vec<u8>) {
        for flag in [self.owner_enabled, self.endorsement_enabled, self.platform_enabled, self.platform_nv_enabled] {
            TpmiYesNo(flag).marshal(out);
        }
        self.platform_auth.marshal(out);
        self.platform_policy.marshal(out);
        out.extend_from_slice(&self.null_seed);
        out.extend_from_slice(&self.null_proof);
    }

    fn unmarshal(reader: &mut ironroot_wire::Reader<'_>) -> Result<Self, TpmRc> {
        Ok(Self {
            owner_enabled: TpmiYesNo::unmarshal(reader)?.0,
            endorsement_enabled: TpmiYesNo::unmarshal(reader)?.0,
            platform_enabled: TpmiYesNo::unmarshal(reader)?.0,
            platform_nv_enabled: TpmiYesNo::unmarshal(reader)?.0,
            platform_auth: Wire::unmarshal(reader)?,
            platform_policy: Wire::unmarshal(reader)?,
            null_seed: Zeroizing::new(reader.take(SEED_SIZE)?.to_vec()),
            null_proof: Zeroizing::new(reader.take(PROOF_SIZE)?.to_vec()),
        })
    }
}
