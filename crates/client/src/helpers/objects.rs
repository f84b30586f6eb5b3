//! Objects: creating, loading, using and keeping them (Part 3, clauses 12, 14, 20, 24 and 28).

use ironroot_wire::{
    Create, CreatePrimary, EvictControl, Load, ReadPublic, SequenceUpdate, Sign, SignSequenceComplete,
    SignSequenceStart, Tpm2b, Tpm2bAuth, Tpm2bData, Tpm2bDigest, Tpm2bMaxBuffer, Tpm2bName, Tpm2bPrivate,
    Tpm2bSensitiveData, Tpm2bSignatureCtx, TpmHandle, TpmSt, TpmiDhObject, TpmiDhPersistent, TpmiRhHierarchy,
    TpmiRhProvision, TpmlPcrSelection, TpmsSensitiveCreate, TpmtPublic, TpmtSigScheme, TpmtSignature, TpmtTkHashcheck,
    TpmtTkVerified, Unseal, VerifySignature,
};
use zeroize::Zeroizing;

use super::fits;
use crate::{Auth, ClientError, Tpm, object_name};

/// An object in the TPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its handle.
    pub handle: TpmHandle,
    /// Its name, which the client has computed from the public area.
    pub name: Tpm2bName,
    /// Its public area.
    pub public: TpmtPublic,
}

/// An object that was created and not loaded: what its parent needs to load it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The encrypted private area.
    pub private: Tpm2bPrivate,
    /// The public area.
    pub public: TpmtPublic,
}

impl Tpm {
    /// Creates a primary object with this auth value and loads it (`TPM2_CreatePrimary`).
    ///
    /// # Errors
    /// As [`Tpm::run`]; [`ClientError::Untrusted`] if the returned name is not that of the returned public area.
    pub fn create_primary(
        &mut self,
        hierarchy: TpmHandle,
        template: &TpmtPublic,
        auth: &[u8],
    ) -> Result<Loaded, ClientError> {
        self.create_primary_of(hierarchy, template, auth, &[])
    }

    /// The same of data: what a sealed object seals, or a key that comes from outside.
    ///
    /// # Errors
    /// As [`Tpm::create_primary`].
    pub fn create_primary_of(
        &mut self,
        hierarchy: TpmHandle,
        template: &TpmtPublic,
        auth: &[u8],
        data: &[u8],
    ) -> Result<Loaded, ClientError> {
        let response = self.run(&CreatePrimary {
            primary_handle: TpmiRhHierarchy(hierarchy.0),
            in_sensitive: sensitive(auth, data)?,
            in_public: Tpm2b(template.clone()),
            outside_info: Tpm2bData::default(),
            creation_pcr: TpmlPcrSelection::default(),
        })?;
        self.loaded(response.object_handle, response.out_public.0, &response.name, auth)
    }

    /// Creates an object under a loaded parent (`TPM2_Create`). `data` is what a sealed object seals, or an imported key
    /// of a keyed hash; empty for keys that the TPM makes.
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn create(
        &mut self,
        parent: TpmHandle,
        template: &TpmtPublic,
        auth: &[u8],
        data: &[u8],
    ) -> Result<Created, ClientError> {
        let response = self.run(&Create {
            parent_handle: TpmiDhObject(parent.0),
            in_sensitive: sensitive(auth, data)?,
            in_public: Tpm2b(template.clone()),
            outside_info: Tpm2bData::default(),
            creation_pcr: TpmlPcrSelection::default(),
        })?;
        Ok(Created { private: response.out_private, public: response.out_public.0 })
    }

    /// Loads an object under its parent (`TPM2_Load`). Its auth value, if it has one, is for [`Tpm::set_auth`].
    ///
    /// # Errors
    /// As [`Tpm::create_primary`].
    pub fn load(
        &mut self,
        parent: TpmHandle,
        private: &Tpm2bPrivate,
        public: &TpmtPublic,
    ) -> Result<Loaded, ClientError> {
        let response = self.run(&Load {
            parent_handle: TpmiDhObject(parent.0),
            in_private: private.clone(),
            in_public: Tpm2b(public.clone()),
        })?;
        self.loaded(response.object_handle, public.clone(), &response.name, &[])
    }

    /// Reads the public area of an object (`TPM2_ReadPublic`).
    ///
    /// # Errors
    /// As [`Tpm::create_primary`].
    pub fn read_public(&mut self, handle: impl Into<TpmHandle>) -> Result<Loaded, ClientError> {
        let handle = handle.into();
        let response = self.run(&ReadPublic { object_handle: TpmiDhObject(handle.0) })?;
        let public = response.out_public.0.0;
        let name = checked_name(&public, &response.name)?;
        Ok(Loaded { handle, name, public })
    }

    /// Makes a transient object persistent at this handle, or removes the persistent object there when `object` is that
    /// handle itself (`TPM2_EvictControl`).
    ///
    /// # Errors
    /// As [`Tpm::run`].
    pub fn evict_control(
        &mut self,
        hierarchy: TpmHandle,
        object: impl Into<TpmHandle>,
        persistent: TpmHandle,
    ) -> Result<(), ClientError> {
        self.run(&EvictControl {
            auth: TpmiRhProvision(hierarchy.0),
            object_handle: TpmiDhObject(object.into().0),
            persistent_handle: TpmiDhPersistent(persistent.0),
        })?;
        Ok(())
    }

    /// Returns what an object has sealed (`TPM2_Unseal`). Authorize with a session that encrypts responses, or the data
    /// is in the clear on its way.
    ///
    /// # Errors
    /// As [`Tpm::run_with`].
    pub fn unseal(&mut self, object: TpmHandle, auths: &mut [Auth<'_>]) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let response = self.run_with(&Unseal { item_handle: TpmiDhObject(object.0) }, auths)?;
        Ok(Zeroizing::new(response.out_data.to_vec()))
    }

    /// Signs a digest (`TPM2_Sign`). A restricted key needs a ticket from `TPM2_Hash` that says that the TPM made the digest
    /// and that it is not over something which looks like an attestation.
    ///
    /// # Errors
    /// As [`Tpm::run_with`].
    pub fn sign(
        &mut self,
        key: TpmHandle,
        digest: &[u8],
        scheme: Option<TpmtSigScheme>,
        ticket: Option<TpmtTkHashcheck>,
        auths: &mut [Auth<'_>],
    ) -> Result<TpmtSignature, ClientError> {
        let command = Sign {
            key_handle: TpmiDhObject(key.0),
            digest: fits("the digest", Tpm2bDigest::from_slice(digest))?,
            in_scheme: scheme,
            validation: ticket.unwrap_or_else(null_ticket),
        };
        Ok(self.run_with(&command, auths)?.signature)
    }

    /// Checks a signature in the TPM (`TPM2_VerifySignature`).
    ///
    /// # Errors
    /// As [`Tpm::run`]: `TPM_RC_SIGNATURE` if it is not valid.
    pub fn verify_signature(
        &mut self,
        key: TpmHandle,
        digest: &[u8],
        signature: &TpmtSignature,
    ) -> Result<TpmtTkVerified, ClientError> {
        let digest = fits("the digest", Tpm2bDigest::from_slice(digest))?;
        let command = VerifySignature { key_handle: TpmiDhObject(key.0), digest, signature: signature.clone() };
        Ok(self.run(&command)?.validation)
    }

    /// Signs a message with a key that wants to see the message itself: EdDSA and ML-DSA (`TPM2_SignSequenceStart` and
    /// `TPM2_SignSequenceComplete`). EdDSA takes it in one piece, of 1,024 bytes at most where the TPM's buffers are no larger.
    ///
    /// # Errors
    /// As [`Tpm::run`]; [`ClientError::Usage`] for a message that is too long for one piece.
    pub fn sign_message(
        &mut self,
        key: TpmHandle,
        message: &[u8],
        one_piece: bool,
    ) -> Result<TpmtSignature, ClientError> {
        let most = Tpm2bMaxBuffer::MAX.min(1024);
        if one_piece && message.len() > most {
            let text = format!("the TPM signs at most {most} bytes with this kind of key, not {}", message.len());
            return Err(ClientError::Usage(text));
        }
        let key_handle = TpmiDhObject(key.0);
        let start = SignSequenceStart { key_handle, auth: Tpm2bAuth::default(), context: Tpm2bSignatureCtx::default() };
        let sequence_handle = self.run(&start)?.sequence_handle;
        let result = self.sign_sequence(sequence_handle, key_handle, message, most);
        if result.is_err() {
            let _ = self.flush(sequence_handle); // The first error counts.
        }
        result
    }

    fn sign_sequence(
        &mut self,
        sequence_handle: TpmiDhObject,
        key_handle: TpmiDhObject,
        message: &[u8],
        most: usize,
    ) -> Result<TpmtSignature, ClientError> {
        let mut pieces = message.chunks(most).peekable();
        let mut last: &[u8] = &[];
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                last = piece;
                break;
            }
            let buffer = fits("the message", Tpm2bMaxBuffer::from_slice(piece))?;
            self.run(&SequenceUpdate { sequence_handle, buffer })?;
        }
        let buffer = fits("the message", Tpm2bMaxBuffer::from_slice(last))?;
        Ok(self.run(&SignSequenceComplete { sequence_handle, key_handle, buffer })?.signature)
    }

    fn loaded(
        &mut self,
        handle: impl Into<TpmHandle>,
        public: TpmtPublic,
        name: &Tpm2bName,
        auth: &[u8],
    ) -> Result<Loaded, ClientError> {
        let handle = handle.into();
        match checked_name(&public, name) {
            Ok(name) => {
                self.set_name(handle, &name);
                self.set_auth(handle, auth);
                Ok(Loaded { handle, name, public })
            }
            Err(error) => {
                let _ = self.flush(handle); // The first error counts.
                Err(error)
            }
        }
    }
}

fn checked_name(public: &TpmtPublic, name: &Tpm2bName) -> Result<Tpm2bName, ClientError> {
    let own = object_name(public);
    if own == *name { Ok(own) } else { Err(ClientError::Untrusted("a name is not that of its public area".into())) }
}

fn sensitive(auth: &[u8], data: &[u8]) -> Result<Tpm2b<TpmsSensitiveCreate>, ClientError> {
    Ok(Tpm2b(TpmsSensitiveCreate {
        user_auth: fits("the auth value", Tpm2bAuth::from_slice(auth))?,
        data: fits("the data to seal", Tpm2bSensitiveData::from_slice(data))?,
    }))
}

fn null_ticket() -> TpmtTkHashcheck {
    TpmtTkHashcheck {
        tag: TpmSt::Hashcheck,
        hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
        digest: Tpm2bDigest::default(),
    }
}
