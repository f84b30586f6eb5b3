//! What one TPM has: algorithms, key sizes and limits. Data, validated once; the capacity that a profile reports is
//! the capacity that it has.

use ironroot_wire::{Rules, TpmEccCurve, TpmaMlParameterSet, TpmiAlgHash, rules::AlgorithmSet};

/// The profile of a TPM.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// The name, for people.
    pub name: &'static str,
    /// Algorithms, curves and key sizes that unmarshalling lets through.
    pub rules: Rules,
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
    /// Banks of PCR that exist.
    pub pcr_banks: &'static [TpmiAlgHash],
    /// Banks that are allocated when the TPM is manufactured.
    pub pcr_allocation: &'static [TpmiAlgHash],
}

const ALGORITHMS: AlgorithmSet = {
    const IDS: &[u16] = &[
        0x0001, 0x0004, 0x0005, 0x0006, 0x0007, 0x0008, 0x000A, 0x000B, 0x000C, 0x000D, 0x0012, 0x0014, 0x0015, 0x0016,
        0x0017, 0x0018, 0x0019, 0x0020, 0x0022, 0x0023, 0x0025, 0x0027, 0x0028, 0x0029, 0x0040, 0x0041, 0x0042, 0x0043,
        0x0044, 0x00A0, 0x00A1, 0x00A2,
    ];
    let mut set = AlgorithmSet::NONE;
    let mut rest = IDS;
    while let [first, tail @ ..] = rest {
        set = set.with(*first);
        rest = tail;
    }
    set
};

const CURVES: u128 =
    1 << TpmEccCurve::NistP256.value() | 1 << TpmEccCurve::NistP384.value() | 1 << TpmEccCurve::NistP521.value();

impl Profile {
    /// For hosts: every algorithm that is implemented, generous limits.
    pub const HOST: Self = Self {
        name: "host",
        rules: Rules {
            algorithms: ALGORITHMS,
            curves: CURVES,
            rsa_key_bits: &[2048, 3072, 4096],
            aes_key_bits: &[128, 192, 256],
            camellia_key_bits: &[128, 192, 256],
            ml_parameter_sets: TpmaMlParameterSet::DEFINED,
        },
        loaded_objects: 64,
        loaded_sessions: 64,
        active_sessions: 256,
        persistent_objects: 256,
        nv_space: 256 * 1024,
        nv_index_max: 2048,
        pcr_banks: TpmiAlgHash::EVERY,
        pcr_allocation: &[TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512],
    };

    /// As [`Profile::HOST`], with RSA-1024 for verifiers of old signatures.
    pub const COMPATIBLE: Self = Self {
        name: "compatible",
        rules: Rules { rsa_key_bits: &[1024, 2048, 3072, 4096], ..Self::HOST.rules },
        ..Self::HOST
    };

    /// Whether the profile has a bank of PCR.
    #[must_use]
    pub fn has_bank(&self, bank: TpmiAlgHash) -> bool {
        self.pcr_banks.contains(&bank)
    }
}
