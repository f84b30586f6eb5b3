//! Scripts that use keys and indices for what they are for, and hand what one TPM made to the other.

use super::{Generator, bytes, special::import_clear};
use crate::{
    bytes::{Bytes, Parts},
    entities::{self, ENDORSEMENT, OWNER},
    keys::{self, Key},
    public::{attributes::*, *},
    session::CONTINUE,
    step::{AuthUse, Call, Id, Piece, Ref},
    table,
    world::World,
};

const PLAIN: u32 = USER_WITH_AUTH | NO_DA;
const SRK: Ref = Ref::Fixed(0x8100_0001);

impl Generator {
    /// Queues such a script.
    pub fn use_script(&mut self, world: &World) {
        match self.dice.below(15) {
            0..=2 => self.signatures(world),
            3 => self.rsa_encryption(world),
            4 => self.agreement(world),
            5..=7 => self.index_use(world),
            8 => self.ciphers(world),
            9 => self.macs(world),
            10..=11 => self.duplication(world),
            12..=13 => self.split_operation(world),
            _ => self.sealed(world),
        }
    }

    /// A command with these handles and parameters, authorized by what there is.
    pub fn with(&mut self, world: &World, code: u32, handles: &[Ref], parameters: Vec<Piece>) -> Call {
        let auths = match table::info(code) {
            Some(info) if self.dice.one_in(3) => self.authorizations(world, info, handles),
            _ => return self.plain(code, handles, parameters),
        };
        Call { code, handles: handles.to_vec(), auths, parameters, mutation: None }
    }

    pub fn external_key(&mut self, key: &Key) -> Id {
        let parameters = Bytes::new().sized(&key.sensitive()).sized(&key.public.bytes()).u32(entities::NULL).0;
        self.queue(self.raw(0x167, bytes(parameters)))
    }

    fn signing_key(&mut self) -> (Key, Vec<u8>, u16) {
        let hash = self.dice.pick(&HASHES);
        let (key, scheme) = match self.dice.below(6) {
            0 => (keys::rsa(PLAIN | SIGN, None, NULL, SHA256), self.dice.pick(&[RSASSA, RSAPSS])),
            1 => (keys::hmac(PLAIN | SIGN, hash), HMAC),
            2 => (keys::ecc(PLAIN | SIGN, None, ECDSA, hash, self.known_curve()), NULL),
            _ => {
                let scheme = self.algorithm(&[ECDSA, ECDSA, ECDSA, ECSCHNORR, SM2]);
                (keys::ecc(PLAIN | SIGN, None, NULL, SHA256, self.known_curve()), scheme)
            }
        };
        let scheme = match scheme {
            NULL => Bytes::new().u16(NULL).0,
            scheme => Bytes::new().u16(scheme).u16(hash).0,
        };
        (key, scheme, hash)
    }

    /// Signatures of digests and of attestations, verified by the other TPM too.
    fn signatures(&mut self, world: &World) {
        self.room(world, 1);
        let (key, scheme, hash) = self.signing_key();
        let id = Ref::Object(self.external_key(&key));
        let digest = self.dice.bytes(digest_size(hash));
        let null_ticket = Bytes::new().u16(0x8024).u32(entities::NULL).u16(0).0;
        let parameters = Bytes::new().sized(&digest).raw(&scheme).raw(&null_ticket).0;
        let call = self.with(world, 0x15D, &[id], bytes(parameters));
        let signed = self.queue(call);
        let mut signature = Piece::Field { of: signed, name: "signature", swap: self.dice.flag() };
        if self.dice.one_in(8) {
            signature = Piece::Damaged(Box::new(signature), self.dice.below(2000));
        }
        let verify = Call {
            code: 0x177,
            handles: vec![id],
            auths: Vec::new(),
            parameters: vec![Piece::Bytes(Bytes::new().sized(&digest).0), signature],
            mutation: None,
        };
        self.queue(verify);
        let size = self.dice.pick(&[0, 8, 32]);
        let data = Bytes::new().sized(&self.dice.bytes(size)).raw(&scheme).0;
        match self.dice.below(5) {
            0 => {
                let pcrs = self.pcr_selection();
                let call = self.with(world, 0x158, &[id], bytes([data, pcrs].concat()));
                self.push(call);
            }
            1 => {
                let call = self.with(world, 0x148, &[id, id], bytes(data));
                self.push(call);
            }
            2 => {
                let call = self.with(world, 0x14C, &[Ref::Fixed(ENDORSEMENT), id], bytes(data));
                self.push(call);
            }
            3 => {
                let index = self.index(world);
                let size = self.dice.pick(&[0u16, 8, 8, 4]);
                let data = Bytes(data).u16(size).u16(0).0;
                let call = self.with(world, 0x184, &[id, index, index], bytes(data));
                self.push(call);
            }
            _ => {
                let (sessions, code) =
                    (world.sessions.keys().copied().collect::<Vec<_>>(), self.dice.pick(&[0x14D, 0x133]));
                let endorsement = Ref::Fixed(ENDORSEMENT);
                if code == 0x133 {
                    let call = self.with(world, code, &[endorsement, id], bytes(data));
                    self.push(call);
                } else if let Some(session) = self.dice.maybe(&sessions) {
                    let call = self.with(world, code, &[endorsement, id, Ref::Session(session)], bytes(data));
                    self.push(call);
                }
            }
        }
    }

    fn rsa_encryption(&mut self, world: &World) {
        self.room(world, 1);
        let key = keys::rsa(PLAIN | DECRYPT, None, NULL, SHA256);
        let id = Ref::Object(self.external_key(&key));
        let hash = self.dice.pick(&HASHES);
        let scheme = match self.dice.below(3) {
            0 => Bytes::new().u16(NULL).0,
            1 => Bytes::new().u16(RSAES).0,
            _ => Bytes::new().u16(OAEP).u16(hash).0,
        };
        let size = self.dice.pick(&[0, 1, 20, 64, 126, 190, 245, 256]);
        let mut message = self.dice.bytes(size);
        if let Some(first) = message.first_mut() {
            *first = 0x11;
        }
        let label = self.dice.pick(&[&b""[..], b"label\0"]);
        let rest = Bytes(scheme).sized(label).0;
        let call = Call {
            code: 0x174,
            handles: vec![id],
            auths: Vec::new(),
            parameters: bytes(Bytes::new().sized(&message).raw(&rest).0),
            mutation: None,
        };
        let encrypted = self.queue(call);
        let mut cipher_text = Piece::Field { of: encrypted, name: "out_data", swap: self.dice.flag() };
        if self.dice.one_in(6) {
            cipher_text = Piece::Damaged(Box::new(cipher_text), 16 + self.dice.below(2000));
        }
        let call = self.with(world, 0x159, &[id], vec![cipher_text, Piece::Bytes(rest)]);
        self.push(call);
    }

    fn agreement(&mut self, world: &World) {
        self.room(world, 1);
        let scheme = self.dice.pick(&[NULL, ECDH]);
        let key = keys::ecc(PLAIN | DECRYPT, None, scheme, SHA256, self.known_curve());
        let id = Ref::Object(self.external_key(&key));
        let call = Call { code: 0x163, handles: vec![id], auths: Vec::new(), parameters: Vec::new(), mutation: None };
        let made = self.queue(call);
        let point = Piece::Field { of: made, name: "pub_point", swap: self.dice.flag() };
        let call = self.with(world, 0x154, &[id], vec![point]);
        self.push(call);
        let call = self.with(world, 0x154, &[id], bytes(Bytes::new().sized(&key.public.unique).0));
        self.push(call);
    }

    /// An index of any kind, used as that kind wants it.
    fn index_use(&mut self, world: &World) {
        let free: Vec<u32> = (0x0150_0000..0x0150_0006).filter(|index| !world.indices.contains_key(index)).collect();
        let Some(index) = self.dice.maybe(&free) else {
            let index = self.index(world);
            let owner = Ref::Fixed(OWNER);
            self.queue(self.plain(0x122, &[owner, index], Vec::new()));
            return;
        };
        let mut public = self.nv_public(world);
        public[..4].copy_from_slice(&index.to_be_bytes());
        let mut parts = Parts(&public[4..]);
        let (name_alg, attributes) = (parts.u16().unwrap_or(SHA256), parts.u32().unwrap_or(0));
        let kind = attributes >> 4 & 15;
        let policy = parts.sized().unwrap_or_default().to_vec();
        let size = parts.u16().unwrap_or(8);
        // Readable by its auth value; writable by it, or by the owner if that is not allowed.
        let write = if kind & 8 != 0 { 1 << 1 } else { 1 << 2 };
        let attributes = (attributes | 1 << 18 | write | 1 << 25) & !(1 << 30);
        let attributes = if kind & 8 != 0 { attributes & !(1 << 2 | 1 << 15 | 1 << 13) } else { attributes };
        let public = Bytes::new().u32(index).u16(name_alg).u32(attributes).sized(&policy).u16(size).0;
        let auth = keys::auth(&mut self.dice, 4);
        let call = self.with(world, 0x12A, &[Ref::Fixed(OWNER)], bytes(Bytes::new().sized(&auth).sized(&public).0));
        self.push(call);
        let at = Ref::Fixed(index);
        let writer = if kind & 8 != 0 { Ref::Fixed(OWNER) } else { at };
        for _ in 0..1 + self.dice.below(3) {
            let (code, parameters) = match kind {
                1 => (0x134, Vec::new()),
                2 => {
                    let bits = self.dice.word() & self.dice.word();
                    (0x135, bytes(bits.to_be_bytes().to_vec()))
                }
                4 => {
                    let count = self.dice.below(40);
                    (0x136, bytes(Bytes::new().sized(&self.dice.bytes(count)).0))
                }
                8 | 9 => {
                    let data = Bytes::new().u32(self.dice.below(3) as u32).u32(3).0;
                    (0x137, bytes(Bytes::new().sized(&data).u16(0).0))
                }
                _ => {
                    let count = usize::from(size.min(1024));
                    (0x137, bytes(Bytes::new().sized(&self.dice.bytes(count)).u16(0).0))
                }
            };
            let call = self.with(world, code, &[writer, at], parameters);
            self.push(call);
        }
        let read = bytes(Bytes::new().u16(size.min(1024)).u16(0).0);
        let call = self.with(world, 0x14E, &[at, at], read);
        self.push(call);
        if self.dice.one_in(3) {
            let code = self.dice.pick(&[0x138, 0x14F, 0x169]);
            let handles = if code == 0x169 { vec![at] } else { vec![at, at] };
            let call = self.with(world, code, &handles, Vec::new());
            self.push(call);
        }
        if self.dice.one_in(3) {
            // What the index says, as a policy.
            let operand = self.dice.pick(&[vec![0; 8], vec![0], vec![0xFF; 4]]);
            let parameters = Bytes::new().sized(&operand).u16(0).u16(self.dice.below(12) as u16).0;
            let policies: Vec<_> = super::sessions(world, |session| session.kind != entities::Kind::Hmac);
            if let Some(session) = self.dice.maybe(&policies) {
                let call = self.with(world, 0x149, &[at, at, Ref::Session(session)], bytes(parameters));
                self.push(call);
            }
        }
    }

    fn ciphers(&mut self, world: &World) {
        self.room(world, 1);
        let mode = self.dice.pick(&[NULL, 0x40, 0x41, 0x42, 0x43, 0x44]);
        let alg = self.algorithm(&[AES, AES, CAMELLIA]);
        let key = keys::cipher(PLAIN | SIGN | DECRYPT, alg, self.dice.pick(&[128, 256]), mode);
        let id = Ref::Object(self.external_key(&key));
        let used = if mode == NULL { self.dice.pick(&[0x40u16, 0x41, 0x42, 0x43, 0x44]) } else { mode };
        let iv_size = if used == 0x44 { 0 } else { 16 };
        let iv = self.dice.bytes(iv_size);
        let size = self.dice.pick(&[16, 32, 48, 1024, 5, 0]);
        let data = self.dice.bytes(size);
        for decrypt in [0, 1] {
            if self.dice.flag() {
                let parameters = Bytes::new().sized(&data).u8(decrypt).u16(used).sized(&iv).0;
                let call = self.with(world, 0x193, &[id], bytes(parameters));
                self.push(call);
            } else {
                let parameters = Bytes::new().u8(decrypt).u16(used).sized(&iv).sized(&data).0;
                let call = self.with(world, 0x164, &[id], bytes(parameters));
                self.push(call);
            }
        }
    }

    fn macs(&mut self, world: &World) {
        self.room(world, 2);
        let hash = self.dice.pick(&HASHES);
        let (key, alg) = match self.dice.below(3) {
            0 if self.algorithms.contains(&CMAC) => (keys::cipher(PLAIN | SIGN, AES, 128, CMAC), CMAC),
            1 => (keys::hmac(PLAIN | SIGN, hash), hash),
            _ => {
                let mut key = keys::hmac(PLAIN | SIGN, hash);
                key.public = keyedhash(PLAIN | SIGN, NULL, hash);
                (key.named(SHA256), hash)
            }
        };
        let id = Ref::Object(self.external_key(&key));
        let alg = if self.dice.one_in(6) { NULL } else { alg };
        let size = self.dice.pick(&[0, 1, 63, 64, 200]);
        let data = Bytes::new().sized(&self.dice.bytes(size)).0;
        let call = self.with(world, 0x155, &[id], bytes(Bytes(data.clone()).u16(alg).0));
        self.push(call);
        let auth = keys::auth(&mut self.dice, 3);
        let call = self.with(world, 0x15B, &[id], bytes(Bytes::new().sized(&auth).u16(alg).0));
        let sequence = Ref::Object(self.queue(call));
        let call = self.with(world, 0x15C, &[sequence], bytes(data.clone()));
        self.push(call);
        let hierarchy = self.dice.pick(&[OWNER, entities::NULL]);
        let call = self.with(world, 0x13E, &[sequence], bytes(Bytes(data).u32(hierarchy).0));
        self.push(call);
    }

    /// Sealed data, under the storage key.
    fn sealed(&mut self, world: &World) {
        self.room(world, 2);
        let size = self.dice.pick(&[1, 16, 128]);
        let public = keyedhash(USER_WITH_AUTH | FIXED_TPM | FIXED_PARENT | NO_DA, NULL, SHA256);
        let sensitive = self.sensitive_create(size);
        let parameters = Bytes::new().sized(&sensitive).sized(&public.bytes()).u16(0).u32(0).0;
        let call = self.with(world, 0x153, &[SRK], bytes(parameters));
        let made = self.queue(call);
        let id = self.load_from(made, SRK);
        let call = self.with(world, 0x15E, &[id], Vec::new());
        self.push(call);
        let new = Bytes::new().sized(&keys::auth(&mut self.dice, 5)).0;
        let call = self.with(world, 0x150, &[id, SRK], bytes(new));
        let changed = self.queue(call);
        let again = self.load_from(changed, SRK);
        let call = self.with(world, 0x15E, &[again], Vec::new());
        self.push(call);
    }

    fn load_from(&mut self, made: Id, parent: Ref) -> Ref {
        let private = Piece::Field { of: made, name: "out_private", swap: false };
        Ref::Object(self.queue(self.plain(0x157, &[parent], vec![private, Piece::WrappedPublic(made)])))
    }

    /// A key that one TPM wraps and the other unwraps.
    fn duplication(&mut self, world: &World) {
        self.room(world, 3);
        let name_alg = self.dice.pick(&[SHA256, SHA256, SHA384]);
        let mut parent = if self.dice.one_in(3) {
            keys::rsa(PLAIN | RESTRICTED | DECRYPT, Some(128), NULL, SHA256)
        } else {
            keys::ecc(PLAIN | RESTRICTED | DECRYPT, Some(self.dice.pick(&[128, 256])), NULL, SHA256, self.known_curve())
        };
        parent.public.name_alg = name_alg;
        parent.seed = vec![0x5E; digest_size(name_alg)];
        let made = self.queue(self.plain(0x156, &[SRK], import_clear(&parent)));
        let parent = self.load_from(made, SRK);

        let mut key = self.any_key();
        let policy = super::policies::Recipe {
            hash: key.public.name_alg,
            assertions: vec![super::policies::Assertion::CommandCode(0x14B)],
        };
        key.public.policy = policy.digest();
        if self.dice.one_in(4) {
            key.public.attributes |= ENCRYPTED_DUPLICATION;
        }
        let made = self.queue(self.plain(0x156, &[SRK], import_clear(&key)));
        let object = self.load_from(made, SRK);
        let session = self.session(1, key.public.name_alg, false);
        self.fulfil(&policy, session);
        let (inner, given) = match self.dice.below(3) {
            0 => (Bytes::new().u16(NULL).0, Vec::new()),
            1 => (Bytes::new().u16(AES).u16(128).u16(CFB).0, Vec::new()),
            _ => (Bytes::new().u16(AES).u16(128).u16(CFB).0, self.dice.bytes(16)),
        };
        let nonce = self.dice.bytes(digest_size(key.public.name_alg));
        let to = if self.dice.one_in(10) { Ref::Fixed(entities::NULL) } else { parent };
        let call = Call {
            code: 0x14B,
            handles: vec![object, to],
            auths: vec![AuthUse::Session { id: session, attributes: CONTINUE, nonce, wrong: false }],
            parameters: bytes(Bytes::new().sized(&given).raw(&inner).0),
            mutation: None,
        };
        let mut duplicate = self.queue(call);
        self.queue(self.raw(0x165, vec![Piece::Handle(object)]));
        self.queue(self.raw(0x165, vec![Piece::Handle(Ref::Session(session))]));
        let swap = self.dice.flag();
        let mut names = ("duplicate", "out_sym_seed");
        let key_field = if given.is_empty() {
            Piece::Field { of: duplicate, name: "encryption_key_out", swap }
        } else {
            Piece::Bytes(Bytes::new().sized(&given).0)
        };
        let original = duplicate;
        if self.dice.one_in(3) {
            let field = |name| Piece::Field { of: duplicate, name, swap };
            let name = Bytes::new().sized(&key.public.name()).0;
            let parameters = vec![field("duplicate"), Piece::Bytes(name), field("out_sym_seed")];
            let call = self.with(world, 0x152, &[to, to], parameters);
            duplicate = self.queue(call);
            names.0 = "out_duplicate";
        }
        let field = |name, of, swap| Piece::Field { of, name, swap };
        // After a rewrap each has its own.
        let swap = if duplicate == original { swap } else { self.dice.flag() && swap };
        let wrapped = field(names.0, duplicate, swap);
        let wrapped =
            if self.dice.one_in(10) { Piece::Damaged(Box::new(wrapped), self.dice.below(800)) } else { wrapped };
        let parameters = vec![
            key_field,
            Piece::WrappedPublic(original),
            wrapped,
            field(names.1, duplicate, swap),
            Piece::Bytes(inner),
        ];
        let call = self.with(world, 0x156, &[to], parameters);
        let imported = self.queue(call);
        self.load_from(imported, to);
    }
}
