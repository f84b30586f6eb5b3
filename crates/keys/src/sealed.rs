//! Data that only this TPM gives back, under conditions: a password, PCR values, or PCR values that somebody has approved with a
//! signature (`TPM2_PolicyAuthorize`). The form is a TSS2 PRIVATE KEY file of sealed data.
//!
//! Its parent is in the owner hierarchy, so `TPM2_Clear` is the end of it: sealed data belongs to an owner.

use std::str::FromStr;

use ironroot_client::{
    Auth, ClientError, Session, SessionOptions, Tpm, object_name, pcr_selection, templates,
    wire::{
        LoadExternal, PolicyAuthorize, PolicyPcr, PublicKind, Tpm2b, Tpm2bDigest, Tpm2bEccParameter, Tpm2bName,
        Tpm2bNonce, Tpm2bOption, Tpm2bPublicKeyRsa, TpmCc, TpmHandle, TpmRc, TpmaObject, TpmiAlgHash, TpmiRhHierarchy,
        TpmiRsaKeyBits, TpmiShPolicy, TpmlPcrSelection, TpmsEccParms, TpmsEccPoint, TpmsRsaParms, TpmsSignatureEcc,
        TpmsSignatureRsa, TpmtPublic, TpmtPublicPlus, TpmtSignature, TpmtTkVerified, TpmuTkVerifiedMeta, Wire,
        limits::MAX_SYM_DATA,
    },
};
use ironroot_crypto::digest;
use zeroize::Zeroizing;

use crate::{
    KeyError, KeyFile, SharedTpm, VerifyingKey,
    key_file::{FileKind, PolicyStep, with_parent},
    verify::Kind,
};

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const POLICY_AUTHORIZE: TpmCc = TpmCc(0x16A);
const POLICY_AUTH_VALUE: TpmCc = TpmCc(0x16B);
const POLICY_PCR: TpmCc = TpmCc(0x17F);

/// PCRs of one bank: "sha256:0,7".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcrs {
    hash: TpmiAlgHash,
    numbers: Vec<u32>,
}

impl FromStr for Pcrs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "expected a bank and PCRs, such as sha256:0,7";
        let (bank, list) = text.split_once(':').ok_or(form)?;
        let hash = match bank {
            "sha1" => TpmiAlgHash::Sha1,
            "sha256" => TpmiAlgHash::Sha256,
            "sha384" => TpmiAlgHash::Sha384,
            "sha512" => TpmiAlgHash::Sha512,
            _ => return Err(format!("{bank} is no bank of PCRs here: sha1, sha256, sha384, sha512")),
        };
        let mut numbers = Vec::new();
        for number in list.split(',') {
            match number.trim().parse() {
                Ok(number @ 0..=23) => numbers.push(number),
                _ => return Err(format!("\"{number}\" is no PCR from 0 to 23; {form}")),
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Self { hash, numbers })
    }
}

impl Pcrs {
    fn selection(&self) -> TpmlPcrSelection {
        pcr_selection(self.hash, &self.numbers)
    }

    /// The digest of the values as they are (Part 3, 23.7).
    fn digest(&self, tpm: &mut Tpm) -> Result<Tpm2bDigest, KeyError> {
        let mut values = tpm.pcr_read(self.hash, &self.numbers)?;
        values.sort_by_key(|value| value.pcr);
        if values.len() != self.numbers.len() {
            let reason = "this TPM does not have all of these PCRs in this bank; see tpm2_getcap pcrs";
            return Err(KeyError::Sealed(reason.into()));
        }
        let parts: Vec<&[u8]> = values.iter().map(|value| value.digest.as_slice()).collect();
        Ok(Tpm2bDigest::from_slice(&digest(SHA256, &parts)).unwrap_or_default())
    }
}

/// Under which conditions data is given back. All that are named have to hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// A password; empty for none.
    pub password: &'a [u8],
    /// PCRs that have the values that they have now.
    pub pcrs: Option<&'a Pcrs>,
    /// PCR values that the holder of this key has approved.
    pub signer: Option<&'a VerifyingKey>,
}

/// An approval of the signer's: which PCRs, and its signature of [`approvable`] for them (ECDSA in DER, or RSASSA; SHA-256).
#[derive(Debug, Clone, Copy)]
pub struct Approval<'a> {
    /// The PCRs.
    pub pcrs: &'a Pcrs,
    /// The signature.
    pub signature: &'a [u8],
}

/// Seals up to 128 bytes, as a PEM file.
///
/// # Errors
/// [`KeyError::Sealed`] for too much data, conditions that exclude each other, or PCRs that the TPM does not have.
pub fn seal(tpm: &SharedTpm, data: &[u8], conditions: Conditions<'_>) -> Result<String, KeyError> {
    if data.is_empty() || data.len() > MAX_SYM_DATA {
        return Err(KeyError::Sealed(format!(
            "a TPM seals 1 to {MAX_SYM_DATA} bytes, not {}: encrypt more than that, and seal the key",
            data.len()
        )));
    }
    if conditions.pcrs.is_some() && conditions.signer.is_some() {
        let reason = "the signer approves PCR values later: name either PCRs or a signer";
        return Err(KeyError::Sealed(reason.into()));
    }
    let steps = steps(&mut *tpm.lock()?, &conditions)?;
    let policy = if steps.is_empty() { Tpm2bDigest::default() } else { trial(&mut *tpm.lock()?, &steps)? };
    let mut template = TpmtPublic { auth_policy: policy, ..templates::sealed() };
    if !steps.is_empty() {
        template.object_attributes = template.object_attributes.without(TpmaObject::USER_WITH_AUTH);
    }
    if conditions.password.is_empty() {
        template.object_attributes = template.object_attributes.with(TpmaObject::NO_DA);
    }
    let created = with_parent(tpm, TpmHandle::OWNER, false, |tpm, parent| {
        let options = SessionOptions::hmac().salted(parent.handle, &parent.public);
        let session = tpm.start_session(&options)?.encrypting();
        let before = tpm.set_companion(Some(session));
        let result = tpm.create(parent.handle, &template, conditions.password, data);
        let session = tpm.set_companion(before);
        let ended = session.map_or(Ok(()), |session| tpm.end_session(session));
        let created = result?;
        ended?;
        Ok(created)
    })?;
    let file = KeyFile {
        kind: FileKind::Sealed,
        empty_auth: conditions.password.is_empty(),
        parent: TpmHandle::OWNER,
        rsa_parent: false,
        description: None,
        policy: steps,
        public: created.public,
        private: created.private,
    };
    file.to_pem()
}

/// Gives back what was sealed.
///
/// # Errors
/// [`KeyError::Sealed`] with the condition that does not hold; [`KeyError::KeyFile`] for a file that cannot be understood.
pub fn unseal(
    tpm: &SharedTpm,
    pem: &str,
    password: &[u8],
    approval: Option<Approval<'_>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file = KeyFile::from_pem(pem)?;
    if file.kind != FileKind::Sealed {
        return Err(KeyError::KeyFile("it holds a key and no sealed data".into()));
    }
    if !file.empty_auth && password.is_empty() {
        return Err(KeyError::Sealed("it was sealed with a password: give it with --password".into()));
    }
    with_parent(tpm, file.parent, file.rsa_parent, |tpm, parent| {
        let loaded = tpm.load(parent.handle, &file.private, &file.public).map_err(not_loaded)?;
        tpm.set_auth(loaded.handle, password);
        let options = if file.policy.is_empty() { SessionOptions::hmac() } else { SessionOptions::policy() };
        let result: Result<_, KeyError> = (|| {
            let options = options.salted(parent.handle, &parent.public);
            let mut session = tpm.start_session(&options)?.encrypting_responses();
            let opened = fulfil(tpm, &mut session, &file.policy, approval)
                .and_then(|()| tpm.unseal(loaded.handle, &mut [Auth::Session(&mut session)]).map_err(not_unsealed));
            let ended = tpm.end_session(session);
            let data = opened?;
            ended?;
            Ok(data)
        })();
        let flushed = tpm.flush(loaded.handle);
        let data = result?;
        flushed?;
        Ok(data)
    })
}

/// What a signer signs (with SHA-256) to approve the values that these PCRs have now: the policy that they make.
///
/// # Errors
/// [`KeyError::Sealed`] for PCRs that the TPM does not have.
pub fn approvable(tpm: &SharedTpm, pcrs: &Pcrs) -> Result<Vec<u8>, KeyError> {
    let mut tpm = tpm.lock()?;
    let step = pcr_step(pcrs, &pcrs.digest(&mut tpm)?);
    Ok(trial(&mut tpm, &[step])?.to_vec())
}

fn steps(tpm: &mut Tpm, conditions: &Conditions<'_>) -> Result<Vec<PolicyStep>, KeyError> {
    let mut steps = Vec::new();
    if let Some(pcrs) = conditions.pcrs {
        steps.push(pcr_step(pcrs, &pcrs.digest(tpm)?));
    }
    if let Some(signer) = conditions.signer {
        // The key, an empty reference, and no signature yet.
        let mut body = Tpm2b(signer_public(signer)?).to_bytes();
        body.extend(Tpm2bNonce::default().to_bytes());
        body.extend([0x00, 0x10]);
        steps.push(PolicyStep { code: POLICY_AUTHORIZE.0, body });
    }
    if !steps.is_empty() && !conditions.password.is_empty() {
        steps.push(PolicyStep { code: POLICY_AUTH_VALUE.0, body: Vec::new() });
    }
    Ok(steps)
}

/// The selection and, behind it, the digest of the values without its size: as `openssl_tpm2_engine` has it.
fn pcr_step(pcrs: &Pcrs, digest: &Tpm2bDigest) -> PolicyStep {
    let mut body = pcrs.selection().to_bytes();
    body.extend_from_slice(digest);
    PolicyStep { code: POLICY_PCR.0, body }
}

/// The policy of these steps.
fn trial(tpm: &mut Tpm, steps: &[PolicyStep]) -> Result<Tpm2bDigest, KeyError> {
    let mut session = tpm.start_session(&SessionOptions::trial())?;
    let result = steps.iter().try_for_each(|step| match TpmCc(step.code) {
        POLICY_AUTHORIZE => {
            let (public, policy_ref) = authority(step)?;
            let ticket = TpmtTkVerified {
                hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
                metadata: TpmuTkVerifiedMeta::Verified,
                hmac: Tpm2bDigest::default(),
            };
            authorize(tpm, &session, Tpm2bDigest::default(), policy_ref, object_name(&public), ticket)
        }
        _ => simple_step(tpm, &mut session, step),
    });
    let result = result.and_then(|()| Ok(tpm.policy_digest(&session)?));
    let ended = tpm.end_session(session);
    let digest = result?;
    ended?;
    Ok(digest)
}

/// Does what the policy asks for.
fn fulfil(
    tpm: &mut Tpm,
    session: &mut Session,
    steps: &[PolicyStep],
    approval: Option<Approval<'_>>,
) -> Result<(), KeyError> {
    for step in steps {
        if TpmCc(step.code) != POLICY_AUTHORIZE {
            simple_step(tpm, session, step)?;
            continue;
        }
        let approval = approval.ok_or_else(|| {
            KeyError::Sealed("it was sealed for PCR values that a signer approves: give --pcr and --approval".into())
        })?;
        let (public, policy_ref) = authority(step)?;
        let now = approval.pcrs.digest(tpm)?;
        simple_step(tpm, session, &pcr_step(approval.pcrs, &now))?;
        let approved = tpm.policy_digest(session)?;
        let ticket = verified(tpm, &public, &[&approved, &policy_ref], approval.signature)?;
        authorize(tpm, session, approved, policy_ref, object_name(&public), ticket)?;
    }
    Ok(())
}

fn simple_step(tpm: &mut Tpm, session: &mut Session, step: &PolicyStep) -> Result<(), KeyError> {
    let broken = || KeyError::KeyFile("its policy has a malformed step".into());
    match TpmCc(step.code) {
        POLICY_AUTH_VALUE => Ok(tpm.policy_auth_value(session)?),
        POLICY_PCR => {
            let size = step.body.len().checked_sub(SHA256.digest_size()).ok_or_else(broken)?;
            let (selection, digest) = step.body.split_at_checked(size).ok_or_else(broken)?;
            let command = PolicyPcr {
                policy_session: TpmiShPolicy(session.handle().0),
                pcr_digest: Tpm2bDigest::from_slice(digest).map_err(|_| broken())?,
                pcrs: TpmlPcrSelection::from_bytes(selection).map_err(|_| broken())?,
            };
            match tpm.run(&command) {
                Err(error) if error.is(TpmRc::VALUE) => {
                    let reason =
                        "PCRs have other values than when it was sealed: the machine has started something else";
                    Err(KeyError::Sealed(reason.into()))
                }
                other => Ok(other.map(|_| ())?),
            }
        }
        other => {
            Err(KeyError::KeyFile(format!("its policy asks for the command {:#x}, which is not known here", other.0)))
        }
    }
}

fn authorize(
    tpm: &mut Tpm,
    session: &Session,
    approved_policy: Tpm2bDigest,
    policy_ref: Tpm2bNonce,
    key_sign: Tpm2bName,
    check_ticket: TpmtTkVerified,
) -> Result<(), KeyError> {
    let policy_session = TpmiShPolicy(session.handle().0);
    tpm.run(&PolicyAuthorize { policy_session, approved_policy, policy_ref, key_sign, check_ticket })?;
    Ok(())
}

/// The signer's public area and the reference, of a step that waits for approval.
fn authority(step: &PolicyStep) -> Result<(TpmtPublic, Tpm2bNonce), KeyError> {
    let broken = || KeyError::KeyFile("its policy has a malformed signer".into());
    let size = step.body.first_chunk().map(|size| usize::from(u16::from_be_bytes(*size))).ok_or_else(broken)?;
    let (public, rest) = step.body.split_at_checked(size + 2).ok_or_else(broken)?;
    let public: Tpm2b<TpmtPublic> = Wire::from_bytes(public).map_err(|_| broken())?;
    let size = rest.first_chunk().map(|size| usize::from(u16::from_be_bytes(*size))).ok_or_else(broken)?;
    let reference = rest.get(..size + 2).ok_or_else(broken)?;
    Ok((public.0, Wire::from_bytes(reference).map_err(|_| broken())?))
}

/// The TPM's word that the signer has signed.
fn verified(
    tpm: &mut Tpm,
    public: &TpmtPublic,
    message: &[&[u8]],
    signature: &[u8],
) -> Result<TpmtTkVerified, KeyError> {
    let not_theirs = || {
        KeyError::Sealed(
            "the approval is not the signer's signature of the values that these PCRs have now: they may have changed, or the \
             approval is for others (see ironroot policy)"
                .into(),
        )
    };
    let signature = signature_of(public, signature).ok_or_else(not_theirs)?;
    let in_public = Tpm2b(TpmtPublicPlus(public.clone()));
    // A ticket needs a hierarchy that has a proof.
    let hierarchy = TpmiRhHierarchy(TpmHandle::OWNER.0);
    let key = tpm.run(&LoadExternal { in_private: Tpm2bOption(None), in_public, hierarchy })?.object_handle;
    let result = tpm.verify_signature(key, &digest(SHA256, message), &signature);
    let flushed = tpm.flush(key);
    let ticket = match result {
        Err(error) if error.tpm_rc().is_some() => return Err(not_theirs()),
        other => other?,
    };
    flushed?;
    Ok(ticket)
}

/// A signer's key as the TPM loads it.
fn signer_public(signer: &VerifyingKey) -> Result<TpmtPublic, KeyError> {
    let kind = match &signer.kind {
        Kind::Rsa { n, e } => {
            let bits = u16::try_from(n.len() * 8).unwrap_or(u16::MAX);
            let exponent = if *e == 65_537 { 0 } else { *e };
            let parms = TpmsRsaParms { symmetric: None, scheme: None, key_bits: TpmiRsaKeyBits::new(bits), exponent };
            PublicKind::Rsa(parms, Tpm2bPublicKeyRsa::from_slice(n).unwrap_or_default())
        }
        Kind::Ecdsa { curve, point } => {
            let parms = TpmsEccParms { symmetric: None, scheme: None, curve_id: *curve, kdf: None };
            let coordinate = |bytes: &[u8]| Tpm2bEccParameter::from_slice(bytes).unwrap_or_default();
            PublicKind::Ecc(parms, TpmsEccPoint { x: coordinate(&point.x), y: coordinate(&point.y) })
        }
        Kind::Ed25519(_) => return Err(KeyError::Sealed("the signer's key is RSA or ECDSA, not Ed25519".into())),
    };
    Ok(TpmtPublic {
        name_alg: Some(SHA256),
        object_attributes: TpmaObject::USER_WITH_AUTH.with(TpmaObject::SIGN_ENCRYPT),
        auth_policy: Tpm2bDigest::default(),
        kind,
    })
}

/// A signature of X.509's form in the TPM's.
fn signature_of(public: &TpmtPublic, signature: &[u8]) -> Option<TpmtSignature> {
    match &public.kind {
        PublicKind::Rsa(..) => {
            let sig = Tpm2bPublicKeyRsa::from_slice(signature).ok()?;
            Some(TpmtSignature::Rsassa(TpmsSignatureRsa { hash: SHA256, sig }))
        }
        PublicKind::Ecc(..) => {
            let (r, s) = crate::verify::numbers(signature)?;
            let signature_r = Tpm2bEccParameter::from_slice(&r).ok()?;
            let signature_s = Tpm2bEccParameter::from_slice(&s).ok()?;
            Some(TpmtSignature::Ecdsa(TpmsSignatureEcc { hash: SHA256, signature_r, signature_s }))
        }
        _ => None,
    }
}

fn not_loaded(error: ClientError) -> KeyError {
    if error.is(TpmRc::INTEGRITY) {
        let reason = "it was sealed by another TPM, or by this one before TPM2_Clear";
        return KeyError::Sealed(reason.into());
    }
    error.into()
}

fn not_unsealed(error: ClientError) -> KeyError {
    let reason = if error.is(TpmRc::AUTH_FAIL) || error.is(TpmRc::BAD_AUTH) {
        "the password is wrong; too many wrong ones lock the TPM for a while"
    } else if error.is(TpmRc::LOCKOUT) {
        "too many wrong passwords: the TPM is locked for a while (tpm2_getcap properties-variable says how long)"
    } else if error.is(TpmRc::POLICY_FAIL) {
        "its policy does not hold"
    } else {
        return error.into();
    };
    KeyError::Sealed(reason.into())
}
