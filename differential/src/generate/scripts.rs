//! Short sequences that lead somewhere: keys that are made and used, policies that are fulfilled, contexts that come back.

use super::{Generator, bytes, objects, sessions, special::import_clear};
use crate::{
    bytes::Bytes,
    entities::{self, Kind, OURS, OWNER},
    keys,
    public::{attributes::*, *},
    session::CONTINUE,
    step::{AuthUse, Call, Id, Piece, Ref},
    table,
    world::World,
};

impl Generator {
    /// Queues a script.
    pub fn script(&mut self, world: &World) {
        if self.is_modern() && self.dice.one_in(3) {
            return self.modern_script(world);
        }
        match self.dice.below(16) {
            0..=1 => self.key_script(world),
            2 => {
                self.room(world, 2);
                let parent = self.dice.pick(&[0x8100_0001, 0x8100_0001, 0x8100_0002]);
                self.child(world, Ref::Fixed(parent));
            }
            3 => {
                self.room(world, 2);
                self.imported(world);
            }
            4..=5 => self.start_session(world),
            6 => self.context_script(world),
            7..=8 => self.nv_script(world),
            9..=11 => self.policy_script(world),
            12 => self.sequence_script(world),
            13 => {
                let code = self.dice.pick(&[0x165, 0x139, 0x126, 0x129, 0x120]);
                self.one(world, code);
            }
            14 => self.derivation_script(world),
            _ => self.credential_script(world),
        }
    }

    /// One command of this kind.
    pub fn one(&mut self, world: &World, code: u32) -> Option<Id> {
        let info = table::info(code).filter(|_| world.common.commands.contains(&code))?;
        let call = self.call(world, info);
        Some(self.push(call))
    }

    /// A command of this kind on these first handles.
    fn one_on(&mut self, world: &World, code: u32, first: &[Ref]) -> Option<Call> {
        let info = table::info(code).filter(|_| world.common.commands.contains(&code))?;
        let mut handles: Vec<Ref> = first.iter().copied().take(info.handles.len()).collect();
        for at in handles.len()..info.handles.len() {
            let handle = self.handle(world, info, at, &handles);
            handles.push(handle);
        }
        let parameters = match self.special(world, info, &handles) {
            Some(pieces) => pieces,
            None => {
                let mut all = Vec::new();
                for field in info.parameters {
                    all.extend(self.value(world, &table::type_name(field.type_name)));
                }
                bytes(all)
            }
        };
        let auths = self.authorizations(world, info, &handles);
        Some(Call { code, handles, auths, parameters, mutation: None })
    }

    /// Flushes objects until so many slots are free.
    pub fn room(&mut self, world: &World, wanted: usize) {
        let mut loaded = objects(world, |_| true);
        while loaded.len() + wanted > 3 {
            let at = self.dice.below(loaded.len());
            let id = loaded.remove(at);
            self.queue(self.raw(0x165, vec![Piece::Handle(Ref::Object(id))]));
        }
    }

    fn session_room(&mut self, world: &World) {
        let loaded = sessions(world, |_| true);
        if loaded.len() >= 3 {
            let id = self.dice.pick(&loaded);
            self.queue(self.raw(0x165, vec![Piece::Handle(Ref::Session(id))]));
        }
    }

    /// A storage key, made persistent.
    pub fn storage_key(&mut self, persistent: u32) {
        let public = Self::storage_template().bytes();
        let parameters = Bytes::new().sized(&[0; 4]).sized(&public).u16(0).u32(0).0;
        let id = self.queue(self.plain(0x131, &[Ref::Fixed(OWNER)], bytes(parameters)));
        let handles = [Ref::Fixed(OWNER), Ref::Object(id)];
        self.queue(self.plain(0x120, &handles, bytes(persistent.to_be_bytes().to_vec())));
        self.queue(self.raw(0x165, vec![Piece::Handle(Ref::Object(id))]));
    }

    /// A key from outside, used a few times.
    fn key_script(&mut self, world: &World) {
        self.room(world, 1);
        let parameters = self.external();
        let id = self.queue(self.raw(0x167, parameters));
        for _ in 0..self.dice.below(3) {
            let code =
                self.dice.pick(&[0x173, 0x15D, 0x177, 0x155, 0x193, 0x164, 0x174, 0x159, 0x163, 0x154, 0x15B, 0x15E]);
            if let Some(call) = self.one_on(world, code, &[Ref::Object(id)]) {
                self.push(call);
            }
        }
    }

    /// A child of a parent, created and loaded.
    fn child(&mut self, world: &World, parent: Ref) {
        let object = world.handle(parent, OURS).and_then(|handle| world.object_at(handle, OURS)).cloned();
        let public = self.template(object.as_ref().and_then(|object| object.shape()));
        let sensitive = self.data_for(&public);
        let parameters = Bytes::new().sized(&sensitive).sized(&public.bytes()).u16(0).u32(0).0;
        let id = self.queue(self.plain(0x153, &[parent], bytes(parameters)));
        let private = Piece::Field { of: id, name: "out_private", swap: false };
        self.queue(self.plain(0x157, &[parent], vec![private, Piece::WrappedPublic(id)]));
    }

    /// A key that both TPMs have the same, imported under a parent and loaded.
    fn imported(&mut self, world: &World) -> Id {
        let mut key = self.any_key();
        if self.dice.one_in(3) {
            key = keys::ecc(USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT, Some(128), NULL, SHA256, self.known_curve());
            key.seed = vec![0x5E; 32];
        }
        if self.dice.flag() {
            let alg = key.public.name_alg;
            key.public.policy = self.policy_digest(alg);
            if self.dice.flag() {
                key.public.attributes |= ADMIN_WITH_POLICY;
            }
        }
        let parent = Ref::Fixed(0x8100_0001);
        let _ = world;
        let id = self.queue(self.plain(0x156, &[parent], import_clear(&key)));
        let private = Piece::Field { of: id, name: "out_private", swap: false };
        self.queue(self.plain(0x157, &[parent], vec![private, Piece::WrappedPublic(id)]))
    }

    fn start_session(&mut self, world: &World) {
        self.session_room(world);
        self.one(world, 0x176);
    }

    /// A session without frills, of this kind and hash.
    pub fn session(&mut self, kind: u8, hash: u16, ciphered: bool) -> Id {
        let mut parameters = Bytes::new().sized(&self.dice.bytes(16)).u16(0).u8(kind);
        parameters = if ciphered { parameters.u16(AES).u16(128).u16(CFB) } else { parameters.u16(NULL) };
        let null = Ref::Fixed(entities::NULL);
        let call = Call {
            code: 0x176,
            handles: vec![null, null],
            auths: Vec::new(),
            parameters: bytes(parameters.u16(hash).0),
            mutation: None,
        };
        self.queue(call)
    }

    /// Saves something, flushes it perhaps, and loads it again.
    fn context_script(&mut self, world: &World) {
        let mut all: Vec<_> = objects(world, |_| true).into_iter().map(Ref::Object).collect();
        all.extend(sessions(world, |_| true).into_iter().map(Ref::Session));
        let Some(what) = self.dice.maybe(&all) else { return };
        let save = Call { code: 0x162, handles: vec![what], auths: Vec::new(), parameters: Vec::new(), mutation: None };
        let id = self.queue(save);
        let flushed = matches!(what, Ref::Object(_)) && !self.dice.one_in(3);
        if flushed {
            self.queue(self.raw(0x165, vec![Piece::Handle(what)]));
        }
        if matches!(what, Ref::Session(_)) || flushed || self.dice.flag() {
            if self.dice.one_in(5) {
                self.one(world, self.commands[0]);
            }
            let context = Piece::Field { of: id, name: "context", swap: false };
            self.queue(self.raw(0x161, vec![context]));
        }
    }

    /// An index, defined and used.
    fn nv_script(&mut self, world: &World) {
        if self.dice.one_in(4) {
            self.one(world, 0x122);
            return;
        }
        let auth = keys::auth(&mut self.dice, 4);
        let public = self.nv_public(world);
        let index = u32::from_be_bytes([public[0], public[1], public[2], public[3]]);
        let parameters = Bytes::new().sized(&auth).sized(&public).0;
        let owner = if self.dice.one_in(6) { entities::PLATFORM } else { OWNER };
        self.queue(self.plain(0x12A, &[Ref::Fixed(owner)], bytes(parameters)));
        // What a partial first write leaves in a PIN is not the same in both.
        let data = Bytes::new().sized(&[0; 8]).u16(0).0;
        self.queue(self.plain(0x137, &[Ref::Fixed(index), Ref::Fixed(index)], bytes(data)));
        for _ in 0..self.dice.below(4) {
            let code = self.dice.pick(&[0x134, 0x135, 0x136, 0x137, 0x14E, 0x14F, 0x138, 0x169, 0x13B]);
            if let Some(call) = self.one_on(world, code, &[Ref::Fixed(index), Ref::Fixed(index)]) {
                self.push(call);
            }
        }
    }

    /// Something that has a policy, used by it.
    fn policy_script(&mut self, world: &World) {
        self.session_room(world);
        let mut candidates = Vec::new();
        for (id, object) in &world.objects {
            if let Some(recipe) = object.shape().and_then(|public| self.recipe(&public.policy)) {
                let name_alg = object.shape().map_or(SHA256, |public| public.name_alg);
                candidates.push((Ref::Object(*id), recipe, name_alg));
            }
        }
        for (handle, index) in &world.indices {
            if let Some(recipe) = self.recipe(&index.policy) {
                candidates.push((Ref::Fixed(*handle), recipe, index.name_alg));
            }
        }
        let Some((entity, recipe, name_alg)) = self.dice.maybe(&candidates) else {
            self.free_policy_script(world);
            return;
        };
        let session = self.session(1, name_alg, self.dice.clone().flag());
        self.fulfil(&recipe, session);
        let is_index = matches!(entity, Ref::Fixed(handle) if handle >> 24 == 1);
        let usual: &[u32] = if is_index {
            &[0x14E, 0x137, 0x134, 0x138, 0x13B, 0x14F]
        } else {
            &[0x15D, 0x15E, 0x155, 0x153, 0x154, 0x159, 0x193, 0x14B, 0x148, 0x150, 0x147]
        };
        let code = match recipe.command() {
            Some(code) if !self.dice.one_in(6) => code,
            _ => self.dice.pick(usual),
        };
        let first = if is_index { vec![entity, entity] } else { vec![entity] };
        if let Some(mut call) = self.one_on(world, code, &first) {
            let nonce = self.dice.bytes(digest_size(name_alg));
            let attributes = if self.dice.one_in(5) { 0 } else { CONTINUE };
            let wrong = self.dice.one_in(20);
            if let Some(auth) = call.auths.first_mut() {
                *auth = AuthUse::Session { id: session, attributes, nonce, wrong };
            }
            self.push(call);
        }
        if self.dice.flag() {
            self.queue(self.raw(0x165, vec![Piece::Handle(Ref::Session(session))]));
        }
    }

    /// Assertions as they come, and the digest that they lead to.
    fn free_policy_script(&mut self, world: &World) {
        let found = sessions(world, |session| session.kind != Kind::Hmac);
        let Some(id) = self.dice.maybe(&found) else {
            let hash = self.dice.pick(&HASHES);
            let kind = self.dice.pick(&[1, 1, 3]);
            self.session(kind, hash, false);
            return;
        };
        let codes = [
            0x160, 0x151, 0x172, 0x171, 0x17F, 0x16F, 0x149, 0x16D, 0x16C, 0x187, 0x16E, 0x170, 0x188, 0x16A, 0x16B,
            0x18C, 0x18F, 0x190, 0x192, 0x180,
        ];
        for _ in 0..1 + self.dice.below(4) {
            let code = self.dice.pick(&codes);
            let Some(info) = table::info(code).filter(|_| world.common.commands.contains(&code)) else { continue };
            let mut call = self.call(world, info);
            for (handle, row) in call.handles.iter_mut().zip(info.handles) {
                if row.type_name.contains("ShPolicy") {
                    *handle = Ref::Session(id);
                }
            }
            if let Some(parameters) = self.special(world, info, &call.handles.clone()) {
                call.parameters = parameters;
            }
            self.push(call);
        }
        let digest = Call {
            code: 0x189,
            handles: vec![Ref::Session(id)],
            auths: Vec::new(),
            parameters: Vec::new(),
            mutation: None,
        };
        self.queue(digest);
    }

    fn sequence_script(&mut self, world: &World) {
        self.room(world, 1);
        let hash = if self.dice.one_in(4) { NULL } else { self.hash() };
        let auth = keys::auth(&mut self.dice, 3);
        let id = self.queue(self.raw(0x186, bytes(Bytes::new().sized(&auth).u16(hash).0)));
        for _ in 0..self.dice.below(4) {
            let buffer = self.value(world, "Tpm2bMaxBuffer");
            self.queue(self.plain(0x15C, &[Ref::Object(id)], bytes(buffer)));
        }
        let buffer = self.value(world, "Tpm2bMaxBuffer");
        if hash == NULL {
            let pcr = self.dice.pick(&[16, 7, entities::NULL]);
            self.queue(self.plain(0x185, &[Ref::Fixed(pcr), Ref::Object(id)], bytes(buffer)));
        } else {
            let hierarchy = self.dice.pick(&[OWNER, entities::NULL]);
            let parameters = [&buffer[..], &hierarchy.to_be_bytes()].concat();
            self.queue(self.plain(0x13E, &[Ref::Object(id)], bytes(parameters)));
        }
    }

    /// Objects derived from a key that both have: they have to be the same.
    fn derivation_script(&mut self, world: &World) {
        self.room(world, 3);
        let hash = self.dice.pick(&HASHES);
        let key = keys::derivation(USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT, hash);
        let parent = Ref::Fixed(0x8100_0001);
        let id = self.queue(self.plain(0x156, &[parent], import_clear(&key)));
        let private = Piece::Field { of: id, name: "out_private", swap: false };
        let key = self.queue(self.plain(0x157, &[parent], vec![private, Piece::WrappedPublic(id)]));
        for _ in 0..1 + self.dice.below(2) {
            let mut public = self.template(None);
            public.attributes &= !(SENSITIVE_DATA_ORIGIN | FIXED_TPM);
            public.attributes |= FIXED_PARENT;
            let sensitive = self.sensitive_create(0);
            let template = self.derived(public);
            let parameters = Bytes::new().sized(&sensitive).sized(&template).0;
            self.queue(self.plain(0x191, &[Ref::Object(key)], bytes(parameters)));
        }
    }

    /// A credential for an object, made and activated.
    fn credential_script(&mut self, world: &World) {
        let parent = Ref::Fixed(0x8100_0001);
        self.room(world, 2);
        let found = objects(world, |object| object.sequence.is_none() && object.private);
        let Some(id) = self.dice.maybe(&found) else {
            self.key_script(world);
            return;
        };
        let size = self.dice.pick(&[0, 1, 16, 32, 33]);
        let credential = Bytes::new().sized(&self.dice.bytes(size)).0;
        let made = Call {
            code: 0x168,
            handles: vec![parent],
            auths: Vec::new(),
            parameters: vec![Piece::Bytes(credential), Piece::Sized(vec![Piece::Name(Ref::Object(id))])],
            mutation: None,
        };
        let made = self.queue(made);
        let field = |name| Piece::Field { of: made, name, swap: false };
        let handles = [Ref::Object(id), parent];
        self.queue(self.plain(0x147, &handles, vec![field("credential_blob"), field("secret")]));
    }
}
