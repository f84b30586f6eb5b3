//! Data sealed to a TPM that is somewhere else: wrapped in software to its storage key, as `TPM2_Duplicate` does, under a policy that is
//! computed here (Part 3, 23.7 and 23.9). Only that TPM can import it, and it gives the data back only while the policy holds. The form
//! is a TSS2 PRIVATE KEY file of sealed data with a secret, which [`crate::unseal`] opens there.

use ironroot_client::{
    Created, object_name, templates,
    wire::{
        HandleKind, PublicKind, SeedValue, Tpm2bAuth, Tpm2bDigest, Tpm2bName, Tpm2bSensitiveData, TpmEo, TpmHandle,
        TpmaObject, TpmsKeyedhashParms, TpmtPublic, TpmtSensitive, TpmuSensitiveComposite, Wire as _,
        limits::MAX_SYM_DATA,
    },
};
use ironroot_crypto::digest;
use zeroize::Zeroizing;

use crate::{
    KeyError, KeyFile, Pcrs, PolicyStep, SharedTpm,
    key_file::FileKind,
    policy::{POLICY_NV, POLICY_PCR, SHA256, pcr_step},
    wrap::wrap,
};

/// What a counter of eight bytes in the TPM may have come to: no more than this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterLimit {
    /// The NV index.
    pub index: TpmHandle,
    /// Its name, as `TPM2_NV_ReadPublic` gives it when the index has been written.
    pub name: Tpm2bName,
    /// The highest value.
    pub at_most: u64,
}

/// The values that PCRs of the other TPM have to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcrState {
    /// The PCRs.
    pub pcrs: Pcrs,
    /// SHA-256 over their values ([`Pcrs::digest_of`]).
    pub digest: [u8; 32],
}

/// Under which conditions the other TPM gives the data back. All that are named have to hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoteConditions<'a> {
    /// PCRs.
    pub pcrs: Option<&'a PcrState>,
    /// A counter.
    pub counter: Option<&'a CounterLimit>,
}

impl Pcrs {
    /// SHA-256 over the values that these PCRs have now, for [`PcrState`].
    ///
    /// # Errors
    /// [`KeyError::Sealed`] for PCRs that the TPM does not have.
    pub fn digest_of(&self, tpm: &SharedTpm) -> Result<[u8; 32], KeyError> {
        let digest = self.digest(&mut *tpm.lock()?, SHA256)?;
        digest.as_slice().try_into().map_err(|_| KeyError::unsuitable("a digest of SHA-256 has 32 bytes"))
    }
}

/// Seals up to 128 bytes to the storage key of a TPM elsewhere ([`crate::parent_public`], [`crate::parent_from`]), as a PEM file.
///
/// # Errors
/// [`KeyError::Sealed`] for too much data; [`KeyError::Unsuitable`] for a parent that is no storage key.
pub fn seal_for(parent: &TpmtPublic, data: &[u8], conditions: RemoteConditions<'_>) -> Result<String, KeyError> {
    if data.is_empty() || data.len() > MAX_SYM_DATA {
        let reason = format!(
            "a TPM seals 1 to {MAX_SYM_DATA} bytes, not {}: encrypt more than that, and seal the key",
            data.len()
        );
        return Err(KeyError::Sealed(reason));
    }
    let (policy, auth_policy) = policy_of(&conditions)?;
    // The obfuscation value, from which the public area's unique value follows (Part 1, 25.4): as long as the name's digest.
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|_| KeyError::Random)?;
    let unique = digest(SHA256, &[&*seed, data]);
    let mut object_attributes = TpmaObject::NO_DA;
    if policy.is_empty() {
        object_attributes = object_attributes.with(TpmaObject::USER_WITH_AUTH);
    }
    let too_long = |_| KeyError::Sealed("it does not fit into a TPM's object".into());
    let public = TpmtPublic {
        object_attributes,
        auth_policy,
        kind: PublicKind::Keyedhash(
            TpmsKeyedhashParms { scheme: None },
            Tpm2bDigest::from_slice(&unique).map_err(too_long)?,
        ),
        ..templates::sealed()
    };
    let sensitive = TpmtSensitive {
        auth_value: Tpm2bAuth::default(),
        seed_value: SeedValue::from_slice(&*seed).map_err(too_long)?,
        sensitive: TpmuSensitiveComposite::Bits(Tpm2bSensitiveData::from_slice(data).map_err(too_long)?),
    };
    let wrapped = wrap(parent, &public, sensitive)?;
    let object = Created { private: wrapped.duplicate, public };
    let file = KeyFile {
        policy,
        secret: Some(wrapped.secret),
        rsa_parent: matches!(parent.kind, PublicKind::Rsa(..)),
        ..KeyFile::of(FileKind::Sealed, TpmHandle::OWNER, object)
    };
    file.to_pem()
}

/// The steps, and the policy that they make with SHA-256.
fn policy_of(conditions: &RemoteConditions<'_>) -> Result<(Vec<PolicyStep>, Tpm2bDigest), KeyError> {
    let (mut steps, mut policy) = (Vec::new(), None);
    let mut extend = |parts: &[&[u8]]| {
        let before = policy.take().unwrap_or_else(|| vec![0; 32]);
        let mut all = vec![before.as_slice()];
        all.extend_from_slice(parts);
        policy = Some(digest(SHA256, &all).to_vec());
    };
    if let Some(state) = conditions.pcrs {
        extend(&[&POLICY_PCR.to_bytes(), &state.pcrs.selection().to_bytes(), &state.digest]);
        steps.push(pcr_step(&state.pcrs, &state.digest));
    }
    if let Some(limit) = conditions.counter {
        if limit.index.kind() != HandleKind::NvIndex {
            return Err(KeyError::Sealed(format!("{:#010x} is no NV index", limit.index.0)));
        }
        let operand = limit.at_most.to_be_bytes();
        let arguments = digest(SHA256, &[&operand, &0_u16.to_be_bytes(), &TpmEo::UnsignedLe.to_bytes()]);
        extend(&[&POLICY_NV.to_bytes(), &arguments, &limit.name]);
        steps.push(counter_step(limit));
    }
    let policy = policy.map(|policy| Tpm2bDigest::from_slice(&policy)).transpose();
    let policy = policy.map_err(|_| KeyError::unsuitable("a policy of SHA-256 has 32 bytes"))?;
    Ok((steps, policy.unwrap_or_default()))
}

/// The index, and the limit behind it.
fn counter_step(limit: &CounterLimit) -> PolicyStep {
    let mut body = limit.index.0.to_be_bytes().to_vec();
    body.extend_from_slice(&limit.at_most.to_be_bytes());
    PolicyStep { code: POLICY_NV.0, body }
}

/// The index and the limit of a step of [`seal_for`].
pub(crate) fn counter_of(step: &PolicyStep) -> Option<(TpmHandle, u64)> {
    let (index, limit) = step.body.split_at_checked(4)?;
    let index = TpmHandle(u32::from_be_bytes(index.try_into().ok()?));
    Some((index, u64::from_be_bytes(limit.try_into().ok()?))).filter(|(index, _)| index.kind() == HandleKind::NvIndex)
}

/// The counter to which sealed data is bound, and its highest value; nothing if it is not.
///
/// # Errors
/// [`KeyError::KeyFile`] for what is no TSS2 PRIVATE KEY file.
pub fn counter_limit(pem: &str) -> Result<Option<(TpmHandle, u64)>, KeyError> {
    let file = KeyFile::from_pem(pem)?;
    Ok(file.policy.iter().filter(|step| step.code == POLICY_NV.0).find_map(counter_of))
}

/// What people compare storage keys by: the digest of the public area, in hexadecimal.
#[must_use]
pub fn parent_fingerprint(parent: &TpmtPublic) -> String {
    object_name(parent).iter().skip(2).map(|byte| format!("{byte:02x}")).collect()
}
