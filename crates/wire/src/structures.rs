//! Structures (Part 2, clause 10).

use alloc::vec::Vec;

use crate::{
    Reader, TPM_GENERATED_VALUE, Tpm2b, Tpm2bAuth, Tpm2bData, Tpm2bDigest, Tpm2bMaxNvBuffer, Tpm2bName, Tpm2bNonce,
    TpmAlgId, TpmAt, TpmCap, TpmCc, TpmEccCurve, TpmHandle, TpmPt, TpmRc, TpmSt, TpmaAct, TpmaAlgorithm, TpmaCc,
    TpmaLocality, TpmaSession, TpmiAlgHash, TpmiRhHierarchy, TpmiRhNvIndex, TpmiShAuthSession, TpmiYesNo, TpmtPublic,
    Wire, limits::*,
};

/// `TPMT_HA` (Part 2, 10.3.1): a digest and what made it. The digest has exactly the algorithm's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmtHa {
    hash_alg: TpmiAlgHash,
    digest: Vec<u8>,
}

impl TpmtHa {
    /// A digest made with `hash_alg`.
    ///
    /// # Errors
    /// `TPM_RC_SIZE` if the digest has another size.
    pub fn new(hash_alg: TpmiAlgHash, digest: &[u8]) -> Result<Self, TpmRc> {
        if digest.len() == hash_alg.digest_size() {
            Ok(Self { hash_alg, digest: digest.into() })
        } else {
            Err(TpmRc::SIZE)
        }
    }

    /// The algorithm.
    #[must_use]
    pub const fn hash_alg(&self) -> TpmiAlgHash {
        self.hash_alg
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }
}

impl Wire for TpmtHa {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.hash_alg.marshal(out);
        out.extend_from_slice(&self.digest);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let hash_alg = TpmiAlgHash::unmarshal(reader)?;
        Ok(Self { hash_alg, digest: reader.take(hash_alg.digest_size())?.into() })
    }
}

nullable_algorithm!(TpmtHa);

/// `TPMS_PCR_SELECT` (Part 2, 10.5.1): one bit for each PCR, PCR 0 the lowest bit of the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TpmsPcrSelect(pub [u8; PCR_SELECT_MAX]);

impl TpmsPcrSelect {
    /// A selection of these PCRs; numbers out of range are left out.
    #[must_use]
    pub fn of(pcrs: &[u32]) -> Self {
        let mut select = Self::default();
        for &pcr in pcrs {
            select.set(pcr, true);
        }
        select
    }

    /// Whether `pcr` is selected.
    #[must_use]
    pub fn contains(&self, pcr: u32) -> bool {
        self.0.get((pcr >> 3) as usize).is_some_and(|byte| byte >> (pcr & 7) & 1 == 1)
    }

    /// Selects or deselects `pcr`.
    pub fn set(&mut self, pcr: u32, selected: bool) {
        if let Some(byte) = self.0.get_mut((pcr >> 3) as usize) {
            if selected { *byte |= 1 << (pcr & 7) } else { *byte &= !(1 << (pcr & 7)) }
        }
    }

    /// The selected PCRs in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..IMPLEMENTATION_PCR).filter(|&pcr| self.contains(pcr))
    }

    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }
}

impl Wire for TpmsPcrSelect {
    fn marshal(&self, out: &mut Vec<u8>) {
        (PCR_SELECT_MAX as u8).marshal(out);
        out.extend_from_slice(&self.0);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        if usize::from(u8::unmarshal(reader)?) != PCR_SELECT_MAX {
            return Err(TpmRc::VALUE);
        }
        let mut select = Self::default();
        select.0.copy_from_slice(reader.take(PCR_SELECT_MAX)?);
        Ok(select)
    }
}

wire_struct! {
    /// `TPMS_PCR_SELECTION` (Part 2, 10.5.2): a bank, and PCRs in it.
    #[derive(Copy)]
    TpmsPcrSelection {
        /// The bank.
        hash: TpmiAlgHash,
        /// The PCRs.
        pcr_select: TpmsPcrSelect,
    }
}

/// A ticket: a tag, a hierarchy and an HMAC that only this TPM can compute (Part 2, 10.6).
macro_rules! ticket {
    ($(#[$meta:meta])* $name:ident: $($tag:ident)|+) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            /// Which kind of ticket it is.
            pub tag: TpmSt,
            /// The hierarchy whose proof made the ticket.
            pub hierarchy: TpmiRhHierarchy,
            /// The HMAC; empty in a NULL ticket.
            pub digest: Tpm2bDigest,
        }

        impl Wire for $name {
            fn marshal(&self, out: &mut Vec<u8>) {
                self.tag.marshal(out);
                self.hierarchy.marshal(out);
                self.digest.marshal(out);
            }
            fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
                let tag = u16::unmarshal(reader)?;
                let tag = TpmSt::from_value(tag).filter(|tag| matches!(tag, $(TpmSt::$tag)|+)).ok_or(TpmRc::TAG)?;
                Ok(Self { tag, hierarchy: Wire::unmarshal(reader)?, digest: Wire::unmarshal(reader)? })
            }
        }
    };
}

ticket! {
    /// `TPMT_TK_CREATION` (Part 2, 10.6.3).
    TpmtTkCreation: Creation
}
/// What a verification ticket says beside its HMAC (`TPMU_TK_VERIFIED_META`, Part 2, 10.6.4); its kind is the ticket's tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpmuTkVerifiedMeta {
    /// From `TPM2_VerifySignature`.
    Verified,
    /// From `TPM2_VerifySequenceComplete`: the signature was over the message.
    MessageVerified,
    /// From `TPM2_VerifyDigestSignature`: the hash algorithm or XOF that made the digest.
    DigestVerified(TpmAlgId),
}

impl TpmuTkVerifiedMeta {
    /// The tag of the ticket (Part 2, Table 112).
    #[must_use]
    pub const fn tag(&self) -> TpmSt {
        match self {
            Self::Verified => TpmSt::Verified,
            Self::MessageVerified => TpmSt::MessageVerified,
            Self::DigestVerified(_) => TpmSt::DigestVerified,
        }
    }
}

/// `TPMT_TK_VERIFIED` (Part 2, 10.6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmtTkVerified {
    /// The hierarchy whose proof made the ticket.
    pub hierarchy: TpmiRhHierarchy,
    /// Which command made the ticket, and what that adds.
    pub metadata: TpmuTkVerifiedMeta,
    /// The HMAC; empty in a NULL ticket.
    pub hmac: Tpm2bDigest,
}

impl Wire for TpmtTkVerified {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.metadata.tag().marshal(out);
        self.hierarchy.marshal(out);
        if let TpmuTkVerifiedMeta::DigestVerified(algorithm) = self.metadata {
            algorithm.marshal(out);
        }
        self.hmac.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let tag = TpmSt::from_value(u16::unmarshal(reader)?).ok_or(TpmRc::TAG)?;
        if !matches!(tag, TpmSt::Verified | TpmSt::MessageVerified | TpmSt::DigestVerified) {
            return Err(TpmRc::TAG);
        }
        let hierarchy = Wire::unmarshal(reader)?;
        let metadata = match tag {
            TpmSt::DigestVerified => TpmuTkVerifiedMeta::DigestVerified(Wire::unmarshal(reader)?),
            TpmSt::MessageVerified => TpmuTkVerifiedMeta::MessageVerified,
            _ => TpmuTkVerifiedMeta::Verified,
        };
        Ok(Self { hierarchy, metadata, hmac: Wire::unmarshal(reader)? })
    }
}

ticket! {
    /// `TPMT_TK_AUTH` (Part 2, 10.6.6).
    TpmtTkAuth: AuthSecret | AuthSigned
}
ticket! {
    /// `TPMT_TK_HASHCHECK` (Part 2, 10.6.7).
    TpmtTkHashcheck: Hashcheck
}

wire_struct! {
    /// `TPMS_ALG_PROPERTY` (Part 2, 10.7.1).
    TpmsAlgProperty {
        /// The algorithm.
        alg: TpmAlgId,
        /// What it is.
        alg_properties: TpmaAlgorithm,
    }
}

wire_struct! {
    /// `TPMS_TAGGED_PROPERTY` (Part 2, 10.7.2).
    TpmsTaggedProperty {
        /// The property.
        property: TpmPt,
        /// Its value.
        value: u32,
    }
}

wire_struct! {
    /// `TPMS_TAGGED_PCR_SELECT` (Part 2, 10.7.3).
    TpmsTaggedPcrSelect {
        /// `TPM_PT_PCR`.
        tag: u32,
        /// The PCRs that have the property.
        pcr_select: TpmsPcrSelect,
    }
}

wire_struct! {
    /// `TPMS_TAGGED_POLICY` (Part 2, 10.7.4).
    TpmsTaggedPolicy {
        /// A permanent handle.
        handle: TpmHandle,
        /// Its policy; NULL if it has none.
        policy_hash: Option<TpmtHa>,
    }
}

/// A counted list (`TPML_`) with its maximum.
macro_rules! list {
    ($(#[$meta:meta])* $name:ident of $type:ty, at most $max:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name(Vec<$type>);

        impl $name {
            /// The most elements that the list holds.
            pub const MAX: usize = $max;

            /// A list of these elements; those above the maximum are left out.
            #[must_use]
            pub fn new(mut elements: Vec<$type>) -> Self {
                elements.truncate(Self::MAX);
                Self(elements)
            }
        }

        impl core::ops::Deref for $name {
            type Target = [$type];
            fn deref(&self) -> &[$type] {
                &self.0
            }
        }

        impl Wire for $name {
            fn marshal(&self, out: &mut Vec<u8>) {
                u32::try_from(self.0.len()).unwrap_or(u32::MAX).marshal(out);
                for element in &self.0 {
                    element.marshal(out);
                }
            }
            fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
                let count = u32::unmarshal(reader)? as usize;
                if count > Self::MAX {
                    return Err(TpmRc::SIZE);
                }
                (0..count).map(|_| Wire::unmarshal(reader)).collect::<Result<_, _>>().map(Self)
            }
        }
    };
}

list! {
    /// `TPML_CC` (Part 2, 10.8.1).
    TpmlCc of TpmCc, at most MAX_CAP_BUFFER / 4 - 2
}
list! {
    /// `TPML_CCA` (Part 2, 10.8.2).
    TpmlCca of TpmaCc, at most MAX_CAP_BUFFER / 4 - 2
}
list! {
    /// `TPML_ALG` (Part 2, 10.8.3).
    TpmlAlg of TpmAlgId, at most 128
}
list! {
    /// `TPML_HANDLE` (Part 2, 10.8.4).
    TpmlHandle of TpmHandle, at most MAX_CAP_BUFFER / 4 - 2
}
list! {
    /// `TPML_DIGEST` (Part 2, 10.8.5).
    TpmlDigest of Tpm2bDigest, at most MAX_DIGEST_LIST
}
list! {
    /// `TPML_DIGEST_VALUES` (Part 2, 10.8.6).
    TpmlDigestValues of TpmtHa, at most HASH_COUNT
}
list! {
    /// `TPML_PCR_SELECTION` (Part 2, 10.8.7).
    TpmlPcrSelection of TpmsPcrSelection, at most HASH_COUNT
}
list! {
    /// `TPML_ALG_PROPERTY` (Part 2, 10.8.8).
    TpmlAlgProperty of TpmsAlgProperty, at most (MAX_CAP_BUFFER - 8) / 6
}
list! {
    /// `TPML_TAGGED_TPM_PROPERTY` (Part 2, 10.8.9).
    TpmlTaggedTpmProperty of TpmsTaggedProperty, at most MAX_CAP_BUFFER / 8 - 1
}
list! {
    /// `TPML_TAGGED_PCR_PROPERTY` (Part 2, 10.8.10).
    TpmlTaggedPcrProperty of TpmsTaggedPcrSelect, at most (MAX_CAP_BUFFER - 8) / 8
}
list! {
    /// `TPML_ECC_CURVE` (Part 2, 10.8.11).
    TpmlEccCurve of TpmEccCurve, at most (MAX_CAP_BUFFER - 8) / 2
}
list! {
    /// `TPML_TAGGED_POLICY` (Part 2, 10.8.12).
    TpmlTaggedPolicy of TpmsTaggedPolicy, at most (MAX_CAP_BUFFER - 8) / 70
}

wire_struct! {
    /// `TPMS_ACT_DATA` (Part 2, 10.7.5): an authenticated countdown timer.
    TpmsActData {
        /// The timer.
        handle: TpmHandle,
        /// Seconds until it runs out.
        timeout: u32,
        /// Its state.
        attributes: TpmaAct,
    }
}

wire_struct! {
    /// `TPMS_SPDM_SESSION_INFO` (Part 2, 10.7.6).
    TpmsSpdmSessionInfo {
        /// The name of the requester's key; empty if only the TPM authenticated itself.
        req_key_name: Tpm2bName,
        /// The name of the TPM's key.
        tpm_key_name: Tpm2bName,
    }
}

buffer! {
    /// `TPM2B_VENDOR_PROPERTY` (Part 2, 10.3.15).
    Tpm2bVendorProperty, 512
}

list! {
    /// `TPML_ACT_DATA` (Part 2, 10.8.13).
    TpmlActData of TpmsActData, at most (MAX_CAP_BUFFER - 8) / 12
}
list! {
    /// `TPML_PUB_KEY` (Part 2, 10.8.14).
    TpmlPubKey of Tpm2b<TpmtPublic>, at most 1
}
list! {
    /// `TPML_SPDM_SESSION_INFO` (Part 2, 10.8.15).
    TpmlSpdmSessionInfo of TpmsSpdmSessionInfo, at most (MAX_CAP_BUFFER - 8) / 136
}
list! {
    /// `TPML_VENDOR_PROPERTY` (Part 2, 10.8.16).
    TpmlVendorProperty of Tpm2bVendorProperty, at most 1
}

wire_struct! {
    /// `TPMS_AC_OUTPUT` (Part 2, 16.3): a value of an attached component.
    #[derive(Copy)]
    TpmsAcOutput {
        /// What the value is (`TPM_AT`).
        tag: TpmAt,
        /// The value.
        data: u32,
    }
}

list! {
    /// `TPML_AC_CAPABILITIES` (Part 2, 16.4).
    TpmlAcCapabilities of TpmsAcOutput, at most (MAX_CAP_BUFFER - 8) / 8
}

/// `TPMS_SET_CAPABILITY_DATA` (Part 2, 10.9.3). What the data is, the capability decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmsSetCapabilityData {
    /// The capability.
    pub set_capability: u32,
    /// Its data.
    pub data: crate::RestOf<MAX_CAP_BUFFER>,
}

/// `TPM2B_SET_CAPABILITY_DATA` (Part 2, 10.9.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tpm2bSetCapabilityData(pub TpmsSetCapabilityData);

impl Wire for Tpm2bSetCapabilityData {
    const SIZED: bool = true;
    fn marshal(&self, out: &mut Vec<u8>) {
        let mut inner = Vec::new();
        self.0.set_capability.marshal(&mut inner);
        self.0.data.marshal(&mut inner);
        crate::codec::marshal_sized(&inner, out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let inner = crate::codec::unmarshal_sized(reader, MAX_CAP_BUFFER)?;
        let mut inner = Reader::new(inner, reader.rules());
        let set_capability = u32::unmarshal(&mut inner)?;
        Ok(Self(TpmsSetCapabilityData { set_capability, data: Wire::unmarshal(&mut inner)? }))
    }
}

wire_union! {
    /// `TPMS_CAPABILITY_DATA` (Part 2, 10.9.2).
    TpmsCapabilityData by u32, else VALUE {
        /// Algorithms.
        Algorithms(TpmlAlgProperty) = 0,
        /// Handles.
        Handles(TpmlHandle) = 1,
        /// Commands.
        Commands(TpmlCca) = 2,
        /// Commands that need physical presence.
        PpCommands(TpmlCc) = 3,
        /// Audited commands.
        AuditCommands(TpmlCc) = 4,
        /// Allocation of PCR.
        AssignedPcr(TpmlPcrSelection) = 5,
        /// Properties.
        TpmProperties(TpmlTaggedTpmProperty) = 6,
        /// PCR properties.
        PcrProperties(TpmlTaggedPcrProperty) = 7,
        /// Curves.
        EccCurves(TpmlEccCurve) = 8,
        /// Policies.
        AuthPolicies(TpmlTaggedPolicy) = 9,
        /// Authenticated timers.
        ActData(TpmlActData) = 10,
        /// Public keys that are no objects.
        PubKeys(TpmlPubKey) = 11,
        /// The secure channel of the command.
        SpdmSessionInfo(TpmlSpdmSessionInfo) = 12,
        /// What the vendor adds.
        VendorProperty(TpmlVendorProperty) = 0x100,
        /// Commands that the platform has switched off.
        DisabledCommands(TpmlCc) = 0x8180_0000,
    }
}

impl TpmsCapabilityData {
    /// Which capability it is.
    #[must_use]
    pub fn capability(&self) -> Option<TpmCap> {
        TpmCap::from_value(self.selector())
    }
}

wire_struct! {
    /// `TPMS_CLOCK_INFO` (Part 2, 10.10.1).
    #[derive(Copy, Default)]
    TpmsClockInfo {
        /// Milliseconds that the TPM has been powered, over its life.
        clock: u64,
        /// TPM Resets since the last `TPM2_Clear`.
        reset_count: u32,
        /// TPM Restarts and Resumes since the last reset.
        restart_count: u32,
        /// Whether `clock` has never been larger than now.
        safe: TpmiYesNo,
    }
}

wire_struct! {
    /// `TPMS_TIME_INFO` (Part 2, 10.10.6).
    #[derive(Copy, Default)]
    TpmsTimeInfo {
        /// Milliseconds since the TPM circuit was last reset.
        time: u64,
        /// The clock.
        clock_info: TpmsClockInfo,
    }
}

wire_struct! {
    /// `TPMS_TIME_ATTEST_INFO` (Part 2, 10.11.1).
    TpmsTimeAttestInfo {
        /// Time and clock.
        time: TpmsTimeInfo,
        /// A vendor-specific version number.
        firmware_version: u64,
    }
}

wire_struct! {
    /// `TPMS_CERTIFY_INFO` (Part 2, 10.11.2).
    TpmsCertifyInfo {
        /// The name of the certified object.
        name: Tpm2bName,
        /// Its qualified name.
        qualified_name: Tpm2bName,
    }
}

wire_struct! {
    /// `TPMS_QUOTE_INFO` (Part 2, 10.11.3).
    TpmsQuoteInfo {
        /// The PCRs.
        pcr_select: TpmlPcrSelection,
        /// The digest of their values.
        pcr_digest: Tpm2bDigest,
    }
}

wire_struct! {
    /// `TPMS_CREATION_INFO` (Part 2, 10.11.6).
    TpmsCreationInfo {
        /// The name of the object.
        object_name: Tpm2bName,
        /// The digest of its creation data.
        creation_hash: Tpm2bDigest,
    }
}

wire_struct! {
    /// `TPMS_NV_CERTIFY_INFO` (Part 2, 10.11.7).
    TpmsNvCertifyInfo {
        /// The name of the index.
        index_name: Tpm2bName,
        /// Where the contents start.
        offset: u16,
        /// The contents.
        nv_contents: Tpm2bMaxNvBuffer,
    }
}

wire_struct! {
    /// `TPMS_NV_DIGEST_CERTIFY_INFO` (Part 2, 10.11.8).
    TpmsNvDigestCertifyInfo {
        /// The name of the index.
        index_name: Tpm2bName,
        /// The digest of the contents.
        nv_digest: Tpm2bDigest,
    }
}

wire_struct! {
    /// `TPMS_COMMAND_AUDIT_INFO` (Part 2, 10.11.5).
    TpmsCommandAuditInfo {
        /// How often the digest has been begun.
        audit_counter: u64,
        /// The hash of the audit.
        digest_alg: TpmAlgId,
        /// The audit digest.
        audit_digest: Tpm2bDigest,
        /// The digest of the codes of the audited commands.
        command_digest: Tpm2bDigest,
    }
}

wire_struct! {
    /// `TPMS_SESSION_AUDIT_INFO` (Part 2, 10.11.6).
    TpmsSessionAuditInfo {
        /// Whether no other command came between the audited ones.
        exclusive_session: TpmiYesNo,
        /// The audit digest of the session.
        session_digest: Tpm2bDigest,
    }
}

/// `TPMU_ATTEST` (Part 2, 10.11.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TpmuAttest {
    /// An object.
    Certify(TpmsCertifyInfo),
    /// The creation of an object.
    Creation(TpmsCreationInfo),
    /// PCR.
    Quote(TpmsQuoteInfo),
    /// The command audit.
    CommandAudit(TpmsCommandAuditInfo),
    /// The audit of a session.
    SessionAudit(TpmsSessionAuditInfo),
    /// Time.
    Time(TpmsTimeAttestInfo),
    /// The contents of an NV index.
    Nv(TpmsNvCertifyInfo),
    /// The digest of the contents of an NV index.
    NvDigest(TpmsNvDigestCertifyInfo),
}

impl TpmuAttest {
    /// The type on the wire (`TPMI_ST_ATTEST`).
    #[must_use]
    pub const fn tag(&self) -> TpmSt {
        match self {
            Self::Certify(_) => TpmSt::AttestCertify,
            Self::Creation(_) => TpmSt::AttestCreation,
            Self::Quote(_) => TpmSt::AttestQuote,
            Self::CommandAudit(_) => TpmSt::AttestCommandAudit,
            Self::SessionAudit(_) => TpmSt::AttestSessionAudit,
            Self::Time(_) => TpmSt::AttestTime,
            Self::Nv(_) => TpmSt::AttestNv,
            Self::NvDigest(_) => TpmSt::AttestNvDigest,
        }
    }

    fn marshal(&self, out: &mut Vec<u8>) {
        match self {
            Self::Certify(info) => info.marshal(out),
            Self::Creation(info) => info.marshal(out),
            Self::Quote(info) => info.marshal(out),
            Self::CommandAudit(info) => info.marshal(out),
            Self::SessionAudit(info) => info.marshal(out),
            Self::Time(info) => info.marshal(out),
            Self::Nv(info) => info.marshal(out),
            Self::NvDigest(info) => info.marshal(out),
        }
    }

    fn unmarshal(tag: TpmSt, reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        match tag {
            TpmSt::AttestCertify => Wire::unmarshal(reader).map(Self::Certify),
            TpmSt::AttestCreation => Wire::unmarshal(reader).map(Self::Creation),
            TpmSt::AttestQuote => Wire::unmarshal(reader).map(Self::Quote),
            TpmSt::AttestCommandAudit => Wire::unmarshal(reader).map(Self::CommandAudit),
            TpmSt::AttestSessionAudit => Wire::unmarshal(reader).map(Self::SessionAudit),
            TpmSt::AttestTime => Wire::unmarshal(reader).map(Self::Time),
            TpmSt::AttestNv => Wire::unmarshal(reader).map(Self::Nv),
            TpmSt::AttestNvDigest => Wire::unmarshal(reader).map(Self::NvDigest),
            _ => Err(TpmRc::SELECTOR),
        }
    }
}

/// `TPMS_ATTEST` (Part 2, 10.11.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmsAttest {
    /// The qualified name of the signing key.
    pub qualified_signer: Tpm2bName,
    /// Data from the caller.
    pub extra_data: Tpm2bData,
    /// The clock, obfuscated if the signing key is not in the endorsement or platform hierarchy.
    pub clock_info: TpmsClockInfo,
    /// The firmware version, obfuscated likewise.
    pub firmware_version: u64,
    /// What is attested.
    pub attested: TpmuAttest,
}

impl Wire for TpmsAttest {
    fn marshal(&self, out: &mut Vec<u8>) {
        TPM_GENERATED_VALUE.marshal(out);
        self.attested.tag().marshal(out);
        self.qualified_signer.marshal(out);
        self.extra_data.marshal(out);
        self.clock_info.marshal(out);
        self.firmware_version.marshal(out);
        self.attested.marshal(out);
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        if u32::unmarshal(reader)? != TPM_GENERATED_VALUE {
            return Err(TpmRc::VALUE);
        }
        let tag = TpmSt::unmarshal(reader)?;
        Ok(Self {
            qualified_signer: Wire::unmarshal(reader)?,
            extra_data: Wire::unmarshal(reader)?,
            clock_info: Wire::unmarshal(reader)?,
            firmware_version: Wire::unmarshal(reader)?,
            attested: TpmuAttest::unmarshal(tag, reader)?,
        })
    }
}

wire_struct! {
    /// `TPMS_AUTH_COMMAND` (Part 2, 10.12.2).
    TpmsAuthCommand {
        /// The session.
        session_handle: TpmiShAuthSession,
        /// The caller's nonce.
        nonce: Tpm2bNonce,
        /// Session attributes.
        session_attributes: TpmaSession,
        /// The HMAC or password.
        hmac: Tpm2bAuth,
    }
}

wire_struct! {
    /// `TPMS_AUTH_RESPONSE` (Part 2, 10.12.3).
    TpmsAuthResponse {
        /// The TPM's nonce.
        nonce: Tpm2bNonce,
        /// Session attributes.
        session_attributes: TpmaSession,
        /// The HMAC.
        hmac: Tpm2bAuth,
    }
}

wire_struct! {
    /// `TPMS_CREATION_DATA` (Part 2, 15.1).
    TpmsCreationData {
        /// The PCRs that `pcr_digest` covers.
        pcr_select: TpmlPcrSelection,
        /// The digest of the selected PCRs, with the name algorithm of the object.
        pcr_digest: Tpm2bDigest,
        /// The locality of the creation.
        locality: TpmaLocality,
        /// The name algorithm of the parent.
        parent_name_alg: TpmAlgId,
        /// The name of the parent.
        parent_name: Tpm2bName,
        /// The qualified name of the parent.
        parent_qualified_name: Tpm2bName,
        /// Data from the caller.
        outside_info: Tpm2bData,
    }
}

/// A handle of an NV index, where it stands inside a structure.
pub type NvIndexHandle = TpmiRhNvIndex;
