//! Attributes as bit types (Part 2, clause 8).

attributes! {
    /// `TPMA_ALGORITHM` (Part 2, 8.2): what kind of algorithm it is.
    TpmaAlgorithm: u32, also 0 {
        /// An asymmetric algorithm with public and private portions.
        ASYMMETRIC = 0,
        /// A symmetric block cipher.
        SYMMETRIC = 1,
        /// A hash algorithm.
        HASH = 2,
        /// An algorithm that may be used as an object type.
        OBJECT = 3,
        /// A signing algorithm.
        SIGNING = 8,
        /// An encryption or decryption algorithm.
        ENCRYPTING = 9,
        /// A method such as a key derivation function.
        METHOD = 10,
    }
}

attributes! {
    /// `TPMA_OBJECT` (Part 2, 8.3): what an object may do and where it may go.
    TpmaObject: u32, also 0 {
        /// The hierarchy of the object may not change.
        FIXED_TPM = 1,
        /// Saved contexts of the object do not survive `Startup(CLEAR)`.
        ST_CLEAR = 2,
        /// The parent of the object may not change.
        FIXED_PARENT = 4,
        /// The TPM generated all of the sensitive data other than the auth value.
        SENSITIVE_DATA_ORIGIN = 5,
        /// USER role actions may be approved with the auth value.
        USER_WITH_AUTH = 6,
        /// ADMIN role actions need a policy session.
        ADMIN_WITH_POLICY = 7,
        /// The object exists only under a firmware-limited hierarchy.
        FIRMWARE_LIMITED = 8,
        /// The object exists only under an SVN-limited hierarchy.
        SVN_LIMITED = 9,
        /// The object is not subject to dictionary-attack protection.
        NO_DA = 10,
        /// The object may be duplicated only with an inner wrapper and to a new parent that is not NULL.
        ENCRYPTED_DUPLICATION = 11,
        /// The key operates only on structures of known format.
        RESTRICTED = 16,
        /// The private portion may decrypt.
        DECRYPT = 17,
        /// The private portion may sign (or, for a symmetric cipher, encrypt).
        SIGN_ENCRYPT = 18,
        /// The key may sign X.509 certificates with `TPM2_CertifyX509` only.
        X509_SIGN = 19,
    }
}

attributes! {
    /// `TPMA_SESSION` (Part 2, 8.4).
    TpmaSession: u8, also 0 {
        /// The session stays after the command.
        CONTINUE_SESSION = 0,
        /// The command runs only if the session is exclusive (command); the session is exclusive (response).
        AUDIT_EXCLUSIVE = 1,
        /// The audit digest is reset before the command.
        AUDIT_RESET = 2,
        /// The first parameter of the command is encrypted.
        DECRYPT = 5,
        /// The first parameter of the response is to be encrypted.
        ENCRYPT = 6,
        /// The session audits.
        AUDIT = 7,
    }
}

attributes! {
    /// `TPMA_LOCALITY` (Part 2, 8.5): bits for localities 0 to 4; a value of 32 and above is one extended locality.
    TpmaLocality: u8, also 0xE0 {
        /// Locality 0.
        LOC_ZERO = 0,
        /// Locality 1.
        LOC_ONE = 1,
        /// Locality 2.
        LOC_TWO = 2,
        /// Locality 3.
        LOC_THREE = 3,
        /// Locality 4.
        LOC_FOUR = 4,
    }
}

attributes! {
    /// `TPMA_PERMANENT` (Part 2, 8.6).
    TpmaPermanent: u32, also 0 {
        /// `TPM2_HierarchyChangeAuth` has set an owner auth value since the last `TPM2_Clear`.
        OWNER_AUTH_SET = 0,
        /// The same for the endorsement hierarchy.
        ENDORSEMENT_AUTH_SET = 1,
        /// The same for the lockout hierarchy.
        LOCKOUT_AUTH_SET = 2,
        /// `TPM2_Clear` is disabled.
        DISABLE_CLEAR = 8,
        /// The TPM is in lockout.
        IN_LOCKOUT = 9,
        /// The TPM created the endorsement primary seed.
        TPM_GENERATED_EPS = 10,
    }
}

attributes! {
    /// `TPMA_STARTUP_CLEAR` (Part 2, 8.7).
    TpmaStartupClear: u32, also 0 {
        /// The platform hierarchy is enabled.
        PH_ENABLE = 0,
        /// The storage hierarchy is enabled.
        SH_ENABLE = 1,
        /// The endorsement hierarchy is enabled.
        EH_ENABLE = 2,
        /// NV indices that the platform created are accessible.
        PH_ENABLE_NV = 3,
        /// The TPM is in read-only mode.
        READ_ONLY = 4,
        /// The TPM received `TPM2_Shutdown` and a matching `TPM2_Startup`.
        ORDERLY = 31,
    }
}

attributes! {
    /// `TPMA_MEMORY` (Part 2, 8.8).
    TpmaMemory: u32, also 0 {
        /// Authorization sessions and objects share RAM.
        SHARED_RAM = 0,
        /// Persistent objects and NV indices share NV memory.
        SHARED_NV = 1,
        /// Objects are copied from persistent storage to an object slot for use.
        OBJECT_COPIED_TO_RAM = 2,
    }
}

attributes! {
    /// `TPMA_CC` (Part 2, 8.9): attributes of a command. Bits 0 to 15 hold the command index and bits 25 to 27 the
    /// number of handles in the handle area.
    TpmaCc: u32, also 0x0E00_FFFF {
        /// The command may write to NV.
        NV = 22,
        /// The command could flush any number of loaded contexts.
        EXTENSIVE = 23,
        /// The command flushes the context of its handle.
        FLUSHED = 24,
        /// The response has a handle.
        R_HANDLE = 28,
        /// The command is vendor-specific.
        V = 29,
    }
}

attributes! {
    /// `TPMA_MODES` (Part 2, 8.10).
    TpmaModes: u32, also 0 {
        /// Designed to comply with all of the requirements of FIPS 140-2 at level 1 or higher.
        FIPS_140_2 = 0,
        /// The same for FIPS 140-3.
        FIPS_140_3 = 1,
    }
}

attributes! {
    /// `TPMA_ACT` (Part 2, 8.12): the state of an authenticated countdown timer.
    TpmaAct: u32, also 0 {
        /// The timer has run out.
        SIGNALED = 0,
        /// The timer had run out before the last TPM Resume.
        PRESERVE_SIGNALED = 1,
    }
}

attributes! {
    /// `TPMA_ML_PARAMETER_SET` (Part 2, 8.13).
    TpmaMlParameterSet: u32, also 0 {
        /// ML-KEM-512.
        ML_KEM_512 = 0,
        /// ML-KEM-768.
        ML_KEM_768 = 1,
        /// ML-KEM-1024.
        ML_KEM_1024 = 2,
        /// ML-DSA-44.
        ML_DSA_44 = 3,
        /// ML-DSA-65.
        ML_DSA_65 = 4,
        /// ML-DSA-87.
        ML_DSA_87 = 5,
        /// ML-DSA keys may sign an external mu.
        EXT_MU = 6,
    }
}

attributes! {
    /// `TPMA_NV` (Part 2, 13.4). Bits 4 to 7 hold the type of the index (`TPM_NT`).
    TpmaNv: u32, also 0xF0 {
        /// Platform authorization may write.
        PPWRITE = 0,
        /// Owner authorization may write.
        OWNERWRITE = 1,
        /// The auth value of the index may authorize writing.
        AUTHWRITE = 2,
        /// The policy of the index may authorize writing.
        POLICYWRITE = 3,
        /// The index may be deleted only with its policy, by `TPM2_NV_UndefineSpaceSpecial`.
        POLICY_DELETE = 10,
        /// The index cannot be written.
        WRITELOCKED = 11,
        /// A partial write is not allowed.
        WRITEALL = 12,
        /// `TPM2_NV_WriteLock` locks for ever.
        WRITEDEFINE = 13,
        /// `TPM2_NV_WriteLock` locks until the next `Startup(CLEAR)`.
        WRITE_STCLEAR = 14,
        /// `TPM2_NV_GlobalWriteLock` locks the index.
        GLOBALLOCK = 15,
        /// Platform authorization may read.
        PPREAD = 16,
        /// Owner authorization may read.
        OWNERREAD = 17,
        /// The auth value may authorize reading.
        AUTHREAD = 18,
        /// The policy may authorize reading.
        POLICYREAD = 19,
        /// Authorization failures do not touch the dictionary-attack logic.
        NO_DA = 25,
        /// NV is updated at `TPM2_Shutdown` only.
        ORDERLY = 26,
        /// `WRITTEN` is cleared by `Startup(CLEAR)`.
        CLEAR_STCLEAR = 27,
        /// Reading is blocked until the next `Startup(CLEAR)`.
        READLOCKED = 28,
        /// The index has been written.
        WRITTEN = 29,
        /// The platform created the index.
        PLATFORMCREATE = 30,
        /// `TPM2_NV_ReadLock` may set `READLOCKED`.
        READ_STCLEAR = 31,
    }
}

attributes! {
    /// `TPMA_NV_EXP` (Part 2, 13.5): the attributes of an external NV index. Bits 0 to 31 are those of `TPMA_NV`.
    TpmaNvExp: u64, also 0xFE0F_FCFF {
        /// The contents are encrypted.
        EXTERNAL_NV_ENCRYPTION = 32,
        /// The contents are protected against changes.
        EXTERNAL_NV_INTEGRITY = 33,
        /// The contents are protected against being put back.
        EXTERNAL_NV_ANTIROLLBACK = 34,
    }
}

impl TpmaNvExp {
    /// The attributes that every index has.
    #[must_use]
    pub const fn base(self) -> TpmaNv {
        TpmaNv((self.0 & 0xFFFF_FFFF) as u32)
    }

    /// With the attributes that every index has set to these.
    #[must_use]
    pub const fn with_base(self, base: TpmaNv) -> Self {
        Self(self.0 & !0xFFFF_FFFF | base.0 as u64)
    }
}
