//! The module between `C_Initialize` and `C_Finalize`: one slot, its token, sessions and the login.

mod finding;
mod running;

use std::collections::{BTreeMap, VecDeque};

use cryptoki_sys::*;
use ironroot_client::wire::TpmRc;
use ironroot_crypto::Hasher;
use ironroot_keys::KeyError;

use crate::{
    config::Config,
    error::{Result, Rv, refuse},
    objects::Objects,
    operations::Operation,
    token::{Description, Token},
};

/// The one slot.
pub(crate) const SLOT: CK_SLOT_ID = 0;
/// More sessions than any program needs, so that a leak is found.
const MAX_SESSIONS: usize = 4096;

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
}
