//! The module between `C_Initialize` and `C_Finalize`: one slot, its token, sessions and the login.

use std::collections::{BTreeMap, VecDeque};

use cryptoki_sys::*;
use ironroot_client::wire::TpmRc;
use ironroot_crypto::Hasher;
use ironroot_keys::KeyError;
use zeroize::Zeroizing;

use crate::{
    attributes::{self, Attribute, Known},
    config::Config,
    error::{Result, Rv, refuse},
    generate,
    mechanisms::{self, Request},
    objects::{Key, Object, Objects},
    operations::Operation,
    public::PublicKey,
    token::{Description, Token},
};

/// The one slot.
pub(crate) const SLOT: CK_SLOT_ID = 0;
/// More sessions than any program needs, so that a leak is found.
const MAX_SESSIONS: usize = 4096;
/// One question for random bytes gives no more.
const MAX_RANDOM: usize = 1 << 16;

/// What a session is in the middle of.
#[derive(Default)]
pub(crate) struct Session {
    read_write: bool,
    found: Option<VecDeque<CK_OBJECT_HANDLE>>,
    digest: Option<Hasher>,
    sign: Option<Operation>,
    verify: Option<Operation>,
}

impl Session {
    /// The place of the signature that is being made, or else verified.
    const fn operation(&mut self, kind: Kind) -> &mut Option<Operation> {
        match kind {
            Kind::Sign => &mut self.sign,
            Kind::Verify => &mut self.verify,
        }
    }
}

/// Making a signature, or verifying one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sign,
    Verify,
}

/// The module.
pub(crate) struct Module {
    config: Config,
    token: Token,
    objects: Objects,
    sessions: BTreeMap<CK_SESSION_HANDLE, Session>,
    last_session: CK_SESSION_HANDLE,
    description: Description,
    logged_in: bool,
}

impl Module {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            token: Token::new(&config),
            config,
            objects: Objects::default(),
            sessions: BTreeMap::new(),
            last_session: 0,
            description: Description::default(),
            logged_in: false,
        }
    }

    /// The slots; with a token in them, if that is asked.
    pub(crate) fn slots(&mut self, token_present: bool) -> Vec<CK_SLOT_ID> {
        if token_present && !self.is_present() { Vec::new() } else { vec![SLOT] }
    }

    /// Whether the TPM answers.
    pub(crate) fn is_present(&mut self) -> bool {
        self.describe().is_ok()
    }

    fn describe(&mut self) -> Result<()> {
        self.description = self.token.describe(&self.config)?;
        Ok(())
    }

    /// The label, what the TPM says of itself, whether one has to log in, and how many sessions there are (all, and those that write).
    pub(crate) fn token(&mut self) -> Result<(&str, &Description, bool, usize, usize)> {
        self.describe()?;
        let writing = self.sessions.values().filter(|session| session.read_write).count();
        Ok((&self.config.label, &self.description, self.needs_login(), self.sessions.len(), writing))
    }

    /// How the TPM is reached: what tells this token from another one.
    pub(crate) fn address(&self) -> String {
        self.config.tcti.to_string()
    }

    /// Keys can be had only with the endorsement hierarchy's auth value, and nobody has given it yet.
    const fn needs_login(&self) -> bool {
        self.description.endorsement_auth_set && self.config.endorsement_auth.is_none()
    }

    const fn is_closed(&self) -> bool {
        self.needs_login() && !self.logged_in
    }

    pub(crate) fn open_session(&mut self, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE> {
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Rv(CKR_SESSION_PARALLEL_NOT_SUPPORTED));
        }
        if self.sessions.len() >= MAX_SESSIONS {
            return Err(Rv(CKR_SESSION_COUNT));
        }
        if self.sessions.is_empty() {
            self.describe()?;
        }
        self.last_session = self.last_session.checked_add(1).ok_or(Rv(CKR_SESSION_COUNT))?;
        let session = Session { read_write: flags & CKF_RW_SESSION != 0, ..Session::default() };
        self.sessions.insert(self.last_session, session);
        Ok(self.last_session)
    }

    pub(crate) fn close_session(&mut self, session: CK_SESSION_HANDLE) -> Result<()> {
        self.sessions.remove(&session).ok_or(Rv(CKR_SESSION_HANDLE_INVALID))?;
        if self.sessions.is_empty() {
            self.close_all_sessions();
        }
        Ok(())
    }

    /// With the last session the login ends, and the TPM is left to others.
    pub(crate) fn close_all_sessions(&mut self) {
        self.sessions.clear();
        self.logged_in = false;
        self.token.log_out(&self.config);
    }

    pub(crate) fn session(&mut self, session: CK_SESSION_HANDLE) -> Result<&mut Session> {
        self.sessions.get_mut(&session).ok_or(Rv(CKR_SESSION_HANDLE_INVALID))
    }

    /// The session's state and flags.
    pub(crate) fn session_info(&mut self, session: CK_SESSION_HANDLE) -> Result<(CK_STATE, CK_FLAGS)> {
        let logged_in = self.logged_in;
        let read_write = self.session(session)?.read_write;
        let state = match (read_write, logged_in) {
            (false, false) => CKS_RO_PUBLIC_SESSION,
            (false, true) => CKS_RO_USER_FUNCTIONS,
            (true, false) => CKS_RW_PUBLIC_SESSION,
            (true, true) => CKS_RW_USER_FUNCTIONS,
        };
        Ok((state, CKF_SERIAL_SESSION | if read_write { CKF_RW_SESSION } else { 0 }))
    }

    /// The PIN is the endorsement hierarchy's auth value. Where there is none, or the configuration has it, whatever the user gives is right.
    pub(crate) fn log_in(&mut self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: &[u8]) -> Result<()> {
        self.session(session)?;
        match user {
            CKU_USER => {}
            CKU_CONTEXT_SPECIFIC => return Err(Rv(CKR_OPERATION_NOT_INITIALIZED)),
            _ => {
                return refuse(CKR_USER_TYPE_INVALID, "this token has no security officer: there is nothing to set up");
            }
        }
        if self.logged_in {
            return Err(Rv(CKR_USER_ALREADY_LOGGED_IN));
        }
        if self.needs_login() {
            self.token.log_in(&self.config, pin).map_err(|error| {
                let wrong = matches!(&error, KeyError::Client(error)
                    if error.is(TpmRc::BAD_AUTH) || error.is(TpmRc::AUTH_FAIL));
                if wrong { Rv(CKR_PIN_INCORRECT) } else { error.into() }
            })?;
        }
        self.logged_in = true;
        Ok(())
    }

    pub(crate) fn log_out(&mut self, session: CK_SESSION_HANDLE) -> Result<()> {
        self.session(session)?;
        if !self.logged_in {
            return Err(Rv(CKR_USER_NOT_LOGGED_IN));
        }
        self.logged_in = false;
        if self.needs_login() {
            for session in self.sessions.values_mut() {
                session.sign = None;
            }
        }
        self.token.log_out(&self.config);
        Ok(())
    }

    pub(crate) fn find_init(&mut self, session: CK_SESSION_HANDLE, template: &[Attribute]) -> Result<()> {
        if self.session(session)?.found.is_some() {
            return Err(Rv(CKR_OPERATION_ACTIVE));
        }
        self.objects.refresh(&self.config, &mut self.token)?;
        let closed = self.is_closed();
        let candidates: Vec<(CK_OBJECT_HANDLE, Object)> = self
            .objects
            .all()
            .filter(|(_, object)| !(closed && object.class() == CKO_PRIVATE_KEY))
            .filter(|(_, object)| self.may_match(object, template))
            .map(|(handle, object)| (handle, object.clone()))
            .collect();
        let found =
            candidates.into_iter().filter(|(_, object)| self.matches(object, template)).map(|(handle, _)| handle);
        let found = found.collect();
        self.session(session)?.found = Some(found);
        Ok(())
    }

    /// Whether all that is known without the TPM is as the template says.
    fn may_match(&self, object: &Object, template: &[Attribute]) -> bool {
        template.iter().all(|(kind, value)| match attributes::of(object, self.needs_login(), *kind) {
            Ok(Known::Value(own)) => own == *value,
            Ok(Known::InPublicKey) => true,
            Err(_) => false,
        })
    }

    /// Whether the values of the public key are as the template says, if it says any.
    fn matches(&mut self, object: &Object, template: &[Attribute]) -> bool {
        template.iter().all(|(kind, value)| match (attributes::of(object, false, *kind), object.key()) {
            (Ok(Known::InPublicKey), Some(key)) => self
                .public(key)
                .and_then(|public| attributes::in_public_key(&public, *kind))
                .is_ok_and(|own| own == *value),
            _ => true,
        })
    }

    pub(crate) fn find(&mut self, session: CK_SESSION_HANDLE, most: usize) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let found = self.session(session)?.found.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        let most = most.min(found.len());
        Ok(found.drain(..most).collect())
    }

    pub(crate) fn find_final(&mut self, session: CK_SESSION_HANDLE) -> Result<()> {
        self.session(session)?.found.take().map(|_| ()).ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))
    }

    fn object(&self, handle: CK_OBJECT_HANDLE) -> Result<&Object> {
        let object = self.objects.get(handle).ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
        if self.is_closed() && object.class() == CKO_PRIVATE_KEY {
            return Err(Rv(CKR_OBJECT_HANDLE_INVALID));
        }
        Ok(object)
    }

    /// Whether there is such an object.
    pub(crate) fn has_object(&mut self, session: CK_SESSION_HANDLE, handle: CK_OBJECT_HANDLE) -> Result<()> {
        self.session(session)?;
        self.object(handle).map(|_| ())
    }

    /// The value of one attribute.
    pub(crate) fn attribute(&mut self, handle: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
        let object = self.object(handle)?;
        match (attributes::of(object, self.needs_login(), kind)?, object.key().cloned()) {
            (Known::Value(value), _) => Ok(value),
            (Known::InPublicKey, Some(key)) => attributes::in_public_key(&self.public(&key)?, kind),
            (Known::InPublicKey, None) => Err(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
        }
    }

    /// The public key: known, or asked from the TPM.
    fn public(&mut self, key: &Key) -> Result<PublicKey> {
        if let Some(public) = self.objects.public(&key.fingerprint) {
            return Ok(public.clone());
        }
        let public =
            PublicKey::from_spki(&self.token.public(&self.config, &key.reference)?.0).ok_or(Rv(CKR_FUNCTION_FAILED))?;
        self.objects.learn(public.clone());
        Ok(public)
    }

    /// Makes a named key; the handles of its public and its private half.
    pub(crate) fn generate(
        &mut self,
        session: CK_SESSION_HANDLE,
        request: &Request,
        public: &[Attribute],
        private: &[Attribute],
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let writes = self.session(session)?.read_write;
        let wanted = generate::wanted(request, public, private)?;
        if !writes {
            return Err(Rv(CKR_SESSION_READ_ONLY));
        }
        if self.is_closed() {
            return Err(Rv(CKR_USER_NOT_LOGGED_IN));
        }
        generate::create(&mut self.token, &self.config, &wanted)?;
        self.objects.refresh(&self.config, &mut self.token)?;
        let handle = |class| self.objects.handle_of(class, &wanted.name).ok_or(Rv(CKR_FUNCTION_FAILED));
        Ok((handle(CKO_PUBLIC_KEY)?, handle(CKO_PRIVATE_KEY)?))
    }

    /// Takes a named key off the list.
    pub(crate) fn destroy(&mut self, session: CK_SESSION_HANDLE, handle: CK_OBJECT_HANDLE) -> Result<()> {
        let writes = self.session(session)?.read_write;
        let key = match self.object(handle)? {
            Object::Private(key) => key.clone(),
            Object::Public(_) => {
                return refuse(CKR_ACTION_PROHIBITED, "the public key goes with the private one: destroy that");
            }
            Object::Certificate(_) => {
                let text = format!("certificates are files in {}: remove it there", self.config.certificates.display());
                return refuse(CKR_ACTION_PROHIBITED, text);
            }
        };
        if !writes {
            return Err(Rv(CKR_SESSION_READ_ONLY));
        }
        generate::remove(&mut self.token, &self.config, &key)?;
        self.objects.refresh(&self.config, &mut self.token)?;
        Ok(())
    }

    /// Why nothing can be brought in.
    pub(crate) fn create_object(&mut self, session: CK_SESSION_HANDLE, template: &[Attribute]) -> Result<()> {
        self.session(session)?;
        let class =
            template.iter().find(|(kind, _)| *kind == CKA_CLASS).and_then(|(_, value)| attributes::to_number(value));
        let text = match class {
            None => return Err(Rv(CKR_TEMPLATE_INCOMPLETE)),
            Some(CKO_CERTIFICATE) => {
                format!("put the certificate as a file into {}", self.config.certificates.display())
            }
            Some(_) => {
                "named keys are made by the TPM, not brought in: C_GenerateKeyPair, or ironroot key create".into()
            }
        };
        refuse(CKR_ACTION_PROHIBITED, text)
    }

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
