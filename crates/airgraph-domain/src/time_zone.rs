//! UTC offsets of a time zone of the IANA database.

use chrono::{DateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// The UTC offsets of a zone during a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Offsets {
    /// Times of the changes, ascending.
    pub changes: Vec<DateTime<Utc>>,
    /// Offsets in seconds before the first change, between the first and the second, and so on: one more than changes.
    pub seconds: Vec<i32>,
}

/// The offsets of a zone between two times. Changes that revert within a day are not detected.
#[must_use]
pub fn offsets(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Offsets {
    let offset = |time: DateTime<Utc>| zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc();
    let mut offsets = Offsets { changes: Vec::new(), seconds: vec![offset(from)] };
    let mut start = from;
    while start < to {
        let end = (start + TimeDelta::days(1)).min(to);
        if offset(end) != offset(start) {
            let (mut before, mut after) = (start, end);
            while after - before > TimeDelta::seconds(1) {
                let middle = before + (after - before) / 2;
                if offset(middle) == offset(start) { before = middle } else { after = middle }
            }
            // The change is at a whole second, the only one after `before`.
            offsets.changes.push(after - TimeDelta::nanoseconds(i64::from(after.timestamp_subsec_nanos())));
            offsets.seconds.push(offset(end));
        }
        start = end;
    }
    offsets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    #[test]
    fn both_changes_of_a_year_are_found_to_the_second() {
        let year = offsets(Tz::Europe__London, at("2026-01-01T00:00:00.5Z"), at("2027-01-01T00:00:00Z"));
        assert_eq!(year.changes, [at("2026-03-29T01:00:00Z"), at("2026-10-25T01:00:00Z")]);
        assert_eq!(year.seconds, [0, 3600, 0]);
    }

    proptest! {
        #[test]
        fn the_offset_at_any_moment_is_the_zones(
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice()),
            from in 946_684_800_i64..1_900_000_000,
            length in 0..40_000_000_i64,
            share in 0.0..1.0_f64,
        ) {
            let from = DateTime::from_timestamp(from, 0).expect("a time");
            let offsets = offsets(zone, from, from + TimeDelta::seconds(length));
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any moment will do")]
            let moment = from + TimeDelta::seconds((share * length as f64) as i64);
            let found = offsets.seconds[offsets.changes.partition_point(|&change| change <= moment)];
            prop_assert_eq!(found, zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc());
        }
    }
}
