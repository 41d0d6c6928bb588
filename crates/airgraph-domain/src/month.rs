//! Calendar months in UTC, the unit of partitions.

use std::fmt;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

/// A calendar month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first_day: NaiveDate,
}

impl Month {
    /// The month that contains a time.
    #[must_use]
    pub fn from_time(time: DateTime<Utc>) -> Self {
        Self::from_date(time.date_naive())
    }

    /// The month after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self { first_day: self.first_day + Months::new(1) }
    }

    /// The first day.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        self.first_day
    }

    /// The month this many months earlier.
    #[must_use]
    pub fn minus(self, months: u32) -> Self {
        Self { first_day: self.first_day.checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN) }
    }

    /// The month of a date.
    #[must_use]
    pub fn from_date(date: NaiveDate) -> Self {
        Self { first_day: date.with_day(1).unwrap_or(date) } // every month has a first day
    }

    /// The start of the month.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        self.first_day.and_time(NaiveTime::MIN).and_utc()
    }

    /// `2026_11`: the month as the suffix of a table's name.
    #[must_use]
    pub fn suffix(self) -> String {
        self.first_day.format("%Y_%m").to_string()
    }

    /// Parses [`Self::suffix`].
    #[must_use]
    pub fn from_suffix(suffix: &str) -> Option<Self> {
        let first_day = NaiveDate::parse_from_str(&format!("{suffix}_01"), "%Y_%m_%d").ok()?;
        Some(Self { first_day }).filter(|month| month.suffix() == suffix)
    }
}

/// `2026-11`.
impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.first_day.format("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn december_is_followed_by_january() {
        let last_moment = "2025-12-31T23:59:59.999999Z".parse().expect("a time");
        let december = Month::from_time(last_moment);
        assert_eq!(december.suffix(), "2025_12");
        assert_eq!(december.next().suffix(), "2026_01");
        assert_eq!(december.to_string(), "2025-12");
        assert!(december.start() <= last_moment && last_moment < december.next().start());
    }

    #[test]
    fn suffix_round_trips_and_other_text_is_rejected() {
        let month = Month::from_time("2026-11-30T12:00:00Z".parse().expect("a time"));
        assert_eq!(Month::from_suffix(&month.suffix()), Some(month));
        for text in ["", "2026", "2026_13", "2026_1", "2026_11_01", "+2026_11", "pkey"] {
            assert_eq!(Month::from_suffix(text), None, "{text}");
        }
    }
}
