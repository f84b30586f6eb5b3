//! What sessions are in the middle of: digests, signatures; and random numbers.

use cryptoki_sys::*;
use ironroot_crypto::Hasher;
use zeroize::Zeroizing;

use super::{Kind, Module};
use crate::{
    error::{Result, Rv, refuse},
    mechanisms::{self, Request},
    objects::Object,
    operations::Operation,
};

/// One question for random bytes gives no more.
const MAX_RANDOM: usize = 1 << 16;

impl Module {
    pub(crate) fn random(&mut self, session: CK_SESSION_HANDLE, count: usize) -> Result<Zeroizing<Vec<u8>>> {
        self.session(session)?;
        if count > MAX_RANDOM {
            return refuse(CKR_ARGUMENTS_BAD, format!("{count} random bytes at once; the most is {MAX_RANDOM}"));
        }
        Ok(self.token.random(&self.config, count)?)
    }

    /// Starts a digest; without a mechanism, ends the one that is running.
    pub(crate) fn digest_init(&mut self, session: CK_SESSION_HANDLE, request: Option<&Request>) -> Result<()> {
        let session = self.session(session)?;
        let Some(request) = request else {
            return session.digest.take().map(|_| ()).ok_or(Rv(CKR_ARGUMENTS_BAD));
        };
        if session.digest.is_some() {
            return Err(Rv(CKR_OPERATION_ACTIVE));
        }
        session.digest = Some(Hasher::new(mechanisms::digest(request)?));
        Ok(())
    }

    fn digest(&mut self, session: CK_SESSION_HANDLE) -> Result<&mut Hasher> {
        self.session(session)?.digest.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))
    }

    pub(crate) fn digest_update(&mut self, session: CK_SESSION_HANDLE, data: &[u8]) -> Result<()> {
        self.digest(session)?.update(data);
        Ok(())
    }

    pub(crate) fn digest_size(&mut self, session: CK_SESSION_HANDLE) -> Result<usize> {
        Ok(self.digest(session)?.algorithm().digest_size())
    }

    pub(crate) fn digest_final(&mut self, session: CK_SESSION_HANDLE) -> Result<Vec<u8>> {
        let hasher = self.session(session)?.digest.take().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        Ok(hasher.finish().to_vec())
    }

    /// Starts to make or to verify a signature; without a mechanism, ends what is running.
    pub(crate) fn operation_init(
        &mut self,
        kind: Kind,
        session: CK_SESSION_HANDLE,
        request: Option<&Request>,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let place = self.session(session)?.operation(kind);
        let Some(request) = request else {
            return place.take().map(|_| ()).ok_or(Rv(CKR_ARGUMENTS_BAD));
        };
        if place.is_some() {
            return Err(Rv(CKR_OPERATION_ACTIVE));
        }
        let signing = mechanisms::signing(request)?;
        let key = match (kind, self.objects.get(key)) {
            (_, None | Some(Object::Certificate(_))) => return Err(Rv(CKR_KEY_HANDLE_INVALID)),
            (Kind::Sign, Some(Object::Private(_))) if self.is_closed() => return Err(Rv(CKR_USER_NOT_LOGGED_IN)),
            (Kind::Sign, Some(Object::Private(key))) | (Kind::Verify, Some(Object::Public(key))) => key.clone(),
            _ => return Err(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED)),
        };
        let operation = Operation::new(key, signing)?;
        *self.session(session)?.operation(kind) = Some(operation);
        Ok(())
    }

    fn operation(&mut self, kind: Kind, session: CK_SESSION_HANDLE) -> Result<&mut Operation> {
        self.session(session)?.operation(kind).as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))
    }

    /// Adds to the message; what cannot be added ends the operation.
    pub(crate) fn operation_update(&mut self, kind: Kind, session: CK_SESSION_HANDLE, data: &[u8]) -> Result<()> {
        let result = self.operation(kind, session)?.update(data);
        if result.is_err() {
            *self.session(session)?.operation(kind) = None;
        }
        result
    }

    /// How long the signature is that is being made.
    pub(crate) fn signature_size(&mut self, session: CK_SESSION_HANDLE) -> Result<usize> {
        Ok(self.operation(Kind::Sign, session)?.size())
    }

    /// Makes the signature; the operation ends, whatever comes of it.
    pub(crate) fn sign(&mut self, session: CK_SESSION_HANDLE) -> Result<Vec<u8>> {
        let operation = self.session(session)?.sign.take().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        operation.sign(&mut self.token, &self.config)
    }

    /// Verifies a signature; the operation ends, whatever comes of it.
    pub(crate) fn verify(&mut self, session: CK_SESSION_HANDLE, signature: &[u8]) -> Result<()> {
        let operation = self.session(session)?.verify.take().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        let public = self.public(&operation.key)?;
        operation.verify(&public, signature)
    }

    /// Ends what a session is in the middle of (`C_SessionCancel`).
    pub(crate) fn cancel(&mut self, session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> Result<()> {
        let session = self.session(session)?;
        if flags & CKF_SIGN != 0 {
            session.sign = None;
        }
        if flags & CKF_VERIFY != 0 {
            session.verify = None;
        }
        if flags & CKF_DIGEST != 0 {
            session.digest = None;
        }
        if flags & CKF_FIND_OBJECTS != 0 {
            session.found = None;
        }
        Ok(())
    }
}
