//! What the active profile lets through unmarshalling: algorithms, curves and key sizes (Part 2, clause 4.6: a value
//! that the implementation does not support is refused as if it were unknown).

use crate::{TpmAlgId, TpmaMlParameterSet, TpmiMldsaParms, TpmiMlkemParms};

/// Algorithms, by `TPM_ALG_ID` (all assigned ids are below 256).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmSet([u128; 2]);

impl AlgorithmSet {
    /// No algorithm.
    pub const NONE: Self = Self([0; 2]);
    /// Every algorithm.
    pub const ALL: Self = Self([u128::MAX; 2]);

    const fn word(self, id: u16) -> u128 {
        match id >> 7 {
            0 => self.0[0],
            1 => self.0[1],
            _ => 0,
        }
    }

    /// Whether the set holds `id`.
    #[must_use]
    pub const fn contains(self, id: u16) -> bool {
        (self.word(id) >> (id & 127)) & 1 == 1
    }

    /// The set with `id` added.
    #[must_use]
    pub const fn with(self, id: u16) -> Self {
        let bit = 1u128 << (id & 127);
        match id >> 7 {
            0 => Self([self.0[0] | bit, self.0[1]]),
            1 => Self([self.0[0], self.0[1] | bit]),
            _ => self,
        }
    }

    /// The set with these added.
    #[must_use]
    pub const fn with_all(self, ids: &[u16]) -> Self {
        let (mut set, mut rest) = (self, ids);
        while let [first, tail @ ..] = rest {
            set = set.with(*first);
            rest = tail;
        }
        set
    }

    /// The set with these taken out.
    #[must_use]
    pub const fn without_all(self, ids: &[u16]) -> Self {
        let (mut set, mut rest) = (self, ids);
        while let [first, tail @ ..] = rest {
            set = set.without(*first);
            rest = tail;
        }
        set
    }

    /// The bits, for a record.
    #[must_use]
    pub const fn words(self) -> [u128; 2] {
        self.0
    }

    /// The set with these bits.
    #[must_use]
    pub const fn from_words(words: [u128; 2]) -> Self {
        Self(words)
    }

    /// What both sets hold.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }

    /// The ids in the set, ascending.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        (0..=0xFF).filter(move |&id| self.contains(id))
    }

    /// The set with `id` taken out.
    #[must_use]
    pub const fn without(self, id: u16) -> Self {
        let bit = 1u128 << (id & 127);
        match id >> 7 {
            0 => Self([self.0[0] & !bit, self.0[1]]),
            1 => Self([self.0[0], self.0[1] & !bit]),
            _ => self,
        }
    }
}

/// Key sizes in bits, multiples of 64 up to 4096, by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySizes(u64);

impl KeySizes {
    /// No key size.
    pub const NONE: Self = Self(0);

    const fn bit(bits: u16) -> u64 {
        match bits.checked_sub(64) {
            Some(rest @ 0..=4032) if rest.is_multiple_of(64) => 1 << (rest / 64),
            _ => 0,
        }
    }

    /// These sizes; what is not a multiple of 64 up to 4096 is left out.
    #[must_use]
    pub const fn of(sizes: &[u16]) -> Self {
        let (mut set, mut rest) = (0, sizes);
        while let [first, tail @ ..] = rest {
            set |= Self::bit(*first);
            rest = tail;
        }
        Self(set)
    }

    /// Whether the set holds this size.
    #[must_use]
    pub const fn contains(self, bits: u16) -> bool {
        self.0 & Self::bit(bits) != 0
    }

    /// The sizes, ascending.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        (1..=64u16).map(|step| step.saturating_mul(64)).filter(move |&bits| self.contains(bits))
    }

    /// The bits, for a record.
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// The set with these bits.
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The sizes that both sets hold.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// What unmarshalling accepts beyond the fixed rules of Part 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Algorithms; others give `TPM_RC_HASH`, `TPM_RC_SYMMETRIC`, … as the interface type says.
    pub algorithms: AlgorithmSet,
    /// Curves, one bit for each `TPM_ECC_CURVE` below 128; others give `TPM_RC_CURVE`.
    pub curves: u128,
    /// RSA key sizes in bits; others give `TPM_RC_VALUE`.
    pub rsa_key_bits: KeySizes,
    /// AES key sizes in bits; others give `TPM_RC_VALUE`.
    pub aes_key_bits: KeySizes,
    /// Camellia key sizes in bits; others give `TPM_RC_VALUE`.
    pub camellia_key_bits: KeySizes,
    /// Parameter sets of ML-KEM and ML-DSA; others give `TPM_RC_PARMS`.
    pub ml_parameter_sets: TpmaMlParameterSet,
}

impl Rules {
    /// Everything that this crate knows: for clients and verifiers.
    pub const ALL: Self = Self {
        algorithms: AlgorithmSet::ALL,
        curves: u128::MAX,
        rsa_key_bits: KeySizes::of(&[1024, 2048, 3072, 4096]),
        aes_key_bits: KeySizes::of(&[128, 192, 256]),
        camellia_key_bits: KeySizes::of(&[128, 192, 256]),
        ml_parameter_sets: TpmaMlParameterSet::DEFINED,
    };

    /// Whether a key of `bits` bits is accepted for the block cipher with this `TPM_ALG_ID`.
    #[must_use]
    pub fn has_sym_key_bits(&self, algorithm: u16, bits: u16) -> bool {
        match TpmAlgId(algorithm) {
            TpmAlgId::AES => self.aes_key_bits.contains(bits),
            TpmAlgId::CAMELLIA => self.camellia_key_bits.contains(bits),
            TpmAlgId::SM4 => bits == 128,
            TpmAlgId::TDES => bits == 128 || bits == 192,
            _ => false,
        }
    }

    /// Whether a parameter set (1, 2 or 3) is accepted whose algorithm starts at bit `first` of `TPMA_ML_PARAMETER_SET`.
    pub(crate) const fn has_ml_parameter_set(&self, first: u32, set: u16) -> bool {
        matches!(set, 1..=3) && (self.ml_parameter_sets.0 >> first << 1 >> set) & 1 == 1
    }

    /// Whether a parameter set of ML-KEM is accepted.
    #[must_use]
    pub const fn has_mlkem(&self, set: TpmiMlkemParms) -> bool {
        self.has_ml_parameter_set(0, set.value())
    }

    /// Whether a parameter set of ML-DSA is accepted.
    #[must_use]
    pub const fn has_mldsa(&self, set: TpmiMldsaParms) -> bool {
        self.has_ml_parameter_set(3, set.value())
    }

    /// Whether the curve with this `TPM_ECC_CURVE` is accepted.
    #[must_use]
    pub const fn has_curve(&self, curve: u16) -> bool {
        curve < 128 && (self.curves >> (curve & 127)) & 1 == 1
    }
}
