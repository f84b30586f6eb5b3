//! Integrity collection: PCR (Part 3, clause 22).

use super::*;
use crate::*;

commands! { PCR;
    /// `TPM2_PCR_Extend` (Part 3, 22.2).
    PcrExtend, PcrExtendResponse = 0x0182 [NV] (pcr_handle: Option<TpmiDhPcr> [User]) { digests: TpmlDigestValues } => () {}
    /// `TPM2_PCR_Event` (Part 3, 22.3).
    PcrEvent, PcrEventResponse = 0x013C [NV] (pcr_handle: Option<TpmiDhPcr> [User]) { event_data: Tpm2bEvent }
    => () { digests: TpmlDigestValues }
    /// `TPM2_PCR_Read` (Part 3, 22.4).
    PcrRead, PcrReadResponse = 0x017E [] () { pcr_selection_in: TpmlPcrSelection }
    => () { pcr_update_counter: u32, pcr_selection_out: TpmlPcrSelection, pcr_values: TpmlDigest }
    /// `TPM2_PCR_Allocate` (Part 3, 22.5).
    PcrAllocate, PcrAllocateResponse = 0x012B [NV] (auth_handle: TpmiRhPlatform [User])
    { pcr_allocation: TpmlPcrSelection }
    => () { allocation_success: TpmiYesNo, max_pcr: u32, size_needed: u32, size_available: u32 }
    /// `TPM2_PCR_SetAuthPolicy` (Part 3, 22.6).
    PcrSetAuthPolicy, PcrSetAuthPolicyResponse = 0x012C [NV] (auth_handle: TpmiRhPlatform [User])
    { auth_policy: Tpm2bDigest, hash_alg: Option<TpmiAlgHash>, pcr_num: TpmiDhPcr } => () {}
    /// `TPM2_PCR_SetAuthValue` (Part 3, 22.7).
    PcrSetAuthValue, PcrSetAuthValueResponse = 0x0183 [] (pcr_handle: TpmiDhPcr [User]) { auth: Tpm2bAuth } => () {}
    /// `TPM2_PCR_Reset` (Part 3, 22.8).
    PcrReset, PcrResetResponse = 0x013D [NV] (pcr_handle: TpmiDhPcr [User]) {} => () {}
}
