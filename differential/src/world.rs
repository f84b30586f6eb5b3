//! Both TPMs, what the run knows of them, and how a step is done on both and compared.

use std::collections::BTreeMap;

use ironroot_wire::CommandInfo;

use crate::{
    bytes::{Bytes, Parts},
    compare,
    entities::*,
    ours::{Common, Ours},
    peer::Peer,
    render::Rendered,
    response::{self, Response},
    session::{self, AUDIT, CONTINUE, ENCRYPT},
    step::{Action, AuthUse, Call, Id, Piece, Ref, Step},
    table,
};

/// `TPM_RC_RETRY`.
const RETRY: u32 = 0x922;

/// What a response gave, by name.
pub type Fields = Vec<(&'static str, Vec<u8>)>;

/// A command that succeeded, whose results others can use.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: Id,
    pub code: u32,
    /// The names of its handles.
    pub names: Vec<Pair<Vec<u8>>>,
    /// What Ironroot got.
    pub parameters: Vec<u8>,
}

/// Both TPMs.
pub struct World {
    pub common: Common,
    ours: Ours,
    peer: Peer,
    pub now: u64,
    pub objects: BTreeMap<Id, Object>,
    pub persistent: BTreeMap<u32, Object>,
    pub indices: BTreeMap<u32, Index>,
    pub sessions: BTreeMap<Id, Session>,
    pub saved: BTreeMap<Id, Saved>,
    pub wrapped: BTreeMap<Id, Wrapped>,
    pub results: BTreeMap<Id, Pair<Fields>>,
    pub made: Vec<Made>,
    pub policy_digests: BTreeMap<Id, Pair<Vec<u8>>>,
    /// Auth values of hierarchies, lockout and PCR.
    pub auths: BTreeMap<u32, Vec<u8>>,
    pub started: bool,
    /// How much further the PCR update counter of libtpms is than ours, since the last start.
    pub pcr_ahead: Option<u32>,
    /// Whether the clocks may be apart: the rate was changed, or the power was cut, and Clock goes on from where it was
    /// last recorded, which is the TPM's choice.
    pub clock_free: bool,
    /// Whether the last command was a TPM2_Shutdown.
    pub shut_down: bool,
}

/// What became of a step.
pub enum Outcome {
    /// Something that it needs is not there.
    Skipped,
    /// Both answered alike.
    Agreed(u32),
    /// They did not.
    Diverged(Box<Divergence>),
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The response code.
    Code,
    /// The handle in the response.
    Handle,
    /// A parameter of the response.
    Field(&'static str),
    /// The response of this side is malformed.
    Malformed(usize),
    /// The response HMAC or nonce of this side, in this session, is not what it has to be.
    Session(usize, usize),
    /// The session attributes in the responses.
    SessionAttributes,
}

/// A divergence.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "libtpms"), allow(dead_code, reason = "the rules ask"))]
pub struct Divergence {
    pub step: Step,
    pub what: What,
    pub codes: Pair<u32>,
    pub requests: Pair<Vec<u8>>,
    pub responses: Pair<Vec<u8>>,
    pub handles: Vec<u32>,
    /// The objects behind the handles, if there are any.
    pub objects: Vec<Option<Object>>,
    /// What Ironroot got, before encryption.
    pub parameters: Vec<u8>,
    /// Whether the clocks of the two may be apart.
    pub clock_free: bool,
    /// Whether one of its indices is a PIN.
    pub pin: bool,
    /// Whether one of its indices is a counter.
    pub counter: bool,
    /// Objects and sequences that are loaded.
    pub loaded: usize,
    /// Whether libtpms has forgotten the policy of a session of the command.
    pub forgotten: bool,
    /// Whether its policy session is a trial, and one with PCR that had no digest.
    pub trial: bool,
    pub trial_pcr: bool,
    /// Whether a session that authorizes nothing has a policy that wants a password.
    pub password_beside: bool,
    /// Whether one of its indices has never been written.
    pub unwritten: bool,
    /// Whether a number of the command means a loaded object to one of the TPMs only.
    pub slots_differ: bool,
    /// The value of the field that differs.
    pub values: Pair<Vec<u8>>,
}

impl World {
    /// Two new TPMs that wait for `TPM2_Startup`.
    ///
    /// # Errors
    /// What they say.
    #[cfg(feature = "libtpms")]
    pub fn new(common: &Common, seed: u64) -> Result<Self, String> {
        let peer = Peer::Libtpms(crate::theirs::Theirs::manufacture(seed)?);
        Ok(Self::of(common, Ours::manufacture(&common.profile(), seed)?, peer))
    }

    /// Two TPMs that wait for `TPM2_Startup`.
    pub fn of(common: &Common, ours: Ours, peer: Peer) -> Self {
        Self {
            common: common.clone(),
            ours,
            peer,
            now: 0,
            objects: BTreeMap::new(),
            persistent: BTreeMap::new(),
            indices: BTreeMap::new(),
            sessions: BTreeMap::new(),
            saved: BTreeMap::new(),
            wrapped: BTreeMap::new(),
            results: BTreeMap::new(),
            made: Vec::new(),
            policy_digests: BTreeMap::new(),
            auths: BTreeMap::new(),
            started: false,
            pcr_ahead: None,
            clock_free: false,
            shut_down: false,
        }
    }

    /// The object with a handle.
    pub fn object_at(&self, handle: u32, side: usize) -> Option<&Object> {
        self.persistent.get(&handle).or_else(|| self.objects.values().find(|object| object.handle[side] == handle))
    }

    /// The auth value of an entity.
    pub fn auth_of(&self, handle: u32, side: usize) -> Vec<u8> {
        match handle >> 24 {
            1 => self.indices.get(&handle).map(|index| index.auth.clone()),
            0x80 | 0x81 => self.object_at(handle, side).map(|object| object.auth.clone()),
            _ => self.auths.get(&handle).cloned(),
        }
        .unwrap_or_default()
    }

    /// The name of an entity.
    pub fn name_of(&self, handle: u32, side: usize) -> Vec<u8> {
        match handle >> 24 {
            1 => self.indices.get(&handle).map(|index| index.name.clone()).unwrap_or_default(),
            0x80 | 0x81 => self.object_at(handle, side).map(|object| object.name(side)).unwrap_or_default(),
            _ => handle.to_be_bytes().to_vec(),
        }
    }

    /// Sends bytes to both.
    pub fn exchange(&mut self, locality: u8, commands: &Pair<Vec<u8>>) -> Result<Pair<Vec<u8>>, String> {
        let ours = self.ours.execute(locality, self.now, &commands[OURS]);
        let mut theirs = self.peer.execute(locality, self.now, &commands[THEIRS], &ours)?;
        // It writes its state first when the first protected object is used, and wants the command again.
        if response::code(&theirs) == Some(RETRY) {
            theirs = self.peer.execute(locality, self.now, &commands[THEIRS], &ours)?;
        }
        Ok([ours, theirs])
    }

    /// Whether libtpms still works after TPM_RC_FAILURE: it also says so when a single command fails.
    ///
    /// # Errors
    /// If libtpms does not answer.
    #[cfg(feature = "libtpms")]
    pub fn works(&mut self) -> Result<bool, String> {
        let answers = self.ask(0x181, &[])?;
        Ok(answers.iter().all(|answer| response::code(answer) == Some(0)))
    }

    /// A command without sessions, the same for both, that is no step.
    ///
    /// # Errors
    /// If libtpms does not answer.
    pub fn ask(&mut self, code: u32, body: &[u8]) -> Result<Pair<Vec<u8>>, String> {
        let command = Bytes::new().u16(0x8001).u32(body.len() as u32 + 10).u32(code).raw(body).0;
        self.exchange(0, &[command.clone(), command])
    }

    /// Does a step on both TPMs.
    ///
    /// # Errors
    /// If libtpms does not answer.
    pub fn execute(&mut self, step: &Step) -> Result<Outcome, String> {
        self.now += step.wait;
        let call = match &step.action {
            Action::Command(call) => call,
            Action::PowerCycle => {
                self.clock_free |= !self.shut_down;
                self.ours.power_cycle(self.now);
                self.peer.power_cycle(self.now)?;
                self.forget_volatile();
                return Ok(Outcome::Agreed(0));
            }
        };
        self.prepare(call)?;
        let Some(ours) = self.render(call, OURS) else { return Ok(Outcome::Skipped) };
        let theirs = if self.peer.is_mirror() { Some(ours.clone()) } else { self.render(call, THEIRS) };
        let Some(theirs) = theirs else { return Ok(Outcome::Skipped) };
        let rendered = [ours, theirs];
        let requests = [rendered[OURS].bytes.clone(), rendered[THEIRS].bytes.clone()];
        let responses = self.exchange(step.locality, &requests)?;
        let codes = responses.each_ref().map(|response| response::code(response).unwrap_or(u32::MAX));
        let mut divergence = Divergence {
            step: step.clone(),
            what: What::Code,
            codes,
            requests,
            responses: responses.clone(),
            handles: rendered[OURS].handles.clone(),
            objects: rendered[OURS].handles.iter().map(|handle| self.object_at(*handle, OURS).cloned()).collect(),
            parameters: rendered[OURS].parameters.clone(),
            clock_free: self.clock_free,
            pin: self.any_index(&rendered[OURS], Index::is_pin),
            counter: self.any_index(&rendered[OURS], Index::is_counter),
            loaded: self.objects.len(),
            trial: self.any_session(&rendered[OURS], |session| session.kind == Kind::Trial),
            trial_pcr: self.any_session(&rendered[OURS], |session| session.trial_pcr),
            password_beside: rendered[OURS].slots.iter().filter(|slot| !slot.authorizes).any(|slot| {
                slot.session.and_then(|id| self.sessions.get(&id)).is_some_and(|session| session.wants_password)
            }),
            unwritten: self.any_index(&rendered[OURS], |index| !index.written),
            forgotten: self.forgotten(call, &rendered[OURS]),
            slots_differ: !self.peer.is_mirror() && self.slots_differ(call, &rendered),
            values: Default::default(),
        };
        if codes[OURS] != codes[THEIRS] {
            return Ok(Outcome::Diverged(Box::new(divergence)));
        }
        let code = match &call.mutation {
            Some(crate::step::Mutation::Code(code)) => *code,
            _ => call.code,
        };
        if codes[OURS] == 0 && divergence.slots_differ {
            // Each has done it to something else.
            divergence.what = What::Handle;
            return Ok(Outcome::Diverged(Box::new(divergence)));
        }
        let info = table::info(code);
        let parsed = responses.each_ref().map(|bytes| response::parse(info, bytes));
        let [Some(ours), Some(theirs)] = parsed else {
            divergence.what = What::Malformed(if parsed[OURS].is_none() { OURS } else { THEIRS });
            return Ok(Outcome::Diverged(Box::new(divergence)));
        };
        if codes[OURS] != 0 {
            return Ok(Outcome::Agreed(codes[OURS]));
        }
        let Some(info) = info else { return Ok(Outcome::Agreed(0)) };
        let mut parsed = [ours, theirs];
        let different = match self.succeeded(step, call, info, &rendered, &mut parsed) {
            Ok(()) => None,
            Err((what, values)) => Some((what, values)),
        };
        // What is done in the place of another command is not learned; this one changes more than what can be asked for.
        self.clock_free |= code == 0x130;
        if code == call.code && table::resyncs(code) {
            self.resync()?;
        }
        Ok(match different {
            None => Outcome::Agreed(0),
            Some((what, values)) => {
                divergence.what = what;
                divergence.values = values;
                Outcome::Diverged(Box::new(divergence))
            }
        })
    }

    /// Whether one of the handles is a session of a kind.
    fn any_session(&self, rendered: &Rendered, wanted: impl Fn(&Session) -> bool) -> bool {
        let ids = rendered.handles.iter().filter_map(|handle| self.session_at(*handle));
        ids.filter_map(|id| self.sessions.get(&id)).any(wanted)
    }

    /// Whether one of the handles is an index of a kind.
    fn any_index(&self, rendered: &Rendered, wanted: impl Fn(&Index) -> bool) -> bool {
        rendered.handles.iter().filter_map(|handle| self.indices.get(handle)).any(wanted)
    }

    fn forgotten(&self, call: &Call, rendered: &Rendered) -> bool {
        let by_handle = rendered.handles.iter().filter_map(|handle| self.session_at(*handle));
        let by_session = rendered.slots.iter().filter_map(|slot| slot.session);
        let by_digest = {
            let mut ids = Vec::new();
            search(&call.parameters, &mut |piece| {
                if let Piece::PolicyDigest(id) = piece {
                    ids.push(*id);
                }
            });
            ids
        };
        by_handle
            .chain(by_session)
            .chain(by_digest)
            .any(|id| self.sessions.get(&id).is_some_and(|session| session.forgotten))
    }

    /// Whether a fixed number in a command is that of a loaded object in one TPM and not in the other, or of another one.
    fn slots_differ(&self, call: &Call, rendered: &Pair<Rendered>) -> bool {
        let at = |side: usize, handle: u32| {
            self.objects.iter().find(|(_, object)| object.handle[side] == handle).map(|(id, _)| *id)
        };
        let mut numbers: Vec<u32> = call
            .handles
            .iter()
            .filter_map(|handle| match handle {
                Ref::Fixed(number) => Some(*number),
                _ => None,
            })
            .collect();
        // TPM2_FlushContext.
        if call.code == 0x165 && (call.mutation.is_some() || !matches!(call.parameters.as_slice(), [Piece::Handle(_)]))
        {
            let handles = rendered.each_ref().map(|side| Parts(&side.parameters).u32().unwrap_or_default());
            let known = |side: usize| handles[side] >> 24 == 0x80 && at(side, handles[side]).is_some();
            if known(OURS) != known(THEIRS) {
                return true;
            }
            numbers.extend(handles.iter().copied().filter(|_| handles[OURS] == handles[THEIRS]));
        }
        // While a command uses a persistent object, libtpms has it in a slot.
        let persistent = rendered[OURS].handles.iter().any(|handle| handle >> 24 == 0x81);
        numbers.iter().any(|number| number >> 24 == 0x80 && (persistent || at(OURS, *number) != at(THEIRS, *number)))
    }

    /// Asks for what rendering needs beyond what is known: names of NV indices, policy digests.
    fn prepare(&mut self, call: &Call) -> Result<(), String> {
        let by_session = call.auths.iter().any(|auth| matches!(auth, AuthUse::Session { .. }));
        let mut wanted = Vec::new();
        if by_session {
            wanted.extend(call.handles.iter().filter_map(|handle| self.handle(*handle, OURS)));
        }
        let mut sessions = Vec::new();
        search(&call.parameters, &mut |piece| match piece {
            Piece::Name(Ref::Fixed(handle)) => wanted.push(*handle),
            Piece::PolicyDigest(id) => sessions.push(*id),
            _ => {}
        });
        for handle in wanted {
            if self.indices.contains_key(&handle) {
                self.refresh_name(handle)?;
            }
        }
        for id in sessions {
            let Some(session) = self.sessions.get(&id) else { continue };
            let body = session.handle.to_be_bytes();
            let answers = self.ask(0x189, &body)?;
            let digests =
                answers.map(|answer| Parts(answer.get(10..).unwrap_or_default()).sized().unwrap_or_default().to_vec());
            self.policy_digests.insert(id, digests);
        }
        Ok(())
    }

    fn refresh_name(&mut self, handle: u32) -> Result<(), String> {
        let answers = self.ask(0x169, &handle.to_be_bytes())?;
        // Differences of the public area come out where TPM2_NV_ReadPublic is a step of its own.
        let mut parts = Parts(answers[THEIRS].get(10..).unwrap_or_default());
        let name = parts.sized().and_then(|_| parts.sized()).unwrap_or_default().to_vec();
        if let Some(index) = self.indices.get_mut(&handle) {
            index.name = name;
        }
        Ok(())
    }

    /// Checks and compares two responses that report success, and learns from them.
    fn succeeded(
        &mut self,
        step: &Step,
        call: &Call,
        info: &'static CommandInfo,
        rendered: &Pair<Rendered>,
        parsed: &mut Pair<Response>,
    ) -> Result<(), (What, Pair<Vec<u8>>)> {
        let nothing = || Pair::<Vec<u8>>::default();
        if call.code != info.code.0 {
            // Another command than the one that was meant; both accepted it.
            return Ok(());
        }
        self.shut_down = false;
        let auths_after = self.auths_after(call, rendered);
        let mut first_error = None;
        for side in [OURS, THEIRS] {
            let checked = self.check_sessions(side, info, &rendered[side], &mut parsed[side], &auths_after);
            if let Err(session) = checked {
                first_error.get_or_insert((What::Session(side, session), nothing()));
            }
        }
        let attributes = parsed
            .each_ref()
            .map(|response| response.sessions.iter().map(|entry| entry.attributes).collect::<Vec<_>>());
        if attributes[OURS] != attributes[THEIRS] {
            first_error.get_or_insert((What::SessionAttributes, attributes));
        }
        let fields = parsed.each_ref().map(|response| response::fields(info, &response.parameters));
        let [Some(ours), Some(theirs)] = fields else {
            let side = if fields[OURS].is_none() { OURS } else { THEIRS };
            return Err((What::Malformed(side), nothing()));
        };
        let fields = [ours, theirs];
        // Which of its slots a TPM gives to an object is its own choice.
        let is_object = parsed[OURS].handle.is_some_and(|handle| handle >> 24 == 0x80);
        if parsed[OURS].handle != parsed[THEIRS].handle && !is_object {
            let handles = parsed.each_ref().map(|response| response.handle.unwrap_or_default().to_be_bytes().to_vec());
            first_error.get_or_insert((What::Handle, handles));
        }
        if let Err((field, values)) = compare::fields(self, call, info, rendered, &fields) {
            first_error.get_or_insert((What::Field(field), values));
        }
        let roll: Vec<_> = rendered[OURS]
            .slots
            .iter()
            .enumerate()
            .filter_map(|(at, slot)| {
                let nonces = [OURS, THEIRS].map(|side| parsed[side].sessions.get(at).map(|entry| entry.nonce.clone()));
                let attributes = parsed[OURS].sessions.get(at).map_or(0, |entry| entry.attributes);
                let [Some(ours), Some(theirs)] = nonces else { return None };
                Some((slot.session?, attributes, [ours, theirs], slot.authorizes))
            })
            .collect();
        let handles = parsed.each_ref().map(|response| response.handle.unwrap_or_default());
        self.learn(step, call, rendered, handles, fields);
        for (id, attributes, nonces, authorizes) in roll {
            self.roll(id, attributes, nonces, authorizes);
        }
        first_error.map_or(Ok(()), Err)
    }

    fn roll(&mut self, id: Id, attributes: u8, nonces: Pair<Vec<u8>>, authorizes: bool) {
        if attributes & CONTINUE == 0 {
            self.sessions.remove(&id);
        } else if let Some(session) = self.sessions.get_mut(&id) {
            session.nonce_tpm = nonces;
            if attributes & AUDIT != 0 {
                // An audit session is bound to nothing any more (Part 1, 17.1).
                session.bound = None;
            }
            session.forgotten |= !authorizes && session.kind != Kind::Hmac;
            if authorizes {
                session.forgotten = false;
                session.same = true;
                // A policy that has authorized starts over (Part 1, 16.7).
                session.wants_auth = false;
                session.wants_password = false;
            }
        }
    }

    /// Verifies what the sessions of a response say, and decrypts its first parameter.
    fn check_sessions(
        &self,
        side: usize,
        info: &CommandInfo,
        rendered: &Rendered,
        response: &mut Response,
        auths_after: &[Vec<u8>],
    ) -> Result<(), usize> {
        if response.sessions.len() != rendered.slots.len() {
            return Err(response.sessions.len());
        }
        let mut result = Ok(());
        for (at, (slot, entry)) in rendered.slots.iter().zip(&response.sessions).enumerate() {
            let auth = auths_after.get(at).map(Vec::as_slice).unwrap_or_default();
            let sent = !slot.hmac.is_empty();
            let right = match slot.session.and_then(|id| self.sessions.get(&id)) {
                // A password, or no HMAC where none is needed.
                None => entry.hmac.is_empty(),
                Some(session) if slot.authorizes && session.wants_password => entry.hmac.is_empty(),
                Some(session) => {
                    let hash = session::parameter_hash(session.hash, info.code.0, Some(0), &[], &response.parameters);
                    let auth = if slot.includes_auth { auth } else { &[] };
                    let hmac = session.hmac(side, auth, &hash, &[&entry.nonce, &slot.nonce], entry.attributes, sent);
                    // Who sends none gets none (Part 1, 16.6.16); libtpms sends one if there is a secret now.
                    let none = entry.hmac.is_empty() && !sent;
                    none || (sent || side == THEIRS) && hmac == entry.hmac
                }
            };
            if !right {
                result = result.and(Err(at + 1));
            }
        }
        for (at, (slot, entry)) in rendered.slots.iter().zip(&response.sessions).enumerate() {
            let Some(session) = slot.session.and_then(|id| self.sessions.get(&id)) else { continue };
            if slot.attributes & ENCRYPT == 0 {
                continue;
            }
            let auth = if slot.authorizes { auths_after[at].as_slice() } else { &[] };
            if let Some(data) = session::first_sized(&mut response.parameters) {
                session.crypt(side, false, auth, &entry.nonce, &slot.nonce, data);
            }
        }
        result
    }

    /// The auth values of the authorized entities when the response is made: a changed value counts already.
    fn auths_after(&self, call: &Call, rendered: &Pair<Rendered>) -> Vec<Vec<u8>> {
        let mut auths: Vec<_> = rendered[OURS].slots.iter().map(|slot| slot.auth.clone()).collect();
        let new = || crate::learn::trimmed(Parts(&rendered[OURS].parameters).sized().unwrap_or_default());
        if let Some(first) = auths.first_mut() {
            match call.code {
                // HierarchyChangeAuth, NV_ChangeAuth, PCR_SetAuthValue
                0x129 | 0x13B | 0x183 => *first = new(),
                // NV_UndefineSpaceSpecial
                0x11F => first.clear(),
                // Clear
                0x126 if rendered[OURS].handles.first() == Some(&LOCKOUT) => first.clear(),
                _ => {}
            }
        }
        auths
    }

    /// Asks both for their handles, and forgets what is no longer there.
    ///
    /// # Errors
    /// If libtpms does not answer.
    pub fn resync(&mut self) -> Result<(), String> {
        if !self.started {
            return Ok(());
        }
        let transient = self.lists(0x8000_0000)?;
        let loaded = self.list(0x0200_0000)?;
        let persistent = self.list(0x8100_0000)?;
        let indices = self.list(0x0100_0000)?;
        self.objects
            .retain(|_, object| [OURS, THEIRS].iter().all(|&side| transient[side].contains(&object.handle[side])));
        self.sessions.retain(|_, session| loaded.iter().any(|handle| handle & 0xFF_FFFF == session.handle & 0xFF_FFFF));
        self.persistent.retain(|handle, _| persistent.contains(handle));
        self.indices.retain(|handle, _| indices.contains(handle));
        Ok(())
    }

    /// Handles of a kind that both have.
    pub fn list(&mut self, first: u32) -> Result<Vec<u32>, String> {
        let lists = self.lists(first)?;
        Ok(lists[OURS].iter().copied().filter(|handle| lists[THEIRS].contains(handle)).collect())
    }

    fn lists(&mut self, first: u32) -> Result<Pair<Vec<u32>>, String> {
        let body = Bytes::new().u32(1).u32(first).u32(254).0;
        Ok(self.ask(0x17A, &body)?.map(|answer| {
            let mut parts = Parts(answer.get(15..).unwrap_or_default());
            let count = parts.u32().unwrap_or(0);
            (0..count).map_while(|_| parts.u32()).collect()
        }))
    }

    /// Ironroot goes on in another process, with what is not stored or without, as after a power cut.
    ///
    /// # Errors
    /// What the TPM says.
    pub fn replace_ours(&mut self, with_volatile: bool) -> Result<(), String> {
        if with_volatile {
            return self.ours.resume(self.now);
        }
        self.ours.reopen()?;
        self.ours.power_cycle(self.now);
        self.clock_free = true;
        self.forget_volatile();
        Ok(())
    }

    /// Forgets the sessions of a command that did something else than was meant.
    pub fn forget_sessions(&mut self, handles: &[u32]) {
        self.sessions.retain(|_, session| !handles.contains(&session.handle));
    }

    fn forget_volatile(&mut self) {
        self.objects.clear();
        self.sessions.clear();
        self.started = false;
        self.pcr_ahead = None;
    }
}

/// Visits all pieces.
pub fn search<'a>(pieces: &'a [Piece], visit: &mut impl FnMut(&'a Piece)) {
    for piece in pieces {
        visit(piece);
        match piece {
            Piece::Sized(inner) | Piece::Hash(_, inner) | Piece::Hmac(_, _, inner) => search(inner, visit),
            Piece::Damaged(inner, _) => search(std::slice::from_ref(&**inner), visit),
            _ => {}
        }
    }
}
