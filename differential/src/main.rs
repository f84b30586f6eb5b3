//! Ironroot and libtpms side by side: the same commands to both, and every difference in their answers either explained
//! or shown (`cargo xtask differential`).
//!
//! Reading order: `step` (what is done), `world` (both TPMs, and how a step is done on both), `render` and `learn` (from a
//! step to bytes, and from responses to what is known), `compare`, `rules` (the explained divergences), `generate` (what
//! is done next), `shrink`, `run`.

mod bytes;
mod compare;
mod dice;
mod entities;
mod generate;
mod keys;
mod learn;
mod ours;
mod public;
mod render;
mod response;
mod rules;
mod run;
mod session;
mod shrink;
mod step;
mod table;
mod theirs;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run::run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("differential: {error}");
            ExitCode::FAILURE
        }
    }
}
