//! Scripts with what libtpms does not have: signatures of digests and by sequences, key encapsulation, keys that outlive
//! quantum computers, indices defined the newer way, timers.

use super::{Generator, bytes};
use crate::{
    bytes::Bytes,
    entities::{self, OWNER, PLATFORM},
    keys,
    public::{self, attributes::*, *},
    step::{Call, Id, Piece, Ref},
    world::World,
};

/// What a TPM generates for itself.
const OWN: u32 = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | NO_DA;

impl Generator {
    /// Whether the TPM has such commands at all.
    pub fn is_modern(&self) -> bool {
        self.commands.contains(&0x1A6)
    }

    /// Queues such a script.
    pub fn modern_script(&mut self, world: &World) {
        match self.dice.below(8) {
            0..=1 => self.signed_digest(world),
            2..=3 => self.signing_sequences(world),
            4..=5 => self.encapsulation(world),
            6 => self.newer_index(world),
            _ => self.timer(world),
        }
    }

    /// A primary key with this template.
    fn primary(&mut self, template: &Public) -> Ref {
        let auth = keys::auth(&mut self.dice, 2);
        let sensitive = Bytes::new().sized(&auth).u16(0).0;
        let parameters = Bytes::new().sized(&sensitive).sized(&template.bytes()).u16(0).u32(0).0;
        let hierarchy = self.dice.pick(&[OWNER, entities::NULL]);
        Ref::Object(self.queue(self.plain(0x131, &[Ref::Fixed(hierarchy)], bytes(parameters))))
    }

    /// A key that signs, and the bytes of what it signs.
    fn modern_signer(&mut self) -> (Ref, usize) {
        let hash = self.dice.pick(&HASHES);
        let restricted = if self.dice.one_in(3) { RESTRICTED } else { 0 };
        match self.dice.below(4) {
            0 => (self.primary(&public::ecc(OWN | SIGN, None, ECDSA, hash, 3)), digest_size(hash)),
            1 => (self.primary(&public::hash_mldsa(OWN | SIGN | restricted, 1, hash)), digest_size(hash)),
            2 => (self.primary(&public::mldsa(OWN | SIGN | restricted, 1, false)), 64),
            _ => (self.primary(&public::mldsa(OWN | SIGN, 1, true)), 64),
        }
    }

    fn signature_of(&mut self, made: Id) -> Piece {
        let signature = Piece::Field { of: made, name: "signature", swap: false };
        if self.dice.one_in(6) { Piece::Damaged(Box::new(signature), self.dice.below(20_000)) } else { signature }
    }

    fn context(&mut self) -> Vec<u8> {
        let size = self.dice.pick(&[0, 0, 0, 5, 255]);
        Bytes::new().sized(&self.dice.bytes(size)).0
    }

    fn signed_digest(&mut self, world: &World) {
        self.room(world, 1);
        let (key, size) = self.modern_signer();
        let digest = Bytes::new().sized(&self.dice.bytes(size)).0;
        let context = self.context();
        let ticket = Bytes::new().u16(0x8024).u32(entities::NULL).u16(0).0;
        let call = self.with(world, 0x1A6, &[key], bytes([&context[..], &digest, &ticket].concat()));
        let made = self.queue(call);
        let signature = self.signature_of(made);
        let call = self.with(world, 0x1A5, &[key], vec![Piece::Bytes([&context[..], &digest].concat()), signature]);
        self.push(call);
    }

    fn signing_sequences(&mut self, world: &World) {
        self.room(world, 2);
        let (key, _) = self.modern_signer();
        let context = self.context();
        let auth = Bytes::new().sized(&keys::auth(&mut self.dice, 3)).0;
        let start = self.with(world, 0x1AA, &[key], bytes([&auth[..], &context].concat()));
        let sequence = Ref::Object(self.queue(start));
        let parts: Vec<Vec<u8>> = (0..self.dice.below(3))
            .map(|_| {
                let size = self.dice.pick(&[0, 1, 64, 200, 1024]);
                Bytes::new().sized(&self.dice.bytes(size)).0
            })
            .collect();
        for part in &parts {
            let call = self.with(world, 0x15C, &[sequence], bytes(part.clone()));
            self.push(call);
        }
        let last = Bytes::new().sized(&self.dice.bytes(20)).0;
        let call = self.with(world, 0x1A4, &[sequence, key], bytes(last.clone()));
        let made = self.queue(call);
        let start = self.with(world, 0x1A9, &[key], bytes([&auth[..], &[0, 0], &context].concat()));
        let sequence = Ref::Object(self.queue(start));
        for part in parts.iter().chain([&last]) {
            let call = self.with(world, 0x15C, &[sequence], bytes(part.clone()));
            self.push(call);
        }
        let signature = self.signature_of(made);
        let call = self.with(world, 0x1A3, &[sequence, key], vec![signature]);
        self.push(call);
    }

    fn encapsulation(&mut self, world: &World) {
        self.room(world, 1);
        let template = if self.dice.one_in(4) {
            public::ecc(OWN | DECRYPT, None, NULL, SHA256, 3)
        } else {
            public::mlkem(OWN | DECRYPT, None, 1)
        };
        let key = self.primary(&template);
        let call = Call { code: 0x1A7, handles: vec![key], auths: Vec::new(), parameters: Vec::new(), mutation: None };
        let made = self.queue(call);
        let mut ciphertext = Piece::Field { of: made, name: "ciphertext", swap: false };
        if self.dice.one_in(5) {
            ciphertext = Piece::Damaged(Box::new(ciphertext), self.dice.below(8000));
        }
        let call = self.with(world, 0x1A8, &[key], vec![ciphertext]);
        self.push(call);
    }

    fn newer_index(&mut self, world: &World) {
        let index = self.index(world);
        let Ref::Fixed(number) = index else { return };
        let mut area = self.nv_public(world);
        area[..4].copy_from_slice(&number.to_be_bytes());
        let auth = keys::auth(&mut self.dice, 3);
        let parameters = Bytes::new().sized(&auth).sized(&[&[1], &area[..]].concat()).0;
        let call = self.with(world, 0x19D, &[Ref::Fixed(OWNER)], bytes(parameters));
        self.push(call);
        let call = self.with(world, 0x19E, &[index], Vec::new());
        self.push(call);
    }

    fn timer(&mut self, world: &World) {
        let timer = Ref::Fixed(0x4000_0110 + self.dice.below(3) as u32);
        let time = self.dice.pick(&[0u32, 1, 1000, u32::MAX]);
        let call = self.with(world, 0x198, &[timer], bytes(time.to_be_bytes().to_vec()));
        self.push(call);
        if self.dice.one_in(4) {
            let state = vec![self.dice.below(2) as u8];
            let call = self.with(world, 0x1A0, &[Ref::Fixed(PLATFORM)], bytes(state));
            self.push(call);
        }
    }
}
