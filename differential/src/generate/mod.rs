//! What is done next: commands that fit what the TPMs hold, commands that almost do, and commands at random.
//!
//! Everything goes by the command table: handles and parameters are chosen by the names of their types, and only where a
//! command wants something special does one of the functions here say so. A new command of the table is therefore tried
//! from the day it is there.

use std::collections::VecDeque;

use ironroot_wire::CommandInfo;

use crate::{
    dice::Dice,
    entities::*,
    keys::{self, Key},
    step::{Action, AuthUse, Call, Id, Piece, Ref, Step},
    table,
    world::World,
};

mod authorize;
mod ephemeral;
mod handles;
mod modern;
mod mutate;
mod policies;
mod scripts;
mod special;
mod templates;
mod uses;
mod values;

/// The generator.
pub struct Generator {
    pub dice: Dice,
    queue: VecDeque<Step>,
    next: Id,
    /// Policies that have been given to entities, by their digest.
    recipes: Vec<(Vec<u8>, policies::Recipe)>,
    /// The commands that both TPMs have, each as often as it is to be tried.
    commands: Vec<u32>,
    /// The algorithms that both TPMs have.
    algorithms: Vec<u16>,
    /// The curves that both TPMs have.
    curves: Vec<u16>,
    /// Those of them that there are keys on.
    known_curves: Vec<usize>,
    /// One step in so many is sent with something wrong, wherever it comes from; 0 for none.
    rough: usize,
}

/// Commands that change much, or end much: tried rarely.
const RARE: &[u32] = &[0x121, 0x124, 0x125, 0x126, 0x144, 0x145, 0x12B, 0x142, 0x143, 0x131, 0x12F, 0x11F];
/// Commands that are tried only by scripts, which know what they need.
const SCRIPTED: &[u32] = &[];

impl Generator {
    #[cfg(feature = "libtpms")]
    pub fn new(seed: u64, world: &World) -> Self {
        Self::by(Dice::new(seed), 0, world)
    }

    /// What these dice choose, with one step in `rough` made wrong.
    pub fn by(dice: Dice, rough: usize, world: &World) -> Self {
        let mut commands = Vec::new();
        for info in table::all().filter(|info| world.common.commands.contains(&info.code.0)) {
            let times = if RARE.contains(&info.code.0) { 1 } else { 10 };
            if !SCRIPTED.contains(&info.code.0) {
                commands.extend(vec![info.code.0; times]);
            }
        }
        let mut this = Self {
            dice,
            rough,
            queue: VecDeque::new(),
            next: 1,
            recipes: Vec::new(),
            commands,
            algorithms: world.common.algorithms.clone(),
            curves: world.common.curves.clone(),
            known_curves: keys::curves().filter(|(_, id)| world.common.curves.contains(id)).map(|(at, _)| at).collect(),
        };
        this.prelude();
        this
    }

    /// The number of a curve that both have, as [`keys::ecc`] numbers them.
    fn known_curve(&mut self) -> usize {
        self.dice.maybe(&self.known_curves).unwrap_or(0)
    }

    /// A key that both are given.
    fn any_key(&mut self) -> Key {
        keys::any(&mut self.dice, &self.known_curves)
    }

    /// One of these algorithms that both have; the last if they have none of them.
    pub fn algorithm(&mut self, of: &[u16]) -> u16 {
        let have: Vec<u16> = of.iter().copied().filter(|id| *id == 0x10 || self.algorithms.contains(id)).collect();
        self.dice.maybe(&have).unwrap_or(of[of.len() - 1])
    }

    /// A step that has been planned.
    pub fn planned(&mut self) -> Option<Step> {
        self.queue.pop_front()
    }

    /// The next step that the input of the dice asks for; `None` at its end.
    pub fn next_of_input(&mut self, world: &World) -> Option<Step> {
        loop {
            if let Some(mut step) = self.planned() {
                self.roughen(&mut step);
                return Some(step);
            }
            if !self.dice.next_chunk() {
                return None;
            }
            self.plan(world);
        }
    }

    fn roughen(&mut self, step: &mut Step) {
        if let Action::Command(call) = &mut step.action
            && self.rough > 0
            && self.dice.one_in(self.rough)
        {
            call.mutation = Some(self.mutation());
        }
    }

    /// The next step.
    #[cfg(feature = "libtpms")]
    pub fn next(&mut self, world: &World) -> Step {
        for _ in 0..20 {
            if let Some(step) = self.queue.pop_front() {
                return step;
            }
            self.plan(world);
        }
        self.step(Call {
            code: 0x17B,
            handles: Vec::new(),
            auths: Vec::new(),
            parameters: bytes(vec![0, 8]),
            mutation: None,
        })
    }

    fn plan(&mut self, world: &World) {
        if !world.started {
            self.startup(world);
            return;
        }
        if self.dice.one_in(400) {
            self.power_cycle();
            return;
        }
        match self.dice.below(10) {
            0..=3 => self.single(world),
            4..=5 => self.use_script(world),
            6 => {
                let call = self.any(world);
                let call = self.mutated(call);
                self.push(call);
            }
            _ => self.script(world),
        }
    }

    /// One command of the table.
    fn single(&mut self, world: &World) {
        let call = self.any(world);
        self.push(call);
    }

    fn any(&mut self, world: &World) -> Call {
        let code = self.dice.pick(&self.commands.clone());
        match table::info(code) {
            Some(info) => self.call(world, info),
            None => self.raw(code, Vec::new()),
        }
    }

    fn mutated(&mut self, mut call: Call) -> Call {
        call.mutation = Some(self.mutation());
        call
    }

    /// A command with handles, parameters and authorizations that fit as far as they can.
    fn call(&mut self, world: &World, info: &'static CommandInfo) -> Call {
        let mut handles = Vec::new();
        for at in 0..info.handles.len() {
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
        let mut call = Call { code: info.code.0, handles, auths: Vec::new(), parameters, mutation: None };
        call.auths = self.authorizations(world, info, &call.handles);
        call
    }

    /// A command with nothing chosen.
    fn raw(&self, code: u32, parameters: Vec<Piece>) -> Call {
        Call { code, handles: Vec::new(), auths: Vec::new(), parameters, mutation: None }
    }

    /// A command that authorizes its handles with their auth values.
    fn plain(&self, code: u32, handles: &[Ref], parameters: Vec<Piece>) -> Call {
        let needed = table::info(code).map_or(0, CommandInfo::authorized_handles);
        let auths = vec![AuthUse::Password { wrong: false, attributes: 1 }; needed];
        Call { code, handles: handles.to_vec(), auths, parameters, mutation: None }
    }

    /// A step that does this.
    fn step(&mut self, call: Call) -> Step {
        let id = self.next;
        self.next += 1;
        let mut locality = 0;
        if self.dice.one_in(30) {
            locality = self.dice.pick(&[1, 2, 3, 4, 32, 255]);
        }
        let wait = if self.dice.one_in(50) { self.dice.pick(&[0, 10, 1000, 100_000, 1_000_000]) } else { 1 };
        Step { id, locality, wait, action: Action::Command(call) }
    }

    fn push(&mut self, call: Call) -> Id {
        let step = self.step(call);
        let id = step.id;
        self.enqueue(step);
        id
    }

    /// Commands that one of the TPMs lacks are left out.
    fn enqueue(&mut self, step: Step) {
        if matches!(&step.action, Action::Command(call) if table::info(call.code).is_some() && !self.commands.contains(&call.code))
        {
            return;
        }
        self.queue.push_back(step);
    }

    /// A step of a script: at locality 0, without delay.
    fn queue(&mut self, call: Call) -> Id {
        let id = self.next;
        self.next += 1;
        self.enqueue(Step { id, locality: 0, wait: 1, action: Action::Command(call) });
        id
    }

    fn power_cycle(&mut self) {
        if self.dice.flag() {
            let kind = self.dice.pick(&[0, 1]);
            self.queue(self.raw(0x145, bytes(vec![0, kind])));
        }
        let id = self.next;
        self.next += 1;
        self.queue.push_back(Step { id, locality: 0, wait: 1, action: Action::PowerCycle });
    }

    fn startup(&mut self, world: &World) {
        if self.dice.one_in(4) {
            // Everything but TPM2_Startup is refused.
            let call = self.any(world);
            self.push(call);
            if let Some(step) = self.queue.back_mut() {
                step.wait = 0;
            }
        }
        let kind = if self.dice.one_in(3) { 1 } else { 0 };
        self.immediately(kind);
        if kind == 1 {
            self.immediately(0);
        }
    }

    /// TPM2_Startup as soon as the power is on: what a clock does before is not the same in both.
    fn immediately(&mut self, kind: u8) {
        let id = self.queue(self.raw(0x144, bytes(vec![0, kind])));
        if let Some(step) = self.queue.back_mut().filter(|step| step.id == id) {
            step.wait = 0;
        }
    }

    fn prelude(&mut self) {
        self.immediately(0);
        // The defaults of the two for dictionary attacks are not the same.
        let tries = self.dice.pick(&[5u32, 100_000, 100_000]);
        let times = self.dice.pick(&[10u32, 1000]);
        let mut parameters = tries.to_be_bytes().to_vec();
        parameters.extend(times.to_be_bytes());
        parameters.extend(times.to_be_bytes());
        self.queue(self.plain(0x13A, &[Ref::Fixed(LOCKOUT)], bytes(parameters)));
        // Changes of TPMs that come with an index or two.
        self.storage_key(0x8100_0001);
    }
}

/// Bytes as the only piece.
pub fn bytes(bytes: Vec<u8>) -> Vec<Piece> {
    vec![Piece::Bytes(bytes)]
}

/// Sessions of a kind.
pub fn sessions(world: &World, wanted: impl Fn(&Session) -> bool) -> Vec<Id> {
    world.sessions.iter().filter(|(_, session)| wanted(session)).map(|(id, _)| *id).collect()
}

/// Objects of a kind.
pub fn objects(world: &World, wanted: impl Fn(&Object) -> bool) -> Vec<Id> {
    world.objects.iter().filter(|(_, object)| wanted(object)).map(|(id, _)| *id).collect()
}
