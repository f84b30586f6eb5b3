//! How a command's handles are authorized, and what other sessions go with it.

use ironroot_wire::{CommandAttributes, CommandInfo, Role};

use super::{Generator, sessions};
use crate::{
    entities::*,
    public::{attributes::*, digest_size},
    session::{AUDIT, CONTINUE, DECRYPT, ENCRYPT},
    step::{AuthUse, Id, Ref},
    world::World,
};

impl Generator {
    /// The authorization area of a command with these handles.
    pub fn authorizations(&mut self, world: &World, info: &CommandInfo, handles: &[Ref]) -> Vec<AuthUse> {
        let mut auths = Vec::new();
        let mut used = Vec::new();
        let mut bits = DECRYPT | ENCRYPT | AUDIT;
        for (at, handle) in handles.iter().enumerate().take(info.authorized_handles()) {
            let role = info.handles[at].role;
            auths.push(self.authorization(world, info, *handle, role, &mut used, &mut bits));
        }
        let no_sessions = info.attributes.contains(CommandAttributes::NO_SESSIONS);
        if self.dice.one_in(if no_sessions { 100 } else { 10 }) && auths.len() < 3 {
            let extra = self.extra(world, info, &mut used, &mut bits);
            auths.extend(extra);
        }
        if self.dice.one_in(150) {
            // One too few.
            auths.pop();
        }
        auths
    }

    fn authorization(
        &mut self,
        world: &World,
        info: &CommandInfo,
        handle: Ref,
        role: Role,
        used: &mut Vec<Id>,
        bits: &mut u8,
    ) -> AuthUse {
        let number = world.handle(handle, OURS);
        let object = number.and_then(|number| world.object_at(number, OURS));
        let policy_only = match role {
            Role::Dup => true,
            Role::Admin => {
                object.and_then(Object::shape).is_some_and(|public| public.has(ADMIN_WITH_POLICY))
                    || info.code.0 == 0x13B
            }
            _ => object.and_then(Object::shape).is_some_and(|public| !public.has(USER_WITH_AUTH)),
        };
        let wrong_times = match number {
            // Failures of what is protected lead to lockout, where nothing more happens.
            Some(LOCKOUT) => 400,
            Some(_) if object.is_some_and(Object::protected) => 100,
            _ => 25,
        };
        let wrong = self.dice.one_in(wrong_times);
        let available: Vec<_> = sessions(world, |session| match session.kind {
            Kind::Hmac => !policy_only,
            Kind::Policy => policy_only,
            Kind::Trial => false,
        })
        .into_iter()
        .filter(|id| !used.contains(id))
        .collect();
        let odd: Vec<_> = sessions(world, |_| true).into_iter().filter(|id| !used.contains(id)).collect();
        let session = if self.dice.one_in(60) {
            self.dice.maybe(&odd)
        } else if policy_only || self.dice.one_in(3) {
            self.dice.maybe(&available)
        } else {
            None
        };
        if self.dice.one_in(200) {
            return self.raw_session(world);
        }
        let Some(id) = session else {
            let attributes = if self.dice.one_in(80) { self.dice.word() as u8 } else { self.dice.pick(&[0, 1]) };
            return AuthUse::Password { wrong, attributes };
        };
        used.push(id);
        let mut attributes = CONTINUE;
        if self.dice.one_in(12) {
            attributes = 0;
        }
        attributes |= self.services(world, info, id, bits, 3);
        self.session_use(world, id, attributes, wrong)
    }

    /// Encryption and audit by a session.
    fn services(&mut self, world: &World, info: &CommandInfo, id: Id, bits: &mut u8, times: usize) -> u8 {
        let Some(session) = world.sessions.get(&id) else { return 0 };
        let mut attributes = 0;
        let can = session.cipher != Cipher::None;
        for (bit, allowed) in [(DECRYPT, info.decrypt_allowed()), (ENCRYPT, info.encrypt_allowed())] {
            let wanted = if can && allowed { self.dice.one_in(times) } else { self.dice.one_in(80) };
            if wanted && *bits & bit != 0 {
                attributes |= bit;
                *bits &= !bit;
            }
        }
        let audit = session.kind == Kind::Hmac && self.dice.one_in(if times == 1 { 2 } else { 60 });
        if (audit || self.dice.one_in(100)) && *bits & AUDIT != 0 {
            attributes |= AUDIT;
            *bits &= !AUDIT;
            if self.dice.one_in(10) {
                attributes |= self.dice.pick(&[2, 4, 6]);
            }
        }
        if self.dice.one_in(100) {
            attributes |= self.dice.pick(&[2, 4, 8, 16]);
        }
        attributes
    }

    /// A session that authorizes nothing.
    fn extra(&mut self, world: &World, info: &CommandInfo, used: &mut Vec<Id>, bits: &mut u8) -> Option<AuthUse> {
        if self.dice.one_in(20) {
            return Some(AuthUse::Password { wrong: false, attributes: 1 });
        }
        // A policy session that only encrypts is forgotten by libtpms.
        let odd = self.dice.one_in(20);
        let kind = |session: &Session| session.kind == Kind::Hmac || odd;
        let found: Vec<_> = sessions(world, kind).into_iter().filter(|id| !used.contains(id)).collect();
        let id = self.dice.maybe(&found)?;
        used.push(id);
        let attributes = self.services(world, info, id, bits, 1);
        // A session that does nothing is refused.
        if attributes == 0 && !self.dice.one_in(10) {
            return None;
        }
        let wrong = self.dice.one_in(30);
        Some(self.session_use(world, id, attributes | CONTINUE, wrong))
    }

    /// Something in the place of a session.
    fn raw_session(&mut self, world: &World) -> AuthUse {
        let loaded: Vec<_> = sessions(world, |_| true).into_iter().map(Ref::Session).collect();
        let number = self.dice.pick(&[0x0200_0009, 0x0300_0009, 0x0200_0001, PW, NULL, OWNER, 0x8000_0000, 0]);
        let handle = match self.dice.maybe(&loaded) {
            Some(session) if self.dice.flag() => session,
            _ => Ref::Fixed(number),
        };
        let (nonce, hmac) = (self.dice.pick(&[0, 16, 64, 65]), self.dice.pick(&[0, 20, 32, 64, 65]));
        let attributes = self.dice.pick(&[0, 1, 1, 0x20, 0x40, 0x80, 0xFF]);
        AuthUse::Raw { handle, nonce: self.dice.bytes(nonce), attributes, hmac: self.dice.bytes(hmac) }
    }

    /// A use of a session with a new nonce.
    pub fn session_use(&mut self, world: &World, id: Id, attributes: u8, wrong: bool) -> AuthUse {
        let full = world.sessions.get(&id).map_or(32, |session| digest_size(session.hash));
        let size = if self.dice.one_in(20) { self.dice.pick(&[0, 1, 15, 16, full + 1, 65]) } else { full };
        AuthUse::Session { id, attributes, nonce: self.dice.bytes(size), wrong }
    }
}
