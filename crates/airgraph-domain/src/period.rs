//! Spans of partitions: months, and years for old samples.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};

use super::month::Month;

/// A calendar month or year in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A month.
    Month(Month),
    /// A year, from 0 to 9998.
    Year(i32),
}

impl Period {
    /// The start, inclusive.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        match self {
            Self::Month(month) => month.start(),
            Self::Year(year) => first_of_january(year),
        }
    }

    /// The end, exclusive.
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        match self {
            Self::Month(month) => month.next().start(),
            Self::Year(year) => first_of_january(year + 1),
        }
    }

    /// Whether a month is within this period.
    #[must_use]
    pub fn contains(self, month: Month) -> bool {
        (self.start()..self.end()).contains(&month.start())
    }

    /// The year of the period.
    #[must_use]
    pub fn year(self) -> i32 {
        self.start().year()
    }

    /// `2026_11` or `2005`: the suffix of a partition's name.
    #[must_use]
    pub fn suffix(self) -> String {
        match self {
            Self::Month(month) => month.suffix(),
            Self::Year(year) => format!("{year:04}"),
        }
    }

    /// Parses [`suffix`](Self::suffix).
    #[must_use]
    pub fn from_suffix(suffix: &str) -> Option<Self> {
        let year = || suffix.parse::<i32>().ok().filter(|year| (0..=9998).contains(year)).map(Self::Year);
        let written_so = |period: &Self| period.suffix() == suffix;
        Month::from_suffix(suffix).map(Self::Month).or_else(year).filter(written_so)
    }
}

fn first_of_january(year: i32) -> DateTime<Utc> {
    let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(NaiveDate::MAX); // chrono has far more years
    day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_round_trips_and_other_text_is_rejected() {
        let month = Month::from_time("2005-11-30T12:00:00Z".parse().expect("a time"));
        for period in [Period::Month(month), Period::Year(2005)] {
            assert_eq!(Period::from_suffix(&period.suffix()), Some(period));
            assert!(period.contains(month) && period.year() == 2005);
        }
        assert!(!Period::Year(2006).contains(month) && !Period::Month(month.next()).contains(month));
        assert_eq!(Period::Year(2005).end(), Period::Year(2006).start());
        for text in ["", "05", "20055", "+200", "-200", "pkey", "2005_13"] {
            assert_eq!(Period::from_suffix(text), None, "{text}");
        }
    }
}
