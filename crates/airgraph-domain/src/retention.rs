//! Retention periods.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use super::month::Month;

/// A retention period. Data is deleted by whole months, once all of the month is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionPolicy {
    /// Forever.
    Forever,
    /// At least this long.
    AtLeast(TimeDelta),
}

/// A text that is not a retention period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; it is a time such as 90d, 12weeks or 2years, or `forever` (or 0) to keep everything")]
pub struct InvalidRetentionPolicy(String);

impl FromStr for RetentionPolicy {
    type Err = InvalidRetentionPolicy;

    fn from_str(text: &str) -> Result<Self, InvalidRetentionPolicy> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let duration = humantime::parse_duration(text).map_err(|error| InvalidRetentionPolicy(error.to_string()))?;
        if duration.is_zero() {
            return Ok(Self::Forever);
        }
        let duration = TimeDelta::from_std(duration).map_err(|error| InvalidRetentionPolicy(error.to_string()))?;
        Ok(Self::AtLeast(duration))
    }
}

impl RetentionPolicy {
    /// Whether all of a month is older than the period.
    #[must_use]
    pub fn is_over(self, month: Month, now: DateTime<Utc>) -> bool {
        match self {
            Self::Forever => false,
            // Before the earliest representable time nothing is stored.
            Self::AtLeast(kept) => now.checked_sub_signed(kept).is_some_and(|oldest| month.next().start() <= oldest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    #[test]
    fn month_is_dropped_when_its_last_moment_is_old_enough() {
        let ninety: RetentionPolicy = "90d".parse().expect("a retention");
        let month = Month::from_time(at("2026-01-15T00:00:00Z"));
        assert!(!ninety.is_over(month, at("2026-05-01T23:59:59.999999Z")));
        assert!(ninety.is_over(month, at("2026-05-02T00:00:00Z")), "90 days after the first of February");
    }

    #[test]
    fn nothing_is_dropped_with_unlimited_retention() {
        let long_ago = Month::from_time(at("2000-01-01T00:00:00Z"));
        for text in ["0", "0d", "forever", "300000000000s"] {
            let retention: RetentionPolicy = text.parse().expect("a retention");
            assert!(!retention.is_over(long_ago, at("2026-05-01T00:00:00Z")), "{text}");
        }
    }

    #[test]
    fn invalid_values_are_rejected_with_a_reason() {
        for text in ["", "90", "never", "-1d", "1 fortnight", "99999999999999999999y", "9999999999999999s"] {
            let error = text.parse::<RetentionPolicy>().expect_err(text);
            assert!(error.to_string().contains("such as 90d"), "{error}");
        }
    }
}
