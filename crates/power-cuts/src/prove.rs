//! The proof: every place at which the power can be cut, and what the TPM is then.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use ironroot_platform::memory::TestEntropy;
use ironroot_platform::{Durability, Records, Storage, StorageError};
use ironroot_store::Policy;
use ironroot_wire::{Startup, TpmSu};

use crate::backend::Backend;
use crate::client::Client;
use crate::commits::{Commit, Commits, Failed, Logged};
use crate::crash::{Disk, How, Left};
use crate::report::Report;
use crate::trace::{Op, TraceDisk};
use crate::view::{Start, View};
use crate::workload::{Answered, Workload, Wrong, open};

/// Of so many disks that were found, one goes on through a second cut.
const fn second_cut_in(backend: Backend) -> u64 {
    match backend {
        // Which is programmed and erased in many small steps.
        Backend::NorFlash => 64,
        _ => 8,
    }
}

/// A workload that has ended: what was asked of the disk, and what was acknowledged.
struct Past {
    backend: Backend,
    trace: Vec<Op>,
    commits: Vec<Commit>,
    failed: Vec<Failed>,
    /// Whether the disk failed now and then.
    failing: bool,
    answered: Vec<Answered>,
    /// The disk before the first operation.
    before: Disk,
}

/// One cut.
struct Cut<'a> {
    past: &'a Past,
    /// How many operations were done.
    operations: usize,
    /// How many commits were acknowledged.
    acknowledged: usize,
}

/// Cuts the power at every place in a workload.
///
/// # Errors
/// The first cut after which something is lost, mixed or refused.
pub fn prove(work: Workload, backend: Backend, luck: u64, report: &mut Report) -> Result<(), Wrong> {
    let Workload { disk, commits, answered, client, refused, failing, .. } = work;
    drop(client);
    report.refused += refused;
    for (key, count) in disk.met() {
        *report.met.entry(key).or_default() += count;
    }
    let past = Past {
        backend,
        trace: disk.trace(),
        commits: commits.all(),
        failed: commits.failed(),
        failing,
        answered,
        before: backend.blank_disk(),
    };
    report.count(&past.answered, &past.commits);
    report.compactions += past.trace.iter().filter(|op| matches!(op, Op::Install)).count() as u64;
    let mut luck = TestEntropy::new(luck);
    past.cuts(&mut luck, report, &mut |cut, state, luck, report| {
        let after = cut.check(state, luck, report)?;
        if let Some(after) = after
            && luck.next_word().is_multiple_of(second_cut_in(backend))
        {
            second_cut(after, luck, report)?;
        }
        Ok(())
    })
}

type Check<'a> = dyn FnMut(&Cut<'_>, Left, &mut TestEntropy, &mut Report) -> Result<(), Wrong> + 'a;

impl Past {
    /// Every disk after every cut, but for those that have been seen with as much acknowledged.
    fn cuts(&self, luck: &mut TestEntropy, report: &mut Report, check: &mut Check<'_>) -> Result<(), Wrong> {
        let mut disk = self.before.clone();
        let mut seen = HashSet::new();
        let mut copies = Copies::default();
        for operations in 0..=self.trace.len() {
            if let Some(op) = operations.checked_sub(1).and_then(|last| self.trace.get(last)) {
                disk.apply(op);
            }
            let acknowledged = self.commits.iter().filter(|commit| commit.acknowledged <= operations).count();
            let cut = Cut { past: self, operations, acknowledged };
            report.points += 1;
            if self.backend.policy().is_some() {
                let counted =
                    matches!(operations.checked_sub(1).and_then(|last| self.trace.get(last)), Some(Op::Counted));
                copies.put_back(&cut, &disk, counted, luck, report)?;
            }
            let mut lot = luck.clone();
            luck.next_word();
            disk.after_cut(&mut lot, |state, how| {
                report.disks += 1;
                match how {
                    How::Whole => {}
                    How::Torn => report.torn += 1,
                    How::Reordered => report.reordered += 1,
                }
                if !seen.insert((hash(&state), acknowledged, cut.answers())) {
                    return Ok(());
                }
                report.opened += 1;
                check(&cut, state, luck, report)
                    .map_err(|why| format!("cut after operation {operations} of {}, {how:?}: {why}", self.trace.len()))
            })?;
        }
        Ok(())
    }
}

/// Copies of the state that somebody has made meanwhile.
#[derive(Default)]
struct Copies {
    /// With how many commits were acknowledged then.
    kept: Vec<(usize, Vec<u8>)>,
    /// How many were when the counter was advanced last.
    counted: usize,
}

/// A copy is made, and one is put back, at one in so many cuts.
const COPY: u64 = 6;
/// So many are kept.
const COPIES: usize = 24;

impl Copies {
    /// Puts an old copy back beside the counter of today: it must be refused, unless it holds what was acknowledged last or is from a time
    /// that docs/state-format.md allows.
    fn put_back(
        &mut self,
        cut: &Cut<'_>,
        disk: &Disk,
        counted: bool,
        luck: &mut TestEntropy,
        report: &mut Report,
    ) -> Result<(), Wrong> {
        if counted {
            self.counted = cut.acknowledged;
        }
        let backend = cut.past.backend;
        let lot = luck.next_word();
        if cut.known().is_some() && lot.is_multiple_of(COPY) && !self.kept.is_empty() {
            let at = usize::try_from(lot >> 8).unwrap_or_default() % self.kept.len();
            let Some((made, copy)) = self.kept.get(at) else { return Ok(()) };
            report.copies += 1;
            match backend.open(&TraceDisk::beside(Some(copy.clone()), disk.counters().clone())) {
                Err(StorageError::Refused(_)) => report.refused_copies += 1,
                Err(error) => return Err(format!("an old copy was answered with {error}")),
                Ok(_) if backend.policy() == Some(Policy::Sessions) && *made >= self.counted => {}
                Ok(mut store) => {
                    let records = store.load().map_err(|error| error.to_string())?;
                    // A copy of a commit that failed is as new as any, until another one is acknowledged.
                    if !cut.is_failed_one(&records) {
                        cut.find(&records).map_err(|why| {
                            let now = cut.operations;
                            format!(
                                "ROLLED BACK: the copy made after {made} commits is accepted at operation {now}: {why}"
                            )
                        })?;
                    }
                }
            }
        }
        if (lot >> 32).is_multiple_of(COPY) {
            disk.after_cut(&mut luck.clone(), |left, how| {
                if how == How::Whole {
                    self.kept.extend(left.state.map(|state| (cut.acknowledged, state)));
                }
                Ok::<(), Wrong>(())
            })?;
            while self.kept.len() > COPIES {
                let at = usize::try_from(luck.next_word()).unwrap_or_default() % self.kept.len();
                self.kept.swap_remove(at);
            }
        }
        Ok(())
    }
}

fn hash(state: &Left) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// A TPM that has come up after a cut: what it found, and what was done to its disk since.
struct After {
    backend: Backend,
    state: Left,
    trace: Vec<Op>,
    commits: Vec<Commit>,
}

impl Cut<'_> {
    /// How many commands were answered.
    fn answers(&self) -> usize {
        self.past.answered.partition_point(|answered| answered.operations <= self.operations)
    }

    /// What the client knew when the power went.
    fn known(&self) -> Option<&Answered> {
        self.past.answered.get(self.answers().checked_sub(1)?)
    }

    /// Opens what the cut left.
    fn check(&self, state: Left, luck: &mut TestEntropy, report: &mut Report) -> Result<Option<After>, Wrong> {
        let backend = self.past.backend;
        let disk = TraceDisk::beside(state.state.clone(), state.counters.clone());
        let mut store = match backend.open(&disk) {
            Ok(store) => store,
            // The TPM was being made: there is nothing yet that could be lost.
            Err(_) if self.known().is_none() => return Ok(None),
            Err(error) => return Err(format!("LOST: refused: {error}")),
        };
        let records = store.load().map_err(|error| format!("LOST: refused: {error}"))?;
        if self.is_failed_one(&records) {
            report.failed += 1;
            return Ok(None);
        }
        let found = self.find(&records)?;
        if self.known().is_none() || records.is_empty() {
            return Ok(None);
        }
        let commits = Commits::starting_with(records);
        let logged = Logged { store, disk: disk.clone(), commits: commits.clone() };
        self.ask(found, Box::new(logged), luck, report)?;
        Ok(Some(After { backend, state, trace: disk.trace(), commits: commits.all() }))
    }

    /// Whether these are the records of a commit that failed and that none has followed yet.
    fn is_failed_one(&self, records: &Records) -> bool {
        let open = |failed: &&Failed| failed.begun <= self.operations && failed.after == self.acknowledged;
        self.past.failed.iter().filter(open).any(|failed| *failed.records == *records)
    }

    /// Which commit's records these are: the last one's that was acknowledged, or those of the one that was under way.
    /// Where commits do not wait for the disk, any earlier one's.
    fn find(&self, records: &Records) -> Result<usize, Wrong> {
        let last = self.acknowledged.saturating_sub(1);
        let first = if self.past.backend.durability() == Durability::Power { last } else { 0 };
        let allowed = |commit: &Commit| commit.begun <= self.operations;
        let is_it = |at: &usize| {
            let commit = self.past.commits.get(*at);
            commit.is_some_and(|commit| (*at <= last || allowed(commit)) && *commit.records == *records)
        };
        (first..=self.acknowledged).rev().find(is_it).ok_or_else(|| {
            let earlier = self.past.commits.iter().rposition(|commit| *commit.records == *records);
            match earlier {
                Some(at) => format!("LOST: these are the records of commit {at}, and {last} was acknowledged"),
                None => format!("LOST: a mixture that never was; commit {last} was acknowledged"),
            }
        })
    }

    /// What a client that knows the state after commit `found` may expect: one of these. Nothing is known of a command that
    /// was sent more than once because the disk failed, and was not answered yet: what each time counted is not told apart.
    fn expected(&self, found: usize, report: &mut Report) -> Option<Vec<Arc<View>>> {
        let answered = &self.past.answered;
        let answers = self.answers();
        let view = |at: usize| answered.get(at).map(|answered| Arc::clone(&answered.view));
        let known = self.known();
        if known.is_some_and(|known| known.commits == found.saturating_add(1)) {
            return Some(view(answers.saturating_sub(1)).into_iter().collect());
        }
        // The command that made this commit.
        let command = answered.partition_point(|answered| answered.commits <= found);
        match answered.get(command) {
            Some(whole) if whole.commits == found.saturating_add(1) => {
                // Commands behind it that made no commit may have changed what is not stored; in a strict store they were
                // not answered when it was under way.
                Some(view(command).into_iter().collect())
            }
            Some(_) => {
                // A command that commits more than once: what it undoes or counts first is there, the rest is not.
                report.halfway += 1;
                if self.past.failing {
                    return None;
                }
                let before = command.checked_sub(1).and_then(view);
                let undone = before.as_ref().map(|before| Arc::new(before.not_shut_down()));
                let after =
                    view(command).zip(before.as_ref()).map(|(after, before)| Arc::new(after.unanswered(before)));
                let tried =
                    before.iter().flat_map(|before| before.with_a_pin_tried()).map(Arc::new).collect::<Vec<_>>();
                Some([before, undone, after].into_iter().flatten().chain(tried).collect())
            }
            None => Some(Vec::new()),
        }
    }

    /// Starts the TPM in a store and asks it for all that it holds.
    fn ask(
        &self,
        found: usize,
        store: Box<dyn Storage>,
        luck: &mut TestEntropy,
        report: &mut Report,
    ) -> Result<(), Wrong> {
        let mut client = Client::new(open(store, luck.next_word())?, 0);
        client.tpm.set_physical_presence(true);
        let resume =
            luck.next_word().is_multiple_of(2) && client.run(&Startup { startup_type: TpmSu::State }, &[]).is_ok();
        let startup = if resume { TpmSu::State } else { TpmSu::Clear };
        if !resume {
            client.run(&Startup { startup_type: startup }, &[]).map_err(|rc| format!("LOST: the start: {rc}"))?;
        }
        let Some(expected) = self.expected(found, report) else { return Ok(()) };
        let Some(likely) = expected.first() else {
            // Before the first command was answered there is nothing to be kept but the TPM itself.
            let first = self.past.answered.first().map_or(0, |answered| answered.commits);
            return if found < first { Ok(()) } else { Err(format!("no command made commit {found}")) };
        };
        let mut auths = likely.auths.clone();
        if !resume {
            auths.hierarchies.remove(&ironroot_wire::TpmHandle::PLATFORM.0);
        }
        let seen = client.see(&auths, None, true).map_err(|why| format!("LOST: {why}"))?;
        let fits = |view: &Arc<View>| {
            let start = view.start(startup);
            if resume != (start == Start::Resume) {
                return Err(format!("the TPM came up by {startup:?} after {:?}", view.shutdown));
            }
            view.is_kept(&seen, start)
        };
        let mut wrong = Vec::new();
        for view in &expected {
            match fits(view) {
                Ok(()) => {
                    report.asked += 1;
                    return client.try_auths(&view.auths).map_err(|why| format!("LOST: {why}"));
                }
                Err(why) => wrong.push(why),
            }
        }
        Err(format!("LOST: commit {found}: {}", wrong.join("; or ")))
    }
}

/// The power goes again while the TPM comes up, or while it is asked.
fn second_cut(after: After, luck: &mut TestEntropy, report: &mut Report) -> Result<(), Wrong> {
    let past = Past {
        backend: after.backend,
        trace: after.trace,
        commits: after.commits,
        failed: Vec::new(),
        failing: false,
        answered: Vec::new(),
        before: Disk::with(after.state),
    };
    let mut counts = Report::default();
    past.cuts(luck, &mut counts, &mut |cut, state, _, _| {
        let disk = TraceDisk::beside(state.state, state.counters);
        let mut store = past.backend.open(&disk).map_err(|error| format!("LOST in a second cut: refused: {error}"))?;
        let records = store.load().map_err(|error| format!("LOST in a second cut: refused: {error}"))?;
        cut.find(&records).map(drop).map_err(|why| format!("in a second cut: {why}"))
    })?;
    report.second += counts.opened;
    Ok(())
}
