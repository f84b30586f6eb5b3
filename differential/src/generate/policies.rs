//! Policies that can be fulfilled, and assertions with parameters that fit.

use ironroot_wire::CommandInfo;

use super::{Generator, bytes};
use crate::{
    bytes::{Bytes, Parts},
    entities::{self, ENDORSEMENT, OURS, OWNER, PLATFORM},
    public::{digest, digest_size},
    step::{Id, Piece, Ref},
    world::World,
};

/// Assertions in order.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub hash: u16,
    pub assertions: Vec<Assertion>,
}

/// An assertion that a script can make at any time.
#[derive(Debug, Clone)]
pub enum Assertion {
    CommandCode(u32),
    AuthValue,
    Password,
    Locality(u8),
    NvWritten(bool),
    Secret(u32, Vec<u8>),
    /// What has been asserted so far, or one of these.
    Or(Vec<Vec<u8>>),
}

impl Recipe {
    /// The command that it is for, if it names one.
    pub fn command(&self) -> Option<u32> {
        self.assertions.iter().find_map(|assertion| match assertion {
            Assertion::CommandCode(code) => Some(*code),
            _ => None,
        })
    }

    /// The policy digest, computed as Part 1, 16.7 has it.
    pub fn digest(&self) -> Vec<u8> {
        let mut policy = vec![0; digest_size(self.hash)];
        for assertion in &self.assertions {
            policy = self.extend(&policy, assertion);
        }
        policy
    }

    fn extend(&self, old: &[u8], assertion: &Assertion) -> Vec<u8> {
        let one = |code: u32, rest: &[u8]| digest(self.hash, &[old, &code.to_be_bytes(), rest]);
        match assertion {
            Assertion::CommandCode(code) => one(0x16C, &code.to_be_bytes()),
            Assertion::AuthValue | Assertion::Password => one(0x16B, &[]),
            Assertion::Locality(locality) => one(0x16F, &[*locality]),
            Assertion::NvWritten(written) => one(0x18F, &[u8::from(*written)]),
            Assertion::Secret(entity, reference) => {
                let first = one(0x151, &entity.to_be_bytes());
                digest(self.hash, &[&first, reference])
            }
            Assertion::Or(others) => {
                let list = [others.concat().as_slice(), old].concat();
                digest(self.hash, &[&vec![0; old.len()], &0x171u32.to_be_bytes(), &list])
            }
        }
    }
}

impl Generator {
    /// The digest of a policy that a script can fulfil.
    pub fn policy_digest(&mut self, hash: u16) -> Vec<u8> {
        if crate::public::hash(hash).is_none() {
            return Vec::new();
        }
        let mut assertions = Vec::new();
        if self.dice.flag() {
            let codes = [0x14B, 0x14B, 0x15D, 0x15E, 0x148, 0x147, 0x150, 0x14E, 0x137, 0x13B, 0x153, 0x155, 0x11F];
            let code = self.dice.pick(&codes);
            let code = if self.commands.contains(&code) { code } else { 0x15D };
            assertions.push(Assertion::CommandCode(code));
        }
        for _ in 0..self.dice.below(4) {
            assertions.push(match self.dice.below(9) {
                0..=1 => Assertion::AuthValue,
                2 => Assertion::Password,
                3 => Assertion::Locality(self.dice.pick(&[1, 3, 31, 2])),
                4 => Assertion::NvWritten(self.dice.flag()),
                5 => {
                    let size = self.dice.pick(&[0, 4]);
                    Assertion::Secret(self.dice.pick(&[OWNER, ENDORSEMENT, PLATFORM]), self.dice.bytes(size))
                }
                _ => {
                    let count = 1 + self.dice.below(3);
                    Assertion::Or((0..count).map(|_| self.dice.bytes(digest_size(hash))).collect())
                }
            });
        }
        let recipe = Recipe { hash, assertions };
        let digest = recipe.digest();
        self.recipes.push((digest.clone(), recipe));
        digest
    }

    /// The recipe of a policy.
    pub fn recipe(&self, digest: &[u8]) -> Option<Recipe> {
        if digest.is_empty() {
            return None;
        }
        self.recipes.iter().find(|(known, _)| known == digest).map(|(_, recipe)| recipe.clone())
    }

    /// Queues the assertions of a recipe in a session.
    pub fn fulfil(&mut self, recipe: &Recipe, session: Id) {
        let at = Ref::Session(session);
        for assertion in &recipe.assertions {
            let call = match assertion {
                Assertion::CommandCode(code) => self.plain(0x16C, &[at], bytes(code.to_be_bytes().to_vec())),
                Assertion::AuthValue => self.plain(0x16B, &[at], Vec::new()),
                Assertion::Password => self.plain(0x18C, &[at], Vec::new()),
                Assertion::Locality(locality) => self.plain(0x16F, &[at], bytes(vec![*locality])),
                Assertion::NvWritten(written) => self.plain(0x18F, &[at], bytes(vec![u8::from(*written)])),
                Assertion::Secret(entity, reference) => {
                    let parameters = Bytes::new().u16(0).u16(0).sized(reference).u32(0).0;
                    self.plain(0x151, &[Ref::Fixed(*entity), at], bytes(parameters))
                }
                Assertion::Or(others) => {
                    let count = others.len() as u32 + 1;
                    let list = others.iter().fold(Bytes::new().u32(count), |list, digest| list.sized(digest)).0;
                    let own = Piece::Sized(vec![Piece::PolicyDigest(session)]);
                    self.plain(0x171, &[at], vec![Piece::Bytes(list), own])
                }
            };
            self.queue(call);
        }
    }

    /// Parameters of an assertion that fit the session and what there is.
    pub fn assertion(&mut self, world: &World, info: &'static CommandInfo, handles: &[Ref]) -> Option<Vec<Piece>> {
        let code = info.code.0;
        let session_at = if matches!(code, 0x160 | 0x151) { 1 } else { 0 };
        let id = match handles.get(session_at)? {
            Ref::Session(id) => *id,
            _ => return None,
        };
        let hash = world.sessions.get(&id)?.hash;
        let size = if self.dice.one_in(12) { self.dice.pick(&[0, 20, 31, 32]) } else { digest_size(hash) };
        // Not the same bytes for hashes of another kind.
        let some = Bytes::new().sized(&vec![self.dice.pick(&[1, 2]) ^ (code as u8) << 2; size]).0;
        Some(match code {
            0x160 => self.policy_signed(world, handles, id, &some)?,
            0x151 => {
                let (nonce, tail) = self.nonce_and_expiration(id, &some);
                vec![nonce, Piece::Bytes(tail)]
            }
            0x172 => self.policy_ticket(world)?,
            0x16A => self.policy_authorize(world, id)?,
            0x171 => {
                let count = self.dice.below(4) as u32;
                let list = (0..count).fold(Bytes::new().u32(count + 1), |list, _| list.raw(&some)).0;
                vec![Piece::Bytes(list), Piece::Sized(vec![Piece::PolicyDigest(id)])]
            }
            0x16E | 0x170 | 0x190 => bytes(some),
            0x188 => {
                let names: Vec<_> = world.objects.keys().map(|id| Ref::Object(*id)).collect();
                let (one, two) = (self.dice.maybe(&names)?, self.dice.maybe(&names)?);
                let include = vec![self.dice.below(2) as u8];
                vec![Piece::Sized(vec![Piece::Name(one)]), Piece::Sized(vec![Piece::Name(two)]), Piece::Bytes(include)]
            }
            _ => return None,
        })
    }

    /// nonceTPM as a piece; cpHashA, policyRef and expiration.
    fn nonce_and_expiration(&mut self, session: Id, cp_hash: &[u8]) -> (Piece, Vec<u8>) {
        let nonce = if self.dice.flag() {
            Piece::Sized(vec![Piece::NonceTpm(session)])
        } else if self.dice.one_in(10) {
            Piece::Bytes(Bytes::new().sized(&self.dice.bytes(32)).0)
        } else {
            Piece::Bytes(vec![0, 0])
        };
        let cp_hash = if self.dice.one_in(6) { cp_hash.to_vec() } else { vec![0, 0] };
        let size = self.dice.pick(&[0, 0, 4, 20]);
        let reference = Bytes::new().sized(&self.dice.bytes(size)).0;
        let expiration = self.dice.pick(&[0i32, 0, 0, -1, -100, 1, 1000, i32::MIN, i32::MAX]);
        (nonce, [&cp_hash[..], &reference, &expiration.to_be_bytes()].concat())
    }

    /// TPM2_PolicySigned with an HMAC key that the run knows.
    fn policy_signed(&mut self, world: &World, handles: &[Ref], id: Id, cp_hash: &[u8]) -> Option<Vec<Piece>> {
        let key = world.object_at(world.handle(*handles.first()?, OURS)?, OURS)?;
        if key.secret.is_empty() {
            return None;
        }
        let (nonce, tail) = self.nonce_and_expiration(id, cp_hash);
        let mut parts = Parts(&tail);
        let (cp_hash, reference) = (parts.sized()?.to_vec(), parts.sized()?.to_vec());
        let expiration = parts.0.to_vec();
        let plain_nonce = match &nonce {
            Piece::Sized(inner) => inner.clone(),
            Piece::Bytes(bytes) => vec![Piece::Bytes(bytes[2..].to_vec())],
            _ => return None,
        };
        let alg = key.shape()?.scheme().filter(|scheme| *scheme == crate::public::HMAC).map_or(0xB, |_| {
            Parts(key.shape().map(|public| &public.parms[2..]).unwrap_or_default()).u16().unwrap_or(0xB)
        });
        let message = [plain_nonce, bytes([&expiration[..], &cp_hash, &reference].concat())].concat();
        let signature = Piece::Hmac(alg, key.secret.clone(), vec![Piece::Hash(alg, message)]);
        let signature = if self.dice.one_in(15) { Piece::Damaged(Box::new(signature), 3) } else { signature };
        let head = Bytes::new().u16(crate::public::HMAC).u16(alg).0;
        Some(vec![nonce, Piece::Bytes(tail), Piece::Bytes(head), signature])
    }

    fn policy_ticket(&mut self, world: &World) -> Option<Vec<Piece>> {
        let made = world.made.iter().rev().filter(|made| matches!(made.code, 0x160 | 0x151));
        let with_ticket: Vec<_> = made
            .filter(|made| {
                let fields = world.results.get(&made.id).map(|fields| fields[OURS].clone()).unwrap_or_default();
                fields.iter().any(|(name, value)| *name == "policy_ticket" && value.len() > 8)
            })
            .take(6)
            .collect();
        let made = self.dice.maybe(&with_ticket)?;
        let mut parts = Parts(&made.parameters);
        parts.sized()?;
        let (cp_hash, reference) = (parts.sized()?.to_vec(), parts.sized()?.to_vec());
        let [ours, theirs] = made.names.first()?;
        if ours != theirs {
            return None;
        }
        let field = |name| Piece::Field { of: made.id, name, swap: false };
        let middle = Bytes::new().sized(&cp_hash).sized(&reference).sized(ours).0;
        let mut ticket = field("policy_ticket");
        if self.dice.one_in(12) {
            ticket = Piece::Damaged(Box::new(ticket), self.dice.below(400));
        }
        Some(vec![field("timeout"), Piece::Bytes(middle), ticket])
    }

    fn policy_authorize(&mut self, world: &World, id: Id) -> Option<Vec<Piece>> {
        let names: Vec<_> = world.objects.keys().map(|id| Ref::Object(*id)).collect();
        let key = self.dice.maybe(&names)?;
        let reference = Bytes::new().sized(&self.dice.bytes(4)).0;
        let hierarchy = self.dice.pick(&[OWNER, entities::NULL]);
        let ticket = Bytes::new().u16(0x8022).u32(hierarchy).u16(0).0;
        Some(vec![
            Piece::Sized(vec![Piece::PolicyDigest(id)]),
            Piece::Bytes(reference),
            Piece::Sized(vec![Piece::Name(key)]),
            Piece::Bytes(ticket),
        ])
    }
}
