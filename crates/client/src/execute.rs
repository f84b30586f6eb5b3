//! The life of one command on the client's side (Part 1, clauses 15 to 18): encrypt, authorize, send, check, decrypt.
//!
//! Nothing of a response is returned before the HMACs of all its sessions have been verified.

use ironroot_crypto::digest;
use ironroot_wire::{CommandInfo, TpmHandle, TpmRc, TpmSe, TpmSt, TpmaSession, TpmiAlgHash};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{Auth, ClientError, Session, Transport, auth::without_trailing_zeros, session::PolicyProof};

/// How often a command is sent again when the TPM says that it could not start it (`TPM_RC_RETRY` and its kin).
const ATTEMPTS: u32 = 20;

/// A command that is ready but for its authorizations.
pub(crate) struct Call {
    pub(crate) info: &'static CommandInfo,
    pub(crate) handles: Vec<u32>,
    /// The entities' names; only looked at when a session computes a cpHash.
    pub(crate) names: Vec<Vec<u8>>,
    /// The auth values of the entities whose handles need authorization, in order.
    pub(crate) auths: Vec<Zeroizing<Vec<u8>>>,
    pub(crate) parameters: Zeroizing<Vec<u8>>,
    /// The auth values as they are when the response is made, where the command itself changes them.
    pub(crate) auths_after: Vec<Zeroizing<Vec<u8>>>,
}

/// What a successful response holds.
pub(crate) struct Answer {
    pub(crate) handle: Vec<u8>,
    pub(crate) parameters: Zeroizing<Vec<u8>>,
}

/// One entry of the authorization area while its command is under way.
enum Slot<'a> {
    Password(Zeroizing<Vec<u8>>),
    Session {
        session: &'a mut Session,
        nonce: Vec<u8>,
        attributes: TpmaSession,
        /// Whether the HMAC key has the auth value of the entity in it.
        includes_auth: bool,
    },
}

impl Call {
    /// Sends the command and checks the response.
    pub(crate) fn perform(
        mut self,
        transport: &mut dyn Transport,
        auths: &mut [Auth<'_>],
    ) -> Result<Answer, ClientError> {
        let mut slots = self.slots(auths)?;
        let (decrypt, encrypt) = (find(&slots, TpmaSession::DECRYPT)?, find(&slots, TpmaSession::ENCRYPT)?);
        if let Some(at) = decrypt {
            self.encrypt_parameter(&slots, at)?;
        }
        let entries = self.authorize(&slots, decrypt, encrypt);
        let command = self.frame(&entries)?;
        let response = self.send(transport, &command)?;
        let mut answer = self.parse(&response, !slots.is_empty(), &transport.endpoint())?;
        self.check(&mut slots, &mut answer)?;
        Ok(Answer { handle: answer.handle, parameters: answer.parameters })
    }

    /// Lines up the authorizations: those given, and passwords for the handles that were given none.
    fn slots<'a>(&self, auths: &'a mut [Auth<'_>]) -> Result<Vec<Slot<'a>>, ClientError> {
        let count = auths.len().max(self.auths.len());
        if count > 3 {
            return Err(ClientError::usage(format!("a command takes three sessions at most, not {count}")));
        }
        let mut slots = Vec::with_capacity(count);
        for (at, auth) in auths.iter_mut().enumerate() {
            slots.push(match auth {
                Auth::Session(session) => self.session_slot(session, at)?,
                _ if at >= self.auths.len() => {
                    let text = format!("TPM2_{} has no handle for password {}", self.info.name, at + 1);
                    return Err(ClientError::Usage(text));
                }
                Auth::Known => Slot::Password(self.auth(at).to_vec().into()),
                Auth::Password(password) => Slot::Password(without_trailing_zeros(password).to_vec().into()),
            });
        }
        for at in slots.len()..count {
            slots.push(Slot::Password(self.auth(at).to_vec().into()));
        }
        Ok(slots)
    }

    fn session_slot<'a>(&self, session: &'a mut Session, at: usize) -> Result<Slot<'a>, ClientError> {
        if session.ended {
            return Err(ClientError::usage("the session has ended: start a new one"));
        }
        let attributes = session.attributes_for(self.info);
        let nonce = crate::random::bytes(session.hash.digest_size())?;
        let includes_auth = match (self.names.get(at), self.auths.get(at)) {
            (Some(name), Some(auth)) => session.includes_auth(name, auth),
            _ => false,
        };
        Ok(Slot::Session { session, nonce, attributes, includes_auth })
    }

    fn auth(&self, at: usize) -> &[u8] {
        self.auths.get(at).map(|auth| auth.as_slice()).unwrap_or_default()
    }

    fn auth_after(&self, at: usize) -> &[u8] {
        self.auths_after.get(at).map(|auth| auth.as_slice()).unwrap_or_default()
    }

    fn encrypt_parameter(&mut self, slots: &[Slot<'_>], at: usize) -> Result<(), ClientError> {
        let auth = Zeroizing::new(self.auth(at).to_vec());
        let (Some(Slot::Session { session, nonce, .. }), Some(data)) =
            (slots.get(at), sized_data(&mut self.parameters))
        else {
            return Err(ClientError::usage("the first parameter cannot be encrypted"));
        };
        session.cipher(true, &auth, nonce, &session.nonce_tpm, data)
    }

    fn cp_hash(&self, algorithm: TpmiAlgHash) -> Vec<u8> {
        let code = self.info.code.0.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![&code];
        parts.extend(self.names.iter().map(Vec::as_slice));
        parts.push(&self.parameters);
        digest(algorithm, &parts).to_vec()
    }

    /// The authorization area (Part 1, 15.6).
    fn authorize(&self, slots: &[Slot<'_>], decrypt: Option<usize>, encrypt: Option<usize>) -> Zeroizing<Vec<u8>> {
        let mut area = Zeroizing::new(Vec::with_capacity(512));
        for (at, slot) in slots.iter().enumerate() {
            match slot {
                Slot::Password(password) => {
                    area.extend_from_slice(&TpmHandle::PW.0.to_be_bytes());
                    push_sized(&mut area, &[]);
                    area.push(TpmaSession::CONTINUE_SESSION.0);
                    push_sized(&mut area, password);
                }
                Slot::Session { session, nonce, attributes, includes_auth } => {
                    area.extend_from_slice(&session.handle.to_be_bytes());
                    push_sized(&mut area, nonce);
                    area.push(attributes.0);
                    let authorizes = at < self.auths.len();
                    if authorizes && session.kind == TpmSe::Policy && session.proof == PolicyProof::Password {
                        push_sized(&mut area, self.auth(at));
                        continue;
                    }
                    let mut nonces: Vec<&[u8]> = vec![nonce, &session.nonce_tpm];
                    if at == 0 && authorizes {
                        // Ties the sessions together, so that none can be taken away (Part 1, 16.6.5).
                        let encrypt = encrypt.filter(|at| Some(*at) != decrypt);
                        for other in [decrypt, encrypt].into_iter().flatten().filter(|other| *other != 0) {
                            if let Some(Slot::Session { session, .. }) = slots.get(other) {
                                nonces.push(&session.nonce_tpm);
                            }
                        }
                    }
                    let auth = if *includes_auth { self.auth(at) } else { &[] };
                    push_sized(&mut area, &session.hmac(auth, &self.cp_hash(session.hash), &nonces, *attributes));
                }
            }
        }
        area
    }

    fn frame(&self, area: &[u8]) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let tag = if area.is_empty() { TpmSt::NoSessions } else { TpmSt::Sessions };
        let area_size = if area.is_empty() { 0 } else { 4 + area.len() };
        let size = 10 + 4 * self.handles.len() + area_size + self.parameters.len();
        let mut command = Zeroizing::new(Vec::with_capacity(size));
        command.extend_from_slice(&tag.value().to_be_bytes());
        command.extend_from_slice(&size_field(size)?);
        command.extend_from_slice(&self.info.code.0.to_be_bytes());
        for handle in &self.handles {
            command.extend_from_slice(&handle.to_be_bytes());
        }
        if !area.is_empty() {
            command.extend_from_slice(&size_field(area.len())?);
            command.extend_from_slice(area);
        }
        command.extend_from_slice(&self.parameters);
        Ok(command)
    }

    fn send(&self, transport: &mut dyn Transport, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let mut pause = std::time::Duration::from_millis(1);
        for _ in 1..ATTEMPTS {
            let response = Zeroizing::new(transport.transmit(command)?);
            match response_code(&response) {
                // The command was not started: the very same bytes, nonces included, may be sent again.
                Some(TpmRc::RETRY | TpmRc::YIELDED | TpmRc::TESTING) => std::thread::sleep(pause),
                _ => return Ok(response),
            }
            pause = (pause * 2).min(std::time::Duration::from_millis(250));
        }
        transport.transmit(command).map(Zeroizing::new)
    }

    fn parse(&self, response: &[u8], sessions: bool, endpoint: &str) -> Result<Parsed, ClientError> {
        let broken = |reason: &str| ClientError::Protocol {
            endpoint: endpoint.into(),
            reason: format!("its response to TPM2_{} {reason}", self.info.name),
        };
        let mut rest = Rest(response);
        let tag = rest.u16().ok_or_else(|| broken("has no tag"))?;
        let size = rest.u32().ok_or_else(|| broken("has no size"))?;
        let rc = rest.u32().ok_or_else(|| broken("has no response code"))?;
        if usize::try_from(size) != Ok(response.len()) {
            return Err(broken(&format!("says {size} bytes and has {}", response.len())));
        }
        if rc != 0 {
            return Err(ClientError::Tpm { command: self.info.name, rc: TpmRc(rc) });
        }
        let expected = if sessions { TpmSt::Sessions } else { TpmSt::NoSessions };
        if tag != expected.value() {
            return Err(broken(&format!("has the tag {tag:#06x}")));
        }
        let handle = if self.info.response_handle.is_some() {
            rest.take(4).ok_or_else(|| broken("has no handle"))?.to_vec()
        } else {
            Vec::new()
        };
        if !sessions {
            return Ok(Parsed { handle, parameters: rest.0.to_vec().into(), entries: Vec::new() });
        }
        let size = rest.u32().and_then(|size| usize::try_from(size).ok()).ok_or_else(|| broken("is cut short"))?;
        let parameters = rest.take(size).ok_or_else(|| broken("is cut short"))?.to_vec().into();
        let mut entries = Vec::new();
        while !rest.0.is_empty() {
            let entry = (|| {
                let (nonce, attributes, hmac) = (rest.sized()?.to_vec(), rest.u8()?, rest.sized()?.to_vec());
                Some(Entry { nonce, attributes: TpmaSession(attributes), hmac })
            })();
            entries.push(entry.ok_or_else(|| broken("has a broken authorization area"))?);
        }
        Ok(Parsed { handle, parameters, entries })
    }

    /// Verifies every session's answer, rolls the nonces, then decrypts.
    fn check(&self, slots: &mut [Slot<'_>], answer: &mut Parsed) -> Result<(), ClientError> {
        if answer.entries.len() != slots.len() {
            return Err(ClientError::ResponseHmac { command: self.info.name, session: answer.entries.len() + 1 });
        }
        for (at, (slot, entry)) in slots.iter().zip(&answer.entries).enumerate() {
            if !self.is_authentic(slot, entry, at, &answer.parameters) {
                return Err(ClientError::ResponseHmac { command: self.info.name, session: at + 1 });
            }
        }
        // Before anything is decrypted, because every session audits what was on the wire.
        for slot in slots.iter_mut() {
            if let Slot::Session { session, attributes, .. } = slot
                && attributes.contains(TpmaSession::AUDIT)
            {
                session.audit(
                    *attributes,
                    &self.cp_hash(session.hash),
                    &self.rp_hash(session.hash, &answer.parameters),
                );
            }
        }
        for (at, (slot, entry)) in slots.iter_mut().zip(&mut answer.entries).enumerate() {
            let Slot::Session { session, nonce, attributes, .. } = slot else { continue };
            session.nonce_tpm = std::mem::take(&mut entry.nonce);
            session.ended = !entry.attributes.contains(TpmaSession::CONTINUE_SESSION);
            if attributes.contains(TpmaSession::ENCRYPT)
                && let Some(data) = sized_data(&mut answer.parameters)
            {
                let auth = self.auth_after(at);
                session.cipher(false, auth, &session.nonce_tpm, nonce, data)?;
            }
            if at < self.auths.len() {
                // A policy that has authorized starts over (Part 1, 16.7).
                session.proof = PolicyProof::Nothing;
            }
        }
        Ok(())
    }

    fn is_authentic(&self, slot: &Slot<'_>, entry: &Entry, at: usize, parameters: &[u8]) -> bool {
        let Slot::Session { session, nonce, includes_auth, .. } = slot else {
            return entry.nonce.is_empty() && entry.hmac.is_empty();
        };
        if session.proof == PolicyProof::Password && at < self.auths.len() {
            return entry.hmac.is_empty();
        }
        let nonces: [&[u8]; 2] = [&entry.nonce, nonce];
        let rp_hash = self.rp_hash(session.hash, parameters);
        let auth = if *includes_auth { self.auth_after(at) } else { &[] };
        let expected = session.hmac(auth, &rp_hash, &nonces, entry.attributes);
        expected.ct_eq(&entry.hmac).into()
    }

    fn rp_hash(&self, algorithm: TpmiAlgHash, parameters: &[u8]) -> Vec<u8> {
        digest(algorithm, &[&[0; 4], &self.info.code.0.to_be_bytes(), parameters]).to_vec()
    }
}

struct Parsed {
    handle: Vec<u8>,
    parameters: Zeroizing<Vec<u8>>,
    entries: Vec<Entry>,
}

struct Entry {
    nonce: Vec<u8>,
    attributes: TpmaSession,
    hmac: Vec<u8>,
}

/// The one session with this attribute.
fn find(slots: &[Slot<'_>], attribute: TpmaSession) -> Result<Option<usize>, ClientError> {
    let mut with = slots.iter().enumerate().filter(|(_, slot)| match slot {
        Slot::Session { attributes, .. } => attributes.contains(attribute),
        Slot::Password(_) => false,
    });
    let first = with.next().map(|(at, _)| at);
    match with.next() {
        Some(_) => Err(ClientError::usage("two sessions of one command cannot encrypt the same parameter")),
        None => Ok(first),
    }
}

/// The response code, if the bytes have one.
pub(crate) fn response_code(response: &[u8]) -> Option<TpmRc> {
    let mut rest = Rest(response);
    rest.take(6)?;
    rest.u32().map(TpmRc)
}

/// The data of a first parameter that stands behind its 16-bit size.
fn sized_data(parameters: &mut [u8]) -> Option<&mut [u8]> {
    let (size, data) = parameters.split_first_chunk_mut::<2>()?;
    data.get_mut(..usize::from(u16::from_be_bytes(*size)))
}

fn push_sized(area: &mut Vec<u8>, bytes: &[u8]) {
    // Nonces, HMACs and auth values are never longer than a digest.
    area.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    area.extend_from_slice(bytes);
}

fn size_field(size: usize) -> Result<[u8; 4], ClientError> {
    let size = u32::try_from(size).map_err(|_| ClientError::usage("the command is too long"))?;
    Ok(size.to_be_bytes())
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }
    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    fn sized(&mut self) -> Option<&'a [u8]> {
        let size = self.u16()?;
        self.take(size.into())
    }
}
