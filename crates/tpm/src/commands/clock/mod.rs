//! Clocks and timers (Part 3, clause 29).

use ironroot_wire::{ClockRateAdjust, ClockSet, ReadClock};

use super::{Entry, entry};

mod clock_rate_adjust;
mod clock_set;
mod read_clock;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[entry::<ClockRateAdjust>(), entry::<ClockSet>(), entry::<ReadClock>()];
