//! From a step to the bytes that one TPM is sent.

use ironroot_crypto::{EccPoint, EccProvider, PORTABLE, Random, ecc, hmac, kdfe, rsa};
use ironroot_wire::{CommandInfo, TpmEccCurve};

use crate::{
    bytes::{Bytes, Parts},
    dice::Dice,
    entities::PW,
    public::{self, Public, digest, digest_size, hash},
    session::{self, DECRYPT, ENCRYPT},
    step::{AuthUse, Call, Id, Mutation, Piece, Ref},
    table,
    world::World,
};

/// A command as one TPM gets it, and what is needed to check the response.
#[derive(Clone)]
pub struct Rendered {
    pub bytes: Vec<u8>,
    pub handles: Vec<u32>,
    /// The parameters before encryption.
    pub parameters: Vec<u8>,
    pub slots: Vec<Slot>,
}

/// A session of a command.
#[derive(Clone)]
pub struct Slot {
    /// None for a password, or what is no session of the run.
    pub session: Option<Id>,
    pub nonce: Vec<u8>,
    pub attributes: u8,
    /// Whether it authorizes an entity.
    pub authorizes: bool,
    pub includes_auth: bool,
    pub auth: Vec<u8>,
    /// The HMAC or password that was sent.
    pub hmac: Vec<u8>,
}

impl World {
    /// The number behind a handle; `None` if what it names is not there.
    pub fn handle(&self, handle: Ref, side: usize) -> Option<u32> {
        match handle {
            Ref::Fixed(number) => Some(number),
            Ref::Object(id) => self.objects.get(&id).map(|object| object.handle[side]),
            Ref::Session(id) => self.sessions.get(&id).map(|session| session.handle),
        }
    }

    /// The bytes of a step for one side; `None` if something it needs is not there.
    pub fn render(&self, call: &Call, side: usize) -> Option<Rendered> {
        let mut handles: Vec<u32> =
            call.handles.iter().map(|handle| self.handle(*handle, side)).collect::<Option<_>>()?;
        let info = table::info(call.code);
        let needed = info.map_or(0, CommandInfo::authorized_handles);
        let mut parameters = self.pieces(&call.parameters, side)?;
        mutate_parameters(&mut parameters, call.mutation.as_ref());
        let plain = parameters.clone();

        let auths = if matches!(call.mutation, Some(Mutation::NoSessions)) { &[] } else { call.auths.as_slice() };
        let mut slots = Vec::new();
        for (at, auth) in auths.iter().enumerate() {
            slots.push(self.slot(auth, handles.get(at).copied().filter(|_| at < needed), side)?);
        }
        let find = |bit: u8| slots.iter().position(|slot| slot.session.is_some() && slot.attributes & bit != 0);
        let (decrypt, encrypt) = (find(DECRYPT), find(ENCRYPT));
        if let Some(slot) = decrypt.and_then(|at| slots.get(at)) {
            let session = self.sessions.get(&slot.session?)?;
            let auth = if slot.authorizes { slot.auth.as_slice() } else { &[] };
            if let Some(data) = session::first_sized(&mut parameters) {
                session.crypt(side, true, auth, &slot.nonce, &session.nonce_tpm[side], data);
            }
        }

        let names: Vec<Vec<u8>> = handles.iter().map(|handle| self.name_of(*handle, side)).collect();
        let mut area = Bytes::new();
        let mut hmacs = Vec::new();
        for (at, (slot, auth)) in slots.iter().zip(auths).enumerate() {
            let (handle, hmac) = match auth {
                AuthUse::Password { wrong, .. } => {
                    let mut password = slot.auth.clone();
                    if *wrong {
                        password.push(b'!');
                    }
                    (PW, password)
                }
                AuthUse::Raw { handle, hmac, .. } => (self.handle(*handle, side)?, hmac.clone()),
                AuthUse::Session { id, wrong, .. } => {
                    let session = self.sessions.get(id)?;
                    let hmac = if slot.authorizes && session.wants_password {
                        slot.auth.clone()
                    } else {
                        let mut nonces = vec![slot.nonce.as_slice(), &session.nonce_tpm[side]];
                        if at == 0 && slot.authorizes {
                            let encrypt = encrypt.filter(|at| Some(*at) != decrypt);
                            for other in [decrypt, encrypt].into_iter().flatten().filter(|other| *other != 0) {
                                nonces.push(&self.sessions.get(&slots[other].session?)?.nonce_tpm[side]);
                            }
                        }
                        let hash = session::parameter_hash(session.hash, call.code, None, &names, &parameters);
                        let auth = if slot.includes_auth { slot.auth.as_slice() } else { &[] };
                        session.hmac(side, auth, &hash, &nonces, slot.attributes, false)
                    };
                    (session.handle, if *wrong { damaged(hmac) } else { hmac })
                }
            };
            area = area.u32(handle).sized(&slot.nonce).u8(slot.attributes).sized(&hmac);
            hmacs.push(hmac);
        }
        slots.iter_mut().zip(hmacs).for_each(|(slot, hmac)| slot.hmac = hmac);
        if matches!(call.mutation, Some(Mutation::NoHandle)) {
            handles.pop();
        }
        let bytes = frame(call, &handles, area.0, &parameters);
        Some(Rendered { bytes, handles, parameters: plain, slots })
    }

    fn slot(&self, auth: &AuthUse, entity: Option<u32>, side: usize) -> Option<Slot> {
        let value = entity.map(|entity| self.auth_of(entity, side)).unwrap_or_default();
        Some(match auth {
            AuthUse::Password { attributes, .. } => Slot {
                session: None,
                nonce: Vec::new(),
                attributes: *attributes,
                authorizes: entity.is_some(),
                includes_auth: false,
                auth: value,
                hmac: Vec::new(),
            },
            AuthUse::Raw { nonce, attributes, .. } => Slot {
                session: None,
                nonce: nonce.clone(),
                attributes: *attributes,
                authorizes: entity.is_some(),
                includes_auth: false,
                auth: value,
                hmac: Vec::new(),
            },
            AuthUse::Session { id, attributes, nonce, .. } => {
                let session = self.sessions.get(id)?;
                let includes_auth =
                    entity.is_some_and(|entity| session.includes_auth(&self.name_of(entity, side), &value, side));
                Slot {
                    session: Some(*id),
                    nonce: nonce.clone(),
                    attributes: *attributes,
                    authorizes: entity.is_some(),
                    includes_auth,
                    auth: value,
                    hmac: Vec::new(),
                }
            }
        })
    }

    /// The bytes of some pieces.
    pub fn pieces(&self, pieces: &[Piece], side: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => out.extend(bytes),
                Piece::Handle(handle) => out.extend(self.handle(*handle, side)?.to_be_bytes()),
                Piece::Field { of, name, swap } => {
                    let fields = &self.results.get(of)?[if *swap { 1 - side } else { side }];
                    out.extend(&fields.iter().find(|(field, _)| field == name)?.1);
                }
                Piece::WrappedPublic(id) => {
                    out.extend(Bytes::new().sized(&self.wrapped.get(id)?.public[side].bytes()).0);
                }
                Piece::Name(entity) => out.extend(self.name_of(self.handle(*entity, side)?, side)),
                Piece::NonceTpm(id) => out.extend(&self.sessions.get(id)?.nonce_tpm[side]),
                Piece::Sized(inner) => out = Bytes(out).sized(&self.pieces(inner, side)?).0,
                Piece::Hash(alg, inner) => out.extend(digest(*alg, &[&self.pieces(inner, side)?])),
                Piece::Hmac(alg, key, inner) => {
                    out.extend(hmac(hash(*alg)?, key, &[&self.pieces(inner, side)?]).to_vec());
                }
                Piece::Salt(key, salt) => {
                    let object = self.object_at(self.handle(*key, side)?, side)?;
                    out = Bytes(out).sized(&encrypt_salt(&object.public.as_ref()?[side], salt)?).0;
                }
                Piece::PolicyDigest(id) => out.extend(&self.policy_digests.get(id)?[side]),
                Piece::Damaged(inner, at) => {
                    let mut bytes = self.pieces(std::slice::from_ref(inner), side)?;
                    // The same bit on both sides, where one is longer than the other.
                    let other = self.pieces(std::slice::from_ref(inner), 1 - side).map_or(0, |bytes| bytes.len());
                    let bits = (bytes.len().min(other) * 8).max(1);
                    if let Some(byte) = bytes.get_mut(at % bits / 8) {
                        *byte ^= 1 << (at % 8);
                    }
                    out.extend(bytes);
                }
            }
        }
        Some(out)
    }
}

fn damaged(mut hmac: Vec<u8>) -> Vec<u8> {
    match hmac.first_mut() {
        Some(byte) => *byte ^= 1,
        None => hmac.push(7),
    }
    hmac
}

fn mutate_parameters(parameters: &mut Vec<u8>, mutation: Option<&Mutation>) {
    match mutation {
        Some(Mutation::Parameter { at, xor }) if !parameters.is_empty() => {
            let at = at % parameters.len();
            parameters[at] ^= xor;
        }
        Some(Mutation::Cut(count)) => parameters.truncate(parameters.len().saturating_sub(*count)),
        Some(Mutation::More(bytes)) => parameters.extend(bytes),
        _ => {}
    }
}

/// The header and what follows it.
fn frame(call: &Call, handles: &[u32], mut area: Vec<u8>, parameters: &[u8]) -> Vec<u8> {
    let mutation = call.mutation.as_ref();
    let sessions = !call.auths.is_empty() && !matches!(mutation, Some(Mutation::NoSessions));
    let mut body = Bytes::new();
    for handle in handles {
        body = body.u32(*handle);
    }
    if sessions {
        let mut size = area.len() as u32;
        match mutation {
            Some(Mutation::AuthSize(by)) => size = size.wrapping_add_signed(*by),
            Some(Mutation::AuthByte { at, xor }) if !area.is_empty() => {
                let at = at % area.len();
                area[at] ^= xor;
            }
            _ => {}
        }
        body = body.u32(size).raw(&area);
    }
    body = body.raw(parameters);
    if let Some(Mutation::Truncate(count)) = mutation {
        body.0.truncate(body.0.len().saturating_sub(*count));
    }
    let mut tag = if sessions { 0x8002 } else { 0x8001 };
    let (mut code, mut size) = (call.code, body.0.len() as u32 + 10);
    match mutation {
        Some(Mutation::Tag(other)) => tag = *other,
        Some(Mutation::Code(other)) => code = *other,
        Some(Mutation::Size(by)) => size = size.wrapping_add_signed(*by),
        _ => {}
    }
    Bytes::new().u16(tag).u32(size).u32(code).raw(&body.0).0
}

/// The same "random" bytes for the same salt.
struct Repeatable(Dice);

impl Random for Repeatable {
    fn fill(&mut self, out: &mut [u8]) {
        out.iter_mut().for_each(|byte| *byte = self.0.word() as u8);
    }
}

/// Bytes of the salt that a key can take.
pub fn salt_size(key: &Public) -> usize {
    digest_size(key.name_alg)
}

/// A salt encrypted to a decryption key (Part 1, annexes B.10.2 and C.6.3). With ECC the salt is a result: see [`salt`].
fn encrypt_salt(key: &Public, seed: &[u8]) -> Option<Vec<u8>> {
    Some(shared_salt(key, seed)?.1)
}

/// The salt, and the same encrypted to a key.
pub fn shared_salt(key: &Public, seed: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let alg = hash(key.name_alg)?;
    let mut random =
        Repeatable(Dice::new(seed.iter().fold(7, |all, byte| all.wrapping_mul(257).wrapping_add(u64::from(*byte)))));
    let unique = key.unique_parts()?;
    match key.alg {
        public::RSA => {
            let mut exponent = Parts(key.parms.get(key.parms.len().checked_sub(4)?..)?);
            let e = match exponent.u32()? {
                0 => rsa::DEFAULT_EXPONENT,
                e => e,
            };
            let scheme = rsa::EncryptionScheme::Oaep { hash: alg, label: b"SECRET\0" };
            let mut salt = seed.to_vec();
            salt.resize(salt_size(key), 1);
            let out = rsa::encrypt(&PORTABLE, rsa::RsaPublic { n: &unique[0], e }, scheme, &salt, &mut random).ok()?;
            Some((salt, out))
        }
        public::ECC => {
            let curve = TpmEccCurve::from_value(key.curve()?)?;
            let size = curve.field_size();
            let pad = |bytes: &[u8]| [&vec![0; size.saturating_sub(bytes.len())], bytes].concat();
            let point = EccPoint { x: pad(&unique[0]), y: pad(&unique[1]) };
            let (scalar, ephemeral) = ecc::generate(&PORTABLE, curve, &mut random).ok()?;
            let z = PORTABLE.ecc_multiply(curve, &scalar, &point).ok()?;
            let bits = digest_size(key.name_alg) as u32 * 8;
            let salt = kdfe(alg, &z.x, b"SECRET", &ephemeral.x, &point.x, bits).to_vec();
            Some((salt, Bytes::new().sized(&ephemeral.x).sized(&ephemeral.y).0))
        }
        _ => None,
    }
}
