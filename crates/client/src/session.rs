//! An authorization session as the client sees it (Part 1, clause 16): its key, its rolling nonces, what it encrypts.

use ironroot_crypto::{CryptoError, Digest, cfb_decrypt, cfb_encrypt, digest, hmac, kdfa, xor_obfuscate};
use ironroot_wire::{CommandAttributes, CommandInfo, TpmHandle, TpmSe, TpmaSession, TpmiAlgHash, TpmiAlgSymObject};
use zeroize::Zeroizing;

use crate::ClientError;

/// How a session encrypts the first parameter of commands and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParameterCipher {
    /// It cannot encrypt.
    None,
    /// AES with a 128-bit key in CFB mode.
    #[default]
    Aes128Cfb,
    /// AES with a 256-bit key in CFB mode.
    Aes256Cfb,
    /// The XOR obfuscation of Part 1, 8.4.7, with the session's hash.
    Xor,
}

/// The entity to which a session is bound, with its auth value at that time.
pub(crate) struct Bound {
    pub(crate) name: Vec<u8>,
    pub(crate) auth: Zeroizing<Vec<u8>>,
}

/// What a policy asks to be shown along with the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyProof {
    Nothing,
    AuthValue,
    Password,
}

/// A session that the TPM has started. Its key is wiped when it is dropped; the TPM's side stays until
/// [`crate::Tpm::end_session`], or until a command that was sent with [`Session::single_use`].
pub struct Session {
    pub(crate) handle: u32,
    pub(crate) kind: TpmSe,
    pub(crate) hash: TpmiAlgHash,
    pub(crate) cipher: ParameterCipher,
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) nonce_tpm: Vec<u8>,
    pub(crate) bound: Option<Bound>,
    pub(crate) attributes: TpmaSession,
    pub(crate) proof: PolicyProof,
    pub(crate) audit_digest: Option<Digest>,
    pub(crate) ended: bool,
}

impl Session {
    /// The session's handle.
    #[must_use]
    pub const fn handle(&self) -> TpmHandle {
        TpmHandle(self.handle)
    }

    /// The session's hash algorithm.
    #[must_use]
    pub const fn hash(&self) -> TpmiAlgHash {
        self.hash
    }

    /// The nonce that the TPM gave last, which `TPM2_PolicySigned` signs.
    #[must_use]
    pub fn nonce_tpm(&self) -> &[u8] {
        &self.nonce_tpm
    }

    /// Encrypts the first parameter of the commands that follow, of those that have a sized one.
    #[must_use]
    pub const fn encrypting_commands(self) -> Self {
        self.with(TpmaSession::DECRYPT)
    }

    /// Has the TPM encrypt the first parameter of its responses, of those that have a sized one.
    #[must_use]
    pub const fn encrypting_responses(self) -> Self {
        self.with(TpmaSession::ENCRYPT)
    }

    /// Both of the above.
    #[must_use]
    pub const fn encrypting(self) -> Self {
        self.with(TpmaSession(TpmaSession::DECRYPT.0 | TpmaSession::ENCRYPT.0))
    }

    /// Audits the commands that follow: see [`Session::audit_digest`].
    #[must_use]
    pub const fn auditing(self) -> Self {
        self.with(TpmaSession::AUDIT)
    }

    /// Lets the TPM end the session after the next command that succeeds.
    #[must_use]
    pub const fn single_use(mut self) -> Self {
        self.attributes = self.attributes.without(TpmaSession::CONTINUE_SESSION);
        self
    }

    /// Replaces the attributes that the session is used with.
    pub const fn set_attributes(&mut self, attributes: TpmaSession) {
        self.attributes = attributes;
    }

    /// The attributes that the session is used with. `DECRYPT` and `ENCRYPT` are left out where a command has nothing to
    /// encrypt.
    #[must_use]
    pub const fn attributes(&self) -> TpmaSession {
        self.attributes
    }

    /// The attributes for one command: nothing is encrypted where there is nothing to encrypt, or nothing to do it with.
    pub(crate) fn attributes_for(&self, command: &CommandInfo) -> TpmaSession {
        let mut attributes = self.attributes;
        let can = self.cipher != ParameterCipher::None;
        if !can || !command.decrypt_allowed() {
            attributes = attributes.without(TpmaSession::DECRYPT);
        }
        if !can || !command.encrypt_allowed() {
            attributes = attributes.without(TpmaSession::ENCRYPT);
        }
        attributes
    }

    /// Whether the session can go with a command: it has to authorize, encrypt or audit (Part 1, 15.6.4).
    pub(crate) fn serves(&self, command: &CommandInfo) -> bool {
        let services = TpmaSession::DECRYPT | TpmaSession::ENCRYPT | TpmaSession::AUDIT;
        !command.attributes.contains(CommandAttributes::NO_SESSIONS)
            && (command.authorized_handles() > 0 || self.attributes_for(command).intersects(services))
    }

    /// The digest over the commands audited so far, as the TPM should hold it (Part 1, clause 17).
    #[must_use]
    pub fn audit_digest(&self) -> Option<&[u8]> {
        self.audit_digest.as_deref()
    }

    const fn with(mut self, attributes: TpmaSession) -> Self {
        self.attributes = self.attributes.with(attributes);
        self
    }

    /// Whether the auth value of the entity that the session authorizes is part of the HMAC key (Part 1, 16.6.5). This is
    /// decided when the command is sent, and holds for the response too.
    pub(crate) fn includes_auth(&self, name: &[u8], auth: &[u8]) -> bool {
        match self.kind {
            TpmSe::Hmac => !self.is_bound_to(name, auth),
            TpmSe::Policy => self.proof == PolicyProof::AuthValue,
            TpmSe::Trial => false,
        }
    }

    fn is_bound_to(&self, name: &[u8], auth: &[u8]) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.name == name && *bound.auth == auth)
    }

    /// `sessionValue` of Part 1, clause 18, for parameter encryption: here the auth value counts whether bound or not.
    fn key_and(&self, auth: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(Vec::with_capacity(self.key.len() + auth.len()));
        key.extend_from_slice(&self.key);
        key.extend_from_slice(auth);
        key
    }

    /// The HMAC of a command or response (Part 1, 16.6.5). Empty where a policy session has nothing to key it with.
    pub(crate) fn hmac(
        &self,
        included_auth: &[u8],
        parameter_hash: &[u8],
        nonces: &[&[u8]],
        attributes: TpmaSession,
    ) -> Vec<u8> {
        let key = self.key_and(included_auth);
        if self.kind == TpmSe::Policy && key.is_empty() {
            return Vec::new();
        }
        let mut parts = vec![parameter_hash];
        parts.extend_from_slice(nonces);
        let attributes = [attributes.0];
        parts.push(&attributes);
        hmac(self.hash, &key, &parts).to_vec()
    }

    /// Encrypts (`encrypt`) or decrypts the data of a sized first parameter in place (Part 1, clause 18).
    pub(crate) fn cipher(
        &self,
        encrypt: bool,
        auth: &[u8],
        nonce_newer: &[u8],
        nonce_older: &[u8],
        data: &mut [u8],
    ) -> Result<(), ClientError> {
        let key = self.key_and(auth);
        let key_bytes = match self.cipher {
            ParameterCipher::None => return Err(ClientError::usage("the session was started without a cipher")),
            ParameterCipher::Xor => {
                return xor_obfuscate(self.hash, &key, nonce_newer, nonce_older, data).map_err(failed);
            }
            ParameterCipher::Aes128Cfb => 16,
            ParameterCipher::Aes256Cfb => 32,
        };
        let bits = (key_bytes as u32 + 16) * 8;
        let derived = kdfa(self.hash, &key, b"CFB", nonce_newer, nonce_older, bits);
        let (key, iv) = derived.split_at_checked(key_bytes).unwrap_or_default();
        let result = if encrypt {
            cfb_encrypt(TpmiAlgSymObject::Aes, key, iv, data)
        } else {
            cfb_decrypt(TpmiAlgSymObject::Aes, key, iv, data)
        };
        result.map_err(failed)
    }

    /// Adds one command to the audit digest (Part 1, 17.1).
    pub(crate) fn audit(&mut self, sent: TpmaSession, cp_hash: &[u8], rp_hash: &[u8]) {
        let zero = vec![0; self.hash.digest_size()];
        let old = match &self.audit_digest {
            Some(digest) if !sent.contains(TpmaSession::AUDIT_RESET) => digest.to_vec(),
            _ => zero,
        };
        self.audit_digest = Some(digest(self.hash, &[&old, cp_hash, rp_hash]));
    }
}

const fn failed(source: CryptoError) -> ClientError {
    ClientError::Crypto { doing: "encrypting a parameter", source }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:#010x} {:?} {:?})", self.handle, self.kind, self.hash)
    }
}
