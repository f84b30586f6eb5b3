//! Scripts with the split operations of elliptic curves (Part 1, 44.2): a random value that one command makes and a later
//! one uses, by its counter.

use super::{Generator, bytes};
use crate::{
    bytes::Bytes,
    entities,
    keys::{self, Key},
    public::{attributes::*, *},
    step::{Call, Id, Piece, Ref},
    world::World,
};

const PLAIN: u32 = USER_WITH_AUTH | NO_DA;

impl Generator {
    /// The curve of a key, and its public point.
    fn curve_of(key: &Key) -> (u16, Vec<u8>) {
        (key.public.curve().unwrap_or(3), key.public.unique.clone())
    }

    /// A counter as it was returned, or another.
    fn counter_of(&mut self, made: Id) -> Piece {
        if self.dice.one_in(8) {
            return Piece::Bytes(self.dice.pick(&[0u16, 1, 300, 0xFFFF]).to_be_bytes().to_vec());
        }
        Piece::Field { of: made, name: "counter", swap: false }
    }

    /// TPM2_EC_Ephemeral and TPM2_ZGen_2Phase.
    pub fn two_phases(&mut self, world: &World) {
        self.room(world, 1);
        let scheme = if self.dice.one_in(3) { ECDH } else { NULL };
        let curve = self.known_curve();
        let key = keys::ecc(PLAIN | DECRYPT, None, scheme, SHA256, curve);
        let id = self.external_key(&key);
        let (curve, point) = Self::curve_of(&key);
        let made = self.queue(self.raw(0x18E, bytes(curve.to_be_bytes().to_vec())));
        let own = Bytes::new().sized(&point).0;
        let ephemeral = if self.dice.flag() {
            Piece::Field { of: made, name: "q", swap: false }
        } else {
            Piece::Bytes(own.clone())
        };
        let scheme = self.algorithm(&[ECDH, ECDH, ECDH, ECDH, SM2, SM2, ECMQV]).to_be_bytes().to_vec();
        for _ in 0..1 + self.dice.below(2) {
            // The second time the value is gone.
            let counter = self.counter_of(made);
            let parameters = vec![Piece::Bytes(own.clone()), ephemeral.clone(), Piece::Bytes(scheme.clone()), counter];
            let call = self.with(world, 0x18D, &[Ref::Object(id)], parameters);
            self.push(call);
        }
    }

    /// TPM2_Commit and an ECDAA signature.
    pub fn committed_signature(&mut self, world: &World) {
        self.room(world, 1);
        let hash = self.dice.pick(&HASHES);
        let scheme = self.algorithm(&[NULL, ECDAA, ECDAA]);
        let curve = self.known_curve();
        let key = keys::ecc(PLAIN | SIGN, None, scheme, hash, curve);
        let id = Ref::Object(self.external_key(&key));
        let (_, point) = Self::curve_of(&key);
        let p1 = if self.dice.flag() { Bytes::new().sized(&point).0 } else { vec![0, 0] };
        let size = if self.dice.one_in(4) { self.dice.pick(&[1, 20, 32]) } else { 0 };
        let (s2, y2) = (self.dice.bytes(size), self.dice.bytes(size));
        let call = self.with(world, 0x18B, &[id], bytes([p1, Bytes::new().sized(&s2).sized(&y2).0].concat()));
        let made = self.queue(call);
        let digest = Bytes::new().sized(&self.dice.bytes(digest_size(hash))).0;
        let ticket = Bytes::new().u16(0x8024).u32(entities::NULL).u16(0).0;
        for _ in 0..1 + self.dice.below(2) {
            let head = [&digest[..], &Bytes::new().u16(ECDAA).u16(hash).0].concat();
            let counter = self.counter_of(made);
            let parameters = vec![Piece::Bytes(head), counter, Piece::Bytes(ticket.clone())];
            let call = self.with(world, 0x15D, &[id], parameters);
            let signed = self.queue(call);
            let signature = Piece::Field { of: signed, name: "signature", swap: self.dice.flag() };
            let verify = Call {
                code: 0x177,
                handles: vec![id],
                auths: Vec::new(),
                parameters: vec![Piece::Bytes(digest.clone()), signature],
                mutation: None,
            };
            self.queue(verify);
        }
    }

    /// What is encrypted to a curve's key and comes back.
    pub fn ecc_encryption(&mut self, world: &World) {
        self.room(world, 1);
        let curve = self.known_curve();
        let key = keys::ecc(PLAIN | DECRYPT, None, NULL, SHA256, curve);
        let id = Ref::Object(self.external_key(&key));
        let size = self.dice.pick(&[0, 1, 16, 128]);
        let text = Bytes::new().sized(&self.dice.bytes(size)).0;
        let hash = self.hash();
        let scheme = match self.dice.below(4) {
            0 => Bytes::new().u16(NULL).0,
            _ => Bytes::new().u16(self.dice.pick(&[0x21, 0x22])).u16(hash).0,
        };
        let call = Call {
            code: 0x199,
            handles: vec![id],
            auths: Vec::new(),
            parameters: bytes([&text[..], &scheme].concat()),
            mutation: None,
        };
        let made = self.queue(call);
        let field = |name| Piece::Field { of: made, name, swap: false };
        let mut c2 = field("c2");
        if self.dice.one_in(5) {
            c2 = Piece::Damaged(Box::new(c2), self.dice.below(300));
        }
        let parameters = vec![field("c1"), c2, field("c3"), Piece::Bytes(scheme)];
        let call = self.with(world, 0x19A, &[id], parameters);
        self.push(call);
    }

    /// One of these scripts that both TPMs can do something with.
    pub fn split_operation(&mut self, world: &World) {
        let has = |code: u32| world.common.commands.contains(&code);
        match self.dice.below(3) {
            0 if has(0x199) => self.ecc_encryption(world),
            0 | 1 if has(0x18D) => self.two_phases(world),
            _ if has(0x18B) => self.committed_signature(world),
            _ => {}
        }
    }
}
