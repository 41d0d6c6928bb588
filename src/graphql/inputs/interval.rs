//! Arguments for buckets of time.

use std::str::FromStr as _;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{
    api_error::ApiError,
    domain::{interval, interval::TooManyBuckets},
    graphql::types::enum_name,
};

/// Default of the argument `timeZone`.
pub const DEFAULT_TIME_ZONE: &str = "UTC";
/// Default of the argument `maxBuckets`.
const DEFAULT_MAX_BUCKETS: usize = 500;

/// Length of buckets of time. A bucket starts when local time is a multiple of its length. When clocks go back, the
/// repeated hour has two buckets of one hour; when they go forward, the skipped hour has none. A change by half an hour
/// makes one bucket of an hour half an hour longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Interval {
    /// 1 minute.
    Minute,
    /// 5 minutes.
    FiveMinutes,
    /// 10 minutes.
    TenMinutes,
    /// 15 minutes.
    FifteenMinutes,
    /// 30 minutes.
    ThirtyMinutes,
    /// 1 hour.
    Hour,
    /// 3 hours.
    ThreeHours,
    /// 6 hours.
    SixHours,
    /// 12 hours.
    TwelveHours,
    /// A day, from midnight: 23 hours when clocks go forward, 25 when they go back.
    Day,
    /// A week, from Monday.
    Week,
    /// A calendar month.
    Month,
    /// A quarter of a year, from January, April, July or October.
    Quarter,
    /// A calendar year.
    Year,
    /// The shortest of the intervals above that gives at most `maxBuckets` buckets. Only for arguments of fields with
    /// `maxBuckets`; results name the chosen interval.
    Auto,
}

/// All intervals with a length.
const INTERVAL_LENGTHS: [(Interval, interval::Interval); 14] = [
    (Interval::Minute, interval::Interval::Minute),
    (Interval::FiveMinutes, interval::Interval::FiveMinutes),
    (Interval::TenMinutes, interval::Interval::TenMinutes),
    (Interval::FifteenMinutes, interval::Interval::FifteenMinutes),
    (Interval::ThirtyMinutes, interval::Interval::ThirtyMinutes),
    (Interval::Hour, interval::Interval::Hour),
    (Interval::ThreeHours, interval::Interval::ThreeHours),
    (Interval::SixHours, interval::Interval::SixHours),
    (Interval::TwelveHours, interval::Interval::TwelveHours),
    (Interval::Day, interval::Interval::Day),
    (Interval::Week, interval::Interval::Week),
    (Interval::Month, interval::Interval::Month),
    (Interval::Quarter, interval::Interval::Quarter),
    (Interval::Year, interval::Interval::Year),
];

impl Interval {
    /// The interval, unless it is `AUTO`.
    #[must_use]
    pub fn length(self) -> Option<interval::Interval> {
        INTERVAL_LENGTHS.iter().find(|(interval, _)| *interval == self).map(|&(_, length)| length)
    }
}

impl From<interval::Interval> for Interval {
    fn from(length: interval::Interval) -> Self {
        INTERVAL_LENGTHS.iter().find(|(_, known)| *known == length).map_or(Self::Auto, |&(interval, _)| interval)
    }
}

/// Limits of the buckets of a field.
#[derive(Clone, Copy, Debug)]
pub struct BucketLimits {
    /// The shortest interval.
    pub min_interval: interval::Interval,
    /// The maximum number of buckets.
    pub max_buckets: usize,
}

/// Buckets that cover a time span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Length of the buckets.
    pub interval: interval::Interval,
    /// Starts of the buckets, and the end of the last one.
    pub bounds: Vec<DateTime<Utc>>,
}

impl Buckets {
    /// Checks the arguments `every` and `maxBuckets` for a span, its end exclusive.
    ///
    /// # Errors
    /// Names the invalid argument.
    pub fn check(
        every: Interval,
        max_buckets: Option<i32>,
        limits: BucketLimits,
        zone: Tz,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Self, ApiError> {
        let Some(interval) = every.length() else {
            let max = check_max_buckets(max_buckets, limits.max_buckets)?;
            let chosen = limits.min_interval.shortest_fitting(zone, from, to, max);
            return chosen.map(|(interval, bounds)| Self { interval, bounds }).map_err(
                |TooManyBuckets { about, .. }| {
                    let reason =
                        format!("even YEAR makes {about} buckets of this span; use a larger number or a shorter span");
                    ApiError::bad_input("maxBuckets", reason)
                },
            );
        };
        if max_buckets.is_some() {
            return Err(Self::unexpected_max_buckets());
        }
        if interval < limits.min_interval {
            let shortest = enum_name(Interval::from(limits.min_interval));
            return Err(ApiError::bad_input("every", format!("must be {shortest} or longer")));
        }
        let bounds = interval.bounds(zone, from, to, limits.max_buckets);
        bounds
            .map(|bounds| Self { interval, bounds })
            .map_err(|too_many| too_many_buckets(every, limits.max_buckets, too_many))
    }

    /// The error for `maxBuckets` without `every: AUTO`.
    #[must_use]
    pub fn unexpected_max_buckets() -> ApiError {
        ApiError::bad_input("maxBuckets", "is only allowed together with `every: AUTO`")
    }
}

fn check_max_buckets(given: Option<i32>, max: usize) -> Result<usize, ApiError> {
    let Some(given) = given else { return Ok(DEFAULT_MAX_BUCKETS) };
    usize::try_from(given)
        .ok()
        .filter(|given| (1..=max).contains(given))
        .ok_or_else(|| ApiError::bad_input("maxBuckets", format!("must be between 1 and {max}, not {given}")))
}

fn too_many_buckets(
    every: Interval,
    max: usize,
    TooManyBuckets { about, shortest_fitting: fitting }: TooManyBuckets,
) -> ApiError {
    let fitting = fitting.map(|fitting| enum_name(Interval::from(fitting)));
    let advice = fitting
        .map_or_else(|| "use a shorter span".to_owned(), |fitting| format!("{fitting} would fit, or a shorter span"));
    let name = enum_name(every);
    let reason = format!("{name} makes {about} buckets of this span, and at most {max} are allowed; {advice}");
    let error = ApiError::bad_input("every", reason);
    match fitting {
        Some(fitting) => error.with_suggested_value(fitting),
        None => error,
    }
}

/// The time zone with this name.
///
/// # Errors
/// When no such time zone exists.
pub fn time_zone(name: &str) -> Result<Tz, ApiError> {
    Tz::from_str(name).map_err(|_| {
        let reason = format!("unknown time zone {name:?}; use an IANA name such as Europe/London");
        ApiError::bad_input("timeZone", reason)
    })
}

/// Local time in a time zone, with the offset from UTC: `2026-03-29T03:00:00+02:00`.
#[must_use]
pub fn local_time(moment: DateTime<Utc>, zone: Tz) -> String {
    moment.with_timezone(&zone).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interval_except_auto_has_a_distinct_length() {
        for length in interval::Interval::ALL {
            assert_eq!(Interval::from(length).length(), Some(length));
        }
        assert_eq!(Interval::Auto.length(), None);
    }

    #[test]
    fn local_time_distinguishes_the_repeated_hour() {
        let local = |time: &str, zone| local_time(time.parse().expect("a time"), zone);
        assert_eq!(local("2026-10-25T00:00:00Z", Tz::Europe__Berlin), "2026-10-25T02:00:00+02:00");
        assert_eq!(local("2026-10-25T01:00:00Z", Tz::Europe__Berlin), "2026-10-25T02:00:00+01:00");
        assert_eq!(local("2026-04-04T15:00:00Z", Tz::Australia__Lord_Howe), "2026-04-05T01:30:00+10:30");
        assert_eq!(local("2026-05-01T12:00:00.5Z", Tz::UTC), "2026-05-01T12:00:00.500+00:00");
    }
}
