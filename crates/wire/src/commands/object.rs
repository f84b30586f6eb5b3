//! Objects (Part 3, clause 12).

use super::*;
use crate::*;

commands! { OBJECT;
    /// `TPM2_Create` (Part 3, 12.1).
    Create, CreateResponse = 0x0153 []
    (parent_handle: TpmiDhObject [User])
    {
        in_sensitive: Tpm2b<TpmsSensitiveCreate>,
        in_public: Tpm2b<TpmtPublic>,
        outside_info: Tpm2bData,
        creation_pcr: TpmlPcrSelection,
    }
    => () {
        out_private: Tpm2bPrivate,
        out_public: Tpm2b<TpmtPublic>,
        creation_data: Tpm2b<TpmsCreationData>,
        creation_hash: Tpm2bDigest,
        creation_ticket: TpmtTkCreation,
    }
    /// `TPM2_Load` (Part 3, 12.2).
    Load, LoadResponse = 0x0157 []
    (parent_handle: TpmiDhObject [User]) { in_private: Tpm2bPrivate, in_public: Tpm2b<TpmtPublic> }
    => (object_handle: TpmHandle) { name: Tpm2bName }
    /// `TPM2_LoadExternal` (Part 3, 12.3).
    LoadExternal, LoadExternalResponse = 0x0167 []
    ()
    { in_private: Tpm2bOption<TpmtSensitive>, in_public: Tpm2b<TpmtPublicPlus>, hierarchy: TpmiRhHierarchy }
    => (object_handle: TpmHandle) { name: Tpm2bName }
    /// `TPM2_ReadPublic` (Part 3, 12.4).
    ReadPublic, ReadPublicResponse = 0x0173 [] (object_handle: TpmiDhObject [None]) {}
    => () { out_public: Tpm2b<TpmtPublicPlus>, name: Tpm2bName, qualified_name: Tpm2bName }
    /// `TPM2_ActivateCredential` (Part 3, 12.5).
    ActivateCredential, ActivateCredentialResponse = 0x0147 []
    (activate_handle: TpmiDhObject [Admin], key_handle: TpmiDhObject [User])
    { credential_blob: Tpm2bIdObject, secret: Tpm2bEncryptedSecret }
    => () { cert_info: CertInfo }
    /// `TPM2_MakeCredential` (Part 3, 12.6).
    MakeCredential, MakeCredentialResponse = 0x0168 [] (handle: TpmiDhObject [None])
    { credential: CertInfo, object_name: Tpm2bName }
    => () { credential_blob: Tpm2bIdObject, secret: Tpm2bEncryptedSecret }
    /// `TPM2_Unseal` (Part 3, 12.7).
    Unseal, UnsealResponse = 0x015E [] (item_handle: TpmiDhObject [User]) {} => () { out_data: Tpm2bSensitiveData }
    /// `TPM2_ObjectChangeAuth` (Part 3, 12.8).
    ObjectChangeAuth, ObjectChangeAuthResponse = 0x0150 []
    (object_handle: TpmiDhObject [Admin], parent_handle: TpmiDhObject [None]) { new_auth: Tpm2bAuth }
    => () { out_private: Tpm2bPrivate }
    /// `TPM2_CreateLoaded` (Part 3, 12.9).
    CreateLoaded, CreateLoadedResponse = 0x0191 []
    (parent_handle: TpmiDhParent [User]) { in_sensitive: Tpm2b<TpmsSensitiveCreate>, in_public: Tpm2bTemplate }
    => (object_handle: TpmHandle) { out_private: Tpm2bPrivate, out_public: Tpm2b<TpmtPublic>, name: Tpm2bName }
}

buffer! { secret
    /// The `TPM2B_DIGEST` that a credential protects: a secret of at most a digest's size.
    CertInfo, crate::limits::MAX_DIGEST
}
