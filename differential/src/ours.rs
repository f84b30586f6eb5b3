//! Ironroot in this process, with a profile that has what libtpms has.

use ironroot_platform::memory::{MemoryStorage, TestEntropy};
#[cfg(feature = "libtpms")]
use ironroot_tpm::CommandSet;
use ironroot_tpm::{Profile, SEED_SIZE, Seeds, Tpm};
#[cfg(feature = "libtpms")]
use ironroot_wire::{
    Rules, TpmCc, TpmaMlParameterSet,
    rules::{AlgorithmSet, KeySizes},
};
use zeroize::Zeroizing;

/// Our TPM.
pub struct Ours {
    tpm: Tpm,
    storage: MemoryStorage,
    seed: u64,
}

/// What both TPMs have, as TPM2_GetCapability of libtpms says.
#[derive(Clone)]
pub struct Common {
    pub algorithms: Vec<u16>,
    pub curves: Vec<u16>,
    pub commands: Vec<u32>,
}

#[cfg(feature = "libtpms")]
impl Common {
    /// What Debian's libtpms has; its TPM2_GetCapability does not say.
    const RSA_BITS: &[u16] = &[1024, 2048, 3072];
    const BLOCK_CIPHER_BITS: &[u16] = &[128, 256];
    const HASHES: [u16; 4] = [0x0004, 0x000B, 0x000C, 0x000D];

    /// The profile of a TPM that has what both have.
    pub fn profile(&self) -> Profile {
        let all = Profile::EVERYTHING;
        let mut algorithms = AlgorithmSet::NONE;
        for &id in self.algorithms.iter().filter(|id| all.rules.algorithms.contains(**id)) {
            algorithms = algorithms.with(id);
        }
        let curves = self.curves.iter().filter(|id| **id < 128).fold(0, |all, id| all | 1_u128 << id);
        let commands = self.commands.iter().fold(CommandSet::NONE, |set, code| set.with(TpmCc(*code)));
        let banks = Self::HASHES.iter().fold(AlgorithmSet::NONE, |set, hash| set.with(*hash));
        Profile {
            rules: Rules {
                algorithms,
                curves: all.rules.curves & curves,
                rsa_key_bits: KeySizes::of(Self::RSA_BITS),
                aes_key_bits: KeySizes::of(Self::BLOCK_CIPHER_BITS),
                camellia_key_bits: KeySizes::of(Self::BLOCK_CIPHER_BITS),
                ml_parameter_sets: TpmaMlParameterSet::NONE,
            },
            commands,
            loaded_objects: 3,
            loaded_sessions: 3,
            active_sessions: 64,
            // Timers are from a later version than libtpms is of.
            timers: 0,
            nv_index_max: 2048,
            pcr_banks: banks,
            pcr_allocation: banks,
            ..all
        }
    }
}

impl Ours {
    /// A new TPM that waits for `TPM2_Startup`.
    ///
    /// # Errors
    /// What the TPM says.
    pub fn manufacture(profile: &Profile, seed: u64) -> Result<Self, String> {
        let storage = MemoryStorage::new();
        let entropy = Box::new(TestEntropy::new(seed));
        let seeds = Self::seeds(seed);
        let tpm = Tpm::manufacture(Box::new(storage.clone()), entropy, &ironroot_crypto_host::HOST, *profile, seeds);
        tpm.map(|tpm| Self { tpm, storage, seed }).map_err(|error| format!("Ironroot: {error}"))
    }

    fn seeds(seed: u64) -> Seeds {
        let base = |number: u8| Zeroizing::new([seed as u8 ^ number; SEED_SIZE]);
        Seeds { owner: base(1), endorsement: base(2), platform: base(3) }
    }

    /// The TPM that another process finds in the store.
    ///
    /// # Errors
    /// What the TPM says.
    pub fn reopen(&mut self) -> Result<(), String> {
        let storage = Box::new(self.storage.clone());
        let entropy = Box::new(TestEntropy::new(self.seed.wrapping_add(1)));
        let profile = *self.tpm.profile();
        let seeds = Self::seeds(self.seed);
        let tpm = Tpm::open(storage, entropy, &ironroot_crypto_host::HOST, profile, seeds);
        self.tpm = tpm.map_err(|error| format!("what is stored does not open: {error}"))?;
        Ok(())
    }

    /// Another process goes on with what is stored and what is not.
    ///
    /// # Errors
    /// What the TPM says.
    pub fn resume(&mut self, now: u64) -> Result<(), String> {
        let volatile = self.tpm.save_volatile();
        self.reopen()?;
        self.tpm.power_on(now);
        self.tpm.restore_volatile(now, &volatile).map_err(|error| format!("what was saved is refused: {error}"))
    }

    /// The power goes off and on.
    pub fn power_cycle(&mut self, now: u64) {
        self.tpm.power_on(now);
    }

    /// One command.
    pub fn execute(&mut self, locality: u8, now: u64, command: &[u8]) -> Vec<u8> {
        self.tpm.execute(locality, now, command)
    }
}
