//! What was tried.

use std::collections::BTreeMap;
use std::fmt;

use ironroot_wire::{CommandAttributes, TpmCc, commands::CHAPTERS};

use crate::commits::Commit;
use crate::trace::Met;
use crate::workload::Answered;

/// Counts.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Workloads.
    pub workloads: u64,
    /// Commands.
    pub commands: u64,
    /// Commits.
    pub commits: u64,
    /// New files that took the place of the state.
    pub compactions: u64,
    /// Places in time at which the power was cut.
    pub points: u64,
    /// Disks that a cut there may leave.
    pub disks: u64,
    /// Of these, those on which only the beginning of what was not flushed is there.
    pub torn: u64,
    /// Those on which later parts are there and earlier ones are not.
    pub reordered: u64,
    /// Disks that were opened: all but those that had been, with as much acknowledged.
    pub opened: u64,
    /// TPMs that were started and asked for all that they hold.
    pub asked: u64,
    /// Of these, those that were found between two commits of one command.
    pub halfway: u64,
    /// Disks on which a commit was found that had failed, and that no other had followed yet.
    pub failed: u64,
    /// Commands that met a failing disk, were answered so, and succeeded when it was well again.
    pub refused: u64,
    /// Which calls have met which faults.
    pub met: Met,
    /// Second cuts, while the TPM came up.
    pub second: u64,
    /// Old copies of the state that were put back beside a counter.
    pub copies: u64,
    /// Of these, those that were refused; the others were as new as what was acknowledged, or from a time that is allowed.
    pub refused_copies: u64,
    /// How often each command succeeded, and how often it committed something.
    pub coverage: BTreeMap<TpmCc, (u64, u64)>,
    /// How often commands that were refused committed something.
    pub refusals: u64,
}

impl Report {
    /// Takes up the commands of a workload.
    pub fn count(&mut self, answered: &[Answered], commits: &[Commit]) {
        self.workloads += 1;
        self.commands += answered.len() as u64;
        self.commits += commits.len() as u64;
        let mut before = 0;
        for command in answered {
            let committed = u64::from(command.commits > before);
            before = command.commits;
            if command.success {
                let (succeeded, with_commit) = self.coverage.entry(command.code).or_default();
                *succeeded += 1;
                *with_commit += committed;
            } else {
                self.refusals += committed;
            }
        }
    }

    /// Takes up another report.
    pub fn add(&mut self, other: &Self) {
        let all = [
            (&mut self.workloads, other.workloads),
            (&mut self.commands, other.commands),
            (&mut self.commits, other.commits),
            (&mut self.compactions, other.compactions),
            (&mut self.points, other.points),
            (&mut self.disks, other.disks),
            (&mut self.torn, other.torn),
            (&mut self.reordered, other.reordered),
            (&mut self.opened, other.opened),
            (&mut self.asked, other.asked),
            (&mut self.halfway, other.halfway),
            (&mut self.second, other.second),
            (&mut self.copies, other.copies),
            (&mut self.refused_copies, other.refused_copies),
            (&mut self.failed, other.failed),
            (&mut self.refused, other.refused),
            (&mut self.refusals, other.refusals),
        ];
        for (mine, theirs) in all {
            *mine += theirs;
        }
        for (key, count) in &other.met {
            *self.met.entry(*key).or_default() += count;
        }
        for (code, (succeeded, committed)) in &other.coverage {
            let mine = self.coverage.entry(*code).or_default();
            mine.0 += succeeded;
            mine.1 += committed;
        }
    }

    /// The commands that Part 3 marks as writers of non-volatile memory and that have not succeeded once.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let nv = CHAPTERS.iter().flat_map(|chapter| chapter.iter());
        nv.filter(|info| info.attributes.contains(CommandAttributes::NV))
            .filter(|info| !self.coverage.contains_key(&info.code))
            .map(|info| info.name)
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} workloads, {} commands, {} commits, {} new state files",
            self.workloads, self.commands, self.commits, self.compactions
        )?;
        writeln!(
            f,
            "{} cut points, {} disks ({} torn, {} reordered), {} of them different and opened",
            self.points, self.disks, self.torn, self.reordered, self.opened
        )?;
        writeln!(
            f,
            "{} TPMs started and asked for everything ({} between two commits of one command), {} second cuts",
            self.asked, self.halfway, self.second
        )?;
        if self.copies > 0 {
            writeln!(
                f,
                "{} old copies put back beside a counter: {} refused, the others as new as what was acknowledged or from a time \
                 that is allowed",
                self.copies, self.refused_copies
            )?;
        }
        if !self.met.is_empty() {
            writeln!(
                f,
                "failing disks: {} commands refused and carried out later; {} disks with a failed commit; calls that failed: {:?}",
                self.refused, self.failed, self.met
            )?;
        }
        write!(f, "commands that Part 3 marks NV (succeeded/committed):")?;
        for info in CHAPTERS.iter().flat_map(|chapter| chapter.iter()) {
            let (succeeded, committed) = self.coverage.get(&info.code).copied().unwrap_or_default();
            if info.attributes.contains(CommandAttributes::NV) {
                write!(f, " {} {succeeded}/{committed}", info.name)?;
            }
        }
        writeln!(f)?;
        write!(f, "refused commands that committed something (failed authorizations): {}", self.refusals)
    }
}
