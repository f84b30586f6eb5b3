//! What an administrator of the platform or the owner has settled for good: the audit of commands, which commands need
//! physical presence, the policy of PCR. All of it is at its default until someone changes it, and has no record until then.

use ironroot_wire::{TpmCc, TpmiAlgHash, TpmlCc};

use super::hierarchy::AuthPolicy;

record! {
    /// The settings.
    #[derive(Clone)]
    Settings {
        /// The hash of the command audit; `None` is the default of the profile.
        audit_alg: Option<TpmiAlgHash>,
        /// The commands that are audited, in ascending order.
        audited: TpmlCc,
        /// How many audit logs have been begun since the last `TPM2_Clear`.
        audit_counter: u64,
        /// The commands that need physical presence when the platform authorizes them, in ascending order.
        presence: TpmlCc,
        /// The policy of the PCR that may have one.
        pcr_policy: AuthPolicy,
        /// The commands that the platform has switched off, in ascending order.
        disabled: TpmlCc,
    }
}

/// Always audited, unless it changes the hash of the audit (Part 3, 21.1).
pub const SET_COMMAND_CODE_AUDIT_STATUS: TpmCc = TpmCc(0x0140);
/// Always in need of physical presence (Part 3, 26.2).
pub const PP_COMMANDS: TpmCc = TpmCc(0x012D);

impl Default for Settings {
    fn default() -> Self {
        Self {
            audit_alg: None,
            audited: TpmlCc::new(alloc::vec![SET_COMMAND_CODE_AUDIT_STATUS]),
            audit_counter: 0,
            presence: TpmlCc::new(alloc::vec![PP_COMMANDS]),
            pcr_policy: AuthPolicy::default(),
            disabled: TpmlCc::default(),
        }
    }
}

/// A list of commands with those of `set` added and then those of `clear` taken away; `fixed` stays in any case. `may` tells
/// which commands the list can have; the others are passed over.
#[must_use]
pub fn edited(list: &[TpmCc], set: &[TpmCc], clear: &[TpmCc], fixed: TpmCc, may: impl Fn(TpmCc) -> bool) -> TpmlCc {
    let mut edited: alloc::vec::Vec<TpmCc> = list.to_vec();
    edited.extend(set.iter().copied().filter(|&code| may(code)));
    edited.retain(|code| *code == fixed || !clear.contains(code));
    edited.sort_unstable_by_key(|code| code.0);
    edited.dedup();
    TpmlCc::new(edited)
}
