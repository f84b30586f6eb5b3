//! `TPM2_PolicyLocality` (Part 3, 23.8).

use ironroot_wire::{Command, PolicyLocality, PolicyLocalityResponse, TpmRc, TpmaLocality, Wire};

use crate::{commands::Action, core_state::Core, rules::policy_digest};

/// The first value that stands for one extended locality (Part 2, 8.5).
const FIRST_EXTENDED: u8 = 32;

impl Action for PolicyLocality {
    fn run(self, tpm: &mut Core) -> Result<PolicyLocalityResponse, TpmRc> {
        let session = policy_digest::session_mut(tpm, self.policy_session)?;
        let allowed = restrict(session.policy.locality, self.locality).ok_or(TpmRc::RANGE.parameter(1))?;
        policy_digest::extend(session, Self::INFO.code, &[&self.locality.to_bytes()])?;
        session.policy.locality = Some(allowed);
        Ok(PolicyLocalityResponse {})
    }
}

/// What is still allowed; `None` if nothing is.
fn restrict(current: Option<TpmaLocality>, locality: TpmaLocality) -> Option<TpmaLocality> {
    let allowed = match current {
        None => locality,
        Some(current) if current.0 < FIRST_EXTENDED && locality.0 < FIRST_EXTENDED => {
            TpmaLocality(current.0 & locality.0)
        }
        Some(current) if current == locality => current,
        Some(_) => return None,
    };
    (allowed.0 != 0).then_some(allowed)
}
