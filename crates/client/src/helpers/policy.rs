//! Policies (Part 3, clause 23) and what they open: endorsement keys and credentials.

use ironroot_wire::{
    ActivateCredential, CertInfo, CommandInfo, MakeCredential, PolicyAuthValue, PolicyCommandCode, PolicyGetDigest,
    PolicyOr, PolicyPassword, PolicyPcr, PolicyRestart, PolicySecret, Tpm2bDigest, Tpm2bEncryptedSecret, Tpm2bIdObject,
    Tpm2bName, Tpm2bNonce, TpmCc, TpmHandle, TpmiDhEntity, TpmiDhObject, TpmiShPolicy, TpmlDigest, TpmlPcrSelection,
};
use zeroize::Zeroizing;

use super::fits;
use crate::{Auth, ClientError, Session, SessionOptions, Tpm, session::PolicyProof};

fn policy(session: &Session) -> TpmiShPolicy {
    TpmiShPolicy(session.handle().0)
}

impl Tpm {
    /// The policy so far (`TPM2_PolicyGetDigest`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn policy_digest(&mut self, session: &Session) -> Result<Tpm2bDigest, ClientError> {
        Ok(self.run(&PolicyGetDigest { policy_session: policy(session) })?.policy_digest)
    }

    /// Starts the policy over (`TPM2_PolicyRestart`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn policy_restart(&mut self, session: &mut Session) -> Result<(), ClientError> {
        self.run(&PolicyRestart { session_handle: policy(session) })?;
        session.proof = PolicyProof::Nothing;
        Ok(())
    }

    /// Asks that the auth value of the object be proven by HMAC when the policy is used (`TPM2_PolicyAuthValue`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn policy_auth_value(&mut self, session: &mut Session) -> Result<(), ClientError> {
        self.run(&PolicyAuthValue { policy_session: policy(session) })?;
        session.proof = PolicyProof::AuthValue;
        Ok(())
    }

    /// Asks that the auth value of the object be shown in the clear when the policy is used (`TPM2_PolicyPassword`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn policy_password(&mut self, session: &mut Session) -> Result<(), ClientError> {
        self.run(&PolicyPassword { policy_session: policy(session) })?;
        session.proof = PolicyProof::Password;
        Ok(())
    }

    /// Limits the policy to one command (`TPM2_PolicyCommandCode`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn policy_command_code(&mut self, session: &Session, command: &CommandInfo) -> Result<(), ClientError> {
        self.run(&PolicyCommandCode { policy_session: policy(session), code: TpmCc(command.code.0) })?;
        Ok(())
    }

    /// Ties the policy to the values that these PCRs have now (`TPM2_PolicyPCR` with an empty digest).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn policy_pcr(&mut self, session: &Session, pcrs: &TpmlPcrSelection) -> Result<(), ClientError> {
        let policy_session = policy(session);
        self.run(&PolicyPcr { policy_session, pcr_digest: Tpm2bDigest::default(), pcrs: pcrs.clone() })?;
        Ok(())
    }

    /// Accepts any one of these policies, the present one among them (`TPM2_PolicyOR`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn policy_or(&mut self, session: &Session, branches: &[Tpm2bDigest]) -> Result<(), ClientError> {
        if branches.len() > TpmlDigest::MAX {
            return Err(ClientError::usage("TPM2_PolicyOR takes eight branches at most"));
        }
        self.run(&PolicyOr { policy_session: policy(session), p_hash_list: TpmlDigest::new(branches.to_vec()) })?;
        Ok(())
    }

    /// Proves knowledge of an entity's auth value to the policy (`TPM2_PolicySecret`, without ticket or expiry).
    ///
    /// # Errors
    /// As [`Tpm::run_with`].
    pub fn policy_secret(
        &mut self,
        session: &Session,
        entity: TpmHandle,
        auths: &mut [Auth<'_>],
    ) -> Result<(), ClientError> {
        let command = PolicySecret {
            auth_handle: TpmiDhEntity(entity.0),
            policy_session: policy(session),
            nonce_tpm: Tpm2bNonce::default(),
            cp_hash_a: Tpm2bDigest::default(),
            policy_ref: Tpm2bNonce::default(),
            expiration: 0,
        };
        self.run_with(&command, auths)?;
        Ok(())
    }

    /// A policy session that satisfies PolicyA of TCG's endorsement keys, good for one command.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn ek_session(&mut self) -> Result<Session, ClientError> {
        let session = self.start_session(&SessionOptions::policy())?;
        match self.policy_secret(&session, TpmHandle::ENDORSEMENT, &mut []) {
            Ok(()) => Ok(session),
            Err(error) => {
                let _ = self.end_session(session); // The first error counts.
                Err(error)
            }
        }
    }

    /// Recovers a credential that was made for `key` and encrypted to the endorsement key `ek` (`TPM2_ActivateCredential`);
    /// `ek` has TCG's PolicyA, `key` is opened by its known auth value.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn activate_credential(
        &mut self,
        key: TpmHandle,
        ek: TpmHandle,
        credential_blob: &Tpm2bIdObject,
        secret: &Tpm2bEncryptedSecret,
    ) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let mut session = self.ek_session()?.single_use().encrypting_responses();
        let command = ActivateCredential {
            activate_handle: TpmiDhObject(key.0),
            key_handle: TpmiDhObject(ek.0),
            credential_blob: credential_blob.clone(),
            secret: secret.clone(),
        };
        let result = self.run_with(&command, &mut [Auth::Known, Auth::Session(&mut session)]);
        if result.is_err() {
            let _ = self.end_session(session); // The first error counts.
        }
        Ok(Zeroizing::new(result?.cert_info.to_vec()))
    }

    /// Wraps a credential for the object with this name, in the TPM (`TPM2_MakeCredential`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn make_credential(
        &mut self,
        ek: TpmHandle,
        credential: &[u8],
        name: &Tpm2bName,
    ) -> Result<(Tpm2bIdObject, Tpm2bEncryptedSecret), ClientError> {
        let response = self.run(&MakeCredential {
            handle: TpmiDhObject(ek.0),
            credential: fits("the credential", CertInfo::from_slice(credential))?,
            object_name: name.clone(),
        })?;
        Ok((response.credential_blob, response.secret))
    }
}
