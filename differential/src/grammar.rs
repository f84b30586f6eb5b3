//! Ironroot alone, in a fuzzer's hands: sequences of commands with real sessions, policies and handles, and almost right
//! ones. The input decides, sixteen bytes at a time, what the generator plans next; its first byte chooses the TPM.
//!
//! What must hold: an answer to everything; the form of responses, their HMACs and what they say of keys; no more objects
//! and sequences than slots; and that the TPM is the same when another process goes on with it, and the same but for what
//! is volatile after a power cut.

use ironroot_tpm::{Profile, implemented_commands};
use ironroot_wire::{Rules, TpmEccCurve, TpmRc, rules::KeySizes};

use crate::{
    bytes::{Bytes, Parts, hex},
    dice::{self, Dice},
    entities::{OURS, OWNER, PLATFORM},
    generate::Generator,
    ours::{Common, Ours},
    peer::Peer,
    response,
    step::{Action, Call, Mutation, Step},
    world::{Divergence, Outcome, What, World},
};

/// Bytes of an input that decide together.
pub const CHUNK: usize = dice::CHUNK;
/// The high half of the first byte of an input: a TPM with RSA, whose tests take most of the time.
pub const RSA: u8 = 0xF0;
/// The high half of the first byte of an input: a TPM with every curve, each of which it tests before it uses one.
pub const LARGE: u8 = 0xE0;
/// In the first byte of an input: another process goes on at its end.
const GOES_ON: u8 = 0x01;
/// In the first byte of an input: the power is cut at its end.
const SURVIVES: u8 = 0x02;
/// Steps of an input at most.
const STEPS: usize = 200;
/// One planned step in so many is sent with something wrong.
const ROUGH: usize = 16;
/// The algorithms of RSA.
const RSA_ALGORITHMS: [u16; 5] = [0x01, 0x14, 0x15, 0x16, 0x17];

const NO_SESSIONS: u16 = 0x8001;
const SESSIONS: u16 = 0x8002;
const NV_ORDERLY: u32 = 1 << 26;
const NV_CLEAR_STCLEAR: u32 = 1 << 27;
const NV_LOCKED: u32 = 1 << 28 | 1 << 11;

/// What an input came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// Commands sent.
    pub commands: usize,
    /// Those that succeeded.
    pub succeeded: usize,
}

/// Plays an input. With `trace`, says each step before it is done.
///
/// # Errors
/// What does not hold, and the steps up to there.
pub fn play(input: &[u8], trace: bool) -> Result<Played, String> {
    let Some((&kind, input)) = input.split_first() else { return Ok(Played::default()) };
    let profile = profile(kind);
    let common = common(&profile);
    let ours = Ours::manufacture(&profile, 7)?;
    let world = World::of(&common, ours, Peer::Mirror);
    let generator = Generator::by(Dice::from_input(input), ROUGH, &world);
    let mut run = Run { world, generator, profile, played: Played::default(), log: Vec::new(), trace };
    run.all(kind).map_err(|error| format!("{error}\n{}", run.log.join("\n")))?;
    Ok(run.played)
}

/// Everything, in small numbers.
fn profile(kind: u8) -> Profile {
    let all = Profile::EVERYTHING;
    let mut algorithms = all.rules.algorithms;
    if kind & 0xF0 != RSA {
        algorithms = RSA_ALGORITHMS.iter().fold(algorithms, |algorithms, id| algorithms.without(*id));
    }
    let curves = if kind & 0xF0 != LARGE { 1 << TpmEccCurve::NistP256.value() } else { all.rules.curves };
    Profile {
        rules: Rules { algorithms, curves, rsa_key_bits: KeySizes::of(&[2048]), ..all.rules },
        loaded_objects: 3,
        loaded_sessions: 3,
        active_sessions: 8,
        persistent_objects: 4,
        nv_space: 4096,
        ..all
    }
}

fn common(profile: &Profile) -> Common {
    let enabled = implemented_commands().filter(|info| profile.commands.contains(info.code));
    Common {
        algorithms: (0..256).filter(|id| profile.rules.algorithms.contains(*id)).collect(),
        curves: (0..128).filter(|id| profile.rules.curves & 1 << id != 0).collect(),
        commands: enabled.map(|info| info.code.0).collect(),
    }
}

/// What a TPM says of itself: questions and answers.
type Answers = Vec<(Vec<u8>, Vec<u8>)>;

struct Run {
    world: World,
    generator: Generator,
    profile: Profile,
    played: Played,
    log: Vec<String>,
    trace: bool,
}

impl Run {
    fn all(&mut self, kind: u8) -> Result<(), String> {
        while let Some(step) = self.generator.planned() {
            self.step(&step)?;
        }
        for _ in 0..STEPS {
            let Some(step) = self.generator.next_of_input(&self.world) else { break };
            self.step(&step)?;
            match self.generator.dice.below(64) {
                0 => self.goes_on()?,
                1 => self.survives()?,
                _ => {}
            }
        }
        self.has_room()?;
        if kind & GOES_ON != 0 {
            self.goes_on()?;
        }
        if kind & SURVIVES != 0 {
            self.survives()?;
        }
        Ok(())
    }

    fn note(&mut self, text: String) {
        if self.trace {
            eprintln!("{text}");
        }
        self.log.push(text);
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        self.note(format!("    {step}"));
        match self.world.execute(step)? {
            Outcome::Skipped => Ok(()),
            Outcome::Agreed(rc) => {
                if self.trace {
                    eprintln!("        {}", TpmRc(rc));
                }
                self.played.commands += 1;
                self.played.succeeded += usize::from(rc == 0);
                match &step.action {
                    Action::Command(call) if rc == 0 => self.done(call),
                    _ => Ok(()),
                }
            }
            Outcome::Diverged(divergence) => self.judge(step, &divergence),
        }
    }

    /// What succeeded although it was another command than the one that was meant is not in the model.
    fn done(&mut self, call: &Call) -> Result<(), String> {
        match call.mutation {
            Some(Mutation::Code(_) | Mutation::AuthByte { .. } | Mutation::NoHandle | Mutation::Tag(_)) => {
                let handles: Vec<u32> = call.handles.iter().filter_map(|it| self.world.handle(*it, OURS)).collect();
                self.world.forget_sessions(&handles);
                self.world.sessions.clear();
                self.world.resync()
            }
            _ => Ok(()),
        }
    }

    fn judge(&mut self, step: &Step, divergence: &Divergence) -> Result<(), String> {
        let Action::Command(call) = &step.action else { return Ok(()) };
        let meant = matches!(call.mutation, None | Some(Mutation::Parameter { .. } | Mutation::NoSessions));
        if !meant {
            return self.done(call);
        }
        let what = match divergence.what {
            What::Malformed(_) => "the response is malformed",
            What::Session(..) => "the response has a wrong HMAC, or a wrong number of sessions",
            _ => "the response contradicts what is known",
        };
        let [sent, _] = &divergence.requests;
        let [got, _] = &divergence.responses;
        Err(format!("{what} ({:?}): sent {} got {}", divergence.what, hex(sent), hex(got)))
    }

    /// Nothing beyond the slots of the profile.
    fn has_room(&mut self) -> Result<(), String> {
        for (first, most) in [
            (0x8000_0000, self.profile.loaded_objects),
            (0x0200_0000, self.profile.loaded_sessions),
            (0x8100_0000, self.profile.persistent_objects),
        ] {
            let handles = self.world.list(first)?;
            if handles.len() > most {
                return Err(format!("more than {most} of {first:08x}: {handles:08x?}"));
            }
        }
        Ok(())
    }

    /// Another process takes over, and nothing has changed.
    fn goes_on(&mut self) -> Result<(), String> {
        let before = self.answers()?;
        self.note("    goes on in another process".into());
        self.world.replace_ours(true)?;
        for (question, answer) in before {
            let now = self.ask(&question)?;
            if now != answer {
                return Err(differs("another process", &question, &answer, &now));
            }
        }
        Ok(())
    }

    /// After a power cut, what was committed is there.
    fn survives(&mut self) -> Result<(), String> {
        let before = if self.world.started { self.stored()? } else { Vec::new() };
        self.note("    power cut".into());
        self.world.replace_ours(false)?;
        if before.is_empty() {
            return Ok(());
        }
        let call = Call {
            code: 0x144,
            handles: Vec::new(),
            auths: Vec::new(),
            parameters: crate::generate::bytes(vec![0, 0]),
            mutation: None,
        };
        self.step(&Step { id: u32::MAX, locality: 0, wait: 0, action: Action::Command(call) })?;
        for (question, answer) in before {
            let now = self.ask(&question)?;
            if unlocked(&question, &now) != unlocked(&question, &answer) {
                return Err(differs("a power cut", &question, &answer, &now));
            }
        }
        Ok(())
    }

    fn ask(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        let [ours, _] = self.world.exchange(0, &[command.to_vec(), command.to_vec()])?;
        Ok(ours)
    }

    /// What is asked of a TPM that goes on.
    fn answers(&mut self) -> Result<Answers, String> {
        let mut questions = Vec::new();
        for kind in [0x0100_0000, 0x0200_0000, 0x0300_0000, 0x4000_0000, 0x8000_0000, 0x8100_0000] {
            questions.push(capability(1, kind, 254));
        }
        // Audited commands are counted, these questions perhaps among them.
        for (kind, first, count) in
            [(3, 0, 64), (4, 0, 64), (5, 0, 64), (6, 0x200, 20), (6, 0x216, 8), (7, 0, 64), (9, 0x4000_0000, 64)]
        {
            questions.push(capability(kind, first, count));
        }
        for handle in self.world.list(0x8000_0000)? {
            questions.push(plain(0x173, handle));
        }
        for session in self.world.list(0x0200_0000)? {
            questions.push(plain(0x189, session));
        }
        for pcrs in [[0xFF, 0, 0], [0, 0xFF, 0], [0, 0, 0xFF]] {
            questions.push(command(NO_SESSIONS, 0x17E, &Bytes::new().u32(1).u16(0x000B).u8(3).raw(&pcrs).0));
        }
        questions.extend(self.about_the_stored()?);
        questions.into_iter().map(|question| self.ask(&question).map(|answer| (question, answer))).collect()
    }

    /// Questions about persistent objects and NV indices.
    fn about_the_stored(&mut self) -> Result<Vec<Vec<u8>>, String> {
        let mut questions: Vec<Vec<u8>> =
            self.world.list(0x8100_0000)?.into_iter().map(|handle| plain(0x173, handle)).collect();
        for index in self.world.list(0x0100_0000)? {
            questions.push(plain(0x169, index));
            let size = self.world.indices.get(&index).map_or(8, |index| index.size.min(1024));
            for by in [OWNER, PLATFORM] {
                let auth = self.world.auth_of(by, OURS);
                let area = Bytes::new().u32(0x4000_0009).u16(0).u8(1).sized(&auth).0;
                let body = Bytes::new().u32(by).u32(index).u32(area.len() as u32).raw(&area).u16(size).u16(0).0;
                questions.push(command(SESSIONS, 0x14E, &body));
            }
        }
        Ok(questions)
    }

    /// What of it succeeds, and is kept without power.
    fn stored(&mut self) -> Result<Answers, String> {
        let mut lost = Vec::new();
        for index in self.world.list(0x0100_0000)? {
            let public = self.ask(&plain(0x169, index))?;
            let attributes = Parts(public.get(18..).unwrap_or_default()).u32().unwrap_or(0);
            if attributes & (NV_ORDERLY | NV_CLEAR_STCLEAR) != 0 {
                lost.push(index);
            }
        }
        let about = |question: &[u8]| {
            let at = if question.get(9) == Some(&0x4E) { 14 } else { 10 };
            Parts(question.get(at..).unwrap_or_default()).u32().unwrap_or(0)
        };
        let mut answers = Vec::new();
        for question in self.about_the_stored()? {
            // The auth value of the platform does not outlive the power.
            let platform = question.get(10..14) == Some(&PLATFORM.to_be_bytes());
            if platform || lost.contains(&about(&question)) {
                continue;
            }
            let answer = self.ask(&question)?;
            if response::code(&answer) == Some(0) {
                answers.push((question, answer));
            }
        }
        Ok(answers)
    }
}

fn command(tag: u16, code: u32, body: &[u8]) -> Vec<u8> {
    Bytes::new().u16(tag).u32(body.len() as u32 + 10).u32(code).raw(body).0
}

/// A command with a handle and nothing else.
fn plain(code: u32, handle: u32) -> Vec<u8> {
    command(NO_SESSIONS, code, &handle.to_be_bytes())
}

fn capability(kind: u32, first: u32, count: u32) -> Vec<u8> {
    command(NO_SESSIONS, 0x17A, &Bytes::new().u32(kind).u32(first).u32(count).0)
}

/// An answer without locks that end with the power: of TPM2_NV_ReadPublic, that is its public area alone.
fn unlocked(question: &[u8], answer: &[u8]) -> Vec<u8> {
    let mut answer = answer.to_vec();
    if question.get(9) != Some(&0x69) {
        return answer;
    }
    let size = Parts(answer.get(10..).unwrap_or_default()).sized().map_or(0, <[u8]>::len);
    answer.truncate(12 + size);
    if let Some(attributes) = answer.get_mut(18..22) {
        attributes.iter_mut().zip((!NV_LOCKED).to_be_bytes()).for_each(|(byte, mask)| *byte &= mask);
    }
    answer
}

fn differs(after: &str, question: &[u8], before: &[u8], now: &[u8]) -> String {
    format!("after {after}, {} was answered {} and is {}", hex(question), hex(before), hex(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a fuzzer tries first.
    #[test]
    fn random_inputs_hold() {
        let number = |name: &str, or| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
        let (first, count) = (number("GRAMMAR_SEED", 0), number("GRAMMAR_COUNT", 20));
        let mut played = Played::default();
        for seed in first..first + count {
            let mut dice = Dice::new(seed);
            let mut input = dice.bytes(1 + CHUNK * 16);
            input[0] &= 0x0F;
            let result = play(&input, std::env::var_os("GRAMMAR_TRACE").is_some());
            let now = result.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            played.commands += now.commands;
            played.succeeded += now.succeeded;
        }
        println!("{played:?}");
        assert!(played.succeeded * 2 > played.commands, "{played:?}");
    }
}
