//! The processor's counter of time.
#![allow(unsafe_code, reason = "reading the counter is an instruction")]

/// A moment, in ticks of a counter that runs at a constant rate (about a third of a nanosecond each on x86-64). Not
/// reordered with what stands before it.
#[cfg(target_arch = "x86_64")]
#[must_use]
pub fn now() -> u64 {
    // SAFETY: every processor of this architecture has the instructions, and they change nothing but registers.
    unsafe {
        std::arch::x86_64::_mm_lfence();
        let ticks = std::arch::x86_64::_rdtsc();
        std::arch::x86_64::_mm_lfence();
        ticks
    }
}

/// A moment, in nanoseconds.
#[cfg(not(target_arch = "x86_64"))]
#[must_use]
pub fn now() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(std::time::Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}
