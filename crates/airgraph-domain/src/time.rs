//! Valid times of a sample.

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};

/// Maximum time that a sensor's clock may be ahead of the gateway's.
pub const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(1);

/// The default minimum time of a sample, 2000-01-01T00:00:00Z: earlier times come from
/// clocks that were never set (1970, 1980, 1999), and every year that appears adds a set of partitions.
pub const EARLIEST_TIME: DateTime<Utc> = DateTime::from_timestamp(946_684_800, 0).expect("a time that chrono can hold");

/// Why the time of a sample is implausible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImplausibleTime {
    /// More than [`MAX_CLOCK_SKEW`] after the gateway's clock.
    #[error("{measured_at} is more than a minute ahead of the gateway's clock ({now})")]
    Future {
        /// The time of the sample.
        measured_at: DateTime<Utc>,
        /// The gateway's clock.
        now: DateTime<Utc>,
    },
    /// Before the minimum.
    #[error("{measured_at} is before {earliest}, the earliest time that is accepted: the sensor's clock was not set")]
    TooEarly {
        /// The time of the sample.
        measured_at: DateTime<Utc>,
        /// The minimum.
        earliest: DateTime<Utc>,
    },
}

impl ImplausibleTime {
    /// The reason, machine-readable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Future { .. } => "TIME_IN_THE_FUTURE",
            Self::TooEarly { .. } => "TIME_TOO_EARLY",
        }
    }
}

/// Checks the time of a sample against the gateway's clock and the minimum.
///
/// # Errors
/// If it is in the future or before `earliest`.
pub fn check(measured_at: DateTime<Utc>, now: DateTime<Utc>, earliest: DateTime<Utc>) -> Result<(), ImplausibleTime> {
    // The difference of two times cannot overflow, but a sum may: an unset clock can send any time.
    if measured_at - now > MAX_CLOCK_SKEW {
        Err(ImplausibleTime::Future { measured_at, now })
    } else if measured_at < earliest {
        Err(ImplausibleTime::TooEarly { measured_at, earliest })
    } else {
        Ok(())
    }
}

/// A time as `timestamptz` stores it, so a time read back equals the time written: truncated to microseconds,
/// and a leap second (`:60`, which chrono represents separately) becomes the following second.
#[must_use]
pub fn normalize(time: DateTime<Utc>) -> DateTime<Utc> {
    // chrono represents a leap second as 1000 to 1999 ms after the previous second, so the sum is the second after.
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}

/// Parses a time in RFC 3339 from outside the decoders (GraphQL, the command line), normalized.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let time = normalize(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
    is_representable(time).then_some(time)
}

/// Whether RFC 3339 and `timestamptz` can represent the time: a year of 1 to 9999.
#[must_use]
pub fn is_representable(time: DateTime<Utc>) -> bool {
    (1..=9999).contains(&time.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    #[test]
    fn a_minute_ahead_is_the_last_moment_accepted() {
        let now = at("2026-05-01T10:00:00Z");
        assert_eq!(check(at("2026-05-01T10:01:00Z"), now, EARLIEST_TIME), Ok(()));
        assert!(matches!(
            check(at("2026-05-01T10:01:00.000001Z"), now, EARLIEST_TIME),
            Err(ImplausibleTime::Future { .. })
        ));
    }

    #[test]
    fn extreme_times_do_not_panic() {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(check(last, last, EARLIEST_TIME), Ok(()));
        assert!(matches!(check(last, first, EARLIEST_TIME), Err(ImplausibleTime::Future { .. })));
        assert!(matches!(check(first, last, EARLIEST_TIME), Err(ImplausibleTime::TooEarly { .. })));
        assert_eq!(normalize(first), first);
        assert!(normalize(last) <= last);
    }

    #[test]
    fn the_year_2000_is_the_first_accepted() {
        let now = at("2026-05-01T10:00:00Z");
        assert_eq!(check(at("2000-01-01T00:00:00Z"), now, EARLIEST_TIME), Ok(()));
        let earlier = at("1999-12-31T23:59:59.999999Z");
        assert_eq!(
            check(earlier, now, EARLIEST_TIME),
            Err(ImplausibleTime::TooEarly { measured_at: earlier, earliest: EARLIEST_TIME })
        );
    }

    #[test]
    fn longer_fraction_is_truncated() {
        assert_eq!(normalize(at("2019-02-25T16:00:46.840341999Z")), at("2019-02-25T16:00:46.840341Z"));
        assert_eq!(normalize(at("1969-12-31T23:59:59.999999999Z")), at("1969-12-31T23:59:59.999999Z"));
    }

    #[test]
    fn a_leap_second_is_the_second_after_it() {
        for (leap, stored) in [
            ("2026-11-01T10:00:60Z", "2026-11-01T10:01:00Z"),
            ("2016-12-31T23:59:60.123456789Z", "2017-01-01T00:00:00.123456Z"),
            ("1969-12-31T23:59:60Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(normalize(at(leap)), at(stored), "{leap}");
            assert_eq!(parse(leap), Some(at(stored)), "{leap}");
        }
    }

    #[test]
    fn unrepresentable_years_are_rejected() {
        for text in ["0000-12-31T23:59:59Z", "9999-12-31T23:59:60Z", "9999-12-31T23:00:00-01:00", "now", "2026-05-01"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(at("9999-12-31T23:59:59Z")));
    }

    proptest::proptest! {
        #[test]
        fn any_time_is_normalized_once_without_a_panic(seconds in -8_334_601_228_800..8_210_266_876_799_i64, nanos in 0..2_000_000_000_u32) {
            let Some(time) = DateTime::from_timestamp(seconds, nanos) else { return Ok(()) };
            let normalized = normalize(time);
            proptest::prop_assert_eq!(normalize(normalized), normalized);
            proptest::prop_assert_eq!(normalized.timestamp_micros(), time.timestamp_micros());
            proptest::prop_assert!(normalized.timestamp_subsec_nanos() < 1_000_000_000);
        }
    }
}
