//! The unit of timestamps, from the query parameter `precision`.

use chrono::{DateTime, Utc};

use super::super::{DecodeError, ignored::truncate_name};

/// A unit of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
}

/// Prefix of [`Incoming::event`](super::Incoming::event) if the query has a `precision`.
const PRECISION_PREFIX: &str = "precision=";

impl Precision {
    /// The precision of a request; nanoseconds by default. The names are those of `InfluxDB` 1.x, which include those
    /// of 2.x (`ns`, `us`, `ms`, `s`).
    pub(super) fn from_query(event: Option<&str>) -> Result<Self, DecodeError> {
        let Some(name) = event.and_then(|event| event.strip_prefix(PRECISION_PREFIX)) else {
            return Ok(Self::Nanosecond);
        };
        match name {
            "" | "n" | "ns" => Ok(Self::Nanosecond),
            "u" | "us" => Ok(Self::Microsecond),
            "ms" => Ok(Self::Millisecond),
            "s" => Ok(Self::Second),
            "m" => Ok(Self::Minute),
            "h" => Ok(Self::Hour),
            _ => {
                let detail = format!("precision {:?} is unknown; use ns, us, ms, s, m or h", truncate_name(name));
                Err(DecodeError::new("INVALID_PRECISION", detail))
            }
        }
    }

    /// The time of a timestamp; `None` if it is out of range.
    pub(super) fn time(self, timestamp: i64) -> Option<DateTime<Utc>> {
        let seconds = |factor: i64| DateTime::from_timestamp(timestamp.checked_mul(factor)?, 0);
        match self {
            Self::Nanosecond => Some(DateTime::from_timestamp_nanos(timestamp)),
            Self::Microsecond => DateTime::from_timestamp_micros(timestamp),
            Self::Millisecond => DateTime::from_timestamp_millis(timestamp),
            Self::Second => seconds(1),
            Self::Minute => seconds(60),
            Self::Hour => seconds(3600),
        }
    }

    /// The unit as a word.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Nanosecond => "nanoseconds",
            Self::Microsecond => "microseconds",
            Self::Millisecond => "milliseconds",
            Self::Second => "seconds",
            Self::Minute => "minutes",
            Self::Hour => "hours",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_in_the_unit_that_the_query_names() {
        for (event, timestamp, expected) in [
            (None, 1_777_629_600_000_000_000, "2026-05-01T10:00:00+00:00"),
            (Some("up"), 1_777_629_600_000_000_000, "2026-05-01T10:00:00+00:00"),
            (Some("precision="), 1_777_629_600_000_000_000, "2026-05-01T10:00:00+00:00"),
            (Some("precision=n"), 1_777_629_600_000_000_000, "2026-05-01T10:00:00+00:00"),
            (Some("precision=u"), 1_777_629_600_000_001, "2026-05-01T10:00:00.000001+00:00"),
            (Some("precision=us"), 1_777_629_600_000_000, "2026-05-01T10:00:00+00:00"),
            (Some("precision=ms"), 1_777_629_600_250, "2026-05-01T10:00:00.250+00:00"),
            (Some("precision=s"), 1_777_629_600, "2026-05-01T10:00:00+00:00"),
            (Some("precision=m"), 29_627_160, "2026-05-01T10:00:00+00:00"),
            (Some("precision=h"), 493_786, "2026-05-01T10:00:00+00:00"),
        ] {
            let time = Precision::from_query(event).expect("a precision").time(timestamp);
            assert_eq!(time.map(|time| time.to_rfc3339()).as_deref(), Some(expected), "{event:?}");
        }
    }

    #[test]
    fn timestamp_out_of_range_and_unknown_unit_are_rejected() {
        for event in ["precision=us", "precision=ms", "precision=s", "precision=m", "precision=h"] {
            let precision = Precision::from_query(Some(event)).expect("a precision");
            assert_eq!((precision.time(i64::MAX), precision.time(i64::MIN)), (None, None), "{event}");
        }
        for event in ["precision=d", "precision=S", "precision=1s"] {
            assert_eq!(Precision::from_query(Some(event)).expect_err(event).code, "INVALID_PRECISION");
        }
    }
}
