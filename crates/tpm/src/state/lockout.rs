//! Dictionary-attack protection (Part 1, clause 16.8). Every failure is committed before its response. Because its absence
//! tells an attacker who can cut the power that the guess was wrong, a power cycle in which protected auth values were used
//! and that does not end in order counts as a failure, too (Part 1, 16.8.6), and lockoutAuth is closed while it is looked at.

use ironroot_wire::TpmiYesNo;

use super::permanent::Permanent;

const MILLISECONDS: u64 = 1000;

record! {
    /// The timers of self-healing, in milliseconds of Time. They start anew at power-on.
    #[derive(Clone)]
    LockoutTimers {
        /// When the last failure was forgiven, or the interval for forgiving one started.
        healed_at: u64,
        /// When lockoutAuth failed.
        lockout_failed_at: u64,
        /// Failures that the store has not taken yet.
        unrecorded: u32,
        /// Whether the store has not taken yet that lockoutAuth failed.
        lockout_unrecorded: TpmiYesNo,
    }
}

impl LockoutTimers {
    /// Forgives what the passed time forgives. Returns what changes: the new count of failures, and whether lockoutAuth
    /// works again; `None` if nothing does.
    pub fn heal(&mut self, permanent: &Permanent, time: u64) -> Option<(u32, bool)> {
        let mut failed = permanent.failed_tries;
        if failed == 0 || permanent.recovery_time == 0 {
            self.healed_at = time;
        }
        if permanent.recovery_time == 0 {
            // Protection is off: no failure counts.
            failed = 0;
        } else if failed > 0 {
            let interval = u64::from(permanent.recovery_time).saturating_mul(MILLISECONDS);
            let steps = time.saturating_sub(self.healed_at).checked_div(interval).unwrap_or(0);
            self.healed_at = self.healed_at.saturating_add(steps.saturating_mul(interval));
            failed = failed.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
        }
        let mut enabled = permanent.lockout_auth_enabled.0;
        if !enabled && permanent.lockout_recovery != 0 {
            let interval = u64::from(permanent.lockout_recovery).saturating_mul(MILLISECONDS);
            enabled = time.saturating_sub(self.lockout_failed_at) >= interval;
        }
        let changed = failed != permanent.failed_tries || enabled != permanent.lockout_auth_enabled.0;
        changed.then_some((failed, enabled))
    }

    /// Starts the interval of self-healing anew: after a failure, or new parameters.
    pub fn restart(&mut self, time: u64) {
        self.healed_at = time;
    }

    /// Notes a failure of lockoutAuth.
    pub fn lockout_failed(&mut self, time: u64) {
        self.lockout_failed_at = time;
        self.lockout_unrecorded = TpmiYesNo(true);
    }

    /// Notes any other failure.
    pub fn failed(&mut self) {
        self.unrecorded = self.unrecorded.saturating_add(1);
    }

    /// Whether there are failures that the store has not taken yet.
    #[must_use]
    pub const fn has_unrecorded(&self) -> bool {
        self.unrecorded > 0 || self.lockout_unrecorded.0
    }

    /// Counts in `permanent` what the store has not taken yet.
    pub fn count_unrecorded(&self, permanent: &mut Permanent) {
        permanent.failed_tries = permanent.failed_tries.saturating_add(self.unrecorded).min(permanent.max_tries);
        if self.lockout_unrecorded.0 {
            permanent.lockout_auth_enabled = TpmiYesNo(false);
        }
    }

    /// Notes that the store has taken everything.
    pub fn note_recorded(&mut self) {
        self.unrecorded = 0;
        self.lockout_unrecorded = TpmiYesNo(false);
    }
}

impl Default for LockoutTimers {
    fn default() -> Self {
        Self { healed_at: 0, lockout_failed_at: 0, unrecorded: 0, lockout_unrecorded: TpmiYesNo(false) }
    }
}

impl Permanent {
    /// Whether the TPM is in lockout.
    #[must_use]
    pub const fn in_lockout(&self) -> bool {
        self.recovery_time != 0 && self.failed_tries >= self.max_tries
    }
}
