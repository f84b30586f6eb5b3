//! `TPM2_PolicySigned` (Part 3, 23.3).

use ironroot_crypto::hash;
use ironroot_wire::{Command, PolicySigned, PolicySignedResponse, TpmRc, TpmSt, TpmiAlgHash, TpmtSignature, Wire};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        messages,
        policy_authorization::{self as authorization, Granted, Timeout},
        policy_digest, signatures,
    },
    state::{objects::Object, sessions::Session},
};

impl Action for PolicySigned {
    fn run(self, tpm: &mut Core) -> Result<PolicySignedResponse, TpmRc> {
        let key = tpm.object(self.auth_object).map_err(|rc| rc.handle(1))?;
        let session = policy_digest::session(tpm, self.policy_session)?;
        let trial = policy_digest::is_trial(session);
        let timeout = if trial { Timeout::NEVER } else { check(&self, tpm, session, &key)? };
        let granted = Granted {
            code: Self::INFO.code,
            auth_name: &key.name,
            policy_ref: &self.policy_ref,
            cp_hash: &self.cp_hash_a,
            timeout,
        };
        granted.apply(policy_digest::session_mut(tpm, self.policy_session)?)?;
        let (timeout, policy_ticket) = if self.expiration < 0 && !trial {
            granted.ticket(tpm, TpmSt::AuthSigned, key.hierarchy)?
        } else {
            authorization::no_ticket(TpmSt::AuthSigned)
        };
        Ok(PolicySignedResponse { timeout, policy_ticket })
    }
}

fn check(command: &PolicySigned, tpm: &Core, session: &Session, key: &Object) -> Result<Timeout, TpmRc> {
    let timeout = Timeout::new(session, command.expiration, &command.nonce_tpm);
    authorization::check_nonce(session, &command.nonce_tpm).map_err(|rc| rc.parameter(1))?;
    timeout.check(tpm, session).map_err(|rc| rc.parameter(4))?;
    authorization::check_cp_hash(session, &command.cp_hash_a).map_err(|rc| rc.parameter(2))?;
    let parts = [&*command.nonce_tpm, &command.expiration.to_bytes(), &command.cp_hash_a, &command.policy_ref];
    let verified = match signature_hash(&command.auth) {
        Some(hash) => signatures::verify(tpm, key, &[], &hash::digest(hash, &parts), &command.auth),
        None => messages::verify(tpm, key, &parts, &command.auth),
    };
    // 23.3.1 names TPM_RC_POLICY_FAIL for a signature that is not valid (TPMs in the field answer TPM_RC_SIGNATURE).
    verified.map_err(|rc| match rc {
        TpmRc::SIGNATURE => TpmRc::POLICY_FAIL.parameter(5),
        _ => rc.parameter(5),
    })?;
    Ok(timeout)
}

/// The hash that a signature names; the key's scheme may leave it open.
fn signature_hash(signature: &TpmtSignature) -> Option<TpmiAlgHash> {
    Some(match signature {
        TpmtSignature::Hmac(hmac) => hmac.hash_alg(),
        TpmtSignature::Rsassa(signature) | TpmtSignature::Rsapss(signature) => signature.hash,
        TpmtSignature::Ecdsa(signature)
        | TpmtSignature::Ecdaa(signature)
        | TpmtSignature::Sm2(signature)
        | TpmtSignature::Ecschnorr(signature) => signature.hash,
        TpmtSignature::HashMldsa(signature) => signature.hash,
        TpmtSignature::Eddsa(_) | TpmtSignature::HashEddsa(_) | TpmtSignature::Mldsa(_) => return None,
    })
}
