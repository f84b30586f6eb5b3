//! Attestation (Part 3, clause 18.1): the structure that says what is attested, its privacy, and its signature.

use alloc::sync::Arc;

use ironroot_crypto::{hash, kdfa};
use ironroot_wire::{
    Tpm2bAttest, Tpm2bData, Tpm2bName, TpmHandle, TpmRc, TpmiAlgHash, TpmiDhObject, TpmsAttest, TpmsClockInfo,
    TpmsSchemeEcdaa, TpmtSigScheme, TpmtSignature, TpmuAttest, Wire,
};

use super::{messages, schemes, signatures, tickets::CONTEXT_INTEGRITY_HASH, version};
use crate::{
    core_state::Core,
    state::{hierarchy::Base, objects::Object},
};

/// Who signs, and how. Nobody (`TPM_RH_NULL`) makes a structure without a signature.
pub struct Signer {
    key: Option<Arc<Object>>,
    scheme: Option<TpmtSigScheme>,
}

/// Where a command has its signing key and its scheme.
#[derive(Clone, Copy)]
pub struct Place {
    /// The number of the handle.
    pub handle: u32,
    /// The number of the parameter.
    pub scheme: u32,
}

impl Signer {
    /// Checks the key and settles the scheme.
    ///
    /// # Errors
    /// `TPM_RC_KEY` if the key may not sign; `TPM_RC_SCHEME` as [`schemes::signing`].
    pub fn new(
        tpm: &Core,
        handle: Option<TpmiDhObject>,
        scheme: Option<TpmtSigScheme>,
        place: Place,
    ) -> Result<Self, TpmRc> {
        let Some(handle) = handle else { return Ok(Self { key: None, scheme }) };
        let key = tpm.object(handle).map_err(|_| TpmRc::KEY.handle(place.handle))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(place.handle));
        }
        let scheme = schemes::signing(&key, scheme).map_err(|rc| rc.parameter(place.scheme))?;
        Ok(Self { key: Some(key), scheme: Some(scheme) })
    }

    /// The hash of what is attested to by its digest: that of the scheme, or if the scheme signs messages and has none, that
    /// of the key's name. Without a key, that of the caller's scheme.
    #[must_use]
    pub fn hash(&self) -> Option<TpmiAlgHash> {
        let scheme = self.scheme.as_ref()?;
        let Some(key) = &self.key else { return scheme.hash() };
        schemes::digest_hash(key, scheme).or(scheme.hash()).or(key.public.name_alg)
    }

    /// Makes the structure and signs it.
    ///
    /// # Errors
    /// `TPM_RC_KEY_SIZE` if the key is too small for the scheme.
    pub fn attest(
        self,
        tpm: &mut Core,
        extra_data: Tpm2bData,
        attested: TpmuAttest,
    ) -> Result<(Tpm2bAttest, Option<TpmtSignature>), TpmRc> {
        let structure = self.structure(tpm, extra_data.clone(), attested)?;
        let attest = structure.to_bytes();
        let signature = match (&self.key, self.scheme) {
            (Some(key), Some(scheme)) => Some(sign(tpm, key, scheme, &attest, &extra_data)?),
            _ => None,
        };
        Ok((Tpm2bAttest::from_slice(&attest)?, signature))
    }

    fn structure(&self, tpm: &Core, extra_data: Tpm2bData, attested: TpmuAttest) -> Result<TpmsAttest, TpmRc> {
        let qualified_signer = match &self.key {
            Some(key) => key.qualified_name.clone(),
            None => Tpm2bName::from_slice(&TpmHandle::NULL.to_bytes())?,
        };
        let clock_info = tpm.clock.info(tpm.nv.permanent()).clock_info;
        let (clock_info, firmware_version) = match self.key.as_ref().map(|key| key.hierarchy.base) {
            Some(Base::Endorsement | Base::Platform) => (clock_info, version::FIRMWARE),
            _ => self.obfuscated(tpm, &qualified_signer, clock_info),
        };
        // What an anonymous scheme signs must not say who signs (Part 1, 44.3.3.3).
        let (qualified_signer, extra_data) = match self.scheme {
            Some(TpmtSigScheme::Ecdaa(_)) => (Tpm2bName::default(), Tpm2bData::default()),
            _ => (qualified_signer, extra_data),
        };
        Ok(TpmsAttest { qualified_signer, extra_data, clock_info, firmware_version, attested })
    }

    /// The counts and the version with something added that only this TPM knows, so that attestations of keys that are not
    /// the privacy administrator's cannot be told to come from one TPM.
    fn obfuscated(&self, tpm: &Core, qualified_signer: &[u8], info: TpmsClockInfo) -> (TpmsClockInfo, u64) {
        let hash = self.key.as_ref().and_then(|key| key.public.name_alg).unwrap_or(CONTEXT_INTEGRITY_HASH);
        let proof = tpm.base_proof(Base::Owner);
        let mask = kdfa(hash, proof, b"OBFUSCATE", qualified_signer, &[], 128);
        let [firmware, counts] = [0, 8].map(|start| {
            let bytes = mask.get(start..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
            u64::from_be_bytes(bytes)
        });
        let clock_info = TpmsClockInfo {
            reset_count: info.reset_count.wrapping_add((counts >> 32) as u32),
            restart_count: info.restart_count.wrapping_add(counts as u32),
            ..info
        };
        (clock_info, version::FIRMWARE.wrapping_add(firmware))
    }
}

/// Signs the structure. A keyed hash signs its digest, as it does in `TPM2_Sign`; SM2 leaves out the signer's identity
/// (Part 1, 45.2.2.5); ECDAA takes in the qualifying data, which the structure does not have (Part 1, equation 61).
fn sign(
    tpm: &mut Core,
    key: &Object,
    scheme: TpmtSigScheme,
    attest: &[u8],
    qualifying_data: &[u8],
) -> Result<TpmtSignature, TpmRc> {
    match scheme {
        TpmtSigScheme::Hmac(hash) | TpmtSigScheme::Sm2(hash) => {
            signatures::sign(tpm, key, scheme, &[], &hash::digest(hash, &[attest]))
        }
        TpmtSigScheme::Ecdaa(TpmsSchemeEcdaa { hash_alg, .. }) => {
            let digest = hash::digest(hash_alg, &[qualifying_data, &hash::digest(hash_alg, &[attest])]);
            signatures::sign(tpm, key, scheme, &[], &digest)
        }
        _ => messages::sign(tpm, key, scheme, &[attest]),
    }
}
