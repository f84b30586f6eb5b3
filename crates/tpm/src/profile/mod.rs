//! What one TPM has: algorithms, key sizes, commands and limits. Data by value, validated once, when a TPM is made with
//! it; the capacity that a profile reports is the capacity that it has.

use alloc::string::{String, ToString};
use core::fmt;

use ironroot_wire::{Rules, TpmaMlParameterSet, TpmiAlgHash, limits, rules::AlgorithmSet};

mod commands;
mod implemented;
mod name;
mod named;
mod record;

pub use commands::CommandSet;
pub use name::ProfileName;

/// The profile of a TPM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// The name, for people.
    pub name: ProfileName,
    /// Algorithms, curves and key sizes that unmarshalling lets through.
    pub rules: Rules,
    /// The commands that are enabled. One that is not implemented does not come to be by being named here.
    pub commands: CommandSet,
    /// Slots for transient objects and sequences (`TPM_PT_HR_TRANSIENT_MIN`).
    pub loaded_objects: usize,
    /// Sessions in memory at once (`TPM_PT_HR_LOADED_MIN`).
    pub loaded_sessions: usize,
    /// Sessions in memory and saved (`TPM_PT_ACTIVE_SESSIONS_MAX`), at most 256.
    pub active_sessions: usize,
    /// Persistent objects.
    pub persistent_objects: usize,
    /// Bytes that the contents, auth values and public areas of all NV indices may take.
    pub nv_space: usize,
    /// Bytes of the largest NV index (`TPM_PT_NV_INDEX_MAX`).
    pub nv_index_max: u16,
    /// Authenticated countdown timers (`TPM_CAP_ACT`), at most 16.
    pub timers: u32,
    /// Banks of PCR that exist.
    pub pcr_banks: AlgorithmSet,
    /// Banks that are allocated when the TPM is manufactured.
    pub pcr_allocation: AlgorithmSet,
}

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    /// The field.
    pub field: &'static str,
    /// What is wrong, and what is allowed.
    pub text: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.text)
    }
}

impl core::error::Error for ProfileError {}

/// Bytes of the largest command or response without post-quantum algorithms.
const CLASSICAL_BUFFER: usize = 4096;

impl Profile {
    /// Whether the profile has a bank of PCR.
    #[must_use]
    pub const fn has_bank(&self, bank: TpmiAlgHash) -> bool {
        self.pcr_banks.contains(bank as u16)
    }

    /// The banks of PCR that exist, in ascending order of `TPM_ALG_ID`.
    pub fn banks(&self) -> impl Iterator<Item = TpmiAlgHash> + use<> {
        let banks = self.pcr_banks;
        TpmiAlgHash::EVERY.iter().copied().filter(move |&hash| banks.contains(hash as u16))
    }

    /// Bytes of the largest command or response (`TPM_PT_MAX_COMMAND_SIZE`): public keys and signatures of post-quantum
    /// algorithms need larger buffers.
    #[must_use]
    pub fn max_command_size(&self) -> usize {
        if self.rules.ml_parameter_sets == TpmaMlParameterSet::NONE {
            CLASSICAL_BUFFER
        } else {
            limits::MAX_COMMAND_SIZE
        }
    }

    /// Checks that a TPM with this profile can be what the specification wants a TPM to be.
    ///
    /// # Errors
    /// The first field that is wrong, and what it may be.
    pub fn validate(&self) -> Result<(), ProfileError> {
        let has = |id| self.rules.algorithms.contains(id);
        let range = |field, value: usize, least: usize, most: usize| {
            let text = || alloc::format!("{value} is not between {least} and {most}");
            if (least..=most).contains(&value) { Ok(()) } else { Err(error(field, text())) }
        };
        self.check_implemented()?;
        if let Some((id, why)) = NEEDED.iter().find(|(id, _)| !has(*id)) {
            return Err(error("Algorithms", alloc::format!("algorithm {id:#06x} cannot be left out: {why}")));
        }
        range("loadedObjects", self.loaded_objects, 3, 4096)?;
        range("loadedSessions", self.loaded_sessions, 3, 256)?;
        range("activeSessions", self.active_sessions, self.loaded_sessions, 256)?;
        range("persistentObjects", self.persistent_objects, 1, 65536)?;
        range("nvSpace", self.nv_space, 1024, 64 << 20)?;
        range("nvIndexMax", usize::from(self.nv_index_max), 64, limits::MAX_NV_INDEX)?;
        range("timers", usize::try_from(self.timers).unwrap_or(usize::MAX), 0, 16)?;
        if let Some(bank) = self.pcr_banks.iter().find(|&bank| !has(bank)) {
            return Err(error(
                "pcrBanks",
                alloc::format!("the algorithms do not have the hash {bank:#06x} of this bank"),
            ));
        }
        if self.pcr_allocation == AlgorithmSet::NONE {
            return Err(error("pcrAllocation", "one bank at least must be allocated".to_string()));
        }
        if let Some(bank) = self.pcr_allocation.iter().find(|&bank| !self.pcr_banks.contains(bank)) {
            return Err(error("pcrAllocation", alloc::format!("{bank:#06x} is not among the banks")));
        }
        commands::check(&self.commands)
    }

    /// Checks that there is nothing in the profile that the implementation lacks.
    fn check_implemented(&self) -> Result<(), ProfileError> {
        let (mine, all) = (&self.rules, &implemented::RULES);
        if let Some(id) = mine.algorithms.iter().find(|&id| !all.algorithms.contains(id)) {
            return Err(error("Algorithms", alloc::format!("algorithm {id:#06x} is not implemented")));
        }
        if mine.curves & !all.curves != 0 {
            return Err(error("Algorithms", "a curve is not implemented".to_string()));
        }
        if mine.ml_parameter_sets.0 & !all.ml_parameter_sets.0 != 0 {
            return Err(error("Algorithms", "a parameter set is not implemented".to_string()));
        }
        let sizes = [
            (mine.rsa_key_bits, all.rsa_key_bits),
            (mine.aes_key_bits, all.aes_key_bits),
            (mine.camellia_key_bits, all.camellia_key_bits),
        ];
        match sizes.into_iter().find(|(mine, all)| mine.and(*all) != *mine) {
            Some((_, all)) => {
                let all: alloc::vec::Vec<u16> = all.iter().collect();
                Err(error("KeySizes", alloc::format!("a size is not one of {all:?}")))
            }
            None => Ok(()),
        }
    }
}

/// Algorithms that no TPM is without, and why.
const NEEDED: &[(u16, &str)] = &[
    (0x0006, "AES protects saved contexts"),
    (0x0008, "keyed hashes protect every object"),
    (0x000B, "SHA-256 protects saved contexts"),
    (0x0025, "sealed data and parents are symmetric or keyed-hash objects"),
    (0x0043, "CFB protects saved contexts"),
];

const fn error(field: &'static str, text: String) -> ProfileError {
    ProfileError { field, text }
}
