//! Parameters of commands that want something special: keys and results of earlier commands, sizes that fit.

use ironroot_wire::CommandInfo;

use super::{Generator, bytes};
use crate::{
    bytes::{Bytes, Parts},
    entities::{self, ENDORSEMENT, OURS, OWNER, Object, PLATFORM},
    keys,
    public::{self, attributes::*, *},
    step::{Piece, Ref},
    table,
    world::{Made, World},
};

impl Generator {
    /// The parameters of a command whose handles are chosen, if they want something special.
    pub fn special(&mut self, world: &World, info: &'static CommandInfo, handles: &[Ref]) -> Option<Vec<Piece>> {
        // Now and then, what the types allow.
        if self.dice.one_in(20) {
            return None;
        }
        let on = |at: usize| handles.get(at).and_then(|handle| world.handle(*handle, OURS));
        let object = on(0).and_then(|handle| world.object_at(handle, OURS)).cloned();
        match info.code.0 {
            0x120 => Some(bytes(self.persistent_handle(on(1)?))),
            0x12B => None,
            0x131 => Some(self.creation(world, None)),
            0x153 => Some(self.creation(world, object.as_ref())),
            0x191 => Some(self.loaded_creation(world, on(0)?, object.as_ref())),
            0x157 => self.load(world, on(0)?),
            0x156 => self.import(world, on(0)?),
            0x167 => Some(self.external()),
            0x161 => {
                let saved: Vec<_> = world.saved.keys().copied().collect();
                let from = Piece::Field { of: self.dice.maybe(&saved)?, name: "context", swap: false };
                Some(vec![self.maybe_damaged(from)])
            }
            0x165 => {
                let objects = world.objects.keys().map(|id| Ref::Object(*id));
                let sessions = world.sessions.keys().map(|id| Ref::Session(*id));
                let all: Vec<_> = objects.chain(sessions).collect();
                Some(vec![Piece::Handle(self.dice.maybe(&all)?)])
            }
            0x176 => Some(self.session_parameters(world, handles)),
            0x15D => self.sign(world, object?),
            0x177 => self.verify(world, object?, handles),
            0x14B => Some(self.duplicate()),
            0x152 => self.rewrap(world, on(0)?),
            0x147 => self.activate(world, on(0)?),
            0x168 => {
                let names: Vec<_> = world.objects.keys().map(|id| Ref::Object(*id)).collect();
                let credential = self.value(world, "CertInfo");
                Some(vec![Piece::Bytes(credential), Piece::Sized(vec![Piece::Name(self.dice.maybe(&names)?)])])
            }
            0x174 => Some(self.rsa_encrypt(world, &object?)),
            0x159 => self.rsa_decrypt(world, &object?),
            0x154 => self.zgen(world, object?),
            0x193 | 0x164 => Some(self.cipher(world, info, &object?)),
            0x14A => self.certify_creation(world, on(1)?),
            0x148 | 0x158 | 0x14C | 0x184 | 0x14D | 0x133 => self.attest(world, info, handles),
            0x137 | 0x136 | 0x14E => self.nv_data(world, info.code.0, on(1)?),
            0x17A => Some(self.capability()),
            0x17D => {
                let data = self.value(world, "Tpm2bMaxBuffer");
                let hash = self.hash().to_be_bytes();
                let hierarchy = self.dice.pick(&[OWNER, entities::NULL, PLATFORM, ENDORSEMENT]).to_be_bytes();
                Some(bytes([&data[..], &hash, &hierarchy].concat()))
            }
            0x155 | 0x15B => {
                let first = self.value(world, if info.code.0 == 0x155 { "Tpm2bMaxBuffer" } else { "Tpm2bAuth" });
                let own = object.as_ref().and_then(Object::shape).map_or(SHA256, |public| {
                    if public.scheme() == Some(HMAC) {
                        Parts(&public.parms[2..]).u16().unwrap_or(SHA256)
                    } else {
                        SHA256
                    }
                });
                let hash = self.hash();
                let hash = self.dice.pick(&[own, own, NULL, hash]);
                Some(bytes(Bytes(first).u16(hash).0))
            }
            0x16D | 0x149 => Some(self.operand(info)),
            0x160 | 0x151 | 0x172 | 0x16A | 0x171 | 0x16E | 0x170 | 0x190 | 0x188 | 0x16C => {
                self.assertion(world, info, handles)
            }
            0x12E => {
                let hash = self.hash();
                let policy = if self.dice.one_in(3) { Vec::new() } else { self.policy_digest(hash) };
                let hash = if policy.is_empty() && !self.dice.one_in(5) { NULL } else { hash };
                Some(bytes(Bytes::new().sized(&policy).u16(hash).0))
            }
            0x13A => {
                let tries = self.dice.pick(&[3u32, 5, 1000, 100_000, u32::MAX]);
                let times = self.dice.pick(&[1u32, 10, 1000]);
                Some(bytes(Bytes::new().u32(tries).u32(times).u32(times).0))
            }
            0x127 => Some(bytes(vec![u8::from(self.dice.one_in(4))])),
            0x128 => {
                let now = world.now;
                let time = self.dice.pick(&[0, now, now + 1000, now + 1_000_000, u64::MAX, 0xFFFF_0000_0000_0000]);
                Some(bytes(time.to_be_bytes().to_vec()))
            }
            _ => None,
        }
    }

    /// Results of a command that others can use.
    fn made<'a>(&mut self, world: &'a World, code: u32, wanted: impl Fn(&Made) -> bool) -> Option<&'a Made> {
        let found: Vec<_> = world.made.iter().rev().filter(|made| made.code == code && wanted(made)).take(8).collect();
        self.dice.maybe(&found)
    }

    fn maybe_damaged(&mut self, piece: Piece) -> Piece {
        if self.dice.one_in(15) { Piece::Damaged(Box::new(piece), self.dice.below(1 << 14)) } else { piece }
    }

    fn persistent_handle(&mut self, handle: u32) -> Vec<u8> {
        let number = self.dice.below(4) as u32;
        let new = self.dice.pick(&[0x8100_0002 + number, 0x8100_0002 + number, 0x8180_0000 + number]);
        let persistent = if handle >> 24 == 0x81 && !self.dice.one_in(8) { handle } else { new };
        persistent.to_be_bytes().to_vec()
    }

    /// `inSensitive`, `inPublic`, `outsideInfo`, `creationPCR`.
    fn creation(&mut self, world: &World, parent: Option<&Object>) -> Vec<Piece> {
        let public = self.template(parent.and_then(Object::shape));
        let sensitive = self.data_for(&public);
        let out = Bytes::new().sized(&sensitive).sized(&public.bytes());
        let outside = self.value(world, "Tpm2bData");
        let pcrs = self.value(world, "TpmlPcrSelection");
        bytes(out.raw(&outside).raw(&pcrs).0)
    }

    /// `inSensitive`, `inPublic` of TPM2_CreateLoaded.
    fn loaded_creation(&mut self, _: &World, handle: u32, parent: Option<&Object>) -> Vec<Piece> {
        let derives = parent.and_then(Object::shape).is_some_and(|public| public.alg == KEYEDHASH);
        let mut public = self.template(parent.and_then(Object::shape));
        if derives && !self.dice.one_in(8) {
            public.attributes &= !(SENSITIVE_DATA_ORIGIN | FIXED_TPM);
            public.attributes |= FIXED_PARENT;
        }
        let sensitive = if derives && !self.dice.one_in(8) { self.sensitive_create(0) } else { self.data_for(&public) };
        let template = if derives { self.derived(public) } else { public.bytes() };
        let _ = handle;
        bytes(Bytes::new().sized(&sensitive).sized(&template).0)
    }

    fn load(&mut self, world: &World, parent: u32) -> Option<Vec<Piece>> {
        let name = world.name_of(parent, OURS);
        let fits = |made: &Made| {
            matches!(made.code, 0x153 | 0x156 | 0x150)
                && world.wrapped.get(&made.id).is_some_and(|it| it.parent[OURS] == name)
        };
        let found: Vec<_> = world.made.iter().rev().filter(|made| fits(made)).take(8).collect();
        let from = self.dice.maybe(&found)?;
        let private = self.maybe_damaged(Piece::Field { of: from.id, name: "out_private", swap: false });
        Some(vec![private, Piece::WrappedPublic(from.id)])
    }

    fn import(&mut self, world: &World, parent: u32) -> Option<Vec<Piece>> {
        let name = world.name_of(parent, OURS);
        if self.dice.flag() {
            let fits = |made: &Made| world.wrapped.get(&made.id).is_some_and(|it| it.parent[OURS] == name);
            let found: Vec<_> =
                world.made.iter().rev().filter(|made| made.code == 0x14B && fits(made)).take(8).collect();
            if let Some(from) = self.dice.maybe(&found) {
                return Some(self.import_of(world, from));
            }
        }
        let mut key = self.any_key();
        if self.dice.one_in(3) {
            let hash = self.dice.pick(&HASHES);
            key = match self.dice.below(4) {
                0 => keys::derivation(USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT, hash),
                1 => keys::rsa(USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT, Some(128), NULL, SHA256),
                2 => keys::ecc(USER_WITH_AUTH | NO_DA | RESTRICTED | SIGN, None, ECDSA, hash, self.known_curve()),
                _ => keys::ecc(
                    USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT,
                    Some(128),
                    NULL,
                    SHA256,
                    self.dice.below(3),
                ),
            };
            if key.public.is_parent() {
                key.seed = vec![0x5E; digest_size(key.public.name_alg)];
            }
        }
        if self.dice.one_in(4) {
            let alg = key.public.name_alg;
            key.public.policy = self.policy_digest(alg);
        }
        Some(import_clear(&key))
    }

    /// What TPM2_Duplicate returned; an outer wrapper for a parent that is the same on both goes across.
    fn import_of(&mut self, world: &World, from: &Made) -> Vec<Piece> {
        let parent_same = from.names.get(1).is_some_and(|[ours, theirs]| ours == theirs && !ours.is_empty());
        let object_same = from.names.first().is_some_and(|[ours, theirs]| ours == theirs);
        let swap = parent_same && object_same && self.dice.flag();
        let field = |name| Piece::Field { of: from.id, name, swap };
        let _ = world;
        // The key of the inner wrapper is what the caller gave, or what the TPM made.
        let mut parts = Parts(&from.parameters);
        let given = parts.sized().unwrap_or_default().to_vec();
        let key =
            if given.is_empty() { field("encryption_key_out") } else { Piece::Bytes(Bytes::new().sized(&given).0) };
        let duplicate = self.maybe_damaged(field("duplicate"));
        vec![key, Piece::WrappedPublic(from.id), duplicate, field("out_sym_seed"), Piece::Bytes(parts.0.to_vec())]
    }

    pub fn external(&mut self) -> Vec<Piece> {
        let mut key = self.any_key();
        if self.dice.one_in(8) {
            key.public.attributes ^= 1 << self.dice.below(20);
        }
        if self.dice.one_in(12) {
            key.public.name_alg = NULL;
        }
        if self.dice.one_in(8) && key.public.name_alg != NULL {
            let alg = key.public.name_alg;
            key.public.policy = self.policy_digest(alg);
        }
        let public_only = self.dice.one_in(5);
        let private = if public_only { Vec::new() } else { key.sensitive() };
        let hierarchy = if public_only || self.dice.one_in(15) {
            self.dice.pick(&[OWNER, ENDORSEMENT, PLATFORM, entities::NULL])
        } else {
            entities::NULL
        };
        bytes(Bytes::new().sized(&private).sized(&key.public.bytes()).u32(hierarchy).0)
    }

    /// Nonce, salt, kind, cipher and hash.
    fn session_parameters(&mut self, world: &World, handles: &[Ref]) -> Vec<Piece> {
        let hash = self.hash();
        let size = self.dice.pick(&[16, 16, digest_size(hash), digest_size(hash), 15, 0, digest_size(hash) + 1]);
        let nonce = self.dice.bytes(size);
        let key = handles.first().copied().unwrap_or(Ref::Fixed(entities::NULL));
        let salt = if key == Ref::Fixed(entities::NULL) && !self.dice.one_in(30) {
            Piece::Bytes(vec![0, 0])
        } else {
            let salt = self.dice.bytes(4);
            self.maybe_damaged(Piece::Salt(key, salt))
        };
        let kind = self.value(world, "TpmSe");
        let symmetric = if self.dice.flag() { NULL.to_be_bytes().to_vec() } else { self.sym_def(true) };
        let head = Piece::Bytes(Bytes::new().sized(&nonce).0);
        vec![head, salt, Piece::Bytes([&kind[..], &symmetric, &hash.to_be_bytes()].concat())]
    }

    fn sign(&mut self, world: &World, key: Object) -> Option<Vec<Piece>> {
        let public = key.shape()?.clone();
        let (scheme, hash) = self.scheme_for(&public);
        // Restricted keys sign what the TPM has hashed.
        if self.dice.one_in(3)
            && let Some(hashed) = self.made(world, 0x17D, |_| true)
        {
            let mut parts = Parts(&hashed.parameters);
            parts.sized()?;
            let alg = parts.u16()?;
            let scheme = if scheme.len() == 4 { Bytes(scheme[..2].to_vec()).u16(alg).0 } else { scheme };
            let digest = Piece::Field { of: hashed.id, name: "out_hash", swap: false };
            let ticket = self.maybe_damaged(Piece::Field { of: hashed.id, name: "validation", swap: false });
            return Some(vec![digest, Piece::Bytes(scheme), ticket]);
        }
        let size = if self.dice.one_in(12) { self.dice.pick(&[0, 20, 32, 64]) } else { digest_size(hash) };
        let digest = self.dice.bytes(size);
        let ticket = if self.dice.one_in(10) {
            self.value(world, "TpmtTkHashcheck")
        } else {
            Bytes::new().u16(0x8024).u32(entities::NULL).u16(0).0
        };
        Some(bytes(Bytes::new().sized(&digest).raw(&scheme).raw(&ticket).0))
    }

    /// A scheme that a signing key can use, and the hash of what it signs.
    pub fn scheme_for(&mut self, public: &Public) -> (Vec<u8>, u16) {
        let own = public.scheme().unwrap_or(NULL);
        let own_hash = || {
            let at = public.parms.windows(2).position(|pair| pair == own.to_be_bytes())?;
            Parts(public.parms.get(at + 2..)?).u16()
        };
        let hash = self.dice.pick(&HASHES);
        if own != NULL && own != RSAES {
            let hash = own_hash().unwrap_or(hash);
            let scheme = match self.dice.below(6) {
                0..=2 => NULL.to_be_bytes().to_vec(),
                3..=4 => Bytes::new().u16(own).u16(hash).0,
                _ => self.sig_scheme(),
            };
            return (scheme, hash);
        }
        let scheme = match public.alg {
            public::RSA => self.dice.pick(&[RSASSA, RSASSA, RSAPSS]),
            public::ECC => self.algorithm(&[ECDSA, ECDSA, ECDSA, SM2, ECSCHNORR, ECDAA]),
            _ => HMAC,
        };
        let scheme = if self.dice.one_in(15) { NULL } else { scheme };
        let out = match scheme {
            NULL => Bytes::new().u16(NULL),
            ECDAA => Bytes::new().u16(scheme).u16(hash).u16(0),
            _ => Bytes::new().u16(scheme).u16(hash),
        };
        (out.0, hash)
    }

    fn verify(&mut self, world: &World, key: Object, handles: &[Ref]) -> Option<Vec<Piece>> {
        let name = key.name(OURS);
        let other = world.handle(*handles.first()?, OURS)?;
        let signed = self.made(world, 0x15D, |made| {
            made.names.first().is_some_and(|names| names[OURS] == name) || same_key(world, made, other)
        })?;
        let digest = Parts(&signed.parameters).sized()?.to_vec();
        let swap = key.same() && self.dice.flag();
        let digest = if self.dice.one_in(15) { [&digest[1..], &[7]].concat() } else { digest };
        let signature = self.maybe_damaged(Piece::Field { of: signed.id, name: "signature", swap });
        Some(vec![Piece::Bytes(Bytes::new().sized(&digest).0), signature])
    }

    fn duplicate(&mut self) -> Vec<Piece> {
        match self.dice.below(3) {
            0 => bytes(Bytes::new().u16(0).u16(NULL).0),
            1 => bytes(Bytes::new().u16(0).u16(AES).u16(128).u16(CFB).0),
            _ => {
                let size = self.dice.pick(&[16, 16, 16, 15, 32]);
                bytes(Bytes::new().sized(&self.dice.bytes(size)).u16(AES).u16(128).u16(CFB).0)
            }
        }
    }

    fn rewrap(&mut self, world: &World, old: u32) -> Option<Vec<Piece>> {
        let name = world.name_of(old, OURS);
        let made = self.made(world, 0x14B, |made| made.names.get(1).is_some_and(|names| names[OURS] == name))?;
        let field = |name| Piece::Field { of: made.id, name, swap: false };
        let object = world.wrapped.get(&made.id)?.public.each_ref().map(Public::name);
        if object[OURS] != object[1] {
            return None;
        }
        let duplicate = self.maybe_damaged(field("duplicate"));
        Some(vec![duplicate, Piece::Bytes(Bytes::new().sized(&object[OURS]).0), field("out_sym_seed")])
    }

    fn activate(&mut self, world: &World, object: u32) -> Option<Vec<Piece>> {
        let name = world.name_of(object, OURS);
        let made = self.made(world, 0x168, |made| made.parameters.ends_with(&name))?;
        let field = |name| Piece::Field { of: made.id, name, swap: false };
        let blob = self.maybe_damaged(field("credential_blob"));
        Some(vec![blob, field("secret")])
    }

    fn rsa_scheme(&mut self, key: &Object) -> Vec<u8> {
        let own = key.shape().and_then(Public::scheme).unwrap_or(NULL);
        if own != NULL && !self.dice.one_in(6) {
            return NULL.to_be_bytes().to_vec();
        }
        let hash = self.dice.pick(&HASHES);
        match self.dice.below(3) {
            0 => Bytes::new().u16(NULL).0,
            1 => Bytes::new().u16(RSAES).0,
            _ => Bytes::new().u16(OAEP).u16(hash).0,
        }
    }

    fn rsa_encrypt(&mut self, _: &World, key: &Object) -> Vec<Piece> {
        let size = self.dice.pick(&[0, 1, 32, 32, 100, 190, 214, 245, 246, 255, 256]);
        let mut message = self.dice.bytes(size);
        if self.dice.one_in(3) {
            message.insert(0, 0);
        }
        let scheme = self.rsa_scheme(key);
        let label = self.dice.pick(&[&b""[..], b"", b"label\0", b"label"]).to_vec();
        bytes(Bytes::new().sized(&message).raw(&scheme).sized(&label).0)
    }

    fn rsa_decrypt(&mut self, world: &World, key: &Object) -> Option<Vec<Piece>> {
        let name = key.name(OURS);
        let made = self.made(world, 0x174, |made| made.names.first().is_some_and(|names| names[OURS] == name))?;
        let mut parts = Parts(&made.parameters);
        parts.sized()?;
        let rest = parts.0.to_vec();
        let swap = key.same() && self.dice.flag();
        let cipher_text = self.maybe_damaged(Piece::Field { of: made.id, name: "out_data", swap });
        Some(vec![cipher_text, Piece::Bytes(rest)])
    }

    fn zgen(&mut self, world: &World, key: Object) -> Option<Vec<Piece>> {
        let name = key.name(OURS);
        if self.dice.flag() {
            let made = self.made(world, 0x163, |made| made.names.first().is_some_and(|names| names[OURS] == name))?;
            return Some(vec![Piece::Field { of: made.id, name: "pub_point", swap: key.same() }]);
        }
        let curve = match key.shape()?.curve()? {
            3 => 0,
            4 => 1,
            _ => 2,
        };
        let curve = if self.dice.one_in(10) { self.dice.below(3) } else { curve };
        let mut point = keys::ecc(0, None, NULL, SHA256, curve).public.unique;
        if self.dice.one_in(10) {
            point[10] ^= 1;
        }
        Some(bytes(Bytes::new().sized(&point).0))
    }

    fn cipher(&mut self, world: &World, info: &CommandInfo, key: &Object) -> Vec<Piece> {
        let own = key.shape().and_then(|public| Parts(public.parms.get(4..)?).u16()).unwrap_or(NULL);
        let mode = if own != NULL && !self.dice.one_in(6) {
            self.dice.pick(&[own, NULL])
        } else {
            self.dice.pick(&[0x40, 0x41, 0x42, 0x43, 0x44, NULL])
        };
        let effective = if mode == NULL { own } else { mode };
        let iv_size = if self.dice.one_in(10) {
            self.dice.pick(&[0, 8, 16])
        } else if effective == 0x44 {
            0
        } else {
            16
        };
        let iv = self.dice.bytes(iv_size);
        let data = self.value(world, "Tpm2bMaxBuffer");
        let decrypt = [self.dice.below(2) as u8];
        let tail = Bytes::new().u16(mode).sized(&iv).0;
        // The older command has its data last.
        if info.code.0 == 0x164 {
            bytes([&decrypt[..], &tail, &data].concat())
        } else {
            bytes([&data[..], &decrypt, &tail].concat())
        }
    }

    fn certify_creation(&mut self, world: &World, object: u32) -> Option<Vec<Piece>> {
        let name = world.name_of(object, OURS);
        let made = world.made.iter().rev().filter(|made| matches!(made.code, 0x131 | 0x153));
        let found: Vec<_> = made
            .filter(|made| {
                let fields = world.results.get(&made.id).map(|fields| fields[OURS].clone()).unwrap_or_default();
                let public = fields.iter().find(|(name, _)| *name == "out_public").map(|(_, bytes)| bytes.clone());
                public.and_then(|bytes| Public::parse(bytes.get(2..)?)).is_some_and(|public| public.name() == name)
            })
            .map(|made| made.id)
            .collect();
        let id = self.dice.maybe(&found)?;
        let field = |name| Piece::Field { of: id, name, swap: false };
        let data = self.value(world, "Tpm2bData");
        let hash = self.maybe_damaged(field("creation_hash"));
        let ticket = self.maybe_damaged(field("creation_ticket"));
        Some(vec![Piece::Bytes(data), hash, Piece::Bytes(NULL.to_be_bytes().to_vec()), ticket])
    }

    /// `qualifyingData`, `inScheme` that fits the signing key, and what else the types say.
    fn attest(&mut self, world: &World, info: &CommandInfo, handles: &[Ref]) -> Option<Vec<Piece>> {
        let signer = info.handles.iter().position(|handle| handle.name == "sign_handle")?;
        let key = world
            .handle(*handles.get(signer)?, OURS)
            .and_then(|handle| world.object_at(handle, OURS))
            .and_then(Object::shape);
        let scheme = match key.cloned() {
            Some(public) => self.scheme_for(&public).0,
            None => NULL.to_be_bytes().to_vec(),
        };
        let mut out = self.value(world, "Tpm2bData");
        out.extend(scheme);
        for field in &info.parameters[2..] {
            out.extend(match (info.code.0, field.name) {
                (0x184, "size") => self.dice.pick(&[0u16, 1, 8, 8, 16]).to_be_bytes().to_vec(),
                (0x184, "offset") => self.dice.pick(&[0u16, 0, 0, 1, 8]).to_be_bytes().to_vec(),
                _ => self.value(world, &table::type_name(field.type_name)),
            });
        }
        Some(bytes(out))
    }

    fn nv_data(&mut self, world: &World, code: u32, index: u32) -> Option<Vec<Piece>> {
        let known = world.indices.get(&index)?;
        let full = known.size;
        let offset = if self.dice.one_in(3) { self.dice.below(usize::from(full) + 2) as u16 } else { 0 };
        let left = full.saturating_sub(offset);
        let size = match self.dice.below(4) {
            0 => self.dice.below(usize::from(left) + 2) as u16,
            1 => left.min(8),
            _ => left.min(1024),
        };
        if code == 0x14E {
            return Some(bytes(Bytes::new().u16(size).u16(offset).0));
        }
        let mut data = self.dice.bytes(size.into());
        if known.attributes >> 4 & 8 != 0 && data.len() == 8 {
            // A count and a limit.
            data = Bytes::new().u32(self.dice.below(3) as u32).u32(3).0;
        }
        let out = Bytes::new().sized(&data);
        Some(bytes(if code == 0x137 { out.u16(offset).0 } else { out.0 }))
    }

    fn capability(&mut self) -> Vec<Piece> {
        let (kind, property) = self.dice.pick(&[
            (0u32, 0u32),
            (0, 0x14),
            (1, 0),
            (1, 0x0100_0000),
            (1, 0x0200_0000),
            (1, 0x0300_0000),
            (1, 0x4000_0000),
            (1, 0x8000_0000),
            (1, 0x8100_0000),
            (2, 0),
            (3, 0),
            (4, 0),
            (5, 0),
            (6, 0x100),
            (6, 0x200),
            (7, 0),
            (8, 0),
            (9, 0x4000_0001),
            (1, 0x9000_0000),
        ]);
        let count = self.dice.pick(&[0u32, 1, 3, 64, 254, 1000]);
        bytes(Bytes::new().u32(kind).u32(property).u32(count).0)
    }

    /// An operand, its offset, and how to compare.
    fn operand(&mut self, info: &CommandInfo) -> Vec<Piece> {
        let size = self.dice.pick(&[1, 2, 4, 8]);
        let mut operand = self.dice.bytes(size);
        if self.dice.flag() {
            operand.fill(0);
        }
        // Time and Clock of the two are the same, but not the firmware version.
        let offset = if info.code.0 == 0x16D { self.dice.below(26) as u16 } else { self.dice.pick(&[0, 0, 1, 4, 8]) };
        let operation = self.dice.below(12) as u16;
        bytes(Bytes::new().sized(&operand).u16(offset).u16(operation).0)
    }
}

/// Whether the key of a signature is the one with this handle, by another public area.
fn same_key(world: &World, made: &Made, handle: u32) -> bool {
    let key =
        world.object_at(handle, OURS).and_then(|object| object.public.as_ref()).map(|public| &public[OURS].unique);
    let signer =
        world.objects.values().find(|object| made.names.first().is_some_and(|names| object.name(OURS) == names[OURS]));
    signer.and_then(|object| object.public.as_ref()).is_some_and(|public| Some(&public[OURS].unique) == key)
}

/// The parameters of TPM2_Import for a key in the clear.
pub fn import_clear(key: &keys::Key) -> Vec<Piece> {
    let duplicate = Bytes::new().sized(&key.sensitive()).0;
    bytes(Bytes::new().u16(0).sized(&key.public.bytes()).sized(&duplicate).u16(0).u16(NULL).0)
}
