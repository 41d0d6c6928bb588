//! Calendar intervals in a time zone: a day may have 23 or 25 hours, a month 28 to 31 days.

use chrono::{
    DateTime, Datelike as _, Days, MappedLocalTime, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::{GapInfo, Tz};

/// Length of time buckets. A bucket begins when the local time is a whole multiple of its length: days at
/// midnight, weeks on Monday, quarters with January, April, July and October. A local hour that occurs twice in
/// autumn is two buckets of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// 1 minute.
    Minute,
    /// 5 minutes.
    FiveMinutes,
    /// 10 minutes.
    TenMinutes,
    /// A quarter of an hour.
    FifteenMinutes,
    /// Half an hour.
    ThirtyMinutes,
    /// An hour.
    Hour,
    /// 3 hours.
    ThreeHours,
    /// 6 hours.
    SixHours,
    /// 12 hours.
    TwelveHours,
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// A year.
    Year,
}

/// An interval as a whole number of a unit.
enum Length {
    Minutes(u16),
    Days(u8),
    Months(u8),
}

/// The number of buckets exceeds the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyBuckets {
    /// Number of buckets; an estimate.
    pub about: i64,
    /// The shortest interval within the maximum.
    pub shortest_fitting: Option<Interval>,
}

impl Interval {
    /// Every interval, the shortest first.
    pub const ALL: [Self; 14] = [
        Self::Minute,
        Self::FiveMinutes,
        Self::TenMinutes,
        Self::FifteenMinutes,
        Self::ThirtyMinutes,
        Self::Hour,
        Self::ThreeHours,
        Self::SixHours,
        Self::TwelveHours,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    fn length(self) -> Length {
        match self {
            Self::Minute => Length::Minutes(1),
            Self::FiveMinutes => Length::Minutes(5),
            Self::TenMinutes => Length::Minutes(10),
            Self::FifteenMinutes => Length::Minutes(15),
            Self::ThirtyMinutes => Length::Minutes(30),
            Self::Hour => Length::Minutes(60),
            Self::ThreeHours => Length::Minutes(180),
            Self::SixHours => Length::Minutes(360),
            Self::TwelveHours => Length::Minutes(720),
            Self::Day => Length::Days(1),
            Self::Week => Length::Days(7),
            Self::Month => Length::Months(1),
            Self::Quarter => Length::Months(3),
            Self::Year => Length::Months(12),
        }
    }

    /// Estimated number of buckets in a span.
    fn count(self, span: TimeDelta) -> i64 {
        let minutes = match self.length() {
            Length::Minutes(minutes) => i64::from(minutes),
            Length::Days(days) => i64::from(days) * 1440,
            Length::Months(months) => i64::from(months) * 43_829, // a twelfth of 365.2425 days
        };
        span.num_minutes() / minutes + 1
    }

    /// The starts of the buckets that cover a span: the first is not after `from`; the last, which is
    /// the end of the last bucket, is not before `to`.
    ///
    /// # Errors
    /// If there are more than `max` buckets.
    pub fn bounds(
        self,
        zone: Tz,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        max: usize,
    ) -> Result<Vec<DateTime<Utc>>, TooManyBuckets> {
        self.try_bounds(zone, from, to, max).map_err(|about| {
            let fitting = self.shortest_fitting(zone, from, to, max).ok().map(|(interval, _)| interval);
            TooManyBuckets { about, shortest_fitting: fitting }
        })
    }

    /// The shortest interval, this one or longer, with at most `max` buckets in a span, and the
    /// [bounds](Self::bounds) of these.
    ///
    /// # Errors
    /// If even years exceed `max`.
    pub fn shortest_fitting(
        self,
        zone: Tz,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        max: usize,
    ) -> Result<(Self, Vec<DateTime<Utc>>), TooManyBuckets> {
        let mut about = 0;
        for interval in Self::ALL.into_iter().filter(|&interval| interval >= self) {
            match interval.try_bounds(zone, from, to, max) {
                Ok(bounds) => return Ok((interval, bounds)),
                Err(more) => about = more,
            }
        }
        Err(TooManyBuckets { about, shortest_fitting: None })
    }

    /// See [`Self::bounds`]; fails with the number of buckets, an estimate where it is far beyond `max`.
    fn try_bounds(
        self,
        zone: Tz,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        max: usize,
    ) -> Result<Vec<DateTime<Utc>>, i64> {
        let (count, max_count) = (self.count(to - from), i64::try_from(max).unwrap_or(i64::MAX));
        // A bucket is at most twice its ordinary length, so there are more than `max` here.
        if count > max_count.saturating_mul(2).saturating_add(2) {
            return Err(count);
        }
        let mut bounds = Vec::new();
        let mut day = self.first_day(from.with_timezone(&zone).date_naive());
        while bounds.last().is_none_or(|&last| last < to) {
            self.push_starts(zone, day, &mut bounds);
            day = self.next_day(day);
        }
        let first = bounds.partition_point(|&bound| bound <= from).saturating_sub(1);
        let end = bounds.partition_point(|&bound| bound < to) + 1;
        if end - first - 1 > max {
            return Err(i64::try_from(end - first - 1).unwrap_or(i64::MAX));
        }
        Ok(bounds.drain(first..end).collect())
    }

    /// The first day of the interval that contains this day.
    fn first_day(self, day: NaiveDate) -> NaiveDate {
        match self.length() {
            Length::Minutes(_) | Length::Days(1) => day,
            Length::Days(_) => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
            Length::Months(months) => {
                let month = day.month0() - day.month0() % u32::from(months);
                day.with_day(1).and_then(|day| day.with_month0(month)).unwrap_or(day) // every month has a first day
            }
        }
    }

    /// The first day of the next interval; the next day, if a day contains several intervals.
    fn next_day(self, day: NaiveDate) -> NaiveDate {
        match self.length() {
            Length::Minutes(_) => day + Days::new(1),
            Length::Days(days) => day + Days::new(u64::from(days)),
            Length::Months(months) => day + Months::new(u32::from(months)),
        }
    }

    /// Appends the starts of intervals in this day; all are later than the existing ones.
    fn push_starts(self, zone: Tz, day: NaiveDate, bounds: &mut Vec<DateTime<Utc>>) {
        let before = bounds.last().copied();
        let mut starts = vec![start_of_day(zone, day)];
        if let Length::Minutes(minutes) = self.length() {
            for minute in (0..1440).step_by(usize::from(minutes)) {
                let time = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(i64::from(minute));
                match zone.from_local_datetime(&time) {
                    MappedLocalTime::Single(time) => starts.push(time.to_utc()),
                    MappedLocalTime::Ambiguous(first, second) => {
                        starts.push(first.to_utc());
                        if minutes <= 60 {
                            starts.push(second.to_utc());
                        }
                    }
                    MappedLocalTime::None => {} // this local time does not exist
                }
            }
            starts.sort_unstable();
            starts.dedup();
        }
        bounds.extend(starts.into_iter().filter(|&start| before.is_none_or(|before| before < start)));
    }
}

/// The start of a day: midnight, or the first local time that exists.
fn start_of_day(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let start = match zone.from_local_datetime(&midnight) {
        MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => Some(time),
        MappedLocalTime::None => GapInfo::new(&midnight, &zone).and_then(|gap| gap.end),
    };
    start.map_or_else(|| midnight.and_utc(), |time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn bounds(interval: Interval, zone: Tz, from: &str, to: &str) -> Vec<String> {
        let bounds = interval.bounds(zone, at(from), at(to), 10_000).expect("bounds");
        bounds.iter().map(|bound| bound.format("%m-%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn the_day_on_which_clocks_go_forward_has_23_hours() {
        let (from, to) = ("2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z");
        assert_eq!(bounds(Interval::Day, Tz::Europe__London, from, to), ["03-29T00:00", "03-29T23:00"]);
        assert_eq!(bounds(Interval::Hour, Tz::Europe__London, from, to).len(), 24);
        let quarters = bounds(Interval::SixHours, Tz::Europe__London, from, to);
        assert_eq!(quarters, ["03-29T00:00", "03-29T05:00", "03-29T11:00", "03-29T17:00", "03-29T23:00"]);
    }

    #[test]
    fn the_day_on_which_clocks_go_back_has_25_hours_and_shows_one_twice() {
        let (from, to) = ("2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z");
        assert_eq!(bounds(Interval::Day, Tz::Europe__London, from, to), ["10-24T23:00", "10-26T00:00"]);
        assert_eq!(bounds(Interval::Hour, Tz::Europe__London, from, to).len(), 26);
        assert_eq!(bounds(Interval::ThirtyMinutes, Tz::Europe__London, from, to).len(), 51);
        let first = bounds(Interval::ThreeHours, Tz::Europe__London, from, "2026-10-25T04:00:00Z");
        assert_eq!(first, ["10-24T23:00", "10-25T03:00", "10-25T06:00"], "four hours pass from midnight to three");
    }

    #[test]
    fn a_day_may_begin_after_midnight_or_not_at_all() {
        // Chile's clocks jump from 24:00 to 01:00; Samoa had no 30 December 2011.
        let chile = bounds(Interval::Day, Tz::America__Santiago, "2022-09-11T04:00:00Z", "2022-09-12T03:00:00Z");
        assert_eq!(chile, ["09-11T04:00", "09-12T03:00"]);
        let samoa = bounds(Interval::Day, Tz::Pacific__Apia, "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z");
        assert_eq!(samoa, ["12-29T10:00", "12-30T10:00", "12-31T10:00"]);
    }

    #[test]
    fn weeks_begin_on_monday_and_quarters_in_their_months() {
        let weeks = bounds(Interval::Week, Tz::UTC, "2026-11-25T10:00:00Z", "2026-12-01T00:00:00Z");
        assert_eq!(weeks, ["11-23T00:00", "11-30T00:00", "12-07T00:00"]);
        let quarters = bounds(Interval::Quarter, Tz::Asia__Kolkata, "2026-05-05T00:00:00Z", "2026-07-01T00:00:00Z");
        assert_eq!(quarters, ["03-31T18:30", "06-30T18:30", "09-30T18:30"]);
        let years = bounds(Interval::Year, Tz::UTC, "2024-02-29T00:00:00Z", "2026-01-01T00:00:00Z");
        assert_eq!(years, ["01-01T00:00", "01-01T00:00", "01-01T00:00"]);
    }

    #[test]
    fn too_many_buckets_are_refused_with_an_interval_that_fits() {
        let (from, to) = (at("2016-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        let refused = Interval::Hour.bounds(Tz::UTC, from, to, 10_000);
        let TooManyBuckets { about, shortest_fitting: fitting } = refused.expect_err("87,672 hours");
        assert_eq!((about, fitting), (87_673, Some(Interval::TwelveHours)));
        let forever = Interval::Year.bounds(Tz::UTC, at("0001-01-01T00:00:00Z"), at("9999-12-31T00:00:00Z"), 9999);
        assert_eq!(forever.expect("9999 years").len(), 10_000);
    }

    #[test]
    fn the_number_of_buckets_is_exact_where_clocks_change() {
        let fitting = |zone, from: &str, to: &str, max| {
            let (interval, bounds) =
                Interval::Minute.shortest_fitting(zone, at(from), at(to), max).expect("an interval");
            (interval, bounds.len() - 1)
        };
        let day = ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"];
        assert_eq!(fitting(Tz::Europe__Berlin, day[0], day[1], 23), (Interval::Hour, 23));
        assert_eq!(fitting(Tz::Europe__Berlin, day[0], day[1], 22), (Interval::ThreeHours, 8));
        assert_eq!(fitting(Tz::Europe__Berlin, day[0], day[1], 1), (Interval::Day, 1));
        let day = ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"];
        assert_eq!(fitting(Tz::Europe__Berlin, day[0], day[1], 25), (Interval::Hour, 25));
        assert_eq!(fitting(Tz::Europe__Berlin, day[0], day[1], 24), (Interval::ThreeHours, 8));
        // Clocks of Lord Howe go back by half an hour at 2:00, and forward to 2:30: one hour lasts an hour and a half.
        let day = ["2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"];
        assert_eq!(fitting(Tz::Australia__Lord_Howe, day[0], day[1], 49), (Interval::ThirtyMinutes, 49));
        assert_eq!(fitting(Tz::Australia__Lord_Howe, day[0], day[1], 24), (Interval::Hour, 24));
        let day = ["2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"];
        assert_eq!(fitting(Tz::Australia__Lord_Howe, day[0], day[1], 47), (Interval::ThirtyMinutes, 47));
        assert_eq!(fitting(Tz::Australia__Lord_Howe, day[0], day[1], 23), (Interval::Hour, 23));
    }

    #[test]
    fn no_interval_fits_a_span_longer_than_the_bucket_limit() {
        let (from, to) = (at("2020-06-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        let refused = Interval::Minute.shortest_fitting(Tz::UTC, from, to, 5).expect_err("six years");
        assert_eq!(refused, TooManyBuckets { about: 6, shortest_fitting: None });
    }

    proptest! {
        #[test]
        fn buckets_cover_the_span_and_begin_at_whole_multiples(
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice()),
            interval in proptest::sample::select(Interval::ALL.as_slice()),
            from in 946_684_800_i64..1_900_000_000,
            share in 0.0..1.0_f64,
        ) {
            let from = DateTime::from_timestamp(from, 0).expect("a time");
            let longest = match interval.length() {
                Length::Minutes(minutes) => f64::from(minutes) * 200.0,
                Length::Days(days) => f64::from(days) * 1440.0 * 100.0,
                Length::Months(months) => f64::from(months) * 43_200.0 * 30.0,
            };
            #[expect(clippy::cast_possible_truncation, reason = "any span will do")]
            let to = from + TimeDelta::seconds(1 + (share * longest * 60.0) as i64);
            let bounds = interval.bounds(zone, from, to, 10_000).expect("few buckets");
            prop_assert!(bounds.windows(2).all(|two| two[0] < two[1]));
            prop_assert!(bounds[0] <= from && from < bounds[1]);
            prop_assert!(bounds[bounds.len() - 2] < to && to <= bounds[bounds.len() - 1]);
            let max = bounds.len() - 1;
            let (chosen, _) = Interval::Minute.shortest_fitting(zone, from, to, max).expect("this one fits");
            prop_assert!(chosen <= interval);
            let shorter = Interval::ALL.into_iter().take_while(|&shorter| shorter < chosen).last();
            prop_assert!(shorter.is_none_or(|shorter| shorter.bounds(zone, from, to, max).is_err()));
            prop_assert!(max < 2 || interval.bounds(zone, from, to, max - 1).is_err());
            for &bound in &bounds {
                let day = bound.with_timezone(&zone).date_naive();
                if let Length::Minutes(minutes) = interval.length() {
                    let minute = (bound.with_timezone(&zone).naive_local() - day.and_time(NaiveTime::MIN)).num_minutes();
                    prop_assert!(minute % i64::from(minutes) == 0 || bound == start_of_day(zone, day));
                } else {
                    prop_assert_eq!(bound, start_of_day(zone, interval.first_day(day)));
                }
            }
        }
    }
}
