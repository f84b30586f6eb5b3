//! When a certificate is replaced, and how long a failure rests.

use std::time::{SystemTime, UNIX_EPOCH};

use super::stored::Certificate;

/// Seconds of the UNIX epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// When a certificate is replaced.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    not_before: u64,
    not_after: u64,
    /// The moment. Seconds of the UNIX epoch.
    pub due: u64,
}

impl Renewal {
    /// At this part of its time, in percent, or up to a tenth of its time earlier.
    pub fn of(certificate: &Certificate, percent: u8, random: &[u8]) -> Self {
        let Certificate { not_before, not_after, .. } = *certificate;
        let time = not_after.saturating_sub(not_before);
        let random = random.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)) & 0xffff;
        let at = (u128::from(time) * u128::from(percent) / 100) as u64;
        let earlier = (u128::from(time) * u128::from(random) / 10 / 0x1_0000) as u64;
        Self { not_before, not_after, due: not_before.saturating_add(at.saturating_sub(earlier)) }
    }

    /// Whether it is this certificate's.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        (self.not_before, self.not_after) == (certificate.not_before, certificate.not_after)
    }
}

/// Pauses that grow.
#[derive(Debug)]
pub struct BackOff {
    from: u64,
    to: u64,
    next: u64,
}

impl BackOff {
    /// Pauses from and to so many seconds.
    pub fn new(from: u64, to: u64) -> Self {
        Self { from, to, next: from }
    }

    /// The next pause: of what may pass by itself twice the last one, of anything else the longest. A tenth more or less, by the clock's
    /// small digits, so that what failed together does not come again together.
    pub fn next(&mut self, passes: bool) -> u64 {
        let pause = if passes { self.next } else { self.to };
        self.next = self.next.saturating_mul(2).min(self.to);
        let small = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::from(time.subsec_micros()));
        let spread = (pause / 5).max(1);
        pause.saturating_sub(spread / 2).saturating_add(small % spread).max(1)
    }

    /// It worked.
    pub fn reset(&mut self) {
        self.next = self.from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_replaced_in_its_time() {
        let certificate = Certificate { not_before: 1000, not_after: 2000, spki: Vec::new() };
        assert_eq!(Renewal::of(&certificate, 66, &[0, 0]).due, 1660);
        assert_eq!(Renewal::of(&certificate, 66, &[255, 255]).due, 1561);
        assert!(Renewal::of(&certificate, 66, &[0, 0]).is_of(&certificate));
    }

    #[test]
    fn pauses_grow_to_their_limit() {
        let mut pause = BackOff::new(5, 40);
        for (low, high) in [(5, 5), (9, 10), (18, 21), (36, 43), (36, 43)] {
            let next = pause.next(true);
            assert!((low..=high).contains(&next), "{next} is not from {low} to {high}");
        }
        pause.reset();
        assert!((36..=43).contains(&pause.next(false)));
    }
}
