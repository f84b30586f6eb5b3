//! Ironroot in this process, with a profile that has what libtpms has.

use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{CommandSet, Profile, SEED_SIZE, Seeds, Tpm};
use ironroot_wire::{
    Rules, TpmCc, TpmaMlParameterSet,
    rules::{AlgorithmSet, KeySizes},
};
use zeroize::Zeroizing;

/// Our TPM.
pub struct Ours(Tpm);

/// What libtpms has, as its TPM2_GetCapability says.
#[derive(Clone)]
pub struct Common {
    pub algorithms: Vec<u16>,
    pub curves: Vec<u16>,
    pub commands: Vec<u32>,
}

/// What Debian's libtpms has; its TPM2_GetCapability does not say.
const RSA_BITS: &[u16] = &[1024, 2048, 3072];
const BLOCK_CIPHER_BITS: &[u16] = &[128, 256];
const HASHES: [u16; 4] = [0x0004, 0x000B, 0x000C, 0x000D];

impl Common {
    /// The profile of a TPM that has what both have.
    pub fn profile(&self) -> Profile {
        let all = Profile::EVERYTHING;
        let mut algorithms = AlgorithmSet::NONE;
        for &id in self.algorithms.iter().filter(|id| all.rules.algorithms.contains(**id)) {
            algorithms = algorithms.with(id);
        }
        let curves = self.curves.iter().filter(|id| **id < 128).fold(0, |all, id| all | 1_u128 << id);
        let commands = self.commands.iter().fold(CommandSet::NONE, |set, code| set.with(TpmCc(*code)));
        let banks = HASHES.iter().fold(AlgorithmSet::NONE, |set, hash| set.with(*hash));
        Profile {
            rules: Rules {
                algorithms,
                curves: all.rules.curves & curves,
                rsa_key_bits: KeySizes::of(RSA_BITS),
                aes_key_bits: KeySizes::of(BLOCK_CIPHER_BITS),
                camellia_key_bits: KeySizes::of(BLOCK_CIPHER_BITS),
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
    pub fn manufacture(common: &Common, seed: u64) -> Result<Self, String> {
        let base = |number: u8| Zeroizing::new([seed as u8 ^ number; SEED_SIZE]);
        let seeds = Seeds { owner: base(1), endorsement: base(2), platform: base(3) };
        let storage = Box::new(MemoryStorage::new());
        let entropy = Box::new(TestEntropy::new(seed));
        let tpm = Tpm::manufacture(storage, entropy, &ironroot_crypto_host::HOST, common.profile(), seeds);
        tpm.map(Self).map_err(|error| format!("Ironroot: {error}"))
    }

    /// The power goes off and on.
    pub fn power_cycle(&mut self, now: u64) {
        self.0.power_on(now);
    }

    /// One command.
    pub fn execute(&mut self, locality: u8, now: u64, command: &[u8]) -> Vec<u8> {
        self.0.execute(locality, now, command)
    }
}
