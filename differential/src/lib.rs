//! Ironroot and libtpms side by side: the same commands to both, and every difference in their answers either explained
//! or shown (`cargo xtask differential`). Without libtpms (the feature `libtpms`), the same sequences for Ironroot alone,
//! with the choices in a fuzzer's hands: [`grammar`].
//!
//! Reading order: `step` (what is done), `world` (both TPMs, and how a step is done on both), `render` and `learn` (from a
//! step to bytes, and from responses to what is known), `compare`, `rules` (the explained divergences), `generate` (what
//! is done next), `shrink`, `run`; `peer` and `grammar` for Ironroot alone.

mod bytes;
mod compare;
mod dice;
mod entities;
mod generate;
pub mod grammar;
mod keys;
mod learn;
mod ours;
mod peer;
mod public;
mod render;
mod response;
mod session;
mod step;
mod table;
mod world;

#[cfg(feature = "libtpms")]
mod rules;
#[cfg(feature = "libtpms")]
mod run;
#[cfg(feature = "libtpms")]
mod shrink;
#[cfg(feature = "libtpms")]
mod theirs;

#[cfg(feature = "libtpms")]
pub use run::run;
