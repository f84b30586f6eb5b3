//! `cargo xtask power-cuts`: the proof of crates/power-cuts, short by default, as long as one likes by option.

use crate::args::Args;
use crate::run::{Result, cargo, run};

/// The task: `[--seconds N | --workloads N] [--seed S] [--commands N] [--jobs N]`, which the program itself checks.
pub fn power_cuts(args: Args) -> Result {
    // The profile of the tests, whose arithmetic is checked for overflow.
    run(cargo().args(["run", "--quiet", "--locked", "--package", "ironroot-power-cuts", "--"]).args(args.rest()))
}
