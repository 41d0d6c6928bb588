//! The time span that one statement reads.
//!
//! A statement with a filter that few rows match would read the whole archive, and one over many devices reads a full
//! page of each. So a page is read from a window of time, whose length follows the number of rows found and the time
//! that the statement took.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::time::{EARLIEST_TIME, MAX_CLOCK_SKEW};

const INITIAL_LENGTH: TimeDelta = TimeDelta::days(1);
const MIN_LENGTH: TimeDelta = TimeDelta::seconds(1);
const MAX_LENGTH: TimeDelta = TimeDelta::days(10_000);
/// The next window is at most this many times as long as one, and at least this part of it.
const MAX_FACTOR: f64 = 8.0;
const MIN_FACTOR: f64 = 0.25;
/// Part of a full page that a window is meant to hold.
const TARGET_FILL: f64 = 0.75;
/// A statement that takes longer gets no longer window next, or half of it.
const STEADY_AFTER: Duration = Duration::from_millis(500);
const SHRINK_AFTER: Duration = Duration::from_secs(2);

/// The window of the next statement, within the span of the filter.
#[derive(Clone, Debug)]
pub struct TimeWindow {
    descending: bool,
    /// Ends of the filter.
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    /// Where the window begins, in the order of the export: the first time, or the one after the last.
    begin: Option<DateTime<Utc>>,
    length: TimeDelta,
    /// No row is later than this.
    newest: DateTime<Utc>,
}

/// The bounds of a window; open where they are `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowBounds {
    /// Inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Whether the filter has no more after it.
    pub is_last: bool,
}

impl WindowBounds {
    /// Whether a time is within.
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }
}

impl TimeWindow {
    /// The first window of a filter's span, from `after` on if the export is continued there.
    pub fn new(
        descending: bool,
        (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        after: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        let begin = if descending {
            [after.map(just_after), to].into_iter().flatten().min()
        } else {
            [after, from].into_iter().flatten().max()
        };
        Self { descending, from, to, begin, length: INITIAL_LENGTH, newest: now + MAX_CLOCK_SKEW }
    }

    /// The bounds of the window. The first and the last one are open where the filter is.
    pub fn bounds(&self) -> WindowBounds {
        if self.descending {
            let end = self.begin.unwrap_or(self.newest).checked_sub_signed(self.length);
            let end = end.filter(|&end| self.from.is_none_or(|from| end > from) && end > EARLIEST_TIME);
            return WindowBounds { from: end.or(self.from), to: self.begin, is_last: end.is_none() };
        }
        let end = self.begin.unwrap_or(EARLIEST_TIME).checked_add_signed(self.length);
        let end = end.filter(|&end| self.to.is_none_or(|to| end < to) && end <= self.newest);
        WindowBounds { from: self.begin, to: end.or(self.to), is_last: end.is_none() }
    }

    /// Moves on after a page that was not full: all of the window was read.
    pub fn advance(&mut self, bounds: WindowBounds, rows: usize, page_rows: usize, took: Duration) {
        self.begin = if self.descending { bounds.from } else { bounds.to };
        #[expect(clippy::cast_precision_loss, reason = "rows of a page are few")]
        let factor = if rows == 0 { MAX_FACTOR } else { page_rows as f64 * TARGET_FILL / rows as f64 };
        self.scale(self.length, factor.clamp(MIN_FACTOR, MAX_FACTOR), took);
    }

    /// Moves on after a full page, which ends at `last`: the next one begins there.
    pub fn continue_at(&mut self, last: DateTime<Utc>, bounds: WindowBounds, took: Duration) {
        let begin =
            if self.descending { bounds.to.unwrap_or(self.newest) } else { bounds.from.unwrap_or(EARLIEST_TIME) };
        self.begin = Some(if self.descending { just_after(last) } else { last });
        self.scale((last - begin).abs(), TARGET_FILL, took);
    }

    fn scale(&mut self, length: TimeDelta, factor: f64, took: Duration) {
        let factor = match took {
            _ if took > SHRINK_AFTER => factor.min(0.5),
            _ if took > STEADY_AFTER => factor.min(1.0),
            _ => factor,
        };
        let seconds = length.as_seconds_f64() * factor;
        let length = Duration::try_from_secs_f64(seconds).ok().and_then(|length| TimeDelta::from_std(length).ok());
        self.length = length.unwrap_or(MAX_LENGTH).clamp(MIN_LENGTH, MAX_LENGTH);
    }
}

fn just_after(time: DateTime<Utc>) -> DateTime<Utc> {
    time + TimeDelta::microseconds(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        EARLIEST_TIME + TimeDelta::seconds(seconds)
    }

    /// A time, and a number that distinguishes rows of one time.
    type Row = (i64, usize);

    fn is_behind(row: Row, after: Option<Row>, descending: bool) -> bool {
        after.is_none_or(|after| if descending { row < after } else { row > after })
    }

    /// Reads sorted rows as an export does; returns them, and the number of pages.
    fn read(
        sorted: &[Row],
        descending: bool,
        span: (Option<i64>, Option<i64>),
        mut after: Option<Row>,
        page_rows: usize,
    ) -> (Vec<Row>, usize) {
        let span = (span.0.map(at), span.1.map(at));
        let mut window = TimeWindow::new(descending, span, after.map(|(time, _)| at(time)), at(1_000_000_000));
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            pages += 1;
            let bounds = window.bounds();
            let after_within = after.filter(|&(time, _)| bounds.contains(at(time)));
            let is_within = |&&row: &&Row| bounds.contains(at(row.0)) && is_behind(row, after_within, descending);
            let page: Vec<_> = sorted.iter().filter(is_within).take(page_rows).copied().collect();
            after = page.last().copied().or(after);
            found.extend(page.iter().copied());
            if page.len() == page_rows {
                window.continue_at(at(page[page_rows - 1].0), bounds, Duration::ZERO);
            } else if bounds.is_last {
                return (found, pages);
            } else {
                window.advance(bounds, page.len(), page_rows, Duration::ZERO);
            }
        }
    }

    proptest! {
        #[test]
        fn windows_read_each_row_once_and_in_order(
            times in prop::collection::vec(prop_oneof![0_i64..1_000_000_000, 500_000_000_i64..500_000_100], 0..200),
            descending: bool,
            from in prop::option::of(0_i64..1_000_000_000),
            length in prop::option::of(1_i64..500_000_000),
            after in prop::option::of((0_i64..1_000_000_000, 0_usize..200)),
            page_rows in 1_usize..50,
        ) {
            let to = length.map(|length| from.unwrap_or(0) + length);
            let mut rows: Vec<Row> = times.into_iter().enumerate().map(|(id, time)| (time, id)).collect();
            rows.sort_unstable();
            if descending {
                rows.reverse();
            }
            let (found, pages) = read(&rows, descending, (from, to), after, page_rows);
            rows.retain(|&(time, _)| from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to));
            rows.retain(|&row| is_behind(row, after, descending));
            prop_assert_eq!(found, rows);
            prop_assert!(pages < 3000, "{} pages", pages);
        }
    }

    #[test]
    fn empty_archive_is_read_in_few_pages() {
        assert!(read(&[], false, (None, None), None, 10_000).1 < 10);
        assert!(read(&[], true, (None, None), None, 10_000).1 < 10);
    }

    #[test]
    fn slow_statement_shortens_the_window() {
        let mut window = TimeWindow::new(false, (Some(at(0)), None), None, at(1_000_000_000));
        let bounds = window.bounds();
        window.advance(bounds, 0, 100, Duration::from_secs(3));
        assert_eq!(window.length, INITIAL_LENGTH / 2);
        window.advance(window.bounds(), 0, 100, Duration::from_secs(1));
        assert_eq!(window.length, INITIAL_LENGTH / 2);
    }
}
