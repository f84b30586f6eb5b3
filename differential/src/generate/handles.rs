//! Which handle a command is given.

use ironroot_wire::CommandInfo;

use super::{Generator, objects, sessions};
use crate::{
    entities::*,
    public::{self, attributes::*},
    step::Ref,
    table,
    world::World,
};

/// Whether a command can do something with an object as its handle `at`.
pub fn fits(code: u32, at: usize, object: &Object) -> bool {
    let Some(public) = object.shape() else {
        return match (code, object.sequence) {
            (0x15C, Some(_)) => true,
            (0x13E, Some(kind)) => kind != Sequence::Event,
            (0x185, Some(kind)) => kind == Sequence::Event,
            (0x1A4, Some(kind)) => kind == Sequence::Sign && at == 0,
            (0x1A3, Some(kind)) => kind == Sequence::Verify && at == 0,
            _ => false,
        };
    };
    match (code, at) {
        // SequenceUpdate, SequenceComplete, EventSequenceComplete
        (0x15C | 0x13E | 0x185, _) | (0x1A3 | 0x1A4, 0) => false,
        // Sign, Quote, GetTime, CertifyCreation, NV_Certify, GetCommandAuditDigest, GetSessionAuditDigest, Certify, CertifyX509
        (0x15D | 0x158 | 0x14A | 0x184 | 0x197, _) => public.has(SIGN) && object.private,
        (0x14C | 0x14D | 0x148 | 0x133, 1) => public.has(SIGN) && object.private,
        // VerifySignature
        (0x177, _) => public.has(SIGN),
        (0x160, 0) => public.has(SIGN) && public.alg == public::KEYEDHASH && !object.secret.is_empty(),
        // Create, Load, Import, and where secrets are sent to
        (0x153 | 0x157 | 0x156 | 0x191, _) => public.is_parent() && object.private,
        (0x168, _) | (0x152, _) | (0x14B, 1) | (0x150, 1) | (0x147, 1) | (0x176, 0) => public.is_parent(),
        (0x150, 0) => object.private,
        (0x14B, 0) => !public.has(FIXED_PARENT) && object.private,
        // HMAC, HMAC_Start
        (0x155 | 0x15B, _) => public.alg == public::KEYEDHASH && public.has(SIGN),
        // EncryptDecrypt, EncryptDecrypt2
        (0x164 | 0x193, _) => public.alg == public::SYMCIPHER,
        // RSA_Encrypt, RSA_Decrypt
        (0x174, _) => public.alg == public::RSA && public.has(DECRYPT),
        (0x159, _) => public.alg == public::RSA && public.has(DECRYPT) && object.private,
        // ECDH_KeyGen, ECDH_ZGen, ZGen_2Phase, Commit, ECC_Encrypt, ECC_Decrypt
        (0x163 | 0x199, _) => public.alg == public::ECC,
        (0x154 | 0x18D | 0x19A, _) => public.alg == public::ECC && public.has(DECRYPT) && object.private,
        (0x18B, _) => public.alg == public::ECC && public.has(SIGN) && object.private,
        // SignDigest, SignSequenceStart, SignSequenceComplete, VerifyDigestSignature, VerifySequenceStart and -Complete
        (0x1A6 | 0x1AA, _) | (0x1A4, 1) => public.has(SIGN) && object.private,
        (0x1A5 | 0x1A9, _) | (0x1A3, 1) => public.has(SIGN),
        // Encapsulate, Decapsulate
        (0x1A7, _) => matches!(public.alg, public::MLKEM | public::ECC) && public.has(DECRYPT),
        (0x1A8, _) => matches!(public.alg, public::MLKEM | public::ECC) && public.has(DECRYPT) && object.private,
        // Unseal
        (0x15E, _) => public.is_sealed() && object.private,
        _ => true,
    }
}

impl Generator {
    /// The handle `at` of a command whose first handles are chosen.
    pub fn handle(&mut self, world: &World, info: &'static CommandInfo, at: usize, before: &[Ref]) -> Ref {
        let code = info.code.0;
        let type_name = table::type_name(info.handles[at].type_name);
        let (optional, name) = match type_name.strip_prefix("Option<").and_then(|name| name.strip_suffix('>')) {
            Some(name) => (true, name),
            None => (false, type_name.as_str()),
        };
        if optional && self.dice.one_in(if code == 0x176 { 2 } else { 8 }) {
            return Ref::Fixed(NULL);
        }
        if self.dice.one_in(60) {
            return self.nonsense(world);
        }
        let fixed = |number| Ref::Fixed(number);
        match name {
            "TpmiDhObject" | "TpmHandle" => self.object(world, code, at),
            "TpmiDhParent" if self.dice.one_in(4) => fixed(self.dice.pick(&[OWNER, PLATFORM, ENDORSEMENT, NULL])),
            "TpmiDhParent" => self.object(world, code, at),
            "TpmiDhEntity" => match self.dice.below(6) {
                0..=1 => fixed(self.dice.pick(&[OWNER, PLATFORM, ENDORSEMENT, LOCKOUT, NULL])),
                2 => self.index(world),
                3 => fixed(self.dice.below(25) as u32),
                _ => self.object(world, code, at),
            },
            "TpmiDhPcr" => fixed(self.dice.pick(&[0, 7, 10, 16, 16, 17, 18, 21, 22, 23, 23, 24])),
            "TpmiRhNvIndex" => match before.first() {
                // The index authorizes itself, if it authorizes.
                Some(first @ Ref::Fixed(handle)) if handle >> 24 == 1 && !self.dice.one_in(12) => *first,
                _ if code == 0x184 => match before.get(1) {
                    Some(second @ Ref::Fixed(handle)) if handle >> 24 == 1 => *second,
                    _ => self.index(world),
                },
                _ => self.index(world),
            },
            "TpmiRhNvAuth" => match self.dice.below(6) {
                0 => fixed(OWNER),
                1 => fixed(PLATFORM),
                _ => self.index(world),
            },
            "TpmiShPolicy" | "TpmiShHmac" => {
                let hmac = name == "TpmiShHmac";
                let found = sessions(world, |session| (session.kind == Kind::Hmac) == hmac);
                self.dice.maybe(&found).map_or_else(|| fixed(0x0300_0000), Ref::Session)
            }
            "TpmiDhContext" => {
                let all: Vec<_> = sessions(world, |_| true).into_iter().map(Ref::Session).collect();
                let object = self.object(world, code, at);
                if self.dice.flag() { object } else { self.dice.maybe(&all).unwrap_or(object) }
            }
            "TpmiRhHierarchy" | "TpmiRhEnables" | "TpmiRhBaseHierarchy" => {
                fixed(self.dice.pick(&[OWNER, OWNER, ENDORSEMENT, PLATFORM, NULL]))
            }
            "TpmiRhHierarchyAuth" | "TpmiRhHierarchyPolicy" => {
                fixed(self.dice.pick(&[OWNER, ENDORSEMENT, PLATFORM, LOCKOUT]))
            }
            "TpmiRhPlatform" => fixed(PLATFORM),
            "TpmiRhOwner" => fixed(OWNER),
            "TpmiRhEndorsement" => fixed(ENDORSEMENT),
            "TpmiRhProvision" => fixed(self.dice.pick(&[OWNER, OWNER, OWNER, PLATFORM])),
            "TpmiRhClear" => fixed(self.dice.pick(&[LOCKOUT, PLATFORM])),
            "TpmiRhLockout" => fixed(LOCKOUT),
            _ => self.nonsense(world),
        }
    }

    /// An object that the command can use, or any.
    pub fn object(&mut self, world: &World, code: u32, at: usize) -> Ref {
        let fitting = objects(world, |object| fits(code, at, object));
        let persistent: Vec<_> =
            world.persistent.iter().filter(|(_, object)| fits(code, at, object)).map(|(handle, _)| *handle).collect();
        // libtpms copies a persistent object into one of its three slots.
        if world.objects.len() < 2
            && (fitting.is_empty() || self.dice.one_in(4))
            && let Some(handle) = self.dice.maybe(&persistent)
        {
            return Ref::Fixed(handle);
        }
        if let Some(id) = self.dice.maybe(&fitting) {
            return Ref::Object(id);
        }
        let all = objects(world, |_| true);
        if self.dice.flag()
            && let Some(id) = self.dice.maybe(&all)
        {
            return Ref::Object(id);
        }
        self.unloaded(world)
    }

    /// An NV index.
    pub fn index(&mut self, world: &World) -> Ref {
        let known: Vec<_> = world.indices.keys().copied().collect();
        match self.dice.maybe(&known) {
            Some(index) if !self.dice.one_in(12) => Ref::Fixed(index),
            _ => Ref::Fixed(0x0150_0000 + self.dice.below(6) as u32),
        }
    }

    /// A handle of an object that is not loaded.
    fn unloaded(&mut self, world: &World) -> Ref {
        let used = |handle: u32| world.objects.values().any(|object| object.handle.contains(&handle));
        let free: Vec<u32> = (0x8000_0000..0x8000_0003).filter(|handle| !used(*handle)).collect();
        match self.dice.maybe(&free) {
            Some(handle) if !self.dice.one_in(20) => Ref::Fixed(handle),
            _ => Ref::Fixed(0x8000_0009),
        }
    }

    fn nonsense(&mut self, world: &World) -> Ref {
        if self.dice.one_in(6) {
            return self.unloaded(world);
        }
        let word = self.dice.word() as u32;
        Ref::Fixed(self.dice.pick(&[
            0,
            23,
            24,
            0x0150_00FF,
            0x0200_0000,
            0x0200_0009,
            0x0300_0001,
            0x0300_0009,
            OWNER,
            0x4000_0006,
            NULL,
            PW,
            LOCKOUT,
            ENDORSEMENT,
            PLATFORM,
            PLATFORM_NV,
            0x8100_00FF,
            0x8180_0000,
            0x9000_0000,
            word,
        ]))
    }
}
