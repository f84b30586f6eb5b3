//! Divergences that are explained: where libtpms answers otherwise and the specification decides for Ironroot, or leaves
//! the choice. The section of docs/conformance.md is made from this list (`cargo xtask differential --docs`).

use crate::world::{Divergence, What};

/// `TPM_RC_FAILURE`: nothing works any more.
pub const FAILURE: u32 = 0x101;

/// A rule.
pub struct Rule {
    /// What it is called.
    pub id: &'static str,
    /// The clause that decides.
    pub clause: &'static str,
    /// What differs, and why.
    pub text: &'static str,
    /// Whether it explains a divergence.
    pub explains: fn(&Divergence) -> bool,
}

/// All rules.
pub const RULES: &[Rule] = &[];

/// The rule that explains a divergence.
pub fn explain(divergence: &Divergence) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.explains)(divergence))
}

/// Whether both TPMs hold the same after it.
pub fn in_step(divergence: &Divergence) -> bool {
    match divergence.what {
        What::Code => divergence.codes.iter().all(|code| *code != 0) && !divergence.codes.contains(&FAILURE),
        _ => false,
    }
}
