//! Constants (Part 2, clauses 6 and 7.4).

use alloc::vec::Vec;

use crate::{Reader, TpmRc, Wire};

/// `TPM_GENERATED_VALUE` (Part 2, 6.2): in front of every structure that the TPM attests to.
pub const TPM_GENERATED_VALUE: u32 = 0xFF54_4347;
/// `TPM_ALG_NULL`.
pub const TPM_ALG_NULL: u16 = 0x0010;

macro_rules! numbers {
    ($(#[$meta:meta])* $name:ident: $repr:ty { $($(#[$cmeta:meta])* $constant:ident = $value:expr,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        #[allow(missing_docs)]
        impl $name {
            $($(#[$cmeta])* pub const $constant: Self = Self($value);)*
        }

        impl Wire for $name {
            fn marshal(&self, out: &mut Vec<u8>) {
                self.0.marshal(out);
            }
            fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
                <$repr>::unmarshal(reader).map(Self)
            }
        }
    };
}

numbers! {
    /// `TPM_ALG_ID` (Part 2, 6.3).
    #[allow(missing_docs)]
    TpmAlgId: u16 {
        ERROR = 0x0000, RSA = 0x0001, TDES = 0x0003, SHA1 = 0x0004, HMAC = 0x0005, AES = 0x0006, MGF1 = 0x0007,
        KEYEDHASH = 0x0008, XOR = 0x000A, SHA256 = 0x000B, SHA384 = 0x000C, SHA512 = 0x000D, NULL = 0x0010,
        SM3_256 = 0x0012, SM4 = 0x0013, RSASSA = 0x0014, RSAES = 0x0015, RSAPSS = 0x0016, OAEP = 0x0017,
        ECDSA = 0x0018, ECDH = 0x0019, ECDAA = 0x001A, SM2 = 0x001B, ECSCHNORR = 0x001C, ECMQV = 0x001D,
        HKDF = 0x001F,
        KDF1_SP800_56A = 0x0020, KDF2 = 0x0021, KDF1_SP800_108 = 0x0022, ECC = 0x0023, SYMCIPHER = 0x0025,
        CAMELLIA = 0x0026, SHA3_256 = 0x0027, SHA3_384 = 0x0028, SHA3_512 = 0x0029, SHAKE256_512 = 0x002E, CMAC = 0x003F, CTR = 0x0040,
        OFB = 0x0041, CBC = 0x0042, CFB = 0x0043, ECB = 0x0044, EDDSA = 0x0060, HASH_EDDSA = 0x0061, MLKEM = 0x00A0,
        MLDSA = 0x00A1, HASH_MLDSA = 0x00A2,
    }
}

numbers! {
    /// `TPM_CC` (Part 2, 6.5.2).
    #[allow(missing_docs)]
    TpmCc: u32 {
        FIRST = 0x011F, LAST = 0x01AA,
    }
}

numbers! {
    /// `TPM_PT` and `TPM_PT_PCR` (Part 2, 6.13 and 6.14), as far as they are not consecutive numbers.
    #[allow(missing_docs)]
    TpmPt: u32 {
        FAMILY_INDICATOR = 0x100, LEVEL = 0x101, REVISION = 0x102, DAY_OF_YEAR = 0x103, YEAR = 0x104,
        MANUFACTURER = 0x105, VENDOR_STRING_1 = 0x106, VENDOR_STRING_2 = 0x107, VENDOR_STRING_3 = 0x108,
        VENDOR_STRING_4 = 0x109, VENDOR_TPM_TYPE = 0x10A, FIRMWARE_VERSION_1 = 0x10B, FIRMWARE_VERSION_2 = 0x10C,
        INPUT_BUFFER = 0x10D, HR_TRANSIENT_MIN = 0x10E, HR_PERSISTENT_MIN = 0x10F, HR_LOADED_MIN = 0x110,
        ACTIVE_SESSIONS_MAX = 0x111, PCR_COUNT = 0x112, PCR_SELECT_MIN = 0x113, CONTEXT_GAP_MAX = 0x114,
        NV_COUNTERS_MAX = 0x116, NV_INDEX_MAX = 0x117, MEMORY = 0x118, CLOCK_UPDATE = 0x119, CONTEXT_HASH = 0x11A,
        CONTEXT_SYM = 0x11B, CONTEXT_SYM_SIZE = 0x11C, ORDERLY_COUNT = 0x11D, MAX_COMMAND_SIZE = 0x11E,
        MAX_RESPONSE_SIZE = 0x11F, MAX_DIGEST = 0x120, MAX_OBJECT_CONTEXT = 0x121, MAX_SESSION_CONTEXT = 0x122,
        PS_FAMILY_INDICATOR = 0x123, PS_LEVEL = 0x124, PS_REVISION = 0x125, PS_DAY_OF_YEAR = 0x126, PS_YEAR = 0x127,
        SPLIT_MAX = 0x128, TOTAL_COMMANDS = 0x129, LIBRARY_COMMANDS = 0x12A, VENDOR_COMMANDS = 0x12B,
        NV_BUFFER_MAX = 0x12C, MODES = 0x12D, MAX_CAP_BUFFER = 0x12E, FIRMWARE_SVN = 0x12F, FIRMWARE_MAX_SVN = 0x130,
        ML_PARAMETER_SETS = 0x131,
        PERMANENT = 0x200, STARTUP_CLEAR = 0x201, HR_NV_INDEX = 0x202, HR_LOADED = 0x203, HR_LOADED_AVAIL = 0x204,
        HR_ACTIVE = 0x205, HR_ACTIVE_AVAIL = 0x206, HR_TRANSIENT_AVAIL = 0x207, HR_PERSISTENT = 0x208,
        HR_PERSISTENT_AVAIL = 0x209, NV_COUNTERS = 0x20A, NV_COUNTERS_AVAIL = 0x20B, ALGORITHM_SET = 0x20C,
        LOADED_CURVES = 0x20D, LOCKOUT_COUNTER = 0x20E, MAX_AUTH_FAIL = 0x20F, LOCKOUT_INTERVAL = 0x210,
        LOCKOUT_RECOVERY = 0x211, NV_WRITE_RECOVERY = 0x212, AUDIT_COUNTER_0 = 0x213, AUDIT_COUNTER_1 = 0x214,
    }
}

numbers! {
    /// `TPM_AT` (Part 2, 16.1): what a value of an attached component is.
    #[allow(missing_docs)]
    TpmAt: u32 {
        ANY = 0x0000_0000, ERROR = 0x0000_0001, PV1 = 0x0000_0002, VENDOR = 0x8000_0000,
    }
}

impl TpmPt {
    /// Properties in one group (Part 2, 6.13).
    pub const GROUP: u32 = 0x100;
}

wire_enum! {
    /// `TPM_ECC_CURVE` (Part 2, 6.4).
    TpmEccCurve: u16, else CURVE, checked curves {
        /// NIST P-192.
        NistP192 = 0x0001,
        /// NIST P-224.
        NistP224 = 0x0002,
        /// NIST P-256.
        NistP256 = 0x0003,
        /// NIST P-384.
        NistP384 = 0x0004,
        /// NIST P-521.
        NistP521 = 0x0005,
        /// Barreto-Naehrig, 256 bits, for ECDAA.
        BnP256 = 0x0010,
        /// Barreto-Naehrig, 638 bits, for ECDAA.
        BnP638 = 0x0011,
        /// The curve of SM2.
        Sm2P256 = 0x0020,
        /// brainpoolP256r1.
        BpP256R1 = 0x0030,
        /// brainpoolP384r1.
        BpP384R1 = 0x0031,
        /// brainpoolP512r1.
        BpP512R1 = 0x0032,
        /// Curve25519: X25519 and Ed25519.
        Curve25519 = 0x0040,
        /// Curve448: X448 and Ed448.
        Curve448 = 0x0041,
    }
}

wire_enum! {
    /// `TPM_CLOCK_ADJUST` (Part 2, 6.7).
    TpmClockAdjust: i8, else VALUE {
        /// Slow down by one coarse step.
        CoarseSlower = -3,
        /// Slow down by one medium step.
        MediumSlower = -2,
        /// Slow down by one fine step.
        FineSlower = -1,
        /// No change.
        NoChange = 0,
        /// Speed up by one fine step.
        FineFaster = 1,
        /// Speed up by one medium step.
        MediumFaster = 2,
        /// Speed up by one coarse step.
        CoarseFaster = 3,
    }
}

wire_enum! {
    /// `TPM_EO` (Part 2, 6.8): how `TPM2_PolicyNV` and `TPM2_PolicyCounterTimer` compare.
    TpmEo: u16, else VALUE {
        /// A = B.
        Eq = 0x0000,
        /// A ≠ B.
        Neq = 0x0001,
        /// A > B, signed.
        SignedGt = 0x0002,
        /// A > B, unsigned.
        UnsignedGt = 0x0003,
        /// A < B, signed.
        SignedLt = 0x0004,
        /// A < B, unsigned.
        UnsignedLt = 0x0005,
        /// A ≥ B, signed.
        SignedGe = 0x0006,
        /// A ≥ B, unsigned.
        UnsignedGe = 0x0007,
        /// A ≤ B, signed.
        SignedLe = 0x0008,
        /// A ≤ B, unsigned.
        UnsignedLe = 0x0009,
        /// All bits that are set in B are set in A.
        Bitset = 0x000A,
        /// All bits that are set in B are clear in A.
        Bitclear = 0x000B,
    }
}

wire_enum! {
    /// `TPM_ST` (Part 2, 6.9): structure tags.
    TpmSt: u16, else VALUE {
        /// The tag of a response to a command in the format of TPM 1.2.
        RspCommand = 0x00C4,
        /// NULL structure.
        Null = 0x8000,
        /// A command or response without authorization sessions.
        NoSessions = 0x8001,
        /// A command or response with authorization sessions.
        Sessions = 0x8002,
        /// Attestation of an NV index's contents.
        AttestNv = 0x8014,
        /// Attestation of the command audit.
        AttestCommandAudit = 0x8015,
        /// Attestation of a session audit.
        AttestSessionAudit = 0x8016,
        /// Attestation of an object.
        AttestCertify = 0x8017,
        /// Attestation of PCR.
        AttestQuote = 0x8018,
        /// Attestation of time.
        AttestTime = 0x8019,
        /// Attestation of an object's creation.
        AttestCreation = 0x801A,
        /// Attestation of the digest of an NV index's contents.
        AttestNvDigest = 0x801C,
        /// Creation ticket.
        Creation = 0x8021,
        /// Verification ticket.
        Verified = 0x8022,
        /// Ticket of `TPM2_PolicySecret`.
        AuthSecret = 0x8023,
        /// Ticket of a safe digest.
        Hashcheck = 0x8024,
        /// Ticket of `TPM2_PolicySigned`.
        AuthSigned = 0x8025,
        /// Verification ticket of `TPM2_VerifySequenceComplete`.
        MessageVerified = 0x8026,
        /// Verification ticket of `TPM2_VerifyDigestSignature`.
        DigestVerified = 0x8027,
        /// Manifest of a field upgrade.
        FuManifest = 0x8029,
    }
}

wire_enum! {
    /// `TPM_SU` (Part 2, 6.10).
    TpmSu: u16, else VALUE {
        /// Startup or shutdown with default state.
        Clear = 0x0000,
        /// Startup from or shutdown to saved state.
        State = 0x0001,
    }
}

wire_enum! {
    /// `TPM_SE` (Part 2, 6.11): kinds of session.
    TpmSe: u8, else VALUE {
        /// An HMAC session.
        Hmac = 0x00,
        /// A policy session.
        Policy = 0x01,
        /// A trial policy session.
        Trial = 0x03,
    }
}

wire_enum! {
    /// `TPM_CAP` (Part 2, 6.12).
    TpmCap: u32, else VALUE {
        /// Algorithms.
        Algs = 0x0000_0000,
        /// Handles.
        Handles = 0x0000_0001,
        /// Commands.
        Commands = 0x0000_0002,
        /// Commands that may need physical presence.
        PpCommands = 0x0000_0003,
        /// Commands that are audited.
        AuditCommands = 0x0000_0004,
        /// Allocation of PCR.
        Pcrs = 0x0000_0005,
        /// Properties of the TPM.
        TpmProperties = 0x0000_0006,
        /// Properties of PCR.
        PcrProperties = 0x0000_0007,
        /// Curves.
        EccCurves = 0x0000_0008,
        /// Policies of permanent handles.
        AuthPolicies = 0x0000_0009,
        /// Authenticated timers.
        Act = 0x0000_000A,
        /// Public keys that are no objects.
        PubKeys = 0x0000_000B,
        /// The secure channel of the command.
        SpdmSessionInfo = 0x0000_000C,
        /// What the vendor adds.
        VendorProperty = 0x0000_0100,
        /// Commands that the platform has switched off: Ironroot's own, settable with the platform's authorization.
        DisabledCommands = 0x8180_0000,
    }
}
