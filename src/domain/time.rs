//! Which times a sample may bear.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// How far ahead of the gateway's clock a sensor's clock may be.
pub const MAX_AHEAD: TimeDelta = TimeDelta::minutes(1);

/// The first time a sample may bear, 2000-01-01T00:00:00Z: earlier ones come from clocks that were never set (1970,
/// 1980, 1999), and every month that appears costs a set of partitions.
pub const EARLIEST: DateTime<Utc> = DateTime::from_timestamp(946_684_800, 0).expect("a time that chrono can hold");

/// Why a sample can't have been taken at the time it bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImplausibleTime {
    /// More than [`MAX_AHEAD`] after the gateway's clock.
    #[error("{measured_at} is more than a minute ahead of the gateway's clock ({now})")]
    Future {
        /// The time the sample bears.
        measured_at: DateTime<Utc>,
        /// The gateway's clock.
        now: DateTime<Utc>,
    },
    /// Before [`EARLIEST`].
    #[error("{0} is before {EARLIEST}: the sensor's clock was not set")]
    TooEarly(DateTime<Utc>),
}

/// Checks the time of a sample against the gateway's clock.
///
/// # Errors
/// When it lies in the future or before [`EARLIEST`].
pub fn check(measured_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), ImplausibleTime> {
    // The difference of two times can't overflow, as a sum may: a clock that was never set can tell anything.
    if measured_at - now > MAX_AHEAD {
        Err(ImplausibleTime::Future { measured_at, now })
    } else if measured_at < EARLIEST {
        Err(ImplausibleTime::TooEarly(measured_at))
    } else {
        Ok(())
    }
}

/// A time as Postgres keeps it: whole microseconds, the rest cut off, so that what is read is what was written.
#[must_use]
pub fn to_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
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
        assert_eq!(check(at("2026-05-01T10:01:00Z"), now), Ok(()));
        assert!(matches!(check(at("2026-05-01T10:01:00.000001Z"), now), Err(ImplausibleTime::Future { .. })));
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(check(last, last), Ok(()));
        assert!(matches!(check(last, first), Err(ImplausibleTime::Future { .. })));
        assert!(matches!(check(first, last), Err(ImplausibleTime::TooEarly(_))));
    }

    #[test]
    fn the_year_2000_is_the_first_accepted() {
        let now = at("2026-05-01T10:00:00Z");
        assert_eq!(check(at("2000-01-01T00:00:00Z"), now), Ok(()));
        assert!(matches!(check(at("1999-12-31T23:59:59.999999Z"), now), Err(ImplausibleTime::TooEarly(_))));
    }

    #[test]
    fn a_longer_fraction_is_cut_off_not_rounded() {
        assert_eq!(to_micros(at("2019-02-25T16:00:46.840341999Z")), at("2019-02-25T16:00:46.840341Z"));
    }
}
