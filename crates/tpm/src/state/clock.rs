//! Time (Part 1, clause 33): Time, Clock and their rate. The core has no clock: the time comes in with each command.

use ironroot_wire::{TpmClockAdjust, TpmiYesNo, TpmsClockInfo, TpmsTimeInfo};

use super::permanent::Permanent;

/// Milliseconds of Clock after which it is recorded even if nothing else is (`TPM_PT_CLOCK_UPDATE`): 2^22, the longest
/// that Part 1, 33.3 allows. A TPM that is used all day writes for this reason once in 70 minutes.
pub const UPDATE_INTERVAL: u64 = 1 << 22;

/// The nominal rate: parts in a million.
const NOMINAL_RATE: u64 = 1_000_000;
/// The steps of `TPM2_ClockRateAdjust`, in parts in a million: 1 %, 0.1 %, 0.01 %.
const STEPS: [u64; 3] = [10_000, 1_000, 100];
/// The rate may be off by 15 % at most (Part 1, 33.3.3).
const MAX_DEVIATION: u64 = 150_000;

record! {
    /// Time and Clock.
    #[derive(Clone)]
    Clock {
        /// The platform's milliseconds at the last command.
        last: u64,
        /// Milliseconds since power-on.
        time: u64,
        /// Milliseconds that the TPM has been powered over its life.
        clock: u64,
        /// Whether Clock has never been larger than now.
        safe: TpmiYesNo,
        /// Clock as it was last recorded.
        recorded: u64,
        /// Clock as it was at start-up.
        started: u64,
        /// Parts in a million.
        rate: u64,
        /// Parts of a millisecond left over by the rate.
        remainder: u64,
        /// The epoch of Time: random, new with each start of Time.
        epoch: u64,
    }
}

impl Clock {
    /// Time at power-on.
    #[must_use]
    pub const fn power_on(now: u64, epoch: u64) -> Self {
        Self {
            last: now,
            time: 0,
            clock: 0,
            safe: TpmiYesNo(true),
            recorded: 0,
            started: 0,
            rate: NOMINAL_RATE,
            remainder: 0,
            epoch,
        }
    }

    /// Counts on from the platform's time `now`, however much of it has passed since the last command.
    pub const fn continue_at(&mut self, now: u64) {
        self.last = now;
    }

    /// Sets Clock at start-up from what was recorded. Without an orderly shutdown it may have been further than what was
    /// recorded, by the longest interval at most: it is not safe until it has passed that (Part 1, 33.3.2), however often
    /// it is recorded before.
    pub fn start(&mut self, permanent: &Permanent, safe: bool) {
        self.clock = permanent.clock;
        self.recorded = permanent.clock;
        self.started = permanent.clock;
        self.safe = TpmiYesNo(safe);
    }

    /// Moves to the platform's time `now`; a platform whose time goes back stands still.
    pub fn advance(&mut self, now: u64) {
        let elapsed = now.saturating_sub(self.last);
        self.last = self.last.max(now);
        let scaled =
            u128::from(elapsed).saturating_mul(u128::from(self.rate)).saturating_add(u128::from(self.remainder));
        let million = u128::from(NOMINAL_RATE);
        let ticks = u64::try_from(scaled.checked_div(million).unwrap_or(0)).unwrap_or(u64::MAX);
        self.remainder = u64::try_from(scaled.checked_rem(million).unwrap_or(0)).unwrap_or(0);
        self.time = self.time.saturating_add(ticks);
        self.clock = self.clock.saturating_add(ticks);
        if !self.safe.0 && self.clock.saturating_sub(self.started) >= UPDATE_INTERVAL {
            self.safe = TpmiYesNo(true);
        }
    }

    /// Whether no value of Clock can ever come twice. One that was due to be recorded and could not be may be lost with the
    /// power (Part 1, 34.7.2.2).
    #[must_use]
    pub const fn is_safe(&self) -> bool {
        self.safe.0 && !self.is_due()
    }

    /// Milliseconds since power-on.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// Clock.
    #[must_use]
    pub const fn clock(&self) -> u64 {
        self.clock
    }

    /// Sets Clock forward (`TPM2_ClockSet`). The caller has checked that it does not go back.
    pub fn set(&mut self, clock: u64) {
        self.clock = clock;
        self.safe = TpmiYesNo(true);
    }

    /// Whether Clock is due to be recorded.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.clock.saturating_sub(self.recorded) >= UPDATE_INTERVAL
    }

    /// Notes that the current Clock has been recorded.
    pub fn note_recorded(&mut self) {
        self.recorded = self.clock;
    }

    /// Changes the rate (`TPM2_ClockRateAdjust`), within what Part 1 allows.
    pub fn adjust(&mut self, adjust: TpmClockAdjust) {
        let [coarse, medium, fine] = STEPS;
        self.rate = match adjust {
            TpmClockAdjust::CoarseSlower => self.rate.saturating_sub(coarse),
            TpmClockAdjust::MediumSlower => self.rate.saturating_sub(medium),
            TpmClockAdjust::FineSlower => self.rate.saturating_sub(fine),
            TpmClockAdjust::NoChange => self.rate,
            TpmClockAdjust::FineFaster => self.rate.saturating_add(fine),
            TpmClockAdjust::MediumFaster => self.rate.saturating_add(medium),
            TpmClockAdjust::CoarseFaster => self.rate.saturating_add(coarse),
        }
        .clamp(NOMINAL_RATE.saturating_sub(MAX_DEVIATION), NOMINAL_RATE.saturating_add(MAX_DEVIATION));
    }

    /// `TPMS_TIME_INFO`.
    #[must_use]
    pub const fn info(&self, permanent: &Permanent) -> TpmsTimeInfo {
        TpmsTimeInfo {
            time: self.time,
            clock_info: TpmsClockInfo {
                clock: self.clock,
                reset_count: permanent.reset_count,
                restart_count: permanent.restart_count,
                safe: TpmiYesNo(self.is_safe()),
            },
        }
    }
}
