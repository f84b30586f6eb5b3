//! Divergences that are explained: where libtpms answers otherwise and the specification decides for Ironroot, or leaves
//! the choice. The section of docs/conformance.md is made from this list (`cargo xtask differential --docs`).
//!
//! A rule stands where the clause that decides it says: `architecture`, `structures`, `handling`, `commands`.

mod architecture;
mod commands;
mod handling;
mod structures;

use crate::{
    bytes::Parts,
    entities::{OURS, Object, THEIRS},
    public::Public,
    step::Action,
    world::{Divergence, What, World},
};

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

/// All rules, in the order of the specification's parts.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [architecture::RULES, structures::RULES, handling::RULES, commands::RULES].into_iter().flatten()
}

/// The section of docs/conformance.md.
pub fn page() -> String {
    let mut page = String::from(
        "## Explained divergences\n\nWhere Ironroot and libtpms 0.9.2 (Debian 12) answer the same bytes otherwise, and what decides. \
         `cargo xtask differential`\nsends random sequences to both; any other difference fails it. The list is in \
         differential/src/rules.\n\n| what | decided by | libtpms and Ironroot |\n|---|---|---|\n",
    );
    for rule in all() {
        page.push_str(&format!("| {} | {} | {} |\n", rule.id, rule.clause, rule.text));
    }
    page
}

/// The rule that explains a divergence.
pub fn explain(divergence: &Divergence) -> Option<&'static Rule> {
    all().find(|rule| (rule.explains)(divergence))
}

impl Divergence {
    /// Whether the response codes are these.
    fn is(&self, ours: u32, theirs: u32) -> bool {
        self.what == What::Code && self.codes == [ours, theirs]
    }

    /// The scheme of TPM2_ZGen_2Phase.
    fn key_exchange(&self) -> Option<u16> {
        let mut parts = Parts(&self.parameters);
        parts.sized()?;
        parts.sized()?;
        parts.u16()
    }

    /// Whether the signing key of an attestation has the anonymous scheme.
    fn signs_anonymously(&self) -> bool {
        let key = self.objects.get(1).and_then(Option::as_ref).and_then(Object::shape);
        key.and_then(Public::scheme) == Some(crate::public::ECDAA)
    }

    /// Whether both codes name the same handle, parameter or session.
    fn same_place(&self) -> bool {
        self.codes[OURS] & 0xF40 == self.codes[THEIRS] & 0xF40
    }

    /// The command.
    fn step_code(&self) -> u32 {
        match &self.step.action {
            Action::Command(call) => call.code,
            Action::PowerCycle => 0,
        }
    }

    /// The attributes of a session of the command, as they were sent.
    fn session_attributes(&self, number: usize) -> Option<u8> {
        let Action::Command(_) = &self.step.action else { return None };
        let mut parts = Parts(self.requests[OURS].get(10 + self.handles.len() * 4..)?);
        let size = parts.u32()?;
        let mut area = Parts(parts.take(size as usize)?);
        for _ in 1..number {
            area.u32()?;
            area.sized()?;
            area.u8()?;
            area.sized()?;
        }
        area.u32()?;
        area.sized()?;
        area.u8()
    }

    /// Whether a handle is that of a session which libtpms cannot have.
    fn session_beyond(&self, n: u32) -> bool {
        self.handles.get(n as usize).is_some_and(|handle| matches!(handle >> 24, 2 | 3) && handle & 0xFF_FFFF > 63)
    }

    /// The attributes of the public area among the parameters, even if the rest of it is cut.
    fn object_attributes(&self) -> Option<u32> {
        let mut parts = Parts(&self.parameters);
        if !matches!(self.step_code(), 0x131 | 0x153 | 0x156 | 0x157 | 0x167 | 0x191) {
            return None;
        }
        parts.sized()?;
        parts.take(6)?;
        parts.u32()
    }

    /// The public area among the parameters.
    fn public(&self) -> Option<Public> {
        let mut parts = Parts(&self.parameters);
        match self.step_code() {
            // CreatePrimary, Create, Import, Load, LoadExternal, CreateLoaded: behind a sized parameter
            0x131 | 0x153 | 0x156 | 0x157 | 0x167 | 0x191 => {
                parts.sized()?;
                Public::parse(parts.sized()?)
            }
            _ => None,
        }
    }
}

/// Whether both TPMs hold the same after it.
///
/// # Errors
/// If libtpms does not answer.
pub fn in_step(world: &mut World, divergence: &Divergence) -> Result<bool, String> {
    match divergence.what {
        What::Code if divergence.codes.contains(&FAILURE) => world.works(),
        What::Code => Ok(divergence.codes.iter().all(|code| *code != 0)),
        _ => Ok(false),
    }
}
