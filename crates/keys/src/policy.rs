//! Policies: what has to hold before the TPM gives back sealed data or uses a key of a file, as TSS2 PRIVATE KEY files describe it
//! (draft-bottomley-tpm2-keys, 4 and 5): a sequence of policy commands, whose first may leave the rest to a signer.

use std::str::FromStr;

use ironroot_client::{
    Session, SessionOptions, Tpm, object_name, pcr_selection,
    wire::{
        LoadExternal, PolicyAuthorize, PolicyCommandCode, PolicyLocality, PolicyNv, PolicyPcr, PublicKind, Tpm2b,
        Tpm2bDigest, Tpm2bEccParameter, Tpm2bName, Tpm2bNonce, Tpm2bOperand, Tpm2bOption, Tpm2bPublicKeyRsa, TpmCc,
        TpmEo, TpmHandle, TpmRc, TpmaLocality, TpmaObject, TpmiAlgHash, TpmiRhHierarchy, TpmiRhNvAuth, TpmiRhNvIndex,
        TpmiRsaKeyBits, TpmiShPolicy, TpmlPcrSelection, TpmsEccParms, TpmsEccPoint, TpmsRsaParms, TpmsSignatureEcc,
        TpmsSignatureRsa, TpmtPublic, TpmtPublicPlus, TpmtSignature, TpmtTkVerified, TpmuTkVerifiedMeta, Wire,
    },
};
use ironroot_crypto::digest;

use crate::{
    KeyError, KeyFile, SharedTpm, VerifyingKey,
    key_file::{AuthPolicy, PolicyStep},
    sealed_for::counter_of,
    verify::Kind,
};

/// The hash of the policies that are made here.
pub(crate) const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
/// With the index and a limit (`sealed_for`), as files of this program alone have it.
pub(crate) const POLICY_NV: TpmCc = TpmCc(0x149);
const POLICY_AUTHORIZE: TpmCc = TpmCc(0x16A);
const POLICY_AUTH_VALUE: TpmCc = TpmCc(0x16B);
const POLICY_COMMAND_CODE: TpmCc = TpmCc(0x16C);
const POLICY_LOCALITY: TpmCc = TpmCc(0x16F);
pub(crate) const POLICY_PCR: TpmCc = TpmCc(0x17F);
const POLICY_PASSWORD: TpmCc = TpmCc(0x18C);

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
    pub(crate) fn selection(&self) -> TpmlPcrSelection {
        pcr_selection(self.hash, &self.numbers)
    }

    /// The digest of the values as they are, for policies with this hash (Part 3, 23.7).
    pub(crate) fn digest(&self, tpm: &mut Tpm, policy_hash: TpmiAlgHash) -> Result<Tpm2bDigest, KeyError> {
        let mut values = tpm.pcr_read(self.hash, &self.numbers)?;
        values.sort_by_key(|value| value.pcr);
        if values.len() != self.numbers.len() {
            let reason = "this TPM does not have all of these PCRs in this bank; see tpm2_getcap pcrs";
            return Err(KeyError::Sealed(reason.into()));
        }
        let parts: Vec<&[u8]> = values.iter().map(|value| value.digest.as_slice()).collect();
        Ok(Tpm2bDigest::from_slice(&digest(policy_hash, &parts)).unwrap_or_default())
    }
}

/// Under which conditions data is given back, or a key can be used. All that are named have to hold.
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

/// What a signer signs (with SHA-256) to approve the values that these PCRs have now: the policy that they make.
///
/// # Errors
/// [`KeyError::Sealed`] for PCRs that the TPM does not have.
pub fn approvable(tpm: &SharedTpm, pcrs: &Pcrs) -> Result<Vec<u8>, KeyError> {
    let mut tpm = tpm.lock()?;
    let step = pcr_step(pcrs, &pcrs.digest(&mut tpm, SHA256)?);
    Ok(trial(&mut tpm, SHA256, &[step])?.to_vec())
}

/// The steps and the digest of the policy that says these conditions; none and an empty one if nothing but a password is asked for.
///
/// # Errors
/// [`KeyError::Sealed`] for conditions that exclude each other, and PCRs that the TPM does not have.
pub(crate) fn of(tpm: &SharedTpm, conditions: &Conditions<'_>) -> Result<(Vec<PolicyStep>, Tpm2bDigest), KeyError> {
    if conditions.pcrs.is_some() && conditions.signer.is_some() {
        let reason = "the signer approves PCR values later: name either PCRs or a signer";
        return Err(KeyError::Sealed(reason.into()));
    }
    let mut tpm = tpm.lock()?;
    let steps = steps(&mut tpm, conditions)?;
    let digest = if steps.is_empty() { Tpm2bDigest::default() } else { trial(&mut tpm, SHA256, &steps)? };
    Ok((steps, digest))
}

fn steps(tpm: &mut Tpm, conditions: &Conditions<'_>) -> Result<Vec<PolicyStep>, KeyError> {
    let mut steps = Vec::new();
    if let Some(pcrs) = conditions.pcrs {
        steps.push(pcr_step(pcrs, &pcrs.digest(tpm, SHA256)?));
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
pub(crate) fn pcr_step(pcrs: &Pcrs, digest: &[u8]) -> PolicyStep {
    let mut body = pcrs.selection().to_bytes();
    body.extend_from_slice(digest);
    PolicyStep { code: POLICY_PCR.0, body }
}

/// The policy of these steps, for objects whose names have this hash.
fn trial(tpm: &mut Tpm, hash: TpmiAlgHash, steps: &[PolicyStep]) -> Result<Tpm2bDigest, KeyError> {
    let mut session = tpm.start_session(&SessionOptions::trial().hash(hash))?;
    let result = steps.iter().try_for_each(|step| match TpmCc(step.code) {
        POLICY_AUTHORIZE => {
            let (public, policy_ref, _) = authority(step)?;
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

/// Does what the policy of a file asks for. Where a signer decides, that is what `approval` says, or else the first of the file's
/// own alternatives that holds.
pub(crate) fn fulfil(
    tpm: &mut Tpm,
    session: &mut Session,
    file: &KeyFile,
    approval: Option<Approval<'_>>,
) -> Result<(), KeyError> {
    let mut rest = file.policy.as_slice();
    if let Some((first, others)) = rest.split_first()
        && TpmCc(first.code) == POLICY_AUTHORIZE
    {
        let (public, policy_ref, _) = authority(first)?;
        match approval {
            Some(approval) => {
                let now = approval.pcrs.digest(tpm, session.hash())?;
                simple_step(tpm, session, &pcr_step(approval.pcrs, &now))?;
                let signature = signature_of(&public, approval.signature).ok_or_else(not_theirs)?;
                approve(tpm, session, &public, policy_ref, &signature)?;
            }
            None => first_that_holds(tpm, session, &file.auth_policy, &public, &policy_ref)?,
        }
        rest = others;
    }
    rest.iter().try_for_each(|step| simple_step(tpm, session, step))
}

fn first_that_holds(
    tpm: &mut Tpm,
    session: &mut Session,
    alternatives: &[AuthPolicy],
    public: &TpmtPublic,
    policy_ref: &Tpm2bNonce,
) -> Result<(), KeyError> {
    let reason = "a signer approves the PCR values for it, and no approval is in the file: add one (ironroot key approve), or \
                  give --pcr and --approval";
    let mut last = KeyError::Sealed(reason.into());
    for alternative in alternatives {
        tpm.policy_restart(session)?;
        match holds(tpm, session, alternative, public, policy_ref) {
            Ok(()) => return Ok(()),
            Err(error @ (KeyError::Sealed(_) | KeyError::KeyFile(_))) => last = error,
            // One that this TPM refuses (a bank that it has not, a hash) is no reason not to try the next.
            Err(KeyError::Client(error)) if error.tpm_rc().is_some() => last = error.into(),
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn holds(
    tpm: &mut Tpm,
    session: &mut Session,
    alternative: &AuthPolicy,
    public: &TpmtPublic,
    policy_ref: &Tpm2bNonce,
) -> Result<(), KeyError> {
    let broken = || KeyError::KeyFile("an approved policy in it does not end with the signer's approval".into());
    let (last, steps) = alternative.steps.split_last().ok_or_else(broken)?;
    if TpmCc(last.code) != POLICY_AUTHORIZE {
        return Err(broken());
    }
    let (signer, reference, signature) = authority(last)?;
    if object_name(&signer) != object_name(public) || reference != *policy_ref {
        return Err(KeyError::KeyFile("an approved policy in it is another signer's".into()));
    }
    steps.iter().try_for_each(|step| simple_step(tpm, session, step))?;
    approve(tpm, session, public, reference, &signature.ok_or_else(broken)?)
}

/// Replaces the policy so far, which the signer has signed, by the signer's.
fn approve(
    tpm: &mut Tpm,
    session: &Session,
    public: &TpmtPublic,
    policy_ref: Tpm2bNonce,
    signature: &TpmtSignature,
) -> Result<(), KeyError> {
    let approved = tpm.policy_digest(session)?;
    let ticket = verified(tpm, public, &[&approved, &policy_ref], signature)?;
    authorize(tpm, session, approved, policy_ref, object_name(public), ticket)
}

/// An approval as a file keeps it. The signature is checked against the values that the PCRs have now.
///
/// # Errors
/// [`KeyError::Sealed`] if it is not the signer's signature of the values that these PCRs have now; [`KeyError::KeyFile`] if the
/// file leaves nothing to a signer.
pub(crate) fn approved(
    tpm: &SharedTpm,
    file: &KeyFile,
    approval: Approval<'_>,
    name: Option<&str>,
) -> Result<AuthPolicy, KeyError> {
    let first = file.policy.first().filter(|first| TpmCc(first.code) == POLICY_AUTHORIZE).ok_or_else(|| {
        KeyError::KeyFile("it leaves nothing to a signer: only what was made with --signed-by is approved later".into())
    })?;
    let (public, policy_ref, _) = authority(first)?;
    let signature = signature_of(&public, approval.signature).ok_or_else(not_theirs)?;
    let mut tpm = tpm.lock()?;
    let hash = file.public.name_alg.unwrap_or(SHA256);
    let pcrs = pcr_step(approval.pcrs, &approval.pcrs.digest(&mut tpm, hash)?);
    let policy = trial(&mut tpm, hash, std::slice::from_ref(&pcrs))?;
    verified(&mut tpm, &public, &[&policy, &policy_ref], &signature)?;
    let mut body = Tpm2b(public).to_bytes();
    body.extend(policy_ref.to_bytes());
    body.extend(signature.to_bytes());
    let signed = PolicyStep { code: POLICY_AUTHORIZE.0, body };
    Ok(AuthPolicy { name: name.map(Into::into), steps: vec![pcrs, signed] })
}

fn simple_step(tpm: &mut Tpm, session: &mut Session, step: &PolicyStep) -> Result<(), KeyError> {
    let broken = || KeyError::KeyFile("its policy has a malformed step".into());
    match TpmCc(step.code) {
        POLICY_AUTH_VALUE => Ok(tpm.policy_auth_value(session)?),
        POLICY_PASSWORD => Ok(tpm.policy_password(session)?),
        POLICY_COMMAND_CODE => {
            let code = TpmCc::from_bytes(&step.body).map_err(|_| broken())?;
            tpm.run(&PolicyCommandCode { policy_session: TpmiShPolicy(session.handle().0), code })?;
            Ok(())
        }
        POLICY_LOCALITY => {
            let locality = TpmaLocality::from_bytes(&step.body).map_err(|_| broken())?;
            tpm.run(&PolicyLocality { policy_session: TpmiShPolicy(session.handle().0), locality })?;
            Ok(())
        }
        POLICY_PCR => policy_pcr(tpm, session, &step.body),
        POLICY_NV => policy_counter(tpm, session, step),
        POLICY_AUTHORIZE => {
            Err(KeyError::KeyFile("its policy asks for a signer's approval where none can be (not first)".into()))
        }
        other => {
            Err(KeyError::KeyFile(format!("its policy asks for the command {:#x}, which is not known here", other.0)))
        }
    }
}

fn policy_pcr(tpm: &mut Tpm, session: &Session, body: &[u8]) -> Result<(), KeyError> {
    let broken = || KeyError::KeyFile("its policy has a malformed selection of PCRs".into());
    let size = body.len().checked_sub(session.hash().digest_size()).ok_or_else(broken)?;
    let (selection, digest) = body.split_at_checked(size).ok_or_else(broken)?;
    let command = PolicyPcr {
        policy_session: TpmiShPolicy(session.handle().0),
        pcr_digest: Tpm2bDigest::from_slice(digest).map_err(|_| broken())?,
        pcrs: TpmlPcrSelection::from_bytes(selection).map_err(|_| broken())?,
    };
    match tpm.run(&command) {
        Err(error) if error.is(TpmRc::VALUE) => {
            let reason =
                "PCRs have other values than when it was sealed or made: the machine has started something else";
            Err(KeyError::Sealed(reason.into()))
        }
        other => Ok(other.map(|_| ())?),
    }
}

fn policy_counter(tpm: &mut Tpm, session: &Session, step: &PolicyStep) -> Result<(), KeyError> {
    let broken = || KeyError::KeyFile("its policy has a malformed limit of a counter".into());
    let (index, at_most) = counter_of(step).ok_or_else(broken)?;
    let command = PolicyNv {
        auth_handle: TpmiRhNvAuth(index.0),
        nv_index: TpmiRhNvIndex(index.0),
        policy_session: TpmiShPolicy(session.handle().0),
        operand_b: Tpm2bOperand::from_slice(&at_most.to_be_bytes()).map_err(|_| broken())?,
        offset: 0,
        operation: TpmEo::UnsignedLe,
    };
    match tpm.run(&command) {
        Err(error) if error.is(TpmRc::POLICY) => Err(KeyError::Superseded { counter: index, at_most }),
        Err(error) if error.is(TpmRc::HANDLE) || error.is(TpmRc::NV_UNINITIALIZED) => {
            let reason = format!("the TPM does not have the counter {:#010x} (any more)", index.0);
            Err(KeyError::Sealed(reason))
        }
        other => Ok(other.map(|_| ())?),
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

/// The signer's public area, the reference, and the signature if there is one yet, of a step that needs approval.
fn authority(step: &PolicyStep) -> Result<(TpmtPublic, Tpm2bNonce, Option<TpmtSignature>), KeyError> {
    let broken = || KeyError::KeyFile("its policy has a malformed signer".into());
    let sized = |bytes: &[u8]| {
        let size = bytes.first_chunk().map(|size| usize::from(u16::from_be_bytes(*size)))?;
        size.checked_add(2)
    };
    let (public, rest) = sized(&step.body).and_then(|size| step.body.split_at_checked(size)).ok_or_else(broken)?;
    let (reference, signature) = sized(rest).and_then(|size| rest.split_at_checked(size)).ok_or_else(broken)?;
    let public: Tpm2b<TpmtPublic> = Wire::from_bytes(public).map_err(|_| broken())?;
    let signature = match signature {
        [] | [0x00, 0x10] => None,
        bytes => Some(TpmtSignature::from_bytes(bytes).map_err(|_| broken())?),
    };
    Ok((public.0, Wire::from_bytes(reference).map_err(|_| broken())?, signature))
}

fn not_theirs() -> KeyError {
    KeyError::Sealed(
        "the approval is not the signer's signature of the values that these PCRs have now: they may have changed, or the \
         approval is for others (see ironroot policy)"
            .into(),
    )
}

/// The TPM's word that the signer has signed.
fn verified(
    tpm: &mut Tpm,
    public: &TpmtPublic,
    message: &[&[u8]],
    signature: &TpmtSignature,
) -> Result<TpmtTkVerified, KeyError> {
    let hash = match signature {
        TpmtSignature::Rsassa(rsa) | TpmtSignature::Rsapss(rsa) => rsa.hash,
        TpmtSignature::Ecdsa(ecc) => ecc.hash,
        _ => return Err(not_theirs()),
    };
    let in_public = Tpm2b(TpmtPublicPlus(public.clone()));
    // A ticket needs a hierarchy that has a proof.
    let hierarchy = TpmiRhHierarchy(TpmHandle::OWNER.0);
    let key = tpm.run(&LoadExternal { in_private: Tpm2bOption(None), in_public, hierarchy })?.object_handle;
    let result = tpm.verify_signature(key, &digest(hash, message), signature);
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
