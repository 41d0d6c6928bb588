//! Months whose measurements are in an archive and no longer in the database.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::month::Month;

/// Start and end of a half-open time span; an end that is `None` is open.
pub type OpenSpan = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Months whose measurements are in an archive and no longer in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunedMonths(BTreeSet<Month>);

impl PrunedMonths {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it contains a month.
    #[must_use]
    pub fn contains(&self, month: Month) -> bool {
        self.0.contains(&month)
    }

    /// The months in order.
    pub fn iter(&self) -> impl Iterator<Item = Month> {
        self.0.iter().copied()
    }

    /// The months that a half-open time span reaches into, in order. An end that is `None` is open.
    pub fn within(&self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> impl Iterator<Item = Month> {
        let is_empty = from.zip(to).is_some_and(|(from, to)| from >= to);
        self.iter().filter(move |month| {
            !is_empty && from.is_none_or(|from| month.next().start() > from) && to.is_none_or(|to| month.start() < to)
        })
    }
}

impl FromIterator<Month> for PrunedMonths {
    fn from_iter<I: IntoIterator<Item = Month>>(months: I) -> Self {
        Self(months.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_reaches_into_months_that_it_overlaps() {
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().expect("a time"));
        let months: PrunedMonths =
            ["2026_01", "2026_03"].iter().filter_map(|suffix| Month::from_suffix(suffix)).collect();
        let within = |from, to| months.within(from, to).map(|month| month.to_string()).collect::<Vec<_>>();
        assert_eq!(within(None, None), ["2026-01", "2026-03"]);
        assert_eq!(within(at("2026-02-01T00:00:00Z"), None), ["2026-03"]);
        assert_eq!(within(at("2026-01-31T23:59:59Z"), at("2026-03-01T00:00:00Z")), ["2026-01"]);
        assert_eq!(within(None, at("2026-03-01T00:00:01Z")), ["2026-01", "2026-03"]);
        assert_eq!(within(at("2026-04-01T00:00:00Z"), None), [""; 0]);
        assert_eq!(within(at("2026-01-05T00:00:00Z"), at("2026-01-05T00:00:00Z")), [""; 0], "an empty span");
    }
}
