//! Ironroot in this process, with a profile that has what libtpms has.

use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{Profile, SEED_SIZE, Seeds, Tpm};
use ironroot_wire::{Rules, TpmiAlgHash, rules::AlgorithmSet};
use zeroize::Zeroizing;

/// Our TPM.
pub struct Ours(Tpm);

/// What libtpms has, as its TPM2_GetCapability says.
#[derive(Clone)]
pub struct Common {
    pub algorithms: Vec<u16>,
    pub curves: Vec<u16>,
    pub commands: Vec<u32>,
    pub rsa_bits: &'static [u16],
    pub aes_bits: &'static [u16],
}

const BANKS: &[TpmiAlgHash] = &[TpmiAlgHash::Sha1, TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512];

impl Common {
    /// The profile of a TPM that has what both have.
    pub fn profile(&self) -> Profile {
        let host = Profile::HOST;
        let mut algorithms = AlgorithmSet::NONE;
        for &id in self.algorithms.iter().filter(|id| host.rules.algorithms.contains(**id)) {
            algorithms = algorithms.with(id);
        }
        let curves = self.curves.iter().filter(|id| **id < 128).fold(0, |all, id| all | 1_u128 << id);
        Profile {
            name: "differential",
            rules: Rules {
                algorithms,
                curves: host.rules.curves & curves,
                rsa_key_bits: self.rsa_bits,
                aes_key_bits: self.aes_bits,
                ..host.rules
            },
            loaded_objects: 3,
            loaded_sessions: 3,
            active_sessions: 64,
            pcr_banks: BANKS,
            pcr_allocation: BANKS,
            ..host
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
