//! What a command that succeeded on both TPMs says about what they hold now.

use crate::{
    bytes::Parts,
    entities::*,
    public::{self, Public},
    render::{Rendered, shared_salt},
    session::session_key,
    step::{Call, Id, Piece, Step},
    world::{Fields, Made, World, search},
};

/// Trailing zeros do not count in an auth value (Part 1, 16.6.4).
pub fn trimmed(auth: &[u8]) -> Vec<u8> {
    let end = auth.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    auth[..end].to_vec()
}

fn field<'a>(fields: &'a Pair<Fields>, side: usize, name: &str) -> &'a [u8] {
    fields[side].iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_slice()).unwrap_or_default()
}

/// The public areas in a sized field of the responses.
fn publics(fields: &Pair<Fields>, name: &str) -> Option<Pair<Public>> {
    let of = |side| Public::parse(Parts(field(fields, side, name)).sized()?);
    Some([of(OURS)?, of(THEIRS)?])
}

/// The step that a parameter comes from.
fn source(call: &Call) -> Option<Id> {
    let mut found = None;
    search(&call.parameters, &mut |piece| {
        if let Piece::Field { of, .. } = piece {
            found.get_or_insert(*of);
        }
    });
    found
}

/// Auth value and secret of a `TPMT_SENSITIVE`.
fn sensitive(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut parts = Parts(bytes);
    parts.u16()?;
    let auth = trimmed(parts.sized()?);
    parts.sized()?;
    Some((auth, parts.sized()?.to_vec()))
}

impl World {
    /// Learns from a command that succeeded on both.
    pub fn learn(
        &mut self,
        step: &Step,
        call: &Call,
        rendered: &Pair<Rendered>,
        handle: Pair<u32>,
        fields: Pair<Fields>,
    ) {
        let id = step.id;
        let names = (0..rendered[OURS].handles.len()).map(|at| self.names(rendered, at)).collect();
        self.made.push(Made { id, code: call.code, names, parameters: rendered[OURS].parameters.clone() });
        // What has no place in the model leaves nothing to be learned.
        let _ = self.learn_about(id, call, rendered, handle, &fields);
        self.results.insert(id, fields);
    }

    fn learn_about(
        &mut self,
        id: Id,
        call: &Call,
        rendered: &Pair<Rendered>,
        handle: Pair<u32>,
        fields: &Pair<Fields>,
    ) -> Option<()> {
        let handles = rendered[OURS].handles.clone();
        let on = |at: usize| handles.get(at).copied();
        let mut parameters = Parts(&rendered[OURS].parameters);
        let session = handles.iter().find(|handle| *handle >> 24 == 3).and_then(|handle| self.session_at(*handle));
        if let Some(session) = session {
            let names = (0..handles.len()).all(|at| self.names(rendered, at)[OURS] == self.names(rendered, at)[THEIRS]);
            let same = names && rendered[OURS].parameters == rendered[THEIRS].parameters;
            let trial_pcr = call.code == 0x17F && Parts(&rendered[OURS].parameters).sized() == Some(&[]);
            if let Some(session) = self.sessions.get_mut(&session) {
                session.trial_pcr |= trial_pcr && session.kind == Kind::Trial;
                session.trial_pcr &= call.code != 0x180;
                session.same = call.code == 0x180 || session.same && same;
                session.forgotten &= call.code != 0x180;
            }
        }
        match call.code {
            0x131 | 0x191 => {
                let auth = trimmed(Parts(parameters.sized()?).sized()?);
                let public = publics(fields, "out_public")?;
                let parent = on(0)?;
                let hierarchy = self.object_at(parent, OURS).map_or(parent, |object| object.hierarchy);
                self.add(id, handle, Some(public), auth, hierarchy, Vec::new());
            }
            0x153 => {
                let auth = trimmed(Parts(parameters.sized()?).sized()?);
                let parent = self.names(rendered, 0);
                let public = publics(fields, "out_public")?;
                self.wrapped.insert(id, Wrapped { parent, public, auth, secret: Vec::new() });
            }
            0x157 => {
                parameters.sized()?;
                let mut other = Parts(&rendered[THEIRS].parameters);
                other.sized()?;
                let public = [Public::parse(parameters.sized()?)?, Public::parse(other.sized()?)?];
                let from = self.wrapped.get(&source(call)?)?.clone();
                let hierarchy = self.object_at(on(0)?, OURS).map_or(NULL, |object| object.hierarchy);
                self.add(id, handle, Some(public), from.auth, hierarchy, from.secret);
            }
            0x167 => {
                let private = parameters.sized()?;
                let (auth, secret) = sensitive(private).unwrap_or_default();
                let public = Public::parse(parameters.sized()?)?;
                let mut other = Parts(&rendered[THEIRS].parameters);
                other.sized()?;
                let public = [public, Public::parse(other.sized()?)?];
                let hierarchy = parameters.u32()?;
                self.add(id, handle, Some(public), auth, hierarchy, secret);
                self.objects.get_mut(&id)?.private = !private.is_empty();
            }
            0x156 => {
                parameters.sized()?;
                let public = Public::parse(parameters.sized()?)?;
                let parent = self.names(rendered, 0);
                let (auth, secret) = match source(call).and_then(|from| self.wrapped.get(&from)) {
                    Some(from) => (from.auth.clone(), from.secret.clone()),
                    None => sensitive(Parts(parameters.sized()?).sized()?)?,
                };
                self.wrapped.insert(id, Wrapped { parent, public: [public.clone(), public], auth, secret });
            }
            // Duplicate: to be imported under the new parent.
            0x14B => {
                let object = self.object_at(on(0)?, OURS)?.clone();
                let parent = self.names(rendered, 1);
                self.wrapped
                    .insert(id, Wrapped { parent, public: object.public?, auth: object.auth, secret: object.secret });
            }
            0x152 => {
                let from = self.wrapped.get(&source(call)?)?.clone();
                let parent = self.names(rendered, 1);
                self.wrapped.insert(id, Wrapped { parent, ..from });
            }
            0x150 => {
                let object = self.object_at(on(0)?, OURS)?.clone();
                let parent = self.names(rendered, 1);
                let auth = trimmed(parameters.sized()?);
                self.wrapped.insert(id, Wrapped { parent, public: object.public?, auth, secret: object.secret });
            }
            // HMAC_Start, HashSequenceStart
            0x15B | 0x186 => {
                let auth = trimmed(parameters.sized()?);
                let kind = match (call.code, parameters.u16()?) {
                    (0x186, public::NULL) => Sequence::Event,
                    (0x186, _) => Sequence::Hash,
                    _ => Sequence::Hmac,
                };
                self.add(id, handle, None, auth, NULL, Vec::new());
                self.objects.get_mut(&id)?.sequence = Some(kind);
            }
            // SignSequenceStart, VerifySequenceStart
            0x1AA | 0x1A9 => {
                let auth = trimmed(parameters.sized()?);
                self.add(id, handle, None, auth, NULL, Vec::new());
                let kind = if call.code == 0x1AA { Sequence::Sign } else { Sequence::Verify };
                self.objects.get_mut(&id)?.sequence = Some(kind);
            }
            0x13E | 0x1A3 | 0x1A4 => self.forget(on(0)?),
            0x185 => self.forget(on(1)?),
            0x176 => self.learn_session(id, call, rendered, handle, fields)?,
            0x165 => self.forget(parameters.u32()?),
            0x162 => {
                let handle = on(0)?;
                if let Some(object) = self.object_at(handle, OURS) {
                    self.saved.insert(id, Saved::Object(object.clone()));
                } else {
                    let key = self.session_at(handle)?;
                    let session = self.sessions.remove(&key)?;
                    self.saved.insert(id, Saved::Session(key, session));
                }
            }
            0x161 => match self.saved.get(&source(call)?)?.clone() {
                Saved::Object(object) => drop(self.objects.insert(id, Object { handle, ..object })),
                Saved::Session(key, session) => drop(self.sessions.insert(key, session)),
            },
            0x120 => {
                let persistent = parameters.u32()?;
                let object = self.object_at(on(1)?, OURS)?.clone();
                if object.handle[OURS] != persistent {
                    self.persistent.insert(persistent, Object { handle: [persistent; 2], ..object });
                }
            }
            0x12A => {
                let auth = trimmed(parameters.sized()?);
                let mut area = Parts(parameters.sized()?);
                let (handle, name_alg, attributes) = (area.u32()?, area.u16()?, area.u32()?);
                let (policy, size) = (area.sized()?.to_vec(), area.u16()?);
                let index = Index { auth, name_alg, attributes, policy, size, ..Index::default() };
                self.indices.insert(handle, index);
            }
            0x19D => {
                let auth = trimmed(parameters.sized()?);
                let mut area = Parts(parameters.sized()?);
                // Indices inside of the TPM have the same public area as ever.
                let (_, handle) = (area.u8().filter(|kind| *kind == 1)?, area.u32()?);
                let (name_alg, attributes) = (area.u16()?, area.u32()?);
                let (policy, size) = (area.sized()?.to_vec(), area.u16()?);
                self.indices.insert(handle, Index { auth, name_alg, attributes, policy, size, ..Index::default() });
            }
            // NV_Increment, NV_SetBits, NV_Extend, NV_Write
            0x134..=0x137 => self.indices.get_mut(&on(1)?)?.written = true,
            0x13B => self.indices.get_mut(&on(0)?)?.auth = trimmed(parameters.sized()?),
            0x129 | 0x183 => drop(self.auths.insert(on(0)?, trimmed(parameters.sized()?))),
            0x126 => {
                for handle in [OWNER, ENDORSEMENT, LOCKOUT] {
                    self.auths.remove(&handle);
                }
            }
            0x144 => {
                self.started = true;
                if parameters.u16()? == 0 {
                    self.auths.remove(&PLATFORM);
                }
            }
            0x130 => self.clock_free = true,
            0x17E => {
                let counter = |side| Parts(field(fields, side, "pcr_update_counter")).u32();
                let ahead = counter(THEIRS)?.wrapping_sub(counter(OURS)?);
                self.pcr_ahead.get_or_insert(ahead);
            }
            0x145 => self.shut_down = true,
            // PolicyAuthValue, PolicyPassword, PolicyRestart
            0x16B | 0x18C | 0x180 => {
                let key = self.session_at(on(0)?)?;
                let session = self.sessions.get_mut(&key)?;
                session.wants_auth = call.code == 0x16B;
                session.wants_password = call.code == 0x18C;
            }
            _ => {}
        }
        Some(())
    }

    fn add(
        &mut self,
        id: Id,
        handle: Pair<u32>,
        public: Option<Pair<Public>>,
        auth: Vec<u8>,
        hierarchy: u32,
        secret: Vec<u8>,
    ) {
        self.objects.insert(id, Object { handle, public, auth, private: true, sequence: None, hierarchy, secret });
    }

    /// The names of the handle `at` of a command.
    fn names(&self, rendered: &Pair<Rendered>, at: usize) -> Pair<Vec<u8>> {
        [OURS, THEIRS]
            .map(|side| rendered[side].handles.get(at).map(|handle| self.name_of(*handle, side)).unwrap_or_default())
    }

    fn forget(&mut self, handle: u32) {
        self.objects.retain(|_, object| object.handle[OURS] != handle);
        self.sessions.retain(|_, session| session.handle != handle);
    }

    /// The step that started the session with a handle.
    pub fn session_at(&self, handle: u32) -> Option<Id> {
        self.sessions.iter().find(|(_, session)| session.handle == handle).map(|(id, _)| *id)
    }

    fn learn_session(
        &mut self,
        id: Id,
        call: &Call,
        rendered: &Pair<Rendered>,
        handle: Pair<u32>,
        fields: &Pair<Fields>,
    ) -> Option<()> {
        let handle = handle[OURS];
        let mut parameters = Parts(&rendered[OURS].parameters);
        let nonce_caller = parameters.sized()?.to_vec();
        parameters.sized()?;
        let kind = match parameters.u8()? {
            0 => Kind::Hmac,
            1 => Kind::Policy,
            _ => Kind::Trial,
        };
        let cipher = match parameters.u16()? {
            public::NULL => Cipher::None,
            public::XOR => Cipher::Xor(parameters.u16()?),
            cipher => {
                let bits = parameters.u16()?;
                parameters.u16()?;
                Cipher::Block(cipher, bits)
            }
        };
        let hash = parameters.u16()?;
        let [key, bind] = [rendered[OURS].handles.first(), rendered[OURS].handles.get(1)].map(|handle| handle.copied());
        let bound = bind.filter(|bind| *bind != NULL).map(|bind| (self.names(rendered, 1), self.auth_of(bind, OURS)));
        let salted = key.filter(|key| *key != NULL);
        let mut salts = Pair::<Vec<u8>>::default();
        if let Some(object) = salted.and_then(|key| self.object_at(key, OURS)) {
            let mut seed = None;
            search(&call.parameters, &mut |piece| {
                if let Piece::Salt(_, salt) = piece {
                    seed = Some(salt.clone());
                }
            });
            let public = object.public.as_ref()?;
            let seed = seed?;
            salts = [shared_salt(&public[OURS], &seed)?.0, shared_salt(&public[THEIRS], &seed)?.0];
        }
        let nonces =
            [OURS, THEIRS].map(|side| Parts(field(fields, side, "nonce_tpm")).sized().unwrap_or_default().to_vec());
        let keys = [OURS, THEIRS].map(|side| {
            if salted.is_none() && bound.is_none() {
                return Vec::new();
            }
            let auth = bound.as_ref().map(|(_, auth)| auth.as_slice()).unwrap_or_default();
            session_key(hash, auth, &salts[side], &nonces[side], &nonce_caller)
        });
        // A policy session is never bound (Part 1, 16.7): only its key depends on the entity.
        let bound = bound.filter(|_| kind == Kind::Hmac);
        self.sessions.insert(
            id,
            Session {
                handle,
                kind,
                hash,
                cipher,
                key: keys,
                nonce_tpm: nonces,
                bound,
                wants_auth: false,
                wants_password: false,
                same: true,
                forgotten: false,
                trial_pcr: false,
            },
        );
        Some(())
    }
}
