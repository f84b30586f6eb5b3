//! The profiles that have a name here. Each is a subset of what is implemented: an algorithm that is added to the
//! implementation is in all of them that do not leave it out.

use ironroot_wire::{
    Rules, TpmEccCurve, TpmaMlParameterSet,
    rules::{AlgorithmSet, KeySizes},
};

use super::{CommandSet, Profile, ProfileName, implemented};

/// Triple DES.
const TDES: u16 = 0x0003;
const SHA1: u16 = 0x0004;
const SHA256: u16 = 0x000B;
const SHA384: u16 = 0x000C;
const SHA512: u16 = 0x000D;
/// RSA and its schemes.
const RSA: &[u16] = &[0x0001, 0x0014, 0x0015, 0x0016, 0x0017];
const RSAES: u16 = 0x0015;
const XOR: u16 = 0x000A;
/// The key derivation of DHKEM.
const HKDF: u16 = 0x001F;
const KDF2: u16 = 0x0021;
/// SM2, SM3 and SM4.
const CHINESE: &[u16] = &[0x0012, 0x0013, 0x001B];
/// ECDAA, ECSCHNORR and ECMQV.
const UNCOMMON_ECC: &[u16] = &[0x001A, 0x001C, 0x001D];
const CAMELLIA: u16 = 0x0026;
const SHA3: &[u16] = &[0x0027, 0x0028, 0x0029];
/// EdDSA and HashEdDSA.
const EDWARDS: &[u16] = &[0x0060, 0x0061];
/// ML-KEM, ML-DSA and HashML-DSA.
const LATTICES: &[u16] = &[0x00A0, 0x00A1, 0x00A2];
/// `AC_GetCapability`, `AC_Send`, `Policy_AC_SendSelect` and `CertifyX509`, deprecated since v184.
const DEPRECATED: &[u32] = &[0x0194, 0x0195, 0x0196, 0x0197];
/// `RSA_Encrypt` and `RSA_Decrypt`.
const RSA_COMMANDS: &[u32] = &[0x0159, 0x0174];
/// `ECDH_KeyGen` and the others of clause 14 and 19 that a device without privacy protocols does not need: `Commit`,
/// `EC_Ephemeral`, `ZGen_2Phase`, `ECC_Encrypt`, `ECC_Decrypt`.
const UNCOMMON_ECC_COMMANDS: &[u32] = &[0x018B, 0x018D, 0x018E, 0x0199, 0x019A];

const fn without(algorithms: AlgorithmSet, groups: &[&[u16]]) -> AlgorithmSet {
    let (mut set, mut rest) = (algorithms, groups);
    while let [first, tail @ ..] = rest {
        set = set.without_all(first);
        rest = tail;
    }
    set
}

const fn hashes(ids: &[u16]) -> AlgorithmSet {
    AlgorithmSet::NONE.with_all(ids)
}

/// Every hash, as far as it is implemented.
const EVERY_HASH: AlgorithmSet =
    hashes(&[SHA1, SHA256, SHA384, SHA512, 0x0012]).with_all(SHA3).and(implemented::ALGORITHMS);

impl Profile {
    /// The built-in profiles.
    pub const NAMED: &'static [Self] =
        &[Self::HOST, Self::PC_CLIENT, Self::SMALL_ECC, Self::FIPS, Self::COMPATIBLE, Self::EVERYTHING];

    /// For hosts, and the default: every algorithm that is implemented but those that are only of use to the past (TDES,
    /// RSA-1024), every command, generous limits.
    pub const HOST: Self = Self {
        name: ProfileName::constant("host"),
        rules: Rules {
            algorithms: implemented::ALGORITHMS.without(TDES),
            rsa_key_bits: KeySizes::of(&[2048, 3072, 4096]),
            ..implemented::RULES
        },
        ..Self::EVERYTHING
    };

    /// As [`Profile::HOST`], with RSA-1024 for verifiers of old signatures, and without the curves that programs made for
    /// other TPMs do not know: Curve25519 and Curve448.
    pub const COMPATIBLE: Self = Self {
        name: ProfileName::constant("compatible"),
        rules: Rules {
            algorithms: without(Self::HOST.rules.algorithms, &[EDWARDS, &[HKDF]]),
            curves: implemented::CURVES & !implemented::curves(&[TpmEccCurve::Curve25519, TpmEccCurve::Curve448]),
            rsa_key_bits: implemented::RULES.rsa_key_bits,
            ..Self::HOST.rules
        },
        ..Self::HOST
    };

    /// All that is implemented: every algorithm, key size, curve, parameter set and command.
    pub const EVERYTHING: Self = Self {
        name: ProfileName::constant("everything"),
        rules: implemented::RULES,
        commands: CommandSet::ALL,
        loaded_objects: 64,
        loaded_sessions: 64,
        active_sessions: 256,
        persistent_objects: 256,
        nv_space: 256 * 1024,
        nv_index_max: ironroot_wire::limits::MAX_NV_INDEX as u16,
        timers: 2,
        pcr_banks: EVERY_HASH,
        pcr_allocation: hashes(&[SHA256, SHA384, SHA512]),
    };

    /// What TCG's PC Client platform TPM profile asks for, with its smallest limits.
    pub const PC_CLIENT: Self = Self {
        name: ProfileName::constant("pc-client"),
        rules: Rules {
            algorithms: without(
                Self::HOST.rules.algorithms,
                &[CHINESE, UNCOMMON_ECC, SHA3, EDWARDS, LATTICES, &[CAMELLIA, KDF2, HKDF]],
            ),
            curves: implemented::curves(&[TpmEccCurve::NistP256, TpmEccCurve::NistP384]),
            rsa_key_bits: KeySizes::of(&[2048, 3072]),
            aes_key_bits: KeySizes::of(&[128, 256]),
            camellia_key_bits: KeySizes::NONE,
            ml_parameter_sets: TpmaMlParameterSet::NONE,
        },
        commands: CommandSet::ALL.without_all(DEPRECATED),
        loaded_objects: 3,
        loaded_sessions: 3,
        active_sessions: 64,
        persistent_objects: 7,
        nv_space: 16 * 1024,
        nv_index_max: 2048,
        timers: 0,
        pcr_banks: hashes(&[SHA1, SHA256, SHA384]),
        pcr_allocation: hashes(&[SHA256, SHA384]),
    };

    /// For microcontrollers: P-256, AES-128 and SHA-256, nothing else.
    pub const SMALL_ECC: Self = Self {
        name: ProfileName::constant("small-ecc"),
        rules: Rules {
            algorithms: without(Self::PC_CLIENT.rules.algorithms, &[RSA, &[SHA1, SHA384, SHA512, XOR]]),
            curves: implemented::curves(&[TpmEccCurve::NistP256]),
            rsa_key_bits: KeySizes::NONE,
            aes_key_bits: KeySizes::of(&[128]),
            ..Self::PC_CLIENT.rules
        },
        commands: CommandSet::ALL.without_all(DEPRECATED).without_all(RSA_COMMANDS).without_all(UNCOMMON_ECC_COMMANDS),
        nv_space: 6 * 1024,
        pcr_banks: hashes(&[SHA256]),
        pcr_allocation: hashes(&[SHA256]),
        ..Self::PC_CLIENT
    };

    /// As FIPS 140-3 modules are configured: algorithms that NIST approves, keys of 112 bits of strength and more. It is
    /// not a validated module.
    pub const FIPS: Self = Self {
        name: ProfileName::constant("fips"),
        rules: Rules {
            algorithms: without(
                Self::HOST.rules.algorithms,
                &[CHINESE, UNCOMMON_ECC, EDWARDS, &[SHA1, XOR, RSAES, CAMELLIA, KDF2]],
            ),
            curves: implemented::curves(&[TpmEccCurve::NistP256, TpmEccCurve::NistP384, TpmEccCurve::NistP521]),
            camellia_key_bits: KeySizes::NONE,
            ..Self::HOST.rules
        },
        commands: CommandSet::ALL.without_all(DEPRECATED),
        pcr_banks: hashes(&[SHA256, SHA384, SHA512]).with_all(SHA3).and(implemented::ALGORITHMS),
        ..Self::HOST
    };

    /// The built-in profile with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().copied().find(|profile| profile.name.as_str() == name)
    }
}
