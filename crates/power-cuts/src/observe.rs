//! Asking a TPM what it holds, by commands that change nothing.

use std::collections::BTreeMap;

use ironroot_wire::*;

use crate::client::{Client, password};
use crate::view::{Allocation, Auths, Data, Index, Seen, lasting};

/// The properties that outlive a power cycle.
const PROPERTIES: [TpmPt; 10] = [
    TpmPt::PERMANENT,
    TpmPt::HR_NV_INDEX,
    TpmPt::HR_PERSISTENT,
    TpmPt::NV_COUNTERS,
    TpmPt::LOCKOUT_COUNTER,
    TpmPt::MAX_AUTH_FAIL,
    TpmPt::LOCKOUT_INTERVAL,
    TpmPt::LOCKOUT_RECOVERY,
    TpmPt::AUDIT_COUNTER_0,
    TpmPt::AUDIT_COUNTER_1,
];

/// The attributes of an index that its life changes.
const VARIABLE: TpmaNv = TpmaNv::WRITTEN.with(TpmaNv::WRITELOCKED).with(TpmaNv::READLOCKED);
const NV_FIRST: u32 = 0x0100_0000;
const PERSISTENT_FIRST: u32 = 0x8100_0000;
const CHUNK: usize = 1024;

/// A question that was not answered.
pub type Unanswered = String;

fn because(what: &str) -> impl Fn(TpmRc) -> Unanswered + '_ {
    move |rc| format!("{what}: {rc}")
}

impl Client {
    /// Everything. `before` is what was seen last: its primary keys are taken over unless they are asked for `anew`.
    ///
    /// # Errors
    /// The first question that was not answered.
    pub fn see(&mut self, auths: &Auths, before: Option<&Seen>, anew: bool) -> Result<Seen, Unanswered> {
        let mut indices = BTreeMap::new();
        for handle in self.handles(NV_FIRST)? {
            indices.insert(handle, self.index(handle, auths.of(TpmHandle::PLATFORM))?);
        }
        let mut persistent = BTreeMap::new();
        for handle in self.handles(PERSISTENT_FIRST)? {
            let read = ReadPublic { object_handle: TpmiDhObject(handle) };
            let public = self.run(&read, &[]).map_err(because("ReadPublic"))?;
            persistent.insert(handle, public.name.to_vec());
        }
        let primaries = match before {
            Some(before) if !anew => before.primaries.clone(),
            _ => self.primaries(auths)?,
        };
        let read = PcrRead {
            pcr_selection_in: TpmlPcrSelection::new(vec![TpmsPcrSelection {
                hash: TpmiAlgHash::Sha256,
                pcr_select: TpmsPcrSelect::of(&[0, 1, 7]),
            }]),
        };
        let pcrs = self.run(&read, &[]).map_err(because("PCR_Read"))?;
        let mut values = Vec::new();
        pcrs.pcr_values.marshal(&mut values);
        Ok(Seen {
            indices,
            persistent,
            primaries,
            properties: self.properties()?,
            lists: self.lists()?,
            allocation: self.allocation()?,
            pcrs: values,
            time: self.run(&ReadClock {}, &[]).map_err(because("ReadClock"))?.current_time,
        })
    }

    fn capability(&mut self, capability: TpmCap, property: u32) -> Result<TpmsCapabilityData, Unanswered> {
        let get = GetCapability { capability, property, property_count: 256 };
        Ok(self.run(&get, &[]).map_err(because("GetCapability"))?.capability_data)
    }

    fn allocation(&mut self) -> Result<Allocation, Unanswered> {
        match self.capability(TpmCap::Pcrs, 0)? {
            TpmsCapabilityData::AssignedPcr(list) => {
                Ok(list.iter().map(|bank| (bank.hash, bank.pcr_select.0)).collect())
            }
            other => Err(format!("asked for the allocation of PCR, got {other:?}")),
        }
    }

    fn handles(&mut self, first: u32) -> Result<Vec<u32>, Unanswered> {
        match self.capability(TpmCap::Handles, first)? {
            TpmsCapabilityData::Handles(list) => Ok(list.iter().map(|handle| handle.0).collect()),
            other => Err(format!("asked for handles, got {other:?}")),
        }
    }

    fn index(&mut self, handle: u32, platform: &[u8]) -> Result<Index, Unanswered> {
        let nv_index = TpmiRhNvIndex(handle);
        let mut public = self.run(&NvReadPublic { nv_index }, &[]).map_err(because("NV_ReadPublic"))?.nv_public.0;
        let attributes = public.attributes;
        public.attributes = attributes.without(VARIABLE);
        let data = self.data(nv_index, usize::from(public.data_size), platform);
        let data = match data {
            Ok(bytes) => Data::Bytes(bytes),
            Err(TpmRc::NV_UNINITIALIZED) => Data::Unwritten,
            Err(TpmRc::NV_LOCKED) => Data::Hidden,
            Err(rc) => return Err(format!("NV_Read of {handle:#x}: {rc}")),
        };
        Ok(Index { attributes, public: public.to_bytes(), data })
    }

    fn data(&mut self, nv_index: TpmiRhNvIndex, size: usize, platform: &[u8]) -> Result<Vec<u8>, TpmRc> {
        let mut data = Vec::new();
        loop {
            let count = size.saturating_sub(data.len()).min(CHUNK);
            let read = NvRead {
                auth_handle: TpmiRhNvAuth(TpmHandle::PLATFORM.0),
                nv_index,
                size: count as u16,
                offset: data.len() as u16,
            };
            data.extend_from_slice(&self.run(&read, &[password(platform)])?.data);
            if data.len() >= size {
                return Ok(data);
            }
        }
    }

    fn properties(&mut self) -> Result<BTreeMap<TpmPt, u32>, Unanswered> {
        let TpmsCapabilityData::TpmProperties(list) = self.capability(TpmCap::TpmProperties, 0x200)? else {
            return Err("asked for properties, got something else".into());
        };
        let kept = list.iter().filter(|entry| PROPERTIES.contains(&entry.property));
        Ok(kept
            .map(|entry| match entry.property {
                TpmPt::PERMANENT => (entry.property, lasting(entry.value)),
                property => (property, entry.value),
            })
            .collect())
    }

    /// Lists that outlive a power cycle. Of policies, those of the hierarchies that keep theirs.
    fn lists(&mut self) -> Result<Vec<Vec<u8>>, Unanswered> {
        let mut lists = Vec::new();
        for capability in [TpmCap::AuditCommands, TpmCap::PpCommands, TpmCap::DisabledCommands] {
            lists.push(self.capability(capability, 0)?.to_bytes());
        }
        let TpmsCapabilityData::AuthPolicies(policies) = self.capability(TpmCap::AuthPolicies, 0x4000_0000)? else {
            return Err("asked for policies, got something else".into());
        };
        for hierarchy in [TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::LOCKOUT] {
            let policy = policies.iter().find(|entry| entry.handle == hierarchy);
            lists.push(policy.map(Wire::to_bytes).unwrap_or_default());
        }
        Ok(lists)
    }

    /// The names of an HMAC key of each hierarchy.
    fn primaries(&mut self, auths: &Auths) -> Result<BTreeMap<u32, Vec<u8>>, Unanswered> {
        let mut names = BTreeMap::new();
        for hierarchy in [TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::PLATFORM] {
            let made = self
                .run(&hmac_key(hierarchy, b""), &[password(auths.of(hierarchy))])
                .map_err(because("CreatePrimary"))?;
            let flush = FlushContext { flush_handle: TpmiDhContext(made.object_handle.0) };
            self.run(&flush, &[]).map_err(because("FlushContext"))?;
            names.insert(hierarchy.0, made.name.to_vec());
        }
        Ok(names)
    }

    /// Whether the auth values are what the client thinks that they are: each is tried.
    ///
    /// # Errors
    /// The first that does not authorize.
    pub fn try_auths(&mut self, auths: &Auths) -> Result<(), Unanswered> {
        let start = start_session(TpmSe::Trial);
        let session = self.run(&start, &[]).map_err(because("StartAuthSession"))?.session_handle;
        let policy_session = TpmiShPolicy(session.0);
        let hierarchies = [TpmHandle::OWNER, TpmHandle::ENDORSEMENT, TpmHandle::LOCKOUT].map(|handle| handle.0);
        let lasting = hierarchies.iter().map(|handle| (*handle, auths.of(TpmHandle(*handle))));
        for (handle, auth) in lasting.chain(auths.indices.iter().map(|(handle, auth)| (*handle, auth.as_slice()))) {
            let secret = PolicySecret {
                auth_handle: TpmiDhEntity(handle),
                policy_session,
                nonce_tpm: Tpm2bNonce::default(),
                cp_hash_a: Tpm2bDigest::default(),
                policy_ref: Tpm2bNonce::default(),
                expiration: 0,
            };
            match self.run(&secret, &[password(auth)]) {
                Ok(_) | Err(TpmRc::LOCKOUT) => {}
                Err(rc) => return Err(format!("the auth value of {handle:#x}: {rc}")),
            }
        }
        let flush = FlushContext { flush_handle: TpmiDhContext(session.0) };
        self.run(&flush, &[]).map(drop).map_err(because("FlushContext"))
    }
}

/// `TPM2_StartAuthSession` for a session without a key.
#[must_use]
pub fn start_session(session_type: TpmSe) -> StartAuthSession {
    StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[0xA5; 16]).unwrap_or_default(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type,
        symmetric: None,
        auth_hash: TpmiAlgHash::Sha256,
    }
}

/// `TPM2_CreatePrimary` of an HMAC key, which takes next to no time; `label` makes it another one.
#[must_use]
pub fn hmac_key(hierarchy: TpmHandle, label: &[u8]) -> CreatePrimary {
    let own = TpmaObject::FIXED_TPM
        .with(TpmaObject::FIXED_PARENT)
        .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
        .with(TpmaObject::USER_WITH_AUTH)
        .with(TpmaObject::NO_DA)
        .with(TpmaObject::SIGN_ENCRYPT);
    let scheme = Some(TpmtKeyedhashScheme::Hmac(TpmiAlgHash::Sha256));
    create_primary(
        hierarchy,
        TpmtPublic {
            name_alg: Some(TpmiAlgHash::Sha256),
            object_attributes: own,
            auth_policy: Tpm2bDigest::default(),
            kind: PublicKind::Keyedhash(
                TpmsKeyedhashParms { scheme },
                Tpm2bDigest::from_slice(label).unwrap_or_default(),
            ),
        },
    )
}

/// `TPM2_CreatePrimary`.
#[must_use]
pub fn create_primary(hierarchy: TpmHandle, public: TpmtPublic) -> CreatePrimary {
    CreatePrimary {
        primary_handle: TpmiRhHierarchy(hierarchy.0),
        in_sensitive: Tpm2b(TpmsSensitiveCreate {
            user_auth: Tpm2bAuth::default(),
            data: Tpm2bSensitiveData::default(),
        }),
        in_public: Tpm2b(public),
        outside_info: Tpm2bData::default(),
        creation_pcr: TpmlPcrSelection::default(),
    }
}
