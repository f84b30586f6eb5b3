//! Power cycles of every kind, in order and out of it.

use ironroot_wire::*;

use super::Step;
use crate::workload::Workload;

/// Shuts the TPM down in order or not at all, and starts it again, at times from the disk.
pub fn cycle(work: &mut Workload) -> Step {
    let shutdown = work.one_of(&[None, None, Some(TpmSu::Clear), Some(TpmSu::State), Some(TpmSu::State)]).flatten();
    let mut saved = false;
    if let Some(shutdown_type) = shutdown {
        let done = work.with(&Shutdown { shutdown_type }, &[], |view| view.shutdown = Some(shutdown_type))?;
        saved = done.is_some() && shutdown_type == TpmSu::State;
        if done.is_some() && work.one_in(4) {
            // A command that changes something undoes the shutdown.
            return super::nv::define(work);
        }
    }
    let startup = if saved && work.one_in(2) { TpmSu::State } else { TpmSu::Clear };
    let process_too = work.one_in(3);
    work.power_cycle(startup, process_too)
}
