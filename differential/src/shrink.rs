//! The shortest sequence that still shows a divergence.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    ours::Common,
    rules::in_step,
    step::{Action, AuthUse, Id, Piece, Ref, Step},
    world::{Divergence, Outcome, World, search},
};

/// How long shrinking may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What a step needs, directly.
fn needs(step: &Step) -> BTreeSet<Id> {
    let mut ids = BTreeSet::new();
    let Action::Command(call) = &step.action else { return ids };
    let mut note = |handle: &Ref| match handle {
        Ref::Object(id) | Ref::Session(id) => drop(ids.insert(*id)),
        Ref::Fixed(_) => {}
    };
    call.handles.iter().for_each(&mut note);
    let mut more = BTreeSet::new();
    search(&call.parameters, &mut |piece| match piece {
        Piece::Handle(handle) | Piece::Name(handle) | Piece::Salt(handle, _) => note(handle),
        Piece::Field { of, .. } => drop(more.insert(*of)),
        Piece::NonceTpm(id) | Piece::PolicyDigest(id) | Piece::WrappedPublic(id) => drop(more.insert(*id)),
        _ => {}
    });
    for auth in &call.auths {
        if let AuthUse::Session { id, .. } = auth {
            more.insert(*id);
        }
    }
    ids.extend(more);
    ids
}

/// Plays steps on new TPMs; the divergence of the last one, if there is one.
pub fn play(common: &Common, seed: u64, steps: &[Step]) -> Result<Option<Divergence>, String> {
    let mut world = World::new(common, seed)?;
    let last = steps.len().saturating_sub(1);
    for (at, step) in steps.iter().enumerate() {
        match world.execute(step)? {
            Outcome::Diverged(divergence) if at == last => return Ok(Some(*divergence)),
            // The TPMs go their own ways from here.
            Outcome::Diverged(divergence) if !in_step(&mut world, &divergence)? => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

/// The shortest sequence found that ends in the same divergence.
pub fn shrink(common: &Common, seed: u64, mut steps: Vec<Step>, wanted: &Divergence) -> Vec<Step> {
    let start = Instant::now();
    let shows = |steps: &[Step]| {
        play(common, seed, steps)
            .ok()
            .flatten()
            .is_some_and(|found| found.what == wanted.what && found.codes == wanted.codes)
    };
    // What the last step needs, and what that needs.
    let mut keep = BTreeSet::new();
    let mut closure = Vec::new();
    for (at, step) in steps.iter().enumerate().rev() {
        if at + 1 == steps.len() || keep.contains(&step.id) || at < 2 {
            keep.extend(needs(step));
            closure.push(step.clone());
        }
    }
    closure.reverse();
    if shows(&closure) {
        steps = closure;
    }
    let mut chunk = steps.len() / 2;
    while chunk > 0 && start.elapsed() < LIMIT {
        let mut at = 0;
        let mut removed = false;
        while at + chunk < steps.len() && start.elapsed() < LIMIT {
            let mut fewer = steps.clone();
            fewer.drain(at..at + chunk);
            if shows(&fewer) {
                steps = fewer;
                removed = true;
            } else {
                at += chunk;
            }
        }
        if !removed || chunk > 1 {
            chunk /= 2;
        }
    }
    steps
}
