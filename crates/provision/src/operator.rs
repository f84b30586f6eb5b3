//! Times as people write them.

use std::time::Duration;

use der::DateTime;

/// Seconds of the UNIX epoch from a time in UTC as RFC 3339 writes it (`2026-11-22T00:00:00Z`).
#[must_use]
pub fn time_from_text(text: &str) -> Option<i64> {
    let time: DateTime = text.parse().ok()?;
    i64::try_from(time.unix_duration().as_secs()).ok()
}

/// A time (seconds of the UNIX epoch) as RFC 3339 writes it, in UTC.
#[must_use]
pub fn time_to_text(seconds: i64) -> String {
    let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    DateTime::from_unix_duration(duration).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        assert_eq!(time_from_text("2026-11-22T05:00:01Z"), Some(1_795_323_601));
        assert_eq!(time_to_text(1_795_323_601), "2026-11-22T05:00:01Z");
        for bad in ["", "2026-11-22", "2026-13-01T00:00:00Z", "yesterday"] {
            assert_eq!(time_from_text(bad), None, "{bad}");
        }
    }
}
