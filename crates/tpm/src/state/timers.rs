//! Authenticated countdown timers (Part 1, clause 40). A timer that runs is a moment of Time; it costs nothing while it
//! runs, and the core notices that it has run out with the next command, or when the host asks.

use alloc::vec::Vec;

use ironroot_wire::{Reader, TpmHandle, TpmRc, TpmaAct, TpmiYesNo, TpmsActData, Wire};

use super::hierarchy::AuthPolicy;

/// `TPM_RH_ACT_0`.
const FIRST: u32 = 0x4000_0110;
/// Timers that the specification has handles for.
const MAX: u32 = 16;
const MILLISECONDS: u64 = 1000;
/// The start that only takes back the signal of a timer that has run out (Part 3, 33.2).
const STOP: u32 = u32::MAX;

record! {
    /// A timer.
    #[derive(Clone)]
    Timer {
        /// Milliseconds of Time at which it runs out; 0 if it does not run.
        deadline: u64,
        /// Whether it has run out, and whether it had before a TPM Resume.
        attributes: TpmaAct,
        /// Its policy.
        policy: AuthPolicy,
        /// Whether it has been set since `TPM2_Startup`.
        updated: TpmiYesNo,
    }
}

impl Timer {
    fn new() -> Self {
        Self { deadline: 0, attributes: TpmaAct::NONE, policy: AuthPolicy::default(), updated: TpmiYesNo(false) }
    }

    /// Seconds until it runs out, begun ones included.
    #[must_use]
    pub fn timeout(&self, time: u64) -> u32 {
        u32::try_from(self.deadline.saturating_sub(time).div_ceil(MILLISECONDS)).unwrap_or(u32::MAX)
    }
}

/// The timers of a TPM.
#[derive(Clone, Default)]
pub struct Timers {
    timers: Vec<Timer>,
    /// Timers that have run out since the host last asked, one bit each.
    news: u16,
}

impl Timers {
    /// Timers that do not run and have no policy.
    #[must_use]
    pub fn new(count: u32) -> Self {
        Self { timers: (0..count.min(MAX)).map(|_| Timer::new()).collect(), news: 0 }
    }

    /// As many timers as the profile has, of those that there are.
    #[must_use]
    pub fn fit(mut self, count: u32) -> Self {
        self.timers.resize_with(usize::try_from(count.min(MAX)).unwrap_or_default(), Timer::new);
        self
    }

    fn number(handle: TpmHandle) -> Option<usize> {
        usize::try_from(handle.0.checked_sub(FIRST)?).ok()
    }

    /// Whether a handle is of the range of timers.
    #[must_use]
    pub const fn is_timer(handle: TpmHandle) -> bool {
        handle.0 >= FIRST && handle.0.wrapping_sub(FIRST) < MAX
    }

    /// The timer with this handle.
    #[must_use]
    pub fn get(&self, handle: TpmHandle) -> Option<&Timer> {
        self.timers.get(Self::number(handle)?)
    }

    /// The timer with this handle, to be changed.
    pub fn get_mut(&mut self, handle: TpmHandle) -> Option<&mut Timer> {
        self.timers.get_mut(Self::number(handle)?)
    }

    /// Every timer with its handle, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (TpmHandle, &Timer)> + '_ {
        (FIRST..).map(TpmHandle).zip(&self.timers)
    }

    /// What `TPM_CAP_ACT` tells.
    #[must_use]
    pub fn data(&self, time: u64) -> Vec<TpmsActData> {
        let data = |(handle, timer): (TpmHandle, &Timer)| TpmsActData {
            handle,
            timeout: timer.timeout(time),
            attributes: timer.attributes,
        };
        self.iter().map(data).collect()
    }

    /// `TPM2_ACT_SetTimeout` (Part 3, 33.2).
    ///
    /// # Errors
    /// `TPM_RC_VALUE` if there is no such timer.
    pub fn set(&mut self, handle: TpmHandle, start: u32, time: u64) -> Result<(), TpmRc> {
        let timer = self.get_mut(handle).ok_or(TpmRc::VALUE)?;
        let runs = timer.deadline != 0;
        timer.updated = TpmiYesNo(true);
        timer.attributes = timer.attributes.without(TpmaAct::PRESERVE_SIGNALED);
        let stopped = start == STOP && !runs && timer.attributes.contains(TpmaAct::SIGNALED);
        if start != 0 {
            timer.attributes = timer.attributes.without(TpmaAct::SIGNALED);
        }
        timer.deadline = match start {
            0 => 0,
            STOP if stopped => 0,
            seconds => time.saturating_add(u64::from(seconds).saturating_mul(MILLISECONDS)),
        };
        if runs && start == 0 {
            self.signal(handle);
        }
        Ok(())
    }

    fn signal(&mut self, handle: TpmHandle) {
        if let Some(timer) = self.get_mut(handle) {
            timer.deadline = 0;
            timer.attributes = timer.attributes.with(TpmaAct::SIGNALED);
        }
        self.news |= 1u16.checked_shl(handle.0.wrapping_sub(FIRST)).unwrap_or(0);
    }

    /// Lets the timers run out whose time has come.
    pub fn advance(&mut self, time: u64) {
        let over: Vec<TpmHandle> = self
            .iter()
            .filter(|(_, timer)| timer.deadline != 0 && timer.deadline <= time)
            .map(|(handle, _)| handle)
            .collect();
        for handle in over {
            self.signal(handle);
        }
    }

    /// The timers that have run out since the last call.
    pub fn take_news(&mut self) -> Vec<TpmHandle> {
        let news = core::mem::take(&mut self.news);
        (0..MAX)
            .filter(|number| news >> number & 1 == 1)
            .map(|number| TpmHandle(FIRST.saturating_add(number)))
            .collect()
    }

    /// Milliseconds of Time until the next timer runs out.
    #[must_use]
    pub fn next(&self, time: u64) -> Option<u64> {
        let running = self.timers.iter().filter(|timer| timer.deadline != 0);
        running.map(|timer| timer.deadline.saturating_sub(time)).min()
    }

    /// What `TPM2_Shutdown(STATE)` saves: seconds from the start of Time, of a timer that nobody has set since
    /// `TPM2_Startup` only half of them (Part 1, 40.2).
    #[must_use]
    pub fn suspended(&self, time: u64) -> Self {
        let mut saved = self.clone();
        for timer in &mut saved.timers {
            let timeout = timer.timeout(time);
            let seconds = if timer.updated.0 { timeout } else { timeout >> 1 };
            timer.deadline = u64::from(seconds).saturating_mul(MILLISECONDS);
        }
        saved
    }

    /// What was saved, after a TPM Resume.
    #[must_use]
    pub fn resumed(&self, time: u64) -> Self {
        let mut resumed = self.clone();
        for timer in &mut resumed.timers {
            if timer.deadline != 0 {
                timer.deadline = timer.deadline.saturating_add(time);
            }
            timer.updated = TpmiYesNo(false);
            timer.attributes = if timer.attributes.contains(TpmaAct::SIGNALED) {
                timer.attributes.with(TpmaAct::PRESERVE_SIGNALED)
            } else {
                timer.attributes.without(TpmaAct::PRESERVE_SIGNALED)
            };
        }
        resumed
    }
}

impl Wire for Timers {
    fn marshal(&self, out: &mut Vec<u8>) {
        u8::try_from(self.timers.len()).unwrap_or(u8::MAX).marshal(out);
        for timer in &self.timers {
            timer.marshal(out);
        }
        self.news.marshal(out);
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let count = u8::unmarshal(reader)?;
        if u32::from(count) > MAX {
            return Err(TpmRc::SIZE);
        }
        let timers = (0..count).map(|_| Timer::unmarshal(reader)).collect::<Result<_, _>>()?;
        Ok(Self { timers, news: Wire::unmarshal(reader)? })
    }
}
