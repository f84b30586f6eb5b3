//! The life of a TPM: manufacture, power, commands.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use ironroot_crypto::{Provider, hash::Hasher};
use ironroot_platform::{
    AttachedComponent, Cancellation, Entropy, Firmware, Milliseconds, NeverCancelled, Storage, StorageError,
    UnmeasuredFirmware,
};
use ironroot_wire::{
    SeedValue, Tpm2bDigest, TpmHandle, TpmaPermanent, TpmiAlgHash, TpmiYesNo, TpmlPcrSelection, TpmsPcrSelect,
    TpmsPcrSelection,
};

use crate::{
    core_state::{Core, Mode, mixed_seed},
    pipeline,
    profile::{Profile, ProfileError, ProfileName},
    rules::self_test::SelfTests,
    state::{
        administration::Administration,
        clock::Clock,
        commits::Commits,
        generator::Generator,
        hierarchy::{AuthPolicy, PROOF_SIZE, SEED_SIZE, Seeds, VolatileHierarchies},
        lockout::LockoutTimers,
        nonvolatile::{LoadError, NonVolatile},
        objects::Objects,
        pcr,
        pcr::Pcrs,
        permanent::{DEFAULT_LOCKOUT_RECOVERY, DEFAULT_MAX_TRIES, DEFAULT_RECOVERY_TIME, Permanent, Shutdown},
        sessions::Sessions,
    },
};

/// Why a TPM could not be manufactured or opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// There is no TPM in the store: manufacture one first.
    Empty,
    /// The store refused; its text says why.
    Storage(StorageError),
    /// The state makes no sense; the text says which record and why.
    State(String),
    /// The state belongs to other seeds: to another device, or to another product.
    Seeds,
    /// The entropy source failed.
    Entropy,
    /// The TPM was manufactured with another profile.
    OtherProfile {
        /// The one that it has.
        has: ProfileName,
        /// The one that was asked for.
        wanted: ProfileName,
    },
    /// The profile cannot be used.
    Profile(ProfileError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the store holds no TPM; manufacture one first"),
            Self::Storage(error) => error.fmt(f),
            Self::State(text) => write!(f, "the stored state cannot be used: {text}"),
            Self::Seeds => f.write_str("the stored state belongs to another device or product: the seeds differ"),
            Self::Entropy => f.write_str("the entropy source failed, so no random number can be generated"),
            Self::OtherProfile { has, wanted } if has == wanted => {
                write!(
                    f,
                    "the TPM was manufactured with another profile of the name \"{has}\", which it keeps for life"
                )
            }
            Self::OtherProfile { has, wanted } => {
                write!(
                    f,
                    "the TPM was manufactured with the profile \"{has}\" and keeps it for life; \"{wanted}\" needs a new TPM"
                )
            }
            Self::Profile(error) => write!(f, "the profile cannot be used: {error}"),
        }
    }
}

impl core::error::Error for OpenError {}

/// A TPM.
pub struct Tpm {
    pub(crate) core: Core,
    /// The hashes of an H-CRTM or D-RTM sequence that has started.
    pub(crate) measurement: Option<Vec<Hasher>>,
}

impl Tpm {
    /// Makes a new TPM in an empty store. From the same `seeds` come the same endorsement and platform keys. The TPM keeps
    /// the profile for life.
    ///
    /// # Errors
    /// [`OpenError`]; the store is left empty.
    pub fn manufacture(
        storage: Box<dyn Storage>,
        entropy: Box<dyn Entropy>,
        provider: &'static dyn Provider,
        profile: Profile,
        seeds: Seeds,
    ) -> Result<Self, OpenError> {
        let mut random = Generator::new(entropy).map_err(|_| OpenError::Entropy)?;
        profile.validate().map_err(OpenError::Profile)?;
        let permanent = new_permanent(&mut random, &profile, &seeds);
        let nv = NonVolatile::create(storage, permanent, profile).map_err(OpenError::Storage)?;
        Ok(Self::with(nv, random, provider, profile, seeds))
    }

    /// Opens the TPM in a store. It has the profile that it was manufactured with; if one is given, it must be that one,
    /// or the built-in one of the same name, which may have grown since.
    ///
    /// # Errors
    /// [`OpenError`]; the store is left as it is.
    pub fn open(
        storage: Box<dyn Storage>,
        entropy: Box<dyn Entropy>,
        provider: &'static dyn Provider,
        profile: impl Into<Option<Profile>>,
        seeds: Seeds,
    ) -> Result<Self, OpenError> {
        let random = Generator::new(entropy).map_err(|_| OpenError::Entropy)?;
        let nv = NonVolatile::open(storage, provider).map_err(|error| match error {
            LoadError::Empty => OpenError::Empty,
            LoadError::Storage(error) => OpenError::Storage(error),
            LoadError::Record(text) => OpenError::State(text),
        })?;
        if nv.permanent().seed_check != seed_check(&seeds) {
            return Err(OpenError::Seeds);
        }
        let (has, wanted) = (*nv.profile(), profile.into());
        if let Some(wanted) = wanted.filter(|wanted| !is_same(&has, wanted)) {
            return Err(OpenError::OtherProfile { has: has.name, wanted: wanted.name });
        }
        Ok(Self::with(nv, random, provider, has, seeds))
    }

    fn with(
        nv: NonVolatile,
        random: Generator,
        provider: &'static dyn Provider,
        profile: Profile,
        seeds: Seeds,
    ) -> Self {
        let pcrs = Pcrs::new(&nv.permanent().pcr_allocation);
        let core = Core {
            objects: Objects::new(profile.loaded_objects),
            sessions: Sessions::new(profile.loaded_sessions, profile.active_sessions),
            pcrs,
            clock: Clock::power_on(0, 0),
            lockout_timers: LockoutTimers::default(),
            hierarchies: VolatileHierarchies::reset(Default::default(), Default::default()),
            administration: Administration::reset(profile.timers),
            commits: Commits::none(),
            physical_presence: false,
            components: Vec::new(),
            object_context_id: 1,
            locality: 0,
            startup_locality: 0,
            orderly_start: false,
            mode: Mode::Initialized,
            self_tests: SelfTests::NONE,
            pcr_reconfigured: false,
            hcrtm: None,
            profile,
            provider,
            seeds,
            random,
            firmware: Box::new(UnmeasuredFirmware),
            cancellation: Box::new(NeverCancelled),
            nv,
        };
        let mut tpm = Self { core, measurement: None };
        tpm.power_on(0);
        tpm
    }

    /// Attaches a component. The first one has the handle `0x9000_0000` (`AC_FIRST`), the next one the next. It stays for
    /// as long as this value lives.
    pub fn attach(&mut self, component: Box<dyn AttachedComponent>) {
        self.core.components.push(component);
    }

    /// `_TPM_Init` (Part 1, clause 12.2.2): power comes on at the platform's time `now`. Everything in memory is gone and
    /// the TPM waits for `TPM2_Startup`.
    pub fn power_on(&mut self, now: Milliseconds) {
        let core = &mut self.core;
        core.nv.lose_power();
        core.random.power_on();
        core.objects = Objects::new(core.profile.loaded_objects);
        core.sessions = Sessions::new(core.profile.loaded_sessions, core.profile.active_sessions);
        core.pcrs = Pcrs::new(&core.nv.permanent().pcr_allocation);
        let epoch = core.random.bytes(8);
        core.clock = Clock::power_on(now, epoch.iter().fold(0, |epoch, &byte| epoch << 8 | u64::from(byte)));
        core.lockout_timers = LockoutTimers::default();
        let (seed, proof) = (core.random.bytes(SEED_SIZE), core.random.bytes(PROOF_SIZE));
        core.hierarchies = VolatileHierarchies::reset(seed, proof);
        core.administration = Administration::reset(core.profile.timers);
        core.commits = Commits::none();
        core.object_context_id = 1;
        core.pcr_reconfigured = false;
        core.hcrtm = None;
        core.physical_presence = false;
        core.mode = Mode::Initialized;
        core.self_tests = SelfTests::NONE;
        self.measurement = None;
    }

    /// Power goes off in order, at the platform's time `now`: volatile state goes at once, rather than with the next
    /// [`Self::power_on`], and storage may do what it has put off.
    pub fn power_off(&mut self, now: Milliseconds) {
        self.power_on(now);
        self.core.nv.rest();
    }

    /// Carries out one command that arrives at `locality` (0 to 4, or 32 and above) at the platform's time `now`, and
    /// returns its response. What the response acknowledges is durable.
    pub fn execute(&mut self, locality: u8, now: Milliseconds, command: &[u8]) -> Vec<u8> {
        let core = &mut self.core;
        core.locality = locality;
        core.pass_time(now);
        core.random.begin_command();
        core.forgive_failures();
        pipeline::execute(core, command)
    }

    /// `_TPM_Hash_Start` (Part 3, clause 22.9): starts an H-CRTM sequence before `TPM2_Startup`, a D-RTM sequence after.
    pub fn hash_start(&mut self) {
        if self.core.mode == Mode::Operational {
            for pcr in (0..ironroot_wire::limits::IMPLEMENTATION_PCR).filter(|&pcr| pcr::is_drtm_reset(pcr)) {
                self.core.pcrs.reset(pcr);
            }
        }
        self.measurement = Some(self.core.pcrs.banks().map(Hasher::new).collect());
    }

    /// `_TPM_Hash_Data` (Part 3, clause 22.10).
    pub fn hash_data(&mut self, data: &[u8]) {
        for hasher in self.measurement.iter_mut().flatten() {
            hasher.update(data);
        }
    }

    /// `_TPM_Hash_End` (Part 3, clause 22.11).
    pub fn hash_end(&mut self) {
        let Some(hashers) = self.measurement.take() else { return };
        let digests: Vec<_> =
            hashers.into_iter().map(|hasher| (hasher.algorithm(), hasher.finish().to_vec())).collect();
        if self.core.mode == Mode::Operational {
            for (bank, digest) in &digests {
                self.core.pcrs.extend(*bank, pcr::DRTM_PCR, digest);
            }
            self.core.pcrs.count_update(pcr::DRTM_PCR);
        } else {
            self.core.hcrtm = Some(digests);
        }
    }

    /// Says whether the platform asserts physical presence (Part 1, 16.3) from now on. After power-on it does not.
    pub const fn set_physical_presence(&mut self, asserted: bool) {
        self.core.physical_presence = asserted;
    }

    /// The authenticated countdown timers (`TPM_RH_ACT_0` and up) that have run out since the last call, by the platform's
    /// time `now`. What happens then is the platform's affair (Part 1, clause 40).
    pub fn signaled_timers(&mut self, now: Milliseconds) -> Vec<TpmHandle> {
        self.core.pass_time(now);
        self.core.administration.timers.take_news()
    }

    /// Milliseconds, by the TPM's own clock, after which [`Tpm::signaled_timers`] will have something to tell; `None` if no
    /// timer runs.
    #[must_use]
    pub fn next_timer(&self) -> Option<Milliseconds> {
        self.core.administration.timers.next(self.core.clock.time())
    }

    /// Says which firmware runs, before `TPM2_Startup`. Without it nothing has been measured: the TPM has no
    /// firmware-limited and SVN-limited hierarchies.
    pub fn set_firmware(&mut self, firmware: Box<dyn Firmware>) {
        self.core.firmware = firmware;
    }

    /// Says whom to ask whether a command that takes long shall end. Without it commands end by themselves.
    pub fn set_cancellation(&mut self, cancellation: Box<dyn Cancellation>) {
        self.core.cancellation = cancellation;
    }

    /// The profile.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.core.profile
    }
}

impl Core {
    /// Moves Time on.
    fn pass_time(&mut self, now: Milliseconds) {
        self.clock.advance(now);
        self.administration.timers.advance(self.clock.time());
    }

    /// Forgives authorization failures that are old enough. A store that fails now leaves them for the next command.
    fn forgive_failures(&mut self) {
        let time = self.clock.time();
        let before = self.lockout_timers.clone();
        let Some((failed, enabled)) = self.lockout_timers.heal(self.nv.permanent(), time) else { return };
        let permanent = self.nv.permanent_mut();
        permanent.failed_tries = failed;
        permanent.lockout_auth_enabled = TpmiYesNo(enabled);
        if self.nv.commit().is_err() {
            self.nv.rollback();
            self.lockout_timers = before;
        }
    }
}

/// Whether a TPM with one profile may be opened as one with the other: they are equal, or the built-in one of the name.
fn is_same(has: &Profile, wanted: &Profile) -> bool {
    has == wanted || has.name == wanted.name && Profile::named(wanted.name.as_str()).as_ref() == Some(wanted)
}

fn new_permanent(random: &mut Generator, profile: &Profile, seeds: &Seeds) -> Permanent {
    let mut secret = || SeedValue::from_slice(&random.bytes(PROOF_SIZE)).unwrap_or_default();
    let allocation = profile.banks().map(|hash| {
        let pcrs = if profile.pcr_allocation.contains(hash.value()) { [0xFF; 3] } else { [0; 3] };
        TpmsPcrSelection { hash, pcr_select: TpmsPcrSelect(pcrs) }
    });
    Permanent {
        seed_check: seed_check(seeds),
        owner_mix: secret(),
        endorsement_mix: SeedValue::default(),
        platform_mix: SeedValue::default(),
        owner_proof: secret(),
        endorsement_proof: secret(),
        platform_proof: secret(),
        owner_auth: Default::default(),
        endorsement_auth: Default::default(),
        lockout_auth: Default::default(),
        owner_policy: AuthPolicy::default(),
        endorsement_policy: AuthPolicy::default(),
        lockout_policy: AuthPolicy::default(),
        // The endorsement seed comes from the trust anchor, not from this TPM's generator.
        attributes: TpmaPermanent::NONE,
        failed_tries: 0,
        max_tries: DEFAULT_MAX_TRIES,
        recovery_time: DEFAULT_RECOVERY_TIME,
        lockout_recovery: DEFAULT_LOCKOUT_RECOVERY,
        lockout_auth_enabled: TpmiYesNo(true),
        pcr_allocation: TpmlPcrSelection::new(allocation.collect()),
        reset_count: 0,
        restart_count: 0,
        total_reset_count: 0,
        clear_count: 0,
        shutdown: Shutdown::None,
        clock: 0,
        max_counter: 0,
    }
}

/// A value that tells seeds apart and gives nothing of them away.
fn seed_check(seeds: &Seeds) -> Tpm2bDigest {
    let mut all = Vec::new();
    for base in [&seeds.owner, &seeds.endorsement, &seeds.platform] {
        all.extend_from_slice(&ironroot_crypto::hash::digest(TpmiAlgHash::Sha256, &[&mixed_seed(base, b"CHECK")]));
    }
    Tpm2bDigest::from_slice(&ironroot_crypto::hash::digest(TpmiAlgHash::Sha256, &[&all])).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloc::{format, string::String};

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/derivations.md");

    fn documented(name: &str) -> String {
        let block = DOCUMENT.split("```vectors-tpm-seeds-v1\n").nth(1).unwrap().split("```").next().unwrap();
        String::from(block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn seeds_are_what_the_document_says() {
        let base = |byte| zeroize::Zeroizing::new([byte; SEED_SIZE]);
        let seeds = Seeds { owner: base(1), endorsement: base(2), platform: base(3) };
        assert_eq!(hex(&mixed_seed(&seeds.endorsement, &[])), documented("endorsement primary seed"));
        assert_eq!(hex(&mixed_seed(&seeds.platform, &[])), documented("platform primary seed"));
        let owner = mixed_seed(&seeds.owner, &[0xAA; 64]);
        assert_eq!(hex(&owner), documented("storage primary seed, mix of 64 bytes aa"));
        assert_eq!(hex(&seed_check(&seeds)), documented("seed check"));
    }
}
