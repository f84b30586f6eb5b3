//! Duplication (Part 3, clause 13).

use super::*;
use crate::*;

commands! { DUPLICATION;
    /// `TPM2_Duplicate` (Part 3, 13.1).
    Duplicate, DuplicateResponse = 0x014B []
    (object_handle: TpmiDhObject [Dup], new_parent_handle: Option<TpmiDhObject> [None])
    { encryption_key_in: Tpm2bData, symmetric_alg: Option<TpmtSymDefObject> }
    => () { encryption_key_out: Tpm2bData, duplicate: Tpm2bPrivate, out_sym_seed: Tpm2bEncryptedSecret }
    /// `TPM2_Rewrap` (Part 3, 13.2).
    Rewrap, RewrapResponse = 0x0152 []
    (old_parent: Option<TpmiDhObject> [User], new_parent: Option<TpmiDhObject> [None])
    { in_duplicate: Tpm2bPrivate, name: Tpm2bName, in_sym_seed: Tpm2bEncryptedSecret }
    => () { out_duplicate: Tpm2bPrivate, out_sym_seed: Tpm2bEncryptedSecret }
    /// `TPM2_Import` (Part 3, 13.3).
    Import, ImportResponse = 0x0156 []
    (parent_handle: TpmiDhObject [User])
    {
        encryption_key: Tpm2bData,
        object_public: Tpm2b<TpmtPublic>,
        duplicate: Tpm2bPrivate,
        in_sym_seed: Tpm2bEncryptedSecret,
        symmetric_alg: Option<TpmtSymDefObject>,
    }
    => () { out_private: Tpm2bPrivate }
}
